//! Served: the result of a probe compared with the stored certificate, and Pods that still serve the previous
//! certificate.

use crate::{
    inventory::{Binding, Inventory, Stored, ingress::EVERY_HOST},
    object::{Kind, Text, consumer::How},
    x509::{Bundle, Certificate, Trust},
};

use super::{
    finding::{self, Fact, Finding},
    reason::{Reason, Severity},
    sample::Sample,
    verdict::{Rules, bundle},
};

/// What one address served.
#[derive(Debug, Clone)]
pub enum ServedChain {
    /// The certificates in the order in which they were sent: at least one, and the first is the leaf. Their trust is
    /// judged.
    Certificates(Box<Bundle>),
    /// The address served no certificate, for this reason.
    Nothing(String),
    /// The address could not be probed because DNS gave no answer, for this reason.
    Unasked(String),
}

impl ServedChain {
    /// The first certificate, which clients judge as the leaf whatever the others are.
    pub fn leaf(&self) -> Option<&Certificate> {
        match self {
            Self::Certificates(bundle) => bundle.certificates.first().map(AsRef::as_ref),
            Self::Nothing(_) | Self::Unasked(_) => None,
        }
    }
}

/// What one address served.
#[derive(Debug, Clone)]
pub struct ProbedAt {
    /// The address that was probed, with its port.
    pub address: Text,
    /// What it served.
    pub served: ServedChain,
}

/// The result of probing one binding.
#[derive(Debug, Clone, Default)]
pub struct Probed {
    /// What each address served.
    pub at: Vec<ProbedAt>,
    /// The addresses that the host resolves to; `None` if it was not resolved or cannot be.
    pub resolved: Option<Vec<Text>>,
    /// The addresses of the route, where the host resolves to none of them; otherwise empty.
    pub expected: Vec<Text>,
}

/// Judges the result of a probe. Findings are, for each address: an expired certificate, one for other names, one that
/// differs from the stored certificate, a stored chain that is served incompletely, or a chain that clients refuse.
pub fn judge_probe(binding: &Binding, stored: Option<&Stored>, probed: &Probed, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in &probed.at {
        match &at.served {
            ServedChain::Nothing(why) => findings.push(Finding::new(finding::NotServed {
                address: at.address.clone(),
                why: why.clone(),
                asked: true,
            })),
            // This does not prove that clients get no certificate: their DNS may answer.
            ServedChain::Unasked(why) => findings.push(Finding::at(
                Severity::Warning,
                finding::NotServed {
                    address: at.address.clone(),
                    why: why.clone(),
                    asked: false,
                },
            )),
            ServedChain::Certificates(chain) => judge_chain(binding, stored, &at.address, chain, rules, &mut findings),
        }
    }
    if let Some(resolved) = probed.resolved.as_ref().filter(|_| !probed.expected.is_empty()) {
        let fact = Fact::DnsElsewhere(finding::DnsElsewhere {
            resolved: resolved.clone(),
            expected: probed.expected.clone(),
        });
        findings.push(Finding::new(fact));
    }
    findings
}

/// Gives the result of a probe precedence over the prediction. If every address serves a certificate that covers the
/// host and that clients accept, no other finding of the binding stays critical, and a finding reports what is served.
pub fn believe_probe(probed: &Probed, rules: &Rules, findings: &mut Vec<Finding>) {
    let group = |finding: &Finding| finding.reason().group() == "served";
    let critical = |finding: &&Finding| finding.severity == Severity::Critical;
    let leaves: Option<Vec<(&Text, &Certificate)>> = probed
        .at
        .iter()
        .map(|at| Some((&at.address, at.served.leaf()?)))
        .collect();
    let Some((address, leaf)) = leaves.and_then(|leaves| leaves.first().copied()) else {
        return;
    };
    let refused = findings.iter().filter(critical).any(group);
    // The route's address was asked for a host that DNS resolves elsewhere. Clients that follow DNS get something else.
    if refused || !probed.expected.is_empty() || findings.iter().find(critical).is_none() {
        return;
    }
    // Defects of a certificate that is both stored and served are reported for the Secret alone.
    let untrusted = probed.at.iter().any(|at| match &at.served {
        ServedChain::Certificates(chain) => as_served(chain, rules).iter().any(makes_clients_refuse),
        ServedChain::Nothing(_) | ServedChain::Unasked(_) => true,
    });
    if untrusted {
        return;
    }
    for finding in findings.iter_mut() {
        finding.severity = finding.severity.min(Severity::Warning);
    }
    if !findings.iter().any(|f| f.reason() == Reason::ServedDiffers) {
        findings.push(Finding::new(finding::ServedDiffers {
            address: address.clone(),
            served_sha256: leaf.sha256.to_string(),
            stored_sha256: String::new(),
            missing: Vec::new(),
        }));
    }
}

