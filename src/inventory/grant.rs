//! References across namespaces: routes and `ListenerSets` that listeners admit, and Secrets that a `ReferenceGrant`
//! permits.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::object::{Key, Kind, ReferenceGrant, Text, gateway::AllowedNamespaces};

use super::Inventory;

impl Inventory {
    /// Whether an object in the namespace `from` may attach to a listener in the namespace `at`.
    pub fn admits(&self, allowed: &AllowedNamespaces, at: &Text, from: &Text) -> bool {
        match allowed {
            AllowedNamespaces::Same => at == from,
            AllowedNamespaces::All => true,
            AllowedNamespaces::None => false,
            // Without the labels of the namespace this cannot be decided; the route is then assumed to be admitted.
            AllowedNamespaces::Selector(selector) => self
                .namespaces
                .get(from)
                .is_none_or(|facts| selector.matches(&facts.labels)),
        }
    }

    /// The namespaces of the Secrets that listeners of other namespaces name. Their `ReferenceGrants` matter.
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

    /// Whether a listener of `kind` in the namespace `from` may use the Secret: because it is in the same namespace,
    /// because of a `ReferenceGrant`, or because the grants are not known.
    pub fn permits(&self, kind: Kind, from: &Text, secret: &Key) -> bool {
        secret.namespace == *from
            || self.forbidden.list(Kind::ReferenceGrant, &secret.namespace).is_some()
            || self.grants.permit(kind, from, secret)
    }

    /// Whether routes that were not read may use the Secret.
    pub fn may_be_used_elsewhere(&self, secret: &Key) -> bool {
        self.routes_chosen || (self.namespaces_chosen && self.grants.some_of(&secret.namespace))
    }
}

/// The most entries that the API server accepts in either list of a `ReferenceGrant` (`maxItems`, Gateway API v1.4,
/// `apis/v1beta1/referencegrant_types.go`).
const ENTRIES: usize = 16;

/// The `ReferenceGrants`, indexed by what they permit, because every certificateRef into another namespace looks them
/// up.
#[derive(Debug, Default)]
pub(super) struct Grants {
    all: HashMap<Key, ReferenceGrant>,
    /// By the namespace of the grant, and the kind and namespace that may refer to it.
    permitted: HashMap<(Text, Kind, Text), Names>,
    /// How many grants of a namespace permit references to Secrets.
    namespaces: HashMap<Text, usize>,
}

/// How many grants permit each name.
#[derive(Debug, Default)]
struct Names {
    /// How many grants permit every Secret of the namespace.
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

    /// Whether a namespace grants references to any of its Secrets.
    fn some_of(&self, namespace: &Text) -> bool {
        self.namespaces.get(namespace).is_some_and(|count| *count > 0)
    }
}
