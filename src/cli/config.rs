//! `config`: the settings that count, what is wrong with them, and all that there are.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    cli::failure::Exit,
    document::yaml,
    engine::cancel::Cancel,
    error::Blame,
    ops::{Cluster, Context, OpError, trust::trusted},
    settings::{
        Settings, env,
        example::EXAMPLE,
        layer::{Layer, Origin},
        problems, source, trust,
        view::{self, SettingLine},
    },
    solve::dns01::config::Credential,
    text::Clear,
    x509::Anchors,
};

use super::{
    args::issue::{ConfigAction, ConfigCommand, ConfigViewArgs},
    browse, error_line,
    front::Terminal,
    note, print, warn,
};

pub(super) async fn run(command: ConfigCommand) -> Result<Exit, OpError> {
    match command.action {
        ConfigAction::View(args) => view(&args).await,
        ConfigAction::Check(args) => check(&args).await,
        ConfigAction::Example => print(EXAMPLE.as_bytes()),
    }
}

async fn read(args: &ConfigViewArgs) -> Result<Vec<Layer>, OpError> {
    let context = Context::new(
        Cluster::new(args.connection.options(), Terminal::telling()),
        args.settings.config(),
        Cancel::never(),
    );
    context.layers(Layer::empty(Origin::Flags)).await
}

async fn view(args: &ConfigViewArgs) -> Result<Exit, OpError> {
    let mut layers = read(args).await?;
    layers.push(view::built_in());
    let lines = view::lines(&layers);
    if args.output.as_deref() == Some("json") {
        let item = |line: &SettingLine| json!({"name": line.path, "value": line.value, "from": line.origin});
        let items: Vec<Value> = lines.iter().map(item).collect();
        return json_document(&json!({"apiVersion": "kubectl-certs/v1", "kind": "SettingList", "items": items}));
    }
    let text = |line: &SettingLine| format!("{}: {}", key(&line.path), value(&line.value));
    let widest = lines
        .iter()
        .map(|l| text(l).chars().count())
        .filter(|w| *w <= 60)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for line in &lines {
        let _ = writeln!(
            out,
            "{:widest$}  # {}",
            Clear(&text(line)).to_string(),
            Clear(&line.origin)
        );
    }
    print(out.as_bytes())
}

/// A key of YAML: quoted where a name in it is odd.
fn key(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        Value::from(path).to_string()
    }
}

/// JSON is YAML; a plain word needs no quotes.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/@+=".contains(c);
    let rest = text
        .split_once("://")
        .map_or(text.to_owned(), |(a, b)| format!("{a}{b}"));
    starts && rest.chars().all(plain) && !yaml::is_reserved(text)
}

async fn check(args: &ConfigViewArgs) -> Result<Exit, OpError> {
    let layers = read(args).await?;
    let mut exit = Exit::Ok;
    let mut told = Vec::new();
    let errors = Settings::of(&layers).err().into_iter().chain(problems(&layers));
    let screen = layers
        .iter()
        .flat_map(|layer| browse::settings::problems(&layer.file.tui));
    for failure in errors.map(|error| OpError::because(&error)).chain(screen) {
        // The chosen issuer is among all of them.
        if told.contains(&failure.message) {
            continue;
        }
        super::failed(&failure);
        exit = exit.max(failure.blame.into());
        told.push(failure.message);
    }
    let unknown = env::unknown(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    for (name, meant) in unknown {
        let meant = meant.map_or_else(String::new, |meant| format!("; the nearest is {meant}"));
        warn(&format!("no setting is called {name}{meant}"));
    }
    for (place, credential) in credentials(&layers) {
        let missing = match &credential {
            Credential::Env(name) => std::env::var_os(name).is_none_or(|value| value.is_empty()),
            Credential::File(path) => !path.is_file(),
            Credential::SecretRef(_) => false,
        };
        if missing {
            warn(&format!("{place}: {credential} cannot be found"));
        }
    }
    let stored = trust::of_storing(&layers);
    for root in trust::read_all(trust::entries(&layers)).into_iter().chain(stored) {
        let wrong = match root {
            Ok(root) => trusted(&mut Anchors::default(), &root).err(),
            Err(error) => Some(OpError::because(&error)),
        };
        if let Some(failure) = wrong {
            error_line(&failure.message);
            exit = exit.max(failure.blame.into());
        }
    }
    if exit != Exit::Ok {
        return Ok(exit);
    }
    let files: Vec<String> = layers
        .iter()
        .filter(|l| matches!(l.origin, Origin::File(_) | Origin::ConfigMap(_)))
        .map(|l| l.origin.to_string())
        .collect();
    if files.is_empty() {
        let (path, _) =
            source::path(args.settings.config.as_deref(), &env::process).map_err(|error| OpError::because(&error))?;
        note(&format!("there is no {}, and none is needed", path.display()));
        super::hint("`kubectl certs config example` shows every setting");
    } else {
        note(&format!("nothing is wrong with {}", files.join(" and ")));
    }
    Ok(Exit::Ok)
}

/// Every place of a credential, with what it is for.
fn credentials(layers: &[Layer]) -> Vec<(String, Credential)> {
    let mut found = Vec::new();
    for layer in layers {
        for (name, issuer) in &layer.file.issuers {
            let eab = issuer
                .eab
                .iter()
                .map(|eab| (format!("issuers.{name}.eab"), eab.key.clone()));
            found.extend(eab);
        }
        for entry in layer.file.dns01.providers.iter().flatten() {
            let of = |credential: &Credential| (format!("DNS provider {}", entry.name), credential.clone());
            found.extend(entry.provider.credentials().into_iter().map(of));
        }
    }
    found
}

/// Prints a JSON document.
pub(super) fn json_document(document: &Value) -> Result<Exit, OpError> {
    let mut text = serde_json::to_string_pretty(document).map_err(|error| OpError::new(Blame::Usage, error))?;
    text.push('\n');
    print(text.as_bytes())
}
