//! Who keeps a certificate that is in no Secret.

use crate::object::{Gateway, Kind, annotation, gateway::Listener};

use super::{Inventory, binding::Binding, controller::Controller, gateway::is_gateway};

/// The option by which VPC Lattice takes a certificate; what certificateRefs names beside it is filler
/// (aws-application-networking-k8s, docs/guides/https.md, v1.1).
const LATTICE_ARN: &str = "application-networking.k8s.aws/certificate-arn";

/// Who keeps the certificate of a route that has none in a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// Google's Certificate Manager, by the annotation `networking.gke.io/certmap` of the Gateway.
    GoogleCertificateManager,
    /// Google's load balancer: managed or uploaded certificates.
    Google,
    /// AWS's Certificate Manager: its load balancers and VPC Lattice read no Secret.
    Aws,
    /// The implementation, by the TLS options of the listener.
    Options,
    /// A certificate resolver of Traefik, which issues by itself.
    Resolver,
    /// The backend: TLS is passed through to it.
    Backend,
    /// The controller, by a rule of its own.
    Controller,
}

impl Inventory {
    /// Who keeps the certificates of a listener; `None` where they are in Secrets.
    pub(super) fn keeper_of(&self, gateway: &Gateway, listener: &Listener) -> Option<Keeper> {
        let class = self.gateway_classes.get(&gateway.class);
        let controller = class.map_or(Controller::Unknown, |c| Controller::of_controller_name(&c.controller));
        if controller == Controller::Alb || listener.options.iter().any(|key| key == LATTICE_ARN) {
            return Some(Keeper::Aws);
        }
        // Its listeners may name no certificate of their own (Google, "Secure a Gateway", certificate maps).
        if matches!(controller, Controller::Gce | Controller::Unknown)
            && gateway.meta.annotation(annotation::GKE_CERTMAP).is_some()
        {
            return Some(Keeper::GoogleCertificateManager);
        }
        if !listener.certificate_refs.is_empty() || listener.options.is_empty() {
            return None;
        }
        Some(if controller == Controller::Gce {
            Keeper::Google
        } else {
            Keeper::Options
        })
    }

    /// Who keeps the certificate of a binding whose certificate is in no Secret.
    pub fn keeper(&self, binding: &Binding) -> Keeper {
        let route = &binding.route;
        if is_gateway(route) {
            let kept = self.gateway_of(route).zip(self.listener(binding));
            let keeper = kept.and_then(|(gateway, listener)| self.keeper_of(gateway, listener));
            return keeper.unwrap_or(Keeper::Controller);
        }
        if route.kind.is_ingress_route() {
            let tls = self.ingress_route(route).and_then(|route| route.tls.as_ref());
            return match tls {
                Some(tls) if tls.resolver.is_some() => Keeper::Resolver,
                _ => Keeper::Controller,
            };
        }
        let annotated = |key| {
            self.route_meta(route)
                .is_some_and(|meta| meta.annotation(key).is_some())
        };
        let ingress = self.ingress_of(route);
        match self.controller(route) {
            Controller::Alb => Keeper::Aws,
            _ if route.kind != Kind::Ingress => Keeper::Controller,
            _ if ingress.is_some_and(|ingress| self.behind(ingress).passes_through(ingress)) => Keeper::Backend,
            _ if annotated(annotation::GKE_MANAGED) || annotated(annotation::GCP_PRE_SHARED) => Keeper::Google,
            _ if annotated(annotation::ALB_CERTIFICATE) => Keeper::Aws,
            _ if self.issues_by_resolver(binding) => Keeper::Resolver,
            _ => Keeper::Controller,
        }
    }
}
