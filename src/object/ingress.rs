//! Ingress and `IngressClass`.

use super::{List, Meta, Text};

/// What is read of an Ingress.
#[derive(Debug, Clone, Default)]
pub struct Ingress {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// spec.ingressClassName.
    pub class: Option<Text>,
    /// Whether there is a spec.defaultBackend (spec.backend in v1beta1).
    pub default_backend: bool,
    /// spec.tls.
    pub tls: List<IngressTls>,
    /// The hosts of spec.rules in their order; an empty text is a rule for every host.
    pub rules: List<Text>,
    /// status.loadBalancer.ingress: IP addresses or host names.
    pub addresses: List<Text>,
}

/// One entry of an Ingress's spec.tls.
#[derive(Debug, Clone, Default)]
pub struct IngressTls {
    /// Its hosts.
    pub hosts: List<Text>,
    /// Its secretName; an empty one counts as none.
    pub secret: Option<Text>,
}

/// What is read of an `IngressClass`.
#[derive(Debug, Clone, Default)]
pub struct IngressClass {
    /// Its metadata.
    pub meta: Meta,
    /// spec.controller, such as `k8s.io/ingress-nginx`.
    pub controller: Text,
    /// Whether `ingressclass.kubernetes.io/is-default-class` is "true".
    pub default: bool,
}
