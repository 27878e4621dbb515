//! What windows show and what is not in the picture of the cluster: YAML, PEM, users, certificates decoded.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use tokio::{
    sync::{mpsc, mpsc::UnboundedSender},
    task::JoinHandle,
};

use crate::{
    apply::{Api, Permits},
    error::Diagnose,
    inventory::Inventory,
    k8s::{Connection, consumers},
    object::{Change, Key, Kind, Object, Seconds, consumer::How},
    report::{
        Status,
        show::{Tone, User},
    },
    source::{manifests, pairs::DataKeys, scope::Scope},
    text::{clear, time},
    tui::{
        Message,
        item::ItemSubject,
        message::{StyledLines, Trouble},
        model::popup::WindowId,
    },
    x509::Certificate,
};

use super::super::{args::SourceArgs, show::users as users_of};

/// The data of a Secret that are no secret.
const PUBLIC: [&str; 2] = ["tls.crt", "ca.crt"];
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn plain(text: impl Into<String>) -> Vec<(Tone, String)> {
    vec![(Tone::Plain, text.into())]
}

fn needs_cluster() -> Trouble {
    Trouble::new("this needs a cluster: these are manifests")
}

async fn get(connection: Option<Connection>, of: &ItemSubject) -> Result<Value, Trouble> {
    let found = find(connection, of).await?;
    found.ok_or_else(|| Trouble::new(format!("there is no {} in {}", of.word(), of.key.namespace)))
}

/// The same; `None` where there is none.
async fn find(connection: Option<Connection>, of: &ItemSubject) -> Result<Option<Value>, Trouble> {
    let connection = connection.ok_or_else(needs_cluster)?;
    let api = Api::new(connection, Permits::none());
    let mut found = None;
    // An older cluster has only an older version.
    for resource in of.kind.row().resources() {
        found = api
            .get(resource, &of.key)
            .await
            .map_err(|error| Trouble::new(crate::error::chain(&error)).hint_if(error.hint()))?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// Whether there is a Secret.
pub(super) fn is_secret(connection: Option<Connection>, key: Key, sink: UnboundedSender<Message>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let of = ItemSubject {
            kind: Kind::Secret,
            key: key.clone(),
        };
        let is_there = find(connection, &of).await.map(|found| found.is_some());
        let _ = sink.send(Message::Secret { key, is_there });
    })
}

/// Takes away what must not be shown, and what nobody reads.
fn redacted(mut object: Value) -> Value {
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("managedFields");
    }
    if object["kind"] != "Secret" {
        return object;
    }
    // It may hold the data, keys included.
    if let Some(applied) = object["metadata"]["annotations"]
        .as_object_mut()
        .and_then(|a| a.get_mut(LAST_APPLIED))
    {
        *applied = "(not shown: it may hold keys)".into();
    }
    for field in ["data", "stringData"] {
        let Some(data) = object[field].as_object_mut() else {
            continue;
        };
        for (key, value) in data.iter_mut().filter(|(key, _)| !PUBLIC.contains(&key.as_str())) {
            let length = value.as_str().map_or(0, |text| {
                BASE64_STANDARD.decode(text).map_or(text.len(), |bytes| bytes.len())
            });
            log::debug!("the value of {key} is not shown");
            *value = format!("(not shown: {length} bytes)").into();
        }
    }
    object
}

/// An object as YAML, without its keys.
pub(super) fn yaml(
    connection: Option<Connection>,
    of: ItemSubject,
    window: WindowId,
    sink: UnboundedSender<Message>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let lines = get(connection, &of).await.map(|object| {
            let mut out = Vec::new();
            // A Vec takes every write.
            let _ = crate::document::yaml::write(&redacted(object), &mut out);
            let text = String::from_utf8_lossy(&out).into_owned();
            text.lines().map(yaml_line).collect()
        });
        let _ = sink.send(Message::Text { window, lines });
    })
}

/// A key and what follows it.
fn yaml_line(line: &str) -> Vec<(Tone, String)> {
    let line = clear(line);
    match line.split_once(": ") {
        Some((key, value)) if !key.trim_start().starts_with('"') => {
            vec![(Tone::Strong, format!("{key}: ")), (Tone::Plain, value.to_owned())]
        }
        _ if line.ends_with(':') => vec![(Tone::Strong, line.into_owned())],
        _ => plain(line.into_owned()),
    }
}

