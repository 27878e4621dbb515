//! Queries for judging a binding: its route, its class and controller, and which objects were read.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use crate::object::{
    Forbidden, Gateway, Ingress, IngressClass, Key, Kind, Meta, Seconds, Text, annotation,
    gateway::{AllowedNamespaces, Listener},
    route::{RouteStatus, Shape},
};

pub use super::serves::{DefaultCertificate, Rivalry, Serving, Why, covers, usable};

use super::{
    Inventory, NamespaceFacts,
    binding::{Binding, BindingId, Bindings, RouteKey},
    controller::{Behind, Controller},
    derive::of_host,
    secrets::Secrets,
    view::RouteView,
};

/// Whether the class of a route exists, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassState {
    /// It exists, or its absence cannot be established.
    Known,
    /// The route names a class that does not exist.
    NotFound,
    /// The route names no class, and no class is the default.
    NoDefault,
}

impl Inventory {
    /// All bindings.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// All Secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The bindings that name a Secret.
    pub fn bindings_of_secret(&self, secret: &Key) -> &[BindingId] {
        self.secrets.users(secret)
    }

    /// Whether a route names a Secret. If very many tls entries of an Ingress name Secrets for one host, its binding
    /// has only the first ones.
    pub fn is_named(&self, secret: &Key) -> bool {
        !self.bindings_of_secret(secret).is_empty() || self.of_long_ingresses().contains(secret)
    }

    fn of_long_ingresses(&self) -> &HashSet<Key> {
        self.memo.of_long.get_or_init(|| {
            let long = self.gaps.keys().filter_map(|key| self.ingresses.get(key));
            long.flat_map(|ingress| {
                let names = ingress.tls.iter().filter_map(|entry| entry.secret.as_ref());
                names.map(|name| Key::new(ingress.meta.namespace.clone(), name.clone()))
            })
            .collect()
        })
    }

    /// The bindings of a route; for a Gateway or `ListenerSet`, those of all listeners of its Gateway.
    pub fn bindings_of_route(&self, route: &RouteKey) -> impl Iterator<Item = &Binding> {
        let ids = self.derived_with(route).iter();
        ids.filter_map(|id| self.bindings.get(*id))
    }

    /// The bindings of a host.
    pub fn bindings_of_host(&self, host: &str) -> &[BindingId] {
        self.by_host.get(host, of_host(&self.bindings))
    }

    /// The Secrets that bindings name, in no particular order.
    pub fn named_secrets(&self) -> impl Iterator<Item = Key> {
        self.secrets.named()
    }

    /// What is known of a Namespace; `None` unless Namespaces were read.
    pub fn namespace(&self, name: &str) -> Option<&NamespaceFacts> {
        self.namespaces.get(name)
    }

    /// The namespaces, if they were read.
    pub fn known_namespaces(&self) -> impl Iterator<Item = &Text> {
        self.namespaces.keys()
    }

    /// The namespaces that have changed since this was last called.
    pub fn take_changed_namespaces(&mut self) -> BTreeSet<Text> {
        std::mem::take(&mut self.changed_namespaces)
    }

    /// The namespaces from which objects may attach to the listeners of all Gateways and `ListenerSets`.
    pub fn allowed_namespaces(&self) -> impl Iterator<Item = &AllowedNamespaces> {
        let of_gateways = self
            .gateways
            .values()
            .flat_map(|g| routes_of(&g.listeners).chain([&g.allowed_listeners]));
        of_gateways.chain(self.listener_sets.values().flat_map(|s| routes_of(&s.listeners)))
    }

    /// Records that a Secret could not be read for a reason other than a missing right. It is not judged.
    pub fn mark_unreadable(&mut self, secret: Key) {
        self.unreadable.insert(secret);
    }

    /// Whether a Secret is known not to exist: the server said so, or everything was read.
    pub fn is_absent(&self, secret: &Key) -> bool {
        !self.secrets_left_out
            && self.secrets.get(secret).is_none()
            && (self.absent.contains(secret) || self.knows_all(Kind::Secret))
    }

