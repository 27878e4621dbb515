//! Served: what a probe found against what is stored, and Pods that still have the certificate of before.

use crate::{
    inventory::{Binding, Inventory, Stored},
    object::{Kind, Seconds, Text, consumer::How},
    x509::{Certificate, names},
};

use super::{
    finding::{Fact, Finding},
    reason::Severity,
    verdict::{Collector, Rules},
};

/// What one address served.
#[derive(Debug, Clone)]
pub enum ServedLeaf {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// None, and why.
    Nothing(String),
}

/// The answer of one address.
#[derive(Debug, Clone)]
pub struct ProbedAt {
    /// The address that was asked, with its port.
    pub address: Text,
    /// What it answered.
    pub served: ServedLeaf,
}

/// What a probe of one binding found.
#[derive(Debug, Clone, Default)]
pub struct Probed {
    /// Each address's answer.
    pub at: Vec<ProbedAt>,
    /// The addresses that the host resolves to; `None` when it was not asked for or cannot be resolved.
    pub resolved: Option<Vec<Text>>,
    /// The addresses of the route that were expected instead; empty when the host resolves to one of them.
    pub expected: Vec<Text>,
}

/// Judges what a probe found: at each address, expired, for other names, or another certificate than the stored one.
pub fn judge_probe(binding: &Binding, stored: Option<&Stored>, probed: &Probed, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in &probed.at {
        let address = at.address.clone();
        let leaf = match &at.served {
            ServedLeaf::Nothing(why) => {
                findings.push(Finding::new(Fact::NotServed {
                    address,
                    why: why.clone(),
                }));
                continue;
            }
            ServedLeaf::Certificate(leaf) => leaf,
        };
        if rules.now > leaf.not_after {
            let not_after = leaf.not_after;
            findings.push(Finding::new(Fact::ServedExpired {
                address: address.clone(),
                not_after,
            }));
        }
        if binding.host != "*" && !names::covered(&binding.host, &leaf.names) {
            let names = leaf
                .names
                .iter()
                .map(|san| compact_str::format_compact!("{san}"))
                .collect();
            findings.push(Finding::new(Fact::ServedWrongHost {
                address: address.clone(),
                names,
            }));
        }
        let other = stored
            .and_then(Stored::leaf)
            .filter(|stored| stored.sha256 != leaf.sha256);
        if let Some(stored) = other {
            findings.push(Finding::new(Fact::ServedDiffers {
                address,
                served_sha256: leaf.sha256.to_string(),
                stored_sha256: stored.sha256.to_string(),
            }));
        }
    }
    if let Some(resolved) = probed.resolved.as_ref().filter(|_| !probed.expected.is_empty()) {
        let fact = Fact::DnsElsewhere {
            resolved: resolved.clone(),
            expected: probed.expected.clone(),
        };
        findings.push(Finding::new(fact));
    }
    findings
}

/// Pods that mount a Secret by subPath or read it as environment, and started before it last changed.
pub(super) fn stale_pods(inventory: &Inventory, stored: Option<&Stored>, collector: &mut Collector) {
    let Some((stored, changed)) = stored.and_then(|s| Some((s, s.data_changed?))) else {
        return;
    };
    let secret = stored.meta.key();
    let mut pods: Vec<Text> = inventory
        .consumers_of(&secret)
        .filter(|c| c.kind == Kind::Pod && !c.ended && c.started.is_some_and(|at: Seconds| at < changed))
        .filter(|c| {
            c.uses
                .iter()
                .any(|u| u.name == secret.name && matches!(u.how, How::SubPath | How::Environment))
        })
        .map(|c| c.meta.name.clone())
        .collect();
    if !pods.is_empty() {
        pods.sort();
        collector.add_at(Severity::Warning, Fact::StalePods { secret, pods, changed });
    }
}

/// Whether a Secret may be one with stale Pods: only of those is it asked when they last changed.
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
