//! Traefik's certificate store: which Secrets are loaded into it, which of them is shown for a host, and its default one.
//!
//! As Traefik 3.6.12, 3.6.24 and 3.7.9 have it, by their source:
//! - `pkg/tls/tlsmanager.go` puts every certificate that any provider brings into the store called `default`, the only one that
//!   is used, under all of its names (the common name among them), sorted and joined. Of two with the same names the first stays.
//! - `pkg/tls/certificate_store.go` (`GetBestCertificate`) looks for the server name. Up to 3.6.21 and 3.7.5 the greatest of the
//!   *names* that match counts, so that the host itself goes before a wildcard, and which of two certificates with that name is
//!   shown is left to chance. Since 3.6.22 and 3.7.6 the certificate whose joined names are the greatest is shown. Where none
//!   matches, the default certificate is.
//! - `pkg/server/aggregator.go` merges the providers in the random order of a Go map; each provider sorts its own by the name of
//!   the Secret, but for `kubernetesIngressNGINX` up to 3.6, which does not.
//! - `pkg/provider/kubernetes/ingress` and `ingress-nginx` read the tls entries of an Ingress up to the first Secret that is not
//!   there or lacks a part; `crd` takes neither certificates nor default of a `TLSStore` whose default Secret is not there or
//!   lacks a part. Of its other certificates it leaves out those alone since 3.7 (`buildCertificates`); up to 3.6 it reads no
//!   further than to the first of them, and takes no default certificate. Here it is as in 3.7, and the difference is told.
//!   Of several stores called `default` in several namespaces the certificates are taken and no default one.
//! - `crd` reads the stores first, and keeps a Secret for the first that lists it: an `IngressRoute` that names it does not bring
//!   it to the store called `default`, if that was another (`kubernetes.go`, `tlsConfigs`).

use crate::{
    inventory::{
        Inventory, binding::Binding, controller::Controller, ingress::EVERY_HOST, secrets::Stored, settle::MANY,
    },
    object::{Key, Kind, TlsStore},
    x509::{Certificate, San},
};

use super::{
    Serving,
    choice::{names_exactly, usable},
};

/// The certificate that Traefik shows for a host, and the one that it may show in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// What is shown; since 3.6.22 and 3.7.6, where versions differ.
    pub(super) stored: &'a Stored,
    /// Another one that may be shown, and why.
    pub(super) rival: Option<(&'a Stored, Rivalry)>,
}

/// Why another certificate may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rivalry {
    /// Versions before 3.6.22 and 3.7.6 show it: they choose by another rule.
    Earlier,
    /// Versions before 3.6.22 and 3.7.6 leave it to chance.
    EarlierByChance,
    /// Every version leaves it to chance: two providers bring a certificate with the same names.
    Chance,
}

/// What Traefik shows where no certificate is for the host.
#[derive(Debug, Clone)]
pub enum DefaultCertificate<'a> {
    /// That of this Secret, which a `TLSStore` names.
    Secret(&'a Stored),
    /// One that Traefik made for itself, and no client trusts.
    Own(Why),
    /// It is not known: not all was read, or a resolver issues it.
    Unknown,
    /// It is that of a Secret that could not be read.
    Unread,
}

/// Why it is Traefik's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No `TLSStore` is called `default`, or the one names no default certificate.
    NotSet,
    /// Several are, so that none counts.
    SeveralStores,
    /// This Secret, which the store names for it, is not there or lacks a part.
    NoSecret(Key),
}

/// By which of Traefik's stores a Secret is named.
#[derive(Debug, Default)]
pub(in crate::inventory) struct NamedByStores {
    /// How often.
    named: usize,
    /// Those that list it among their certificates.
    listed_by: Vec<(Kind, Key)>,
}

/// Which part of Traefik brings a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Provider {
    Ingress,
    IngressNginx,
    Crd,
    Gateway,
}

