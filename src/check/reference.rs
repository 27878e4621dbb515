//! References: does each object that a route names exist, may the route use it, and do the hosts of tls entries and
//! rules agree?

mod gateway;
mod hosts;
mod maker;
mod traefik;

use crate::{
    check::finding,
    inventory::{
        Binding, Controller, Inventory, Origin, Presence, Stored,
        derive::MANY,
        ingress::EVERY_HOST,
        query::{ClassState, Serving, covers},
    },
    object::{Forbidden, Ingress, Key, Kind, annotation::is_filled, route::Shape, secret::TLS_TYPE},
};

use super::{
    finding::{Fact, Instead, Maker},
    reason::Severity,
    verdict::{Collector, Subject},
};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if !subject.inventory.secrets_left_out {
        for secret in &binding.secrets {
            judge_secret(subject, secret, collector);
        }
        // At most this many Secrets are kept for one host. The ones beyond were not examined, so the others do not
        // prove that the host is healthy.
        collector.unreadable |= binding.secrets.len() >= MANY;
    }
    if let Some(skipped) = subject.inventory.skipped_after(binding)
        && !binding.secrets.contains(&skipped)
    {
        traefik::lacking(subject, skipped, collector);
    }
    traefik::judge(subject, binding, collector);
    hosts::judge(subject, binding, collector);
    finding::AmbiguousCertificate::check(subject, collector);
    match binding.route.kind.route().map(|facts| facts.shape) {
        Some(Shape::Entries) => judge_ingress(subject, binding, collector),
        Some(Shape::Hosts | Shape::Fields(_)) => finding::SecretNameEmpty::check(subject, binding, collector),
        Some(Shape::Listeners) | None => gateway::judge(subject, binding, collector),
    }
}

/// Judges an Ingress whose TLS Traefik passes through. Since 3.7 Traefik does so whatever the Secrets are. Up to 3.6
/// its provider for ingress-nginx ignores an Ingress whose Secret does not exist
/// (`pkg/provider/kubernetes/ingress-nginx`: 3.6.24 `kubernetes.go`, 3.7.0 `build.go`).
pub(super) fn passed_through(inventory: &Inventory, binding: &Binding, collector: &mut Collector) {
    if inventory.from_manifests || inventory.controller(&binding.route) != Controller::Traefik {
        return;
    }
    let mut secrets = binding.secrets.iter();
    if let Some(secret) = secrets.find(|secret| inventory.is_absent(secret) && !inventory.is_unread(secret)) {
        let fact = Fact::SecretNotFound(finding::SecretNotFound {
            secret: secret.clone(),
            instead: Instead::LeftOutUpTo36,
            among_manifests: false,
            maker: None,
        });
        collector.add_at(Severity::Warning, fact);
    }
}

/// Judges whether a named Secret exists, may be read, and holds a usable certificate and key.
fn judge_secret(subject: &Subject<'_>, secret: &Key, collector: &mut Collector) {
    let inventory = subject.inventory;
    if let Some(stored) = inventory.secrets().get(secret) {
        let filled = inventory.from_manifests && stored.meta.annotations().iter().any(|(key, _)| is_filled(key));
        // A Secret that another program fills in the cluster is empty in the manifests.
        if !filled {
            let severity = if finding::SecretNotFound::another_is_served(subject, secret) {
                Severity::Warning
            } else {
                subject.unless_served()
            };
            judge_content(stored, Some(severity), collector);
        }
        return;
    }
    if let Some(forbidden) = inventory
        .forbidden_secret(secret)
        .filter(|_| !inventory.is_absent(secret))
    {
        collector.unreadable = true;
        let one = Forbidden {
            namespace: Some(secret.namespace.clone()),
            name: Some(secret.name.clone()),
            ..forbidden.clone()
        };
        collector.add(finding::Forbidden(one));
        return;
    }
    if inventory.is_unread(secret) {
        // The list of Secrets is incomplete. That is reported once, and Secrets that were not read are not judged.
        collector.unreadable = true;
        return;
    }
    let served = finding::SecretNotFound::another_is_served(subject, secret);
    let among_manifests = inventory.from_manifests;
    let maker = maker::of(subject, secret);
    // Manifests without any TLS Secret are typical output of Helm or Kustomize for a cluster that gets its TLS Secrets
    // in another way. Secrets of other types, such as the password of a database, do not change that.
    let expected = match maker {
        Some(Maker::Assumed) => true,
        Some(Maker::Refused(_)) => false,
        Some(_) => among_manifests,
        None => among_manifests && inventory.secrets().have_no_certificate(),
    };
    let severity = if expected {
        Severity::Info
    } else if served {
        Severity::Warning
    } else {
        subject.unless_served()
    };
    let instead = if served {
        Instead::AnotherCertificate
    } else {
        subject.instead()
    };
    let fact = Fact::SecretNotFound(finding::SecretNotFound {
        secret: secret.clone(),
        instead,
        among_manifests,
        maker: maker.map(Box::new),
    });
    collector.add_at(severity, fact);
}

