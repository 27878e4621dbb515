//! The other data keys of the Secret. Those that held the old certificate are generated again in the same form, or stop
//! the write.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice};

use crate::{
    apply::{Pair, pair},
    x509::{
        Der,
        bundle::Parsed,
        key::{self, KeyContents, PublicHalf},
        link, pem,
    },
};

/// What happens to a data key.
pub(super) enum Fate {
    /// It stays, because it has nothing to do with the certificate.
    Leave,
    /// It is generated again.
    Remake(SecretSlice<u8>),
    /// It stops the write, because it held the certificate in a form that cannot be generated, for this reason.
    Stop(&'static str),
}

const KEYSTORE: &str = "a keystore, which needs its password";
const MIXED: &str = "other certificates or keys beside it";
const UNKNOWN: &str = "an unknown format";

/// The certificate and key that are replaced.
#[derive(Default)]
pub(super) struct Old {
    /// The chain, the leaf first.
    chain: Vec<Der>,
    self_signed: bool,
    key: Option<PublicHalf>,
}

impl Old {
    pub(super) fn new(held: Option<&Parsed>, key: Option<&SecretSlice<u8>>) -> Self {
        let key = key.and_then(|key| match key::read(key.expose_secret(), None).read {
            KeyContents::Key(half) => Some(half),
            _ => None,
        });
        let Some(held) = held else {
            return Self { key, ..Self::default() };
        };
        let mut chain = held.der.clone();
        if let Some(at) = held.bundle.leaf {
            chain.swap(0, at);
        }
        Self {
            chain,
            self_signed: held.bundle.leaf().is_some_and(|leaf| leaf.self_signed),
            key,
        }
    }

    fn leaf(&self) -> Option<&[u8]> {
        self.chain.first().map(|der| &**der)
    }

    fn is_key(&self, half: &PublicHalf) -> bool {
        self.key.as_ref() == Some(half)
            || self
                .leaf()
                .and_then(link::public_key)
                .is_some_and(|info| half.is_in(info))
    }

    fn part(&self, der: &[u8]) -> Part {
        match self.chain.iter().position(|known| **known == *der) {
            Some(0) => Part::Leaf,
            Some(_) => Part::Issuer,
            None if self.chain.iter().any(|child| link::issued(der, child)) => Part::Issuer,
            None => Part::Foreign,
        }
    }
}

/// How a PEM block relates to the old certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Leaf,
    /// A certificate of its chain, or the issuer of one.
    Issuer,
    Key,
    /// Parameters, which do not affect what follows.
    Parameters,
    Foreign,
}

/// Why a data key would become stale whatever the new certificate is; `None` if it would not.
pub(super) fn keystore(name: &str, value: &[u8]) -> Option<&'static str> {
    (!value.trim_ascii().is_empty() && is_keystore(name, value)).then_some(KEYSTORE)
}

/// Decides about one data key other than those of certificate and key.
pub(super) fn fate(name: &str, value: &[u8], old: &Old, pair: &Pair) -> Fate {
    if value.trim_ascii().is_empty() {
        return Fate::Leave;
    }
    if is_keystore(name, value) {
        return Fate::Stop(KEYSTORE);
    }
    let blocks: Vec<pem::Block<'_>> = pem::blocks(value).take(pem::COUNT_CAP + 1).collect();
    if blocks.is_empty() {
        return without_blocks(value, old, pair);
    }
    if blocks.len() > pem::COUNT_CAP {
        // It is a bundle of all public roots.
        return Fate::Leave;
    }
    let mut parts = Vec::new();
    let mut ders = Vec::new();
    for block in &blocks {
        let (part, der) = classify(block, old);
        parts.push(part);
        ders.push(der);
    }
    // A self-signed certificate is its own CA, and is also stored as such.
    let as_ca = old.self_signed && name.to_ascii_lowercase().starts_with("ca");
    if as_ca {
        for part in parts.iter_mut().filter(|p| **p == Part::Leaf) {
            *part = Part::Issuer;
        }
    }
    let has = |part| parts.contains(&part);
    if !has(Part::Leaf) && !has(Part::Key) {
        return issuers(&parts, &ders, pair);
    }
    if has(Part::Foreign) {
        return Fate::Stop(MIXED);
    }
    Fate::Remake(combined(&blocks, &parts, &ders, old, pair).into_bytes().into())
}

fn classify(block: &pem::Block<'_>, old: &Old) -> (Part, Vec<u8>) {
    if block.is_certificate() {
        let der = block.decode(pem::CERTIFICATE_CAP).unwrap_or_default();
        return (old.part(&der), der);
    }
    if block.is_private_key() {
        let half = block
            .decode_secret(pem::KEY_CAP)
            .ok()
            .map(|der| key::read_der(&der, None));
        let ours = matches!(half, Some(KeyContents::Key(half)) if old.is_key(&half));
        return (if ours { Part::Key } else { Part::Foreign }, Vec::new());
    }
    let parameters = matches!(block.label, b"DH PARAMETERS" | b"EC PARAMETERS");
    let der = block.decode(pem::CERTIFICATE_CAP).unwrap_or_default();
    (if parameters { Part::Parameters } else { Part::Foreign }, der)
}

