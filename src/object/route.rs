//! Kinds of routes: the properties of each kind, and the view of those whose objects name hosts and a Secret directly.

use super::{Key, Kind, List, Meta, Text};

/// The properties of a kind of route, independent of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts {
    /// Which fields have its hosts and Secrets.
    pub shape: Shape,
    /// The field that names its Secret, as messages write it.
    pub secret_field: &'static str,
    /// The only controller that reads the kind, by its name in `IngressClass` and `GatewayClass`; `None` if a class
    /// says which controller does.
    pub controller: Option<&'static str>,
    /// Whether cert-manager issues certificates for it because of its annotations (ingress-shim and gateway-shim).
    pub shimmed: bool,
    /// The kind of object that routes a challenge for one of its hosts to the answer. `None` if it is not known how the
    /// controller handles another object for a live host.
    pub challenge: Option<Kind>,
}

/// Which fields of a route have its hosts and Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The tls entries and rules of an Ingress, which each controller reads in its own way.
    Entries,
    /// Listeners, together with the routes that attach to them.
    Listeners,
    /// The object itself has hosts, and one Secret for all of them. Its view is a [`HostRoute`], or can be converted to
    /// one.
    Hosts,
    /// Like `Hosts`, for kinds that [`Fields`] are enough to read.
    Fields(Fields),
}

/// The paths of the hosts and the Secret in an object. All but those of `status` begin with `spec`, with a dot before each further field and
/// `[]` after a list of objects, as in `spec.servers[].host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The hosts: fields with a text or a list of texts.
    pub hosts: &'static [&'static str],
    /// The name of the Secret. The controller terminates TLS if the object that contains this field exists.
    pub secret: &'static str,
    /// The namespace of the Secret, if it may differ from that of the route.
    pub namespace: Option<&'static str>,
    /// A field whose value `true` means that TLS is passed through to the backend.
    pub passthrough: Option<&'static str>,
    /// The fields of a status by which the route is permitted.
    pub status: Option<StatusFields>,
}

/// The paths in the status of a route that is permitted by it. All begin with `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusFields {
    /// Without its value `true` nothing is ordered.
    pub permitted: &'static str,
    /// How the name is proved, as ACME spells it.
    pub proof: &'static str,
    /// Whether clients are led here.
    pub traffic: &'static str,
}

/// The fields of a route that names its hosts and its Secret directly.
#[derive(Debug, Clone)]
pub struct HostRoute {
    /// Its kind.
    pub kind: Kind,
    /// Its metadata, labels included.
    pub meta: Meta,
    /// The hosts of its requests, in order.
    pub hosts: Vec<Text>,
    /// Whether it also accepts requests for hosts that it does not name plainly.
    pub other_hosts: bool,
    /// How it terminates TLS; `None` if it does not.
    pub tls: Option<HostTls>,
    /// What its status says, for a kind that is permitted by it.
    pub status: Option<RouteStatus>,
}

/// What the status of a route says that is permitted by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteStatus {
    /// Whether certificates are ordered for it.
    pub permitted: bool,
    /// How its hosts are proved, as ACME spells it; `None` if it does not say.
    pub proof: Option<Text>,
    /// Whether clients are led elsewhere, so that nobody can see its certificate served.
    pub is_elsewhere: bool,
}

/// How such a route terminates TLS.
#[derive(Debug, Clone, Default)]
pub struct HostTls {
    /// The name of its Secret.
    pub secret: Option<Text>,
    /// The namespace of the Secret, if the route names one.
    pub namespace: Option<Text>,
    /// Names that its certificate should have in addition to the hosts.
    pub domains: Vec<Text>,
    /// Whether its controller issues the certificate itself if no Secret is named.
    pub resolver: bool,
}

impl HostRoute {
    /// The Secret that it names, as a list.
    pub fn secrets(&self) -> List<Key> {
        let named = self.tls.iter().filter_map(|tls| Some((tls, tls.secret.as_ref()?)));
        let key = |(tls, name): (&HostTls, &Text)| {
            let namespace = tls.namespace.as_ref().unwrap_or(&self.meta.namespace);
            Key::new(namespace.clone(), name.clone())
        };
        named.map(key).collect()
    }
}
