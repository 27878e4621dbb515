//! The names for which certificates are ordered: DNS names, wildcards and IP addresses (RFC 8555, section 7.1.4; RFC
//! 8738).

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Serialize, Serializer};

use crate::object::Text;

/// One identifier of an order, in the normal form for comparisons: lower case, A-labels, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// A DNS name.
    Dns(Text),
    /// Every name one label below this one: `example.com` stands for `*.example.com`.
    Wildcard(Text),
    /// An IP address.
    Ip(IpAddr),
}

/// No certificate can be ordered for the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is neither a DNS name nor an IP address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Invalid(String),
    /// It stands for every host (`*` or empty).
    #[error("{0:?} means every host, which no certificate can cover")]
    Everything(String),
    /// An asterisk is not the whole first label.
    #[error("{0:?} has a star somewhere other than as its whole first label")]
    Star(String),
}

impl Name {
    /// The DNS name without the asterisk; `None` for an IP address.
    pub fn base(&self) -> Option<&str> {
        match self {
            Self::Dns(name) | Self::Wildcard(name) => Some(name),
            Self::Ip(_) => None,
        }
    }

    /// Whether it is a wildcard.
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Self::Wildcard(_))
    }

    /// Whether a certificate for this name is valid for `other` as well: the name itself, or a wildcard over one more
    /// label (RFC 9525, section 6.3).
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Wildcard(base), Self::Dns(name)) => name
                .split_once('.')
                .is_some_and(|(label, parent)| !label.is_empty() && parent == base.as_str()),
            _ => self == other,
        }
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads a host in the forms of people and routes: any case, U-labels, a trailing dot, brackets around IPv6
    /// addresses.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || crate::text::shorten(text, 300).into_owned();
        let bare = text.trim();
        if bare.is_empty() || bare == "*" {
            return Err(NameError::Everything(shown()));
        }
        if let Ok(address) = bare.trim_start_matches('[').trim_end_matches(']').parse() {
            return Ok(Self::Ip(address));
        }
        let (wildcard, rest) = bare.strip_prefix("*.").map_or((false, bare), |rest| (true, rest));
        if rest.contains('*') {
            return Err(NameError::Star(shown()));
        }
        if rest.len() > 1024 {
            return Err(NameError::Invalid(shown()));
        }
        let ascii = idna::domain_to_ascii(rest).map_err(|_| NameError::Invalid(shown()))?;
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.len() > 253 || !ascii.split('.').all(is_label) {
            return Err(NameError::Invalid(shown()));
        }
        Ok(if wildcard {
            Self::Wildcard(ascii.into())
        } else {
            Self::Dns(ascii.into())
        })
    }
}

/// Whether a text is a label of a host name: letters, digits, and hyphens inside. Underscores are permitted too,
/// because private CAs accept them.
fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

impl fmt::Display for Name {
    /// Writes `shop.example`, `*.shop.example`, `192.0.2.7`, `2001:db8::1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Wildcard(base) => write!(f, "*.{base}"),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        for (text, shown) in [
            ("Shop.Example.", "shop.example"),
            ("*.Shop.example", "*.shop.example"),
            ("müller.example", "xn--mller-kva.example"),
            ("192.0.2.7", "192.0.2.7"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("internal", "internal"),
        ] {
            assert_eq!(name(text).to_string(), shown);
        }
        for wrong in [
            "",
            "*",
            "*.",
            "a.*.b",
            "x*.b",
            "a..b",
            "-a.b",
            "a b",
            "http://a.b",
            "a/b",
        ] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label_and_not_its_own_base() {
        let wildcard = name("*.shop.example");
        assert!(wildcard.covers(&name("a.shop.example")));
        assert!(wildcard.covers(&wildcard));
        for other in ["shop.example", "a.b.shop.example", "*.a.shop.example", "ashop.example"] {
            assert!(!wildcard.covers(&name(other)), "{other}");
        }
        assert!(!name("a.shop.example").covers(&wildcard));
    }
}
