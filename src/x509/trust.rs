//! Whether certificates reach a trusted root, whatever the date: signatures and constraints by rustls-webpki.
//!
//! `anchors` holds the roots, `pool` and `learned` the certificates that could complete a path, `path` asks webpki, `rules`
//! adds what clients ask besides, `search` takes the best of several paths, `memo` remembers signatures, and `judge` turns
//! the answer into [`Trust`].

use std::sync::Arc;

use super::octets::Octets;
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
    /// Among the known intermediates of public CAs.
    PublicCas,
    /// In a file given by `--ca-file`.
    CaFile,
    /// At this URL, which the certificate names: it was fetched.
    Fetched(Text),
    /// Not found; the certificate names this URL, which was not fetched.
    Url(Text),
    /// Nowhere.
    Nowhere,
}

/// Why a path fails for another reason than a missing or untrusted issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathError {
    /// Path length, name constraints, CA flag missing, key usage: in words.
    Constraint(String),
    /// A signature on the path is not its issuer's.
    BadSignature,
    /// A signature on the path uses MD5, SHA-1 or another algorithm that is no longer accepted: which.
    WeakSignature(String),
    /// The certificate cannot be used by a TLS client: version 1, an unknown critical extension, broken DER.
    Unusable(String),
}

/// Who refuses a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clients {
    /// All clients that matter.
    All,
    /// Programs written in Go; OpenSSL takes it.
    Go,
    /// OpenSSL and programs built on it; Go takes it.
    OpenSsl,
}

/// A rule that only some clients have, and that a path breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Who refuses it.
    pub by: Clients,
    /// Which rule, in words.
    pub why: String,
}

/// How far trust in a path goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The start of the root's validity.
    pub not_before: Seconds,
    /// The last second of the root's validity.
    pub not_after: Seconds,
    /// Why some clients refuse the path, where some do.
    pub doubt: Option<Doubt>,
}

/// Whether certificates reach a trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Not judged: there is no leaf, or its signatures have not been verified yet.
    NotJudged,
    /// They do.
    Trusted {
        /// The root's subject in short.
        root: Arc<str>,
        /// Whether it is one of the public roots rather than one of `--ca-file`.
        public: bool,
        /// The positions of the presented certificates that the path uses, the leaf's included, from leaf to root.
        path: Octets,
        /// The leaf itself is in `--ca-file`.
        by_equality: bool,
        /// When the root is valid, and who refuses the path all the same; `None` where there is no root. Shared by all
        /// that reach it.
        bounds: Option<Arc<Bounds>>,
    },
    /// They would, with one more certificate.
    MissingIntermediate {
        /// The subject of the missing certificate.
        issuer: Arc<str>,
        /// Where it was found.
        found: IntermediateSource,
    },
    /// They reach no trusted root.
    Untrusted {
        /// The issuer (RFC 4514) that is not trusted.
        issuer: Arc<str>,
        /// Whether that root is itself among the certificates.
        root_presented: bool,
        /// A trusted root has that name, and another key.
        namesake: bool,
    },
    /// The leaf is self-signed and not trusted.
    SelfSigned,
    /// A path is there, and is refused.
    Refused(PathError),
}

#[cfg(test)]
mod tests;
