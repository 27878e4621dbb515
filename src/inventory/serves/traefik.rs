//! Traefik: a certificate is chosen by server name among all that any route brought.

use crate::{
    inventory::{
        Inventory, binding::Binding, controller::Controller, ingress::EVERY_HOST, secrets::Stored, settle::MANY,
    },
    object::{Key, Kind},
};

use super::{
    Serving,
    choice::{covers, fittest, names_exactly, usable},
};

/// The Secret that is chosen for the host: one that names the host itself goes before a wildcard, whoever brought it.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    let skipped = inventory.skipped_after(binding).is_some();
    // Of a listener's references, those before one that is missing are read.
    let ends = binding.route.kind == Kind::Gateway;
    let reached = binding
        .secrets
        .iter()
        .take_while(|key| !(ends && inventory.is_absent(key)));
    let named = reached.filter_map(|key| inventory.secrets.get(key));
    let best = fittest(named, &binding.host).filter(|_| !skipped);
    if best.is_none_or(|stored| !names_exactly(stored, &binding.host))
        && let Some(other) = among_all(inventory, binding)
        && names_exactly(other, &binding.host)
    {
        return Serving::Other(other);
    }
    if let Some(stored) = best.filter(|stored| covers(stored, &binding.host)) {
        return Serving::Named(stored);
    }
    if let Some(other) = among_all(inventory, binding) {
        return Serving::Other(other);
    }
    best.map_or(Serving::Nothing, Serving::Named)
}

/// The best of all that are loaded and name the host.
fn among_all<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<&'a Stored> {
    if binding.host == EVERY_HOST {
        return None;
    }
    let is_loaded = |stored: &&Stored| usable(stored) && loaded(inventory, stored);
    let (exact, wide): (Vec<&Stored>, Vec<&Stored>) = inventory
        .secrets
        .naming(&binding.host)
        .filter(is_loaded)
        .partition(|stored| names_exactly(stored, &binding.host));
    let best = |among: Vec<&'a Stored>| fittest(among.into_iter(), &binding.host);
    best(exact).or_else(|| best(wide))
}

/// Whether some route of Traefik brings the Secret, and Traefik gets as far as to read it.
fn loaded(inventory: &Inventory, stored: &Stored) -> bool {
    let secret = stored.meta.key();
    let reached = |b: &Binding| {
        let mut before = b.secrets.iter().take_while(|key| **key != secret);
        b.route.kind != Kind::Gateway || !before.any(|key| inventory.is_absent(key))
    };
    let ids = inventory.bindings_of_secret(&secret).iter().take(MANY);
    ids.filter_map(|id| inventory.bindings.get(*id)).any(|b| {
        !b.route.kind.is_listener_set()
            && inventory.controller(&b.route) == Controller::Traefik
            && inventory.skipped_after(b).is_none()
            && reached(b)
    })
}

impl Inventory {
    /// The Secret of an earlier tls entry that is missing, when the controller stops reading the Ingress there.
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
            .find(|key| self.is_absent(key))
    }
}
