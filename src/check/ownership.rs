//! Ownership: what cert-manager says of the Secrets that it writes.

use crate::{
    inventory::{Inventory, settle::MANY},
    object::{
        Certificate, Key, Kind, Order, Seconds, annotation,
        certmanager::{Challenge, Condition},
    },
};

use super::{
    finding::{Fact, ObjectRef},
    verdict::{Collector, Rules},
};

/// How long a challenge may be pending before somebody should look: cert-manager retries its self-check every 10 s, and
/// DNS changes of most providers are visible within minutes.
const STUCK_AFTER: Seconds = 10 * 60;

/// Of so many Certificates of one Secret, and challenges of one order, is told what is wrong: each is told at every host.
const TOLD: usize = 8;

pub(super) fn judge(inventory: &Inventory, secret: &Key, rules: &Rules, collector: &mut Collector) {
    let certificates = inventory.certificates_of(secret);
    let mut owners: Vec<ObjectRef> = certificates
        .map(|certificate| ObjectRef {
            kind: Kind::Certificate,
            key: certificate.meta.key(),
        })
        .collect();
    // What is wrong with the rest is told once they no longer fight.
    for certificate in inventory.certificates_of(secret).take(TOLD) {
        let ready = condition(&certificate.conditions, "Ready");
        let not_ready = ready.is_some_and(|c| c.status == "False");
        let issuing = condition(&certificate.conditions, "Issuing");
        // It stays on a Certificate until an issuance comes through (issuing_controller.go, `failIssueCertificate`; v1.21).
        let failed = issuing.filter(|c| c.status == "False" && c.reason == "Failed");
        let failing = failed.is_some() || certificate.failed_attempts > 0;
        if let Some(ready) = ready.filter(|_| not_ready) {
            // Why it failed says more than that there is nothing yet.
            let told = failed.unwrap_or(ready);
            collector.add(Fact::CertificateNotReady {
                certificate: certificate.meta.key(),
                reason: told.reason.clone(),
                message: told.message.clone(),
            });
        } else if failing {
            collector.add(Fact::RenewalFailing {
                certificate: certificate.meta.key(),
                attempts: certificate.failed_attempts,
                last: certificate.last_failure,
                message: failed.map(|c| c.message.clone()).unwrap_or_default(),
            });
        }
        issuer(inventory, certificate, collector);
        let issuing = issuing.is_some_and(|c| c.status == "True");
        if not_ready || issuing || failing {
            order(inventory, certificate, rules.now, collector);
        }
    }
    annotated(inventory, secret, &mut owners);
    if owners.len() > 1 {
        collector.add(Fact::ConflictingOwners {
            secret: secret.clone(),
            owners: owners.into(),
        });
    }
}

fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.kind == kind)
}

fn issuer(inventory: &Inventory, certificate: &Certificate, collector: &mut Collector) {
    let Some((kind, key, issuer)) = inventory.issuer_of(certificate) else {
        return;
    };
    match issuer {
        None if inventory.knows_all(kind) => {
            collector.add(Fact::IssuerNotReady {
                kind,
                issuer: key,
                missing: true,
                message: "".into(),
            });
        }
        None => {}
        Some(issuer) => {
            if let Some(ready) = condition(&issuer.conditions, "Ready").filter(|c| c.status == "False") {
                let message = ready.message.clone();
                collector.add(Fact::IssuerNotReady {
                    kind,
                    issuer: key,
                    missing: false,
                    message,
                });
            }
        }
    }
}

/// The newest order of a Certificate's newest request, if it failed, and its challenges, if they wait.
fn order(inventory: &Inventory, certificate: &Certificate, now: Seconds, collector: &mut Collector) {
    let newest = inventory.newest_request_of(certificate);
    let Some(order) = newest.and_then(|request| inventory.newest_order_of(request)) else {
        return;
    };
    if matches!(order.state.as_str(), "invalid" | "errored" | "expired") {
        collector.add(Fact::OrderFailed {
            order: order.meta.key(),
            state: order.state.clone(),
            message: order.reason.clone(),
        });
    }
    let told = collector.findings.len() + TOLD;
    for challenge in inventory.challenges_of(order) {
        stuck(challenge, order, now, collector);
        if collector.findings.len() == told {
            return;
        }
    }
}

fn stuck(challenge: &Challenge, order: &Order, now: Seconds, collector: &mut Collector) {
    let waits = matches!(challenge.state.as_str(), "" | "pending" | "processing");
    let since = challenge.meta.created.or(order.meta.created);
    if let Some(since) = since.filter(|_| waits) {
        collector.moment(since.saturating_add(STUCK_AFTER), now);
    }
    let old = since.is_none_or(|at| now.saturating_sub(at) >= STUCK_AFTER);
    let failed = matches!(challenge.state.as_str(), "invalid" | "errored" | "expired");
    if failed || (waits && old) {
        collector.add(Fact::ChallengeStuck {
            challenge: challenge.meta.key(),
            dns_name: challenge.dns_name.clone(),
            challenge_type: challenge.challenge_type.clone(),
            message: challenge.reason.clone(),
        });
    }
}

/// A route that asks cert-manager by annotation for a Secret that a Certificate of its own already writes: ingress-shim
/// refuses to touch a Certificate that the Ingress does not own, and both fight where the names differ.
fn annotated(inventory: &Inventory, secret: &Key, owners: &mut Vec<ObjectRef>) {
    let by_shim = |c: &Certificate| {
        c.meta
            .owners()
            .iter()
            .any(|o| matches!(o.kind.as_str(), "Ingress" | "Gateway"))
    };
    if owners.is_empty() || inventory.certificates_of(secret).any(by_shim) {
        return;
    }
    let asks = [annotation::CLUSTER_ISSUER, annotation::ISSUER, annotation::TLS_ACME];
    let bindings = inventory
        .bindings_of_secret(secret)
        .iter()
        .take(MANY)
        .filter_map(|id| inventory.bindings().get(*id));
    let route = bindings.map(|b| &b.route).find(|route| {
        inventory
            .route_meta(route)
            .is_some_and(|meta| asks.iter().any(|key| meta.annotation(key).is_some()))
    });
    owners.extend(route.map(|route| ObjectRef {
        kind: route.kind,
        key: route.key.clone(),
    }));
}
