//! Listeners of Gateways and `ListenerSets`: of several certificates, who gets which.
//!
//! The Gateway API leaves the choice to the implementation (`GatewayTLSConfig.certificateRefs`, v1.4). Most of them are Envoy
//! (Envoy Gateway, Istio, Cilium, kgateway): `source/common/tls/default_tls_certificate_selector.cc`, v1.36. A certificate that
//! names the server name itself goes before one that does by a wildcard; of those, a client that supports ECDSA gets the
//! first with an ECDSA key and any other client the first with an RSA key, in the order of the references; where none names
//! it, the first. Whether one is expired is not looked at.

use crate::{
    inventory::{Inventory, binding::Binding, controller::Controller, ingress::EVERY_HOST, secrets::Stored},
    x509::KeyAlgorithm,
};

use super::{
    Serving,
    choice::{covers, names_exactly, usable},
};

/// Which clients get a Secret that is served beside the one that most clients of the host get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipients {
    /// Those that do not support ECDSA: it is the RSA one beside an ECDSA one.
    WithoutEcdsa,
    /// Those that ask for one of its names: the binding stands for every host.
    OfItsNames,
    /// It covers the host as well as the other does, by a key of the same kind: all or none, by the implementation.
    PerhapsAll,
    /// None: it cannot be used, and others of the listener can.
    Nobody,
}

/// What most clients of the binding get of the Secrets that its listener names.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    let mut named = inventory.named(binding);
    let first = match (named.next(), named.next()) {
        // One alone, as nearly always.
        (first, None) => first,
        (first, second) => {
            let all: Vec<&Stored> = first.into_iter().chain(second).chain(named).collect();
            most_get(&all, &binding.host)
        }
    };
    first.map_or_else(|| inventory.without_any(binding), Serving::Named)
}

/// The Secret that most clients of a host get, of those that a listener names, in their order.
fn most_get<'a>(named: &[&'a Stored], host: &str) -> Option<&'a Stored> {
    let usable: Vec<&Stored> = named.iter().copied().filter(|stored| usable(stored)).collect();
    let among = if usable.is_empty() { named } else { &usable };
    if host == EVERY_HOST {
        return among.first().copied();
    }
    let modern = |of: &mut dyn Iterator<Item = &'a Stored>| {
        let mut first = None;
        for stored in of {
            if is_ecdsa(stored) {
                return Some(stored);
            }
            first = first.or(Some(stored));
        }
        first
    };
    let exact = modern(&mut among.iter().copied().filter(|stored| names_exactly(stored, host)));
    exact
        .or_else(|| modern(&mut among.iter().copied().filter(|stored| covers(stored, host))))
        .or_else(|| among.first().copied())
}

impl Inventory {
    /// The Secrets of a listener that clients of the binding get beside `first`, which most get. Those that are not for the
    /// host serve other hosts of the listener, and are judged there.
    pub fn served_beside(&self, binding: &Binding, first: Option<&Stored>) -> Vec<(&Stored, Recipients)> {
        // Traefik chooses among all certificates, and by other rules.
        let others = || binding.route.kind.is_listener_set() || self.controller(&binding.route) != Controller::Traefik;
        let of_listener = binding.listener.is_some() && binding.secrets.len() > 1;
        let Some(first) = first.filter(|_| of_listener && others()) else {
            return Vec::new();
        };
        let host = &binding.host;
        let of = |stored: &Stored| (names_exactly(stored, host), is_ecdsa(stored));
        let mut found: Vec<(&Stored, Recipients)> = Vec::new();
        for stored in self.named(binding) {
            let same = |other: &Stored| std::ptr::eq(other, stored) || is_copy(other, stored);
            if same(first) || found.iter().any(|(other, _)| same(other)) {
                continue;
            }
            if !usable(stored) {
                found.push((stored, Recipients::Nobody));
                continue;
            }
            if !covers(stored, host) {
                continue;
            }
            let clients = match (of(stored), of(first)) {
                _ if host == EVERY_HOST => Recipients::OfItsNames,
                // Of the RSA ones, too, one that names the host itself goes first, and the first of those.
                ((exact, false), (_, true)) => {
                    let mut before = found.iter().filter(|(_, clients)| *clients == Recipients::WithoutEcdsa);
                    match before.next() {
                        Some((other, _)) if of(other).0 || !exact => continue,
                        _ => Recipients::WithoutEcdsa,
                    }
                }
                // A wildcard beside a certificate that names the host itself is not chosen for it.
                ((false, _), (true, _)) => continue,
                _ => Recipients::PerhapsAll,
            };
            found.push((stored, clients));
        }
        found
    }
}

/// Whether two Secrets hold one certificate.
fn is_copy(one: &Stored, other: &Stored) -> bool {
    let digest = |stored: &Stored| stored.leaf().map(|leaf| leaf.sha256);
    digest(one).is_some() && digest(one) == digest(other)
}

/// Whether the key is one for ECDSA, which nearly all clients prefer.
fn is_ecdsa(stored: &Stored) -> bool {
    stored
        .leaf()
        .is_some_and(|leaf| !matches!(leaf.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)))
}
