//! Chain: does the chain that is sent reach a trusted root, with no certificate missing and none too many?

use crate::{
    check::finding,
    object::Text,
    x509::{
        Bundle, Trust,
        issuers::{default_certificate_of, is_certmanagers_temporary, is_staging_issuer},
        trust::{Clients, Doubt, PathError},
    },
};

use super::{
    reason::Severity,
    verdict::{CertificateSubject, Collector},
};

pub(super) fn judge(on: &CertificateSubject<'_>, collector: &mut Collector) {
    let CertificateSubject { stored, leaf, .. } = *on;
    let bundle = &stored.bundle;
    if let Some(controller) = default_certificate_of(leaf) {
        collector.add(finding::ControllerDefaultCertificate { controller });
        return;
    }
    if is_certmanagers_temporary(leaf) && !matches!(bundle.trust, Trust::Trusted { .. }) {
        collector.add(finding::TemporaryCertificate);
        return;
    }
    match &bundle.trust {
        Trust::NotJudged => {}
        Trust::Trusted {
            path,
            by_equality,
            bounds,
            ..
        } => {
            if !by_equality {
                surplus(bundle, Some(path), collector);
            }
            if let Some(Doubt { by, why }) = bounds.as_ref().and_then(|bounds| bounds.doubt.as_ref()) {
                let (by, why) = (*by, why.clone());
                collector.add_at(Severity::Warning, finding::ConstraintViolated { by, why });
            }
        }
        // A chain that ends at a staging root is complete. An untrusted root is what a staging CA is expected to have.
        _ if is_staging_issuer(leaf) || bundle.certificates.iter().any(|c| is_staging_issuer(c)) => {
            collector.add(finding::StagingIssuer {
                issuer: told(&leaf.issuer.short),
            });
        }
        Trust::SelfSigned => collector.add(finding::SelfSigned),
        Trust::MissingIntermediate { issuer, found } => {
            let issuer = told(issuer);
            collector.add(finding::MissingIntermediate {
                issuer,
                found: found.clone(),
            });
        }
        Trust::Untrusted {
            issuer,
            root_presented,
            namesake,
        } => collector.add(finding::UntrustedIssuer {
            issuer: told(issuer),
            root_presented: *root_presented,
            namesake: *namesake,
        }),
        Trust::Refused(error) => refused(bundle, error, collector),
    }
}

/// The most bytes of a name that a finding repeats. A message shows less than that, and a name in a certificate may
/// have many kilobytes.
const LONGEST: usize = 1200;

/// A name, cut to the length that findings repeat.
fn told(name: &str) -> Text {
    name[..name.floor_char_boundary(LONGEST)].into()
}

fn refused(bundle: &Bundle, error: &PathError, collector: &mut Collector) {
    match error {
        PathError::Constraint(why) | PathError::Unusable(why) => {
            let (by, why) = (Clients::All, why.clone());
            collector.add(finding::ConstraintViolated { by, why });
        }
        PathError::BadSignature => {
            let why = "a signature of the chain is not that of the certificate above it".to_owned();
            let by = Clients::All;
            collector.add(finding::ConstraintViolated { by, why });
        }
        // For a certificate that was sent, the finding about that certificate reports its weak signature.
        PathError::WeakSignature(_) if bundle.certificates.iter().any(|c| c.weak_signature && !c.self_signed) => {}
        PathError::WeakSignature(algorithm) => {
            collector.add(finding::WeakSignature {
                algorithm: algorithm.as_str().into(),
            });
        }
    }
}

/// Judges the certificates that are sent beyond the path, and the order of the chain.
fn surplus(bundle: &Bundle, path: Option<&[u8]>, collector: &mut Collector) {
    let Some(path) = path else { return };
    let used: Vec<usize> = path.iter().map(|p| usize::from(*p)).collect();
    // Of a certificate that is sent twice, only the copy in the place where it is used counts.
    let mut digests: Vec<_> = used
        .iter()
        .filter_map(|p| bundle.certificates.get(*p))
        .map(|c| c.sha256)
        .collect();
    for (position, certificate) in bundle.chain() {
        if used.contains(&position) {
            continue;
        }
        let subject = told(&certificate.called());
        if certificate.self_signed {
            collector.add(finding::ExtraRoot { subject });
        } else if !continues_path(bundle, &used, position) || digests.contains(&certificate.sha256) {
            collector.add(finding::ExtraCertificate { subject });
        }
        digests.push(certificate.sha256);
    }
    if !used.is_sorted() {
        collector.add(finding::WrongOrder);
    }
}

/// Whether a certificate extends the path to an older root, as a cross-signed intermediate does that is sent for old
/// clients.
fn continues_path(bundle: &Bundle, used: &[usize], position: usize) -> bool {
    let Some(certificate) = bundle.certificates.get(position) else {
        return false;
    };
    used.iter()
        .filter_map(|p| bundle.certificates.get(*p))
        .any(|c| *c.issuer.full == *certificate.subject())
}
