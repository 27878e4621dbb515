//! Traefik's certificate store: a default certificate that cannot be had, and a choice that is not certain.

use crate::{
    inventory::{
        Binding, Controller, Origin, Presence,
        query::{DefaultCertificate, Serving, Why},
    },
    object::Key,
};

use super::super::{
    finding::{Fact, ObjectRef},
    reason::{Reason, Severity},
    verdict::{Collector, Subject},
};

/// Why a host that relies on the default certificate gets the one that Traefik made for itself.
pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    let relies = subject.controller == Controller::Traefik
        && subject.stored.is_none()
        && binding.secrets.is_empty()
        && matches!(binding.origin, Origin::Entry(_));
    if !relies {
        return;
    }
    let inventory = subject.inventory;
    match inventory.traefiks_default() {
        DefaultCertificate::Own(Why::SeveralStores) => {
            let stores = inventory.traefiks_default_stores();
            let stores = stores.map(|(kind, key)| ObjectRef { kind, key }).collect();
            collector.add(Fact::DefaultStoreConflict { stores });
        }
        DefaultCertificate::Own(Why::NoSecret(secret)) => lacking(subject, secret, collector),
        DefaultCertificate::Own(Why::NotSet) | DefaultCertificate::Unknown | DefaultCertificate::Secret(_) => {}
    }
}

/// A Secret at which Traefik stops reading: what comes after it is not loaded.
pub(super) fn lacking(subject: &Subject<'_>, secret: Key, collector: &mut Collector) {
    let severity = subject.unless_served();
    let Some(stored) = subject.inventory.secrets().get(&secret) else {
        let fact = Fact::SecretNotFound {
            secret,
            instead: subject.instead(),
            among_manifests: subject.inventory.from_manifests,
            maker: None,
        };
        collector.add_at(severity, fact);
        return;
    };
    for (data_key, presence) in [("tls.crt", stored.certificate), ("tls.key", stored.key)] {
        if presence != Presence::Present {
            let fact = Fact::MissingData {
                secret: secret.clone(),
                data_key,
                empty: presence == Presence::Empty,
            };
            collector.add_at(severity, fact);
        }
    }
}

/// Two certificates of which what is not known here decides. Several routes of the host are told as that.
pub(super) fn ambiguous(subject: &Subject<'_>, collector: &mut Collector) {
    let Serving::Chance(stored, other, why) = subject.serving else {
        return;
    };
    let is_over = |at: Option<i64>| at.is_some_and(|not_after| not_after <= subject.rules.now);
    // Of the first it is told as of any that is served.
    let expired = is_over(other.leaf().map(|leaf| leaf.not_after));
    let told = collector.findings.iter().any(|f| f.reason() == Reason::DuplicateHost);
    if told && !expired {
        return;
    }
    let fact = Fact::AmbiguousCertificate {
        latest: stored.meta.key(),
        other: other.meta.key(),
        why,
        expired,
    };
    collector.add_at(if expired { Severity::Critical } else { Severity::Warning }, fact);
}
