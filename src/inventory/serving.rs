//! Which Secret a client is expected to get for a binding, by what is known of its controller.

use crate::{
    object::{Key, Kind, Seconds},
    x509::{KeyAlgorithm, KeyState, San, names},
};

use super::{
    Inventory,
    binding::{Binding, Origin, RouteKey},
    controller::Controller,
    ingress::EVERY_HOST,
    secrets::Stored,
    settle::MANY,
};

/// Which Secret is expected to be served for a binding.
#[derive(Debug, Clone, Copy)]
pub enum Serving<'a> {
    /// One that is named for it.
    Named(&'a Stored),
    /// One that another route brought, or that is listed for other hosts of the same Ingress.
    Other(&'a Stored),
    /// None of those that are known.
    Nothing,
}

impl<'a> Serving<'a> {
    /// The Secret, whoever brought it.
    pub fn stored(self) -> Option<&'a Stored> {
        match self {
            Self::Named(stored) | Self::Other(stored) => Some(stored),
            Self::Nothing => None,
        }
    }
}

impl Inventory {
    /// The Secret of an earlier tls entry that is missing, when the controller stops reading the Ingress there.
    pub fn skipped_after(&self, binding: &Binding) -> Option<Key> {
        let Origin::Entry(position @ 1..) = binding.origin else {
            return None;
        };
        if binding.route.kind != Kind::Ingress || !self.controller(&binding.route).skips_after_missing() {
            return None;
        }
        let ingress = self.ingress_of(&binding.route)?;
        let names = ingress
            .tls
            .iter()
            .take(usize::from(position))
            .filter_map(|entry| entry.secret.as_ref());
        names
            .map(|name| Key::new(ingress.meta.namespace.clone(), name.clone()))
            .find(|key| self.is_absent(key))
    }

