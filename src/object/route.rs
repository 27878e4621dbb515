//! Kinds of routes: what is known of each kind as such, and the view of those whose objects say hosts and a Secret by themselves.

use super::{Key, Kind, List, Meta, Text};

/// What is known of a kind of route, whatever its objects hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts {
    /// Where its hosts and Secrets stand.
    pub shape: Shape,
    /// The field that names its Secret, as messages have it.
    pub secret_field: &'static str,
    /// The one controller that reads it, by the name that `IngressClass` and `GatewayClass` have for it; `None` where a class says which
    /// controller does.
    pub controller: Option<&'static str>,
    /// Whether cert-manager makes certificates for it by its annotations (ingress-shim and gateway-shim).
    pub shimmed: bool,
    /// The kind of object that leads a challenge for one of its hosts to the answer; `None` where it is not known how another object for
    /// a live host is taken.
    pub challenge: Option<Kind>,
}

/// Where the hosts and Secrets of a route stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In the tls entries and rules of an Ingress, which each controller reads in its own way.
    Entries,
    /// In listeners, together with the routes that attach to them.
    Listeners,
    /// In the object alone: hosts, and one Secret for all of them. Its view is a [`HostRoute`], or comes to one.
    Hosts,
    /// The same, and [`Fields`] are enough to read it.
    Fields(Fields),
}

/// Where in an object its hosts and its Secret stand: paths that begin with `spec`, a dot before each further field, and `[]` after a
/// list of objects, as in `spec.servers[].host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The hosts: texts, or lists of them.
    pub hosts: &'static [&'static str],
    /// The name of the Secret. TLS ends at the server where the object is there that has this field.
    pub secret: &'static str,
    /// The namespace of the Secret, where it need not be the route's own.
    pub namespace: Option<&'static str>,
    /// Where `true` says that TLS is passed on to the server behind.
    pub passthrough: Option<&'static str>,
}

/// What is read of a route that says by itself which hosts it serves, and with which Secret.
#[derive(Debug, Clone)]
pub struct HostRoute {
    /// Its kind.
    pub kind: Kind,
    /// Its metadata, labels included.
    pub meta: Meta,
    /// The hosts of its requests, in their order.
    pub hosts: Vec<Text>,
    /// Whether it takes requests for hosts besides, which no plain name says.
    pub other_hosts: bool,
    /// How it ends TLS; `None` where it does not.
    pub tls: Option<HostTls>,
}

/// How a route ends TLS that says so by itself.
#[derive(Debug, Clone, Default)]
pub struct HostTls {
    /// The name of its Secret.
    pub secret: Option<Text>,
    /// The Secret's namespace, where it is named.
    pub namespace: Option<Text>,
    /// The names that its certificate is to have besides those of the hosts.
    pub domains: Vec<Text>,
    /// Whether its controller issues the certificate by itself where no Secret is named.
    pub resolver: bool,
}

impl HostRoute {
    /// The Secrets that it names.
    pub fn secrets(&self) -> List<Key> {
        let named = self.tls.iter().filter_map(|tls| Some((tls, tls.secret.as_ref()?)));
        let key = |(tls, name): (&HostTls, &Text)| {
            let namespace = tls.namespace.as_ref().unwrap_or(&self.meta.namespace);
            Key::new(namespace.clone(), name.clone())
        };
        named.map(key).collect()
    }
}
