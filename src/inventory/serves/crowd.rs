//! The routes of one host that one controller serves together, and which of them decides.
//!
//! Most hosts have one or two routes. For a host with many, the result is computed once ([`super::memo`]), from all of
//! them.

use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};

use crate::{
    inventory::{
        Inventory,
        binding::{Binding, BindingId, Origin, RouteKey},
        controller::{Controller, is_canary},
        derive::MANY,
        ingress::EVERY_HOST,
    },
    object::{Seconds, Text},
    x509::Fingerprint,
};

use super::memo::FEW;

/// The common property of routes that compete for a host: the controller, and the class if the controller is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Together {
    controller: Controller,
    class: Option<Text>,
}

/// The deciding routes among those of one host that are served together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CrowdContest {
    /// The oldest route, if the controller has that rule and every route has a creation time.
    oldest: Option<BindingId>,
    /// The first binding from which ingress-nginx creates a server.
    server: Option<BindingId>,
    /// Whether ingress-nginx creates a server from other bindings too.
    several_servers: bool,
}

/// The routes of a host that has many.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    groups: HashMap<Together, Group>,
    /// All bindings of the host, sorted by route.
    by_route: Vec<BindingId>,
    /// The certificates that any of these bindings names or gets.
    leaves: OnceLock<HashSet<Fingerprint>>,
}

#[derive(Debug, Default)]
struct Group {
    deciding: CrowdContest,
    /// The deciding binding, one binding for each certificate, and some more: enough for each binding of the group to
    /// find one that differs from it.
    sample: Vec<BindingId>,
}

impl Inventory {
    /// Whether the same controller serves both routes, so that the author of one can affect the hosts of the other.
    pub fn shares_hosts(&self, a: &RouteKey, b: &RouteKey) -> bool {
        let one = self.together(a);
        one.is_some() && one == self.together(b)
    }

    /// The group of a route. `None` if the route shares no host: one with a listener, one with its own address, or a
    /// canary of ingress-nginx.
    fn together(&self, route: &RouteKey) -> Option<Together> {
        if !route.kind.is_route() || route.kind.has_listeners() {
            return None;
        }
        let controller = self.controller(route);
        let is_canary = || self.ingress_of(route).is_some_and(is_canary);
        if controller.own_address_each() || (controller == Controller::IngressNginx && is_canary()) {
            return None;
        }
        let class = (controller == Controller::Unknown).then(|| self.class_name(route).cloned());
        Some(Together {
            controller,
            class: class.flatten(),
        })
    }

    /// The route whose certificate is used, of several routes with one host: the oldest, if the controller has that
    /// rule and every route has a creation time. Ingresses without any tls entry do not take part; for ingress-nginx,
    /// neither do those without a rule for the host. If two were created in the same second, ingress-nginx takes the
    /// later one by name (store.go, `sortIngressSlice`).
    pub fn winner(&self, binding: &Binding, controller: Controller) -> Option<&Binding> {
        let may_decide = controller.oldest_wins() && binding.host != EVERY_HOST;
        if !may_decide || self.bindings_of_host(&binding.host).len() < 2 {
            return None;
        }
        let oldest = self.deciding(&binding.route, &binding.host)?.oldest?;
        self.bindings.get(oldest)
    }

    /// The binding whose route provides the certificate of a host's server in ingress-nginx, from the point of view of
    /// a route of the same controller. `None` if no rule has the host.
    pub(super) fn nginx_server(&self, of: &RouteKey, host: &str) -> Option<&Binding> {
        // Nearly always there is only one.
        if let [only] = self.bindings_of_host(host) {
            let only = self.bindings.get(*only).filter(|only| makes_server(only))?;
            return (only.route == *of || self.shares_hosts(of, &only.route)).then_some(only);
        }
        let own = || self.own_server(of, host);
        let Some(deciding) = self.deciding(of, host) else {
            return own();
        };
        let first = deciding.server.and_then(|id| self.bindings.get(id));
        if !deciding.several_servers {
            return first;
        }
        let oldest = deciding.oldest.and_then(|id| self.bindings.get(id));
        // If some routes have no creation time, each is judged as if it were the only one.
        oldest.or_else(own).or(first)
    }

    /// The bindings of other routes with the same host that are served together with this one. If there are very many,
    /// a sample: the deciding one, and at least one for each certificate.
    pub fn beside(&self, id: BindingId, binding: &Binding) -> Vec<&Binding> {
        let ids = self.bindings_of_host(&binding.host);
        let Some(together) = self.together(&binding.route).filter(|_| ids.len() > 1) else {
            return Vec::new();
        };
        let crowd = (ids.len() > FEW).then(|| self.crowd(&binding.host, ids));
        let sample = crowd.as_ref().map(|crowd| match crowd.groups.get(&together) {
            Some(group) => group.sample.as_slice(),
            None => &[],
        });
        let others = sample.unwrap_or(ids).iter().filter(|other| **other != id);
        others
            .filter_map(|other| self.bindings.get(*other))
            .filter(|other| other.route != binding.route)
            .filter(|other| sample.is_some() || self.together(&other.route).as_ref() == Some(&together))
            .collect()
    }

    /// Whether any route of a host names or gets a certificate.
    pub fn some_route_has(&self, host: &str, leaf: Fingerprint) -> bool {
        let ids = self.bindings_of_host(host);
        if ids.len() <= FEW {
            return ids.iter().any(|id| self.leaves_of(*id).any(|other| other == leaf));
        }
        let crowd = self.crowd(host, ids);
        let leaves = crowd.leaves.get_or_init(|| {
            let all = crowd.by_route.iter();
            all.flat_map(|id| self.leaves_of(*id)).collect()
        });
        leaves.contains(&leaf)
    }