    /// Which Secret is expected to be served for a binding, as far as its controller is known.
    pub fn serving(&self, binding: &Binding) -> Serving<'_> {
        let controller = self.controller(&binding.route);
        if let Some(winner) = self.winner(binding, controller)
            && winner.route != binding.route
        {
            return match self.serving_alone(winner, controller) {
                Serving::Nothing => Serving::Nothing,
                Serving::Named(stored) | Serving::Other(stored) => Serving::Other(stored),
            };
        }
        self.serving_alone(binding, controller)
    }

    /// Of several routes of one host, the one whose certificate counts: the oldest, where the controller has that rule
    /// and every route says when it was made. Ingresses without any tls entry do not take part.
    pub fn winner(&self, binding: &Binding, controller: Controller) -> Option<&Binding> {
        if !controller.oldest_wins() || binding.host == EVERY_HOST {
            return None;
        }
        let ids = self.bindings_of_host(&binding.host);
        if ids.len() < 2 {
            return None;
        }
        let mut oldest: Option<(Seconds, &Binding)> = None;
        for other in ids.iter().take(MANY).filter_map(|id| self.bindings.get(*id)) {
            if !self.shares_hosts(&binding.route, &other.route) || !self.has_tls(&other.route) {
                continue;
            }
            let made = self.created(&other.route)?;
            if oldest.is_none_or(|(at, old)| (made, &other.route) < (at, &old.route)) {
                oldest = Some((made, other));
            }
        }
        oldest.map(|(_, winner)| winner)
    }

    fn has_tls(&self, route: &RouteKey) -> bool {
        self.ingress_of(route).is_some_and(|ingress| !ingress.tls.is_empty())
    }

    /// What the route itself brings for a host, were there no other route of that host.
    fn serving_alone(&self, binding: &Binding, controller: Controller) -> Serving<'_> {
        let skipped = self.skipped_after(binding).is_some();
        // Of a listener's references, Traefik reads those before one that is missing.
        let ends = controller.picks_among_all() && binding.route.kind == Kind::Gateway;
        let reached = binding.secrets.iter().take_while(|key| !(ends && self.is_absent(key)));
        let named = reached.filter_map(|key| self.secrets.get(key));
        let best = fittest(named, &binding.host).filter(|_| !skipped);
        // Among all that are loaded, a name that is the host itself goes before a wildcard, whoever brought it.
        if controller.picks_among_all()
            && best.is_none_or(|stored| !names_exactly(stored, &binding.host))
            && let Some(other) = self.other_serving(binding, controller)
            && names_exactly(other, &binding.host)
        {
            return Serving::Other(other);
        }
        if let Some(stored) = best
            && (covers(stored, &binding.host) || !controller.checks_names(binding.route.kind))
        {
            return Serving::Named(stored);
        }
        if let Some(other) = self.other_serving(binding, controller) {
            return Serving::Other(other);
        }
        best.map_or(Serving::Nothing, Serving::Named)
    }

    fn other_serving<'a>(&'a self, binding: &Binding, controller: Controller) -> Option<&'a Stored> {
        if binding.host == EVERY_HOST {
            return None;
        }
        if controller.picks_among_all() && !binding.route.kind.is_listener_set() {
            let loaded = |stored: &&Stored| usable(stored) && self.loaded(stored, controller);
            let (exact, wide): (Vec<&Stored>, Vec<&Stored>) = self
                .secrets
                .naming(&binding.host)
                .filter(loaded)
                .partition(|stored| names_exactly(stored, &binding.host));
            let best = |among: Vec<&'a Stored>| fittest(among.into_iter(), &binding.host);
            return best(exact).or_else(|| best(wide));
        }
        if controller.serves_unlisted_hosts() && binding.origin == Origin::RuleOnly {
            let ingress = self.ingress_of(&binding.route)?;
            return ingress
                .tls
                .iter()
                .filter_map(|entry| entry.secret.as_ref())
                .filter_map(|name| {
                    self.secrets
                        .get(&Key::new(ingress.meta.namespace.clone(), name.clone()))
                })
                .find(|stored| usable(stored) && covers(stored, &binding.host));
        }
        None
    }

    /// Whether some route of the controller brings the Secret, and the controller gets as far as to read it.
    fn loaded(&self, stored: &Stored, controller: Controller) -> bool {
        let secret = stored.meta.key();
        let reached = |b: &Binding| {
            let mut before = b.secrets.iter().take_while(|key| **key != secret);
            b.route.kind != Kind::Gateway || !before.any(|key| self.is_absent(key))
        };
        let ids = self.bindings_of_secret(&secret);
        ids.iter().filter_map(|id| self.bindings.get(*id)).any(|b| {
            !b.route.kind.is_listener_set()
                && self.controller(&b.route) == controller
                && self.skipped_after(b).is_none()
                && reached(b)
        })
    }
}

/// The Secret that serves a host best: usable, for the host, of the algorithm that clients prefer; else the first by name.
fn fittest<'a>(among: impl Iterator<Item = &'a Stored>, host: &str) -> Option<&'a Stored> {
    let fitness = |stored: &Stored| {
        let modern = stored
            .leaf()
            .is_some_and(|l| !matches!(l.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)));
        (usable(stored), covers(stored, host), modern)
    };
    // One alone, as nearly always, is compared with none.
    among.reduce(|a, b| {
        let names = |stored: &'a Stored| (&stored.meta.namespace, &stored.meta.name);
        let order = fitness(a).cmp(&fitness(b)).then_with(|| names(b).cmp(&names(a)));
        if order.is_gt() { a } else { b }
    })
}

/// Whether a Secret holds a certificate and its key.
fn usable(stored: &Stored) -> bool {
    stored.leaf().is_some() && matches!(stored.bundle.key, KeyState::Matches)
}

/// Whether a Secret that can be used names the host itself, and not by a wildcard.
fn names_exactly(stored: &Stored, host: &str) -> bool {
    usable(stored)
        && stored
            .leaf()
            .is_some_and(|leaf| leaf.names.iter().any(|san| matches!(san, San::Dns(n) if n == host)))
}

/// Whether a Secret's leaf names the host. Every host (`*`) is covered by any certificate.
pub fn covers(stored: &Stored, host: &str) -> bool {
    host == EVERY_HOST || stored.leaf().is_some_and(|leaf| names::covered(host, &leaf.names))
}
