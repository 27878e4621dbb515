//! Listeners of Gateways and `ListenerSets` with several certificates: which clients get which certificate.
//!
//! The Gateway API leaves the choice to the implementation (`GatewayTLSConfig.certificateRefs`, v1.4). Most
//! implementations use Envoy (Envoy Gateway, Istio, Cilium, kgateway):
//! `source/common/tls/default_tls_certificate_selector.cc`, v1.36. A certificate that names the server name exactly
//! takes precedence over one that covers it with a wildcard. Among equals, a client that supports ECDSA gets the first
//! certificate with an ECDSA key, and any other client the first with an RSA key, in the order of the references. If no
//! certificate covers the name, clients get the first. Expiry is not considered.

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
    /// Clients that do not support ECDSA: the Secret has an RSA key, and the other one an ECDSA key.
    WithoutEcdsa,
    /// Clients that ask for one of its names: the binding stands for every host.
    OfItsNames,
    /// All clients or none, depending on the implementation: it covers the host as well as the other Secret does, with
    /// the same kind of key.
    PerhapsAll,
    /// No client: the Secret cannot be used, while others of the listener can.
    Nobody,
}

/// The Secret that most clients of the binding get, of those that its listener names.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    let mut named = inventory.named(binding);
    let first = match (named.next(), named.next()) {
        // Nearly always there is only one.
        (first, None) => first,
        (first, second) => {
            let all: Vec<&Stored> = first.into_iter().chain(second).chain(named).collect();
            most_get(&all, &binding.host)
        }
    };
    first.map_or_else(|| inventory.without_any(binding), Serving::Named)
}

/// The Secret that most clients of a host get, of those that a listener names, given in their order.
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
    /// The Secrets of a listener that some clients of the binding get instead of `first`, which most get. Secrets that
    /// do not cover the host serve other hosts of the listener, and are judged there.
    pub fn served_beside(&self, binding: &Binding, first: Option<&Stored>) -> Vec<(&Stored, Recipients)> {
        // Traefik chooses among the certificates of all routes, by other rules.
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
                // Among the RSA certificates, too, one that names the host exactly takes precedence, and among those
                // the first.
                ((exact, false), (_, true)) => {
                    let mut before = found.iter().filter(|(_, clients)| *clients == Recipients::WithoutEcdsa);
                    match before.next() {
                        Some((other, _)) if of(other).0 || !exact => continue,
                        _ => Recipients::WithoutEcdsa,
                    }
                }
                // A wildcard is not chosen if another certificate names the host exactly.
                ((false, _), (true, _)) => continue,
                _ => Recipients::PerhapsAll,
            };
            found.push((stored, clients));
        }
        found
    }
}

/// Whether two Secrets hold the same certificate.
fn is_copy(one: &Stored, other: &Stored) -> bool {
    let digest = |stored: &Stored| stored.leaf().map(|leaf| leaf.sha256);
    digest(one).is_some() && digest(one) == digest(other)
}

/// Whether the key is for ECDSA, which nearly all clients prefer.
fn is_ecdsa(stored: &Stored) -> bool {
    stored
        .leaf()
        .is_some_and(|leaf| !matches!(leaf.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)))
}
