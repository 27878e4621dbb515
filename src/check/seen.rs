//! What the addresses of a route serve, judged on its own, where no Secret was read by choice (`--no-secrets`).
//!
//! What makes clients refuse the connection has the reasons of a probe (`ServedExpired`, `ServedWrongHost`,
//! `ServedUntrusted`, `NotServed`). Everything else that can be said of the certificate has the reason that it has for a
//! stored one.

use std::sync::Arc;

use crate::{inventory::Binding, object::Text, x509::Certificate};

use super::{
    finding::{Fact, Finding, Seen},
    reason::{Reason, Severity},
    served::{Probed, ServedChain, as_served, is_for, judge_probe, makes_clients_refuse},
    verdict::{Rules, Verdict},
};

/// Adds to the verdict of a binding what its addresses serve. `None` is a binding that was not probed. A binding of which
/// nothing was seen is unreadable: nobody knows what its clients get.
pub fn judge_seen(binding: &Binding, probed: Option<&Probed>, rules: &Rules, verdict: &mut Verdict) {
    let Some(probed) = probed.filter(|probed| !probed.at.is_empty()) else {
        verdict.unreadable = true;
        return;
    };
    let mut found = judge_probe(binding, None, probed, rules);
    // What is wrong with the certificate itself has a reason of its own, which `of_certificates` gives it.
    found.retain(|finding| match &finding.fact {
        Fact::ServedUntrusted(it) => !is_of_certificate(it.why.reason()),
        _ => true,
    });
    found.extend(of_certificates(binding, probed, rules));
    let refused = found.iter().any(|finding| finding.severity == Severity::Critical);
    let everywhere = probed.at.iter().all(|at| at.served.leaf().is_some());
    // Where DNS leads elsewhere, clients get something else than these addresses serve.
    if everywhere && !refused && probed.expected.is_empty() {
        verdict.findings.retain(|finding| !is_expectation(finding.reason()));
        for finding in &mut verdict.findings {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
    verdict.findings.append(&mut found);
}

/// The certificate that stands for all that the addresses serve: the one that ends first. `None` if none serves one.
pub fn seen_leaf(probed: &Probed) -> Option<&Arc<Certificate>> {
    let leaves = probed.at.iter().filter_map(|at| match &at.served {
        ServedChain::Certificates(chain) => chain.certificates.first(),
        ServedChain::Nothing(_) | ServedChain::Unasked(_) => None,
    });
    leaves.min_by_key(|leaf| leaf.not_after)
}

/// What can be said of the certificates that cover the host, besides that clients do not trust their chain. The same of
/// one certificate at several addresses is one finding.
fn of_certificates(binding: &Binding, probed: &Probed, rules: &Rules) -> Vec<Finding> {
    let mut told: Vec<(Finding, Arc<Certificate>, Vec<Text>)> = Vec::new();
    for at in &probed.at {
        let ServedChain::Certificates(chain) = &at.served else {
            continue;
        };
        let Some(leaf) = chain.certificates.first().filter(|leaf| is_for(leaf, binding)) else {
            continue;
        };
        for finding in as_served(chain, rules).into_iter().filter(is_of_its_own) {
            let same = |(other, of, _): &&mut (Finding, Arc<Certificate>, _)| *other == finding && of == leaf;
            match told.iter_mut().find(same) {
                Some((_, _, addresses)) => addresses.push(at.address.clone()),
                None => told.push((finding, Arc::clone(leaf), vec![at.address.clone()])),
            }
        }
    }
    let all = probed.at.len();
    let seen = |(finding, leaf, addresses): (Finding, Arc<Certificate>, Vec<Text>)| Finding {
        seen: Some(Box::new(Seen {
            leaf,
            everywhere: addresses.len() == all,
            addresses: addresses.into(),
        })),
        ..finding
    };
    told.into_iter().map(seen).collect()
}

/// Whether a finding about a chain is told under its own reason: the others are `ServedExpired` and `ServedUntrusted`.
fn is_of_its_own(finding: &Finding) -> bool {
    let reason = finding.reason();
    reason != Reason::Expired && (is_of_certificate(reason) || !makes_clients_refuse(finding))
}

/// Whether a reason is about the key, the signatures or the usages of a certificate.
fn is_of_certificate(reason: Reason) -> bool {
    reason.group() == "strength"
}

/// Whether a reason says which certificate clients get by the route, so that nothing is left to say where they are seen
/// to get a good one.
fn is_expectation(reason: Reason) -> bool {
    matches!(reason, Reason::SecretNameEmpty | Reason::RuleHostWithoutTls)
}

/// Whether findings of a reason are made where no Secret was read. The others need Secrets, or what cert-manager and Pods
/// say of them, or they are told as `ServedExpired`, `ServedWrongHost` or `ServedUntrusted`.
pub fn is_made_of_what_is_seen(reason: Reason) -> bool {
    match reason {
        Reason::SecretNotFound
        | Reason::WrongSecretType
        | Reason::MissingData
        | Reason::RuleWithoutHost
        | Reason::OverlappingCertificates
        | Reason::DuplicateHost
        | Reason::AmbiguousCertificate
        | Reason::OrphanSecret
        | Reason::CertificateElsewhere
        | Reason::Expired
        | Reason::NotYetValid
        | Reason::RenewsTooLate
        | Reason::RenewNow
        | Reason::ChainExpired
        | Reason::MissingIntermediate
        | Reason::UntrustedIssuer
        | Reason::SelfSigned
        | Reason::StagingIssuer
        | Reason::TemporaryCertificate
        | Reason::ControllerDefaultCertificate
        | Reason::RepeatedKey
        | Reason::ServedDiffers
        | Reason::StalePods => false,
        Reason::InvalidCertificate => true,
        other => !["parse", "names", "ownership"].contains(&other.group()),
    }
}
