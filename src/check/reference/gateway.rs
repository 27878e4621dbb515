//! The Gateway API's own: certificateRefs, grants, listeners that stand in each other's way.

use crate::{
    inventory::{
        Binding, Origin, Stored,
        gateway::{OwnedListener, names_a_secret},
        ingress::normal_host,
        query::{ClassState, covers},
        settle::MANY,
    },
    object::{Key, Kind, gateway::Listener},
};

use super::{
    super::{
        finding::Fact,
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
    if binding.origin.is_without_listener() {
        if let Some(route) = binding.routes.first() {
            collector.add(Fact::NoMatchingListenerHostname {
                route: object_ref(route),
                hostname: binding.host.clone(),
                others: binding.origin == Origin::NoListenerOfSeveral,
            });
        }
        return;
    }
    // Hosts of routes that could not be read are missing here.
    if Kind::ATTACHED.iter().any(|kind| inventory.some_forbidden(*kind)) {
        collector.unreadable = true;
    }
    let Some(listener) = inventory.listener(binding) else {
        return;
    };
    references(subject, binding, listener, collector);
    let Some(gateway) = inventory.gateway_of(&binding.route) else {
        return;
    };
    let of = gateway.meta.key();
    if let Some(other) = inventory.earlier_listener(&of, binding, listener) {
        collector.add(Fact::HostnameConflict {
            listener: listener.name.clone(),
            other: object_ref(&other.owner()),
            other_listener: other.listener.name.clone(),
        });
    }
    overlapping(subject, binding, listener, &of, collector);
}

/// Each certificateRef: a kind that is supported, and a grant where it crosses namespaces.
fn references(subject: &Subject<'_>, binding: &Binding, listener: &Listener, collector: &mut Collector) {
    let own = &binding.route.key.namespace;
    if listener.certificate_refs.is_empty() && listener.options.is_empty() {
        let why = "the listener names no certificate";
        let (group, kind, name) = Default::default();
        collector.add(Fact::InvalidCertificateRef { group, kind, name, why });
    }
    for reference in listener.certificate_refs.iter().take(MANY) {
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

/// Another listener of the port serves a different certificate that names this host too: browsers that share a
/// connection between both hosts land at the wrong listener (Gateway API, `OverlappingTLSConfig`).
fn overlapping(
    subject: &Subject<'_>,
    binding: &Binding,
    listener: &Listener,
    gateway: &Key,
    collector: &mut Collector,
) {
    let inventory = subject.inventory;
    if binding.host == "*" {
        return;
    }
    let hostname = listener.hostname.as_deref().map(normal_host);
    let own = subject.stored.and_then(Stored::leaf).map(|leaf| leaf.sha256);
    let differs = |stored: &Stored| stored.leaf().is_some_and(|leaf| Some(leaf.sha256) != own);
    let overlaps = |other: &OwnedListener<'_>| {
        let others = other
            .listener
            .hostname
            .as_deref()
            .map_or_else(|| "*".into(), normal_host);
        let same = other.listener.certificate_refs == listener.certificate_refs && other.is_of(&binding.route);
        // Two listeners of one hostname are a conflict, which is told as such.
        !same && hostname.as_ref() != Some(&others)
    };
    let other = inventory.other_listener(gateway, binding, listener, overlaps, |stored| {
        differs(stored) && covers(stored, &binding.host)
    });
    if let Some(other) = other {
        collector.add(Fact::OverlappingCertificates {
            other: object_ref(&other.owner()),
            other_listener: other.listener.name.clone(),
        });
    }
}
