//! What a change touches: routes are derived again, and what depends on them or on a Secret is marked for judging.

use crate::{
    inventory::binding::{Binding, BindingId, RouteKey},
    object::{Consumer, Key, Kind, Route, Text},
    x509::{Fingerprint, San},
};

use super::{
    Dirty, Inventory,
    gateway::is_parent_kind,
    ingress::{covers_host, of_ingress, of_ingress_route},
};

/// How many bindings of one host are looked at: beyond it, the rest say the same.
pub(crate) const MANY: usize = 200;

impl Inventory {
    pub(super) fn mark(&mut self, kind: Kind, key: Key) {
        self.stale.insert(RouteKey::new(kind, key));
    }

    pub(super) fn mark_all_ingresses(&mut self) {
        self.stale.extend(
            self.ingresses
                .keys()
                .map(|key| RouteKey::new(Kind::Ingress, key.clone())),
        );
    }

    pub(super) fn mark_all_gateways(&mut self) {
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
            Kind::ListenerSet => self.listener_sets.get(&parent.key).and_then(|set| set.parent.clone()),
            _ => Some(parent.key.clone()),
        };
        if let Some(gateway) = gateway {
            self.mark(Kind::Gateway, gateway);
        }
    }

    pub(super) fn set_consumer(&mut self, consumer: Consumer) {
        let id = (consumer.kind, consumer.meta.key());
        self.remove_consumer(id.0, &id.1);
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
        for used in &old.uses {
            let secret = Key::new(old.meta.namespace.clone(), used.name.clone());
            if let Some(users) = self.consumers_by_secret.get_mut(&secret) {
                users.remove(&(kind, key.clone()));
            }
            self.touch_secret(&secret, std::iter::empty());
        }
    }

    /// Marks what depends on a Secret: its bindings, those of the Secrets that share a key with it, and the hosts that
    /// its certificate names or named, where a controller chooses among all certificates.
    pub(super) fn touch_secret(&mut self, key: &Key, leaves: impl Iterator<Item = (Fingerprint, Vec<San>)>) {
        if self.loading {
            return;
        }
        self.dirty.secrets.insert(key.clone());
        self.touch_routes_of(key);
        let picks = self.some_controller_picks_among_all();
        for (public_key, names) in leaves {
            let sharing: Vec<Key> = self
                .secrets
                .with_public_key(public_key)
                .map(|s| s.meta.key())
                .take(MANY)
                .collect();
            for other in sharing.iter().filter(|other| *other != key) {
                self.dirty.bindings.extend(self.by_secret.get(other));
                self.dirty.secrets.insert(other.clone());
            }
            for san in names {
                let San::Dns(name) = san else { continue };
                self.touch_host(&name, picks);
            }
        }
    }

    /// All bindings of the routes that name a Secret: what one entry lacks may stop the next, and a host that no entry
    /// lists may be served by it.
    fn touch_routes_of(&mut self, secret: &Key) {
        for id in self.by_secret.get(secret) {
            self.dirty.bindings.insert(*id);
            let route = self.bindings.get(*id).map(|b| b.route.as_ref());
            if let Some(siblings) = route.and_then(|route| self.by_route.get(route)) {
                self.dirty.bindings.extend(siblings.iter().take(MANY));
            }
        }
    }

    /// The bindings of a host; of those below a wildcard too, where a controller chooses among all certificates.
    fn touch_host(&mut self, name: &Text, picks: bool) {
        self.dirty.bindings.extend(self.by_host.get(name));
        if picks && name.starts_with("*.") {
            let below = self.bindings.iter().filter(|(_, b)| covers_host(name, &b.host));
            self.dirty.bindings.extend(below.map(|(id, _)| id));
        }
    }

    /// The hosts that the certificates of a route's Secrets name: a controller that chooses among all now has them, or has
    /// lost them.
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

    /// Derives again the bindings of the routes that changes touched, and says what has to be judged again.
    pub fn settle(&mut self) -> Dirty {
        // The names of certificates matter to controllers that choose among all of them; few clusters have one.
        if self.some_controller_picks_among_all() {
            self.secrets.index_names();
        }
        let stale = std::mem::take(&mut self.stale);
        if self.loading {
            // Nearly all have one host and one Secret.
            self.by_route.reserve(stale.len());
            self.by_host.reserve(stale.len());
            self.by_secret.reserve(stale.len());
        }
        for route in stale {
            let fresh = match route.kind {
                Kind::Ingress => self
                    .ingresses
                    .get(&route.key)
                    .map(|i| of_ingress(i, self.controller_of_ingress(i).0)),
                Kind::IngressRoute => self.ingress_routes.get(&route.key).map(of_ingress_route),
                _ => {
                    self.order_sets(&route.key);
                    Some(self.bindings_of_gateway(&route.key))
                }
            };
            self.replace_bindings(&route, fresh.unwrap_or_default());
        }
        self.settled = true;
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.bindings.retain(|id| self.bindings.get(*id).is_some());
        dirty.gone.retain(|id| self.bindings.get(*id).is_none());
        dirty
    }

    fn replace_bindings(&mut self, route: &RouteKey, fresh: Vec<Binding>) {
        let old = self.by_route.remove(route).unwrap_or_default();
        // While everything is read for the first time, all is judged anyway.
        if !self.loading && (!old.is_empty() || !self.by_route.is_empty() && self.settled) {
            let before = old
                .iter()
                .filter_map(|id| self.bindings.get(*id))
                .flat_map(|b| b.secrets.clone());
            let secrets: Vec<Key> = before.chain(fresh.iter().flat_map(|b| b.secrets.clone())).collect();
            self.touch_named_hosts(&secrets);
        }
        let (gone, paired) = self.bindings.pair(&old, fresh);
        for id in gone {
            if let Some(binding) = self.bindings.remove(id) {
                self.unlink(id, &binding);
                if !self.loading {
                    self.dirty.gone.insert(id);
                }
            }
        }
        let mut ids = Vec::with_capacity(paired.len());
        for (id, binding) in paired {
            let id = match id {
                Some(id) => {
                    if let Some(before) = self.bindings.get(id).cloned() {
                        self.unlink(id, &before);
                    }
                    self.bindings.replace(id, binding);
                    id
                }
                None => self.bindings.insert(binding),
            };
            self.link(id);
            ids.push(id);
        }
        let shared = ids
            .first()
            .and_then(|id| self.bindings.get(*id))
            .map(|b| b.route.clone());
        if let Some(route) = shared {
            self.by_route.insert(route, ids.into());
        }
    }

    fn link(&mut self, id: BindingId) {
        let Some(binding) = self.bindings.get(id) else { return };
        if !self.loading {
            self.dirty.bindings.insert(id);
            self.dirty
                .bindings
                .extend(self.by_host.get(&binding.host).iter().take(MANY));
            for secret in &binding.secrets {
                // Names that no route uses are told of at the first binding alone.
                self.dirty.bindings.extend(self.by_secret.get(secret).first());
                self.dirty.secrets.insert(secret.clone());
            }
        }
        self.by_host.insert(binding.host.clone(), id);
        for secret in &binding.secrets {
            self.by_secret.insert(secret.clone(), id);
        }
    }

    fn unlink(&mut self, id: BindingId, binding: &Binding) {
        self.by_host.remove(&binding.host, id);
        for secret in &binding.secrets {
            self.by_secret.remove(secret, id);
        }
        if self.loading {
            return;
        }
        self.dirty
            .bindings
            .extend(self.by_host.get(&binding.host).iter().take(MANY));
        for secret in &binding.secrets {
            self.dirty.bindings.extend(self.by_secret.get(secret).first());
            self.dirty.secrets.insert(secret.clone());
        }
    }
}

/// The Gateways and `ListenerSets` that a route names as its parents.
fn parents(route: &Route) -> Vec<RouteKey> {
    let namespace = |named: &Option<Text>| named.clone().unwrap_or_else(|| route.meta.namespace.clone());
    route
        .parents
        .iter()
        .filter_map(|p| {
            let kind = [Kind::Gateway, Kind::ListenerSet]
                .into_iter()
                .find(|k| is_parent_kind(&p.kind, *k))?;
            Some(RouteKey::new(kind, Key::new(namespace(&p.namespace), p.name.clone())))
        })
        .collect()
}
