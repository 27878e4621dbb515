//! What a TLS Secret holds, parsed.

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
    /// What is not read alike by all programs, or refused by some; empty for nearly every bundle.
    pub objections: Box<[Objection]>,
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

/// A bundle and the DER of its certificates, which is needed once more, to judge trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The bundle; its trust is not judged.
    pub bundle: Bundle,
    /// The DER of `bundle.certificates`, in the same order.
    pub der: Vec<Der>,
}

/// Parses the bytes of `tls.crt` and `tls.key`. What is absent or empty is so in the bundle; what cannot be read is
/// said in it.
pub fn parse(certificate: Option<&[u8]>, key: Option<&SecretSlice<u8>>, interner: &mut Interner) -> Parsed {
    parse_with(certificate, key, interner, None)
}

/// The same, with what is remembered of keys that were found to be whole.
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

/// Parses the certificates that a server presented, the leaf first. At most [`pem::COUNT_CAP`] are read.
pub fn parse_chain(ders: &[impl AsRef<[u8]>], interner: &mut Interner) -> Parsed {
    let mut pile = Pile::default();
    for (position, der) in ders.iter().enumerate() {
        if !pile.read_der(position, der.as_ref(), interner) {
            break;
        }
    }
    pile.finish(&[], None)
}

/// Parses a file of certificates, PEM or DER, with or without a private key among them.
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
    /// It holds something, and no PEM block.
    NoBlock,
    /// One of its blocks is no certificate that can be read.
    Unreadable,
}

/// Judges the bytes of a `ca.crt` as Go's programs read one: every PEM block in it, of whatever kind, has to be a certificate,
/// and there has to be one (ingress-nginx v1.15, internal/net/ssl/ssl.go, `CheckCACert`). Nothing at all is good.
pub fn ca_fault(contents: &[u8], interner: &mut Interner) -> Option<CaFault> {
    if contents.is_empty() {
        return None;
    }
    let mut any = false;
    for block in pem::blocks(contents).take(CA_BLOCKS) {
        // What many Secrets have in common is known already.
        if block.is_certificate() && interner.of_text(block.text()).is_some() {
            any = true;
            continue;
        }
        // Go's reader passes over a block whose body is no base64.
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

/// How many blocks of a `ca.crt` are looked at: a bundle of all public roots has some 150.
const CA_BLOCKS: usize = 1000;

/// What has been read so far.
#[derive(Default)]
struct Pile {
    certificates: Vec<Arc<Certificate>>,
    der: Vec<Der>,
    /// The positions of the blocks that `certificates` were read from.
    places: Vec<u8>,
    unreadable: Vec<(usize, String)>,
    /// The position of the first block that claims to be a certificate and cannot be read.
    broken: Option<usize>,
    /// The positions of blocks that are PEM, and hold no certificate.
    not_certificates: Vec<usize>,
    /// Not all is plain PEM of certificates: what each program makes of it has to be seen.
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

    /// Reads one block; `false` when there are too many.
    fn read_block(&mut self, block: &Block<'_>, interner: &mut Interner) -> bool {
        self.odd |= !block.tidy || block.label != b"CERTIFICATE";
        if block.is_certificate() {
            // Only what is plain is remembered.
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
            // nginx reads these from the same file, and Go skips them.
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
        // A file of rubbish blocks is told once, as one with too many certificates is.
        let room = self.unreadable.len() < pem::COUNT_CAP;
        let more = room && self.certificates.len() < pem::COUNT_CAP;
        self.unreadable.push((position, if room { why } else { too_many() }));
        more
    }

    /// The bundle of what was read from `text`; `key` is `None` where none was asked for.
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

    /// The position of a private key in `tls.crt` that is not the first certificate's: nginx takes the first key of a file.
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

    /// What programs have against it, in the order of the blocks.
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
        // A certificate that is PEM and no DER: a server in Go sends it along, unless it is the first.
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

/// The certificate whose key there is, unless that is a CA beside others; else the first that is no CA; else the first.
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

/// The leaf where the first certificate cannot be read: none, unless the key is that of another. What comes after the first is
/// its issuer, not what the server has.
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
