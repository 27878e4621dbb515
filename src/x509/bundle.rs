//! The parsed contents of a TLS Secret.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};

use super::{
    certificate::{Certificate, CertificateError},
    der::Outline,
    interner::{Der, Interner},
    key,
    pem::{self, Block},
    readers::{self, Objection, Part, ReadBlock, Readers},
    trust::{Memo, Trust},
};

/// The state of the private key beside the certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// There is no key, or it is empty.
    Missing,
    /// It is the key of the leaf.
    Matches,
    /// It can be read, but is not the key of the leaf.
    Differs,
    /// It is the key of the certificate at this position, which is not the first.
    OfPosition(usize),
    /// It is encrypted, so that no controller can use it.
    Encrypted,
    /// It cannot be read, for this reason.
    Invalid(String),
    /// It can be read, but there is no certificate to compare it with.
    NothingToCompare,
    /// It was not examined (a certificate file or a served chain).
    NotAsked,
}

/// The contents of `tls.crt` and `tls.key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The readable certificates in the order of the file. Intermediates are shared between bundles.
    pub certificates: Vec<Arc<Certificate>>,
    /// The unreadable PEM blocks, each with its position and the reason.
    pub unreadable: Vec<(usize, String)>,
    /// The position of the leaf among `certificates`: the first one, unless the key or CA flags show that it is
    /// another.
    pub leaf: Option<usize>,
    /// The private key.
    pub key: KeyState,
    /// Deviations that some programs read differently or refuse; empty for nearly every bundle.
    pub objections: Box<[Objection]>,
    /// Whether the certificates reach a trusted root.
    pub trust: Trust,
}

impl Bundle {
    /// The certificate that a server sends first if it repairs the order.
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

/// A bundle with the DER of its certificates, which is needed again to judge trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The bundle, whose trust has not been judged.
    pub bundle: Bundle,
    /// The DER of `bundle.certificates`, in the same order.
    pub der: Vec<Der>,
}

/// Parses the bytes of `tls.crt` and `tls.key`. The bundle records what is absent, empty or unreadable.
pub fn parse(certificate: Option<&[u8]>, key: Option<&SecretSlice<u8>>, interner: &mut Interner) -> Parsed {
    parse_with(certificate, key, interner, None)
}

/// Like [`parse`], with a memory of keys that were found to be consistent.
pub fn parse_with(
    certificate: Option<&[u8]>,
    key: Option<&SecretSlice<u8>>,
    interner: &mut Interner,
    memo: Option<&Memo>,
) -> Parsed {
    let mut pile = Pile::default();
    let text = certificate.unwrap_or_default();
    pile.read_pem(text, pem::BUNDLE_CAP, interner);
    let key = key.map_or_else(key::KeyReading::default, |key| key::read(key.expose_secret(), memo));
    pile.finish(text, Some(key))
}

/// Parses the certificates that a server sent, the leaf first. At most [`pem::COUNT_CAP`] of them are read.
pub fn parse_chain(ders: &[impl AsRef<[u8]>], interner: &mut Interner) -> Parsed {
    let mut pile = Pile::default();
    for (position, der) in ders.iter().enumerate() {
        if !pile.read_der(position, der.as_ref(), interner) {
            break;
        }
    }
    pile.finish(&[], None)
}

/// Parses a file of certificates, PEM or DER, which may include a private key.
pub fn parse_file(contents: &[u8], interner: &mut Interner) -> Parsed {
    let mut pile = Pile {
        keys_allowed: true,
        ..Pile::default()
    };
    if contents.first() == Some(&super::der::SEQUENCE) && pem::blocks(contents).next().is_none() {
        let key = key::read_der(contents, None);
        if matches!(key, key::KeyContents::Key(_) | key::KeyContents::Encrypted) {
            return pile.finish(&[], Some(key.into()));
        }
        pile.read_der(0, contents, interner);
        return pile.finish(&[], None);
    }
    pile.read_pem(contents, pem::BUNDLE_CAP, interner);
    let key = match pem::blocks(contents).find(Block::is_private_key) {
        Some(_) => key::read_blocks(contents, None).ok().map(key::KeyReading::from),
        None => None,
    };
    pile.finish(contents, key)
}

/// What is wrong with the CA certificates beside a certificate and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaFault {
    /// It is not empty, but has no PEM block.
    NoBlock,
    /// One of its blocks is not a readable certificate.
    Unreadable,
}

/// Judges the bytes of a `ca.crt` as programs in Go do: every PEM block in it, of whatever kind, has to be a
/// certificate, and there has to be at least one (ingress-nginx v1.15, internal/net/ssl/ssl.go, `CheckCACert`). An
/// empty one is valid.
pub fn ca_fault(contents: &[u8], interner: &mut Interner) -> Option<CaFault> {
    if contents.is_empty() {
        return None;
    }
    let mut any = false;
    for block in pem::blocks(contents).take(CA_BLOCKS) {
        // A block that many Secrets share has been parsed already.
        if block.is_certificate() && interner.of_text(block.text()).is_some() {
            any = true;
            continue;
        }
        // Go's reader skips a block whose body is not base64.
        let Ok(der) = block.decode(pem::CERTIFICATE_CAP) else {
            continue;
        };
        any = true;
        if interner.certificate(&der).is_err() {
            return Some(CaFault::Unreadable);
        }
    }
    (!any).then_some(CaFault::NoBlock)
}

