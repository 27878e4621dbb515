//! Bindings: one host of one route, and the Secrets that are named for it.

use std::{
    cmp::Ordering,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
};

use crate::object::{Key, Kind, List, Text};

use super::table::push;

/// The number of a binding in its inventory. It stays the same as long as the route, listener and host of the binding
/// do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(pub(super) u32);

/// The kind, namespace and name of a route.
#[derive(Debug, Clone)]
pub struct RouteKey {
    /// The kind of the route.
    pub kind: Kind,
    /// The namespace and name of the route.
    pub key: Key,
    /// The position of the Ingress when the key was made. It is only a hint, and not part of the identity of the key.
    pub(super) near: u32,
}

impl fmt::Display for RouteKey {
    /// Writes `Ingress shop/web`, not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.key)
    }
}

impl RouteKey {
    /// Makes the key of a route.
    pub fn new(kind: Kind, key: Key) -> Self {
        let near = u32::MAX;
        Self { kind, key, near }
    }
}

impl PartialEq for RouteKey {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.key == other.key
    }
}

impl Eq for RouteKey {}

impl Hash for RouteKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, &self.key).hash(state);
    }
}

impl PartialOrd for RouteKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RouteKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind, &self.key).cmp(&(other.kind, &other.key))
    }
}

/// How a host became a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A tls entry of an Ingress at this position, or a listener, names the host and its Secret.
    Entry(u16),
    /// A tls entry at this position covers the host without naming it: by a wildcard, or because the entry names no
    /// host.
    Below(u16),
    /// A rule of an Ingress names the host, and no tls entry does.
    RuleOnly,
    /// A route of the Gateway API names the host, and no listener of its parent accepts any host of that route.
    NoListener,
    /// A route of the Gateway API names the host; listeners of its parent accept only other hosts of that route.
    NoListenerOfSeveral,
    /// ingress-nginx: the annotation `server-alias` names the host in addition to the hosts of the rules.
    Alias,
    /// ingress-nginx: requests for the host are redirected to the host of a rule, which differs by a leading `www.`.
    Redirect,
}

impl Origin {
    /// The position of the tls entry that the binding comes from.
    pub fn entry(self) -> Option<u16> {
        match self {
            Self::Entry(position) | Self::Below(position) => Some(position),
            _ => None,
        }
    }

    /// Whether no listener accepts the host.
    pub fn is_without_listener(self) -> bool {
        matches!(self, Self::NoListener | Self::NoListenerOfSeveral)
    }
}

/// One host of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The route.
    pub route: RouteKey,
    /// The listener's name, for Gateways and `ListenerSets`.
    pub listener: Option<Box<str>>,
    /// The port of the listener; 443 otherwise.
    pub port: u16,
    /// The host in its normal form (lower case, A-labels); `*` stands for every host.
    pub host: Text,
    /// The Secrets that are named for the host, in the order of the route. References of a Gateway that no grant
    /// permits are left out.
    pub secrets: List<Key>,
    /// How the host became a binding.
    pub origin: Origin,
    /// Whether a rule of the Ingress has the host; true for other kinds of routes.
    pub in_rules: bool,
    /// Whether the certificate comes from a source other than a Secret (TLS passthrough, a cloud provider, a
    /// certificate resolver). Such a certificate is not judged.
    pub elsewhere: bool,
    /// The Gateway API routes that name the host on this listener, or whose host no listener accepts.
    pub routes: Box<[RouteKey]>,
}

/// All bindings by their numbers. The number of a binding that is gone is used again.
#[derive(Debug, Default)]
pub struct Bindings {
    slots: Vec<Option<Binding>>,
    free: Vec<u32>,
}

impl Bindings {
    /// The binding with a number; `None` if it no longer exists.
    pub fn get(&self, id: BindingId) -> Option<&Binding> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    /// All bindings in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (BindingId, &Binding)> {
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(i, slot)| Some((BindingId(i), slot.as_ref()?)))
    }

    /// Reserves room for exactly this many more bindings.
    pub(super) fn reserve(&mut self, more: usize) {
        self.slots.reserve_exact(more);
    }

    pub(super) fn insert(&mut self, binding: Binding) -> BindingId {
        if let Some(free) = self.free.pop() {
            self.slots[free as usize] = Some(binding);
            return BindingId(free);
        }
        let id = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        push(&mut self.slots, Some(binding));
        BindingId(id)
    }

    pub(super) fn remove(&mut self, id: BindingId) {
        if self.slots.get_mut(id.0 as usize).and_then(Option::take).is_some() {
            self.free.push(id.0);
        }
    }

    pub(super) fn replace(&mut self, id: BindingId, binding: Binding) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            *slot = Some(binding);
        }
    }

    /// Pairs the previous bindings of a route with its present ones, so that a binding that remains keeps its number.
    /// Returns first the bindings that are gone, then the pairs.
    pub(super) fn pair(
        &self,
        old: &[BindingId],
        new: Vec<Binding>,
    ) -> (Vec<BindingId>, Vec<(Option<BindingId>, Binding)>) {
        if old.is_empty() {
            return (Vec::new(), new.into_iter().map(|b| (None, b)).collect());
        }
        // The identity of a binding among those of its route. The bindings of a Gateway and of its ListenerSets are
        // paired together.
        let identity = |b: &Binding| (b.route.clone(), b.listener.clone(), b.host.clone());
        let mut left: HashMap<_, BindingId> = old
            .iter()
            .filter_map(|id| self.get(*id).map(|b| (identity(b), *id)))
            .collect();
        let paired = new.into_iter().map(|b| (left.remove(&identity(&b)), b)).collect();
        let mut gone: Vec<_> = left.into_values().collect();
        gone.sort_unstable();
        (gone, paired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_cluster_has_many_bindings_so_each_is_small() {
        assert!(size_of::<Option<Binding>>() <= 168, "{}", size_of::<Option<Binding>>());
    }
}
