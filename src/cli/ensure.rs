//! `ensure`.

mod environment;

use std::path::{Path, PathBuf};

use crate::{
    apply::{
        Folder,
        age::{self, AgeError, Identity, Recipient},
    },
    cli::failure::Exit,
    engine::cancel::Cancel,
    file::{self, SMALL},
    name::{Name, NameError},
    ops::{OpError, ensure, issuance::Order, notify},
    settings::env,
    source::pairs::Pattern,
};

use super::{
    args::issue::EnsureCommand,
    note,
    renew::{context, ended},
};
use environment::Container;

/// `ensure`.
pub(super) async fn run(mut command: EnsureCommand, cancel: Cancel) -> Result<Exit, OpError> {
    if command.from_env {
        let read = Container::read(&env::process, &command)?;
        read.notes.iter().for_each(|line| note(line));
        read.complete(&mut command);
    }
    let request = request(&command)?;
    let context = context(&command.issue, cancel);
    let result = Box::pin(ensure::run(&request, &context)).await;
    notify::of_run(&request.order, &context, &result).await;
    ended(&result?)
}

fn request(command: &EnsureCommand) -> Result<ensure::Request, OpError> {
    let names: Result<Vec<Name>, NameError> = command.domains.iter().map(|host| host.parse()).collect();
    let mut order = command.issue.order()?;
    if let Some(keys) = &command.issue.how.store.secret_keys {
        // What is in them is what the Secret holds.
        let pattern = format!("certificate={},key={}", keys.certificate, keys.key);
        order.checks.secret_keys.extend(pattern.parse::<Pattern>());
    }
    seal(command, &mut order)?;
    command.notify.add_to(&mut order.flags)?;
    Ok(ensure::Request {
        // The parser, or the environment, has one.
        secret: command.secret.clone().unwrap_or_default(),
        names: names.map_err(OpError::usage)?,
        order,
    })
}

/// Says for whom manifests are encrypted, and who decrypts those that are there.
fn seal(command: &EnsureCommand, order: &mut Order) -> Result<(), OpError> {
    let recipients = recipients(&command.age_recipient, &command.age_recipients_file)?;
    let mut identities: Vec<Identity> = Vec::new();
    for file in &command.age_identity {
        identities.extend(of_file(file, "identities", age::identities)?);
    }
    if let Some(folder) = order.output_dir.take() {
        order.output_dir = Some(Folder {
            recipients,
            identities,
            ..folder
        });
    }
    Ok(())
}

/// For whom is encrypted.
pub(super) fn recipients(words: &[String], files: &[PathBuf]) -> Result<Vec<Recipient>, OpError> {
    let mut recipients: Vec<Recipient> = Vec::new();
    for text in words {
        recipients.push(text.parse().map_err(|error: AgeError| OpError::because(&error))?);
    }
    for file in files {
        recipients.extend(of_file(file, "recipients", age::recipients)?);
    }
    Ok(recipients)
}

fn of_file<T>(file: &Path, what: &str, read: fn(&str) -> Result<Vec<T>, AgeError>) -> Result<Vec<T>, OpError> {
    let failed = |error: &dyn std::fmt::Display| format!("cannot read the {what} in {}: {error}", file.display());
    let text = file::read_text(file, SMALL).map_err(|error| OpError::usage(failed(&error)))?;
    read(&text).map_err(|error| {
        let told = OpError::because(&error);
        OpError::usage(failed(&error)).hint_if(told.hint)
    })
}
