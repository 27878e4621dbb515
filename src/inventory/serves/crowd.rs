//! The routes of one host that one controller serves together: which of them decides, however many there are.
//!
//! Most hosts have one or two. Of a host with many it is found once ([`super::memo`]), among all of them.

use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};

use crate::{
    inventory::{
        Inventory,
        binding::{Binding, BindingId, Origin, RouteKey},
        controller::{Controller, is_canary},
        ingress::EVERY_HOST,
        settle::MANY,
    },
    object::{Seconds, Text},
    x509::Fingerprint,
};

use super::memo::FEW;

/// What routes have in common that decide for a host together: the controller, and the class where that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Together {
    controller: Controller,
    class: Option<Text>,
}

/// Of the routes of one host that are served together, those that decide.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CrowdContest {
    /// The oldest, where the controller has that rule and every route says when it was made.
    oldest: Option<BindingId>,
    /// The first one from which ingress-nginx makes a server.
    server: Option<BindingId>,
    /// Whether it makes one from others too.
    several_servers: bool,
}

/// The routes of a host that has many.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    groups: HashMap<Together, Group>,
    /// All bindings of the host, by their routes.
    by_route: Vec<BindingId>,
    /// The certificates that some of them name or get.
    leaves: OnceLock<HashSet<Fingerprint>>,
}

#[derive(Debug, Default)]
struct Group {
    deciding: CrowdContest,
    /// The one that decides, one of each certificate, and others: enough for each of the group to find one that differs from it.
    sample: Vec<BindingId>,
}

impl Inventory {
    /// Whether somebody who writes Ingresses decides for a host together with others: the same controller serves both.
    pub fn shares_hosts(&self, a: &RouteKey, b: &RouteKey) -> bool {
        let one = self.together(a);
        one.is_some() && one == self.together(b)
    }

    /// `None` of a route that shares no host: a listener's, one with an address of its own, a canary of ingress-nginx.
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

    /// Of several routes of one host, the one whose certificate counts: the oldest, where the controller has that rule
    /// and every route says when it was made. Ingresses without any tls entry do not take part, and of ingress-nginx's those
    /// without a rule for the host; of two of the same second, ingress-nginx takes the later by name (store.go,
    /// `sortIngressSlice`).
    pub fn winner(&self, binding: &Binding, controller: Controller) -> Option<&Binding> {
        let may_decide = controller.oldest_wins() && binding.host != EVERY_HOST;
        if !may_decide || self.bindings_of_host(&binding.host).len() < 2 {
            return None;
        }
        let oldest = self.deciding(&binding.route, &binding.host)?.oldest?;
        self.bindings.get(oldest)
    }

    /// The binding whose route brings the certificate of a host's server in ingress-nginx, as a route of the same controller
    /// sees it; `None` when no rule has the host.
    pub(super) fn nginx_server(&self, of: &RouteKey, host: &str) -> Option<&Binding> {
        // One alone, as nearly always.
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
        // Where some do not say when they were made, each is judged as if it were alone.
        oldest.or_else(own).or(first)
    }

    /// The bindings of its host that other routes have which are served together with a binding's. Of very many, some: the one that
    /// decides, and of each certificate one at least.
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

    /// Whether some route of a host names or gets a certificate.
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

    /// Which routes decide for a host, of those that are served together with a route.
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

    /// The binding of a route's own from which ingress-nginx makes a server for the host.
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
        // One of each certificate first.
        let (first, again): (Vec<BindingId>, Vec<BindingId>) =
            members.iter().filter(naming).partition(|id| seen.insert(leaf(id)));
        let of_each = first.into_iter().chain(again).take(MANY);
        let others = of_each.filter(|id| Some(*id) != oldest);
        oldest.into_iter().chain(others).collect()
    }
}

/// Whether ingress-nginx makes a server from a binding: from rules' hosts, and from nothing else.
fn makes_server(binding: &Binding) -> bool {
    binding.in_rules && !matches!(binding.origin, Origin::Alias | Origin::Redirect)
}