/// How many blocks of a `ca.crt` are examined: a bundle of all public roots has some 150.
const CA_BLOCKS: usize = 1000;

/// The state of reading the blocks of a text.
#[derive(Default)]
struct Pile {
    certificates: Vec<Arc<Certificate>>,
    der: Vec<Der>,
    /// The positions of the blocks from which `certificates` were read.
    places: Vec<u8>,
    unreadable: Vec<(usize, String)>,
    /// The position of the first block that claims to be a certificate and cannot be read.
    broken: Option<usize>,
    /// The positions of PEM blocks that hold no certificate.
    not_certificates: Vec<usize>,
    /// Whether the text is anything but plain PEM of certificates, so that the reading of each program has to be
    /// examined.
    odd: bool,
    keys_allowed: bool,
}

impl Pile {
    fn read_pem(&mut self, text: &[u8], cap: usize, interner: &mut Interner) {
        if text.trim_ascii().is_empty() {
            return;
        }
        if text.len() > cap {
            let error = pem::PemError::TooLarge { size: text.len(), cap };
            self.unreadable.push((0, error.to_string()));
            return;
        }
        let mut any = false;
        for block in pem::blocks(text) {
            any = true;
            if !self.read_block(&block, interner) {
                return;
            }
        }
        if !any {
            self.unreadable.push((0, pem::why_no_block(text)));
        }
    }

    /// Reads one block. Returns `false` when there are too many.
    fn read_block(&mut self, block: &Block<'_>, interner: &mut Interner) -> bool {
        self.odd |= !block.tidy || block.label != b"CERTIFICATE";
        if block.is_certificate() {
            // Only plain blocks are remembered.
            if let Some(known) = interner.of_text(block.text()) {
                return self.take(block.position, Ok(known));
            }
            let (der, tidy) = match block.decode_tidy(pem::CERTIFICATE_CAP) {
                Ok(decoded) => decoded,
                Err(error) => {
                    self.odd = true;
                    self.broken = self.broken.or(Some(block.position));
                    return self.refuse(block.position, error.to_string());
                }
            };
            self.odd |= !tidy;
            let read = interner.certificate(&der);
            if let Ok((certificate, der)) = &read
                && tidy
            {
                interner.remember(block.text(), certificate, der);
            }
            return self.take(block.position, read);
        }
        let why = match block.label {
            // nginx reads these blocks from the same file, and Go skips them.
            b"DH PARAMETERS" | b"EC PARAMETERS" => return true,
            _ if block.is_private_key() && self.keys_allowed => return true,
            _ if block.is_private_key() => "a private key among the certificates",
            b"TRUSTED CERTIFICATE" => {
                self.broken = self.broken.or(Some(block.position));
                "a certificate in OpenSSL's own format: convert it with openssl x509"
            }
            b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => "a certificate request, not a certificate",
            b"PKCS7" => "PKCS #7: convert it with openssl pkcs7 -print_certs",
            b"PUBLIC KEY" | b"RSA PUBLIC KEY" => "a public key, not a certificate",
            b"X509 CRL" => "a revocation list, not a certificate",
            _ => "not a certificate",
        };
        self.refuse(block.position, why.to_owned())
    }

    fn read_der(&mut self, position: usize, der: &[u8], interner: &mut Interner) -> bool {
        self.take(position, interner.certificate(der))
    }

    fn take(&mut self, position: usize, read: Result<(Arc<Certificate>, Der), CertificateError>) -> bool {
        if self.certificates.len() >= pem::COUNT_CAP {
            return self.refuse(position, too_many());
        }
        match read {
            Ok((certificate, der)) => {
                self.certificates.push(certificate);
                self.der.push(der);
                self.places.push(u8::try_from(position).unwrap_or(u8::MAX));
                true
            }
            Err(error) => {
                self.broken = self.broken.or(Some(position));
                self.not_certificates.push(position);
                self.refuse(position, error.to_string())
            }
        }
    }

    fn refuse(&mut self, position: usize, why: String) -> bool {
        // A file of rubbish blocks is reported once, like one with too many certificates.
        let room = self.unreadable.len() < pem::COUNT_CAP;
        let more = room && self.certificates.len() < pem::COUNT_CAP;
        self.unreadable.push((position, if room { why } else { too_many() }));
        more
    }

