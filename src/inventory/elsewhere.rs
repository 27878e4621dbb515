//! Who keeps a certificate that is in no Secret.

use crate::object::{Gateway, annotation, gateway::Listener};

use super::{Inventory, binding::Binding, controller::Controller, view::RouteView};

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
        let controller = self.controller_of_gateway(gateway);
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
        let view = self.view(&binding.route);
        view.map_or(Keeper::Controller, |view| view.keeper(self, binding))
    }
}
