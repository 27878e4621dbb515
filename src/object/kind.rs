//! Properties of a kind, answered by the register.

use super::{Kind, register::Role, route::Shape};

impl Kind {
    /// The kind as manifests spell it.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The plural, lower-case name that RBAC rules and API paths use.
    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    /// Whether objects of the kind name the hosts that are served, and their Secrets.
    pub fn is_route(self) -> bool {
        self.row().role == Role::Route
    }

    /// Whether it is a kind of route with listeners: a Gateway or a `ListenerSet`.
    pub fn has_listeners(self) -> bool {
        self.route().is_some_and(|route| route.shape == Shape::Listeners)
    }

    /// The present name and group of the kind: the kind itself, or the one that replaced it.
    #[must_use]
    pub fn today(self) -> Self {
        self.row().before.unwrap_or(self)
    }

    /// Whether it is a `ListenerSet`, under its standard or its experimental name.
    pub fn is_listener_set(self) -> bool {
        self.today() == Self::ListenerSet
    }

    /// Whether it is Traefik's `IngressRouteTCP`, of either API group.
    pub fn is_ingress_route_tcp(self) -> bool {
        self.today() == Self::IngressRouteTcp
    }

    /// Whether it is Traefik's `TLSStore`, of either API group.
    pub fn is_tls_store(self) -> bool {
        self.today() == Self::TlsStore
    }

    /// Whether it belongs to a previous API group, while another kind has its name today, as Traefik's kinds of version
    /// 2.
    pub fn is_of_old_group(self) -> bool {
        self.today() != self && self.today().as_str() == self.as_str()
    }

    /// Whether a user who names this kind without a group may mean an object of the kind `of`.
    pub fn means(self, of: Self) -> bool {
        self == of || Self::named(of.row().singular).is_some_and(|first| first == self && first.as_str() == of.as_str())
    }

    /// The API group, as an RBAC rule names it; empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().group
    }

    /// Whether objects of the kind have a namespace.
    pub fn namespaced(self) -> bool {
        self.row().namespaced
    }
}
