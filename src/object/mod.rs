//! Plain views of the objects of a cluster or of manifests, with only the fields that findings need.
//!
//! The types depend neither on kube nor on YAML nor on certificates. `source` fills them, and `inventory` joins them.

pub mod annotation;
pub mod carrier;
pub mod certmanager;
pub mod consumer;
pub mod doing;
pub mod gateway;
pub mod ingress;
mod kind;
pub mod list;
pub mod made;
pub mod program;
mod reach;
pub mod register;
pub mod resource;
pub mod route;
pub mod secret;
pub mod service;
mod texts;
pub mod traefik;

use compact_str::CompactString;

pub use carrier::NotJudged;
pub use certmanager::{Certificate, CertificateRequest, Challenge, Condition, Issuer, Order};
pub use consumer::Consumer;
pub use gateway::{Gateway, GatewayClass, ListenerSet, ReferenceGrant, Route};
pub use ingress::{Ingress, IngressClass};
pub use list::List;
pub use made::{Made, MadeSecret};
pub use reach::Reach;
pub use register::Kind;
pub use route::HostRoute;
pub use secret::Secret;
pub use service::Service;
pub use traefik::{IngressRoute, TlsStore};

/// Text from outside, neither checked nor cleared for a terminal. Short texts are stored in place.
pub type Text = CompactString;

/// A message of a server, cut when it is read ([`told`]) and shared by everything that repeats it.
pub type Told = std::sync::Arc<str>;

/// The most bytes of such a message that are kept: more than a message of this program shows.
const LONGEST_TOLD: usize = 1200;

/// Makes a [`Told`]: the message, or its beginning if it is longer than anybody reads.
pub fn told(text: &str) -> Told {
    text[..text.floor_char_boundary(LONGEST_TOLD)].into()
}

/// Seconds since 1970-01-01T00:00:00Z. An `i64`, because RFC 5280's 99991231235959Z exceeds the range of some calendar
/// types.
pub type Seconds = i64;

/// A namespace and a name, which identify an object of a known kind. The namespace of cluster-wide objects is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The namespace; empty for kinds without one.
    pub namespace: Text,
    /// The name.
    pub name: Text,
}

