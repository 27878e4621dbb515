//! Traefik's certificate store: which Secrets are loaded into it, which of them is served for a host, and its default
//! certificate.
//!
//! According to the source of Traefik 3.6.12, 3.6.24 and 3.7.9:
//! - `pkg/tls/tlsmanager.go` puts every certificate that any provider brings into the store called `default`, the only
//!   one that is used. Its key there is the sorted and joined list of all its names, including the common name. Of two
//!   certificates with the same names, the first one stays.
//! - `pkg/tls/certificate_store.go` (`GetBestCertificate`) looks up the server name. Up to 3.6.21 and 3.7.5 the
//!   greatest of the matching *names* decides, so that the host itself takes precedence over a wildcard, and the choice
//!   between two certificates with that name is random. Since 3.6.22 and 3.7.6 the certificate with the greatest joined
//!   names is served. If none matches, the default certificate is served.
//! - `pkg/server/aggregator.go` merges the providers in the random order of a Go map. Each provider sorts its own
//!   certificates by the name of the Secret, except for `kubernetesIngressNGINX` up to 3.6, which does not sort.
//! - `pkg/provider/kubernetes/ingress` and `ingress-nginx` read the tls entries of an Ingress up to the first Secret
//!   that does not exist or is incomplete. `crd` takes neither certificates nor a default from a `TLSStore` whose
//!   default Secret does not exist or is incomplete. Since 3.7 it skips only those of its other certificates that are
//!   (`buildCertificates`); up to 3.6 it stops reading at the first of them, and takes no default certificate. This
//!   module follows 3.7, and a finding reports the difference. If several namespaces have a store called `default`,
//!   their certificates are taken, but no default certificate.
//! - `crd` reads the stores first, and assigns a Secret to the first store that lists it. If that is not the store
//!   called `default`, an `IngressRoute` that names the Secret does not bring it into `default` (`kubernetes.go`,
//!   `tlsConfigs`).

use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::{
    inventory::{Inventory, binding::Binding, controller::Controller, derive::MANY, secrets::Stored},
    object::{Key, Kind, TlsStore},
};

use super::{
    Serving,
    shown::{brought, loaded, shown},
};

/// The certificate that Traefik serves if none covers the host.
#[derive(Debug, Clone)]
pub enum DefaultCertificate<'a> {
    /// The certificate of this Secret, which a `TLSStore` names.
    Secret(&'a Stored),
    /// Traefik's self-signed certificate, which no client trusts, for this reason.
    Own(Why),
    /// Unknown, because not everything was read, or because a certificate resolver issues it.
    Unknown,
    /// The certificate of a Secret that could not be read.
    Unread,
}

/// Why Traefik serves its self-signed certificate by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No `TLSStore` is called `default`, or it names no default certificate.
    NotSet,
    /// Several are called `default`, so that none counts.
    SeveralStores,
    /// The store names this Secret, which does not exist or is incomplete.
    NoSecret(Key),
}

/// Traefik's stores called `default`, each with the gap in its list of certificates, if there is one.
pub(super) type StoresInUse = BTreeMap<(Kind, Key), Option<Gap>>;

/// A gap in the list of certificates of a store.
#[derive(Debug)]
pub(super) struct Gap {
    /// The first Secret that does not exist or is incomplete.
    secret: Key,
    /// The Secrets that are listed before it.
    before: HashSet<Key>,
}

/// Which of Traefik's stores name a Secret.
#[derive(Debug, Default)]
pub(in crate::inventory) struct NamedByStores {
    /// How many references there are.
    named: usize,
    /// The stores that list it among their certificates.
    listed_by: Vec<(Kind, Key)>,
}

impl Inventory {
    /// Traefik's stores called `default`: those of the current API group, otherwise those of the previous one.
    fn default_stores(&self) -> impl Iterator<Item = &TlsStore> {
        let in_use = self.stores_in_use();
        in_use.keys().filter_map(|id| self.tls_stores.get(id))
    }

    /// The same stores by key, each with the gap in its list of certificates, if there is one.
    fn stores_in_use(&self) -> &StoresInUse {
        self.memo.stores.get_or_init(|| {
            let of_default = self.tls_stores.iter().filter(|(_, store)| self.is_default(store));
            of_default.map(|(id, store)| (id.clone(), self.gap_of(store))).collect()
        })
    }

