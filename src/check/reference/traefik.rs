//! Traefik's certificate stores: a default certificate that cannot be loaded, and a choice that is not deterministic.

use crate::{
    check::finding,
    inventory::{
        Binding, Controller, Origin, Presence,
        query::{DefaultCertificate, Why},
    },
    object::Key,
};

use super::super::{
    finding::{Fact, Instead, ObjectRef},
    reason::Severity,
    verdict::{Collector, Subject},
};

/// Judges the stores behind a binding: why a host that relies on the default certificate gets Traefik's self-signed
/// one, what versions up to 3.6 serve instead, and which Secret another store keeps.
pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if subject.controller != Controller::Traefik {
        return;
    }
    let inventory = subject.inventory;
    for secret in &binding.secrets {
        finding::DefaultStoreConflict::check(subject, binding, secret, collector);
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
            collector.add(finding::DefaultStoreConflict { stores, keeps: None });
        }
        DefaultCertificate::Own(Why::NoSecret(secret)) => lacking(subject, secret, collector),
        DefaultCertificate::Own(Why::NotSet)
        | DefaultCertificate::Unknown
        | DefaultCertificate::Unread
        | DefaultCertificate::Secret(_) => {}
    }
}

/// Judges a Secret at which Traefik stops reading the list of its store: the certificates after it are not loaded.
pub(super) fn lacking(subject: &Subject<'_>, secret: Key, collector: &mut Collector) {
    lacking_at(subject, secret, None, collector);
}

/// Like [`lacking`], for a list that only versions up to 3.6 stop reading, with the severity `up_to_3_6`.
fn lacking_at(subject: &Subject<'_>, secret: Key, up_to_3_6: Option<Severity>, collector: &mut Collector) {
    let by_version = up_to_3_6.is_some();
    let severity = up_to_3_6.unwrap_or_else(|| subject.unless_served());
    let Some(stored) = subject.inventory.secrets().get(&secret) else {
        let fact = Fact::SecretNotFound(finding::SecretNotFound {
            secret,
            instead: if by_version {
                Instead::OwnUpTo36
            } else {
                subject.instead()
            },
            among_manifests: subject.inventory.from_manifests,
            maker: None,
        });
        collector.add_at(severity, fact);
        return;
    };
    for (data_key, presence) in [("tls.crt", stored.certificate), ("tls.key", stored.key)] {
        if presence != Presence::Present {
            let fact = Fact::MissingData(finding::MissingData {
                secret: secret.clone(),
                data_key,
                empty: presence == Presence::Empty,
                by_version,
            });
            collector.add_at(severity, fact);
        }
    }
}
