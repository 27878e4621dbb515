//! The joined view of everything that was read: bindings, Secrets, and indexes between them.
//!
//! [`Inventory::apply`] applies one change. [`Inventory::derive`] then derives the bindings of the routes that the
//! change affects, and returns what has to be judged again. This module is pure: it uses no clock and does no I/O.

pub mod binding;
pub mod controller;
pub(crate) mod derive;
mod doings;
pub mod elsewhere;
mod forbidden;
pub mod gateway;
mod grant;
mod hosts;
mod index;
pub mod ingress;
mod listeners;
pub mod made;
pub mod ownership;
pub mod programs;
pub mod query;
pub mod secrets;
pub mod serves;
mod table;
pub mod tenants;
pub mod view;

#[cfg(test)]
pub mod fixtures;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hashbrown::{HashMap, HashSet};

use crate::object::{
    Certificate, CertificateRequest, Challenge, Change, Consumer, Gateway, GatewayClass, HostRoute, Ingress,
    IngressClass, Issuer, Key, Kind, ListenerSet, Object, Order, Reach, Route, Service, Text, TlsStore, annotation,
    register::Role,
};
use crate::policy::NamesPolicy;

use forbidden::AllForbidden;
use gateway::set_key;
use grant::Grants;
use hosts::HostRoutes;
use index::Index;
use listeners::Listeners;
use table::Table;

pub use binding::{Binding, BindingId, Bindings, Origin, RouteKey};
pub use controller::Controller;
pub use elsewhere::Keeper;
pub use made::MadeBy;
pub use secrets::{Presence, Secrets, Stored};
pub use serves::Recipients;
pub use tenants::{NameDenied, WhyDenied};
pub use view::{RouteView, View};

/// The bindings and Secrets that have to be judged again after changes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Dirty {
    /// Bindings that are new, have changed, or depend on a change.
    pub bindings: BTreeSet<BindingId>,
    /// Bindings that no longer exist.
    pub gone: BTreeSet<BindingId>,
    /// Secrets whose own verdict may have changed.
    pub secrets: BTreeSet<Key>,
}

/// What matters of a Namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// Its labels.
    pub labels: Vec<(Text, Text)>,
    /// Those of its annotations that mean something here.
    pub annotations: Vec<(Text, Text)>,
}

