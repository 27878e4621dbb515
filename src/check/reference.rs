//! References: does what a route names exist, may it be used, and do its two sets of hosts agree?

mod gateway;
mod hosts;
mod maker;
mod traefik;

use crate::{
    inventory::{
        Binding, Controller, Inventory, Origin, Presence, Stored,
        ingress::EVERY_HOST,
        query::{ClassState, DefaultCertificate, Serving, covers, usable},
        settle::MANY,
    },
    object::register::{Role, count, of_roles},
    object::route::Shape,
    object::{Forbidden, Ingress, Key, Kind, annotation::is_filled, secret::TLS_TYPE},
};

use super::{
    finding::{Fact, Instead, Maker, ObjectRef},
    reason::Severity,
    verdict::{Collector, Subject},
};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    for secret in &binding.secrets {
        judge_secret(subject, secret, collector);
    }
    // No more are kept for one host: what is named behind them was not looked at, and the rest does not make it healthy.
    collector.unreadable |= binding.secrets.len() >= MANY;
    if let Some(skipped) = subject.inventory.skipped_after(binding)
        && !binding.secrets.contains(&skipped)
    {
        traefik::lacking(subject, skipped, collector);
    }
    traefik::judge(subject, binding, collector);
    hosts::judge(subject, binding, collector);
    traefik::ambiguous(subject, collector);
    match binding.route.kind.route().map(|facts| facts.shape) {
        Some(Shape::Entries) => judge_ingress(subject, binding, collector),
        Some(Shape::Hosts | Shape::Fields(_)) => secret_name_empty(subject, binding, collector),
        Some(Shape::Listeners) | None => gateway::judge(subject, binding, collector),
    }
}

/// Traefik passes TLS on whatever the Secrets are since 3.7; up to 3.6 its provider for ingress-nginx leaves out an Ingress whose
/// Secret is not there (`pkg/provider/kubernetes/ingress-nginx`: 3.6.24 `kubernetes.go`, 3.7.0 `build.go`).
pub(super) fn passed_through(inventory: &Inventory, binding: &Binding, collector: &mut Collector) {
    if inventory.from_manifests || inventory.controller(&binding.route) != Controller::Traefik {
        return;
    }
    let mut secrets = binding.secrets.iter();
    if let Some(secret) = secrets.find(|secret| inventory.is_absent(secret) && !inventory.is_unread(secret)) {
        let fact = Fact::SecretNotFound {
            secret: secret.clone(),
            instead: Instead::LeftOutUpTo36,
            among_manifests: false,
            maker: None,
        };
        collector.add_at(Severity::Warning, fact);
    }
}

/// Whether a named Secret is there, may be read, and holds what it should.
fn judge_secret(subject: &Subject<'_>, secret: &Key, collector: &mut Collector) {
    let inventory = subject.inventory;
    if let Some(stored) = inventory.secrets().get(secret) {
        let filled = inventory.from_manifests && stored.meta.annotations().iter().any(|(key, _)| is_filled(key));
        // What another Secret fills in the cluster is empty among the manifests.
        if !filled {
            let severity = if another_is_served(subject, secret) {
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
        collector.add(Fact::Forbidden(one));
        return;
    }
    if inventory.is_unread(secret) {
        // The list of Secrets ended early; that is told once, and nothing is said of what was not read.
        collector.unreadable = true;
        return;
    }
    let served = another_is_served(subject, secret);
    let among_manifests = inventory.from_manifests;
    let maker = maker::of(subject, secret);
    // Manifests without any TLS Secret are what Helm and Kustomize print for a cluster that gets these otherwise: other
    // Secrets, a database's password, say nothing of that.
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
    let fact = Fact::SecretNotFound {
        secret: secret.clone(),
        instead,
        among_manifests,
        maker: maker.map(Box::new),
    };
    collector.add_at(severity, fact);
}

/// Whether another of the Secrets that are named for the host is served, where the controller is known to go on without this one.
fn another_is_served(subject: &Subject<'_>, lacking: &Key) -> bool {
    let nginx = subject.controller == Controller::IngressNginx && matches!(subject.serving, Serving::Named(_));
    let skips = subject.controller.picks_among_all() || nginx;
    let other = subject.stored.filter(|stored| stored.meta.key() != *lacking);
    skips && (other.zip(subject.binding)).is_some_and(|(stored, (_, b))| usable(stored) && covers(stored, &b.host))
}

/// Whether a Secret has the type and the data of a TLS Secret. `lacking` is how bad it is where its reader wants that; a proxy that
/// mounts it (`None`) reads any type, under keys of its own.
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
            Fact::WrongSecretType {
                secret: secret.clone(),
                found,
                usable,
            },
        );
    }
    for (data_key, presence) in [("tls.crt", certificate), ("tls.key", key)] {
        if presence != Presence::Present {
            let empty = presence == Presence::Empty;
            let fact = Fact::MissingData {
                secret: secret.clone(),
                data_key,
                empty,
                by_version: false,
            };
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
        ClassState::NotFound => collector.add(Fact::IngressClassNotFound {
            class: ingress.class.clone().unwrap_or_default(),
            kind: Kind::IngressClass,
        }),
        ClassState::NoDefault => {
            collector.add(Fact::IngressClassNotFound {
                class: "".into(),
                kind: Kind::IngressClass,
            });
        }
    }
    // A Secret is named, and clients get the certificate that the controller makes for itself.
    let severity = if subject.is_fake() && !binding.secrets.is_empty() {
        Severity::Critical
    } else {
        Severity::Warning
    };
    if ingress.rules.is_empty() && !ingress.tls.is_empty() && !subject.controller.loads_without_rules() {
        collector.add_at(severity, Fact::DefaultBackendOnly);
    }
    if subject.controller == Controller::IngressNginx {
        judge_ingress_nginx(subject, binding, ingress, severity, collector);
    } else {
        secret_name_empty(subject, binding, collector);
        rule_without_host_of_traefik(subject, binding, ingress, collector);
    }
}

