//! Derives bindings from a Gateway, its `ListenerSets` and the routes that are attached to them (Gateway API,
//! "Attaching to Gateways").

use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use crate::object::{
    Gateway, Key, Kind, List, ListenerSet, Route, Text,
    gateway::{CertificateRef, Listener, ParentRef},
};

use super::{
    Inventory,
    binding::{Binding, Origin, RouteKey},
    derive::MANY,
    ingress::{EVERY_HOST, normal_host},
};

/// The API group of the Gateway API.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// One listener together with its owner, a Gateway or a `ListenerSet`.
#[derive(Debug, Clone, Copy)]
pub struct OwnedListener<'a> {
    /// The kind of the owner.
    pub kind: Kind,
    /// The metadata of the owner.
    pub meta: &'a crate::object::Meta,
    /// The listener.
    pub listener: &'a Listener,
}

impl OwnedListener<'_> {
    /// Whether the listener belongs to this Gateway or `ListenerSet`.
    pub fn is_of(&self, owner: &RouteKey) -> bool {
        self.kind == owner.kind && self.meta.name == owner.key.name && self.meta.namespace == owner.key.namespace
    }

    /// The key of the owner.
    pub fn owner(&self) -> RouteKey {
        RouteKey::new(self.kind, self.meta.key())
    }
}

/// Whether the listener terminates TLS.
pub fn terminates_tls(listener: &Listener) -> bool {
    let protocol = listener.protocol.as_str();
    (protocol.eq_ignore_ascii_case("HTTPS") || protocol.eq_ignore_ascii_case("TLS")) && !listener.passthrough
}

/// Whether a certificateRef names a core Secret, the only kind that every implementation supports.
pub fn names_a_secret(reference: &CertificateRef) -> bool {
    reference.group.is_empty() && reference.kind == "Secret"
}

/// The hosts that both `wide`, the hostname of a listener, and `hostname` include: the narrower of the two. `None` if
/// they have no host in common.
pub fn intersection(wide: &str, hostname: &str) -> Option<Text> {
    let below = |outer: &str, inner: &str| {
        // A wildcard of the Gateway API stands for one or more labels (HTTPRoute, spec.hostnames).
        outer
            .strip_prefix('*')
            .is_some_and(|suffix| inner.len() > suffix.len() && inner.ends_with(suffix))
    };
    match () {
        () if wide == hostname || wide == EVERY_HOST => Some(hostname.into()),
        () if hostname == EVERY_HOST || below(hostname, wide) => Some(wide.into()),
        () if below(wide, hostname) => Some(hostname.into()),
        () => None,
    }
}

