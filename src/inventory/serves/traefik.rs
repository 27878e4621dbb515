//! Traefik: it chooses a certificate by server name among those that any route or store brought, otherwise it serves
//! the default one.
//!
//! [`super::store`] makes the choice. This module applies it to a route, and decides where Traefik stops reading an
//! Ingress.

use crate::{
    inventory::{
        Inventory,
        binding::{Binding, Origin},
        ingress::EVERY_HOST,
        secrets::Stored,
    },
    object::{Key, Kind},
};

use super::{
    Serving,
    choice::{covers, fittest},
    shown::shown,
    store::DefaultCertificate,
};

/// What Traefik serves for the host. If no certificate covers it, the result is the default certificate, provided that
/// it is usable or the route names none; otherwise it is the intended certificate, which does not cover the host.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    if let Some(shown) = shown(inventory, binding) {
        let meta = &shown.stored.meta;
        let is_own = |key: &Key| key.name == meta.name && key.namespace == meta.namespace;
        return match shown.rival {
            Some((other, why)) => Serving::Chance(shown.stored, other, why),
            None if binding.secrets.iter().any(is_own) => Serving::Named(shown.stored),
            None => Serving::Other(shown.stored),
        };
    }
    let best = best_named(inventory, binding);
    if let (Some(best), EVERY_HOST) = (best, binding.host.as_str()) {
        return Serving::Named(best);
    }
    let default = match inventory.traefiks_default() {
        DefaultCertificate::Secret(stored) => Some(stored),
        DefaultCertificate::Unread => return Serving::Unread,
        DefaultCertificate::Own(_) | DefaultCertificate::Unknown => None,
    };
    match (default, best) {
        (Some(stored), _) if covers(stored, &binding.host) => Serving::Default(Some(stored)),
        (_, Some(best)) => Serving::Named(best),
        // A host that only a rule names may be meant for plain HTTP.
        (Some(stored), None) if binding.origin != Origin::RuleOnly => Serving::Default(Some(stored)),
        _ => Serving::Default(None),
    }
}

/// The best of the named Secrets that Traefik reads before it stops, and that are in the store which it uses.
fn best_named<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<&'a Stored> {
    // Traefik reads the references of a listener up to the first missing Secret.
    let ends = binding.route.kind == Kind::Gateway;
    let reached = binding
        .secrets
        .iter()
        .take_while(|key| !(ends && inventory.is_absent(key)));
    let named = reached
        .filter(|key| inventory.kept_apart(binding, key).is_none())
        .filter_map(|key| inventory.secrets.get(key));
    fittest(named, &binding.host).filter(|_| inventory.skipped_after(binding).is_none())
}

impl Inventory {
    /// The missing or incomplete Secret of an earlier tls entry, if the controller stops reading the Ingress there.
    ///
    /// `getCertificates` of Traefik's `pkg/provider/kubernetes/ingress` (3.6.12, 3.7.9) and `loadCertificates` of its
    /// `ingress-nginx` return at the first such error.
    pub fn skipped_after(&self, binding: &Binding) -> Option<Key> {
        let Some(position @ 1..) = binding.origin.entry() else {
            return None;
        };
        if binding.route.kind != Kind::Ingress || !self.controller(&binding.route).skips_after_missing() {
            return None;
        }
        let ingress = self.ingress_of(&binding.route)?;
        if let Some(gap) = self.gaps.get(&binding.route.key) {
            let before = gap.as_ref().filter(|(at, _)| *at < usize::from(position));
            return before.map(|(_, key)| key.clone());
        }
        let names = ingress
            .tls
            .iter()
            .take(usize::from(position))
            .filter_map(|entry| entry.secret.as_ref());
        names
            .map(|name| Key::new(ingress.meta.namespace.clone(), name.clone()))
            .find(|key| self.lacks(key))
    }

    /// Whether a Secret is known not to exist, or lacks its certificate or its key.
    pub(in crate::inventory) fn lacks(&self, secret: &Key) -> bool {
        match self.secrets.get(secret) {
            Some(held) => !held.has_both(),
            None => self.is_absent(secret),
        }
    }
}
