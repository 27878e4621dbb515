//! The effects of a change: affected routes are derived again, and what depends on them or on a Secret is marked for
//! judging.

use std::collections::BTreeSet;

use crate::{
    object::{Consumer, HostRoute, Ingress, Key, Kind, Route, Text},
    x509::{Fingerprint, KeyState, San, Sans},
};

use super::{
    Dirty, Inventory,
    binding::{Binding, BindingId, Bindings, RouteKey},
    index::Index,
    ingress::{covers_host, wildcard_over},
    secrets::Secrets,
    table::Keyed,
    view::RouteView,
};

/// The most items that are examined one by one, where the others would give the same result or are examined together.
pub(crate) const MANY: usize = 200;

/// The number of tls entries from which on the first missing Secret of an Ingress is found once and remembered.
const ENTRIES: usize = 16;

impl Inventory {
    /// Remembers an Ingress if it has very many tls entries.
    pub(super) fn note_length(&mut self, ingress: &Ingress) {
        if ingress.tls.len() > ENTRIES {
            self.gaps.insert(ingress.meta.key(), None);
        } else if !self.gaps.is_empty() {
            self.gaps.remove(&ingress.meta.key());
        }
    }

    /// Finds the first tls entry with a missing Secret, for each Ingress with very many tls entries.
    fn find_gaps(&mut self) {
        let mut gaps = std::mem::take(&mut self.gaps);
        for (key, gap) in &mut gaps {
            let entries = self.ingresses.get(key).map_or(&[][..], |ingress| &ingress.tls);
            *gap = entries.iter().enumerate().find_map(|(at, entry)| {
                let secret = Key::new(key.namespace.clone(), entry.secret.clone()?);
                self.lacks(&secret).then_some((at, secret))
            });
        }
        self.gaps = gaps;
    }

    pub(super) fn mark(&mut self, kind: Kind, key: Key) {
        // Before the first derivation there is nothing to derive again: it includes all routes.
        if self.is_derived {
            self.stale.insert(RouteKey::new(kind, key));
        }
    }

    pub(super) fn mark_all_ingresses(&mut self) {
        if self.is_derived {
            let keys = self.ingresses.values().map(|o| o.meta.key());
            self.stale.extend(keys.map(|key| RouteKey::new(Kind::Ingress, key)));
        }
    }

    pub(super) fn mark_all_gateways(&mut self) {
        if !self.is_derived {
            return;
        }
        self.stale.extend(
            self.gateways
                .keys()
                .map(|key| RouteKey::new(Kind::Gateway, key.clone())),
        );
    }

    pub(super) fn set_route(&mut self, route: Route) {
        let key = RouteKey::new(route.kind, route.meta.key());
        self.remove_route(&key);
        for parent in parents(&route) {
            self.mark_parent(&parent);
            self.routes_by_parent.entry(parent).or_default().insert(key.clone());
        }
        self.routes.insert(key, route);
    }

    pub(super) fn remove_route(&mut self, key: &RouteKey) {
        let Some(old) = self.routes.remove(key) else { return };
        for parent in parents(&old) {
            self.mark_parent(&parent);
            if let Some(routes) = self.routes_by_parent.get_mut(&parent) {
                routes.remove(key);
            }
        }
    }

    fn mark_parent(&mut self, parent: &RouteKey) {
        let gateway = match parent.kind {
            Kind::ListenerSet | Kind::XListenerSet => self.listener_sets.get(parent).and_then(|set| set.parent.clone()),
            _ => Some(parent.key.clone()),
        };
        if let Some(gateway) = gateway {
            self.mark(Kind::Gateway, gateway);
        }
    }

    pub(super) fn set_consumer(&mut self, consumer: Consumer) {
        let id = (consumer.kind, consumer.meta.key());
        self.remove_consumer(id.0, &id.1);
        self.set_program(id.0, &id.1, consumer.program.as_deref());
        for used in &consumer.uses {
            let secret = Key::new(consumer.meta.namespace.clone(), used.name.clone());
            self.consumers_by_secret
                .entry(secret.clone())
                .or_default()
                .insert(id.clone());
            self.touch_secret(&secret, std::iter::empty());
        }
        self.consumers.insert(id, consumer);
    }

