//! Which other routes claim a host, or may claim it. If a stored certificate is not served, a route of another
//! namespace is often the cause.

use std::collections::BTreeMap;

use crate::{
    inventory::{Inventory, RouteKey},
    object::Text,
    plan::Target,
    source::{Scope, scope::Namespaces},
    text::{first_of, quote},
};

/// How many rivals are named for a host.
const NAMED: usize = 3;

/// The rivals of the routes of some Secrets, by host.
#[derive(Debug, Clone, Default)]
pub struct Rivals {
    of: BTreeMap<Text, Of>,
    /// Whether the routes of all namespaces were read.
    is_whole: bool,
}

/// The rivals for one host.
#[derive(Debug, Clone, Default)]
struct Of {
    /// The route whose certificate the controller serves, if it is known.
    winner: Option<RouteKey>,
    others: Vec<RouteKey>,
}

impl Rivals {
    /// The routes of the same controller that have a host of the targets and do not name the target's Secret for it.
    pub fn of(inventory: &Inventory, targets: &[Target], scope: &Scope) -> Self {
        let mut of: BTreeMap<Text, Of> = BTreeMap::new();
        for target in targets {
            for id in inventory.bindings_of_secret(&target.secret) {
                let Some(binding) = inventory.bindings().get(*id) else {
                    continue;
                };
                let is_rival = |route: &RouteKey| {
                    let mut uses = target.uses.iter();
                    !uses.any(|used| used.route == *route && used.hosts.iter().any(|(host, _)| *host == binding.host))
                };
                let beside = inventory.beside(*id, binding).into_iter();
                let others = beside.map(|other| &other.route).filter(|route| is_rival(route));
                let found = of.entry(binding.host.clone()).or_default();
                for route in others {
                    if !found.others.contains(route) {
                        found.others.push(route.clone());
                    }
                }
                let winner = inventory.winner(binding, inventory.controller(&binding.route));
                found.winner = winner
                    .map(|winner| winner.route.clone())
                    .filter(|route| is_rival(route));
            }
        }
        of.retain(|_, of| !of.others.is_empty());
        Self {
            of,
            is_whole: scope.namespaces == Namespaces::All && scope.excluded.is_empty() && !inventory.routes_chosen,
        }
    }

    /// A clause about a host that is not served: `Ingress other/web takes shop.example`.
    pub fn clause(&self, host: &str) -> Option<String> {
        let of = self.of.get(host)?;
        if let Some(winner) = &of.winner {
            return Some(format!("{winner} takes {host}"));
        }
        let all: Vec<String> = of.others.iter().map(ToString::to_string).collect();
        Some(format!("{} may take {host} as well", first_of(&all, NAMED)))
    }

    /// How to see the routes that were not read, for a host that is not served.
    pub fn hint(&self, host: &str) -> Option<String> {
        (!self.is_whole && !self.of.contains_key(host)).then(|| {
            format!(
                "a route of another namespace may take {host}: `kubectl certs status -A --filter {}` shows all routes that have it",
                quote(host)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{ingress, own},
        object::{Change, Key, Object},
        plan::target::target,
    };

    fn inventory(routes: &[(&str, &str, &str)]) -> Inventory {
        let mut inventory = Inventory::new("", false);
        inventory.store(own("shop", "shop-tls", &["shop.example"]));
        for (namespace, name, secret) in routes {
            inventory.apply(Change::Set(Object::Ingress(ingress(
                namespace,
                name,
                &[(&["shop.example"], secret)],
            ))));
        }
        inventory.derive();
        inventory
    }

    fn rivals(routes: &[(&str, &str, &str)], scope: &Scope) -> Rivals {
        let inventory = inventory(routes);
        let target = target(&inventory, Key::new("shop", "shop-tls"), false);
        Rivals::of(&inventory, &[target], scope)
    }

    #[test]
    fn a_route_of_another_namespace_that_takes_the_host_is_named_and_what_was_not_read_can_be_looked_at() {
        let two = [("shop", "web", "shop-tls"), ("other", "web", "other-tls")];
        let found = rivals(&two, &Scope::everything());
        let clause = found.clause("shop.example").unwrap();
        assert!(
            clause.contains("Ingress other/web") && clause.contains("shop.example"),
            "{clause}"
        );
        assert_eq!(found.hint("shop.example"), None);

        let alone = [("shop", "web", "shop-tls"), ("shop", "more", "shop-tls")];
        let found = rivals(&alone, &Scope::everything());
        assert_eq!(found.clause("shop.example"), None, "it serves the same Secret");
        assert_eq!(found.hint("shop.example"), None, "everything was read");

        let some = Scope::new(Namespaces::Only(vec!["shop".into()]), &[], None).unwrap();
        let hint = rivals(&alone, &some).hint("shop.example").unwrap();
        assert!(
            hint.contains("`kubectl certs status -A --filter shop.example`"),
            "{hint}"
        );
    }
}