/// Judges whether a Secret has the type and the data of a TLS Secret. `lacking` is the severity if it has not, where
/// its reader requires both; it is `None` for a proxy that mounts the Secret, which accepts any type and other data
/// keys.
pub(super) fn judge_content(stored: &Stored, lacking: Option<Severity>, collector: &mut Collector) {
    let (strict, lacking) = (lacking.is_some(), lacking.unwrap_or(Severity::Critical));
    let secret = stored.meta.key();
    let (mut certificate, mut key) = (stored.certificate, stored.key);
    if stored.data_keys.is_some() {
        if !strict {
            return;
        }
        (certificate, key) = (Presence::Absent, Presence::Absent);
    }
    if stored.secret_type != TLS_TYPE && strict {
        let usable = certificate == Presence::Present && key == Presence::Present;
        let severity = if usable { Severity::Warning } else { lacking };
        let found = if stored.secret_type.is_empty() {
            "Opaque".into()
        } else {
            stored.secret_type.clone()
        };
        collector.add_at(
            severity,
            finding::WrongSecretType {
                secret: secret.clone(),
                found,
                usable,
            },
        );
    }
    for (data_key, presence) in [("tls.crt", certificate), ("tls.key", key)] {
        if presence != Presence::Present {
            let empty = presence == Presence::Empty;
            let fact = Fact::MissingData(finding::MissingData {
                secret: secret.clone(),
                data_key,
                empty,
                by_version: false,
            });
            collector.add_at(lacking, fact);
        }
    }
}

fn judge_ingress(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    let Some(ingress) = subject.inventory.ingress(&binding.route.key) else {
        return;
    };
    match subject.inventory.controller_of_ingress(ingress).1 {
        ClassState::Known => {}
        ClassState::NotFound => collector.add(finding::IngressClassNotFound {
            class: ingress.class.clone().unwrap_or_default(),
            kind: Kind::IngressClass,
        }),
        ClassState::NoDefault => {
            collector.add(finding::IngressClassNotFound {
                class: "".into(),
                kind: Kind::IngressClass,
            });
        }
    }
    // The route names a Secret, but clients get the self-signed default certificate of the controller.
    let severity = if subject.is_fake() && !binding.secrets.is_empty() {
        Severity::Critical
    } else {
        Severity::Warning
    };
    if ingress.rules.is_empty() && !ingress.tls.is_empty() && !subject.controller.loads_without_rules() {
        collector.add_at(severity, finding::DefaultBackendOnly);
    }
    if subject.controller == Controller::IngressNginx {
        judge_ingress_nginx(subject, binding, ingress, severity, collector);
    } else {
        finding::SecretNameEmpty::check(subject, binding, collector);
        finding::RuleWithoutHost::of_traefik(subject, binding, ingress, collector);
    }
}

/// Judges defects of a certificate that concern ingress-nginx alone.
fn judge_ingress_nginx(
    subject: &Subject<'_>,
    binding: &Binding,
    ingress: &Ingress,
    severity: Severity,
    collector: &mut Collector,
) {
    // The Secret may be the default one, which is not known where no Secret is read.
    if binding.host == EVERY_HOST
        && !subject.inventory.secrets_left_out
        && !ingress.rules.is_empty()
        && let Some(secret) = binding.secrets.first()
        && subject
            .serving
            .stored()
            .is_none_or(|stored| stored.meta.key() != *secret)
    {
        let fact = Fact::RuleWithoutHost(finding::RuleWithoutHost {
            secret: secret.clone(),
            instead: subject.instead(),
            assumed: subject.assumed(),
        });
        collector.add_at(severity, fact);
    }
    for stored in binding
        .secrets
        .iter()
        .filter_map(|key| subject.inventory.secrets().get(key))
    {
        if let Some(why) = stored.ca_fault {
            let served = matches!(subject.serving, Serving::Named(served) | Serving::Other(served) if !std::ptr::eq(served, stored));
            let severity = if served {
                Severity::Warning
            } else {
                subject.unless_served()
            };
            let secret = stored.meta.key();
            collector.add_at(severity, finding::InvalidCaCertificate { secret, why });
        }
    }
    let Origin::Entry(position) = binding.origin else {
        return finding::SecretNameEmpty::check(subject, binding, collector);
    };
    let names_none = ingress
        .tls
        .get(usize::from(position))
        .is_some_and(|entry| entry.secret.is_none());
    if !names_none || !matches!(subject.serving, Serving::Default(None)) {
        return;
    }
    // Another tls entry names a Secret that would cover the host.
    let unused = ingress.tls.iter().filter_map(|entry| entry.secret.as_ref()).take(MANY);
    let unused = unused
        .map(|name| Key::new(ingress.meta.namespace.clone(), name.clone()))
        .find(|key| {
            subject
                .inventory
                .secrets()
                .get(key)
                .is_some_and(|stored| covers(stored, &binding.host))
        });
    let only_its_own = subject.inventory.has_only_its_own_default(&binding.route);
    let severity = if unused.is_some() || only_its_own {
        Severity::Critical
    } else {
        Severity::Info
    };
    let fact = Fact::SecretNameEmpty(finding::SecretNameEmpty {
        instead: Instead::DefaultCertificate,
        unused,
    });
    collector.add_at(severity, fact);
}
