//! `account import`: the account of another client becomes ours.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretSlice};

use super::{Opened, ShownAccount, failed, report};
use crate::{
    acme::AccountKey,
    apply::{Api, Permits},
    cli::{args::issue::ImportArgs, ask::confirm, failure::Exit, note, print_text},
    object::{Key, Text},
    ops::{
        Context, OpError,
        files::read_file,
        foreign::{FoundKey, key_of_secret, unusable},
        named::one_secret,
    },
    settings::{account::import, value::DryRun},
    text::Clear,
    x509::pem,
};

pub(super) async fn run(command: &ImportArgs) -> Result<Exit, OpError> {
    let args = &command.account;
    let opened = Opened::of(args).await?;
    let (chosen, store) = (&opened.settings.chosen, &opened.store);
    let found = key(command, &opened.context).await?;
    let acme = opened.acme().await?;
    let waiting = opened.waiting();
    let foreign = import::find(&acme, chosen, store, &found.key).await.map_err(failed)?;
    drop(waiting);
    let (url, name, place) = (foreign.url(), opened.name(), &found.place);
    note(&format!(
        "{place} holds the key of the account {url} with {name}; the client that uses it loses the account"
    ));
    if command.dry_run != DryRun::None {
        let kept = store.place(acme.directory_url());
        let steps = [
            format!("would keep a new key in {kept} (dry run)"),
            format!("would replace the key of the account {url}, signed with the key in {place} (dry run)"),
        ];
        return print_text(&steps.map(|step| format!("{}\n", Clear(&step))).concat());
    }
    let question = format!("Take over the account {url}, and replace its key?");
    if !confirm(&question, args.yes)? {
        return Err(OpError::usage("nothing was changed"));
    }
    let _waiting = opened.waiting();
    let ready = import::take_over(&acme, chosen, store, &foreign)
        .await
        .map_err(failed)?;
    note(&format!(
        "the account with {name} has been taken over and has a new key; the client that uses {place} has lost it, and has to \
         register another"
    ));
    let mut shown = ShownAccount::of(&ready.kept, &opened.layers, store);
    shown.name = Some(name.to_owned());
    report(args, &shown)
}

/// The key of a file or a Secret.
async fn key(command: &ImportArgs, context: &Context) -> Result<FoundKey, OpError> {
    let word = command.key.as_str();
    if word.starts_with("./") || word.starts_with("../") || word.starts_with('/') {
        return of_file(Path::new(word));
    }
    let (namespace, name) = one_secret(
        word,
        command.namespace.as_deref(),
        "name the Secret that holds the account's key, or ./FILE",
    )?;
    of_secret(context, namespace.as_deref(), &name).await
}

fn of_file(path: &Path) -> Result<FoundKey, OpError> {
    let shown = path.display();
    let text = read_file(path, pem::KEY_CAP as u64)
        .map(SecretSlice::from)
        .map_err(|error| OpError::usage(format!("cannot read {shown}: {error}")))?;
    let key = AccountKey::of_other_client(text.expose_secret());
    let place = format!("file {shown}");
    Ok(FoundKey {
        key: key.map_err(|error| unusable(&place, &error))?,
        place,
    })
}

async fn of_secret(context: &Context, namespace: Option<&str>, name: &str) -> Result<FoundKey, OpError> {
    let connection = context.cluster.connection().await?;
    let key = Key::new(Text::from(namespace.unwrap_or(&connection.namespace)), name);
    let _waiting = context.front().wait_for_server(connection);
    key_of_secret(&Api::new(connection.clone(), Permits::none()), &key).await
}
