//! `show -o json` and `-o yaml`: the items of `status`, and the chains behind them.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    HeldCertificates, Presence, Probed, Show, ShowSubject,
    held::{role, trust},
};
#[cfg(test)]
use crate::report::schema;
use crate::{
    check::row::Status,
    object::{Key, Seconds},
    report::{
        item::{API_VERSION, Item, SecretName},
        json, yaml,
    },
    text::date_time,
    x509::{Certificate, KeyState, Trust},
};

/// The document's kind.
const KIND: &str = "Show";

/// In which form it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Writes what is shown as a document (docs/reference/schema.json). Errors are those of `out`.
pub fn write(show: &Show<'_>, now: Seconds, form: Form, out: &mut dyn Write) -> io::Result<()> {
    let document = Document::of(show, now);
    match form {
        Form::Json => json::pretty(&document, out),
        Form::Yaml => yaml::document(&document, out),
    }
}

/// The output of `kubectl certs show`: the schema has its fields beside those of a list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false)))]
#[serde(rename_all = "camelCase")]
pub(in crate::report) struct Document<'a> {
    #[cfg_attr(test, schemars(extend("const" = API_VERSION)))]
    api_version: &'static str,
    #[cfg_attr(test, schemars(extend("const" = KIND)))]
    kind: &'static str,
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    evaluated_at: String,
    /// Show: the subject. A File or Server has no namespace.
    subject: NamedObject<'a>,
    items: Vec<Item<'a>>,
    /// Show: the content of the Secrets, the file or the server.
    chains: Vec<Chain<'a>>,
    /// Show with a probe, or of a server: the answer of each address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    served: Vec<Served<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
struct NamedObject<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

/// What a Secret, a file or a server holds.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "chain"))]
#[serde(rename_all = "camelCase")]
struct Chain<'a> {
    /// Absent for a file or a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName<'a>>,
    #[cfg_attr(test, schemars(extend("enum" = ["read", "notFound", "forbidden"])))]
    presence: &'static str,
    /// The Secret's type.
    #[serde(skip_serializing_if = "str::is_empty")]
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["missing", "matches", "differs", "encrypted", "readable", "invalid"])))]
    private_key: Option<&'static str>,
    /// Whether it reaches a trusted root; null if that was not checked.
    trusted: Option<bool>,
    /// The same in words, which may change.
    trust: String,
    /// In the order in which they are stored or sent.
    certificates: Vec<CertificateItem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
struct Unreadable<'a> {
    #[cfg_attr(test, schemars(range(min = 1)))]
    position: usize,
    why: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "certificate"))]
#[serde(rename_all = "camelCase")]
struct CertificateItem<'a> {
    #[cfg_attr(test, schemars(extend("enum" = ["leaf", "intermediate", "root", "unneeded", "other"])))]
    role: &'static str,
    /// In the form of RFC 4514.
    subject: String,
    issuer: &'a str,
    serial: String,
    #[cfg_attr(test, schemars(extend("pattern" = schema::SHA256)))]
    sha256: String,
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    not_before: String,
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    not_after: String,
    names: Vec<String>,
    key_algorithm: String,
    signature_algorithm: &'a str,
    ca: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "served"))]
#[serde(rename_all = "camelCase")]
struct Served<'a> {
    address: &'a str,
    host: &'a str,
    /// Why it served nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// SHA-256 of the first certificate's DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Whether that is the stored one; absent if nothing is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_version: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn of(show: &'a Show<'a>, now: Seconds) -> Self {
        let (kind, namespace, name) = match show.subject {
            ShowSubject::Object { kind, namespace, name } => (kind.as_str(), namespace, name),
            ShowSubject::File { path } => ("File", "", path),
            ShowSubject::Server { at } => ("Server", "", at),
        };
        Self {
            api_version: API_VERSION,
            kind: KIND,
            evaluated_at: date_time(now),
            subject: NamedObject { kind, namespace, name },
            items: show
                .bindings
                .iter()
                .map(|binding| Item::new(&binding.row, now))
                .collect(),
            chains: show.held.iter().map(|held| chain(held, now)).collect(),
            served: show.served.iter().map(served).collect(),
        }
    }
}

fn chain<'a>(held: &'a HeldCertificates<'a>, now: Seconds) -> Chain<'a> {
    let (status, trust) = trust(held, now);
    Chain {
        secret: held
            .secret
            .map(|Key { namespace, name }| SecretName { namespace, name }),
        presence: match held.presence {
            Presence::Read => "read",
            Presence::NotFound => "notFound",
            Presence::Forbidden => "forbidden",
        },
        r#type: held.secret_type,
        private_key: match held.key {
            KeyState::NotAsked => None,
            KeyState::Missing => Some("missing"),
            KeyState::Matches => Some("matches"),
            KeyState::Differs | KeyState::OfPosition(_) => Some("differs"),
            KeyState::Encrypted => Some("encrypted"),
            KeyState::NothingToCompare => Some("readable"),
            KeyState::Invalid(_) => Some("invalid"),
        },
        trusted: match held.trust {
            Trust::NotJudged => None,
            // Not where its root has expired.
            Trust::Trusted { .. } => Some(status != Status::Critical),
            _ => Some(false),
        },
        trust: match held.presence {
            Presence::Read => trust,
            Presence::NotFound => "there is no such Secret".to_owned(),
            Presence::Forbidden => "it could not be read".to_owned(),
        },
        certificates: held
            .certificates
            .iter()
            .enumerate()
            .map(|(at, certificate)| item(role(held, at, certificate), certificate))
            .collect(),
        unreadable: held
            .unreadable
            .iter()
            .map(|(position, why)| Unreadable {
                position: position.saturating_add(1),
                why,
            })
            .collect(),
    }
}

fn item<'a>(role: &'static str, certificate: &'a Certificate) -> CertificateItem<'a> {
    CertificateItem {
        role,
        subject: certificate.subject().into_owned(),
        issuer: &certificate.issuer.full,
        serial: certificate.serial.to_string(),
        sha256: certificate.sha256.to_string(),
        not_before: date_time(certificate.not_before),
        not_after: date_time(certificate.not_after),
        names: certificate.names.iter().map(ToString::to_string).collect(),
        key_algorithm: certificate.key.to_string(),
        signature_algorithm: certificate.signature,
        ca: certificate.is_ca,
    }
}

fn served<'a>(probed: &'a Probed<'a>) -> Served<'a> {
    let shown = probed.outcome.as_ref().ok();
    Served {
        address: &probed.address,
        host: probed.host,
        error: probed.outcome.as_ref().err().map(String::as_str),
        sha256: shown.and_then(|shown| shown.leaf).map(|leaf| leaf.sha256.to_string()),
        stored: shown.and_then(|shown| shown.stored),
        tls_version: shown.map(|shown| shown.tls_version),
    }
}