impl Inventory {
    /// The listeners of a Gateway and of the `ListenerSets` that it permits to attach, in the order of their
    /// precedence: first those of the Gateway, then those of older sets, then by namespace and name.
    pub fn listeners(&self, gateway: &Key) -> Vec<OwnedListener<'_>> {
        let Some(gateway) = self.gateways.get(gateway) else {
            return Vec::new();
        };
        let own = gateway.listeners.iter().map(|listener| OwnedListener {
            kind: Kind::Gateway,
            meta: &gateway.meta,
            listener,
        });
        let sets = self.set_order.get(&gateway.meta.key()).into_iter().flatten();
        let sets = sets
            .filter_map(|key| self.listener_sets.get(key))
            .filter(|set| self.admits(&gateway.allowed_listeners, &gateway.meta.namespace, &set.meta.namespace));
        let of_sets = sets.flat_map(|set| {
            let owned = |listener| OwnedListener {
                kind: set.kind(),
                meta: &set.meta,
                listener,
            };
            set.listeners.iter().map(owned)
        });
        own.chain(of_sets).collect()
    }

    /// Sorts the `ListenerSets` of a Gateway by precedence.
    pub(super) fn order_sets(&mut self, gateway: &Key) {
        let of_gateway = self.sets_by_gateway.get(gateway).into_iter().flatten();
        let mut sets: Vec<&ListenerSet> = of_gateway.filter_map(|key| self.listener_sets.get(key)).collect();
        sets.sort_by_key(|set| (set.meta.created.unwrap_or(i64::MAX), set.meta.key(), set.kind()));
        let order = sets.into_iter().map(set_key).collect();
        self.set_order.insert(gateway.clone(), order);
        self.index_listeners(gateway);
    }

    /// The Gateway to which a route of kind Gateway or `ListenerSet` belongs.
    pub fn gateway_of(&self, route: &RouteKey) -> Option<&Gateway> {
        match route.kind {
            Kind::Gateway => self.gateways.get(&route.key),
            Kind::ListenerSet | Kind::XListenerSet => {
                self.gateways.get(self.listener_sets.get(route)?.parent.as_ref()?)
            }
            _ => None,
        }
    }

    /// The bindings of a Gateway and its `ListenerSets`.
    ///
    /// The hosts of a listener are those of the attached routes, as far as its hostname includes them, or the hostname
    /// itself if no route is attached. A host of a route that no listener of its parent accepts becomes a binding
    /// without a listener.
    pub(super) fn bindings_of_gateway(&self, key: &Key) -> Vec<Binding> {
        let Some(gateway) = self.gateways.get(key) else {
            return Vec::new();
        };
        let listeners = self.listeners(key);
        let mut parents = vec![RouteKey::new(Kind::Gateway, key.clone())];
        for listener in &listeners {
            let owner = listener.owner();
            if parents.last() != Some(&owner) && owner.kind.is_listener_set() {
                parents.push(owner);
            }
        }
        let routes: Vec<Attached<'_>> = parents
            .iter()
            .flat_map(|parent| {
                self.routes_by_parent
                    .get(parent)
                    .into_iter()
                    .flatten()
                    .map(move |key| (parent, key))
            })
            .filter_map(|(parent, key)| Some((parent, self.routes.get(key)?)))
            .flat_map(|(parent, route)| {
                let here = |p: &&ParentRef| {
                    p.kind == parent.kind.as_str()
                        && p.name == parent.key.name
                        && *p.namespace.as_ref().unwrap_or(&route.meta.namespace) == parent.key.namespace
                };
                route.parents.iter().filter(here).map(move |p| (parent, route, p))
            })
            .collect();
        // The routes are grouped by parent.
        let mut ranges: HashMap<&RouteKey, Range<usize>> = HashMap::new();
        for (position, (parent, ..)) in routes.iter().enumerate() {
            ranges.entry(parent).or_insert(position..position).end = position + 1;
        }
        let mut bindings = Vec::new();
        let mut taken: Vec<Taken> = routes.iter().map(|(_, route, _)| Taken::none(route)).collect();
        for owned in &listeners {
            let range = ranges.get(&owned.owner()).cloned().unwrap_or_default();
            self.bindings_of_listener(key, owned, &routes[range.clone()], &mut taken[range], &mut bindings);
        }
        self.untaken(gateway, &routes, &taken, &mut bindings);
        bindings
    }

    /// Adds the hosts of routes that may attach, but that no listener of any parent of the route accepts.
    fn untaken(&self, gateway: &Gateway, routes: &[Attached<'_>], taken: &[Taken], bindings: &mut Vec<Binding>) {
        let mut here: HashSet<(Kind, Key, Text)> = HashSet::new();
        let mut accepted: HashSet<(Kind, Key)> = HashSet::new();
        for ((_, route, _), taken) in routes.iter().zip(taken) {
            if taken.hosts.contains(&true) {
                accepted.insert((route.kind, route.meta.key()));
            }
            let hosts = taken.wanted.iter().zip(&taken.hosts).filter(|(_, taken)| **taken);
            here.extend(hosts.map(|(host, _)| (route.kind, route.meta.key(), host.clone())));
        }
        let mut hosts = Hosts::default();
        let mut present: HashSet<(Text, RouteKey)> = HashSet::new();
        for ((_, route, _), taken) in routes.iter().zip(taken).filter(|(_, taken)| taken.let_in) {
            let missed = taken.wanted.iter().zip(&taken.hosts).filter(|(_, taken)| !**taken);
            for host in missed.map(|(host, _)| host.clone()) {
                if here.contains(&(route.kind, route.meta.key(), host.clone()))
                    || self.taken_elsewhere(gateway, route, &host)
                {
                    continue;
                }
                let names = RouteKey::new(route.kind, route.meta.key());
                if present.insert((host.clone(), names.clone())) {
                    hosts.routes(host).push(names);
                }
            }
        }
        let gateway = RouteKey::new(Kind::Gateway, gateway.meta.key());
        let of_several = |routes: &[RouteKey]| {
            let first = routes.first().map(|route| (route.kind, route.key.clone()));
            first.is_some_and(|first| accepted.contains(&first))
        };
        bindings.extend(hosts.found.into_iter().map(|(host, routes)| Binding {
            route: gateway.clone(),
            listener: None,
            port: 443,
            host,
            secrets: List::default(),
            origin: if of_several(&routes) {
                Origin::NoListenerOfSeveral
            } else {
                Origin::NoListener
            },
            in_rules: true,
            elsewhere: false,
            routes: routes.into(),
        }));
    }

    /// Whether a listener of another Gateway that the route names accepts the host, or may accept it because it was not
    /// read.
    fn taken_elsewhere(&self, gateway: &Gateway, route: &Route, host: &Text) -> bool {
        let own = gateway.meta.key();
        let others = route.parents.iter().filter_map(|p| {
            let key = Key::new(
                p.namespace.clone().unwrap_or_else(|| route.meta.namespace.clone()),
                p.name.clone(),
            );
            match [Kind::ListenerSet, Kind::XListenerSet]
                .into_iter()
                .find(|kind| p.kind == kind.as_str())
            {
                Some(kind) => self.listener_sets.get(&RouteKey::new(kind, key))?.parent.clone(),
                None => Some(key),
            }
        });
        others
            .filter(|key| *key != own)
            .any(|key| !self.gateways.contains_key(&key) || self.gateway_takes(&key, host))
    }

    fn bindings_of_listener(
        &self,
        gateway: &Key,
        owned: &OwnedListener<'_>,
        routes: &[Attached<'_>],
        taken: &mut [Taken],
        bindings: &mut Vec<Binding>,
    ) {
        let listener = owned.listener;
        let hostname = listener
            .hostname
            .as_deref()
            .map_or_else(|| EVERY_HOST.into(), normal_host);
        let own = owned.owner();
        let mut hosts = Hosts::default();
        for ((parent, route, reference), taken) in routes.iter().zip(taken) {
            if **parent != own || !self.attaches(owned, route, reference) {
                continue;
            }
            taken.let_in = true;
            for (wanted, taken) in taken.wanted.iter().zip(&mut taken.hosts) {
                let Some(host) = intersection(&hostname, wanted) else {
                    continue;
                };
                *taken = true;
                hosts.routes(host).push(RouteKey::new(route.kind, route.meta.key()));
            }
        }
        if !terminates_tls(listener) {
            return;
        }
        if hosts.found.is_empty() {
            hosts.routes(hostname);
        }
        let elsewhere = self
            .gateways
            .get(gateway)
            .is_some_and(|gateway| self.keeper_of(gateway, listener).is_some());
        let secrets: List<Key> = listener
            .certificate_refs
            .iter()
            .filter(|r| names_a_secret(r))
            .map(|r| {
                Key::new(
                    r.namespace.clone().unwrap_or_else(|| owned.meta.namespace.clone()),
                    r.name.clone(),
                )
            })
            .filter(|secret| self.permits(owned.kind, &owned.meta.namespace, secret))
            .take(MANY)
            .collect();
        bindings.extend(hosts.found.into_iter().map(|(host, routes)| Binding {
            route: own.clone(),
            listener: Some(listener.name.as_str().into()),
            port: listener.port,
            host,
            secrets: secrets.clone(),
            origin: Origin::Entry(0),
            in_rules: true,
            elsewhere,
            routes: routes.into(),
        }));
    }

    /// Whether a route attaches to a listener: section, port, kind and namespace have to match.
    fn attaches(&self, owned: &OwnedListener<'_>, route: &Route, reference: &ParentRef) -> bool {
        let listener = owned.listener;
        let kind_fits = if listener.allowed_kinds.is_empty() {
            match listener.protocol.as_str() {
                "HTTP" | "HTTPS" => matches!(route.kind, Kind::HttpRoute | Kind::GrpcRoute),
                "TLS" => route.kind == Kind::TlsRoute,
                _ => true,
            }
        } else {
            listener.allowed_kinds.iter().any(|k| k == route.kind.as_str())
        };
        reference
            .section
            .as_ref()
            .is_none_or(|section| *section == listener.name)
            && kind_fits
            && reference.port.is_none_or(|port| port == listener.port)
            && self.admits(&listener.allowed_routes, &owned.meta.namespace, &route.meta.namespace)
    }
}

/// Hosts in the order in which they were found, each with its routes.
#[derive(Default)]
struct Hosts {
    found: Vec<(Text, Vec<RouteKey>)>,
    positions: HashMap<Text, usize>,
}

impl Hosts {
    /// The routes of a host. A new host is added.
    fn routes(&mut self, host: Text) -> &mut Vec<RouteKey> {
        let at = *self.positions.entry(host.clone()).or_insert(self.found.len());
        if at == self.found.len() {
            self.found.push((host, Vec::new()));
        }
        &mut self.found[at].1
    }
}

/// A route of the Gateway API, with its key and one parent that it names.
type Attached<'a> = (&'a RouteKey, &'a Route, &'a ParentRef);

