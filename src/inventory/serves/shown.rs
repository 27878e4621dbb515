//! Which certificate of Traefik's store is served for a host, and which routes brought it there. The part that depends
//! on the objects which describe the store is in [`super::store`], together with the versions and files of Traefik's
//! source.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::{
    inventory::{
        Inventory,
        binding::Binding,
        controller::Controller,
        derive::MANY,
        ingress::{EVERY_HOST, wildcard_over},
        secrets::{SecretId, Stored},
    },
    object::{Key, Kind},
    x509::{Certificate, San},
};

use super::{
    choice::{names_exactly, usable},
    memo::FEW,
};

/// The certificate that Traefik serves for a host, and another one that it may serve instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct TraefikChoice<'a> {
    /// The certificate that is served; where versions differ, the one since 3.6.22 and 3.7.6.
    pub(super) stored: &'a Stored,
    /// Another certificate that may be served, and why.
    pub(super) rival: Option<(&'a Stored, Rivalry)>,
}

/// Why another certificate may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rivalry {
    /// Versions before 3.6.22 and 3.7.6 serve it, because they choose by another rule.
    Earlier,
    /// Versions before 3.6.22 and 3.7.6 choose at random.
    EarlierByChance,
    /// Every version chooses at random: two providers bring a certificate with the same names.
    Chance,
}

/// The part of Traefik that brings a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Provider {
    Ingress,
    IngressNginx,
    Crd,
    Gateway,
}

/// The certificate that Traefik serves for the host of a binding; `None` if none covers it. None covers every host.
pub(super) fn shown<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<TraefikChoice<'a>> {
    if binding.host == EVERY_HOST {
        return None;
    }
    let same = |a: &Stored, b: &Stored| a.leaf().map(|leaf| leaf.sha256) == b.leaf().map(|leaf| leaf.sha256);
    let mut shown = among(inventory, &binding.host)?;
    // Prefer the Secret that the binding itself names, if it holds the same certificate.
    let mut own = binding.secrets.iter().filter_map(|key| inventory.secrets.get(key));
    if let Some(own) = own.find(|own| is_pair(own) && same(own, shown.stored)) {
        shown.stored = own;
    }
    Some(shown)
}

/// Whether Go's `tls.X509KeyPair` accepts the Secret: the key matches the first certificate.
fn is_pair(stored: &Stored) -> bool {
    usable(stored) && stored.bundle.leaf == Some(0)
}

/// The certificates that may be served for one name. Of those with an identical list of names, only one is in the
/// store.
#[derive(Debug)]
pub(super) struct Top {
    /// All names of the certificate, sorted and joined.
    names: String,
    first: SecretId,
    /// Another certificate with the same names, if the choice of the one in the store is random.
    other: Option<SecretId>,
}

/// How many certificates of one name matter: the first, and the one that earlier versions may serve instead.
const TOPS: usize = 2;

/// The certificate for a host, by the earlier and the current rules.
fn among<'a>(inventory: &'a Inventory, host: &str) -> Option<TraefikChoice<'a>> {
    let stored = |id: SecretId| inventory.secrets.at(id);
    let wide = wildcard_over(host).unwrap_or_default();
    let ids = (
        inventory.secrets.ids_with_name(host),
        inventory.secrets.ids_with_name(&wide),
    );
    // Nearly always there is only one, which needs no list.
    if let ([only], []) | ([], [only]) = ids {
        let stored = stored(*only).filter(|stored| in_store(inventory, stored))?;
        return Some(TraefikChoice { stored, rival: None });
    }
    let (own, below) = (tops_of(inventory, host, ids.0), tops_of(inventory, &wide, ids.1));
    let mut tops: Vec<&Top> = own.iter().chain(below.iter()).collect();
    tops.sort_by(|a, b| b.names.cmp(&a.names));
    tops.dedup_by(|a, b| a.names == b.names);
    let top = *tops.first()?;
    let shown = stored(top.first)?;
    if let Some(other) = top.other.and_then(stored) {
        let rival = Some((other, Rivalry::Chance));
        return Some(TraefikChoice { stored: shown, rival });
    }
    let exact = |top: &Top| stored(top.first).is_some_and(|stored| names_exactly(stored, host));
    let has_exact = tops.iter().any(|top| exact(top));
    let mut before = tops.iter().filter(|top| !has_exact || exact(top)).map(|top| top.first);
    let rival = match (before.next(), before.next()) {
        (Some(first), Some(second)) => {
            let other = if first == top.first { second } else { first };
            stored(other).map(|other| (other, Rivalry::EarlierByChance))
        }
        (Some(first), None) if first != top.first => stored(first).map(|first| (first, Rivalry::Earlier)),
        _ => None,
    };
    Some(TraefikChoice { stored: shown, rival })
}

/// The certificates in the store that may be served for a name, the preferred one first.
fn tops_of(inventory: &Inventory, name: &str, ids: &[SecretId]) -> Arc<[Top]> {
    if ids.len() <= FEW {
        return find_tops(inventory, ids);
    }
    inventory.memo.tops.get_or(name, || find_tops(inventory, ids))
}

