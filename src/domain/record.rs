//! What a store has of one host.

use std::{fmt, str::FromStr, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Host;
use crate::object::{Key, Seconds, Text};

/// What is known of one host. All moments are in seconds since 1970. Stores keep it as JSON, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The host.
    pub host: Host,
    /// Whose it is.
    pub tenant: Tenant,
    /// When it was registered.
    pub since: Seconds,
    /// What the application said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The answers of 404 at renewals, in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Marks>,
    /// When it was released: nothing is ordered any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Seconds>,
    /// Another tenant has asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// Why somebody has paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// What was last seen of it in DNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Looked>,
    /// The certificate that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// What became of the order that is under way, or of the last one if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderState>,
    /// What was last seen served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// When certificates were issued for it lately, where no kept pair says that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuances: Vec<Seconds>,
    /// When somebody has to look at it again.
    pub due: Seconds,
}

impl Record {
    /// A host that was registered now, of which nothing else is known. It is due at once.
    pub fn new(host: Host, tenant: Tenant, now: Seconds) -> Self {
        Self {
            host,
            tenant,
            since: now,
            asked: None,
            marks: None,
            released: None,
            moved: None,
            paused: None,
            dns: None,
            pair: None,
            order: None,
            served: None,
            issuances: Vec::new(),
            due: now,
        }
    }
}

/// Whose a host is: the namespace of its object, or the namespace of the `ServiceAccount` that registered it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Text);

/// A text is no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant has 1 to 63 lower-case letters, digits and hyphens, and no hyphen at its ends")]
pub struct TenantError;

impl Tenant {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tenant {
    type Err = TenantError;

    /// Reads a tenant: a DNS label, as a namespace is (RFC 1123).
    fn from_str(text: &str) -> Result<Self, TenantError> {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
        if fits && text.bytes().all(inside) {
            Ok(Self(text.into()))
        } else {
            Err(TenantError)
        }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Tenant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What the application said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// When it was asked.
    pub at: Seconds,
    /// What it said.
    #[serde(flatten)]
    pub said: Said,
    /// Whether it was told that a certificate is to be renewed.
    #[serde(default)]
    pub renewal: bool,
}

/// The application's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "why", rename_all = "camelCase")]
pub enum Said {
    /// 200: the host is a customer's.
    Yes,
    /// 404: it is nobody's.
    No,
    /// Anything else, or nothing: why.
    NotNow(String),
}

/// Answers of 404 for a host whose certificate was to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// When the first was given.
    pub first: Seconds,
    /// How many were given since, the first included.
    pub answers: u8,
}

/// Another tenant has asked for the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Who asked.
    pub to: Tenant,
    /// When it first asked.
    pub at: Seconds,
}

/// The type of a DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordKind {
    /// An IPv4 address.
    #[serde(rename = "A")]
    A,
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// Another name.
    #[serde(rename = "CNAME")]
    Cname,
    /// The addresses of another name, in whatever way a provider of DNS offers that for a registered domain: ALIAS, ANAME, or a
    /// flattened CNAME.
    #[serde(rename = "ALIAS")]
    Alias,
    /// A text.
    #[serde(rename = "TXT")]
    Txt,
}

impl RecordKind {
    /// The word of zone files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Alias => "ALIAS",
            Self::Txt => "TXT",
        }
    }
}

/// What a DNS record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// It leads clients to the platform, and the CA too.
    Traffic,
    /// It proves the name to the CA, whoever serves it.
    Challenge,
    /// It proves to the platform that the tenant controls the name.
    Ownership,
}

/// A DNS record that the customer sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToSet {
    /// What it is for.
    pub purpose: Purpose,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: RecordKind,
    /// Its name, without a trailing dot.
    pub name: Text,
    /// Its value, without a trailing dot or quotation marks.
    pub value: Text,
}

impl fmt::Display for ToSet {
    /// `_acme-challenge.shop.example. CNAME shop-example.challenge.platform.example.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, .. } = self;
        match self.kind {
            kind @ (RecordKind::Cname | RecordKind::Alias) => write!(f, "{name}. {} {value}.", kind.as_str()),
            RecordKind::Txt => write!(f, "{name}. TXT \"{value}\""),
            kind => write!(f, "{name}. {} {value}", kind.as_str()),
        }
    }
}

/// What was seen in DNS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// When.
    pub at: Seconds,
    /// The name server that was asked; empty if none could be.
    #[serde(default)]
    pub server: Text,
    /// Whether clients are led to the platform.
    pub traffic: bool,
    /// Whether a CA can be shown a proof in DNS, before clients are led to the platform.
    pub challenge: bool,
    /// Whether that proof is a record which stays (DNS-PERSIST-01).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standing: bool,
    /// For how many seconds resolvers remember that the host has no address, where its zone says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Seconds>,
    /// Whether the tenant has proved that it controls the name; `None` if that is not wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<bool>,
    /// The records that are missing: of several with one purpose one is enough, except for addresses. Those of traffic are among
    /// them, even if a certificate is possible without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ToSet>,
    /// What is there in their place, or why nothing could be seen; cleared of control characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

/// The certificate of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The start of its validity.
    pub not_before: Seconds,
    /// The end of its validity.
    pub not_after: Seconds,
    /// Its serial number in hexadecimal.
    pub serial: Text,
    /// The Secret that has it, if the cluster keeps it.
    #[serde(default, with = "secret_key", skip_serializing_if = "Option::is_none")]
    pub secret: Option<Key>,
    /// The pair itself, where the store keeps it. It is not part of the JSON.
    #[serde(skip)]
    pub material: Option<Arc<Material>>,
}

/// A chain and its key.
#[derive(Clone)]
pub struct Material {
    /// The chain in PEM, the leaf first.
    pub chain: String,
    /// The private key in PEM.
    pub key: SecretString,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.key.expose_secret() == other.key.expose_secret()
    }
}

impl Eq for Material {}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OrderState {
    /// The CA looks at the proof.
    Validating {
        /// Since when.
        since: Seconds,
    },
    /// The CA makes the certificate, or it is being stored.
    Issuing {
        /// Since when.
        since: Seconds,
    },
    /// It failed, and is tried again.
    Failed {
        /// When.
        at: Seconds,
        /// Why, for the customer; cleared of control characters.
        reason: String,
        /// What to do about it; empty if nothing has to be done.
        #[serde(default)]
        next: String,
        /// When it is tried again.
        until: Seconds,
    },
    /// A limit of the CA leaves nothing.
    Limited {
        /// Which.
        reason: String,
        /// When there is room.
        until: Seconds,
    },
    /// A rule of the platform keeps it from being ordered: the names policy, an owner, two a day.
    Blocked {
        /// Which, in words.
        reason: String,
    },
}

/// What was seen served for the host: the second light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    /// When.
    pub at: Seconds,
    /// Whether it was the certificate of [`Record::pair`].
    pub present: bool,
    /// What was seen otherwise: another certificate, or why there was none; cleared of control characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

/// `namespace/name`.
mod secret_key {
    use super::{Deserialize, Deserializer, Key, Serializer};

    #[allow(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(key: &Option<Key>, serializer: S) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => serializer.collect_str(key),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Key>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.split_once('/').map(|(namespace, name)| Key::new(namespace, name))))
    }
}