    pub(super) fn remove_consumer(&mut self, kind: Kind, key: &Key) {
        let Some(old) = self.consumers.remove(&(kind, key.clone())) else {
            return;
        };
        self.set_program(kind, key, None);
        for used in &old.uses {
            let secret = Key::new(old.meta.namespace.clone(), used.name.clone());
            if let Some(users) = self.consumers_by_secret.get_mut(&secret) {
                users.remove(&(kind, key.clone()));
            }
            self.touch_secret(&secret, std::iter::empty());
        }
    }

    /// Marks everything that depends on a Secret: its bindings, those of Secrets with the same key, and, if a
    /// controller chooses among the certificates of all routes, the hosts that its present or previous certificate
    /// names.
    pub(super) fn touch_secret(&mut self, key: &Key, leaves: impl Iterator<Item = (Fingerprint, Sans)>) {
        if self.loading {
            return;
        }
        self.dirty.secrets.insert(key.clone());
        self.touch_routes_of(key);
        if self.default_certificates().any(|default| default == key) {
            // Any host without another certificate may get this one.
            self.dirty.bindings.extend(self.bindings.iter().map(|(id, _)| id));
        }
        if self.is_of_a_store(key) {
            self.touch_traefik();
        }
        let picks = self.some_controller_picks_among_all();
        for (public_key, names) in leaves {
            let sharing: Vec<Key> = self
                .secrets
                .with_public_key(public_key)
                // Anybody can store a copy without the key; it does not count as a repeated key.
                .filter(|s| s.bundle.key == KeyState::Matches)
                .map(|s| s.meta.key())
                .take(MANY)
                .collect();
            for other in sharing.iter().filter(|other| *other != key) {
                self.dirty.bindings.extend(self.secrets.users(other));
                self.dirty.secrets.insert(other.clone());
            }
            for san in &names {
                let San::Dns(name) = san else { continue };
                self.touch_host(name, picks);
            }
        }
    }

    /// Marks all bindings of the routes that name a Secret: an entry without a Secret may stop the next ones from being
    /// read, and a host that no entry lists may be served with it.
    fn touch_routes_of(&mut self, secret: &Key) {
        let mut touched = BTreeSet::new();
        for id in self.secrets.users(secret) {
            touched.insert(*id);
            if let Some(binding) = self.bindings.get(*id) {
                touched.extend(self.derived_with(&binding.route).iter().take(MANY));
            }
        }
        self.dirty.bindings.append(&mut touched);
    }

    /// Marks the bindings of a host and, if a controller chooses among the certificates of all routes, those below a
    /// wildcard.
    fn touch_host(&mut self, name: &Text, picks: bool) {
        let bindings = self.by_host.get(name.as_str(), of_host(&self.bindings));
        self.dirty.bindings.extend(bindings);
        if picks && name.starts_with("*.") {
            let below = self.bindings.iter().filter(|(_, b)| covers_host(name, &b.host));
            self.dirty.bindings.extend(below.map(|(id, _)| id));
        }
    }

    /// Marks the hosts that the certificates of a route's Secrets name: a controller that chooses among the
    /// certificates of all routes has gained or lost them.
    fn touch_named_hosts(&mut self, secrets: &[Key]) {
        if !self.some_controller_picks_among_all() {
            return;
        }
        let leaves = secrets.iter().filter_map(|key| self.secrets.get(key)?.leaf());
        let names: Vec<Text> = leaves
            .flat_map(|leaf| &leaf.names)
            .filter_map(|san| match san {
                San::Dns(name) => Some(name.clone()),
                San::Ip(_) => None,
            })
            .collect();
        for name in names {
            self.touch_host(&name, true);
        }
    }

