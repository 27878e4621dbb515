//! The hosts for which customers may ask: names below a public suffix that belong neither to the cluster nor to the
//! platform.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    name::Name,
    object::Text,
    policy::Pattern,
    x509::{public_suffix, registered_domain},
};

/// The most bytes of a name in DNS (RFC 1035, section 2.3.4), without the trailing dot.
const LONGEST: usize = 253;
/// Suffixes that only clusters, machines and private networks use. The public suffix list has none of them, or has them for
/// reverse lookups alone.
const INSIDE: &[&str] = &[
    "svc",
    "cluster.local",
    "local",
    "localhost",
    "internal",
    "arpa",
    "onion",
    "test",
    "invalid",
];

/// A host of a customer: lower-case A-labels without a trailing dot, below a public suffix. Several indexes of many hosts share each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<str>);

/// What the platform keeps for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// The platform's own names. A pattern without a star is for the name alone.
    pub own: Vec<Pattern>,
    /// The domain of the cluster, if it is not `cluster.local`.
    pub cluster: Option<Text>,
    /// Domains that belong to the platform with all names below them, in the form of [`Host`]: the name to which customers'
    /// records lead, and the zone of the challenges.
    pub reserved: Vec<Text>,
}

/// Why a text is no host of a customer. The messages fit "{text} is not accepted: ...", and quote nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than any name.
    #[error("it is longer than 253 characters")]
    TooLong,
    /// It has characters that no host name has, or empty or overlong labels.
    #[error(
        "it is no host name, which has letters, digits and hyphens in parts of at most 63 characters with dots between them"
    )]
    NotAName,
    /// It is an IP address.
    #[error("it is an IP address, and a name is needed")]
    Address,
    /// It has a star.
    #[error("it is a wildcard, and each host is registered by itself")]
    Wildcard,
    /// It has one label.
    #[error("it has no dot, so that it is no name on the Internet")]
    OneLabel,
    /// It belongs to a cluster or another private network.
    #[error("it is a name inside a cluster or a private network")]
    Inside,
    /// No registry has its suffix.
    #[error("its last part is no public domain")]
    NotPublic,
    /// It is a public suffix itself.
    #[error("it is a domain below which others register theirs, and nobody's own")]
    Suffix,
    /// It is one of the platform's own names.
    #[error("it is one of the platform's own names")]
    Own,
}

impl Host {
    /// Reads a host as customers and clients write it: in any case, with U-labels, with a trailing dot. Nothing is cut off
    /// or decoded, so that `a@b.example` and `a%2fb.example` are no hosts.
    ///
    /// # Errors
    ///
    /// Why nobody may ask for it.
    pub fn parse(text: &str, platform: &Platform) -> Result<Self, HostError> {
        let host = in_form(text)?;
        let name = host.as_str();
        let is_below = |suffix: &str| {
            name.strip_suffix(suffix)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let cluster = platform.cluster.as_deref().map(|name| name.trim_matches('.'));
        let inside = INSIDE.iter().copied().chain(cluster.filter(|name| !name.is_empty()));
        if inside.into_iter().any(is_below) {
            return Err(HostError::Inside);
        }
        let reserved = platform.reserved.iter().map(Text::as_str);
        if reserved.filter(|name| !name.is_empty()).any(is_below) || platform.own.iter().any(|own| own.is_for(name, ""))
        {
            return Err(HostError::Own);
        }
        let (_, section) = public_suffix(name).ok_or(HostError::NotAName)?;
        if section.is_none() {
            return Err(HostError::NotPublic);
        }
        if registered_domain(name).is_none() {
            return Err(HostError::Suffix);
        }
        Ok(host)
    }

    /// The name: lower case, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain that somebody registered, by which CAs count: the public suffix and one label.
    pub fn registered(&self) -> &str {
        registered_domain(&self.0).unwrap_or(&self.0)
    }

    /// Whether the host is a registered domain itself, which cannot have a CNAME record.
    pub fn is_apex(&self) -> bool {
        self.registered() == self.as_str()
    }
}

/// Judges the form alone.
fn in_form(text: &str) -> Result<Host, HostError> {
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    // U-labels are at most four times as long as the A-labels of which they are made.
    if text.len() > 4 * LONGEST {
        return Err(HostError::TooLong);
    }
    if text.contains('*') {
        return Err(HostError::Wildcard);
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    if is_address(bare) {
        return Err(HostError::Address);
    }
    // A second dot, and spaces of any script, would be cut off by what reads the name.
    if bare.ends_with('.') || bare.trim() != bare {
        return Err(HostError::NotAName);
    }
    if !bare
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || !c.is_ascii())
    {
        return Err(HostError::NotAName);
    }
    if bare.is_ascii() && bare.len() > LONGEST {
        return Err(HostError::TooLong);
    }
    let Ok(Name::Dns(name)) = bare.parse::<Name>() else {
        return Err(HostError::NotAName);
    };
    // Full-width letters, digits and dots are mapped to those of ASCII.
    if is_address(&name) {
        return Err(HostError::Address);
    }
    // No CA accepts two hyphens there unless they begin an A-label (RFC 5890, section 2.3.1).
    let is_reserved = |label: &str| label.get(2..4) == Some("--") && !label.starts_with("xn");
    let is_ldh = |label: &str| label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !is_reserved(label);
    if !name.split('.').all(is_ldh) {
        return Err(HostError::NotAName);
    }
    if !name.contains('.') {
        return Err(HostError::OneLabel);
    }
    Ok(Host(name.as_str().into()))
}

/// Whether a client might take a text for an IP address, in any spelling: `127.0.0.1`, `127.1`, `0x7f.1`, `2130706433`,
/// `[::1]` (WHATWG URL, section 3.5: a name whose last label is a number is an IPv4 address or nothing).
fn is_address(text: &str) -> bool {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.contains(':') {
        return bare.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let last = bare.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    let prefixed = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    !last.is_empty() && (last.bytes().all(|b| b.is_ascii_digit()) || prefixed.is_some_and(hexadecimal))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Host {
    type Err = HostError;

    /// Reads the name of a host that was accepted earlier, such as that of a store: only its form is judged.
    fn from_str(text: &str) -> Result<Self, HostError> {
        in_form(text)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