    /// Makes the bundle of what was read from `text`; `key` is `None` where no key was requested.
    fn finish(mut self, text: &[u8], key: Option<key::KeyReading>) -> Parsed {
        self.certificates.shrink_to_fit();
        let keys: Vec<&[u8]> = self
            .der
            .iter()
            .map(|der| Outline::of(der).map_or(&[][..], |o| o.public_key))
            .collect();
        let mut state = key
            .as_ref()
            .map_or(KeyState::NotAsked, |key| key::state(&key.read, &keys));
        let first = self.places.first().map_or(usize::MAX, |place| usize::from(*place));
        let mut leaf = leaf(&self.certificates, &state);
        if self.broken.is_some_and(|broken| broken < first) {
            leaf = instead_of_broken(&self.certificates, &mut state);
        }
        let mut objections = self.objections(text, leaf);
        objections.extend(key.and_then(|key| key.objection));
        Parsed {
            bundle: Bundle {
                certificates: self.certificates,
                unreadable: self.unreadable,
                leaf,
                key: state,
                objections: objections.into(),
                trust: Trust::NotJudged,
            },
            der: self.der,
        }
    }

    /// The position of a private key in `tls.crt` that does not match the first certificate. nginx takes the first key
    /// of a file.
    fn key_among(&self, text: &[u8]) -> Option<usize> {
        let block = pem::blocks(text)
            .find(Block::is_private_key)
            .filter(|_| !self.keys_allowed)?;
        let info = Outline::of(self.der.first()?)?.public_key;
        match key::read_blocks(text, None) {
            Ok(key::KeyContents::Key(half)) if half.is_in(info) => None,
            _ => Some(block.position),
        }
    }

    /// The objections of programs, in the order of the blocks.
    fn objections(&self, text: &[u8], leaf: Option<usize>) -> Vec<Objection> {
        let place_of = |position: usize| self.places.iter().position(|place| usize::from(*place) == position);
        let mut all = Vec::new();
        if self.odd {
            let seen: Vec<ReadBlock> = pem::blocks(text)
                .take(2 * pem::COUNT_CAP)
                .map(|block| {
                    let unread = self.unreadable.iter().find(|(position, _)| *position == block.position);
                    let mut seen = ReadBlock::of(&block);
                    seen.place = place_of(block.position).and_then(|place| u8::try_from(place).ok());
                    if let Some((_, why)) = unread {
                        seen.why = why.clone().into();
                    }
                    seen
                })
                .collect();
            let leaf = leaf.and_then(|at| self.certificates.get(at)).map(|leaf| leaf.sha256);
            let is_leaf =
                |place: u8| self.certificates.get(usize::from(place)).map(|c| c.sha256) == leaf && leaf.is_some();
            all = readers::of_text(text, &seen, is_leaf);
            all.extend(self.key_among(text).map(|position| {
                let why = "a private key that does not match the certificate comes before that of tls.key";
                Objection::new(Part::Block(position, None), Readers::ONE_FILE, why)
            }));
        }
        // If a block is PEM but not DER of a certificate, a server in Go still sends it, unless it is the first.
        for (position, why) in self.unreadable.iter().filter(|_| !text.is_empty()) {
            let told = |o: &&mut Objection| matches!(o.part, Part::Block(at, _) if at == *position);
            let known = all.iter_mut().find(told);
            if !self.not_certificates.contains(position) && (known.is_some() || !self.places.is_empty()) {
                continue;
            }
            let mut who = Readers::SERVERS.with(Readers::CLIENTS);
            if self.places.first().is_some_and(|first| usize::from(*first) < *position) {
                who = who.without(Readers::GO).without(Readers::INGRESS_NGINX);
            }
            match known {
                Some(objection) => objection.refuse = objection.refuse.with(who),
                None => all.push(Objection::new(Part::Block(*position, None), who, why.clone())),
            }
        }
        let block_of = |at: usize| self.places.get(at).map_or(at, |place| usize::from(*place));
        all.extend(readers::of_certificates(&self.certificates, &self.der, leaf, block_of));
        all
    }
}

fn too_many() -> String {
    format!("more than {} blocks: the rest was not read", pem::COUNT_CAP)
}

/// The certificate that matches the key, unless that is a CA beside others; otherwise the first that is not a CA;
/// otherwise the first.
fn leaf(certificates: &[Arc<Certificate>], key: &KeyState) -> Option<usize> {
    let first_leaf = certificates.iter().position(|c| !c.is_ca);
    let of_key = match key {
        KeyState::Matches => Some(0),
        KeyState::OfPosition(position) => Some(*position),
        _ => None,
    };
    of_key
        .filter(|at| first_leaf.is_none() || certificates.get(*at).is_some_and(|c| !c.is_ca))
        .or(first_leaf)
        .or_else(|| (!certificates.is_empty()).then_some(0))
}

/// The leaf if the first certificate cannot be read: none, unless the key matches another one. The certificates after
/// the first are its issuers, not the server's.
fn instead_of_broken(certificates: &[Arc<Certificate>], state: &mut KeyState) -> Option<usize> {
    let of_key = match state {
        KeyState::Matches => Some(0),
        KeyState::OfPosition(position) => Some(*position),
        _ => None,
    };
    let leaf = of_key.filter(|at| certificates.get(*at).is_some_and(|c| !c.is_ca));
    if leaf.is_none() && matches!(state, KeyState::Matches | KeyState::OfPosition(_) | KeyState::Differs) {
        *state = KeyState::NothingToCompare;
    }
    leaf
}

#[cfg(test)]
mod tests;
