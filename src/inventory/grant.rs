//! What may reach into another namespace: routes and `ListenerSets` that listeners let in, Secrets by a `ReferenceGrant`.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::object::{Key, Kind, ReferenceGrant, Text, gateway::AllowedNamespaces};

use super::Inventory;

impl Inventory {
    /// Whether something in the namespace `from` may attach to what is in the namespace `at`.
    pub fn admits(&self, allowed: &AllowedNamespaces, at: &Text, from: &Text) -> bool {
        match allowed {
            AllowedNamespaces::Same => at == from,
            AllowedNamespaces::All => true,
            AllowedNamespaces::None => false,
            // Without the namespace's labels nobody can say; a route that asks for the listener is taken at its word.
            AllowedNamespaces::Selector(selector) => {
                self.namespaces.get(from).is_none_or(|labels| selector.matches(labels))
            }
        }
    }

    /// The namespaces whose Secrets the listeners of other namespaces name: their `ReferenceGrants` count.
    pub fn namespaces_referred_to(&self) -> BTreeSet<Text> {
        let of_gateways = self.gateways.values().map(|g| (&g.meta, &g.listeners));
        let of_sets = self.listener_sets.values().map(|s| (&s.meta, &s.listeners));
        of_gateways
            .chain(of_sets)
            .flat_map(|(meta, listeners)| listeners.iter().map(move |l| (meta, l)))
            .flat_map(|(meta, l)| {
                l.certificate_refs
                    .iter()
                    .filter_map(move |r| Some((meta, r.namespace.as_ref()?)))
            })
            .filter(|(meta, namespace)| meta.namespace != **namespace)
            .map(|(_, namespace)| namespace.clone())
            .collect()
    }

    /// Whether a listener of `kind` in the namespace `from` may use the Secret: same namespace, or a `ReferenceGrant`, or
    /// nobody can say that there is none.
    pub fn permits(&self, kind: Kind, from: &Text, secret: &Key) -> bool {
        secret.namespace == *from
            || self.forbidden.list(Kind::ReferenceGrant, &secret.namespace).is_some()
            || self.grants.permit(kind, from, secret)
    }

    /// Whether routes that were not asked for may use the Secret.
    pub fn may_be_used_elsewhere(&self, secret: &Key) -> bool {
        self.routes_chosen || (self.namespaces_chosen && self.grants.some_of(&secret.namespace))
    }
}

/// The API server takes no more than so many entries in either list of a `ReferenceGrant` (`maxItems`, Gateway API v1.4,
/// `apis/v1beta1/referencegrant_types.go`).
const ENTRIES: usize = 16;

/// The `ReferenceGrants`, found by what they let in: every certificateRef into another namespace asks.
#[derive(Debug, Default)]
pub(super) struct Grants {
    all: HashMap<Key, ReferenceGrant>,
    /// By the namespace that grants, and the kind and namespace of who may refer.
    permitted: HashMap<(Text, Kind, Text), Names>,
    /// How many of a namespace let in references to Secrets.
    namespaces: HashMap<Text, usize>,
}

/// How many grants permit each name.
#[derive(Debug, Default)]
struct Names {
    /// Every Secret of the namespace.
    all: usize,
    each: HashMap<Text, usize>,
}

impl Grants {
    pub(super) fn insert(&mut self, grant: ReferenceGrant) {
        let key = grant.meta.key();
        self.remove(&key);
        self.count(&grant, |count| *count += 1);
        self.all.insert(key, grant);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(old) = self.all.remove(key) {
            self.count(&old, |count| *count = count.saturating_sub(1));
        }
    }

    fn count(&mut self, grant: &ReferenceGrant, change: impl Fn(&mut usize)) {
        let namespace = &grant.meta.namespace;
        let to_secrets = || {
            let to = grant.to.iter().take(ENTRIES);
            to.filter(|to| to.group.is_empty() && to.kind == "Secret")
        };
        if to_secrets().next().is_none() {
            return;
        }
        change(self.namespaces.entry(namespace.clone()).or_default());
        for from in grant.from.iter().take(ENTRIES) {
            let kinds = [Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet];
            let Some(kind) = kinds
                .into_iter()
                .find(|kind| from.group == kind.group() && from.kind == kind.as_str())
            else {
                continue;
            };
            let place = (namespace.clone(), kind, from.namespace.clone());
            let names = self.permitted.entry(place).or_default();
            for to in to_secrets() {
                match &to.name {
                    None => change(&mut names.all),
                    Some(name) => change(names.each.entry(name.clone()).or_default()),
                }
            }
        }
    }

    fn permit(&self, kind: Kind, from: &Text, secret: &Key) -> bool {
        let place = (secret.namespace.clone(), kind, from.clone());
        self.permitted
            .get(&place)
            .is_some_and(|names| names.all > 0 || names.each.get(&secret.name).is_some_and(|count| *count > 0))
    }

    /// Whether a namespace grants references to any Secret of it.
    fn some_of(&self, namespace: &Text) -> bool {
        self.namespaces.get(namespace).is_some_and(|count| *count > 0)
    }
}
