//! A certificate chain with its key, verified before it is written anywhere.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::{
    error::{Blame, Diagnose},
    name::Name,
    object::Seconds,
    text::date_time,
    x509::{
        Anchors, Bundle, Certificate, Der, Fingerprint, Interner, Judge, KeyState, Memo, Trust,
        bundle::{self, Parsed},
        link,
        trust::{PathError, flaw_of_leaf},
    },
};

/// How far the clock of a CA may be ahead of this machine's, in seconds.
pub const SKEW: Seconds = 60 * 60;

/// Whether the chain has to reach a root that clients trust.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// No: each certificate only has to be signed by the next one. For staging and private CAs, whose roots are not
    /// known.
    #[default]
    Any,
    /// Yes: it has to reach one of the public roots, or one of these PEM texts.
    Trusted {
        /// The user's own roots.
        added: Vec<Vec<u8>>,
    },
}

/// Why a chain and a key are not written. The messages fit "the new certificate is not stored: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// There is no certificate, or one that cannot be read.
    #[error("the chain cannot be read: {0}")]
    Unreadable(String),
    /// There is no key, or it belongs to another certificate.
    #[error("the private key is not the certificate's")]
    KeyDiffers,
    /// The leaf is not the first certificate.
    #[error("the chain does not begin with the certificate of the key")]
    LeafNotFirst,
    /// The certificate lacks these names.
    #[error("the certificate does not name {}", list(.0))]
    NamesMissing(Vec<Name>),
    /// The certificate has names that were not ordered.
    #[error("the certificate also names {}, which nobody ordered", .0.join(", "))]
    NamesAdded(Vec<String>),
    /// The certificate expired at this time.
    #[error("the certificate expired on {}", date_time(*.0))]
    Expired(Seconds),
    /// The certificate is not valid before this time.
    #[error("the certificate is not valid before {}", date_time(*.0))]
    NotYetValid(Seconds),
    /// The certificate at this position is not signed by the next one.
    #[error("certificate {} of the chain is not signed by the next one", .0 + 1)]
    Broken(usize),
    /// The chain reaches no trusted root.
    #[error("the chain does not reach a trusted root: {0}")]
    Untrusted(String),
    /// The CA sent no issuer, and clients need one.
    #[error("the CA sent no chain with it: {0} is missing")]
    NoChain(String),
    /// `status` would call the certificate critical, for this reason.
    #[error("{0}")]
    Judged(String),
    /// Clients refuse the certificate, whichever roots they trust; in words.
    #[error("clients would refuse it: {0}")]
    Unfit(String),
    /// The roots of the user cannot be read.
    #[error("the roots to trust cannot be read: {0}")]
    Roots(String),
}

impl Diagnose for PairError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Untrusted(_) => "name the CA's root with --ca-file, or check the chain that was chosen".into(),
            Self::NoChain(_) => {
                "ask the CA's operator for the chain; if the CA issues from its root, name the root with --ca-file"
                    .into()
            }
            Self::Expired(_) | Self::NotYetValid(_) => "check this machine's clock".into(),
            Self::NamesMissing(_)
            | Self::NamesAdded(_)
            | Self::Broken(_)
            | Self::Unreadable(_)
            | Self::LeafNotFirst
            | Self::Judged(_)
            | Self::Unfit(_) => "the CA issued something other than the order asked for: ask its operator".into(),
            Self::KeyDiffers | Self::Roots(_) => return None,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Write
    }
}

fn list(names: &[Name]) -> String {
    let all: Vec<String> = names.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// A verified chain with its key. `Debug` shows no part of the key.
pub struct Pair {
    key: SecretString,
    ders: Vec<Der>,
    bundle: Bundle,
    leaf: Arc<Certificate>,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("leaf", &self.leaf.sha256)
            .field("certificates", &self.ders.len())
            .finish_non_exhaustive()
    }
}