impl Key {
    /// Makes the key of `name` in `namespace`.
    pub fn new(namespace: impl Into<Text>, name: impl Into<Text>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Key {
    /// Writes `namespace/name`, or the name alone for kinds without a namespace. Not cleared for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// The metadata of an object that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// The namespace; empty for kinds without one.
    pub namespace: Text,
    /// The name.
    pub name: Text,
    /// creationTimestamp; manifests rarely have one.
    pub created: Option<Seconds>,
    /// Labels, annotations and owners, if any of them are kept. Most Secrets have none.
    pub more: Option<Box<More>>,
}

/// The metadata that only some objects have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct More {
    /// The labels that are kept. Routes, namespaces, Pods and the Pod templates of workloads keep all labels, Secrets
    /// only those that say which tool writes them, and other kinds none.
    pub labels: Box<[(Text, Text)]>,
    /// The annotations for which [`annotation::wanted`] is true.
    pub annotations: Box<[(Text, Text)]>,
    /// ownerReferences.
    pub owners: Box<[Owner]>,
}

impl More {
    /// The form in which [`Meta`] stores it: `None` if it is empty.
    pub fn boxed(self) -> Option<Box<Self>> {
        let any = !(self.labels.is_empty() && self.annotations.is_empty() && self.owners.is_empty());
        any.then(|| Box::new(self))
    }
}

impl Meta {
    /// The namespace and name as a key.
    pub fn key(&self) -> Key {
        Key {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// The labels that are kept. Routes, namespaces, Pods and the Pod templates of workloads keep all labels, Secrets
    /// only those that say which tool writes them, and other kinds none.
    pub fn labels(&self) -> &[(Text, Text)] {
        self.more.as_ref().map_or(&[], |more| &more.labels)
    }

    /// The annotations for which [`annotation::wanted`] is true.
    pub fn annotations(&self) -> &[(Text, Text)] {
        self.more.as_ref().map_or(&[], |more| &more.annotations)
    }

    /// ownerReferences.
    pub fn owners(&self) -> &[Owner] {
        self.more.as_ref().map_or(&[], |more| &more.owners)
    }

    /// The value of an annotation, if it is kept and set.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations()
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// The value of a label, if it is kept and set.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// One ownerReference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its kind, such as `Certificate` or `ReplicaSet`.
    pub kind: Text,
    /// Its name.
    pub name: Text,
    /// Whether it is the controlling owner.
    pub controller: bool,
}

/// One object that was read.
#[derive(Debug)]
pub enum Object {
    /// An Ingress.
    Ingress(Ingress),
    /// An `IngressClass`.
    IngressClass(IngressClass),
    /// A Gateway.
    Gateway(Gateway),
    /// A `GatewayClass`.
    GatewayClass(GatewayClass),
    /// A `ListenerSet` or `XListenerSet`.
    ListenerSet(ListenerSet),
    /// An HTTP, GRPC or TLS route of the Gateway API.
    Route(Route),
    /// A `ReferenceGrant`.
    ReferenceGrant(ReferenceGrant),
    /// Traefik's `IngressRoute` or `IngressRouteTCP`.
    IngressRoute(IngressRoute),
    /// A route of another kind that names its hosts and its Secret directly.
    HostRoute(HostRoute),
    /// Traefik's `TLSStore`.
    TlsStore(TlsStore),
    /// A Secret that may hold a certificate.
    Secret(Secret),
    /// cert-manager's Certificate.
    Certificate(Certificate),
    /// cert-manager's `CertificateRequest`.
    CertificateRequest(CertificateRequest),
    /// cert-manager's Issuer or `ClusterIssuer`.
    Issuer(Issuer),
    /// cert-manager's Order.
    Order(Order),
    /// cert-manager's Challenge.
    Challenge(Challenge),
    /// A Namespace, of which only the labels matter.
    Namespace(Meta),
    /// A Pod, workload or `ServiceAccount` that uses Secrets.
    Consumer(Consumer),
    /// A Service.
    Service(Service),
}

impl Object {
    /// The object's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Ingress(_) => Kind::Ingress,
            Self::IngressClass(_) => Kind::IngressClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::ListenerSet(set) => set.kind(),
            Self::Route(route) => route.kind,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::IngressRoute(route) => route.kind(),
            Self::HostRoute(route) => route.kind,
            Self::TlsStore(store) => store.kind(),
            Self::Secret(_) => Kind::Secret,
            Self::Certificate(_) => Kind::Certificate,
            Self::CertificateRequest(_) => Kind::CertificateRequest,
            Self::Issuer(issuer) => {
                if issuer.cluster {
                    Kind::ClusterIssuer
                } else {
                    Kind::Issuer
                }
            }
            Self::Order(_) => Kind::Order,
            Self::Challenge(_) => Kind::Challenge,
            Self::Namespace(_) => Kind::Namespace,
            Self::Consumer(consumer) => consumer.kind,
            Self::Service(_) => Kind::Service,
        }
    }

    /// The object's metadata.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Ingress(o) => &o.meta,
            Self::IngressClass(o) => &o.meta,
            Self::Gateway(o) => &o.meta,
            Self::GatewayClass(o) => &o.meta,
            Self::ListenerSet(o) => &o.meta,
            Self::Route(o) => &o.meta,
            Self::ReferenceGrant(o) => &o.meta,
            Self::IngressRoute(o) => &o.meta,
            Self::HostRoute(o) => &o.meta,
            Self::TlsStore(o) => &o.meta,
            Self::Secret(o) => &o.meta,
            Self::Certificate(o) => &o.meta,
            Self::CertificateRequest(o) => &o.meta,
            Self::Issuer(o) => &o.meta,
            Self::Order(o) => &o.meta,
            Self::Challenge(o) => &o.meta,
            Self::Namespace(meta) => meta,
            Self::Consumer(o) => &o.meta,
            Self::Service(o) => &o.meta,
        }
    }
}

/// A message from a source to the inventory.
// Nearly all messages contain an object, so a box would cost an allocation for each and save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Change {
    /// An object exists; it is new or has changed.
    Set(Object),
    /// An object among the manifests creates Secrets in the cluster.
    Made(Made),
    /// An object no longer exists.
    Gone(Kind, Key),
    /// Every object of a kind within the scope has been sent. Others do not exist.
    Listed(Kind),
    /// The cluster does not serve the kind, so there are no objects of it.
    NotServed(Kind),
    /// Something could not be read because a right is missing.
    Forbidden(Forbidden),
}

/// The list or object that could not be read, and the missing right.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Forbidden {
    /// The kind.
    pub kind: Kind,
    /// The namespace; `None` for a cluster-wide request.
    pub namespace: Option<Text>,
    /// The name of the object, if a single object was requested.
    pub name: Option<Text>,
    /// The missing verb: `list`, `get` or `watch`.
    pub verb: &'static str,
}
