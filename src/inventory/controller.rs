//! Controllers: which controller serves a class, and what it does when a certificate is missing or does not cover the
//! host.
//!
//! A test holds each row of the table; end-to-end tests against the real program hold those of Traefik.

use crate::object::{Ingress, Kind, annotation};

/// A controller whose behaviour is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Controller {
    /// The community's ingress-nginx.
    IngressNginx,
    /// Traefik.
    Traefik,
    /// F5's NGINX ingress controller.
    F5Nginx,
    /// Istio.
    Istio,
    /// Google's load balancers.
    Gce,
    /// AWS's load balancers, VPC Lattice among them.
    Alb,
    /// The controller of `HAProxy` Technologies.
    HaProxy,
    /// `HAProxy` Ingress, by jcmoraisjr.
    HaProxyIngress,
    /// Contour.
    Contour,
    /// Kong.
    Kong,
    /// Apache APISIX.
    Apisix,
    /// Cilium.
    Cilium,
    /// Tailscale's operator.
    Tailscale,
    /// Azure's Application Gateway ingress controller.
    Agic,
    /// A controller that this table does not have.
    Unknown,
}

/// What a controller does when the named certificate cannot be used for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// It serves its default certificate.
    DefaultCertificate,
    /// It accepts no TLS connection for the host.
    NoConnection,
    /// Its behaviour is not known.
    Unknown,
}

impl Controller {
    /// The controller that `IngressClass.spec.controller` or `GatewayClass.spec.controllerName` stands for.
    pub fn of_controller_name(name: &str) -> Self {
        match name {
            "k8s.io/ingress-nginx" => Self::IngressNginx,
            "nginx.org/ingress-controller" => Self::F5Nginx,
            "ingress.k8s.aws/alb"
            | "gateway.k8s.aws/alb"
            | "gateway.k8s.aws/nlb"
            | "application-networking.k8s.aws/gateway-api-controller" => Self::Alb,
            "networking.gke.io/gateway" | "k8s.io/ingress-gce" => Self::Gce,
            "haproxy-ingress.github.io/controller" => Self::HaProxyIngress,
            "ingress-controllers.konghq.com/kong" | "konghq.com/kic-gateway-controller" => Self::Kong,
            "cilium.io/ingress-controller" | "io.cilium/gateway-controller" => Self::Cilium,
            "tailscale.com/ts-ingress" => Self::Tailscale,
            "azure/application-gateway" => Self::Agic,
            // AKS's application routing is ingress-nginx, with a controller name for each of its instances.
            _ if name.starts_with("webapprouting.kubernetes.azure.com/nginx") => Self::IngressNginx,
            _ if name.starts_with("haproxy.org/") => Self::HaProxy,
            _ if name.starts_with("projectcontour.io/") => Self::Contour,
            _ if name.starts_with("apisix.apache.org/") => Self::Apisix,
            _ if name.starts_with("traefik.io/") => Self::Traefik,
            _ if name.starts_with("istio.io/") => Self::Istio,
            _ => Self::Unknown,
        }
    }

    /// The controller of a kind of route that only one controller reads.
    pub fn alone_with(kind: Kind) -> Option<Self> {
        Some(Self::of_controller_name(kind.route()?.controller?))
    }

    /// The controller that the name of a class without an object stands for. Only names that a single controller uses
    /// count; two controllers use `nginx`.
    pub fn of_class_name(name: &str) -> Self {
        match name {
            "traefik" => Self::Traefik,
            "gce" | "gce-internal" => Self::Gce,
            "alb" => Self::Alb,
            "istio" => Self::Istio,
            "contour" => Self::Contour,
            "kong" => Self::Kong,
            "apisix" => Self::Apisix,
            "cilium" => Self::Cilium,
            "tailscale" => Self::Tailscale,
            "azure-application-gateway" | "azure/application-gateway" => Self::Agic,
            _ => Self::Unknown,
        }
    }

