//! Indexes over the listeners of one Gateway and its `ListenerSets`. A Gateway may have thousands of listeners, and
//! each host of each of them is looked up.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::object::{Key, Kind, Text, gateway::Listener};

use super::{
    Inventory, Stored,
    binding::{Binding, RouteKey},
    derive::MANY,
    gateway::{OwnedListener, intersection, names_a_secret, terminates_tls},
    ingress::{EVERY_HOST, normal_host, wildcard_over},
    secrets::SecretId,
};

/// The largest number of listeners that are compared one by one. Most Gateways have one or two, for which tables would
/// cost more.
const FEW: usize = 16;

/// The position of a listener in the object that owns it.
#[derive(Debug)]
struct ListenerPosition {
    owner: RouteKey,
    position: usize,
}

/// The listeners of a Gateway with many of them, in the order of their precedence.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    places: Vec<ListenerPosition>,
    /// The position of each listener, by its owner and its name.
    named: HashMap<(RouteKey, Text), usize>,
    /// The first TLS listener with a port and hostname.
    first: HashMap<(u16, Option<Text>), usize>,
    /// The listeners of a port that name a Secret.
    by_secret: HashMap<(u16, Key), Vec<usize>>,
    /// The hostnames of all listeners; `*` for a listener without a hostname.
    hostnames: HashSet<Text>,
    /// All suffixes of the hostnames that begin with a dot, which are what a wildcard covers.
    endings: HashSet<Text>,
}

impl Listeners {
    fn of(all: &[OwnedListener<'_>], within: &[usize]) -> Self {
        let mut listeners = Self::default();
        for (at, (owned, position)) in all.iter().zip(within).enumerate() {
            let (owner, position, listener) = (owned.owner(), *position, owned.listener);
            let hostname = listener.hostname.as_deref().map(normal_host);
            listeners
                .named
                .entry((owner.clone(), listener.name.clone()))
                .or_insert(position);
            if terminates_tls(listener) || listener.passthrough {
                listeners.first.entry((listener.port, hostname.clone())).or_insert(at);
            }
            if terminates_tls(listener) {
                for secret in secrets_of(owned) {
                    listeners.by_secret.entry((listener.port, secret)).or_default().push(at);
                }
            }
            let hostname = hostname.unwrap_or_else(|| EVERY_HOST.into());
            listeners.endings.extend(endings(&hostname).map(Text::from));
            listeners.hostnames.insert(hostname);
            listeners.places.push(ListenerPosition { owner, position });
        }
        listeners
    }

    /// Whether a listener accepts a host, or a part of a wildcard.
    fn take(&self, host: &str) -> bool {
        let below = host.strip_prefix('*').filter(|ending| !ending.is_empty());
        host == EVERY_HOST
            || self.hostnames.contains(EVERY_HOST)
            || self.hostnames.contains(host)
            || below.is_some_and(|ending| self.endings.contains(ending))
            || endings(host).any(|ending| {
                self.hostnames
                    .contains(compact_str::format_compact!("*{ending}").as_str())
            })
    }
}

/// The suffixes of a host that begin with a dot.
fn endings(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.')
        .filter(|(at, _)| *at > 0)
        .map(|(at, _)| &host[at..])
}

/// The core Secrets that a listener names.
fn secrets_of(owned: &OwnedListener<'_>) -> impl Iterator<Item = Key> {
    let namespace = &owned.meta.namespace;
    let references = owned.listener.certificate_refs.iter().filter(|r| names_a_secret(r));
    references.map(|r| Key::new(r.namespace.clone().unwrap_or_else(|| namespace.clone()), r.name.clone()))
}

impl Inventory {
    /// Builds the tables of a Gateway with many listeners. Gateways with few listeners have no tables.
    pub(super) fn index_listeners(&mut self, gateway: &Key) {
        let all = self.listeners(gateway);
        let index = (all.len() > FEW).then(|| {
            let mut owner = None;
            let mut position = 0;
            let within: Vec<usize> = all
                .iter()
                .map(|owned| {
                    let same = owner == Some((owned.kind, &owned.meta.name, &owned.meta.namespace));
                    position = if same { position + 1 } else { 0 };
                    owner = Some((owned.kind, &owned.meta.name, &owned.meta.namespace));
                    position
                })
                .collect();
            Listeners::of(&all, &within)
        });
        match index {
            Some(index) => drop(self.many_listeners.insert(gateway.clone(), index)),
            None => drop(self.many_listeners.remove(gateway)),
        }
    }

    /// The tables of the Gateway that a route belongs to, if it has many listeners.
    fn many_of(&self, route: &RouteKey) -> Option<&Listeners> {
        if self.many_listeners.is_empty() {
            return None;
        }
        let gateway = match route.kind {
            Kind::Gateway => &route.key,
            _ => self.listener_sets.get(route)?.parent.as_ref()?,
        };
        self.many_listeners.get(gateway)
    }

    pub(crate) fn listeners_of(&self, owner: &RouteKey) -> Option<&[Listener]> {
        match owner.kind {
            Kind::Gateway => Some(&self.gateways.get(&owner.key)?.listeners),
            Kind::ListenerSet | Kind::XListenerSet => Some(&self.listener_sets.get(owner)?.listeners),
            _ => None,
        }
    }

    /// The listener that a binding belongs to.
    pub fn listener(&self, binding: &Binding) -> Option<&Listener> {
        let name = binding.listener.as_ref()?;
        let listeners = self.listeners_of(&binding.route)?;
        if let Some(many) = self.many_of(&binding.route) {
            let position = many.named.get(&(binding.route.clone(), Text::from(&**name)))?;
            return listeners.get(*position);
        }
        listeners.iter().find(|l| *l.name == **name)
    }