impl Pair {
    /// Verifies a key and a PEM chain: the key matches the leaf, the leaf is the first certificate, has all `names` and
    /// no others (unless `names` is empty), and is valid at `now`, every certificate is signed by the next one, no rule
    /// of the path makes clients refuse it, and the chain reaches a root if `roots` requires it.
    pub fn check(
        key: SecretString,
        chain: &[u8],
        names: &[Name],
        now: Seconds,
        roots: &Roots,
    ) -> Result<Self, PairError> {
        let parsed = parse(&key, chain);
        if let Some((position, why)) = parsed.bundle.unreadable.first() {
            return Err(PairError::Unreadable(format!("block {}: {why}", position + 1)));
        }
        let Some(leaf) = parsed.bundle.certificates.first().cloned() else {
            return Err(PairError::Unreadable("there is no certificate in it".into()));
        };
        match parsed.bundle.key {
            KeyState::Matches => {}
            KeyState::OfPosition(_) => return Err(PairError::LeafNotFirst),
            _ => return Err(PairError::KeyDiffers),
        }
        let missing: Vec<Name> = names
            .iter()
            .filter(|name| !leaf.names.cover(&name.to_string()))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(PairError::NamesMissing(missing));
        }
        let added = added(&leaf, names);
        if !added.is_empty() {
            return Err(PairError::NamesAdded(added));
        }
        if leaf.not_after < now {
            return Err(PairError::Expired(leaf.not_after));
        }
        if leaf.not_before > now.saturating_add(SKEW) {
            return Err(PairError::NotYetValid(leaf.not_before));
        }
        if let Some(at) = link::first_broken(&parsed.der) {
            return Err(PairError::Broken(at));
        }
        // A path that is known says which certificates of the chain matter.
        let trust = match roots {
            Roots::Trusted { added } => trusted(&parsed, added)?,
            Roots::Any => usable(&parsed)?,
        };
        Ok(Self {
            key,
            bundle: Bundle { trust, ..parsed.bundle },
            ders: parsed.der,
            leaf,
        })
    }

    /// The private key, as PEM.
    pub fn key(&self) -> &SecretString {
        &self.key
    }

    /// The leaf.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The SHA-256 of the leaf.
    pub fn sha256(&self) -> Fingerprint {
        self.leaf.sha256
    }

    /// The certificates in DER, the leaf first.
    pub fn ders(&self) -> &[Der] {
        &self.ders
    }

    /// What it consists of, as the checks take it. Its trust is judged only if it had to reach a root.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The whole chain as PEM, encoded again, so that text between the blocks is left out.
    pub fn chain_pem(&self) -> String {
        self.ders.iter().map(|der| pem(der)).collect()
    }

    /// The leaf as PEM.
    pub fn leaf_pem(&self) -> String {
        self.ders.first().map(|der| pem(der)).unwrap_or_default()
    }

    /// The chain without the leaf, as PEM, which may be empty.
    pub fn issuers_pem(&self) -> String {
        self.ders.iter().skip(1).map(|der| pem(der)).collect()
    }
}

/// Parses a key and a chain.
pub(super) fn parse(key: &SecretString, chain: &[u8]) -> Parsed {
    let key = SecretSlice::from(key.expose_secret().as_bytes().to_vec());
    bundle::parse(Some(chain), Some(&key), &mut Interner::new())
}

/// One certificate as PEM (RFC 7468).
pub(super) fn pem(der: &[u8]) -> String {
    pem_block("CERTIFICATE", der)
}

/// One block of PEM.
pub(super) fn pem_block(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    text.reserve(body.len() + body.len() / 64 + 60);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so that every position is a character boundary.
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + &format!("-----END {label}-----\n")
}

/// The names of a certificate that are none of `names`.
fn added(leaf: &Certificate, names: &[Name]) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let ordered: Vec<String> = names.iter().map(ToString::to_string).collect();
    let has = leaf.names.iter().map(ToString::to_string);
    has.filter(|name| !ordered.contains(name)).collect()
}

/// Judges a chain whose root is not known: the last certificate that was sent stands for it. What clients refuse
/// whichever roots they trust is refused here too: a critical extension that nobody knows (that of a precertificate is
/// one, RFC 6962, section 3.1), an issuer that is no CA, a name or length that an issuer does not permit. A leaf alone
/// passes: its CA may issue from a root.
fn usable(parsed: &Parsed) -> Result<Trust, PairError> {
    if let Some(why) = parsed.der.first().and_then(|leaf| flaw_of_leaf(leaf)) {
        return Err(PairError::Unfit(why));
    }
    let mut anchors = Anchors::default();
    if let [_, .., last] = parsed.der.as_slice() {
        anchors.take_for_root(last);
    }
    match Judge::new(anchors, Memo::default()).judge(parsed) {
        Trust::Refused(error) => Err(PairError::Unfit(refused(error))),
        // The last certificate is no root, so that how far the path goes says nothing of the others.
        Trust::Trusted { .. }
        | Trust::MissingIntermediate { .. }
        | Trust::Untrusted { .. }
        | Trust::SelfSigned
        | Trust::NotJudged => Ok(Trust::NotJudged),
    }
}

fn refused(error: PathError) -> String {
    match error {
        PathError::Constraint(why) | PathError::Unusable(why) => why,
        PathError::BadSignature => "a signature on the path to the root is wrong".to_owned(),
        PathError::WeakSignature(algorithm) => format!("they no longer accept {algorithm}"),
    }
}