    /// The name that users know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IngressNginx => "ingress-nginx",
            Self::Traefik => "Traefik",
            Self::F5Nginx => "F5 NGINX",
            Self::Istio => "Istio",
            Self::Gce => "GKE's load balancer",
            Self::Alb => "AWS's load balancer",
            Self::HaProxy => "HAProxy",
            Self::HaProxyIngress => "HAProxy Ingress",
            Self::Contour => "Contour",
            Self::Kong => "Kong",
            Self::Apisix => "APISIX",
            Self::Cilium => "Cilium",
            Self::Tailscale => "Tailscale",
            Self::Agic => "Azure's Application Gateway",
            Self::Unknown => "a controller that is not known",
        }
    }

    /// What clients get for a host whose certificate is missing, broken or for other names.
    ///
    /// A Gateway's listener without a usable certificate is not programmed (Gateway API, `ResolvedRefs`). Traefik listens
    /// all the same, because all its routes share a port.
    pub fn fallback(self, route: Kind) -> Fallback {
        match (self, route) {
            (Self::IngressNginx, Kind::Ingress) => Fallback::DefaultCertificate,
            (Self::Traefik, kind) if kind.is_route() && !kind.is_listener_set() => Fallback::DefaultCertificate,
            // F5's controller rejects the handshake for a host whose Secret is missing or invalid.
            (Self::F5Nginx, Kind::Ingress) => Fallback::NoConnection,
            (Self::Istio, kind) if kind.has_listeners() => Fallback::NoConnection,
            _ => Fallback::Unknown,
        }
    }

    /// Whether the controller checks that a certificate names the host before it serves it.
    ///
    /// ingress-nginx and Traefik fall back to their default certificates; others serve the certificate that the
    /// listener or the entry names.
    pub fn checks_names(self, route: Kind) -> bool {
        self.fallback(route) == Fallback::DefaultCertificate
    }

    /// Whether the controller chooses a certificate by server name among those of all routes.
    pub fn picks_among_all(self) -> bool {
        self == Self::Traefik
    }

    /// Whether the controller skips the tls entries of an Ingress that follow a missing Secret.
    pub fn skips_after_missing(self) -> bool {
        self == Self::Traefik
    }

    /// Whether the controller loads the certificates of an Ingress without rules.
    pub fn loads_without_rules(self) -> bool {
        self == Self::Traefik
    }

    /// Whether the oldest of several routes with the same host takes precedence.
    pub fn oldest_wins(self) -> bool {
        matches!(self, Self::IngressNginx | Self::F5Nginx)
    }

    /// Whether each Ingress gets its own load balancer, and so its own address.
    pub fn own_address_each(self) -> bool {
        matches!(self, Self::Gce | Self::Alb | Self::Tailscale)
    }
}

impl std::fmt::Display for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The program that serves an Ingress, with what decides how it reads annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// The controller.
    pub controller: Controller,
    /// Whether it is Traefik's provider for ingress-nginx, which reads the annotations of ingress-nginx and none of
    /// Traefik's own.
    pub by_nginx_provider: bool,
    /// Whether the program passes TLS through to the backend if the Ingress asks for it.
    pub may_pass_through: bool,
}

impl From<Controller> for Behind {
    /// A controller about whose program nothing more is known.
    fn from(controller: Controller) -> Self {
        Self {
            controller,
            by_nginx_provider: false,
            may_pass_through: matches!(controller, Controller::IngressNginx | Controller::Unknown),
        }
    }
}

impl Behind {
    /// Whether the backend of an Ingress terminates TLS, so that clients never see a certificate of the Ingress.
    /// ingress-nginx passes TLS through if it was started with `--enable-ssl-passthrough` (v1.15, `pkg/flags/flags.go`;
    /// `internal/ingress/controller/nginx.go`, `EnableSSLPassthrough`), Traefik's provider for it always does (3.6.12,
    /// `pkg/provider/kubernetes/ingress-nginx/kubernetes.go`; 3.7.9, `build.go`).
    pub fn passes_through(self, ingress: &Ingress) -> bool {
        self.may_pass_through && ingress.meta.annotation(annotation::NGINX_PASSTHROUGH) == Some("true")
    }

