//! Ingress (networking.k8s.io/v1, and its two v1beta1 versions) and `IngressClass`.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{List, name, some},
    meta::{Labels, Meta},
};
use crate::object::{Text, annotation, ingress as view};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Ingress {
    metadata: Option<Meta<Labels>>,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Spec {
    ingress_class_name: Option<Text>,
    default_backend: Option<IgnoredAny>,
    /// The name of the default backend in v1beta1.
    backend: Option<IgnoredAny>,
    tls: List<Tls>,
    rules: List<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Tls {
    hosts: List<Text>,
    secret_name: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Rule {
    host: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Status {
    load_balancer: Option<LoadBalancer>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct LoadBalancer {
    ingress: List<Address>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Address {
    ip: Option<Text>,
    hostname: Option<Text>,
}

impl From<Ingress> for view::Ingress {
    fn from(ingress: Ingress) -> Self {
        let spec = ingress.spec.unwrap_or_default();
        let addresses = ingress.status.and_then(|s| s.load_balancer).unwrap_or_default().ingress;
        Self {
            meta: ingress.metadata.into(),
            class: name(spec.ingress_class_name),
            default_backend: spec.default_backend.or(spec.backend).is_some(),
            tls: spec.tls.0.into_iter().map(view::IngressTls::from).collect(),
            rules: spec.rules.map(|rule| rule.host.unwrap_or_default()).into(),
            addresses: addresses
                .0
                .into_iter()
                .filter_map(|a| some(a.ip).or(some(a.hostname)))
                .collect(),
        }
    }
}

impl From<Tls> for view::IngressTls {
    fn from(tls: Tls) -> Self {
        Self {
            hosts: tls.hosts.0.into(),
            secret: name(tls.secret_name),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct IngressClass {
    metadata: Option<Meta>,
    spec: Option<ClassSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct ClassSpec {
    controller: Option<Text>,
}

impl From<IngressClass> for view::IngressClass {
    fn from(class: IngressClass) -> Self {
        let meta: crate::object::Meta = class.metadata.into();
        Self {
            controller: class.spec.and_then(|s| s.controller).unwrap_or_default(),
            default: meta.annotation(annotation::DEFAULT_CLASS) == Some("true"),
            meta,
        }
    }
}
