//! Ingress, `IngressClass`, and Traefik's `IngressRoute`.

use super::{Kind, List, Meta, Text};

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

/// What is read of Traefik's `IngressRoute`.
#[derive(Debug, Clone, Default)]
pub struct IngressRoute {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// Whether it is of the group traefik.containo.us.
    pub old: bool,
    /// The hosts named by `Host(...)` in the rules of spec.routes, in their order.
    pub hosts: Vec<Text>,
    /// Whether some rule has a host expression that cannot be read as a plain name (`HostRegexp`).
    pub other_hosts: bool,
    /// spec.tls; `None` means that TLS does not end here.
    pub tls: Option<IngressRouteTls>,
    /// spec.entryPoints.
    pub entry_points: Vec<Text>,
}

impl IngressRoute {
    /// Its kind, by its group.
    pub fn kind(&self) -> Kind {
        if self.old {
            Kind::OldIngressRoute
        } else {
            Kind::IngressRoute
        }
    }
}

/// spec.tls of an `IngressRoute`.
#[derive(Debug, Clone, Default)]
pub struct IngressRouteTls {
    /// secretName.
    pub secret: Option<Text>,
    /// certResolver: Traefik issues the certificate itself.
    pub resolver: Option<Text>,
    /// The names (main and sans) of spec.tls.domains.
    pub domains: Vec<Text>,
}