    /// Whether a Secret is not in the inventory but may exist, because reading it failed or not everything was read.
    pub fn is_unread(&self, secret: &Key) -> bool {
        self.secrets.get(secret).is_none() && (!self.is_absent(secret) || self.unreadable.contains(secret))
    }

    /// Whether every object of a kind in the scope has been read, or there cannot be any.
    pub fn knows_all(&self, kind: Kind) -> bool {
        (self.listed.contains(&kind) || self.not_served.contains(&kind)) && !self.forbidden.some(kind)
    }

    /// Whether objects of a kind can exist: the cluster serves the kind, or is not known not to.
    pub fn may_serve(&self, kind: Kind) -> bool {
        !self.not_served.contains(&kind)
    }

    /// The lists and objects that could not be read because a right is missing.
    pub fn forbidden(&self) -> &[Forbidden] {
        self.forbidden.all()
    }

    /// Whether an object or list of a kind could not be read.
    pub fn some_forbidden(&self, kind: Kind) -> bool {
        self.forbidden.some(kind)
    }

    /// The missing right because of which a Secret could not be read: the last one that was tried, which is to get it
    /// by name.
    pub fn forbidden_secret(&self, secret: &Key) -> Option<&Forbidden> {
        self.forbidden.one(Kind::Secret, secret)
    }

    /// The Ingress with a key.
    pub fn ingress(&self, key: &Key) -> Option<&Ingress> {
        self.ingresses.get(key).map(AsRef::as_ref)
    }

    /// The Ingress of a route. It is usually where it was when its bindings were derived.
    pub(super) fn ingress_of(&self, route: &RouteKey) -> Option<&Ingress> {
        let ingress = || self.ingresses.get_near(route.near, &route.key);
        (route.kind == Kind::Ingress).then(ingress)?.map(AsRef::as_ref)
    }

    /// A route of the Gateway API.
    pub fn route(&self, key: &RouteKey) -> Option<&crate::object::Route> {
        self.routes.get(key)
    }

    /// The kind and metadata of every route that can be named on a command line, in no particular order.
    pub fn listed_routes(&self) -> impl Iterator<Item = (Kind, &Meta)> {
        let ingresses = self.ingresses.values().map(|o| (Kind::Ingress, &o.meta));
        ingresses.chain(self.routes_with_listeners()).chain(self.own_routes())
    }

    fn routes_with_listeners(&self) -> impl Iterator<Item = (Kind, &Meta)> {
        let gateways = self.gateways.values().map(|o| (Kind::Gateway, &o.meta));
        gateways.chain(self.listener_sets.values().map(|o| (o.kind(), &o.meta)))
    }

    fn own_routes(&self) -> impl Iterator<Item = (Kind, &Meta)> {
        self.host_routes.values().map(|o| (o.kind, &o.meta))
    }