    /// Whether a certificate resolver of Traefik issues certificates for the hosts of an Ingress. It does so for hosts
    /// that no certificate in the store covers (`pkg/provider/acme/provider.go`, `getUncheckedDomains`, v3.7.9).
    /// Traefik loads the Secrets of the tls entries as well (`pkg/provider/kubernetes/ingress/kubernetes.go`,
    /// `getCertificates`).
    pub fn issues_by_resolver(self, ingress: &Ingress) -> bool {
        matches!(self.controller, Controller::Traefik | Controller::Unknown)
            && !self.by_nginx_provider
            && ingress.meta.annotation(annotation::TRAEFIK_RESOLVER).is_some()
    }
}

/// Whether all certificates of the Ingress come from sources other than Secrets: TLS passthrough, or a cloud provider.
/// Only annotations of the controller that serves the Ingress count. AWS's load balancers read no Secret, and
/// Tailscale's operator issues every certificate itself (its documentation, kb/1439).
pub fn certificate_from_elsewhere(ingress: &Ingress, behind: Behind) -> bool {
    let controller = behind.controller;
    let annotated = |key| ingress.meta.annotation(key).is_some();
    let by = |one| controller == one || controller == Controller::Unknown;
    matches!(controller, Controller::Alb | Controller::Tailscale)
        || (by(Controller::Agic) && annotated(annotation::AGIC_CERTIFICATE))
        || (by(Controller::Gce) && (annotated(annotation::GKE_MANAGED) || annotated(annotation::GCP_PRE_SHARED)))
        || (by(Controller::Alb) && annotated(annotation::ALB_CERTIFICATE))
        || behind.passes_through(ingress)
}

/// Whether the Ingress is a canary of ingress-nginx; another Ingress with the same host provides the certificate then.
pub fn is_canary(ingress: &Ingress) -> bool {
    ingress.meta.annotation(annotation::NGINX_CANARY) == Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_known_by_the_name_in_its_class() {
        for (name, controller) in [
            ("k8s.io/ingress-nginx", Controller::IngressNginx),
            ("traefik.io/ingress-controller", Controller::Traefik),
            ("traefik.io/gateway-controller", Controller::Traefik),
            ("nginx.org/ingress-controller", Controller::F5Nginx),
            ("istio.io/gateway-controller", Controller::Istio),
            ("ingress.k8s.aws/alb", Controller::Alb),
            ("haproxy.org/ingress-controller", Controller::HaProxy),
            ("haproxy-ingress.github.io/controller", Controller::HaProxyIngress),
            ("projectcontour.io/ingress-controller", Controller::Contour),
            ("ingress-controllers.konghq.com/kong", Controller::Kong),
            ("apisix.apache.org/apisix-ingress-controller", Controller::Apisix),
            ("cilium.io/ingress-controller", Controller::Cilium),
            ("example.com/own", Controller::Unknown),
        ] {
            assert_eq!(Controller::of_controller_name(name), controller, "{name}");
        }
        assert_eq!(
            Controller::of_class_name("nginx"),
            Controller::Unknown,
            "two controllers use that name"
        );
        assert_eq!(Controller::of_class_name("gce"), Controller::Gce);
    }

    #[test]
    fn what_is_served_instead_depends_on_controller_and_route() {
        assert_eq!(
            Controller::IngressNginx.fallback(Kind::Ingress),
            Fallback::DefaultCertificate
        );
        assert_eq!(
            Controller::Traefik.fallback(Kind::IngressRoute),
            Fallback::DefaultCertificate
        );
        assert_eq!(
            Controller::Traefik.fallback(Kind::Gateway),
            Fallback::DefaultCertificate
        );
        assert_eq!(Controller::Istio.fallback(Kind::Gateway), Fallback::NoConnection);
        assert_eq!(Controller::F5Nginx.fallback(Kind::Ingress), Fallback::NoConnection);
        assert_eq!(Controller::Unknown.fallback(Kind::Ingress), Fallback::Unknown);
        assert!(!Controller::Unknown.picks_among_all() && Controller::Traefik.picks_among_all());
    }
}
