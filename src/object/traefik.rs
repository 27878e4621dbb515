//! Traefik's own kinds: `IngressRoute`, `IngressRouteTCP` and `TLSStore`.

use super::{HostRoute, Key, Kind, Meta, Text, route::HostTls};

/// The fields of Traefik's `IngressRoute` or `IngressRouteTCP` that are read.
#[derive(Debug, Clone, Default)]
pub struct IngressRoute {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// Whether its API group is traefik.containo.us.
    pub old: bool,
    /// Whether it is an `IngressRouteTCP`.
    pub tcp: bool,
    /// The hosts in `Host(...)` and `HostSNI(...)` of the rules in spec.routes, in order.
    pub hosts: Vec<Text>,
    /// Whether a rule has a host expression that is not a plain name (`HostRegexp`, ``HostSNI(`*`)``).
    pub other_hosts: bool,
    /// spec.tls; `None` means that Traefik does not terminate TLS here.
    pub tls: Option<IngressRouteTls>,
    /// spec.entryPoints.
    pub entry_points: Vec<Text>,
}

impl IngressRoute {
    /// Its kind, depending on its API group.
    pub fn kind(&self) -> Kind {
        match (self.tcp, self.old) {
            (false, false) => Kind::IngressRoute,
            (false, true) => Kind::OldIngressRoute,
            (true, false) => Kind::IngressRouteTcp,
            (true, true) => Kind::OldIngressRouteTcp,
        }
    }
}

impl From<IngressRoute> for HostRoute {
    fn from(route: IngressRoute) -> Self {
        let tls = |tls: IngressRouteTls| HostTls {
            secret: tls.secret,
            namespace: None,
            domains: tls.domains,
            resolver: tls.resolver.is_some(),
        };
        Self {
            kind: route.kind(),
            meta: route.meta,
            hosts: route.hosts,
            other_hosts: route.other_hosts,
            tls: route.tls.filter(|tls| !tls.passthrough).map(tls),
            status: None,
        }
    }
}

/// spec.tls of an `IngressRoute` or `IngressRouteTCP`.
#[derive(Debug, Clone, Default)]
pub struct IngressRouteTls {
    /// secretName.
    pub secret: Option<Text>,
    /// certResolver: Traefik issues the certificate itself.
    pub resolver: Option<Text>,
    /// The names (main and sans) of spec.tls.domains.
    pub domains: Vec<Text>,
    /// passthrough, which an `IngressRouteTCP` may have: the backend terminates TLS.
    pub passthrough: bool,
}

/// The fields of Traefik's `TLSStore` that are read.
#[derive(Debug, Clone, Default)]
pub struct TlsStore {
    /// Its metadata.
    pub meta: Meta,
    /// Whether its API group is traefik.containo.us.
    pub old: bool,
    /// The Secret of spec.defaultCertificate.
    pub default: Option<Text>,
    /// Whether it has a spec.defaultGeneratedCert: a certificate resolver issues the default certificate.
    pub generated: bool,
    /// The Secrets of spec.certificates, in order.
    pub certificates: Vec<Text>,
}

impl TlsStore {
    /// The name of the only store from which Traefik serves certificates.
    pub const DEFAULT: &str = "default";

    /// The Secret of its default certificate, in the namespace of the store.
    pub fn default_secret(&self) -> Option<Key> {
        self.default.as_ref().map(|name| self.key_of(name))
    }

    /// The Secrets of its other certificates, in order.
    pub fn certificate_secrets(&self) -> impl Iterator<Item = Key> {
        self.certificates.iter().map(|name| self.key_of(name))
    }

    /// All Secrets that it names.
    pub fn secrets(&self) -> impl Iterator<Item = Key> {
        self.default_secret().into_iter().chain(self.certificate_secrets())
    }

    fn key_of(&self, name: &Text) -> Key {
        Key::new(self.meta.namespace.clone(), name.clone())
    }

    /// Its kind, depending on its API group.
    pub fn kind(&self) -> Kind {
        if self.old { Kind::OldTlsStore } else { Kind::TlsStore }
    }
}