/// The certificate that Traefik's store shows for a binding's host; `None` where none matches. For every host, none is.
pub(super) fn shown<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<Shown<'a>> {
    if binding.host == EVERY_HOST {
        return None;
    }
    let same = |a: &Stored, b: &Stored| a.leaf().map(|leaf| leaf.sha256) == b.leaf().map(|leaf| leaf.sha256);
    // One alone, as nearly always, costs no list. One certificate in many namespaces is shown alike, whichever is taken.
    let mut first: Option<&Stored> = None;
    let mut others: Vec<&Stored> = Vec::new();
    let in_store = |stored: &Stored| is_pair(stored) && loaded(inventory, stored);
    for stored in inventory.secrets.loaded_naming(&binding.host, in_store) {
        let known = first.is_some_and(|first| same(first, stored)) || others.iter().any(|other| same(other, stored));
        if known {
            continue;
        }
        match first {
            None => first = Some(stored),
            Some(_) => others.push(stored),
        }
    }
    let mut shown = Shown {
        stored: first?,
        rival: None,
    };
    if !others.is_empty() {
        others.extend(first);
        shown = among(inventory, &others, &binding.host);
    }
    // The Secret that the binding names itself, where it holds the same certificate.
    let mut own = binding.secrets.iter().filter_map(|key| inventory.secrets.get(key));
    if let Some(own) = own.find(|own| is_pair(own) && same(own, shown.stored)) {
        shown.stored = own;
    }
    Some(shown)
}

/// Whether Go's `tls.X509KeyPair` takes it: the key is that of the first certificate.
fn is_pair(stored: &Stored) -> bool {
    usable(stored) && stored.bundle.leaf == Some(0)
}

