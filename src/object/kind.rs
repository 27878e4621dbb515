//! The kinds that are read.

use super::resource::Role;

/// The kinds that are read. The order is that of the lists in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// networking.k8s.io/v1 Ingress (extensions/v1beta1 and networking.k8s.io/v1beta1 in manifests).
    Ingress,
    /// networking.k8s.io/v1 `IngressClass`.
    IngressClass,
    /// gateway.networking.k8s.io Gateway.
    Gateway,
    /// gateway.networking.k8s.io `GatewayClass`.
    GatewayClass,
    /// gateway.networking.k8s.io `ListenerSet`.
    ListenerSet,
    /// gateway.networking.x-k8s.io `XListenerSet`: what `ListenerSet` was called before it was standard. Another object than a
    /// `ListenerSet` of the same name.
    XListenerSet,
    /// gateway.networking.k8s.io `HTTPRoute`.
    HttpRoute,
    /// gateway.networking.k8s.io `GRPCRoute`.
    GrpcRoute,
    /// gateway.networking.k8s.io `TLSRoute`.
    TlsRoute,
    /// gateway.networking.k8s.io `ReferenceGrant`.
    ReferenceGrant,
    /// traefik.io/v1alpha1 `IngressRoute`.
    IngressRoute,
    /// traefik.containo.us/v1alpha1 `IngressRoute`: what Traefik read up to version 2. Another object than one of traefik.io of the
    /// same name.
    OldIngressRoute,
    /// traefik.io/v1alpha1 `IngressRouteTCP`.
    IngressRouteTcp,
    /// traefik.containo.us/v1alpha1 `IngressRouteTCP`.
    OldIngressRouteTcp,
    /// traefik.io/v1alpha1 `TLSStore`.
    TlsStore,
    /// traefik.containo.us/v1alpha1 `TLSStore`.
    OldTlsStore,
    /// v1 Secret.
    Secret,
    /// cert-manager.io/v1 Certificate.
    Certificate,
    /// cert-manager.io/v1 `CertificateRequest`.
    CertificateRequest,
    /// cert-manager.io/v1 Issuer.
    Issuer,
    /// cert-manager.io/v1 `ClusterIssuer`.
    ClusterIssuer,
    /// acme.cert-manager.io/v1 Order.
    Order,
    /// acme.cert-manager.io/v1 Challenge.
    Challenge,
    /// v1 Namespace: its labels, for listeners that allow routes by a selector.
    Namespace,
    /// v1 Service.
    Service,
    /// v1 Pod.
    Pod,
    /// v1 `ReplicationController`.
    ReplicationController,
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 `StatefulSet`.
    StatefulSet,
    /// apps/v1 `DaemonSet`.
    DaemonSet,
    /// batch/v1 Job.
    Job,
    /// batch/v1 `CronJob`.
    CronJob,
    /// v1 `ServiceAccount`.
    ServiceAccount,
}

impl Kind {
    /// The kind as manifests spell it.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The plural, lower-case name that RBAC rules and API paths use.
    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    /// Whether its objects say which hosts are served, and with which Secrets.
    pub fn is_route(self) -> bool {
        self.row().role == Role::Route
    }

    /// Whether it is a `ListenerSet`, under its standard or its experimental name.
    pub fn is_listener_set(self) -> bool {
        matches!(self, Self::ListenerSet | Self::XListenerSet)
    }

    /// Whether it is Traefik's `IngressRoute` or `IngressRouteTCP`, of the group of today or of the one of before.
    pub fn is_ingress_route(self) -> bool {
        matches!(self, Self::IngressRoute | Self::OldIngressRoute) || self.is_ingress_route_tcp()
    }

    /// Whether it is Traefik's `IngressRouteTCP`, of either group.
    pub fn is_ingress_route_tcp(self) -> bool {
        matches!(self, Self::IngressRouteTcp | Self::OldIngressRouteTcp)
    }

    /// Whether it is Traefik's `TLSStore`, of either group.
    pub fn is_tls_store(self) -> bool {
        matches!(self, Self::TlsStore | Self::OldTlsStore)
    }

    /// Whether it is of the group that Traefik read up to version 2, where another has the same plural.
    pub fn is_old_traefik(self) -> bool {
        self.group() == Self::OldIngressRoute.group()
    }

    /// Whether an object of the kind `of` is meant where a user names this kind without a group.
    pub fn means(self, of: Self) -> bool {
        self == of || Self::named(of.row().singular).is_some_and(|first| first == self && first.as_str() == of.as_str())
    }

    /// The API group, as an RBAC rule names it; empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().group
    }

    /// Whether objects of the kind live in a namespace.
    pub fn namespaced(self) -> bool {
        self.row().namespaced
    }
}
