//! What many bundles have in common is parsed and kept once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::certificate::{Certificate, CertificateError, Fingerprint, Name};

/// The DER of one certificate; shared when the certificate is.
pub type Der = Arc<[u8]>;

/// How many CA certificates, and how many names, are kept: far beyond any cluster, and a bound for one that is hostile.
const CAP: usize = 20_000;
/// How many texts of CA certificates are kept, and how long one may be.
const TEXTS: usize = 16;
const LONGEST_TEXT: usize = 4096;

/// Shares issuers' names and whole CA certificates between bundles: ten thousand bundles with one intermediate parse it
/// once. Each thread that parses has its own.
#[derive(Debug, Default)]
pub struct Interner {
    certificates: HashMap<Fingerprint, (Arc<Certificate>, Der)>,
    names: HashMap<Box<[u8]>, Arc<Name>>,
    key_ids: HashSet<Arc<[u8]>>,
    texts: Vec<(Box<[u8]>, Arc<Certificate>, Der)>,
    oldest_text: usize,
}

impl Interner {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a certificate, or finds it by the digest of its DER. CA certificates are kept, leaves are not.
    pub fn certificate(&mut self, der: &[u8]) -> Result<(Arc<Certificate>, Der), CertificateError> {
        let sha256 = Fingerprint::of(der);
        if let Some((certificate, der)) = self.certificates.get(&sha256) {
            return Ok((certificate.clone(), der.clone()));
        }
        let certificate = Arc::new(super::certificate::read(der, sha256, self)?);
        let der = Der::from(der);
        if certificate.is_ca && self.certificates.len() < CAP {
            self.certificates.insert(sha256, (certificate.clone(), der.clone()));
        }
        Ok((certificate, der))
    }

    /// The certificate of a text that [`Self::remember`] was given, among the last few.
    pub(crate) fn of_text(&self, text: &[u8]) -> Option<(Arc<Certificate>, Der)> {
        let (_, certificate, der) = self.texts.iter().find(|(known, ..)| **known == *text)?;
        Some((certificate.clone(), der.clone()))
    }

    /// Remembers the text that a CA certificate was decoded from: bundle after bundle repeats it to the letter, and to
    /// compare it costs a hundredth of decoding it.
    pub(crate) fn remember(&mut self, text: &[u8], certificate: &Arc<Certificate>, der: &Der) {
        if !certificate.is_ca || text.len() > LONGEST_TEXT {
            return;
        }
        let known = (text.into(), certificate.clone(), der.clone());
        if self.texts.len() < TEXTS {
            self.texts.push(known);
        } else if let Some(oldest) = self.texts.get_mut(self.oldest_text) {
            *oldest = known;
            self.oldest_text = (self.oldest_text + 1) % TEXTS;
        }
    }

    /// The key identifier of an issuer, which all that it issued repeat.
    pub(crate) fn key_id(&mut self, id: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.key_ids.get(id) {
            return known.clone();
        }
        let id: Arc<[u8]> = id.into();
        if self.key_ids.len() < CAP {
            self.key_ids.insert(id.clone());
        }
        id
    }

    /// The name with this DER, formatted by `make` when it is new. It is kept when `keep` says that others will have
    /// it.
    pub(crate) fn name(&mut self, der: &[u8], keep: bool, make: impl FnOnce() -> Name) -> Arc<Name> {
        if let Some(name) = self.names.get(der) {
            return name.clone();
        }
        let name = Arc::new(make());
        if keep && self.names.len() < CAP {
            self.names.insert(der.into(), name.clone());
        }
        name
    }
}