    fn gap_of(&self, store: &TlsStore) -> Option<Gap> {
        let mut before = HashSet::new();
        for listed in store.certificate_secrets() {
            if self.lacks(&listed) {
                return Some(Gap { secret: listed, before });
            }
            before.insert(listed);
        }
        None
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

    /// The missing or incomplete Secret among the certificates of the default store because of which Traefik up to 3.6
    /// serves its self-signed certificate instead of the expected one. The expected one is the store's default
    /// certificate, or a certificate that follows the gap and that no route brings.
    pub fn gap_in_default_store(&self, serving: &Serving<'_>) -> Option<Key> {
        let shown = serving.stored().filter(|_| !self.tls_stores.is_empty())?;
        let in_use = self.stores_in_use();
        if matches!(serving, Serving::Default(_)) {
            let mut gaps = in_use.values().flatten();
            return gaps.next().map(|gap| gap.secret.clone());
        }
        let key = shown.meta.key();
        if brought(self, &key).next().is_some() {
            return None;
        }
        let taking = self.taking(&key).filter(|store| self.is_default(store));
        let mut gaps = taking.map(|store| {
            let gap = in_use.get(&(store.kind(), store.meta.key()));
            let gap = gap.and_then(Option::as_ref);
            gap.filter(|gap| !gap.before.contains(&key))
                .map(|gap| gap.secret.clone())
        });
        // Of several stores that list it, one without an earlier gap is enough.
        gaps.try_fold(None, |first, gap| gap.map(|gap| first.or(Some(gap))))
            .flatten()
    }

    /// Whether some host of Traefik gets the default certificate, so that it matters which one that is.
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

    /// The Secrets that stores name, including stores that Traefik does not use.
    pub fn secrets_of_stores(&self) -> impl Iterator<Item = Key> {
        self.tls_stores.values().flat_map(TlsStore::secrets)
    }

    /// Whether a store names the Secret.
    pub fn is_of_a_store(&self, secret: &Key) -> bool {
        self.store_secrets.contains_key(secret)
    }

    /// The stores that list a Secret among their certificates.
    fn taking(&self, secret: &Key) -> impl Iterator<Item = &TlsStore> {
        let named = self.store_secrets.get(secret).filter(|_| !self.lacks(secret));
        let listing = named.into_iter().flat_map(|named| named.listed_by.iter().take(MANY));
        listing
            .filter_map(|id| self.tls_stores.get(id))
            .filter(|store| store.default_secret().is_none_or(|key| !self.lacks(&key)))
    }

    /// Whether the default store brings a Secret among its certificates.
    pub(super) fn store_loads(&self, secret: &Key) -> bool {
        self.taking(secret).any(|store| self.is_default(store))
    }

    /// The store other than `default` that has taken the Secret, so that an `IngressRoute` no longer brings it into
    /// `default`.
    pub fn kept_apart(&self, binding: &Binding, secret: &Key) -> Option<(Kind, Key)> {
        if self.tls_stores.is_empty() || Controller::alone_with(binding.route.kind) != Some(Controller::Traefik) {
            return None;
        }
        let other = self.taking(secret).find(|store| store.meta.name != TlsStore::DEFAULT)?;
        (!self.store_loads(secret)).then(|| (other.kind(), other.meta.key()))
    }

    /// Whether the certificate of a Secret is in the store that Traefik uses, whatever brought it there.
    pub fn is_in_traefiks_store(&self, stored: &Stored) -> bool {
        loaded(self, stored)
    }

    /// Records which Secrets a store names.
    fn note_named(&mut self, id: &(Kind, Key)) {
        let Some(store) = self.tls_stores.get(id) else { return };
        for secret in store.secrets() {
            self.store_secrets.entry(secret).or_default().named += 1;
        }
        for secret in store.certificate_secrets() {
            let listed_by = &mut self.store_secrets.entry(secret).or_default().listed_by;
            // Count the store once, even if it lists the Secret twice.
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

    /// Marks everything that depends on Traefik's stores.
    pub(in crate::inventory) fn touch_traefik(&mut self) {
        if self.loading || !self.is_derived {
            return;
        }
        let served = self
            .bindings
            .iter()
            .filter(|(_, b)| self.controller(&b.route) == Controller::Traefik);
        let ids: Vec<_> = served.map(|(id, _)| id).collect();
        self.dirty.bindings.extend(ids);
    }

    /// Sets a store of Traefik, or records that it no longer exists.
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
        if self.tls_stores.get(&id).or(old.as_ref()).is_some_and(of_today) {
            self.has_default_store = self.tls_stores.values().any(of_today);
        }
        if !self.loading {
            self.dirty
                .secrets
                .extend(old.iter().flat_map(TlsStore::secrets).chain(now));
        }
        self.touch_traefik();
    }
}
