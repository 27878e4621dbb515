//! Bindings: one host of one route, and the Secrets that are named for it.

use std::{
    cmp::Ordering,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
};

use crate::object::{Key, Kind, List, Text};

use super::table::push;

/// The number of a binding in its inventory. It stays the same while its route, listener and host do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(pub(super) u32);

/// What has bindings: an object of a kind of route.
#[derive(Debug, Clone)]
pub struct RouteKey {
    /// Which of them.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
    /// Where the Ingress was when this was made; only a hint, and no part of what the key is.
    pub(super) near: u32,
}

impl fmt::Display for RouteKey {
    /// `Ingress shop/web`. Not cleared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.key)
    }
}

impl RouteKey {
    /// The key of a route.
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

/// How a host came to be a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An Ingress's tls entry at this position, or a listener, names it and what should serve it.
    Entry(u16),
    /// A tls entry at this position stands for it without naming it: by a wildcard, or by naming no host at all.
    Below(u16),
    /// A rule of an Ingress names it, and no tls entry does.
    RuleOnly,
    /// A route of the Gateway API names it, and no listener of its parent takes any host of that route.
    NoListener,
    /// The same, and a listener takes other hosts of that route.
    NoListenerOfSeveral,
    /// ingress-nginx: the annotation `server-alias` names it beside the hosts of the rules.
    Alias,
    /// ingress-nginx: requests for it are redirected to the host of a rule, with `www.` before it or without.
    Redirect,
}

impl Origin {
    /// The position of the tls entry that brought it.
    pub fn entry(self) -> Option<u16> {
        match self {
            Self::Entry(position) | Self::Below(position) => Some(position),
            _ => None,
        }
    }

    /// Whether no listener takes the host.
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
    /// The host, normalized (lower case, A-labels); `*` is every host.
    pub host: Text,
    /// The Secrets that are named for it, in their order. Gateway references that are not permitted are left out.
    pub secrets: List<Key>,
    /// How it came to be.
    pub origin: Origin,
    /// Whether a rule of the Ingress routes the host; true for other routes.
    pub in_rules: bool,
    /// The certificate comes from elsewhere than a Secret (passthrough, a cloud's, a resolver): nothing is said of it.
    pub elsewhere: bool,
    /// The Gateway API routes that name the host on this listener, or that no listener takes.
    pub routes: Box<[RouteKey]>,
}

/// All bindings, with numbers that are used again.
#[derive(Debug, Default)]
pub struct Bindings {
    slots: Vec<Option<Binding>>,
    free: Vec<u32>,
}

impl Bindings {
    /// The binding of a number; `None` when it no longer exists.
    pub fn get(&self, id: BindingId) -> Option<&Binding> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (BindingId, &Binding)> {
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(i, slot)| Some((BindingId(i), slot.as_ref()?)))
    }

    /// Makes room for so many more, and no more than that.
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

    /// Pairs the bindings that a route had with those that it has now, so that what stays keeps its number. Says first
    /// which are gone.
    pub(super) fn pair(
        &self,
        old: &[BindingId],
        new: Vec<Binding>,
    ) -> (Vec<BindingId>, Vec<(Option<BindingId>, Binding)>) {
        if old.is_empty() {
            return (Vec::new(), new.into_iter().map(|b| (None, b)).collect());
        }
        // What tells a binding from its siblings; those of a Gateway and of its ListenerSets stand together.
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