/// One of several that match, by the rules of before and of today.
fn among<'a>(inventory: &'a Inventory, several: &[&'a Stored], host: &str) -> Shown<'a> {
    let mut named: Vec<(String, &Stored)> = several
        .iter()
        .filter_map(|stored| Some((joined_names(stored.leaf()?), *stored)))
        .collect();
    named.sort_by(|a, b| b.0.cmp(&a.0));
    // Those of the same names come one after another; of each such group one is in the store.
    let groups: Vec<&[(String, &Stored)]> = named.chunk_by(|a, b| a.0 == b.0).collect();
    let (stored, by_chance) = groups
        .first()
        .map_or((several[0], None), |group| first_loaded(inventory, group));
    if let Some(other) = by_chance {
        return Shown {
            stored,
            rival: Some((other, Rivalry::Chance)),
        };
    }
    let exact = |group: &[(String, &Stored)]| group.first().is_some_and(|(_, stored)| names_exactly(stored, host));
    let has_exact = groups.iter().any(|group| exact(group));
    let mut before = groups.iter().filter(|group| !has_exact || exact(group));
    let first = before.next().map(|group| first_loaded(inventory, group).0);
    let second = before.next().map(|group| first_loaded(inventory, group).0);
    let is_shown = |one: &Stored| one.meta.key() == stored.meta.key();
    let rival = match (first, second) {
        (Some(first), Some(second)) => {
            let other = if is_shown(first) { second } else { first };
            Some((other, Rivalry::EarlierByChance))
        }
        (Some(first), None) if !is_shown(first) => Some((first, Rivalry::Earlier)),
        _ => None,
    };
    Shown { stored, rival }
}

/// Of certificates with the same names, the one that comes first; and the other, where two providers bring one.
fn first_loaded<'a>(inventory: &'a Inventory, group: &[(String, &'a Stored)]) -> (&'a Stored, Option<&'a Stored>) {
    if let [(_, one)] = group {
        return (one, None);
    }
    let mut firsts: Vec<(Provider, Key, &Stored)> = Vec::new();
    let mut unsorted = None;
    for (_, stored) in group {
        for provider in providers(inventory, &stored.meta.key()) {
            let key = stored.meta.key();
            match firsts.iter_mut().find(|(of, _, _)| *of == provider) {
                Some(first) => {
                    if provider == Provider::IngressNginx {
                        unsorted = Some(*stored);
                    }
                    if sorts_before(provider, &key, &first.1) {
                        *first = (provider, key, stored);
                    }
                }
                None => firsts.push((provider, key, stored)),
            }
        }
    }
    firsts.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let Some((_, key, first)) = firsts.first() else {
        return (group[0].1, None);
    };
    let other = firsts
        .iter()
        .find(|(_, other, _)| other != key)
        .map(|(_, _, stored)| *stored);
    let unsorted = unsorted.filter(|stored| stored.meta.key() != *key);
    (first, other.or(unsorted))
}

/// Whether a provider brings one Secret before another: by `namespace-name` for Ingresses, by `namespace/name` elsewhere.
fn sorts_before(provider: Provider, one: &Key, other: &Key) -> bool {
    let between = if provider == Provider::Ingress { "-" } else { "/" };
    let whole = |key: &Key| format!("{}{between}{}", key.namespace, key.name);
    whole(one) < whole(other)
}

/// All names under which a certificate is in the store: its common name too, sorted and joined.
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

/// Whether some route or store of Traefik brings the Secret, and Traefik gets as far as to read it.
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

/// By which routes' providers a Secret is brought, one for each binding.
fn brought<'a>(inventory: &'a Inventory, secret: &'a Key) -> impl Iterator<Item = Provider> + 'a {
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

    /// Traefik's stores that are called `default`: of the group of today, else of the one of before.
    fn default_stores(&self) -> impl Iterator<Item = &TlsStore> {
        self.tls_stores.values().filter(|store| self.is_default(store))
    }

    fn is_default(&self, store: &TlsStore) -> bool {
        store.meta.name == TlsStore::DEFAULT && store.old != self.has_default_store
    }

    /// Traefik's default certificate.
    pub fn traefiks_default(&self) -> DefaultCertificate<'_> {
        let mut stores = self.default_stores();
        let Some(store) = stores.next() else {
            let all_read = self.knows_all(Kind::TlsStore) && self.knows_all(Kind::OldTlsStore);
            return if all_read && !self.from_manifests {
                DefaultCertificate::Own(Why::NotSet)
            } else {
                DefaultCertificate::Unknown
            };
        };
        if stores.next().is_some() {
            return DefaultCertificate::Own(Why::SeveralStores);
        }
        let Some(secret) = store.default_secret() else {
            return if store.generated {
                DefaultCertificate::Unknown
            } else {
                DefaultCertificate::Own(Why::NotSet)
            };
        };
        if self.lacks(&secret) {
            return DefaultCertificate::Own(Why::NoSecret(secret));
        }
        self.secrets
            .get(&secret)
            .map_or(DefaultCertificate::Unread, DefaultCertificate::Secret)
    }

    /// The Secret among the certificates of the default store that is not there or lacks a part, where Traefik up to 3.6 shows
    /// its own certificate because of it, in place of what is expected: the store's default certificate, or one that comes after
    /// it in the store and that no route brings.
    pub fn gap_in_default_store(&self, serving: &Serving<'_>) -> Option<Key> {
        let shown = serving.stored().filter(|_| !self.tls_stores.is_empty())?;
        if matches!(serving, Serving::Default(_)) {
            let listed = self.default_stores().flat_map(TlsStore::certificate_secrets);
            return listed.into_iter().find(|listed| self.lacks(listed));
        }
        let key = shown.meta.key();
        if brought(self, &key).next().is_some() {
            return None;
        }
        let taking = self.taking(&key).filter(|store| self.is_default(store));
        let mut gaps = taking.map(|store| {
            let mut before = store.certificate_secrets().take_while(|listed| *listed != key);
            before.find(|listed| self.lacks(listed))
        });
        // Of several stores that list it, one without a gap before it is enough.
        gaps.try_fold(None, |first, gap| gap.map(|gap| first.or(Some(gap))))
            .flatten()
    }

    /// Whether some host of Traefik's gets the default certificate, so that it matters which one that is.
    pub fn needs_traefiks_default(&self) -> bool {
        self.bindings.iter().any(|(_, binding)| {
            self.controller(&binding.route) == Controller::Traefik
                && !binding.elsewhere
                && shown(self, binding).is_none()
        })
    }

    /// Traefik's stores called `default`, for a message.
    pub fn traefiks_default_stores(&self) -> impl Iterator<Item = (Kind, Key)> {
        self.default_stores().map(|store| (store.kind(), store.meta.key()))
    }

    /// The Secrets that stores name, those of stores that Traefik does not use too.
    pub fn secrets_of_stores(&self) -> impl Iterator<Item = Key> {
        self.tls_stores.values().flat_map(TlsStore::secrets)
    }

    /// Whether a store names the Secret.
    pub fn is_of_a_store(&self, secret: &Key) -> bool {
        self.store_secrets.contains_key(secret)
    }

    /// The stores that take a Secret among their certificates.
    fn taking(&self, secret: &Key) -> impl Iterator<Item = &TlsStore> {
        let named = self.store_secrets.get(secret).filter(|_| !self.lacks(secret));
        let listing = named.into_iter().flat_map(|named| named.listed_by.iter().take(MANY));
        listing
            .filter_map(|id| self.tls_stores.get(id))
            .filter(|store| store.default_secret().is_none_or(|key| !self.lacks(&key)))
    }

    /// Whether the default store brings a Secret among its certificates.
    fn store_loads(&self, secret: &Key) -> bool {
        self.taking(secret).any(|store| self.is_default(store))
    }

    /// The store that is not the default one and has taken the Secret, so that an `IngressRoute` does not bring it any more.
    pub fn kept_apart(&self, binding: &Binding, secret: &Key) -> Option<(Kind, Key)> {
        if self.tls_stores.is_empty() || !binding.route.kind.is_ingress_route() {
            return None;
        }
        let other = self.taking(secret).find(|store| store.meta.name != TlsStore::DEFAULT)?;
        (!self.store_loads(secret)).then(|| (other.kind(), other.meta.key()))
    }

    /// Whether Traefik has the Secret's certificate in the store that it uses, whoever brought it.
    pub fn is_in_traefiks_store(&self, stored: &Stored) -> bool {
        loaded(self, stored)
    }

    /// Notes which Secrets a store names.
    fn note_named(&mut self, id: &(Kind, Key)) {
        let Some(store) = self.tls_stores.get(id) else { return };
        for secret in store.secrets() {
            self.store_secrets.entry(secret).or_default().named += 1;
        }
        for secret in store.certificate_secrets() {
            let listed_by = &mut self.store_secrets.entry(secret).or_default().listed_by;
            // Once, though the store may list it twice.
            if listed_by.last() != Some(id) {
                listed_by.push(id.clone());
            }
        }
    }

    fn forget_named(&mut self, id: &(Kind, Key), store: &TlsStore) {
        for secret in store.secrets() {
            let Some(named) = self.store_secrets.get_mut(&secret) else {
                continue;
            };
            named.named = named.named.saturating_sub(1);
            named.listed_by.retain(|listing| listing != id);
            if named.named == 0 {
                self.store_secrets.remove(&secret);
            }
        }
    }

    /// Marks what depends on Traefik's stores.
    pub(in crate::inventory) fn touch_traefik(&mut self) {
        if self.loading || !self.settled {
            return;
        }
        let served = self
            .bindings
            .iter()
            .filter(|(_, b)| self.controller(&b.route) == Controller::Traefik);
        let ids: Vec<_> = served.map(|(id, _)| id).collect();
        self.dirty.bindings.extend(ids);
    }

    /// Takes a store of Traefik, or notes that it is gone.
    pub(in crate::inventory) fn set_store(&mut self, kind: Kind, key: Key, store: Option<TlsStore>) {
        let (id, now): (_, Vec<Key>) = ((kind, key), store.iter().flat_map(TlsStore::secrets).collect());
        let old = match store {
            Some(store) => self.tls_stores.insert(id.clone(), store),
            None => self.tls_stores.remove(&id),
        };
        if let Some(old) = &old {
            self.forget_named(&id, old);
        }
        self.note_named(&id);
        let of_today = |store: &TlsStore| !store.old && store.meta.name == TlsStore::DEFAULT;
        self.has_default_store = self.tls_stores.values().any(of_today);
        if !self.loading {
            self.dirty
                .secrets
                .extend(old.iter().flat_map(TlsStore::secrets).chain(now));
        }
        self.touch_traefik();
    }
}