/// The result of attaching a route to one parent.
struct Taken {
    /// Whether a listener permits the route: section, port, kind and namespace match.
    let_in: bool,
    /// The hostnames of the route in their normal form; `*` if it has none.
    wanted: Vec<Text>,
    /// Which of these hostnames a listener accepts.
    hosts: Vec<bool>,
}

impl Taken {
    fn none(route: &Route) -> Self {
        let wanted = if route.hostnames.is_empty() {
            vec![EVERY_HOST.into()]
        } else {
            route.hostnames.iter().map(|host| normal_host(host)).collect()
        };
        Self {
            let_in: false,
            wanted,
            hosts: vec![route.hostnames.is_empty(); route.hostnames.len().max(1)],
        }
    }
}

/// The key of a `ListenerSet`, which may be of either of two kinds.
pub(super) fn set_key(set: &ListenerSet) -> RouteKey {
    RouteKey::new(set.kind(), set.meta.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_are_cut_to_the_listeners() {
        for (listener, route, host) in [
            ("*", "a.example", Some("a.example")),
            ("*.example", "a.example", Some("a.example")),
            ("*.example", "a.b.example", Some("a.b.example")),
            ("*.example", "example", None),
            ("a.example", "*.example", Some("a.example")),
            ("*.a.example", "*.example", Some("*.a.example")),
            ("*.example", "*", Some("*.example")),
            ("a.example", "b.example", None),
            ("*.example", "badexample", None),
        ] {
            assert_eq!(intersection(listener, route).as_deref(), host, "{listener} and {route}");
        }
    }
}
