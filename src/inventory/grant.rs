//! What may reach into another namespace: routes and `ListenerSets` that listeners let in, Secrets by a `ReferenceGrant`.

use std::collections::BTreeSet;

use crate::object::{Key, Kind, Text, gateway::AllowedNamespaces};

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

    /// Whether the `ReferenceGrants` of a namespace may not be read, so that nobody knows what they allow.
    fn grants_unknown(&self, namespace: &Text) -> bool {
        self.forbidden
            .iter()
            .any(|f| f.kind == Kind::ReferenceGrant && f.namespace.as_ref().is_none_or(|n| n == namespace))
    }

    /// Whether a listener of `kind` in the namespace `from` may use the Secret: same namespace, or a `ReferenceGrant`, or
    /// nobody can say that there is none.
    pub fn permits(&self, kind: Kind, from: &Text, secret: &Key) -> bool {
        secret.namespace == *from
            || self.grants_unknown(&secret.namespace)
            || self.grants.values().any(|grant| {
                grant.meta.namespace == secret.namespace
                    && grant
                        .from
                        .iter()
                        .any(|f| f.group == kind.group() && f.kind == kind.as_str() && f.namespace == *from)
                    && grant.to.iter().any(|t| {
                        t.group.is_empty()
                            && t.kind == "Secret"
                            && t.name.as_ref().is_none_or(|name| *name == secret.name)
                    })
            })
    }

    /// Whether routes that were not asked for may use the Secret.
    pub fn may_be_used_elsewhere(&self, secret: &Key) -> bool {
        let granted = || {
            self.grants.values().any(|grant| {
                grant.meta.namespace == secret.namespace
                    && grant.to.iter().any(|t| t.group.is_empty() && t.kind == "Secret")
            })
        };
        self.routes_chosen || (self.namespaces_chosen && granted())
    }
}
