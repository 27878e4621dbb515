//! Single values, which are read in the same way from a flag, the environment and the file.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    apply::KeyKind,
    name::Name,
    object::{Key, Text},
};

/// The value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {what}: write {form}")]
pub struct NotAValue {
    /// The given value, cut to 100 characters.
    pub value: String,
    /// What the value should be.
    pub what: &'static str,
    /// The expected form.
    pub form: Cow<'static, str>,
}

fn no(value: &str, what: &'static str, form: &'static str) -> NotAValue {
    NotAValue {
        value: crate::text::shorten(value, 100).into_owned(),
        what,
        form: Cow::Borrowed(form),
    }
}

/// Implements values that are words: the enum, its words, and its name in errors.
macro_rules! words {
    ($type:ty, $what:literal, $form:literal, $($word:literal => $value:ident),+) => {
        impl $type {
            /// The words, in the order in which they are listed.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }

        impl FromStr for $type {
            type Err = NotAValue;

            fn from_str(text: &str) -> Result<Self, NotAValue> {
                match text { $($word => Ok(Self::$value),)+ _ => Err(no(text, $what, $form)) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

mod allowance;
mod domains;
mod restart;
mod solver;
#[cfg(test)]
mod tests;

pub use allowance::Allowance;
pub use domains::{AskUrl, ListenAt, ServeWord, StoreWord};
pub use restart::{Restart, RestartWord, Workload, WorkloadKind};
pub use solver::{Label, SelfCheck, ServicePort, SolverKind, Toleration};

/// Whether steps are only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRun {
    /// The steps are carried out.
    #[default]
    None,
    /// The steps are printed.
    Client,
    /// The API server judges the steps, and persists nothing.
    Server,
}

words!(DryRun, "kind of dry run", "client, server or none", "none" => None, "client" => Client, "server" => Server);

/// A challenge that is chosen for every name. The others are chosen by what is configured for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeWord {
    /// By a TXT record that stays.
    DnsPersist01,
}

words!(ChallengeWord, "challenge that can be chosen", "dns-persist-01", "dns-persist-01" => DnsPersist01);

/// A domain, in the form that orders use: lower case, A-labels, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain(pub String);

impl FromStr for Domain {
    type Err = NotAValue;

    /// Reads a domain in any case, with U-labels and a trailing dot. A wildcard means its domain.
    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let name: Option<Name> = text.trim().parse().ok();
        let base = name.as_ref().and_then(Name::base);
        base.map(|base| Self(base.to_owned()))
            .ok_or_else(|| no(text, "domain", "shop.example"))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The data keys of a Secret for chain and private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKeys {
    /// The data key of the chain.
    pub certificate: String,
    /// The data key of the private key.
    pub key: String,
}

impl Default for SecretKeys {
    fn default() -> Self {
        Self {
            certificate: "tls.crt".to_owned(),
            key: "tls.key".to_owned(),
        }
    }
}

impl FromStr for SecretKeys {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let error = || no(text, "pair of a Secret's keys", "certificate=KEY,key=KEY");
        let (mut certificate, mut key) = (None, None);
        for part in text.split(',') {
            let (side, name) = part.split_once('=').ok_or_else(error)?;
            let valid = (1..=253).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let slot = match side.trim() {
                "certificate" if valid => &mut certificate,
                "key" if valid => &mut key,
                _ => return Err(error()),
            };
            if slot.replace(name.to_owned()).is_some() {
                return Err(error());
            }
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) if certificate != key => Ok(Self { certificate, key }),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate={},key={}", self.certificate, self.key)
    }
}

/// `NAMESPACE/NAME` of a Secret or a `ConfigMap`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespaced(pub Key);

impl FromStr for Namespaced {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        match text.split_once('/') {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => {
                Ok(Self(Key::new(Text::from(namespace), Text::from(name))))
            }
            _ => Err(no(text, "object", "NAMESPACE/NAME")),
        }
    }
}

impl fmt::Display for Namespaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameServer(pub SocketAddr);

impl FromStr for NameServer {
    type Err = NotAValue;

    /// Reads `IP` and `IP:PORT`. The default port is 53.
    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self(SocketAddr::new(ip, 53)));
        }
        text.parse()
            .map(Self)
            .map_err(|_| no(text, "name server", "192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"))
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address at which the cluster reaches this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised(pub SocketAddr);

impl FromStr for Advertised {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let read = text.parse::<SocketAddr>().ok();
        read.filter(|at| at.port() != 0 && !at.ip().is_unspecified() && !at.ip().is_loopback())
            .map(Self)
            .ok_or_else(|| no(text, "address that the cluster can reach", "192.0.2.7:8089"))
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A duration: `30d`, `12h`, `90s`, `250ms`, or 0. A number without a unit is refused, because it could mean seconds or
/// days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub Duration);

impl FromStr for Length {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        duration(text).map(Self).map_err(|_| {
            let wrong = no(text, "length of time", "2m, 90s or 250ms");
            if unitless(text) {
                NotAValue {
                    form: Cow::Owned(format!("{text}s")),
                    ..wrong
                }
            } else {
                wrong
            }
        })
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

/// Reads `30d`, `12h`, `90m`, `5s`, or 0. A number without a unit is refused, and seconds are suggested.
pub fn duration(text: &str) -> Result<Duration, String> {
    with_unit(text, "s")
}

/// The same, but days are suggested.
pub fn days(text: &str) -> Result<Duration, String> {
    with_unit(text, "d")
}

/// The same, but accepts a number without a unit as seconds, like kubectl's flag of the same name.
pub fn as_kubectl(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds.into())),
        Err(_) => duration(text),
    }
}

/// Whether a text is a number without a unit, other than 0.
fn unitless(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.bytes().any(|b| b.is_ascii_digit())
}

fn with_unit(text: &str, unit: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if unitless(text) {
        return Err(format!("{text} what? {text}{unit}"));
    }
    humantime::parse_duration(text).map_err(|e| format!("{e}; write it as 30d, 12h or 90s"))
}

/// Whether a text is the name of an object: a DNS subdomain (RFC 1123).
pub(crate) fn is_name(text: &str) -> bool {
    let label = |part: &str| {
        let bytes = part.as_bytes();
        !bytes.is_empty()
            && bytes
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_label_value(text: &str) -> bool {
    let inner = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    let outer = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.iter().all(inner) && outer(bytes.first()) && outer(bytes.last())
}

fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(a, b)| (Some(a), b));
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(is_name)
}

/// Implements types that are written as one text, in the file and in the output of `config view`.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                // Numbers too, which are seconds without a unit.
                let text = Scalar::deserialize(from)?.0;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    )+};
}

as_text!(
    Allowance,
    AskUrl,
    ChallengeWord,
    Domain,
    KeyKind,
    ListenAt,
    ServeWord,
    SolverKind,
    StoreWord,
    SelfCheck,
    Toleration,
    ServicePort,
    RestartWord,
    SecretKeys,
    Namespaced,
    NameServer,
    Advertised,
    Length
);

/// A text, or a number as text.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }
        from.deserialize_any(Visitor)
    }
}
