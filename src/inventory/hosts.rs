//! Routes that name their hosts and their Secret directly: how they are stored, and which bindings they have.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use crate::object::{HostRoute, Key, Kind, List, Text};

use super::{
    binding::{Binding, Origin, RouteKey},
    controller::Controller,
    ingress::{EVERY_HOST, normal_host},
};

/// The routes of this shape, by kind.
#[derive(Debug, Default)]
pub(super) struct HostRoutes(BTreeMap<Kind, HashMap<Key, HostRoute>>);

impl HostRoutes {
    pub(super) fn insert(&mut self, route: HostRoute) {
        let of_kind = self.0.entry(route.kind).or_default();
        of_kind.insert(route.meta.key(), route);
    }

    pub(super) fn remove(&mut self, kind: Kind, key: &Key) {
        if let Some(of_kind) = self.0.get_mut(&kind) {
            of_kind.remove(key);
        }
    }

    pub(super) fn get(&self, route: &RouteKey) -> Option<&HostRoute> {
        self.0.get(&route.kind)?.get(&route.key)
    }

    /// All of these routes, grouped by kind.
    pub(super) fn values(&self) -> impl Iterator<Item = &HostRoute> {
        self.0.values().flat_map(HashMap::values)
    }

    pub(super) fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// Whether the controller of any of them chooses among the certificates of all routes.
    pub(super) fn some_picks_among_all(&self) -> bool {
        let picks = |kind: &Kind| Controller::alone_with(*kind).is_some_and(Controller::picks_among_all);
        self.0.iter().any(|(kind, routes)| !routes.is_empty() && picks(kind))
    }
}

/// The bindings of such a route; it has none if it does not terminate TLS, or is not permitted.
pub(super) fn of_host_route(route: &HostRoute) -> Vec<Binding> {
    let Some(tls) = route
        .tls
        .as_ref()
        .filter(|_| route.status.as_ref().is_none_or(|status| status.permitted))
    else {
        return Vec::new();
    };
    let key = RouteKey::new(route.kind, route.meta.key());
    let secrets: List<Key> = route.secrets();
    let mut hosts: Vec<Text> = Vec::new();
    let mut seen: HashSet<Text> = HashSet::new();
    // The part of each host after its first label.
    let mut parents: HashSet<Text> = HashSet::new();
    for host in route.hosts.iter().chain(&tls.domains) {
        let host = normal_host(host);
        // A wildcard domain of the certificate that covers the host of a rule is not a host of its own.
        let above = host.strip_prefix("*.").is_some_and(|parent| parents.contains(parent));
        if !above && seen.insert(host.clone()) {
            parents.extend(host.split_once('.').map(|(_, parent)| parent.into()));
            hosts.push(host);
        }
    }
    if hosts.is_empty() || route.other_hosts {
        hosts.push(EVERY_HOST.into());
    }
    let binding = |host| Binding {
        route: key.clone(),
        listener: None,
        port: 443,
        host,
        secrets: secrets.clone(),
        origin: Origin::Entry(0),
        in_rules: true,
        elsewhere: tls.resolver && secrets.is_empty(),
        routes: Box::default(),
    };
    hosts.into_iter().map(binding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::{Inventory, Keeper},
        object::{
            Change, Meta, Object,
            route::{HostTls, RouteStatus},
        },
    };

    fn route(secret: Option<&str>, resolver: bool) -> HostRoute {
        HostRoute {
            kind: Kind::IngressRoute,
            meta: Meta {
                namespace: "shop".into(),
                name: "web".into(),
                ..Meta::default()
            },
            hosts: vec!["Shop.example".into(), "a.wide.example".into()],
            other_hosts: false,
            tls: Some(HostTls {
                secret: secret.map(Into::into),
                namespace: Some("certs".into()),
                domains: vec!["*.wide.example".into(), "other.example".into()],
                resolver,
            }),
            status: None,
        }
    }

    fn hosts(inventory: &Inventory) -> Vec<&str> {
        inventory
            .bindings()
            .iter()
            .map(|(_, binding)| binding.host.as_str())
            .collect()
    }

    #[test]
    fn a_route_is_bound_by_what_it_says_alone_until_it_is_gone() {
        let mut inventory = Inventory::new("prod", false);
        inventory.apply(Change::Set(Object::HostRoute(route(Some("tls"), false))));
        inventory.derive();
        assert_eq!(hosts(&inventory), ["shop.example", "a.wide.example", "other.example"]);
        let of_secret = inventory.bindings_of_secret(&Key::new("certs", "tls"));
        assert_eq!(of_secret.len(), 3, "the Secret of the namespace that is named");
        let key = RouteKey::new(Kind::IngressRoute, Key::new("shop", "web"));
        assert_eq!(inventory.controller(&key), Controller::Traefik, "no class is asked");
        assert_eq!(inventory.class_name(&key), None);

        let passed_on = HostRoute {
            tls: None,
            ..route(None, false)
        };
        inventory.apply(Change::Set(Object::HostRoute(passed_on)));
        assert_eq!(inventory.derive().gone.len(), 3);
        assert!(inventory.route_meta(&key).is_some());
        inventory.apply(Change::Gone(Kind::IngressRoute, key.key.clone()));
        inventory.derive();
        assert!(inventory.route_meta(&key).is_none());
    }

    #[test]
    fn a_route_that_its_status_does_not_permit_serves_no_host() {
        for (permitted, bound) in [(None, 3), (Some(true), 3), (Some(false), 0)] {
            let route = HostRoute {
                status: permitted.map(|permitted| RouteStatus {
                    permitted,
                    ..RouteStatus::default()
                }),
                ..route(Some("tls"), false)
            };
            assert_eq!(of_host_route(&route).len(), bound, "{permitted:?}");
        }
    }

    #[test]
    fn a_route_whose_controller_issues_by_itself_has_its_certificate_elsewhere() {
        let mut inventory = Inventory::new("prod", false);
        inventory.apply(Change::Set(Object::HostRoute(route(None, true))));
        inventory.derive();
        let mut kept = inventory
            .bindings()
            .iter()
            .map(|(_, binding)| (binding.elsewhere, inventory.keeper(binding)));
        assert!(kept.all(|kept| kept == (true, Keeper::Resolver)));
    }
}
