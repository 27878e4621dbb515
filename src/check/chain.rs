//! Chain: does what is sent reach a trusted root, and is it no more and no less than it should be?

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
        // A chain that ends at a staging root is whole; that its root is not trusted is what staging means.
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

/// The most bytes of a name that a finding repeats: more than a message shows, and a certificate may have names of many kilobytes.
const LONGEST: usize = 1200;

/// A name as findings repeat it.
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
        // Told by the certificate itself where it is one that was sent.
        PathError::WeakSignature(_) if bundle.certificates.iter().any(|c| c.weak_signature && !c.self_signed) => {}
        PathError::WeakSignature(algorithm) => {
            collector.add(finding::WeakSignature {
                algorithm: algorithm.as_str().into(),
            });
        }
    }
}

/// What is sent beyond the path, and in which order.
fn surplus(bundle: &Bundle, path: Option<&[u8]>, collector: &mut Collector) {
    let Some(path) = path else { return };
    let used: Vec<usize> = path.iter().map(|p| usize::from(*p)).collect();
    // A certificate sent twice counts as sent in the place where it is used.
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

/// Whether a certificate carries the path on to an older root: a cross-signed intermediate, sent for old clients.
fn continues_path(bundle: &Bundle, used: &[usize], position: usize) -> bool {
    let Some(certificate) = bundle.certificates.get(position) else {
        return false;
    };
    used.iter()
        .filter_map(|p| bundle.certificates.get(*p))
        .any(|c| *c.issuer.full == *certificate.subject())
}