fn judge_chain(
    binding: &Binding,
    stored: Option<&Stored>,
    address: &Text,
    chain: &Bundle,
    rules: &Rules,
    findings: &mut Vec<Finding>,
) {
    let Some(leaf) = chain.certificates.first() else { return };
    let address = || address.clone();
    if super::time::has_ended(leaf.not_after, rules.now) {
        findings.push(Finding::new(finding::ServedExpired {
            address: address(),
            not_after: leaf.not_after,
        }));
    }
    let for_host = is_for(leaf, binding);
    if !for_host {
        let names = Sample::of(&leaf.names, |san| compact_str::format_compact!("{san}"));
        findings.push(Finding::new(finding::ServedWrongHost {
            address: address(),
            names,
        }));
    }
    let held = stored.and_then(|stored| Some((&stored.bundle, stored.leaf()?)));
    if let Some((bundle, held)) = held {
        let missing = if held.sha256 == leaf.sha256 {
            lacking(bundle, chain)
        } else {
            Vec::new()
        };
        let severity = if missing.is_empty() {
            Reason::ServedDiffers.severity()
        } else {
            Severity::Critical
        };
        if held.sha256 != leaf.sha256 || !missing.is_empty() {
            let fact = Fact::ServedDiffers(finding::ServedDiffers {
                address: address(),
                served_sha256: leaf.sha256.to_string(),
                stored_sha256: held.sha256.to_string(),
                missing,
            });
            findings.push(Finding::at(severity, fact));
        }
    }
    // Defects of the stored chain are reported for the Secret. A certificate for other hosts belongs to somebody else.
    let told = held.is_some_and(|(_, held)| held.sha256 == leaf.sha256);
    if for_host && !told {
        let refused = as_served(chain, rules).into_iter().find(makes_clients_refuse);
        findings.extend(refused.map(|finding| {
            Finding::new(finding::ServedUntrusted {
                address: address(),
                why: Box::new(finding.fact),
            })
        }));
    }
}

/// Whether a served certificate covers the host of a binding.
pub(super) fn is_for(leaf: &Certificate, binding: &Binding) -> bool {
    binding.host == EVERY_HOST || leaf.names.cover(&binding.host)
}

/// Judges a chain as one that a server sends, whatever host it is for. One that begins with the certificate of a CA is
/// served, and not a root in a file.
pub(super) fn as_served(chain: &Bundle, rules: &Rules) -> Vec<Finding> {
    bundle(chain, Some(EVERY_HOST), *rules)
}

/// Whether a finding about a chain makes clients refuse it and is not covered by another finding about what is served.
pub(super) fn makes_clients_refuse(finding: &Finding) -> bool {
    let reason = finding.reason();
    finding.severity == Severity::Critical
        && reason != Reason::Expired
        && ["time", "chain", "strength"].contains(&reason.group())
}

/// The stored certificates that the served chain needs to reach a root but does not contain.
fn lacking(stored: &Bundle, served: &Bundle) -> Vec<Text> {
    if matches!(served.trust, Trust::Trusted { .. }) {
        return Vec::new();
    }
    needed(stored)
        .into_iter()
        .filter(|needed| served.certificates.iter().all(|c| c.sha256 != needed.sha256))
        .map(|certificate| certificate.called().into())
        .collect()
}

/// The stored certificates that lead from the leaf towards a root, without the root, which is not sent: those of the
/// path, or, where the chain reaches no trusted root, the issuer of each in turn.
fn needed(stored: &Bundle) -> Vec<&Certificate> {
    let others = || stored.chain().filter(|(_, c)| !c.self_signed);
    if let Trust::Trusted { path, .. } = &stored.trust {
        let of_path = others().filter(|(at, _)| path.iter().any(|p| usize::from(*p) == *at));
        return of_path.map(|(_, c)| c.as_ref()).collect();
    }
    let mut found: Vec<&Certificate> = Vec::new();
    let mut below = stored.leaf().map(AsRef::as_ref);
    while let Some(certificate) = below {
        below = others()
            .map(|(_, c)| c.as_ref())
            .find(|c| *certificate.issuer.full == *c.subject() && found.iter().all(|f| f.sha256 != c.sha256));
        found.extend(below);
    }
    found
}

/// Whether Pods that use a Secret may be stale. Only for such a Secret does the caller read when it last changed.
pub fn may_have_stale_pods(inventory: &Inventory, stored: &Stored) -> bool {
    let secret = stored.meta.key();
    stored.holds_certificate()
        && inventory.consumers_of(&secret).any(|c| {
            let fixed = |u: &crate::object::consumer::SecretUse| {
                u.name == secret.name && matches!(u.how, How::SubPath | How::Environment)
            };
            c.kind == Kind::Pod && !c.ended && c.uses.iter().any(fixed)
        })
}