fn trusted(parsed: &Parsed, added: &[Vec<u8>]) -> Result<Trust, PairError> {
    let mut anchors = Anchors::public();
    for text in added {
        anchors
            .add_pem(text)
            .map_err(|error| PairError::Roots(crate::error::chain(&error)))?;
    }
    match Judge::new(anchors, Memo::default()).judge(parsed) {
        trust @ Trust::Trusted { .. } => Ok(trust),
        Trust::MissingIntermediate { issuer, .. } if parsed.der.len() == 1 => {
            Err(PairError::NoChain(issuer.to_string()))
        }
        Trust::MissingIntermediate { issuer, .. } => Err(PairError::Untrusted(format!("{issuer} is missing from it"))),
        Trust::Untrusted { issuer, .. } if parsed.der.len() == 1 => Err(PairError::NoChain(issuer.to_string())),
        Trust::Untrusted { issuer, .. } => Err(PairError::Untrusted(format!("{issuer} is not trusted"))),
        Trust::SelfSigned => Err(PairError::Untrusted("the certificate is self-signed".into())),
        Trust::Refused(error) => Err(PairError::Unfit(refused(error))),
        Trust::NotJudged => Err(PairError::Untrusted("there is no leaf".into())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::x509::testing::{Authority, Issued};

    /// A moment within rcgen's default validity.
    pub(in crate::apply) const NOW: Seconds = 1_800_000_000;

    pub(in crate::apply) fn names(all: &[&str]) -> Vec<Name> {
        all.iter().map(|n| n.parse().unwrap()).collect()
    }

    /// A valid pair of the leaf and the issuers that follow it.
    pub(in crate::apply) fn pair(leaf: &Issued, issuers: &[&Authority]) -> Pair {
        let chain: String = std::iter::once(leaf.pem())
            .chain(issuers.iter().map(|a| a.pem()))
            .collect();
        Pair::check(leaf.key_pem().into(), chain.as_bytes(), &[], NOW, &Roots::Any).unwrap()
    }

    #[test]
    fn a_good_pair_passes_and_its_pem_is_what_came() {
        let root = Authority::root("Root");
        let sub = root.sub("Sub");
        let leaf = sub.leaf_with("shop.example", |params| {
            params
                .subject_alt_names
                .push(rcgen::SanType::DnsName("*.shop.example".try_into().unwrap()));
        });
        let chain = leaf.pem() + "Issued by somebody\n" + &sub.pem();
        let roots = Roots::Trusted {
            added: vec![root.pem().into()],
        };
        let wanted = names(&["shop.example", "*.shop.example", "a.shop.example"]);
        let pair = Pair::check(leaf.key_pem().into(), chain.as_bytes(), &wanted, NOW, &roots).unwrap();
        assert_eq!(pair.chain_pem(), leaf.pem() + &sub.pem());
        assert_eq!(pair.leaf_pem() + &pair.issuers_pem(), pair.chain_pem());
        let shown = format!("{pair:?}");
        assert!(!shown.contains("PRIVATE"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let root = Authority::root("Root");
        let (sub, other) = (root.sub("Sub"), Authority::root("Other"));
        let leaf = sub.leaf("shop.example");
        let expired = sub.leaf_with("shop.example", |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        });
        let early = sub.leaf_with("shop.example", |params| {
            params.not_before = rcgen::date_time_ymd(2090, 1, 1);
        });
        let good = leaf.pem() + &sub.pem();
        let wanted = names(&["shop.example", "www.shop.example"]);
        let ours = &wanted[..1];
        for (key, chain, names, roots, why) in [
            (
                other.leaf("x").key_pem(),
                good.clone(),
                ours,
                Roots::Any,
                "not the certificate's",
            ),
            (
                leaf.key_pem(),
                sub.pem() + &leaf.pem(),
                ours,
                Roots::Any,
                "does not begin with",
            ),
            (
                leaf.key_pem(),
                good.clone(),
                &wanted[..],
                Roots::Any,
                "does not name www.shop.example",
            ),
            (
                expired.key_pem(),
                expired.pem() + &sub.pem(),
                ours,
                Roots::Any,
                "expired on 2020",
            ),
            (
                early.key_pem(),
                early.pem() + &sub.pem(),
                ours,
                Roots::Any,
                "not valid before 2090",
            ),
            (
                leaf.key_pem(),
                leaf.pem() + &other.pem(),
                ours,
                Roots::Any,
                "certificate 1 of the chain is not signed",
            ),
            (
                leaf.key_pem(),
                good.clone(),
                ours,
                Roots::Trusted { added: vec![] },
                "does not reach a trusted root",
            ),
            (
                leaf.key_pem(),
                leaf.pem(),
                ours,
                Roots::Trusted {
                    added: vec![root.pem().into()],
                },
                "sent no chain",
            ),
            (leaf.key_pem(), String::new(), ours, Roots::Any, "no certificate"),
            (leaf.key_pem(), "rubbish".into(), ours, Roots::Any, "cannot be read"),
        ] {
            let error = Pair::check(key.into(), chain.as_bytes(), names, NOW, &roots).unwrap_err();
            assert!(error.to_string().contains(why), "{error} instead of {why}");
        }
    }
}
