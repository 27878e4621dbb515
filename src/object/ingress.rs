//! Ingress and `IngressClass`.

use super::{List, Meta, Text};

/// The fields of an Ingress that are read.
#[derive(Debug, Clone, Default)]
pub struct Ingress {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.ingressClassName.
    pub class: Option<Text>,
    /// Whether it has a spec.defaultBackend (spec.backend in v1beta1).
    pub default_backend: bool,
    /// spec.tls.
    pub tls: List<IngressTls>,
    /// The hosts of spec.rules in their order; an empty text stands for a rule for every host.
    pub rules: List<Text>,
    /// status.loadBalancer.ingress: IP addresses or host names.
    pub addresses: List<Text>,
}

/// One entry of an Ingress's spec.tls.
#[derive(Debug, Clone, Default)]
pub struct IngressTls {
    /// Its hosts.
    pub hosts: List<Text>,
    /// Its secretName; `None` if it is empty.
    pub secret: Option<Text>,
}

/// The fields of an `IngressClass` that are read.
#[derive(Debug, Clone, Default)]
pub struct IngressClass {
    /// Its metadata.
    pub meta: Meta,
    /// spec.controller, such as `k8s.io/ingress-nginx`.
    pub controller: Text,
    /// Whether `ingressclass.kubernetes.io/is-default-class` is "true".
    pub default: bool,
}