/// The Secrets of a subject.
pub(super) fn secrets_of(inventory: &Inventory, of: &ItemSubject) -> Vec<Key> {
    if of.kind == Kind::Secret {
        return vec![of.key.clone()];
    }
    let route = crate::inventory::RouteKey::new(of.kind, of.key.clone());
    let mut keys: Vec<Key> = inventory
        .bindings_of_route(&route)
        .flat_map(|binding| binding.secrets.iter().cloned())
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// PEM of a Secret's chain, without its key.
pub(super) fn pem(
    connection: Option<Connection>,
    secret: Option<Key>,
    sink: UnboundedSender<Message>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let text = async {
            let key = secret.ok_or_else(|| Trouble::new("it names no Secret"))?;
            let of = ItemSubject {
                kind: Kind::Secret,
                key,
            };
            let object = get(connection, &of).await?;
            let chain = object["data"]["tls.crt"].as_str().unwrap_or_default();
            let bytes = BASE64_STANDARD.decode(chain).unwrap_or_default();
            // Only certificates: whoever put a key beside them does not find it on the clipboard.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let certificates = certificates_of(&text);
            if certificates.is_empty() {
                return Err(Trouble::new(format!("there is no certificate in Secret {}", of.key)));
            }
            Ok(certificates)
        };
        let _ = sink.send(Message::Pem(text.await));
    })
}

/// The same of manifests, which are read once more: what was read keeps no PEM.
pub(super) fn pem_of_manifests(
    source: SourceArgs,
    data_keys: DataKeys,
    secret: Option<Key>,
    sink: UnboundedSender<Message>,
) -> JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        let _ = sink.send(Message::Pem(read_pem(&source, data_keys, secret)));
    })
}

fn read_pem(source: &SourceArgs, data_keys: DataKeys, secret: Option<Key>) -> Result<String, Trouble> {
    let key = secret.ok_or_else(|| Trouble::new("it names no Secret"))?;
    let scope = Scope {
        data_keys,
        ..Scope::everything()
    };
    let options = manifests::Options {
        recursive: source.recursive,
        default_namespace: source.namespace.first().map_or("default", String::as_str).into(),
        scope: &scope,
    };
    let mut certificates = String::new();
    manifests::read(&source.filename, &options, &mut std::io::empty(), &mut |change| {
        if let Change::Set(Object::Secret(found)) = change
            && found.meta.key() == key
        {
            let text = found.certificate.as_deref().map(String::from_utf8_lossy);
            certificates = certificates_of(&text.unwrap_or_default());
        }
    });
    if certificates.is_empty() {
        return Err(Trouble::new(format!("there is no certificate in Secret {key}")));
    }
    Ok(certificates)
}

/// The certificates of a PEM text.
fn certificates_of(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut out = String::new();
    for part in text.split(BEGIN).skip(1) {
        if let Some((body, _)) = part.split_once(END) {
            out.push_str(BEGIN);
            out.push_str(body);
            out.push_str(END);
            out.push('\n');
        }
    }
    out
}

/// Who uses the Secrets: routes and Certificates as they are known, Pods and workloads as the cluster says now.
pub(super) fn users(
    inventory: &Inventory,
    connection: Option<Connection>,
    of: &ItemSubject,
    window: WindowId,
    sink: UnboundedSender<Message>,
) -> JoinHandle<()> {
    let keys = secrets_of(inventory, of);
    let mut known: Vec<(Key, Vec<User>)> = keys
        .into_iter()
        .map(|key| (key.clone(), users_of(inventory, &key)))
        .collect();
    tokio::spawn(async move {
        let mut problem = None;
        if let Some(connection) = connection {
            let mut namespaces: Vec<_> = known.iter().map(|(key, _)| key.namespace.clone()).collect();
            namespaces.sort();
            namespaces.dedup();
            let (give, mut changes) = mpsc::channel(64);
            let listing = tokio::spawn(async move { consumers(&connection, Some(&namespaces), give).await });
            let mut inventory = Inventory::default();
            while let Some(change) = changes.recv().await {
                if let Change::Set(Object::Consumer(_)) = &change {
                    inventory.apply(change);
                }
            }
            inventory.derive();
            match listing.await {
                Ok(Ok(listing)) => {
                    problem = listing
                        .incomplete
                        .first()
                        .map(|(kind, error)| format!("cannot read {}: {}", kind.plural(), crate::error::chain(error)));
                }
                Ok(Err(error)) => problem = Some(crate::error::chain(&error)),
                Err(_) => {}
            }
            for (key, users) in &mut known {
                let more = users_of(&inventory, key);
                users.extend(more.into_iter().filter(|user| user.how.is_some()).collect::<Vec<_>>());
                users.dedup();
            }
        }
        let _ = sink.send(Message::Text {
            window,
            lines: Ok(users_lines(&known, problem)),
        });
    })
}

fn users_lines(known: &[(Key, Vec<User>)], problem: Option<String>) -> StyledLines {
    let mut lines: StyledLines = Vec::new();
    for (key, users) in known {
        lines.push(vec![(Tone::Strong, clear(&format!("Secret {key}")).into_owned())]);
        if users.is_empty() {
            lines.push(vec![(Tone::Dim, "  nothing uses it".to_owned())]);
        }
        for user in users {
            let how = match user.how {
                None => "",
                Some(How::SubPath) => "  by subPath: it does not see changes",
                Some(How::Environment) => "  by environment: it does not see changes",
                Some(_) => "  mounted",
            };
            let object = format!("  {} {}", user.object.kind.as_str(), user.object.key);
            let tone = if how.contains("does not") {
                Tone::Of(Status::Warning)
            } else {
                Tone::Dim
            };
            lines.push(vec![(Tone::Plain, clear(&object).into_owned()), (tone, how.to_owned())]);
        }
    }
    if let Some(problem) = problem {
        lines.push(vec![(Tone::Of(Status::Warning), clear(&problem).into_owned())]);
    }
    lines
}