/// Decides about a file that has only CA certificates, such as `ca.crt`.
fn issuers(parts: &[Part], ders: &[Vec<u8>], pair: &Pair) -> Fate {
    // A file with CAs of others is a bundle of trusted roots or of CAs for client certificates, and does not follow the
    // certificate.
    if parts.iter().any(|part| *part != Part::Issuer) {
        return Fate::Leave;
    }
    let new = pair.ders();
    let above = |der: &[u8]| new.last().is_some_and(|top| link::issued(der, top));
    let holds = |der: &[u8]| new.iter().any(|known| **known == *der);
    if ders.iter().all(|der| holds(der) || above(der)) {
        return Fate::Leave;
    }
    let kept = ders
        .iter()
        .filter(|der| above(der) && !holds(der))
        .map(|der| pair::pem(der));
    let text: String = std::iter::once(pair.issuers_pem()).chain(kept).collect();
    if text.is_empty() {
        Fate::Stop("the CA of the old certificate, and the new chain has none")
    } else {
        Fate::Remake(text.into_bytes().into())
    }
}

/// Generates a file of the key and certificates in the same order: `tls-combined.pem` has the key first, haproxy's file
/// the chain.
fn combined(blocks: &[pem::Block<'_>], parts: &[Part], ders: &[Vec<u8>], old: &Old, pair: &Pair) -> String {
    let lone_issuers = runs(parts).any(|run| run.iter().all(|part| *part == Part::Issuer));
    let mut text = String::new();
    let mut at = 0;
    for run in runs(parts) {
        let ders = &ders[at..at + run.len()];
        let block = &blocks[at];
        at += run.len();
        match run[0] {
            Part::Key => {
                text.push_str(pair.key().expose_secret().trim_end());
                text.push('\n');
            }
            Part::Leaf | Part::Issuer => {
                let has_leaf = run.contains(&Part::Leaf);
                let has_issuers = run.contains(&Part::Issuer);
                // If the old chain had only a leaf, a single leaf was the whole chain.
                let whole = has_issuers || (!lone_issuers && old.chain.len() < 2);
                text.push_str(&match (has_leaf, whole) {
                    (true, true) => pair.chain_pem(),
                    (true, false) => pair.leaf_pem(),
                    (false, _) => pair.issuers_pem(),
                });
                let top = pair.ders().last();
                for der in ders {
                    let root = top.is_some_and(|top| **top != **der && link::issued(der, top));
                    if root && has_issuers {
                        text.push_str(&pair::pem(der));
                    }
                }
            }
            Part::Parameters if block.label == b"DH PARAMETERS" => {
                text.push_str(&pair::pem_block("DH PARAMETERS", &ders[0]));
            }
            Part::Parameters | Part::Foreign => {}
        }
    }
    text
}

/// Splits the parts into runs: consecutive certificates form one run, and every other block forms its own.
fn runs(parts: &[Part]) -> impl Iterator<Item = &[Part]> {
    let certificate = |part: &Part| matches!(part, Part::Leaf | Part::Issuer);
    parts.chunk_by(move |a, b| certificate(a) && certificate(b))
}

/// Decides about a value without PEM blocks: DER, or something that is not a certificate.
fn without_blocks(value: &[u8], old: &Old, pair: &Pair) -> Fate {
    if old.leaf() == Some(value)
        && let Some(leaf) = pair.ders().first()
    {
        return Fate::Remake(leaf.to_vec().into());
    }
    if let KeyContents::Key(half) = key::read_der(value, None)
        && old.is_key(&half)
    {
        let block = pem::blocks(pair.key().expose_secret().as_bytes()).find(pem::Block::is_private_key);
        return match block.and_then(|block| block.decode_secret(pem::KEY_CAP).ok()) {
            Some(der) => Fate::Remake(der.to_vec().into()),
            None => Fate::Stop(UNKNOWN),
        };
    }
    // The body of the certificate is embedded in JSON, YAML or a script.
    let inside = old.leaf().is_some_and(|leaf| {
        let body = STANDARD.encode(leaf);
        let middle = body.len() / 2;
        body.as_bytes()
            .get(middle..middle + 40)
            .is_some_and(|piece| value.windows(piece.len()).any(|window| window == piece))
    });
    if inside { Fate::Stop(UNKNOWN) } else { Fate::Leave }
}

/// Whether it is PKCS #12, JKS or JCEKS, according to its name or its first bytes.
fn is_keystore(name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let named = [".p12", ".pfx", ".jks", ".jceks", ".keystore", ".bcfks"]
        .iter()
        .any(|end| name.ends_with(end));
    // PFX ::= SEQUENCE { version INTEGER (3), ... } with a length of two bytes or an indefinite length (RFC 7292,
    // section 4).
    let pfx = matches!(
        value,
        [0x30, 0x82, _, _, 0x02, 0x01, 0x03, ..] | [0x30, 0x80, 0x02, 0x01, 0x03, ..]
    );
    let java = matches!(value, [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..]);
    named || pfx || java
}
