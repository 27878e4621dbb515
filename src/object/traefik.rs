//! Traefik's own kinds: `IngressRoute`, `IngressRouteTCP` and `TLSStore`.

use super::{HostRoute, Key, Kind, Meta, Text, route::HostTls};

/// What is read of Traefik's `IngressRoute` or `IngressRouteTCP`.
#[derive(Debug, Clone, Default)]
pub struct IngressRoute {
    /// Its metadata, labels included.
    pub meta: Meta,
    /// Whether it is of the group traefik.containo.us.
    pub old: bool,
    /// Whether it is an `IngressRouteTCP`.
    pub tcp: bool,
    /// The hosts named by `Host(...)` and `HostSNI(...)` in the rules of spec.routes, in their order.
    pub hosts: Vec<Text>,
    /// Whether some rule has a host expression that cannot be read as a plain name (`HostRegexp`, ``HostSNI(`*`)``).
    pub other_hosts: bool,
    /// spec.tls; `None` means that TLS does not end here.
    pub tls: Option<IngressRouteTls>,
    /// spec.entryPoints.
    pub entry_points: Vec<Text>,
}

impl IngressRoute {
    /// Its kind, by its group.
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
    /// passthrough, which an `IngressRouteTCP` may ask for: the server behind it ends TLS.
    pub passthrough: bool,
}

/// What is read of Traefik's `TLSStore`.
#[derive(Debug, Clone, Default)]
pub struct TlsStore {
    /// Its metadata.
    pub meta: Meta,
    /// Whether it is of the group traefik.containo.us.
    pub old: bool,
    /// The Secret of spec.defaultCertificate.
    pub default: Option<Text>,
    /// Whether there is a spec.defaultGeneratedCert: a resolver issues the default certificate.
    pub generated: bool,
    /// The Secrets of spec.certificates, in their order.
    pub certificates: Vec<Text>,
}

impl TlsStore {
    /// The name of the only store that Traefik takes certificates from.
    pub const DEFAULT: &str = "default";

    /// The Secret of its default certificate, which is in the store's namespace.
    pub fn default_secret(&self) -> Option<Key> {
        self.default.as_ref().map(|name| self.key_of(name))
    }

    /// The Secrets of its other certificates, in their order.
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

    /// Its kind, by its group.
    pub fn kind(&self) -> Kind {
        if self.old { Kind::OldTlsStore } else { Kind::TlsStore }
    }
}
