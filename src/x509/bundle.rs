//! What a TLS Secret holds, parsed.

use std::sync::Arc;

use super::{certificate::Certificate, trust::Trust};

/// The state of the private key beside the certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// There is none, or it is empty.
    Missing,
    /// It is the leaf's.
    Matches,
    /// It can be read, and is not the leaf's.
    Differs,
    /// It is the key of the certificate at this position, which is not the first.
    OfPosition(usize),
    /// It is encrypted: no controller can use it.
    Encrypted,
    /// It cannot be read, and why.
    Invalid(String),
    /// It can be read, but there is no certificate to compare it with.
    NothingToCompare,
    /// It was not looked at (a certificate file or a served chain).
    NotAsked,
}

/// What `tls.crt` and `tls.key` hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The certificates that could be read, in the order of the file. Intermediates are shared between bundles.
    pub certificates: Vec<Arc<Certificate>>,
    /// What could not be read: the PEM block's position, and why.
    pub unreadable: Vec<(usize, String)>,
    /// The position of the leaf among `certificates`: the first, unless the key or CA flags say that it is another.
    pub leaf: Option<usize>,
    /// The private key.
    pub key: KeyState,
    /// Whether the certificates reach a trusted root.
    pub trust: Trust,
}

impl Bundle {
    /// The certificate that a server presents first if it repairs the order.
    pub fn leaf(&self) -> Option<&Arc<Certificate>> {
        self.certificates.get(self.leaf?)
    }

    /// The certificates other than the leaf, in the order of the file.
    pub fn chain(&self) -> impl Iterator<Item = (usize, &Arc<Certificate>)> {
        self.certificates
            .iter()
            .enumerate()
            .filter(move |(i, _)| Some(*i) != self.leaf)
    }
}