    /// The certificates that a binding names, and the one that it gets.
    fn leaves_of(&self, id: BindingId) -> impl Iterator<Item = Fingerprint> {
        let binding = self.bindings.get(id);
        let served = binding.and_then(|binding| self.serving(binding).stored());
        let named = binding.into_iter().flat_map(|binding| self.named(binding));
        named.chain(served).filter_map(|stored| Some(stored.leaf()?.sha256))
    }

    /// The deciding routes for a host, of those that are served together with a route.
    fn deciding(&self, of: &RouteKey, host: &str) -> Option<CrowdContest> {
        let together = self.together(of)?;
        let ids = self.bindings_of_host(host);
        if ids.len() <= FEW {
            let members = ids.iter().filter(|id| {
                let binding = self.bindings.get(**id);
                binding.is_some_and(|binding| self.together(&binding.route).as_ref() == Some(&together))
            });
            return Some(self.among_members(members.copied(), together.controller));
        }
        let crowd = self.crowd(host, ids);
        Some(
            crowd
                .groups
                .get(&together)
                .map(|group| group.deciding)
                .unwrap_or_default(),
        )
    }

    fn among_members(&self, members: impl Iterator<Item = BindingId>, controller: Controller) -> CrowdContest {
        let nginx = controller == Controller::IngressNginx;
        let mut deciding = CrowdContest::default();
        let mut oldest: Option<(Seconds, BindingId, &Binding)> = None;
        let mut all_ages_known = true;
        for id in members {
            let Some(binding) = self.bindings.get(id) else { continue };
            let is_server = makes_server(binding);
            if is_server {
                deciding.several_servers = deciding.server.is_some();
                deciding.server = deciding.server.or(Some(id));
            }
            if !self.has_tls(&binding.route) || (nginx && !is_server) {
                continue;
            }
            let Some(made) = self.created(&binding.route) else {
                all_ages_known = false;
                continue;
            };
            let goes_before = |old: &Binding| {
                if nginx {
                    binding.route > old.route
                } else {
                    binding.route < old.route
                }
            };
            if oldest.is_none_or(|(at, _, old)| made < at || (made == at && goes_before(old))) {
                oldest = Some((made, id, binding));
            }
        }
        deciding.oldest = oldest.filter(|_| all_ages_known).map(|(_, id, _)| id);
        deciding
    }

    fn has_tls(&self, route: &RouteKey) -> bool {
        self.ingress_of(route).is_some_and(|ingress| !ingress.tls.is_empty())
    }

    /// The binding of a route from which ingress-nginx creates a server for the host.
    fn own_server(&self, of: &RouteKey, host: &str) -> Option<&Binding> {
        let ids = self.bindings_of_host(host);
        let is_own = |binding: &&Binding| binding.route == *of && makes_server(binding);
        if ids.len() <= FEW {
            return ids.iter().filter_map(|id| self.bindings.get(*id)).find(is_own);
        }
        let crowd = self.crowd(host, ids);
        let route = |id: &BindingId| self.bindings.get(*id).map(|binding| &binding.route);
        let from = crowd.by_route.partition_point(|id| route(id) < Some(of));
        let own = crowd.by_route[from..].iter().map_while(|id| self.bindings.get(*id));
        own.take_while(|binding| binding.route == *of).find(is_own)
    }

    fn crowd(&self, host: &str, ids: &[BindingId]) -> Arc<Crowd> {
        self.memo.crowds.get_or(host, || Arc::new(self.crowd_of(ids)))
    }

    fn crowd_of(&self, ids: &[BindingId]) -> Crowd {
        let mut members: HashMap<Together, Vec<BindingId>> = HashMap::new();
        for id in ids {
            let binding = self.bindings.get(*id);
            if let Some(together) = binding.and_then(|binding| self.together(&binding.route)) {
                members.entry(together).or_default().push(*id);
            }
        }
        let groups = members.into_iter().map(|(together, members)| {
            let deciding = self.among_members(members.iter().copied(), together.controller);
            let sample = self.sample_of(&members, deciding.oldest);
            (together, Group { deciding, sample })
        });
        let groups = groups.collect();
        let mut by_route = ids.to_vec();
        by_route.sort_by_cached_key(|id| self.bindings.get(*id).map(|binding| binding.route.clone()));
        Crowd {
            groups,
            by_route,
            leaves: OnceLock::new(),
        }
    }

    fn sample_of(&self, members: &[BindingId], oldest: Option<BindingId>) -> Vec<BindingId> {
        let naming = |id: &&BindingId| {
            self.bindings
                .get(**id)
                .is_some_and(|binding| !binding.secrets.is_empty())
        };
        let leaf = |id: &BindingId| {
            let first = self.bindings.get(*id).and_then(|binding| self.named(binding).next());
            first.and_then(|stored| stored.leaf()).map(|leaf| leaf.sha256)
        };
        let mut seen = HashSet::new();
        // One binding for each certificate comes first.
        let (first, again): (Vec<BindingId>, Vec<BindingId>) =
            members.iter().filter(naming).partition(|id| seen.insert(leaf(id)));
        let of_each = first.into_iter().chain(again).take(MANY);
        let others = of_each.filter(|id| Some(*id) != oldest);
        oldest.into_iter().chain(others).collect()
    }
}

/// Whether ingress-nginx creates a server from a binding. Only hosts of rules become servers.
fn makes_server(binding: &Binding) -> bool {
    binding.in_rules && !matches!(binding.origin, Origin::Alias | Origin::Redirect)
}
