//! References of the Gateway API: certificateRefs, grants, and listeners that conflict with each other.

use crate::{
    check::finding::{self, ObjectRef},
    inventory::{Binding, Origin, derive::MANY, gateway::names_a_secret, query::ClassState},
    object::{Key, Kind, gateway::Listener},
};

use super::super::verdict::{Collector, Subject};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    let inventory = subject.inventory;
    if inventory.gateway_class_state(&binding.route) == ClassState::NotFound {
        let class = inventory.class_name(&binding.route).cloned().unwrap_or_default();
        collector.add(finding::IngressClassNotFound {
            class,
            kind: Kind::GatewayClass,
        });
    }
    if binding.origin.is_without_listener() {
        if let Some(route) = binding.routes.first() {
            collector.add(finding::NoMatchingListenerHostname {
                route: ObjectRef::from(route),
                hostname: binding.host.clone(),
                others: binding.origin == Origin::NoListenerOfSeveral,
            });
        }
        return;
    }
    // Hosts of routes that could not be read are missing from the bindings.
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
        collector.add(finding::HostnameConflict {
            listener: listener.name.clone(),
            other: ObjectRef::from(&other.owner()),
            other_listener: other.listener.name.clone(),
        });
    }
    finding::OverlappingCertificates::check(subject, binding, listener, &of, collector);
}

/// Judges each certificateRef: its kind must be supported, and a reference into another namespace needs a grant.
fn references(subject: &Subject<'_>, binding: &Binding, listener: &Listener, collector: &mut Collector) {
    let own = &binding.route.key.namespace;
    if listener.certificate_refs.is_empty() && listener.options.is_empty() {
        let why = "the listener names no certificate";
        let (group, kind, name) = Default::default();
        collector.add(finding::InvalidCertificateRef { group, kind, name, why });
    }
    for reference in listener.certificate_refs.iter().take(MANY) {
        if !names_a_secret(reference) {
            collector.add(finding::InvalidCertificateRef {
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
            collector.add(finding::RefNotPermitted {
                secret,
                from,
                from_namespace: own.clone(),
            });
        }
    }
}