/// The inventory of one cluster, or of one set of manifests.
// Each flag describes separately which objects the inventory does not hold.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default)]
pub struct Inventory {
    /// The kubeconfig context; empty for manifests.
    pub context: Text,
    /// The arguments that commands need to reach the same cluster or manifests.
    pub reach: Arc<Reach>,
    /// Whether the source is a set of manifests, which rarely contains everything that a cluster has.
    pub from_manifests: bool,
    /// Whether missing Secrets are assumed to exist (`--assume-secrets`).
    pub secrets_assumed: bool,
    /// Whether no Secret was read because the user chose so (`--no-secrets`). What is served is judged in their place.
    pub secrets_left_out: bool,
    /// Whether only some routes were read (`-l`, `--field-selector`). Other routes may use Secrets that these do not.
    pub routes_chosen: bool,
    /// Whether only some namespaces were read. Routes of other namespaces may use what a `ReferenceGrant` permits.
    pub namespaces_chosen: bool,
    ingresses: Table<Box<Ingress>>,
    /// For Ingresses with very many tls entries, the first entry whose Secret is missing, because each of their hosts
    /// looks it up.
    gaps: HashMap<Key, Option<(usize, Key)>>,
    host_routes: HostRoutes,
    /// Traefik's stores, of both API groups. There are only a few.
    tls_stores: BTreeMap<(Kind, Key), TlsStore>,
    /// The Secrets that these stores name.
    store_secrets: HashMap<Key, serves::NamedByStores>,
    /// Whether a store of the current API group is called `default`. The stores of the previous group are not used
    /// then.
    has_default_store: bool,
    classes: HashMap<Text, IngressClass>,
    /// The name of the default class when bindings were last derived.
    default_class: Option<Text>,
    gateways: HashMap<Key, Gateway>,
    gateway_classes: HashMap<Text, GatewayClass>,
    listener_sets: HashMap<RouteKey, ListenerSet>,
    sets_by_gateway: HashMap<Key, BTreeSet<RouteKey>>,
    /// The `ListenerSets` of each Gateway in the order of their precedence.
    set_order: HashMap<Key, Vec<RouteKey>>,
    routes: HashMap<RouteKey, Route>,
    routes_by_parent: HashMap<RouteKey, BTreeSet<RouteKey>>,
    /// The tables of Gateways with many listeners.
    many_listeners: HashMap<Key, Listeners>,
    grants: Grants,
    namespaces: HashMap<Text, NamespaceFacts>,
    /// The namespaces that have changed since they were last asked for.
    changed_namespaces: BTreeSet<Text>,
    certificates: Table<Box<Certificate>>,
    certificates_by_secret: HashMap<Key, BTreeSet<Key>>,
    requests: Table<Box<CertificateRequest>>,
    issuers: HashMap<(Kind, Key), Issuer>,
    orders: Table<Box<Order>>,
    challenges: Table<Box<Challenge>>,
    /// Requests, orders and challenges, by their kind and by the owner that they name.
    owned: HashMap<(Kind, Key), BTreeSet<Key>>,
    consumers: HashMap<(Kind, Key), Consumer>,
    consumers_by_secret: HashMap<Key, BTreeSet<(Kind, Key)>>,
    services: BTreeMap<Key, Service>,
    /// The objects among the manifests that create Secrets in the cluster.
    makers: made::Makers,
    secrets: Secrets,
    programs: programs::Programs,
    /// What controllers have stored of what they do.
    doings: doings::AllDoings,
    /// Which namespaces may have which names; all of them may have all names by default.
    policy: Option<Arc<NamesPolicy>>,
    /// The namespace of the account, if it is kept in the cluster.
    home: Option<Text>,
    bindings: Bindings,
    /// The bindings of all routes except those with listeners.
    by_route: Index<BindingId>,
    /// The bindings of Gateways, including those of their `ListenerSets`.
    by_gateway: HashMap<Key, Vec<BindingId>>,
    by_host: Index<BindingId>,
    listed: HashSet<Kind>,
    not_served: HashSet<Kind>,
    forbidden: AllForbidden,
    unreadable: HashSet<Key>,
    /// Whether the class of some Ingress alone names a controller that chooses among the certificates of all routes.
    picks_among_all: bool,
    /// Secrets that do not exist according to the server.
    absent: HashSet<Key>,
    /// Routes whose bindings have to be derived again. A Gateway stands for its `ListenerSets` too.
    stale: BTreeSet<RouteKey>,
    dirty: Dirty,
    /// Hosts of changed routes that have very many routes, or that are wildcards.
    stirred: HashSet<Text>,
    /// Results that many hosts need, found since the last change.
    memo: serves::Memo,
    /// Whether bindings have been derived at least once.
    is_derived: bool,
    /// Whether the first read is in progress. Everything is judged after it, so that no change is marked for judging.
    loading: bool,
}

impl Inventory {
    /// Makes an empty inventory for a context, which is empty for manifests.
    pub fn new(context: impl Into<Text>, from_manifests: bool) -> Self {
        Self {
            context: context.into(),
            from_manifests,
            ..Self::default()
        }
    }

    /// Sets the namespace of the account that orders. Whoever may write Secrets there has the account, so that what its
    /// Secrets say is believed for all namespaces; what those of another namespace say is not.
    pub fn set_home(&mut self, namespace: Text) {
        self.home = Some(namespace);
    }

    /// Whether it is the namespace of the account.
    pub fn is_home(&self, namespace: &str) -> bool {
        self.home.as_deref() == Some(namespace)
    }

    /// Sets whether the first read is in progress. While it is, [`Self::derive`] does not report what has to be judged
    /// again.
    pub fn set_loading(&mut self, loading: bool) {
        self.loading = loading;
    }

