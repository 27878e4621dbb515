//! The data keys in which a Secret without `tls.crt` has a certificate and its key: those of known proxies, and those
//! that the user names.
//!
//! Values in all other data keys are never decoded, because most of them are passwords.

use std::sync::Arc;

use crate::{
    object::{Seconds, Text},
    text::{Glob, GlobError},
};

/// What a data key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The chain.
    Certificate,
    /// The private key.
    Key,
}

/// The data keys of proxies that read a Secret of their own format: `proxycert` and `proxykey` beside `dhparam` belong
/// to nginx-ssl-proxy (GoogleCloudPlatform/nginx-ssl-proxy, README: "Run an SSL Termination Proxy with a CLI").
const KNOWN: [(&str, &str); 1] = [("proxycert", "proxykey")];

/// A pair of data keys as globs: `certificate=*.pem,key=*.key`.
#[derive(Debug, Clone)]
pub struct Pattern {
    certificate: Glob,
    key: Glob,
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a pair of a Secret's keys; write it as certificate=GLOB,key=GLOB");
        let (mut certificate, mut key) = (None, None);
        for part in text.split(',') {
            let (side, glob) = part.split_once('=').ok_or_else(wrong)?;
            let slot = match side.trim() {
                "certificate" => &mut certificate,
                "key" => &mut key,
                _ => return Err(wrong()),
            };
            let glob = Some(glob)
                .filter(|glob| (1..=253).contains(&glob.len()))
                .ok_or_else(wrong)?;
            let matcher: Glob = glob.parse().map_err(|error: GlobError| error.to_string())?;
            if slot.replace(matcher).is_some() {
                return Err(wrong());
            }
        }
        let (certificate, key) = certificate.zip(key).ok_or_else(wrong)?;
        Ok(Self { certificate, key })
    }
}

/// The data keys in which certificates and keys are read: those of the known proxies, and those that the user names.
/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct DataKeys {
    named: Arc<[Pattern]>,
}

/// The kind of name by which a data key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A data key of another program's own, or one that the user names. It counts if there is no `tls.crt`.
    OwnName,
    /// `tls.crt` or `tls.key`.
    TlsName,
}

impl DataKeys {
    /// The known data keys together with these.
    pub fn also(named: Vec<Pattern>) -> Self {
        Self { named: named.into() }
    }

    /// Whether the user has named any data keys.
    pub fn any_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// What a data key holds, and by which kind of name.
    pub fn part(&self, data_key: &str) -> Option<(By, Slot)> {
        match data_key {
            "tls.crt" => Some((By::TlsName, Slot::Certificate)),
            "tls.key" => Some((By::TlsName, Slot::Key)),
            _ => self.slot(data_key).map(|slot| (By::OwnName, slot)),
        }
    }

    /// What a data key other than `tls.crt` and `tls.key` holds.
    pub fn slot(&self, data_key: &str) -> Option<Slot> {
        for (certificate, key) in KNOWN {
            if data_key == certificate {
                return Some(Slot::Certificate);
            }
            if data_key == key {
                return Some(Slot::Key);
            }
        }
        // A glob such as `*` may match both; the first match is a certificate.
        self.named.iter().find_map(|pattern| {
            if pattern.certificate.is_match(data_key) {
                Some(Slot::Certificate)
            } else {
                pattern.key.is_match(data_key).then_some(Slot::Key)
            }
        })
    }
}

/// When a certificate and its key last changed, according to the managers of their data keys. If there are managers of
/// `tls.crt` or `tls.key`, only those count.
#[derive(Debug, Default)]
pub struct LastChange {
    by: Option<By>,
    at: Option<Seconds>,
}

impl LastChange {
    /// Records when a data key with this kind of name changed.
    pub fn note(&mut self, by: By, at: Option<Seconds>) {
        if self.by < Some(by) {
            (self.by, self.at) = (Some(by), at);
        } else if self.by == Some(by) {
            self.at = self.at.max(at);
        }
    }