    /// Derives the bindings of affected routes again, and returns what has to be judged again.
    pub fn derive(&mut self) -> Dirty {
        self.find_default_class();
        if self.is_derived {
            let stale = std::mem::take(&mut self.stale);
            for route in stale.iter().filter(|route| route.kind == Kind::Gateway) {
                self.order_sets(&route.key);
            }
            for route in stale {
                let fresh = self.view(&route).map(|view| view.bindings(self));
                self.replace_bindings(&route, fresh.unwrap_or_default());
            }
        } else {
            self.derive_all();
            self.is_derived = true;
        }
        // The names of certificates matter to controllers that choose among the certificates of all routes, and to
        // Gateways with many listeners. Few clusters have one.
        if self.some_controller_picks_among_all() || !self.many_listeners.is_empty() {
            self.secrets.index_names();
        }
        self.find_gaps();
        self.memo.forget();
        self.touch_stirred();
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.bindings.retain(|id| self.bindings.get(*id).is_some());
        dirty.gone.retain(|id| self.bindings.get(*id).is_none());
        dirty
    }

    /// Derives all bindings for the first time, in the order of kinds and names.
    fn derive_all(&mut self) {
        let mut ingresses: Vec<u32> = self.ingresses.iter().map(|(position, _)| position).collect();
        ingresses.sort_unstable_by_key(|position| self.ingresses.at(*position).map(Keyed::names));
        // Nearly all routes have one host and one Secret.
        let routes = ingresses.len() + self.host_routes.len() + self.gateways.len();
        self.bindings.reserve(routes);
        self.by_route.reserve(routes, of_route(&self.bindings));
        self.by_host.reserve(routes, of_host(&self.bindings));
        for position in ingresses {
            let fresh = self
                .ingresses
                .at(position)
                .map(|ingress| self.derive_ingress(ingress, position));
            self.add_bindings(fresh.unwrap_or_default());
        }
        let mut gateways: Vec<Key> = self.gateways.keys().cloned().collect();
        gateways.sort_unstable();
        for gateway in &gateways {
            self.order_sets(gateway);
        }
        for gateway in gateways {
            let fresh = self.bindings_of_gateway(&gateway);
            self.replace_bindings(&RouteKey::new(Kind::Gateway, gateway), fresh);
        }
        let mut routes: Vec<&HostRoute> = self.host_routes.values().collect();
        routes.sort_unstable_by_key(|route| (route.kind, route.meta.names()));
        let fresh: Vec<Vec<Binding>> = routes.into_iter().map(|route| route.bindings(self)).collect();
        for fresh in fresh {
            self.add_bindings(fresh);
        }
    }

    /// Adds the bindings of a route without listeners.
    fn add_bindings(&mut self, fresh: Vec<Binding>) {
        let Some(route) = fresh.first().map(|binding| binding.route.clone()) else {
            return;
        };
        self.replace_bindings(&route, fresh);
    }

    fn replace_bindings(&mut self, route: &RouteKey, fresh: Vec<Binding>) {
        let old = match route.kind {
            Kind::Gateway => self.by_gateway.remove(&route.key).unwrap_or_default(),
            _ => self.by_route.take(route, of_route(&self.bindings)),
        };
        // During the first read everything is judged anyway.
        if !self.loading && self.is_derived {
            let before = old.iter().filter_map(|id| self.bindings.get(*id));
            let secrets = before
                .chain(&fresh)
                .flat_map(|b| b.secrets.iter().cloned())
                .collect::<Vec<Key>>();
            self.touch_named_hosts(&secrets);
        }
        let (gone, paired) = self.bindings.pair(&old, fresh);
        for id in gone {
            self.unlink(id);
            self.bindings.remove(id);
            if !self.loading {
                self.dirty.gone.insert(id);
            }
        }
        let mut ids = Vec::with_capacity(paired.len());
        for (id, binding) in paired {
            let id = match id {
                Some(id) => {
                    self.unlink(id);
                    self.bindings.replace(id, binding);
                    id
                }
                None => self.bindings.insert(binding),
            };
            self.link(id);
            ids.push(id);
        }
        match route.kind {
            Kind::Gateway => drop(self.by_gateway.insert(route.key.clone(), ids)),
            _ => self.by_route.put(route, ids, of_route(&self.bindings)),
        }
    }

