//! The kinds of the Gateway API.

use super::{Key, Kind, Meta, Text};

/// The fields of a Gateway that are read.
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.gatewayClassName.
    pub class: Text,
    /// spec.listeners.
    pub listeners: Vec<Listener>,
    /// status.addresses, or spec.addresses if the status has none.
    pub addresses: Vec<Text>,
    /// spec.allowedListeners.namespaces: the namespaces whose `ListenerSets` may attach. The API's default is none.
    pub allowed_listeners: AllowedNamespaces,
}

/// The fields of a `GatewayClass` that are read.
#[derive(Debug, Clone, Default)]
pub struct GatewayClass {
    /// Its metadata.
    pub meta: Meta,
    /// spec.controllerName, such as `traefik.io/gateway-controller`.
    pub controller: Text,
}

/// The fields of a `ListenerSet` or `XListenerSet` that are read.
#[derive(Debug, Clone, Default)]
pub struct ListenerSet {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// Whether it is an `XListenerSet`.
    pub experimental: bool,
    /// The Gateway that it extends, with the namespace always filled in.
    pub parent: Option<Key>,
    /// spec.listeners.
    pub listeners: Vec<Listener>,
}

impl ListenerSet {
    /// Its kind, depending on `experimental`.
    pub fn kind(&self) -> Kind {
        if self.experimental {
            Kind::XListenerSet
        } else {
            Kind::ListenerSet
        }
    }
}

/// One listener of a Gateway or `ListenerSet`.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    /// Its name.
    pub name: Text,
    /// Its hostname; `None` means every host.
    pub hostname: Option<Text>,
    /// Its port.
    pub port: u16,
    /// Its protocol: HTTP, HTTPS, TLS, TCP, UDP or an extension.
    pub protocol: Text,
    /// Whether tls.mode is Passthrough, so that the backend terminates TLS.
    pub passthrough: bool,
    /// tls.certificateRefs.
    pub certificate_refs: Vec<CertificateRef>,
    /// The keys of tls.options, by which some implementations select their own certificates.
    pub options: Vec<Text>,
    /// allowedRoutes.namespaces.
    pub allowed_routes: AllowedNamespaces,
    /// allowedRoutes.kinds; if empty, the protocol implies the kinds.
    pub allowed_kinds: Vec<Text>,
}

/// One certificateRef, with the API's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRef {
    /// The API group; empty is the core group.
    pub group: Text,
    /// The kind; by default `Secret`.
    pub kind: Text,
    /// The namespace, if the reference has one.
    pub namespace: Option<Text>,
    /// The name.
    pub name: Text,
}

/// The namespaces from which objects may attach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedNamespaces {
    /// The namespace of the listener (the default for routes).
    #[default]
    Same,
    /// Every namespace.
    All,
    /// No namespace (the default for `ListenerSets`).
    None,
    /// Namespaces whose labels match.
    Selector(LabelSelector),
}

/// A metav1.LabelSelector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// The requirements, all of which have to be met.
    pub requirements: Vec<Requirement>,
}

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The key of the label.
    pub key: Text,
    /// How the label is compared with the values.
    pub operator: Operator,
    /// The values that the label is compared with.
    pub values: Vec<Text>,
}

/// The comparison of a label with the values of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label has none of the values, or does not exist.
    NotIn,
    /// The label exists.
    Exists,
    /// The label does not exist.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether `labels` satisfy every requirement. An empty selector matches everything.
    pub fn matches(&self, labels: &[(Text, Text)]) -> bool {
        self.requirements.iter().all(|r| {
            let value = labels.iter().find(|(k, _)| *k == r.key).map(|(_, v)| v);
            match r.operator {
                Operator::In => value.is_some_and(|v| r.values.contains(v)),
                Operator::NotIn => value.is_none_or(|v| !r.values.contains(v)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

/// The fields of an `HTTPRoute`, `GRPCRoute` or `TLSRoute` that are read.
#[derive(Debug, Clone)]
pub struct Route {
    /// The kind of the route.
    pub kind: Kind,
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.parentRefs, of which there are at most 32.
    pub parents: Vec<ParentRef>,
    /// spec.hostnames; if empty, the hostname of the listener applies.
    pub hostnames: Vec<Text>,
}

/// One parentRef.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRef {
    /// `Gateway` (the default), `ListenerSet`, `XListenerSet`, or another kind.
    pub kind: Text,
    /// Its namespace, if the reference has one.
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
    /// The listener that the reference names; if absent, all listeners.
    pub section: Option<Text>,
    /// The port that the reference names; if absent, any port.
    pub port: Option<u16>,
}

/// The fields of a `ReferenceGrant` that are read. It permits references into its own namespace.
#[derive(Debug, Clone, Default)]
pub struct ReferenceGrant {
    /// Its metadata.
    pub meta: Meta,
    /// spec.from.
    pub from: Vec<GrantFrom>,
    /// spec.to.
    pub to: Vec<GrantTo>,
}

/// The objects that may refer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantFrom {
    /// The API group.
    pub group: Text,
    /// The kind.
    pub kind: Text,
    /// The namespace.
    pub namespace: Text,
}

/// The objects that they may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTo {
    /// The API group; empty is the core group.
    pub group: Text,
    /// The kind.
    pub kind: Text,
    /// The name; if absent, all objects of the kind.
    pub name: Option<Text>,
}