/// Traefik shows a certificate to clients that ask for one of its names, and its default one to all others: a rule without host
/// takes the requests of both.
fn rule_without_host_of_traefik(
    subject: &Subject<'_>,
    binding: &Binding,
    ingress: &Ingress,
    collector: &mut Collector,
) {
    if subject.controller == Controller::Traefik
        && binding.host == EVERY_HOST
        && !ingress.rules.is_empty()
        && let Some(secret) = binding.secrets.first()
        && matches!(subject.serving, Serving::Named(_))
        && !matches!(subject.inventory.traefiks_default(), DefaultCertificate::Secret(_))
    {
        collector.add(Fact::RuleWithoutHost {
            secret: secret.clone(),
            instead: Instead::Unknown,
            assumed: None,
        });
    }
}

/// What spoils a certificate for ingress-nginx alone.
fn judge_ingress_nginx(
    subject: &Subject<'_>,
    binding: &Binding,
    ingress: &Ingress,
    severity: Severity,
    collector: &mut Collector,
) {
    if binding.host == EVERY_HOST
        && !ingress.rules.is_empty()
        && let Some(secret) = binding.secrets.first()
        && subject
            .serving
            .stored()
            .is_none_or(|stored| stored.meta.key() != *secret)
    {
        let fact = Fact::RuleWithoutHost {
            secret: secret.clone(),
            instead: subject.instead(),
            assumed: subject.assumed(),
        };
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
            collector.add_at(severity, Fact::InvalidCaCertificate { secret, why });
        }
    }
    let Origin::Entry(position) = binding.origin else {
        return secret_name_empty(subject, binding, collector);
    };
    let names_none = ingress
        .tls
        .get(usize::from(position))
        .is_some_and(|entry| entry.secret.is_none());
    if !names_none || !matches!(subject.serving, Serving::Default(None)) {
        return;
    }
    // Another entry names what would serve the host.
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
    let fact = Fact::SecretNameEmpty {
        instead: Instead::DefaultCertificate,
        unused,
    };
    collector.add_at(severity, fact);
}

/// A tls entry that names no Secret: the controller's default certificate is served, unless another one is picked.
fn secret_name_empty(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if binding.origin.entry().is_some() && binding.secrets.is_empty() && subject.stored.is_none() {
        let instead = match subject.instead() {
            Instead::NoConnection => Instead::Unknown,
            other => other,
        };
        collector.add(Fact::SecretNameEmpty { instead, unused: None });
    }
}

/// A TLS Secret that nothing uses. Said only when everything that could use it has been read.
pub(super) fn orphan(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
    const ROLES: [Role; 4] = [Role::Route, Role::Store, Role::Issuing, Role::Consumer];
    const USERS: [Kind; count(&ROLES)] = of_roles(&ROLES);
    let secret = stored.meta.key();
    let used = inventory.is_named(&secret)
        || inventory.consumers_of(&secret).next().is_some()
        || inventory.certificates_of(&secret).next().is_some()
        || inventory.is_issuers_key(&secret)
        || inventory.default_certificates().any(|key| *key == secret)
        || inventory.is_of_a_store(&secret)
        || !stored.meta.owners().is_empty()
        || inventory.may_be_used_elsewhere(&secret);
    if stored.is_tls() && !used && USERS.iter().all(|kind| inventory.knows_all(*kind)) {
        collector.add(Fact::OrphanSecret { secret });
    }
}

/// An object, for a message.
pub(super) fn object_ref(route: &crate::inventory::RouteKey) -> ObjectRef {
    ObjectRef {
        kind: route.kind,
        key: route.key.clone(),
    }
}