fn find_tops(inventory: &Inventory, ids: &[SecretId]) -> Arc<[Top]> {
    let mut seen = HashSet::new();
    let mut named: Vec<(String, SecretId, &Stored)> = Vec::new();
    for id in ids {
        let Some(stored) = inventory.secrets.at(*id) else {
            continue;
        };
        let Some(leaf) = stored.leaf().filter(|_| in_store(inventory, stored)) else {
            continue;
        };
        // Copies of one certificate in many namespaces do not differ for clients.
        if seen.insert(leaf.sha256) {
            named.push((joined_names(leaf), *id, stored));
        }
    }
    named.sort_by(|a, b| b.0.cmp(&a.0));
    // Certificates with the same names are adjacent; one of each such group is in the store.
    let groups = named.chunk_by(|a, b| a.0 == b.0).take(TOPS);
    let tops = groups.filter_map(|group| {
        let (first, other) = first_loaded(inventory, group)?;
        Some(Top {
            names: group.first()?.0.clone(),
            first,
            other,
        })
    });
    tops.collect()
}

/// Whether Traefik has loaded the certificate of a Secret, and can serve it.
fn in_store(inventory: &Inventory, stored: &Stored) -> bool {
    is_pair(stored) && loaded(inventory, stored)
}

/// The first of several certificates with the same names, and the other one if two providers bring one.
fn first_loaded(inventory: &Inventory, group: &[(String, SecretId, &Stored)]) -> Option<(SecretId, Option<SecretId>)> {
    if let [(_, one, _)] = group {
        return Some((*one, None));
    }
    let mut firsts: Vec<(Provider, Key, SecretId)> = Vec::new();
    let mut unsorted = None;
    for (_, id, stored) in group {
        for provider in providers(inventory, &stored.meta.key()) {
            let key = stored.meta.key();
            match firsts.iter_mut().find(|(of, _, _)| *of == provider) {
                Some(first) => {
                    if provider == Provider::IngressNginx {
                        unsorted = Some(*id);
                    }
                    if sorts_before(provider, &key, &first.1) {
                        *first = (provider, key, *id);
                    }
                }
                None => firsts.push((provider, key, *id)),
            }
        }
    }
    firsts.sort();
    let Some((_, _, first)) = firsts.first() else {
        return Some((group.first()?.1, None));
    };
    let other = firsts.iter().map(|(_, _, id)| *id).find(|other| other != first);
    Some((*first, other.or(unsorted.filter(|id| id != first))))
}

/// Whether a provider loads one Secret before another: sorted by `namespace-name` for Ingresses, by `namespace/name`
/// otherwise.
fn sorts_before(provider: Provider, one: &Key, other: &Key) -> bool {
    let between = if provider == Provider::Ingress { "-" } else { "/" };
    let whole = |key: &Key| format!("{}{between}{}", key.namespace, key.name);
    whole(one) < whole(other)
}

/// All names under which a certificate is in the store, including its common name, sorted and joined.
fn joined_names(leaf: &Certificate) -> String {
    let mut names: Vec<String> = leaf
        .names
        .iter()
        .map(|san| match san {
            San::Dns(name) => name.to_ascii_lowercase().into(),
            San::Ip(address) => address.to_string(),
        })
        .collect();
    if let Some(common) = leaf.common_name().filter(|common| !common.is_empty()) {
        let common = common.to_lowercase();
        if !names.contains(&common) {
            names.push(common);
        }
    }
    names.sort_unstable();
    names.join(",")
}

/// Whether a route or store of Traefik brings the Secret, and Traefik does not stop reading before it.
pub(super) fn loaded(inventory: &Inventory, stored: &Stored) -> bool {
    let secret = stored.meta.key();
    inventory.store_loads(&secret) || brought(inventory, &secret).next().is_some()
}

/// The providers that bring a Secret.
fn providers(inventory: &Inventory, secret: &Key) -> Vec<Provider> {
    let mut found: Vec<Provider> = brought(inventory, secret).collect();
    if inventory.store_loads(secret) {
        found.push(Provider::Crd);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The providers of the routes that bring a Secret, one for each binding.
pub(super) fn brought<'a>(inventory: &'a Inventory, secret: &'a Key) -> impl Iterator<Item = Provider> + 'a {
    let ids = inventory.bindings_of_secret(secret).iter().take(MANY);
    let bindings = ids.filter_map(|id| inventory.bindings.get(*id));
    bindings.filter_map(move |binding| {
        let reached = || {
            let mut before = binding.secrets.iter().take_while(|key| *key != secret);
            binding.route.kind != Kind::Gateway || !before.any(|key| inventory.is_absent(key))
        };
        let comes = !binding.route.kind.is_listener_set()
            && inventory.controller(&binding.route) == Controller::Traefik
            && inventory.skipped_after(binding).is_none()
            && reached()
            && inventory.kept_apart(binding, secret).is_none();
        comes.then(|| inventory.provider_of(binding))
    })
}

impl Inventory {
    fn provider_of(&self, binding: &Binding) -> Provider {
        match binding.route.kind {
            Kind::Ingress => {
                let ingress = self.ingress_of(&binding.route);
                if ingress.is_some_and(|ingress| self.is_of_nginx_provider(ingress)) {
                    Provider::IngressNginx
                } else {
                    Provider::Ingress
                }
            }
            Kind::Gateway => Provider::Gateway,
            _ => Provider::Crd,
        }
    }
}