    /// The newest of the recorded times, in seconds since 1970.
    pub fn at(&self) -> Option<Seconds> {
        self.at
    }
}

/// A value and its data key.
pub type Named<B> = (Text, B);

/// The certificate and key of a Secret without `tls.crt`, collected while its entries are read: the first of each, by
/// name.
#[derive(Debug)]
pub struct Found<B> {
    sides: [Option<Named<B>>; 2],
}

impl<B> Default for Found<B> {
    fn default() -> Self {
        Self { sides: [None, None] }
    }
}

impl<B> Found<B> {
    /// Adds the value of a data key.
    pub fn put(&mut self, slot: Slot, data_key: Text, value: B) {
        let side = &mut self.sides[usize::from(slot == Slot::Key)];
        if side.as_ref().is_none_or(|(present, _)| data_key < *present) {
            *side = Some((data_key, value));
        }
    }

    /// The certificate and the key, each with its name; `None` if there is no certificate.
    pub fn pair(self) -> Option<(Named<B>, Option<Named<B>>)> {
        let [certificate, key] = self.sides;
        certificate.map(|certificate| (certificate, key))
    }

    /// Overrides these entries with those of another map of the same Secret.
    #[must_use]
    pub fn under(mut self, over: Self) -> Self {
        for (side, other) in self.sides.iter_mut().zip(over.sides) {
            if other.is_some() {
                *side = other;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_named_keys_are_told_and_nothing_else() {
        let named = DataKeys::also(vec!["certificate=*.pem,key=*-key".parse().expect("a pair")]);
        for (data_key, slot) in [
            ("proxycert", Some(Slot::Certificate)),
            ("proxykey", Some(Slot::Key)),
            ("site.pem", Some(Slot::Certificate)),
            ("site-key", Some(Slot::Key)),
            ("dhparam", None),
            ("password", None),
            ("tls.crt", None),
        ] {
            assert_eq!(named.slot(data_key), slot, "{data_key}");
        }
        assert_eq!(DataKeys::default().slot("site.pem"), None);
        assert!(named.any_named() && !DataKeys::default().any_named());
    }

    #[test]
    fn one_rule_says_what_a_data_key_holds_and_tls_names_go_first() {
        for (data_key, expected) in [
            ("tls.crt", Some((By::TlsName, Slot::Certificate))),
            ("tls.key", Some((By::TlsName, Slot::Key))),
            ("proxycert", Some((By::OwnName, Slot::Certificate))),
            ("proxykey", Some((By::OwnName, Slot::Key))),
            ("ca.crt", None),
        ] {
            assert_eq!(DataKeys::default().part(data_key), expected, "{data_key}");
        }
        let mut change = LastChange::default();
        assert_eq!(change.at(), None);
        change.note(By::OwnName, Some(3));
        change.note(By::OwnName, Some(2));
        assert_eq!(change.at(), Some(3));
        change.note(By::TlsName, Some(1));
        change.note(By::OwnName, Some(4));
        assert_eq!(change.at(), Some(1), "a Secret with tls.crt is read by no other name");
    }

    #[test]
    fn a_pair_of_globs_names_both_sides_once() {
        for wrong in [
            "",
            "a",
            "certificate=a",
            "key=a,key=b",
            "certificate=,key=b",
            "certificate=[,key=b",
            "x=a,key=b",
        ] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_several_the_first_name_counts_and_a_key_alone_is_no_pair() {
        let mut found = Found::default();
        found.put(Slot::Key, "k".into(), 1);
        assert!(found.pair().is_none());
        let mut found = Found::default();
        found.put(Slot::Certificate, "b".into(), 1);
        found.put(Slot::Certificate, "a".into(), 2);
        let ((name, value), key) = found.pair().expect("a certificate");
        assert_eq!((name.as_str(), value, key.is_none()), ("a", 2, true));
    }
}
