//! What is asked of a kind as such; the register answers.

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

    /// Whether its objects say which hosts are served, and with which Secrets.
    pub fn is_route(self) -> bool {
        self.row().role == Role::Route
    }

    /// Whether it is a route whose hosts come through listeners: a Gateway or a `ListenerSet`.
    pub fn has_listeners(self) -> bool {
        self.route().is_some_and(|route| route.shape == Shape::Listeners)
    }

    /// The kind that it is called today.
    #[must_use]
    pub fn today(self) -> Self {
        self.row().before.unwrap_or(self)
    }

    /// Whether it is a `ListenerSet`, under its standard or its experimental name.
    pub fn is_listener_set(self) -> bool {
        self.today() == Self::ListenerSet
    }

    /// Whether it is Traefik's `IngressRouteTCP`, of either group.
    pub fn is_ingress_route_tcp(self) -> bool {
        self.today() == Self::IngressRouteTcp
    }

    /// Whether it is Traefik's `TLSStore`, of either group.
    pub fn is_tls_store(self) -> bool {
        self.today() == Self::TlsStore
    }

    /// Whether it is one of a group of before, whose name another kind has today: Traefik's of version 2.
    pub fn is_of_old_group(self) -> bool {
        self.today() != self && self.today().as_str() == self.as_str()
    }

    /// Whether an object of the kind `of` is meant where a user names this kind without a group.
    pub fn means(self, of: Self) -> bool {
        self == of || Self::named(of.row().singular).is_some_and(|first| first == self && first.as_str() == of.as_str())
    }

    /// The API group, as an RBAC rule names it; empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().group
    }

    /// Whether objects of the kind live in a namespace.
    pub fn namespaced(self) -> bool {
        self.row().namespaced
    }
}
