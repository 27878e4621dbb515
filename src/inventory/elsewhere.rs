//! Where a certificate is kept that is not in a Secret.

use crate::object::{Gateway, annotation, gateway::Listener};

use super::{Inventory, binding::Binding, controller::Controller, view::RouteView};

/// The TLS option by which VPC Lattice takes a certificate. The certificateRefs beside it are placeholders
/// (aws-application-networking-k8s, docs/guides/https.md, v1.1).
const LATTICE_ARN: &str = "application-networking.k8s.aws/certificate-arn";

/// The keeper of a certificate that is not in a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// Google's Certificate Manager, which the annotation `networking.gke.io/certmap` of the Gateway selects.
    GoogleCertificateManager,
    /// Google's load balancer, with managed or uploaded certificates.
    Google,
    /// AWS's Certificate Manager: AWS's load balancers and VPC Lattice read no Secret.
    Aws,
    /// The implementation of the Gateway, by the TLS options of the listener.
    Options,
    /// A certificate resolver of Traefik, which issues certificates itself.
    Resolver,
    /// The backend, to which TLS is passed through.
    Backend,
    /// The controller, by its own rules.
    Controller,
}

impl Inventory {
    /// The keeper of the certificates of a listener; `None` if they are in Secrets.
    pub(super) fn keeper_of(&self, gateway: &Gateway, listener: &Listener) -> Option<Keeper> {
        let controller = self.controller_of_gateway(gateway);
        if controller == Controller::Alb || listener.options.iter().any(|key| key == LATTICE_ARN) {
            return Some(Keeper::Aws);
        }
        // With a certificate map, the listeners need not name certificates (Google, "Secure a Gateway", certificate
        // maps).
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

    /// The keeper of the certificate of a binding whose certificate is not in a Secret.
    pub fn keeper(&self, binding: &Binding) -> Keeper {
        let view = self.view(&binding.route);
        view.map_or(Keeper::Controller, |view| view.keeper(self, binding))
    }
}