/// The certificates of a subject's Secrets, field by field.
// As every other text that a window waits for.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn decoded(inventory: &Inventory, of: &ItemSubject, now: Seconds) -> Result<StyledLines, Trouble> {
    let mut lines: StyledLines = Vec::new();
    for key in secrets_of(inventory, of) {
        lines.push(vec![(Tone::Strong, clear(&format!("Secret {key}")).into_owned())]);
        let Some(stored) = inventory.secrets().get(&key) else {
            lines.push(vec![(
                Tone::Of(Status::Critical),
                "  it does not exist, or cannot be read".to_owned(),
            )]);
            continue;
        };
        for (position, why) in &stored.bundle.unreadable {
            let text = format!("  block {}: {why}", position + 1);
            lines.push(vec![(Tone::Of(Status::Critical), clear(&text).into_owned())]);
        }
        for (position, certificate) in stored.bundle.certificates.iter().enumerate() {
            let leaf = stored.bundle.leaf == Some(position);
            one(position, certificate, leaf, now, &mut lines);
        }
        lines.push(Vec::new());
    }
    lines.pop();
    Ok(lines)
}

fn one(position: usize, certificate: &Certificate, leaf: bool, now: Seconds, lines: &mut StyledLines) {
    let role = match (leaf, certificate.self_signed, certificate.is_ca) {
        (true, ..) => "leaf",
        (_, true, _) => "root",
        (_, _, true) => "intermediate",
        _ => "certificate",
    };
    lines.push(vec![(Tone::Strong, format!("  {}. {role}", position + 1))]);
    let mut field = |label: &str, value: String, tone: Tone| {
        lines.push(vec![
            (Tone::Dim, format!("     {label:<14} ")),
            (tone, clear(&value).into_owned()),
        ]);
    };
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            // A String takes every write.
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    field("subject", certificate.subject_or_none().into_owned(), Tone::Plain);
    field("issuer", certificate.issuer.full.to_string(), Tone::Plain);
    field("serial", certificate.serial.to_string(), Tone::Plain);
    let dates = if now < certificate.not_before || now >= certificate.not_after {
        Tone::Of(Status::Critical)
    } else {
        Tone::Plain
    };
    field("not before", time::date_time(certificate.not_before), dates);
    field("not after", time::date_time(certificate.not_after), dates);
    field("key", certificate.key.to_string(), Tone::Plain);
    let weak = if certificate.weak_signature {
        Tone::Of(Status::Critical)
    } else {
        Tone::Plain
    };
    field("signature", certificate.signature.to_owned(), weak);
    for (i, name) in certificate.names.iter().enumerate() {
        field(if i == 0 { "names" } else { "" }, name.to_string(), Tone::Plain);
    }
    field(
        "CA",
        if certificate.is_ca { "yes" } else { "no" }.to_owned(),
        Tone::Plain,
    );
    let usage = &certificate.usage;
    let usages = [(usage.server_auth, "server"), (usage.client_auth, "client")];
    let usages: Vec<&str> = usages.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
    if !usages.is_empty() {
        field("usage", usages.join(", "), Tone::Plain);
    }
    if certificate.must_staple {
        field("must staple", "yes".to_owned(), Tone::Plain);
    }
    if let Some(id) = &certificate.authority_key_id {
        field("authority key", hex(id), Tone::Plain);
    }
    field("SHA-256", hex(&certificate.sha256.0), Tone::Plain);
    field("key SHA-256", hex(&certificate.key_sha256.0), Tone::Plain);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_key_is_shown_and_the_certificate_is() {
        let object = json!({
            "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": "web-tls", "managedFields": [{}], "annotations": {LAST_APPLIED: "{\"data\":{\"tls.key\":\"S2V5\"}}", "a": "b"}},
            "data": {"tls.crt": "Q2VydA==", "tls.key": "S2V5", "keystore.p12": "S2V5c3RvcmU="},
            "stringData": {"password": "hunter2"},
        });
        let text = redacted(object).to_string();
        for secret in ["S2V5", "hunter2", "managedFields"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(
            text.contains("Q2VydA==") && text.contains("(not shown: 3 bytes)") && text.contains("\"a\":\"b\""),
            "{text}"
        );
    }

    #[test]
    fn only_certificates_are_copied() {
        let block = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
        let text = format!(
            "{}{}{}",
            block("PRIVATE KEY"),
            block("CERTIFICATE"),
            block("EC PRIVATE KEY")
        );
        assert_eq!(certificates_of(&text), block("CERTIFICATE"));
        assert_eq!(certificates_of("-----BEGIN CERTIFICATE-----\nAAAA"), "");
    }
}
