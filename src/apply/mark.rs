//! The marks of this program's own objects: names, labels, annotations, and the run that created them.

use std::{
    fmt,
    hash::{BuildHasher, Hasher},
};

use crate::{
    k8s::Marked,
    object::{Key, Seconds, Text},
    text::date_time,
    x509::Fingerprint,
};
pub use crate::{
    k8s::{MANAGER, RUN, run_of, set},
    object::annotation::{EXPIRES, MADE_FOR as FOR, PURPOSE},
};

/// The label with the manager of an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The prefix of the names of temporary objects.
pub const PREFIX: &str = "kubectl-certs-";

/// The purpose of a temporary object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// The journal of an order in progress.
    Journal,
    /// The lock of a Secret.
    Lease,
    /// Answering challenges.
    Solver,
    /// A replaced certificate and key.
    Backup,
    /// Leading challenges to a program that goes on. Such objects stay.
    Standing,
    /// The present and the former certificate and key, for as long as a Secret is renewed.
    Kept,
    /// What a controller does with certificates that are not healthy. Such objects stay.
    State,
    /// What certificates that were taken over looked like before. Such objects stay.
    Adopted,
    /// Serving the hosts of customers, many with one object. Such objects stay.
    Chunk,
}

impl Purpose {
    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Lease => "lease",
            Self::Solver => "solver",
            Self::Backup => "backup",
            Self::Standing => "standing",
            Self::Kept => "kept",
            Self::State => "state",
            Self::Adopted => "adopted",
            Self::Chunk => "chunk",
        }
    }

    /// The prefix of the names of its objects, for a permit.
    pub fn prefix(self) -> String {
        format!("{PREFIX}{}-", self.as_str())
    }

    /// The name of the object for `identity`, at most 63 characters. The same identity always has the same name.
    pub fn name(self, identity: &str) -> Text {
        format!("{}{}", self.prefix(), short_hash(identity)).into()
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The letters of RFC 4648's base32 in lower case, all of which are valid in the name of an object.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Ten characters, which are 50 bits, of a text's SHA-256.
pub fn short_hash(text: &str) -> String {
    let digest = Fingerprint::of(text.as_bytes()).0;
    let number = digest.iter().take(8).fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
    letters(number)
}

fn letters(mut number: u64) -> String {
    let mut out = String::with_capacity(10);
    for _ in 0..10 {
        let index = usize::try_from(number & 31).unwrap_or(0);
        out.push(char::from(BASE32[index]));
        number >>= 5;
    }
    out
}

/// The id of one run of the program: ten letters that no other run has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunId(Text);

impl RunId {
    /// Generates an id. It is not secret: the system seeds the hasher of the standard library.
    pub fn random() -> Self {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        Self(letters(hasher.finish()).into())
    }

    /// Reads an id from a label; `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 10 && text.bytes().all(|b| BASE32.contains(&b))).then(|| Self(text.into()))
    }

    /// The value of the label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels and annotates an object as a temporary one of this run. Existing labels and annotations stay.
pub fn mark(object: &mut impl Marked, run: &RunId, purpose: Purpose, expires: Seconds, about: &Key) {
    mark_lasting(object, run, purpose, about);
    object.annotate(EXPIRES, &date_time(expires));
}

/// Like [`mark`], for an object that does not expire.
pub fn mark_lasting(object: &mut impl Marked, run: &RunId, purpose: Purpose, about: &Key) {
    object.label(MANAGED_BY, MANAGER);
    object.label(RUN, run.as_str());
    object.label(PURPOSE, purpose.as_str());
    object.annotate(FOR, &about.to_string());
}

/// The label selector for all temporary objects, or for those with one purpose.
pub fn selector(purpose: Option<Purpose>) -> String {
    match purpose {
        Some(purpose) => format!("{MANAGED_BY}={MANAGER},{PURPOSE}={purpose}"),
        None => format!("{MANAGED_BY}={MANAGER},{PURPOSE}"),
    }
}

/// The label selector for all objects that hold a pair which is or was in a Secret.
pub fn selector_of_pairs() -> String {
    format!(
        "{MANAGED_BY}={MANAGER},{PURPOSE} in ({},{})",
        Purpose::Backup,
        Purpose::Kept
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_the_same_for_the_same_and_fit() {
        let long = "a".repeat(300);
        assert_eq!(Purpose::Backup.name(&long), Purpose::Backup.name(&long));
        assert_ne!(Purpose::Backup.name("a"), Purpose::Backup.name("b"));
        for purpose in [
            Purpose::Journal,
            Purpose::Lease,
            Purpose::Solver,
            Purpose::Backup,
            Purpose::Standing,
            Purpose::Kept,
            Purpose::State,
            Purpose::Adopted,
            Purpose::Chunk,
        ] {
            let name = purpose.name(&long);
            assert!(name.len() <= 63 && crate::k8s::possible(&name), "{name}");
        }
    }

    #[test]
    fn runs_differ_and_are_read_back() {
        let (one, two) = (RunId::random(), RunId::random());
        assert_ne!(one, two);
        assert_eq!(RunId::parse(one.as_str()), Some(one));
        assert_eq!(RunId::parse("../../etc"), None);
    }

    #[test]
    fn a_marked_object_is_found_by_the_selector_and_keeps_what_it_had() {
        let mut object = json!({"metadata": {"name": "x", "labels": {"own": "1"}}});
        let run = RunId::random();
        mark(&mut object, &run, Purpose::Solver, 0, &Key::new("shop", "shop-tls"));
        assert_eq!(run_of(&object), Some(run.as_str()));
        assert_eq!(
            object["metadata"]["labels"],
            json!({"own": "1", MANAGED_BY: "kubectl-certs", RUN: run.as_str(), PURPOSE: "solver"})
        );
        assert_eq!(
            object["metadata"]["annotations"],
            json!({EXPIRES: "1970-01-01T00:00:00Z", FOR: "shop/shop-tls"})
        );
    }
}
