//! Asks webpki whether a leaf reaches a root through these candidates, and if not, why.

use std::sync::atomic::{AtomicU32, Ordering};

use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter};

use super::{
    PathError,
    anchors::{Anchor, Anchors},
    memo::{Memo, entry},
    pool::{Candidate, differ},
    undated::{MOMENT, Undated},
};
use crate::x509::{certificate::authority_key_id, signature};

/// A valid path.
pub(super) struct Path<'a> {
    /// The root.
    pub(super) root: &'a Anchor,
    /// The issuers on it, by their positions among the candidates, beginning with the issuer of the leaf.
    pub(super) issuers: Vec<usize>,
}

/// Why there is no valid path.
pub(super) enum Failure {
    /// No path reaches a root.
    NoRoot,
    /// A path reaches a root, but it is refused.
    Refused(PathError),
}

/// The roots at which a path may end.
#[derive(Clone, Copy)]
pub(super) struct Roots<'a, 'b> {
    pub(super) anchors: &'a Anchors,
    /// Whether to exclude roots whose key identifier shows that they are not the issuer.
    pub(super) exact: bool,
    /// Roots that are excluded as well.
    pub(super) barred: &'b [&'a Anchor],
}

/// Searches for a path from `leaf` through `candidates` to a root, regardless of dates and of the requirements in
/// `rules`.
pub(super) fn find<'a>(
    leaf: &Candidate<'_>,
    candidates: &[Candidate<'_>],
    among: Roots<'a, '_>,
    memo: &Memo,
) -> Result<Path<'a>, Failure> {
    let copies: Vec<Undated<'_>> = std::iter::once(Undated::of(leaf.der, &leaf.outline, true))
        .chain(candidates.iter().map(|c| Undated::of(c.der, &c.outline, false)))
        .collect();
    let (roots, borrowed) = roots_for(leaf, candidates, among);

    let ders: Vec<CertificateDer<'_>> = copies.iter().map(|c| CertificateDer::from(c.der.as_slice())).collect();
    let Some((leaf_der, issuer_ders)) = ders.split_first() else {
        return Err(Failure::NoRoot);
    };
    let asked = PathQuestion {
        memo,
        copies: &copies,
        short_key: AtomicU32::new(0),
    };
    let remembering: Vec<PathMemory<'_>> = signature::accepted()
        .iter()
        .map(|algorithm| PathMemory {
            algorithm: *algorithm,
            asked: &asked,
        })
        .collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = remembering.iter().map(|r| r as _).collect();

    let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(MOMENT));
    let result = EndEntityCert::try_from(leaf_der).and_then(|end_entity| {
        let path = end_entity.verify_for_usage(&algorithms, &borrowed, issuer_ders, moment, AnyUsage, None, None)?;
        let root = borrowed.iter().position(|b| std::ptr::eq(b, path.anchor()));
        let issuers = path.intermediate_certificates().filter_map(|on_path| {
            issuer_ders
                .iter()
                .position(|der| std::ptr::eq(der.as_ref(), on_path.der().as_ref()))
        });
        Ok((root, issuers.collect::<Vec<_>>()))
    });
    match result {
        // webpki was told that any usage is acceptable: `rules` checks that of issuers, and that of the leaf is judged
        // elsewhere.
        Ok((root, issuers)) => match root.and_then(|at| roots.get(at)) {
            Some(root) => Ok(Path { root, issuers }),
            None => Err(Failure::NoRoot),
        },
        Err(Error::UnknownIssuer) => Err(Failure::NoRoot),
        Err(error) => Err(Failure::Refused(refusal(
            &error,
            asked.short_key.into_inner(),
            candidates,
        ))),
    }
}

/// The roots that could have issued the leaf or a candidate, as they are and in the form for webpki.
fn roots_for<'a>(
    leaf: &Candidate<'_>,
    candidates: &[Candidate<'_>],
    among: Roots<'a, '_>,
) -> (Vec<&'a Anchor>, Vec<TrustAnchor<'a>>) {
    let mut roots: Vec<&Anchor> = Vec::new();
    for child in std::iter::once(leaf).chain(candidates) {
        for root in among.anchors.by_subject(child.outline.issuer) {
            let other = || differ(root.key_id.as_deref(), authority_key_id(&child.outline));
            let known = roots.iter().chain(among.barred).any(|r| std::ptr::eq(*r, root));
            if !(known || among.exact && other()) {
                roots.push(root);
            }
        }
    }
    let borrowed = roots.iter().map(|root| root.borrowed()).collect();
    (roots, borrowed)
}