    /// Applies one change. The content of a Secret is excepted: it is parsed first, and [`Self::store`] takes the
    /// result.
    ///
    /// Call [`Self::derive`] before any query.
    ///
    /// ```
    /// use kubectl_certs::inventory::Inventory;
    /// use kubectl_certs::object::{Change, IngressRoute, Key, Kind, Meta, Object, traefik::IngressRouteTls};
    ///
    /// let route = IngressRoute {
    ///     meta: Meta { namespace: "shop".into(), name: "web".into(), ..Meta::default() },
    ///     hosts: vec!["Shop.Example".into(), "www.shop.example".into()],
    ///     tls: Some(IngressRouteTls { secret: Some("shop-tls".into()), ..IngressRouteTls::default() }),
    ///     ..IngressRoute::default()
    /// };
    /// let mut inventory = Inventory::new("prod", false);
    /// inventory.apply(Change::Set(Object::IngressRoute(route)));
    /// assert_eq!(inventory.derive().bindings.len(), 2, "one binding a host, to be judged");
    /// assert_eq!(inventory.bindings_of_secret(&Key::new("shop", "shop-tls")).len(), 2);
    ///
    /// inventory.apply(Change::Gone(Kind::IngressRoute, Key::new("shop", "web")));
    /// assert_eq!(inventory.derive().gone.len(), 2);
    /// ```
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Set(object) => self.set(object),
            Change::Made(made) => self.set_made(made),
            Change::Gone(kind, key) => self.gone(kind, key),
            Change::Listed(kind) => {
                self.listed.insert(kind);
            }
            Change::NotServed(kind) => {
                self.not_served.insert(kind);
            }
            Change::Forbidden(forbidden) => self.forbidden.insert(forbidden),
        }
    }

    /// Stores a parsed Secret.
    pub fn store(&mut self, stored: Stored) {
        if self.from_manifests {
            self.note_copies(&stored);
        }
        let key = stored.meta.key();
        self.absent.remove(&key);
        self.unreadable.remove(&key);
        if self.loading {
            self.secrets.set(stored);
            return;
        }
        let new_leaf = stored.leaf().map(|l| (l.key_sha256, l.names.clone()));
        let old = self.secrets.set(stored);
        let old_leaf = old
            .as_ref()
            .and_then(Stored::leaf)
            .map(|l| (l.key_sha256, l.names.clone()));
        self.touch_secret(&key, [old_leaf, new_leaf].into_iter().flatten());
    }

    /// Sets when the data of a Secret last changed according to its managedFields, in seconds since 1970.
    pub fn set_data_changed(&mut self, key: &Key, at: crate::object::Seconds) {
        if self.secrets.change(key, |stored| stored.data_changed = Some(at)) {
            self.touch_secret(key, std::iter::empty());
        }
    }

    /// Sets the trust of the certificates of a Secret, which is known once all Secrets have been read.
    pub fn set_trust(&mut self, key: &Key, trust: crate::x509::Trust) {
        if self.secrets.change(key, |stored| stored.bundle.trust = trust) {
            self.touch_secret(key, std::iter::empty());
        }
    }

    fn set(&mut self, object: Object) {
        match object {
            Object::Ingress(o) => {
                let annotated = o.meta.annotation(annotation::INGRESS_CLASS);
                let class = o.class.as_deref().or(annotated).unwrap_or_default();
                self.picks_among_all |= Controller::of_class_name(class).picks_among_all();
                self.mark(Kind::Ingress, o.meta.key());
                self.note_length(&o);
                self.ingresses.insert(Box::new(o));
            }
            Object::IngressRoute(o) => self.set_host_route(o.into()),
            Object::HostRoute(o) => self.set_host_route(o),
            Object::TlsStore(o) => self.set_store(o.kind(), o.meta.key(), Some(o)),
            Object::IngressClass(o) => {
                self.classes.insert(o.meta.name.clone(), o);
                self.mark_all_ingresses();
            }
            Object::Gateway(o) => {
                self.mark(Kind::Gateway, o.meta.key());
                self.gateways.insert(o.meta.key(), o);
            }
            Object::GatewayClass(o) => {
                self.gateway_classes.insert(o.meta.name.clone(), o);
                self.mark_all_gateways();
            }
            Object::ListenerSet(o) => {
                let key = set_key(&o);
                let old = self.listener_sets.get(&key).and_then(|s| s.parent.clone());
                if let Some(sets) = old.as_ref().and_then(|parent| self.sets_by_gateway.get_mut(parent)) {
                    sets.remove(&key);
                }
                if let Some(parent) = &o.parent {
                    let sets = self.sets_by_gateway.entry(parent.clone()).or_default();
                    sets.insert(key.clone());
                }
                for parent in old.into_iter().chain(o.parent.clone()) {
                    self.mark(Kind::Gateway, parent);
                }
                self.listener_sets.insert(key, o);
            }
            Object::Route(o) => self.set_route(o),
            Object::ReferenceGrant(o) => {
                self.grants.insert(o);
                self.mark_all_gateways();
            }
            Object::Namespace(o) => {
                let facts = NamespaceFacts {
                    labels: o.labels().to_vec(),
                    annotations: o.annotations().to_vec(),
                };
                let before = self.namespaces.get(&o.name);
                if before == Some(&facts) {
                    return;
                }
                if before.is_none_or(|before| before.labels != facts.labels) {
                    self.mark_all_gateways();
                }
                self.changed_namespaces.insert(o.name.clone());
                self.namespaces.insert(o.name, facts);
            }
            // Secrets arrive parsed, by `store`. One that arrives here was not parsed, and holds nothing.
            Object::Secret(_) => {}
            Object::Consumer(o) => self.set_consumer(o),
            Object::Service(o) => {
                self.services.insert(o.meta.key(), o);
            }
            Object::Certificate(_)
            | Object::CertificateRequest(_)
            | Object::Issuer(_)
            | Object::Order(_)
            | Object::Challenge(_) => self.set_certmanager(object),
        }
    }

    fn set_host_route(&mut self, route: HostRoute) {
        self.mark(route.kind, route.meta.key());
        self.host_routes.insert(route);
    }

    fn gone(&mut self, kind: Kind, key: Key) {
        match kind {
            Kind::Ingress => {
                self.ingresses.remove(&key);
                self.gaps.remove(&key);
                self.mark(kind, key);
            }
            Kind::TlsStore | Kind::OldTlsStore => self.set_store(kind, key, None),
            Kind::IngressClass => {
                self.classes.remove(&key.name);
                self.mark_all_ingresses();
            }
            Kind::Gateway => {
                self.gateways.remove(&key);
                self.mark(kind, key);
            }
            Kind::GatewayClass => {
                self.gateway_classes.remove(&key.name);
                self.mark_all_gateways();
            }
            Kind::ListenerSet | Kind::XListenerSet => {
                let key = RouteKey::new(kind, key);
                if let Some(parent) = self.listener_sets.remove(&key).and_then(|s| s.parent) {
                    if let Some(sets) = self.sets_by_gateway.get_mut(&parent) {
                        sets.remove(&key);
                    }
                    self.mark(Kind::Gateway, parent);
                }
            }
            Kind::HttpRoute | Kind::GrpcRoute | Kind::TlsRoute => self.remove_route(&RouteKey::new(kind, key)),
            Kind::ReferenceGrant => {
                self.grants.remove(&key);
                self.mark_all_gateways();
            }
            Kind::Namespace => {
                self.namespaces.remove(&key.name);
                self.changed_namespaces.insert(key.name);
                self.mark_all_gateways();
            }
            Kind::Secret => {
                let old = self.secrets.remove(&key);
                let leaf = old
                    .as_ref()
                    .and_then(Stored::leaf)
                    .map(|l| (l.key_sha256, l.names.clone()));
                self.touch_secret(&key, leaf.into_iter());
                // The server's answer replaces the result of earlier attempts to read the Secret.
                self.unreadable.remove(&key);
                self.absent.insert(key);
            }
            Kind::Certificate
            | Kind::CertificateRequest
            | Kind::Issuer
            | Kind::ClusterIssuer
            | Kind::Order
            | Kind::Challenge => self.gone_certmanager(kind, &key),
            Kind::Service => {
                self.services.remove(&key);
            }
            kind if kind.row().role == Role::Consumer => self.remove_consumer(kind, &key),
            // All other kinds are routes that name their hosts and their Secret directly.
            _ => {
                self.host_routes.remove(kind, &key);
                self.mark(kind, key);
            }
        }
    }
}
