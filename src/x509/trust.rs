//! Whether certificates reach a trusted root, regardless of dates. rustls-webpki verifies signatures and constraints.
//!
//! `anchors` has the roots, `pool` and `learned` have certificates that may complete a path, `path` queries webpki,
//! `rules` adds the requirements of clients that webpki lacks, `search` chooses the best of several paths, `memo`
//! remembers signatures, and `judge` turns the result into [`Trust`].

use std::sync::Arc;

use super::{der::Outline, octets::Octets};
use crate::object::{Key, Seconds, Text};

mod anchors;
mod judge;
mod learned;
mod memo;
mod path;
mod pool;
mod rules;
mod search;
mod undated;

pub use anchors::{AnchorError, Anchors};
pub use judge::Judge;
pub use memo::Memo;

/// Where a missing intermediate was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IntermediateSource {
    /// In another Secret of the cluster.
    Secret(Key),
    /// In a file given by `--ca-file`.
    CaFile,
    /// At this URL, which the certificate names and from which it was fetched.
    Fetched(Text),
    /// Not found. The certificate names this URL, from which nothing was fetched.
    Url(Text),
    /// Not found anywhere.
    Nowhere,
}

/// Why a path fails for a reason other than a missing or untrusted issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathError {
    /// A constraint, in words: path length, name constraints, missing CA flag, key usage.
    Constraint(String),
    /// A signature on the path was not made by its issuer.
    BadSignature,
    /// A signature on the path uses MD5, SHA-1 or another algorithm that is no longer accepted, which is named here.
    WeakSignature(String),
    /// TLS clients cannot use the certificate: version 1, an unknown critical extension, malformed DER.
    Unusable(String),
}

/// The clients that refuse a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clients {
    /// All clients.
    All,
    /// Programs written in Go; OpenSSL accepts it.
    Go,
    /// OpenSSL and programs based on it; Go accepts it.
    OpenSsl,
}

/// A rule of some clients that a path violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The clients that refuse it.
    pub by: Clients,
    /// The rule, in words.
    pub why: String,
}

/// The limits of trust in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The start of the root's validity, in seconds since 1970.
    pub not_before: Seconds,
    /// The last second of the root's validity, in seconds since 1970.
    pub not_after: Seconds,
    /// Why some clients refuse the path, if any do.
    pub doubt: Option<Doubt>,
}

/// Whether certificates reach a trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Not judged, because there is no leaf, or because its signatures have not been verified yet.
    NotJudged,
    /// The certificates reach a trusted root.
    Trusted {
        /// The short form of the root's subject.
        root: Arc<str>,
        /// Whether it is a public root rather than one of `--ca-file`.
        public: bool,
        /// The positions of the presented certificates on the path, from the leaf to the root.
        path: Octets,
        /// Whether the leaf itself is in `--ca-file`.
        by_equality: bool,
        /// The validity of the root, and the clients that refuse the path; `None` if there is no root. Shared by all
        /// certificates that reach it.
        bounds: Option<Arc<Bounds>>,
    },
    /// The certificates would reach a trusted root with one more certificate.
    MissingIntermediate {
        /// The subject of the missing certificate.
        issuer: Arc<str>,
        /// Where the missing certificate was found.
        found: IntermediateSource,
    },
    /// The certificates reach no trusted root.
    Untrusted {
        /// The issuer (RFC 4514) that is not trusted.
        issuer: Arc<str>,
        /// Whether that issuer is a root among the certificates.
        root_presented: bool,
        /// Whether a trusted root has the same name, but another key.
        namesake: bool,
    },
    /// The leaf is self-signed and not trusted.
    SelfSigned,
    /// There is a path, but it is refused.
    Refused(PathError),
}

/// Why Go and OpenSSL both refuse a leaf (DER), whatever its chain; `None` if one of them accepts it, or if it cannot be
/// read.
pub fn flaw_of_leaf(der: &[u8]) -> Option<String> {
    let flaws = rules::flaws(&Outline::of(der)?, rules::Role::Leaf);
    let why = flaws.go.filter(|_| flaws.openssl.is_some())?;
    Some(format!("the certificate itself {why}"))
}

#[cfg(test)]
mod tests;
