//! The trusted roots: Mozilla's, and those of `--ca-file`.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use rustls::pki_types::{CertificateDer, Der, TrustAnchor};

use super::{
    Bounds, IntermediateSource,
    pool::Known,
    rules::{self, Flaws, Role},
};
use crate::x509::{
    certificate::{CertificateError, Fingerprint, name_of, subject_key_id},
    der::{self, Outline},
    interner::Interner,
    pem::{self, PemError},
};

/// The largest file of roots that is read, in bytes; Mozilla's has 220 kB.
const FILE_CAP: usize = 16 << 20;
/// The largest root that is read, in bytes. Roots are not sent, so they may be larger than TLS permits.
const ROOT_CAP: usize = 1 << 20;

/// Why a file of roots cannot be used. The messages are fragments that fit "failed to read the roots of FILE: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// The file has no certificate.
    #[error("{0}")]
    Nothing(String),
    /// The file is too large.
    #[error(transparent)]
    TooLarge(PemError),
    /// A block is not valid PEM.
    #[error("PEM block {number} cannot be read")]
    Pem {
        /// The number of the block, from 1.
        number: usize,
        /// The error.
        #[source]
        error: PemError,
    },
    /// A block is not a valid certificate.
    #[error("certificate {number} cannot be read")]
    Certificate {
        /// The number of its PEM block, from 1.
        number: usize,
        /// The error.
        #[source]
        error: CertificateError,
    },
}

/// One root.
#[derive(Debug)]
pub(super) struct Anchor {
    subject: Der<'static>,
    key: Der<'static>,
    constraints: Option<Der<'static>>,
    /// The short form of its subject.
    pub(super) short: Arc<str>,
    /// Whether it is one of the public roots.
    pub(super) public: bool,
    /// Its subjectKeyIdentifier.
    pub(super) key_id: Option<Box<[u8]>>,
    /// Its validity.
    pub(super) bounds: Arc<Bounds>,
    /// Why clients would refuse it. Public roots have been accepted by all of them.
    pub(super) flaws: Flaws,
    /// How many intermediates it permits.
    pub(super) path_length: Option<usize>,
    der: Cow<'static, [u8]>,
}

impl Anchor {
    fn of(der: Cow<'static, [u8]>, public: bool) -> Option<Self> {
        let trusted = webpki::anchor_from_trusted_cert(&CertificateDer::from(&*der))
            .ok()?
            .to_owned();
        let outline = Outline::of(&der)?;
        let [not_before, not_after] = outline.validity.each_ref().map(der::moment);
        Some(Self {
            short: name_of(outline.subject).short,
            subject: trusted.subject,
            key: trusted.subject_public_key_info,
            constraints: trusted.name_constraints,
            public,
            key_id: subject_key_id(&outline).map(Into::into),
            bounds: Arc::new(Bounds {
                not_before: not_before?,
                not_after: not_after?,
                doubt: None,
            }),
            flaws: if public {
                Flaws::default()
            } else {
                rules::flaws(&outline, Role::Root)
            },
            path_length: rules::path_length(&outline),
            der,
        })
    }

    /// The parts of its certificate.
    pub(super) fn outline(&self) -> Option<Outline<'_>> {
        Outline::of(&self.der)
    }

    /// The form that webpki takes.
    pub(super) fn borrowed(&self) -> TrustAnchor<'_> {
        TrustAnchor {
            subject: Der::from_slice(&self.subject),
            subject_public_key_info: Der::from_slice(&self.key),
            name_constraints: self.constraints.as_ref().map(|c| Der::from_slice(c)),
        }
    }
}

type BySubject = HashMap<Box<[u8]>, Vec<Anchor>>;

/// Mozilla's roots, parsed when the first path is judged.
static PUBLIC: LazyLock<BySubject> = LazyLock::new(|| {
    let mut all = BySubject::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        if let Some(anchor) = Anchor::of(Cow::Borrowed(der.as_ref()), true) {
            all.entry(anchor.subject.as_ref().into()).or_default().push(anchor);
        }
    }
    all
});

/// The trusted roots. The default is none.
#[derive(Default)]
pub struct Anchors {
    public: bool,
    added: BySubject,
    /// The digests of all certificates of `--ca-file`: a leaf among them is trusted by equality.
    pub(super) listed: HashSet<Fingerprint>,
    /// The certificates of `--ca-file` that are not roots.
    pub(super) intermediates: Vec<Known>,
}

impl std::fmt::Debug for Anchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Anchors(public: {}, added: {})", self.public, self.listed.len())
    }
}

impl Anchors {
    /// The roots that Mozilla trusts for TLS servers.
    pub fn public() -> Self {
        Self {
            public: true,
            ..Self::default()
        }
    }

    /// Adds the certificates of a PEM file (`--ca-file`) and returns their number. Self-signed CAs become roots, the
    /// others known intermediates, and a leaf that is in the file is trusted itself. If there is an error, nothing is
    /// added.
    pub fn add_pem(&mut self, text: &[u8]) -> Result<usize, AnchorError> {
        if text.len() > FILE_CAP {
            let (size, cap) = (text.len(), FILE_CAP);
            return Err(AnchorError::TooLarge(PemError::TooLarge { size, cap }));
        }
        let mut interner = Interner::new();
        let mut read = Vec::new();
        for block in pem::blocks(text).filter(pem::Block::is_certificate) {
            let number = block.position + 1;
            let der = block
                .decode(ROOT_CAP)
                .map_err(|error| AnchorError::Pem { number, error })?;
            let certificate = interner
                .certificate(&der)
                .map_err(|error| AnchorError::Certificate { number, error })?;
            read.push(certificate);
        }
        if read.is_empty() {
            let why = match pem::blocks(text).next() {
                Some(_) => "there is no certificate in it".to_owned(),
                None => pem::why_no_block(text),
            };
            return Err(AnchorError::Nothing(why));
        }
        let count = read.len();
        for (certificate, der) in read {
            if !self.listed.insert(certificate.sha256) {
                continue;
            }
            // Version 1 roots have no extensions to mark them as a CA.
            let old = || Outline::of(&der).is_some_and(|outline| outline.version < 3);
            if certificate.self_signed && (certificate.is_ca || old()) {
                if let Some(anchor) = Anchor::of(Cow::Owned(der.to_vec()), false) {
                    self.added
                        .entry(anchor.subject.as_ref().into())
                        .or_default()
                        .push(anchor);
                }
            } else if !certificate.self_signed {
                self.intermediates.push(Known {
                    certificate,
                    der,
                    found: IntermediateSource::CaFile,
                });
            }
        }
        Ok(count)
    }

    /// Trusts a certificate as if it were a root, which it need not be: to judge a chain whose root is not known.
    pub fn take_for_root(&mut self, der: &[u8]) {
        if let Some(anchor) = Anchor::of(Cow::Owned(der.to_vec()), false) {
            let same = self.added.entry(anchor.subject.as_ref().into()).or_default();
            same.push(anchor);
        }
    }

    /// The roots with this subject (its DER without the outer SEQUENCE), those of `--ca-file` first.
    pub(super) fn by_subject(&self, subject: &[u8]) -> impl Iterator<Item = &Anchor> {
        let added = self.added.get(subject).into_iter().flatten();
        let public = self.public.then(|| PUBLIC.get(subject)).flatten();
        added.chain(public.into_iter().flatten())
    }
}