    /// The bindings that are derived together with those of a route. A Gateway's include those of its `ListenerSets`.
    pub(super) fn derived_with(&self, route: &RouteKey) -> &[BindingId] {
        let gateway = match route.kind {
            Kind::Gateway => Some(&route.key),
            Kind::ListenerSet | Kind::XListenerSet => self.listener_sets.get(route).and_then(|set| set.parent.as_ref()),
            _ => return self.by_route.get(route, of_route(&self.bindings)),
        };
        let ids = gateway.and_then(|gateway| self.by_gateway.get(gateway));
        ids.map_or(&[], Vec::as_slice)
    }

    fn link(&mut self, id: BindingId) {
        let Some(binding) = self.bindings.get(id) else { return };
        if !self.loading {
            self.dirty.bindings.insert(id);
            self.dirty
                .depends(binding, &self.by_host, &self.secrets, &self.bindings);
            self.stir(id);
        }
        let Some(binding) = self.bindings.get(id) else { return };
        self.by_host.insert(binding.host.as_str(), id, of_host(&self.bindings));
        for secret in &binding.secrets {
            self.secrets.add_user(secret, id);
        }
    }

    fn unlink(&mut self, id: BindingId) {
        let Some(binding) = self.bindings.get(id) else { return };
        self.by_host.remove(binding.host.as_str(), id, of_host(&self.bindings));
        for secret in &binding.secrets {
            self.secrets.remove_user(secret, id);
        }
        if !self.loading {
            self.dirty
                .depends(binding, &self.by_host, &self.secrets, &self.bindings);
            self.stir(id);
        }
    }

    /// Remembers the host of a binding that is added or removed, if not everything that depends on it is marked at
    /// once.
    fn stir(&mut self, id: BindingId) {
        let Some(binding) = self.bindings.get(id) else { return };
        let many = || self.bindings_of_host(&binding.host).len() > MANY;
        if binding.host.starts_with("*.") || many() {
            self.stirred.insert(binding.host.clone());
        }
    }

    /// Marks the bindings of the remembered hosts and, for a wildcard, those of the hosts directly below it, which may
    /// be served in the same way.
    fn touch_stirred(&mut self) {
        let stirred = std::mem::take(&mut self.stirred);
        for host in &stirred {
            let of_host = self.by_host.get(host.as_str(), of_host(&self.bindings));
            self.dirty.bindings.extend(of_host);
        }
        if stirred.iter().any(|host| host.starts_with("*.")) {
            let below = |host: &str| wildcard_over(host).is_some_and(|wide| stirred.contains(&wide));
            let below = self.bindings.iter().filter(|(_, binding)| below(&binding.host));
            self.dirty.bindings.extend(below.map(|(id, _)| id));
        }
    }
}

impl Dirty {
    /// Marks what depends on a binding: other bindings of its host, and findings about its Secrets.
    fn depends(&mut self, on: &Binding, by_host: &Index<BindingId>, secrets: &Secrets, bindings: &Bindings) {
        let of_its_host = by_host.get(on.host.as_str(), of_host(bindings));
        self.bindings.extend(of_its_host.iter().take(MANY));
        for secret in &on.secrets {
            // Unused names are reported at the first binding only.
            self.bindings.extend(secrets.users(secret).first());
            self.secrets.insert(secret.clone());
        }
    }
}

/// Returns the host of a binding, as the key of the index by host.
pub(super) fn of_host<'a>(bindings: &'a Bindings) -> impl Fn(BindingId) -> Option<&'a str> {
    move |id| Some(bindings.get(id)?.host.as_str())
}

/// Returns the route of a binding, as the key of the index by route.
pub(super) fn of_route<'a>(bindings: &'a Bindings) -> impl Fn(BindingId) -> Option<&'a RouteKey> {
    move |id| Some(&bindings.get(id)?.route)
}

/// The Gateways and `ListenerSets` that a route names as its parents.
fn parents(route: &Route) -> Vec<RouteKey> {
    let namespace = |named: &Option<Text>| named.clone().unwrap_or_else(|| route.meta.namespace.clone());
    route
        .parents
        .iter()
        .filter_map(|p| {
            let kind = [Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet]
                .into_iter()
                .find(|kind| p.kind == kind.as_str())?;
            Some(RouteKey::new(kind, Key::new(namespace(&p.namespace), p.name.clone())))
        })
        .collect()
}