/// Translates an error of webpki. Errors of dates cannot occur, because the copies are valid at any time.
fn refusal(error: &Error, short_key: u32, candidates: &[Candidate<'_>]) -> PathError {
    let constraint = |words: &str| PathError::Constraint(words.to_owned());
    let unusable = |words: &str| PathError::Unusable(words.to_owned());
    match error {
        Error::InvalidSignatureForPublicKey if short_key > 0 => {
            PathError::WeakSignature(format!("RSA key of {short_key} bits"))
        }
        Error::InvalidSignatureForPublicKey => PathError::BadSignature,
        Error::UnsupportedSignatureAlgorithmContext(context) => weak(&context.signature_algorithm_id),
        Error::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => {
            let (name, _) = signature::name_of(&context.signature_algorithm_id);
            PathError::WeakSignature(format!("{name} by a key of a kind that clients do not accept"))
        }
        Error::EndEntityUsedAsCa => match candidates.iter().find(|c| !c.certificate.is_ca) {
            Some(issuer) => {
                PathError::Constraint(format!("{:?} is not a CA certificate", issuer.certificate.subject()))
            }
            None => constraint("an issuer is not a CA certificate"),
        },
        Error::PathLenConstraintViolated => constraint("a CA certificate allows fewer intermediates (path length)"),
        Error::NameConstraintViolation => constraint("a CA certificate does not allow these names (name constraints)"),
        Error::MalformedNameConstraint | Error::InvalidNetworkMaskConstraint => {
            constraint("the name constraints of a CA certificate are broken")
        }
        Error::MaximumPathDepthExceeded => constraint("the path is longer than clients accept"),
        Error::CertDistrusted => constraint("a CA on the path is distrusted"),
        Error::IssuerNotCrlSigner => constraint("a key is used for something that its key usage does not allow"),
        Error::UnsupportedCertVersion => unusable("it is not a certificate of X.509 version 3"),
        Error::UnsupportedCriticalExtension => unusable("it has a critical extension that clients do not know"),
        Error::SignatureAlgorithmMismatch => unusable("its two signature algorithms differ"),
        Error::EmptyEkuExtension => unusable("its extended key usage is empty"),
        Error::ExtensionValueInvalid | Error::MalformedExtensions => unusable("an extension is broken or occurs twice"),
        Error::MalformedDnsIdentifier => unusable("a DNS name in it is malformed"),
        Error::InvalidSerialNumber => unusable("its serial number is malformed"),
        Error::BadDerTime | Error::InvalidCertValidity | Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            unusable("its validity is malformed")
        }
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => unusable("there are too many possible paths"),
        _ => unusable("its DER encoding is not accepted by clients"),
    }
}

fn weak(algorithm: &[u8]) -> PathError {
    match signature::name_of(algorithm) {
        ("unknown", _) => PathError::WeakSignature("an unknown signature algorithm".to_owned()),
        (name, _) => PathError::WeakSignature(name.to_owned()),
    }
}

/// Accepts every extended key usage.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// What the algorithms share during one search.
struct PathQuestion<'a> {
    memo: &'a Memo,
    copies: &'a [Undated<'a>],
    /// The length of an RSA key that was too short, in bits.
    short_key: AtomicU32,
}

/// An algorithm that consults the memo first, with the bytes that were really signed.
struct PathMemory<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    asked: &'a PathQuestion<'a>,
}

impl std::fmt::Debug for PathMemory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.algorithm.fmt(f)
    }
}

impl SignatureVerificationAlgorithm for PathMemory<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let message = self
            .asked
            .copies
            .iter()
            .find_map(|copy| copy.original(message))
            .unwrap_or(message);
        let (key_algorithm, algorithm) = (self.algorithm.public_key_alg_id(), self.algorithm.signature_alg_id());
        if let Some(bits) = signature::rsa_bits(key_algorithm.as_ref(), public_key).filter(|bits| *bits < 2048) {
            self.asked.short_key.store(bits, Ordering::Relaxed);
            return Err(InvalidSignature);
        }
        let entry = entry([
            key_algorithm.as_ref(),
            algorithm.as_ref(),
            public_key,
            message,
            signature,
        ]);
        let good = self.asked.memo.remember(entry, || {
            self.algorithm.verify_signature(public_key, message, signature).is_ok()
        });
        if good { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}