    fn at(&self, place: &ListenerPosition) -> Option<OwnedListener<'_>> {
        Some(OwnedListener {
            kind: place.owner.kind,
            meta: self.route_meta(&place.owner)?,
            listener: self.listeners_of(&place.owner)?.get(place.position)?,
        })
    }

    /// An earlier TLS listener of the Gateway with the same port and hostname as that of the binding. The earlier one
    /// is programmed, and this one is not.
    pub fn earlier_listener(&self, gateway: &Key, binding: &Binding, listener: &Listener) -> Option<OwnedListener<'_>> {
        let is_own = |other: &OwnedListener<'_>| other.listener.name == listener.name && other.is_of(&binding.route);
        let hostname = listener.hostname.as_deref().map(normal_host);
        if let Some(many) = self.many_listeners.get(gateway) {
            let first = many.first.get(&(listener.port, hostname))?;
            return self.at(many.places.get(*first)?).filter(|other| !is_own(other));
        }
        let all = self.listeners(gateway);
        all.into_iter().take_while(|other| !is_own(other)).find(|other| {
            (terminates_tls(other.listener) || other.listener.passthrough)
                && other.listener.port == listener.port
                && other.listener.hostname.as_deref().map(normal_host) == hostname
        })
    }

    /// The first other TLS listener of the port that `fits` and that has a Secret which is `wanted`. For a Gateway with
    /// many listeners, only the listeners are examined whose Secrets name the host of the binding.
    pub fn other_listener(
        &self,
        gateway: &Key,
        binding: &Binding,
        listener: &Listener,
        fits: impl Fn(&OwnedListener<'_>) -> bool,
        wanted: impl Fn(&Stored) -> bool,
    ) -> Option<OwnedListener<'_>> {
        let is_own = |other: &OwnedListener<'_>| other.listener.name == listener.name && other.is_of(&binding.route);
        if let Some(many) = self.many_listeners.get(gateway) {
            let of_stored = |stored: &Stored| many.by_secret.get(&(listener.port, stored.meta.key()));
            let wide = wildcard_over(&binding.host).unwrap_or_default();
            let (own, below) = (self.listed_with_name(&binding.host), self.listed_with_name(&wide));
            let naming = own.iter().chain(below.iter()).filter_map(|id| self.secrets.at(*id));
            let of_secrets = naming.filter(|stored| wanted(stored)).filter_map(of_stored);
            let candidates = of_secrets.flatten().take(MANY);
            let fitting = candidates.copied().filter(|at| {
                let other = many.places.get(*at).and_then(|place| self.at(place));
                other.is_some_and(|other| !is_own(&other) && fits(&other))
            });
            return self.at(many.places.get(fitting.min()?)?);
        }
        let others = self.listeners(gateway).into_iter().filter(|other| {
            !is_own(other) && other.listener.port == listener.port && terminates_tls(other.listener) && fits(other)
        });
        let wants = |other: &OwnedListener<'_>| secrets_of(other).filter_map(|key| self.secrets.get(&key)).any(&wanted);
        others.into_iter().find(wants)
    }

    /// The Secrets whose leaf has a name and that listeners of Gateways with many listeners name. Other Secrets with
    /// that name, however many, cannot displace them.
    fn listed_with_name(&self, name: &str) -> Arc<[SecretId]> {
        self.memo.listed.get_or(name, || {
            let of_listeners = self.memo.of_listeners.get_or_init(|| {
                let tables = self.many_listeners.values();
                tables
                    .flat_map(|table| table.by_secret.keys().map(|(_, key)| key.clone()))
                    .collect()
            });
            let ids = self.secrets.ids_with_name(name).iter().copied();
            let is_listed = |id: &SecretId| {
                let stored = self.secrets.at(*id);
                stored.is_some_and(|stored| of_listeners.contains(&stored.meta.key()))
            };
            ids.filter(is_listed).collect()
        })
    }

    /// Whether a listener of a Gateway accepts a host, or a part of a wildcard.
    pub(super) fn gateway_takes(&self, gateway: &Key, host: &Text) -> bool {
        if let Some(many) = self.many_listeners.get(gateway) {
            return many.take(host);
        }
        self.listeners(gateway).iter().any(|owned| {
            let hostname = owned.listener.hostname.as_deref();
            let hostname = hostname.map_or_else(|| EVERY_HOST.into(), normal_host);
            intersection(&hostname, host).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::meta;

    // The API server accepts `*`, and hostnames in which the wildcard is a whole label.
    proptest::proptest! {
        #[test]
        fn tables_take_the_hosts_that_a_comparison_takes(
            hostnames in proptest::collection::vec(r"(\*\.|)([ab]\.){0,2}[ab]|\*", 1..6),
            host in r"(\*\.|)([ab]\.){0,2}[ab]|\*",
        ) {
            let meta = meta("edge", "g");
            let listeners: Vec<Listener> = hostnames
                .iter()
                .map(|hostname| Listener { hostname: Some(hostname.as_str().into()), ..Listener::default() })
                .collect();
            let owned: Vec<OwnedListener<'_>> = listeners
                .iter()
                .map(|listener| OwnedListener { kind: Kind::Gateway, meta: &meta, listener })
                .collect();
            let within: Vec<usize> = (0..owned.len()).collect();
            let compared = hostnames.iter().any(|hostname| intersection(&normal_host(hostname), &host).is_some());
            proptest::prop_assert_eq!(Listeners::of(&owned, &within).take(&host), compared);
        }
    }
}
