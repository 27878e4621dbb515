//! What a binding is asked for when it is judged: its class and controller, and what is expected to be served.

use crate::{
    object::{
        Forbidden, Ingress, IngressClass, IngressRoute, Key, Kind, Meta, Seconds, Text, annotation,
        gateway::{AllowedNamespaces, Listener},
    },
    x509::{KeyAlgorithm, KeyState, San, names},
};

use super::{
    Inventory,
    binding::{Binding, BindingId, Bindings, Origin, RouteKey},
    controller::{Controller, is_canary},
    ingress::EVERY_HOST,
    secrets::{Secrets, Stored},
    settle::MANY,
};

/// Whether there is a class, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassState {
    /// It is there, or nobody can say that it is not.
    Known,
    /// It is named, and there is no such class.
    NotFound,
    /// None is named, and no class is the default.
    NoDefault,
}

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
    /// All bindings.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// All Secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The bindings for which a Secret is named.
    pub fn bindings_of_secret(&self, secret: &Key) -> &[BindingId] {
        self.by_secret.get(secret)
    }

    /// The bindings of an Ingress or `IngressRoute`.
    pub fn bindings_of_route(&self, route: &RouteKey) -> impl Iterator<Item = &Binding> {
        self.by_route
            .get(route)
            .into_iter()
            .flatten()
            .filter_map(|id| self.bindings.get(*id))
    }

    /// The bindings of a host.
    pub fn bindings_of_host(&self, host: &str) -> &[BindingId] {
        self.by_host.get(host)
    }

    /// The Secrets that bindings name, in no order.
    pub fn named_secrets(&self) -> impl Iterator<Item = &Key> {
        self.by_secret.keys()
    }

    /// From which namespaces something may attach to the listeners of all Gateways and `ListenerSets`.
    pub fn allowed_namespaces(&self) -> impl Iterator<Item = &AllowedNamespaces> {
        let of_gateways = self
            .gateways
            .values()
            .flat_map(|g| routes_of(&g.listeners).chain([&g.allowed_listeners]));
        of_gateways.chain(self.listener_sets.values().flat_map(|s| routes_of(&s.listeners)))
    }

    /// Notes that a Secret could not be read for another reason than a right: nothing is said of it.
    pub fn mark_unreadable(&mut self, secret: Key) {
        self.unreadable.insert(secret);
    }

    /// Whether it is known that there is no such Secret: the server said so, or everything was read.
    pub fn is_absent(&self, secret: &Key) -> bool {
        self.secrets.get(secret).is_none() && (self.absent.contains(secret) || self.knows_all(Kind::Secret))
    }

    /// Whether reading the Secret failed.
    pub fn is_unreadable(&self, secret: &Key) -> bool {
        self.unreadable.contains(secret)
    }

    /// Whether everything of a kind in the scope has been read (or there cannot be any).
    pub fn knows_all(&self, kind: Kind) -> bool {
        (self.listed.contains(&kind) || self.not_served.contains(&kind))
            && !self.forbidden.iter().any(|f| f.kind == kind)
    }

    /// What could not be read.
    pub fn forbidden(&self) -> &[Forbidden] {
        &self.forbidden
    }

    /// Why a Secret is not here, when the reason is a missing right: the last one that was tried, to read it by its name.
    pub fn forbidden_secret(&self, secret: &Key) -> Option<&Forbidden> {
        self.forbidden
            .iter()
            .filter(|f| f.kind == Kind::Secret)
            .filter(|f| match (&f.namespace, &f.name) {
                (Some(namespace), Some(name)) => *namespace == secret.namespace && *name == secret.name,
                (Some(namespace), None) => *namespace == secret.namespace,
                (None, _) => true,
            })
            .max_by_key(|f| f.name.is_some())
    }

    /// An Ingress.
    pub fn ingress(&self, key: &Key) -> Option<&Ingress> {
        self.ingresses.get(key).map(AsRef::as_ref)
    }

    /// An `IngressRoute`.
    pub fn ingress_route(&self, key: &Key) -> Option<&IngressRoute> {
        self.ingress_routes.get(key)
    }

    /// A route of the Gateway API.
    pub fn route(&self, key: &RouteKey) -> Option<&crate::object::Route> {
        self.routes.get(key)
    }

    /// The namespaces that have a route of a kind and name.
    pub fn namespaces_of_route(&self, kind: Kind, name: &str) -> Vec<Text> {
        let named = |key: &&Key| key.name == name;
        let namespaces =
            |keys: &mut dyn Iterator<Item = &Key>| keys.filter(named).map(|k| k.namespace.clone()).collect();
        match kind {
            Kind::Ingress => namespaces(&mut self.ingresses.keys()),
            Kind::IngressRoute => namespaces(&mut self.ingress_routes.keys()),
            Kind::Gateway => namespaces(&mut self.gateways.keys()),
            Kind::ListenerSet => namespaces(&mut self.listener_sets.keys()),
            _ => Vec::new(),
        }
    }

    /// Whether there is a route of a kind and name, in any namespace.
    pub fn holds_route(&self, kind: Kind, name: &str) -> bool {
        !self.namespaces_of_route(kind, name).is_empty()
    }

    /// Whether anything that was read is in a namespace.
    pub fn holds_namespace(&self, namespace: &str) -> bool {
        let inside = |key: &Key| key.namespace == namespace;
        self.ingresses.keys().any(inside)
            || self.secrets.iter().any(|stored| stored.meta.namespace == namespace)
            || self.gateways.keys().any(inside)
            || self.ingress_routes.keys().any(inside)
            || self.listener_sets.keys().any(inside)
    }

    /// The metadata of a route.
    pub fn route_meta(&self, route: &RouteKey) -> Option<&Meta> {
        match route.kind {
            Kind::Ingress => self.ingresses.get(&route.key).map(|o| &o.meta),
            Kind::IngressRoute => self.ingress_routes.get(&route.key).map(|o| &o.meta),
            Kind::Gateway => self.gateways.get(&route.key).map(|o| &o.meta),
            Kind::ListenerSet => self.listener_sets.get(&route.key).map(|o| &o.meta),
            _ => self.routes.get(route).map(|o| &o.meta),
        }
    }

    /// The addresses that a route's status names.
    pub fn addresses(&self, route: &RouteKey) -> &[Text] {
        match route.kind {
            Kind::Ingress => self.ingresses.get(&route.key).map_or(&[], |o| &o.addresses),
            Kind::Gateway | Kind::ListenerSet => self.gateway_of(route).map_or(&[], |o| &o.addresses),
            _ => &[],
        }
    }

    /// The class of a route, by field or by annotation; the name of the default class where it names none.
    pub fn class_name(&self, route: &RouteKey) -> Option<&Text> {
        match route.kind {
            Kind::Ingress => {
                let ingress = self.ingresses.get(&route.key)?;
                let annotated = ingress
                    .meta
                    .annotations
                    .iter()
                    .find(|(k, _)| k == annotation::INGRESS_CLASS);
                // The field counts where both are set: the annotation is deprecated since networking.k8s.io/v1.
                ingress
                    .class
                    .as_ref()
                    .or(annotated.map(|(_, v)| v))
                    .or_else(|| Some(&self.default_class()?.meta.name))
            }
            Kind::Gateway | Kind::ListenerSet => self.gateway_of(route).map(|g| &g.class),
            _ => None,
        }
    }

    fn default_class(&self) -> Option<&IngressClass> {
        // Of several defaults, the API server takes the newest.
        self.classes
            .values()
            .filter(|c| c.default)
            .max_by_key(|c| (c.meta.created, std::cmp::Reverse(c.meta.name.clone())))
    }

    /// The controller of an Ingress, and whether its class is there.
    pub fn controller_of_ingress(&self, ingress: &Ingress) -> (Controller, ClassState) {
        let all_known = self.knows_all(Kind::IngressClass);
        if let Some(name) = &ingress.class {
            if let Some(class) = self.classes.get(name) {
                return (Controller::of_controller_name(&class.controller), ClassState::Known);
            }
            let controller = Controller::of_class_name(name);
            // Google's controller reads the name; there is no object.
            let missing = all_known && controller != Controller::Gce;
            let state = if missing {
                ClassState::NotFound
            } else {
                ClassState::Known
            };
            return (controller, state);
        }
        if let Some(name) = ingress.meta.annotation(annotation::INGRESS_CLASS) {
            // An annotation needs no object: each controller compares it with its own setting.
            let class = self
                .classes
                .get(name)
                .map(|c| Controller::of_controller_name(&c.controller));
            return (
                class.unwrap_or_else(|| Controller::of_class_name(name)),
                ClassState::Known,
            );
        }
        match self.default_class() {
            Some(class) => (Controller::of_controller_name(&class.controller), ClassState::Known),
            None if all_known => (Controller::Unknown, ClassState::NoDefault),
            None => (Controller::Unknown, ClassState::Known),
        }
    }

    /// The controller behind a route.
    pub fn controller(&self, route: &RouteKey) -> Controller {
        match route.kind {
            Kind::Ingress => self
                .ingresses
                .get(&route.key)
                .map_or(Controller::Unknown, |i| self.controller_of_ingress(i).0),
            Kind::IngressRoute => Controller::Traefik,
            _ => {
                let class = self.gateway_of(route).and_then(|g| self.gateway_classes.get(&g.class));
                class.map_or(Controller::Unknown, |c| Controller::of_controller_name(&c.controller))
            }
        }
    }

    /// The `GatewayClass` state of a route's Gateway.
    pub fn gateway_class_state(&self, route: &RouteKey) -> ClassState {
        let Some(gateway) = self.gateway_of(route) else {
            return ClassState::Known;
        };
        let there = self.gateway_classes.contains_key(&gateway.class);
        if there || !self.knows_all(Kind::GatewayClass) {
            ClassState::Known
        } else {
            ClassState::NotFound
        }
    }

    /// Whether a controller is there that chooses among all certificates by server name.
    pub(super) fn some_controller_picks_among_all(&self) -> bool {
        let of_gateways = || self.gateway_classes.values().map(|class| &class.controller);
        self.picks_among_all
            || !self.ingress_routes.is_empty()
            || of_gateways().any(|name| Controller::of_controller_name(name).picks_among_all())
            || self
                .classes
                .values()
                .any(|c| Controller::of_controller_name(&c.controller).picks_among_all())
    }

    /// Whether somebody who writes Ingresses decides for a host together with others: the same controller serves both.
    pub fn shares_hosts(&self, a: &RouteKey, b: &RouteKey) -> bool {
        let ingress_like = |r: &RouteKey| matches!(r.kind, Kind::Ingress | Kind::IngressRoute);
        if !ingress_like(a) || !ingress_like(b) {
            return false;
        }
        let (one, two) = (self.controller(a), self.controller(b));
        let canary = |r: &RouteKey| self.ingresses.get(&r.key).is_some_and(|i| is_canary(i)) && r.kind == Kind::Ingress;
        one == two
            && !one.own_address_each()
            && (one != Controller::Unknown || self.class_name(a) == self.class_name(b))
            && !(one == Controller::IngressNginx && (canary(a) || canary(b)))
    }

    /// When a route was created; manifests seldom say.
    pub fn created(&self, route: &RouteKey) -> Option<Seconds> {
        self.route_meta(route)?.created
    }

    /// The Secret of an earlier tls entry that is missing, when the controller stops reading the Ingress there.
    pub fn skipped_after(&self, binding: &Binding) -> Option<Key> {
        let Origin::Entry(position) = binding.origin else {
            return None;
        };
        if binding.route.kind != Kind::Ingress || !self.controller(&binding.route).skips_after_missing() {
            return None;
        }
        let ingress = self.ingresses.get(&binding.route.key)?;
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
        let ids = self.by_host.get(&binding.host);
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
        self.ingresses
            .get(&route.key)
            .is_some_and(|ingress| !ingress.tls.is_empty())
    }

    /// What the route itself brings for a host, were there no other route of that host.
    fn serving_alone(&self, binding: &Binding, controller: Controller) -> Serving<'_> {
        let skipped = self.skipped_after(binding).is_some();
        // Of a listener's references, Traefik reads those before one that is missing.
        let ends = controller.picks_among_all() && binding.route.kind == Kind::Gateway;
        let reached = binding.secrets.iter().take_while(|key| !(ends && self.is_absent(key)));
        let named = reached.filter_map(|key| self.secrets.get(key));
        let best = named
            .max_by_key(|stored| Self::fitness(stored, &binding.host))
            .filter(|_| !skipped);
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

    fn other_serving(&self, binding: &Binding, controller: Controller) -> Option<&Stored> {
        if binding.host == EVERY_HOST {
            return None;
        }
        if controller.picks_among_all() && binding.route.kind != Kind::ListenerSet {
            return self
                .secrets
                .naming(&binding.host)
                .filter(|stored| usable(stored) && self.loaded(stored, controller))
                .max_by_key(|stored| {
                    (
                        names_exactly(stored, &binding.host),
                        Self::fitness(stored, &binding.host),
                    )
                });
        }
        if controller.serves_unlisted_hosts() && binding.origin == Origin::RuleOnly {
            let ingress = self.ingresses.get(&binding.route.key)?;
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
        let ids = self.by_secret.get(&secret);
        ids.iter().filter_map(|id| self.bindings.get(*id)).any(|b| {
            b.route.kind != Kind::ListenerSet
                && self.controller(&b.route) == controller
                && self.skipped_after(b).is_none()
                && reached(b)
        })
    }

    /// How well a Secret serves a host: usable, for the host, and of the algorithm that clients prefer.
    fn fitness(stored: &Stored, host: &str) -> (bool, bool, bool, std::cmp::Reverse<Key>) {
        let modern = stored
            .leaf()
            .is_some_and(|l| !matches!(l.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)));
        (
            usable(stored),
            covers(stored, host),
            modern,
            std::cmp::Reverse(stored.meta.key()),
        )
    }
}

/// Whether a Secret holds a certificate and its key.
fn usable(stored: &Stored) -> bool {
    stored.leaf().is_some() && matches!(stored.bundle.key, KeyState::Matches)
}

fn routes_of(listeners: &[Listener]) -> impl Iterator<Item = &AllowedNamespaces> {
    listeners.iter().map(|l| &l.allowed_routes)
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
