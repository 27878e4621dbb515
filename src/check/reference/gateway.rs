//! The Gateway API's own: certificateRefs, grants, listeners that stand in each other's way.

use crate::{
    inventory::{
        Binding, Origin, Stored,
        gateway::{OwnedListener, names_a_secret, terminates_tls},
        ingress::normal_host,
        query::{ClassState, covers},
    },
    object::{Key, Kind, gateway::Listener},
};

use super::{
    super::{
        finding::{Fact, ObjectRef},
        verdict::{Collector, Subject},
    },
    object_ref,
};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    let inventory = subject.inventory;
    if inventory.gateway_class_state(&binding.route) == ClassState::NotFound {
        let class = inventory.class_name(&binding.route).cloned().unwrap_or_default();
        collector.add(Fact::IngressClassNotFound {
            class,
            kind: Kind::GatewayClass,
        });
    }
    if binding.origin == Origin::NoListener {
        if let Some(route) = binding.routes.first() {
            let hostnames = inventory.route(route).map(|r| r.hostnames.clone()).unwrap_or_default();
            collector.add(Fact::NoMatchingListenerHostname {
                route: object_ref(route),
                hostnames,
            });
        }
        return;
    }
    // Hosts of routes that could not be read are missing here.
    if inventory.forbidden().iter().any(|f| Kind::ATTACHED.contains(&f.kind)) {
        collector.unreadable = true;
    }
    let Some(listener) = inventory.listener(binding) else {
        return;
    };
    references(subject, binding, listener, collector);
    let Some(gateway) = inventory.gateway_of(&binding.route) else {
        return;
    };
    let listeners = inventory.listeners(&gateway.meta.key());
    conflict(binding, listener, &listeners, collector);
    overlapping(subject, binding, listener, &listeners, collector);
}

/// Each certificateRef: a kind that is supported, and a grant where it crosses namespaces.
fn references(subject: &Subject<'_>, binding: &Binding, listener: &Listener, collector: &mut Collector) {
    let own = &binding.route.key.namespace;
    if listener.certificate_refs.is_empty() && !listener.has_options {
        let why = "the listener names no certificate";
        let (group, kind, name) = Default::default();
        collector.add(Fact::InvalidCertificateRef { group, kind, name, why });
    }
    for reference in &listener.certificate_refs {
        if !names_a_secret(reference) {
            collector.add(Fact::InvalidCertificateRef {
                group: reference.group.clone(),
                kind: reference.kind.clone(),
                name: reference.name.clone(),
                why: "only Secrets of the core group are supported everywhere",
            });
            continue;
        }
        let secret = Key::new(
            reference.namespace.clone().unwrap_or_else(|| own.clone()),
            reference.name.clone(),
        );
        if !subject.inventory.permits(binding.route.kind, own, &secret) {
            let from = binding.route.kind;
            collector.add(Fact::RefNotPermitted {
                secret,
                from,
                from_namespace: own.clone(),
            });
        }
    }
}

fn is_own(binding: &Binding, listener: &Listener, other: &OwnedListener<'_>) -> bool {
    other.listener.name == listener.name && other.owner() == binding.route
}

/// An earlier listener of the same port has the same hostname: this one is not programmed.
fn conflict(binding: &Binding, listener: &Listener, listeners: &[OwnedListener<'_>], collector: &mut Collector) {
    let hostname = |l: &Listener| l.hostname.as_deref().map(normal_host);
    let earlier = listeners.iter().take_while(|other| !is_own(binding, listener, other));
    for other in earlier {
        let tls = terminates_tls(other.listener) || other.listener.passthrough;
        if tls && other.listener.port == listener.port && hostname(other.listener) == hostname(listener) {
            collector.add(Fact::HostnameConflict {
                listener: listener.name.clone(),
                other: ObjectRef {
                    kind: other.kind,
                    key: other.meta.key(),
                },
                other_listener: other.listener.name.clone(),
            });
            return;
        }
    }
}

/// Another listener of the port serves a different certificate that names this host too: browsers that share a
/// connection between both hosts land at the wrong listener (Gateway API, `OverlappingTLSConfig`).
fn overlapping(
    subject: &Subject<'_>,
    binding: &Binding,
    listener: &Listener,
    listeners: &[OwnedListener<'_>],
    collector: &mut Collector,
) {
    let inventory = subject.inventory;
    let others = listeners.iter().filter(|other| {
        !is_own(binding, listener, other) && other.listener.port == listener.port && terminates_tls(other.listener)
    });
    for other in others {
        let hostname = other
            .listener
            .hostname
            .as_deref()
            .map_or_else(|| "*".into(), normal_host);
        let same = other.listener.certificate_refs == listener.certificate_refs && other.owner() == binding.route;
        // Two listeners of one hostname are a conflict, which is told as such.
        if same || listener.hostname.as_deref().map(normal_host).as_ref() == Some(&hostname) {
            continue;
        }
        let namespace = &other.meta.namespace;
        let certificates = other
            .listener
            .certificate_refs
            .iter()
            .filter(|r| names_a_secret(r))
            .filter_map(|r| {
                let key = Key::new(r.namespace.clone().unwrap_or_else(|| namespace.clone()), r.name.clone());
                inventory.secrets().get(&key)
            });
        let differs = |stored: &&Stored| {
            let own = subject.stored.and_then(Stored::leaf).map(|l| l.sha256);
            stored.leaf().is_some_and(|leaf| Some(leaf.sha256) != own)
        };
        let mut naming = certificates
            .filter(differs)
            .filter(|stored| covers(stored, &binding.host));
        if binding.host != "*" && naming.next().is_some() {
            collector.add(Fact::OverlappingCertificates {
                other: ObjectRef {
                    kind: other.kind,
                    key: other.meta.key(),
                },
                other_listener: other.listener.name.clone(),
            });
            return;
        }
    }
}