    /// The routes with a kind and a name, in any namespace.
    pub fn routes_named(&self, kind: Kind, name: &str) -> Vec<RouteKey> {
        fn of<'a>(routes: impl Iterator<Item = (Kind, &'a Meta)>, kind: Kind, name: &str) -> Vec<RouteKey> {
            let meant = routes.filter(|(of, meta)| kind.means(*of) && meta.name == name);
            meant.map(|(of, meta)| RouteKey::new(of, meta.key())).collect()
        }
        match kind.route().map(|facts| facts.shape) {
            Some(Shape::Entries) => of(self.ingresses.values().map(|o| (Kind::Ingress, &o.meta)), kind, name),
            Some(Shape::Listeners) => of(self.routes_with_listeners(), kind, name),
            Some(Shape::Hosts | Shape::Fields(_)) => of(self.own_routes(), kind, name),
            None => Vec::new(),
        }
    }

    /// The namespaces that have a route with this kind and name.
    pub fn namespaces_of_route(&self, kind: Kind, name: &str) -> Vec<Text> {
        let routes = self.routes_named(kind, name).into_iter();
        routes.map(|route| route.key.namespace).collect()
    }

    /// Whether any namespace has a route with this kind and name.
    pub fn holds_route(&self, kind: Kind, name: &str) -> bool {
        !self.routes_named(kind, name).is_empty()
    }

    /// Whether any object that was read is in a namespace.
    pub fn holds_namespace(&self, namespace: &str) -> bool {
        let inside = |key: &Key| key.namespace == namespace;
        self.ingresses.values().any(|o| o.meta.namespace == namespace)
            || self.secrets.iter().any(|stored| stored.meta.namespace == namespace)
            || self.gateways.keys().any(inside)
            || self.own_routes().any(|(_, meta)| meta.namespace == namespace)
            || self.listener_sets.keys().any(|route| inside(&route.key))
    }

    /// The metadata of a route, including Gateway API routes that attach to others.
    pub fn route_meta(&self, route: &RouteKey) -> Option<&Meta> {
        match self.view(route) {
            Some(view) => Some(view.meta()),
            None => self.routes.get(route).map(|o| &o.meta),
        }
    }

    /// What the status of a route says that is permitted by it; `None` for other kinds, and for a route that was not read.
    pub fn status_of(&self, route: &RouteKey) -> Option<&RouteStatus> {
        match self.view(route) {
            Some(super::View::Hosts(route)) => route.status.as_ref(),
            _ => None,
        }
    }

    /// The addresses in the status of a route.
    pub fn addresses(&self, route: &RouteKey) -> &[Text] {
        self.view(route).map_or(&[], |view| view.addresses(self))
    }

    /// The class of a route, from its field or its annotation; the name of the default class if it names none.
    pub fn class_name(&self, route: &RouteKey) -> Option<&Text> {
        self.view(route)?.class(self)
    }

    pub(super) fn class_of_ingress<'a>(&'a self, ingress: &'a Ingress) -> Option<&'a Text> {
        let annotated = ingress
            .meta
            .annotations()
            .iter()
            .find(|(k, _)| k == annotation::INGRESS_CLASS);
        // The field takes precedence over the annotation, which is deprecated since networking.k8s.io/v1.
        ingress
            .class
            .as_ref()
            .or(annotated.map(|(_, v)| v))
            .or_else(|| Some(&self.default_class()?.meta.name))
    }

    fn default_class(&self) -> Option<&IngressClass> {
        self.classes.get(self.default_class.as_ref()?)
    }

    /// Finds the default class, which applies to every Ingress without a class.
    pub(super) fn find_default_class(&mut self) {
        // If several classes are the default, the API server uses the newest.
        let default = self
            .classes
            .values()
            .filter(|c| c.default)
            .max_by_key(|c| (c.meta.created, std::cmp::Reverse(&c.meta.name)));
        self.default_class = default.map(|class| class.meta.name.clone());
    }

    /// The class for a new Ingress: the default class, otherwise the only class.
    pub fn usual_class(&self) -> Option<&Text> {
        let only = || self.classes.values().next().filter(|_| self.classes.len() == 1);
        self.default_class().or_else(only).map(|class| &class.meta.name)
    }

    /// The controller of an Ingress, and whether its class exists.
    pub fn controller_of_ingress(&self, ingress: &Ingress) -> (Controller, ClassState) {
        let all_known = self.knows_all(Kind::IngressClass);
        if let Some(name) = &ingress.class {
            if let Some(class) = self.classes.get(name) {
                return (self.controller_named(&class.controller), ClassState::Known);
            }
            let controller = Controller::of_class_name(name);
            // Google's controller reads the name of the class, which has no object.
            let missing = all_known && controller != Controller::Gce;
            let state = if missing {
                ClassState::NotFound
            } else {
                ClassState::Known
            };
            return (controller, state);
        }
        if let Some(name) = ingress.meta.annotation(annotation::INGRESS_CLASS) {
            // A class in the annotation needs no object: each controller compares it with its own setting.
            let class = self.classes.get(name).map(|c| self.controller_named(&c.controller));
            return (
                class.unwrap_or_else(|| Controller::of_class_name(name)),
                ClassState::Known,
            );
        }
        match self.default_class() {
            Some(class) => (self.controller_named(&class.controller), ClassState::Known),
            None if all_known => (Controller::Unknown, ClassState::NoDefault),
            None => (Controller::Unknown, ClassState::Known),
        }
    }

    /// The program that serves an Ingress.
    pub(super) fn behind(&self, ingress: &Ingress) -> Behind {
        let controller = self.controller_of_ingress(ingress).0;
        let by_nginx_provider = controller == Controller::Traefik && self.is_of_nginx_provider(ingress);
        let name = || Some(&self.classes.get(self.class_of_ingress(ingress)?)?.controller);
        let may_pass_through = match controller {
            Controller::IngressNginx => name().is_none_or(|name| self.programs.may_pass_through(name)),
            Controller::Traefik => by_nginx_provider,
            _ => Behind::from(controller).may_pass_through,
        };
        Behind {
            controller,
            by_nginx_provider,
            may_pass_through,
        }
    }

    /// Whether Traefik serves an Ingress through its provider for ingress-nginx. Traefik's own provider accepts only
    /// classes of `traefik.io/ingress-controller` (`pkg/provider/kubernetes/ingress/kubernetes.go`, v3.7.9).
    pub(super) fn is_of_nginx_provider(&self, ingress: &Ingress) -> bool {
        let class = self.class_of_ingress(ingress).and_then(|name| self.classes.get(name));
        class.is_some_and(|class| !class.controller.starts_with("traefik.io/"))
    }

    /// Whether a certificate resolver of Traefik issues a certificate for the host of a binding if no certificate in
    /// the store covers it.
    pub fn issues_by_resolver(&self, binding: &Binding) -> bool {
        self.view(&binding.route)
            .is_some_and(|view| view.issues_by_resolver(self))
    }

    /// The controller behind a route.
    pub fn controller(&self, route: &RouteKey) -> Controller {
        self.view(route)
            .map_or(Controller::Unknown, |view| view.controller(self))
    }

    /// The controller behind a Gateway.
    pub(super) fn controller_of_gateway(&self, gateway: &Gateway) -> Controller {
        let class = self.gateway_classes.get(&gateway.class);
        class.map_or(Controller::Unknown, |c| Controller::of_controller_name(&c.controller))
    }

    /// The state of the `GatewayClass` of a route's Gateway.
    pub fn gateway_class_state(&self, route: &RouteKey) -> ClassState {
        let Some(gateway) = self.gateway_of(route) else {
            return ClassState::Known;
        };
        let there = self.gateway_classes.contains_key(&gateway.class);
        if there || !self.knows_all(Kind::GatewayClass) {
            ClassState::Known
        } else {
            ClassState::NotFound
        }
    }

    /// Whether there is a controller that chooses by server name among the certificates of all routes.
    pub(super) fn some_controller_picks_among_all(&self) -> bool {
        let of_gateways = || self.gateway_classes.values().map(|class| &class.controller);
        self.picks_among_all
            || self.host_routes.some_picks_among_all()
            || of_gateways().any(|name| Controller::of_controller_name(name).picks_among_all())
            || self
                .classes
                .values()
                .any(|c| self.controller_named(&c.controller).picks_among_all())
    }

    /// When a route was created, in seconds since 1970; `None` for most manifests.
    pub fn created(&self, route: &RouteKey) -> Option<Seconds> {
        self.route_meta(route)?.created
    }
}

fn routes_of(listeners: &[Listener]) -> impl Iterator<Item = &AllowedNamespaces> {
    listeners.iter().map(|l| &l.allowed_routes)
}
