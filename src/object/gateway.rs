//! The kinds of the Gateway API.

use super::{Key, Kind, Meta, Text};

/// What is read of a Gateway.
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.gatewayClassName.
    pub class: Text,
    /// spec.listeners.
    pub listeners: Vec<Listener>,
    /// status.addresses, or spec.addresses where the status has none.
    pub addresses: Vec<Text>,
    /// spec.allowedListeners.namespaces: whose `ListenerSets` may attach; the API's default is none.
    pub allowed_listeners: AllowedNamespaces,
}

/// What is read of a `GatewayClass`.
#[derive(Debug, Clone, Default)]
pub struct GatewayClass {
    /// Its metadata.
    pub meta: Meta,
    /// spec.controllerName, such as `traefik.io/gateway-controller`.
    pub controller: Text,
}

/// What is read of a `ListenerSet` or `XListenerSet`.
#[derive(Debug, Clone, Default)]
pub struct ListenerSet {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// Whether it is an `XListenerSet`.
    pub experimental: bool,
    /// The Gateway that it extends; the namespace is filled in.
    pub parent: Option<Key>,
    /// spec.listeners.
    pub listeners: Vec<Listener>,
}

impl ListenerSet {
    /// Which of the two it is.
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
    /// Whether tls.mode is Passthrough: TLS ends at the backend.
    pub passthrough: bool,
    /// tls.certificateRefs.
    pub certificate_refs: Vec<CertificateRef>,
    /// The keys of tls.options: some implementations bring their own certificates by them.
    pub options: Vec<Text>,
    /// allowedRoutes.namespaces.
    pub allowed_routes: AllowedNamespaces,
    /// allowedRoutes.kinds; empty means what the protocol implies.
    pub allowed_kinds: Vec<Text>,
}

/// One certificateRef, with the API's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRef {
    /// The API group; empty is the core group.
    pub group: Text,
    /// The kind; `Secret` unless said otherwise.
    pub kind: Text,
    /// The namespace, when it is named.
    pub namespace: Option<Text>,
    /// The name.
    pub name: Text,
}

/// From which namespaces something may attach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedNamespaces {
    /// The listener's own (the default for routes).
    #[default]
    Same,
    /// Every namespace.
    All,
    /// None (the default for `ListenerSets`).
    None,
    /// Those whose labels match.
    Selector(LabelSelector),
}

/// A metav1.LabelSelector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Each must hold.
    pub requirements: Vec<Requirement>,
}

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: Text,
    /// How it is compared.
    pub operator: Operator,
    /// The values that it is compared with.
    pub values: Vec<Text>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The value is one of the values.
    In,
    /// The value is none of the values, or the label is absent.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
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

/// What is read of an `HTTPRoute`, `GRPCRoute` or `TLSRoute`.
#[derive(Debug, Clone)]
pub struct Route {
    /// Which of the three.
    pub kind: Kind,
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.parentRefs, of which there are at most 32.
    pub parents: Vec<ParentRef>,
    /// spec.hostnames; empty means the listener's.
    pub hostnames: Vec<Text>,
}

/// One parentRef.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRef {
    /// `Gateway` (the default), `ListenerSet`, `XListenerSet`, or another kind.
    pub kind: Text,
    /// Its namespace, when it is named.
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
    /// The listener that is meant; all when absent.
    pub section: Option<Text>,
    /// The port that is meant; any when absent.
    pub port: Option<u16>,
}

/// What is read of a `ReferenceGrant`. It permits references into its own namespace.
#[derive(Debug, Clone, Default)]
pub struct ReferenceGrant {
    /// Its metadata.
    pub meta: Meta,
    /// spec.from.
    pub from: Vec<GrantFrom>,
    /// spec.to.
    pub to: Vec<GrantTo>,
}

/// Who may refer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantFrom {
    /// The API group.
    pub group: Text,
    /// The kind.
    pub kind: Text,
    /// The namespace.
    pub namespace: Text,
}

/// To what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTo {
    /// The API group; empty is the core group.
    pub group: Text,
    /// The kind.
    pub kind: Text,
    /// The name; all when absent.
    pub name: Option<Text>,
}
