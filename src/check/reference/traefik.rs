//! Traefik's certificate store: a default certificate that cannot be had, and a choice that is not certain.

use crate::{
    inventory::{
        Binding, Controller, Origin, Presence,
        query::{DefaultCertificate, Rivalry, Serving, Why},
    },
    object::Key,
};

use super::super::{
    finding::{Fact, Instead, ObjectRef},
    reason::{Reason, Severity},
    time::has_ended,
    verdict::{Collector, Subject},
};

/// What stands in the stores' way: why a host that relies on the default certificate gets the one that Traefik made for itself,
/// what versions up to 3.6 show in its place, and which Secret another store keeps.
pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if subject.controller != Controller::Traefik {
        return;
    }
    let inventory = subject.inventory;
    for secret in &binding.secrets {
        kept_apart(subject, binding, secret, collector);
    }
    if let Some(gap) = inventory.gap_in_default_store(&subject.serving) {
        lacking_at(subject, gap, Some(Severity::Warning), collector);
    }
    let relies = subject.stored.is_none() && binding.secrets.is_empty() && matches!(binding.origin, Origin::Entry(_));
    if !relies {
        return;
    }
    match inventory.traefiks_default() {
        DefaultCertificate::Own(Why::SeveralStores) => {
            let stores = inventory.traefiks_default_stores();
            let stores = stores.map(|(kind, key)| ObjectRef { kind, key }).collect();
            collector.add(Fact::DefaultStoreConflict { stores, keeps: None });
        }
        DefaultCertificate::Own(Why::NoSecret(secret)) => lacking(subject, secret, collector),
        DefaultCertificate::Own(Why::NotSet)
        | DefaultCertificate::Unknown
        | DefaultCertificate::Unread
        | DefaultCertificate::Secret(_) => {}
    }
}

/// A Secret of the route that a store of another name has taken: Traefik's store does not get it from the route, and maybe from
/// nobody.
fn kept_apart(subject: &Subject<'_>, binding: &Binding, secret: &Key, collector: &mut Collector) {
    let inventory = subject.inventory;
    let Some(stored) = inventory.secrets().get(secret) else {
        return;
    };
    if let Some((kind, key)) = inventory.kept_apart(binding, secret)
        && !inventory.is_in_traefiks_store(stored)
    {
        let keepers = std::iter::once(ObjectRef { kind, key }).collect();
        let keeps = Some(secret.clone());
        collector.add_at(
            subject.unless_served(),
            Fact::DefaultStoreConflict { stores: keepers, keeps },
        );
    }
}

/// A Secret at which Traefik stops reading: what comes after it is not loaded.
pub(super) fn lacking(subject: &Subject<'_>, secret: Key, collector: &mut Collector) {
    lacking_at(subject, secret, None, collector);
}

/// The same, where versions up to 3.6 alone stop reading and that is as bad as `up_to_3_6`.
fn lacking_at(subject: &Subject<'_>, secret: Key, up_to_3_6: Option<Severity>, collector: &mut Collector) {
    let by_version = up_to_3_6.is_some();
    let severity = up_to_3_6.unwrap_or_else(|| subject.unless_served());
    let Some(stored) = subject.inventory.secrets().get(&secret) else {
        let fact = Fact::SecretNotFound {
            secret,
            instead: if by_version {
                Instead::OwnUpTo36
            } else {
                subject.instead()
            },
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
                by_version,
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
    // Of the first it is told as of any that is served.
    let not_after = other.leaf().map(|leaf| leaf.not_after);
    let expired = not_after.is_some_and(|not_after| has_ended(not_after, subject.rules.now));
    if let Some(not_after) = not_after {
        collector.moment(not_after, subject.rules.now);
    }
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
    // The latest versions never show it, unless chance decides in them too.
    let severity = if expired && why == Rivalry::Chance {
        Severity::Critical
    } else {
        Severity::Warning
    };
    collector.add_at(severity, fact);
}
