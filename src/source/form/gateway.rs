//! Gateway, `GatewayClass`, `ListenerSet` and `XListenerSet`, with the API's defaults filled in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    lenient::{Keys, List, name, some},
    meta::{Labels, Meta},
};
use crate::object::{
    Key, Kind, Text,
    gateway::{self as view, AllowedNamespaces, LabelSelector, Operator, Requirement},
};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Gateway {
    metadata: Option<Meta<Labels>>,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Spec {
    gateway_class_name: Option<Text>,
    listeners: List<Listener>,
    addresses: List<Address>,
    allowed_listeners: Option<Allowed>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Status {
    addresses: List<Address>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Address {
    value: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Listener {
    name: Option<Text>,
    hostname: Option<Text>,
    port: Option<u16>,
    protocol: Option<Text>,
    tls: Option<Tls>,
    allowed_routes: Option<Allowed>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Tls {
    mode: Option<Text>,
    certificate_refs: List<CertificateRef>,
    options: Keys,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct CertificateRef {
    group: Option<Text>,
    kind: Option<Text>,
    namespace: Option<Text>,
    name: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Allowed {
    namespaces: Option<From>,
    kinds: List<RouteKind>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct RouteKind {
    kind: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct From {
    from: Option<Text>,
    selector: Option<Selector>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Selector {
    match_labels: Option<BTreeMap<Text, Option<Text>>>,
    match_expressions: List<Expression>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Expression {
    key: Option<Text>,
    operator: Option<Text>,
    values: List<Text>,
}

impl From {
    /// The allowed namespaces; `default` if the field is absent or its value unknown.
    fn namespaces(self, default: AllowedNamespaces) -> AllowedNamespaces {
        match self.from.as_deref() {
            Some("All") => AllowedNamespaces::All,
            Some("Same") => AllowedNamespaces::Same,
            Some("None") => AllowedNamespaces::None,
            // An absent selector selects nothing, as everywhere in Kubernetes.
            Some("Selector") => self
                .selector
                .map_or(AllowedNamespaces::None, |s| AllowedNamespaces::Selector(s.into())),
            _ => default,
        }
    }
}

impl std::convert::From<Selector> for LabelSelector {
    fn from(selector: Selector) -> Self {
        let labels = selector.match_labels.unwrap_or_default().into_iter();
        let equal = labels.map(|(key, value)| Requirement {
            key,
            operator: Operator::In,
            values: vec![value.unwrap_or_default()],
        });
        let expressions = selector.match_expressions.0.into_iter().map(|expression| {
            let (operator, values) = match expression.operator.as_deref() {
                Some("In") => (Operator::In, expression.values.0),
                Some("NotIn") => (Operator::NotIn, expression.values.0),
                Some("Exists") => (Operator::Exists, Vec::new()),
                Some("DoesNotExist") => (Operator::DoesNotExist, Vec::new()),
                // An unknown operator must not admit anything: no label is one of no values.
                _ => (Operator::In, Vec::new()),
            };
            Requirement {
                key: expression.key.unwrap_or_default(),
                operator,
                values,
            }
        });
        Self {
            requirements: equal.chain(expressions).collect(),
        }
    }
}

impl std::convert::From<Listener> for view::Listener {
    fn from(listener: Listener) -> Self {
        let tls = listener.tls.unwrap_or_default();
        let allowed = listener.allowed_routes.unwrap_or_default();
        Self {
            name: name(listener.name).unwrap_or_default(),
            hostname: some(listener.hostname),
            port: listener.port.unwrap_or_default(),
            protocol: listener.protocol.unwrap_or_default(),
            passthrough: tls.mode.as_deref() == Some("Passthrough"),
            certificate_refs: tls.certificate_refs.map(|r| view::CertificateRef {
                group: r.group.unwrap_or_default(),
                kind: some(r.kind).unwrap_or_else(|| Text::const_new("Secret")),
                namespace: name(r.namespace),
                name: name(r.name).unwrap_or_default(),
            }),
            options: tls.options.0,
            allowed_routes: allowed
                .namespaces
                .unwrap_or_default()
                .namespaces(AllowedNamespaces::Same),
            allowed_kinds: allowed.kinds.0.into_iter().filter_map(|k| some(k.kind)).collect(),
        }
    }
}

fn values(addresses: List<Address>) -> Vec<Text> {
    addresses.0.into_iter().filter_map(|a| some(a.value)).collect()
}

impl std::convert::From<Gateway> for view::Gateway {
    fn from(gateway: Gateway) -> Self {
        let spec = gateway.spec.unwrap_or_default();
        let mut addresses = values(gateway.status.unwrap_or_default().addresses);
        if addresses.is_empty() {
            addresses = values(spec.addresses);
        }
        Self {
            meta: gateway.metadata.into(),
            class: spec.gateway_class_name.unwrap_or_default(),
            listeners: spec.listeners.map(Into::into),
            addresses,
            allowed_listeners: spec
                .allowed_listeners
                .and_then(|a| a.namespaces)
                .unwrap_or_default()
                .namespaces(AllowedNamespaces::None),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct GatewayClass {
    metadata: Option<Meta>,
    spec: Option<ClassSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct ClassSpec {
    controller_name: Option<Text>,
}

impl std::convert::From<GatewayClass> for view::GatewayClass {
    fn from(class: GatewayClass) -> Self {
        Self {
            meta: class.metadata.into(),
            controller: class.spec.and_then(|s| s.controller_name).unwrap_or_default(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct ListenerSet {
    metadata: Option<Meta<Labels>>,
    spec: Option<SetSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct SetSpec {
    parent_ref: Option<Parent>,
    listeners: List<Listener>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Parent {
    kind: Option<Text>,
    namespace: Option<Text>,
    name: Option<Text>,
}

impl ListenerSet {
    /// The view of a `ListenerSet` or, depending on `kind`, an `XListenerSet`, which has the same fields.
    pub(super) fn into_view(self, kind: Kind) -> view::ListenerSet {
        let meta: crate::object::Meta = self.metadata.into();
        let spec = self.spec.unwrap_or_default();
        let parent = spec.parent_ref.and_then(|parent| {
            let gateway = parent.kind.is_none_or(|k| k.is_empty() || k == "Gateway");
            let namespace = some(parent.namespace).unwrap_or_else(|| meta.namespace.clone());
            let name = some(parent.name).filter(|_| gateway)?;
            Some(Key { namespace, name })
        });
        view::ListenerSet {
            meta,
            experimental: kind == Kind::XListenerSet,
            parent,
            listeners: spec.listeners.map(Into::into),
        }
    }
}
