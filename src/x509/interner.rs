//! Shares what many bundles have in common, so that it is parsed and stored only once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::certificate::{Certificate, CertificateError, Fingerprint, Name};

/// The DER of one certificate; shared if the certificate is.
pub type Der = Arc<[u8]>;

/// How many CA certificates, and how many names, are kept: more than any cluster has, and a bound for a hostile one.
const CAP: usize = 20_000;
/// How many PEM texts of CA certificates are kept, and how long each may be.
const TEXTS: usize = 16;
const LONGEST_TEXT: usize = 4096;

/// Shares the names of issuers and whole CA certificates between bundles: ten thousand bundles with one intermediate
/// parse it once. Each thread that parses has its own interner.
#[derive(Debug, Default)]
pub struct Interner {
    certificates: HashMap<Fingerprint, (Arc<Certificate>, Der)>,
    names: HashMap<Box<[u8]>, Arc<Name>>,
    key_ids: HashSet<Arc<[u8]>>,
    texts: Vec<(Box<[u8]>, Arc<Certificate>, Der)>,
    oldest_text: usize,
}

impl Interner {
    /// Makes an empty interner.
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

    /// The certificate of a text that was recently given to [`Self::remember`].
    pub(crate) fn of_text(&self, text: &[u8]) -> Option<(Arc<Certificate>, Der)> {
        let (_, certificate, der) = self.texts.iter().find(|(known, ..)| **known == *text)?;
        Some((certificate.clone(), der.clone()))
    }

    /// Remembers the text from which a CA certificate was decoded. Many bundles repeat it exactly, and a comparison
    /// costs a hundredth of decoding it.
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

    /// Shares the key identifier of an issuer, which all certificates that it issued repeat.
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

    /// The name with this DER, formatted by `make` if it is new. It is kept if `keep` says that other certificates will
    /// have it.
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
