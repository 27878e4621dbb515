//! Ownership: what cert-manager reports about the Secrets that it writes, and whose a host is.

use crate::{
    check::finding,
    inventory::{Binding, Inventory, NameDenied, WhyDenied},
    object::{Certificate, Key, Kind, Seconds, certmanager::Condition},
};

use super::{
    finding::{ChallengeStuck, ConflictingOwners, IssuerNotReady, ObjectRef},
    verdict::{Collector, Rules},
};

/// How many Certificates of one Secret, and challenges of one order, are examined. Each of their findings is repeated
/// for every host of the Secret.
const TOLD: usize = 8;

pub(super) fn judge(inventory: &Inventory, secret: &Key, rules: &Rules, collector: &mut Collector) {
    let certificates = inventory.certificates_of(secret);
    let mut owners: Vec<ObjectRef> = certificates
        .map(|certificate| ObjectRef {
            kind: Kind::Certificate,
            key: certificate.meta.key(),
        })
        .collect();
    // Problems of the remaining Certificates are reported once the conflict between owners is resolved.
    for certificate in inventory.certificates_of(secret).take(TOLD) {
        let ready = condition(&certificate.conditions, "Ready");
        let not_ready = ready.is_some_and(|c| c.status == "False");
        let issuing = condition(&certificate.conditions, "Issuing");
        // The condition stays on a Certificate until an issuance succeeds (issuing_controller.go,
        // `failIssueCertificate`; v1.21).
        let failed = issuing.filter(|c| c.status == "False" && c.reason == "Failed");
        let failing = failed.is_some() || certificate.failed_attempts > 0;
        if let Some(ready) = ready.filter(|_| not_ready) {
            // The reason of a failed issuance says more than the fact that there is no certificate yet.
            let told = failed.unwrap_or(ready);
            collector.add(finding::CertificateNotReady {
                certificate: certificate.meta.key(),
                reason: told.reason.clone(),
                message: told.message.clone(),
            });
        } else if failing {
            collector.add(finding::RenewalFailing {
                certificate: certificate.meta.key(),
                attempts: certificate.failed_attempts,
                last: certificate.last_failure,
                message: failed.map(|c| c.message.clone()).unwrap_or_default(),
            });
        }
        IssuerNotReady::check(inventory, certificate, collector);
        let issuing = issuing.is_some_and(|c| c.status == "True");
        if not_ready || issuing || failing {
            order(inventory, certificate, rules.now, collector);
        }
    }
    ConflictingOwners::asked_by_annotation(inventory, secret, &mut owners);
    if owners.len() > 1 {
        collector.add(finding::ConflictingOwners {
            secret: secret.clone(),
            owners: owners.into(),
        });
    }
}

/// Judges whether the host of a binding is its namespace's to have, under a names policy.
pub(super) fn judge_name(inventory: &Inventory, binding: &Binding, collector: &mut Collector) {
    let Some(NameDenied { asker, why, .. }) = inventory.name_denied(binding) else {
        return;
    };
    let asker = ObjectRef::from(&asker);
    match why {
        WhyDenied::Policy(denial) => collector.add(finding::NameNotPermitted { asker, denial }),
        WhyDenied::Taken { by, is_first } => collector.add(finding::NameTaken {
            asker,
            by: ObjectRef::from(&by),
            is_first,
        }),
    }
}

pub(super) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.kind == kind)
}

/// Judges the newest order of a Certificate's newest request if it failed, and the challenges of that order if they are
/// pending.
fn order(inventory: &Inventory, certificate: &Certificate, now: Seconds, collector: &mut Collector) {
    let newest = inventory.newest_request_of(certificate);
    let Some(order) = newest.and_then(|request| inventory.newest_order_of(request)) else {
        return;
    };
    if matches!(order.state.as_str(), "invalid" | "errored" | "expired") {
        collector.add(finding::OrderFailed {
            order: order.meta.key(),
            state: order.state.clone(),
            message: order.reason.clone(),
        });
    }
    let told = collector.findings.len() + TOLD;
    for challenge in inventory.challenges_of(order) {
        ChallengeStuck::check(challenge, order, now, collector);
        if collector.findings.len() == told {
            return;
        }
    }
}
