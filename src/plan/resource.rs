//! The kinds of objects that are written or asked for by name: where the API serves them.

use std::fmt;

/// One kind at one version of its API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource {
    /// The API's group; empty for the core group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The plural name, as paths and rights have it.
    pub plural: &'static str,
    /// The kind, as manifests have it.
    pub kind: &'static str,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
}

impl Resource {
    /// A kind whose objects live in a namespace.
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Self {
        Self {
            group,
            version,
            plural,
            kind,
            namespaced: true,
        }
    }

    /// The same kind, without namespaces.
    #[must_use]
    pub const fn cluster_wide(mut self) -> Self {
        self.namespaced = false;
        self
    }

    /// `apiVersion`, as manifests have it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for Resource {
    /// `secrets`, `ingresses.networking.k8s.io`: as `kubectl auth can-i` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.group)
        }
    }
}

const NETWORKING: &str = "networking.k8s.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const CERT_MANAGER: &str = "cert-manager.io";
const ACME_CERT_MANAGER: &str = "acme.cert-manager.io";

/// v1 Secret.
pub const SECRET: Resource = Resource::new("", "v1", "secrets", "Secret");
/// v1 `ConfigMap`.
pub const CONFIGMAP: Resource = Resource::new("", "v1", "configmaps", "ConfigMap");
/// v1 Pod.
pub const POD: Resource = Resource::new("", "v1", "pods", "Pod");
/// v1 Service.
pub const SERVICE: Resource = Resource::new("", "v1", "services", "Service");
/// v1 Node.
pub const NODE: Resource = Resource::new("", "v1", "nodes", "Node").cluster_wide();
/// v1 `ServiceAccount`.
pub const SERVICEACCOUNT: Resource = Resource::new("", "v1", "serviceaccounts", "ServiceAccount");
/// v1 Namespace.
pub const NAMESPACE: Resource = Resource::new("", "v1", "namespaces", "Namespace").cluster_wide();
/// v1 Event; what `kubectl describe` reads.
pub const EVENT: Resource = Resource::new("", "v1", "events", "Event");
/// apps/v1 Deployment.
pub const DEPLOYMENT: Resource = Resource::new("apps", "v1", "deployments", "Deployment");
/// apps/v1 `StatefulSet`.
pub const STATEFULSET: Resource = Resource::new("apps", "v1", "statefulsets", "StatefulSet");
/// apps/v1 `DaemonSet`.
pub const DAEMONSET: Resource = Resource::new("apps", "v1", "daemonsets", "DaemonSet");
/// apps/v1 `ReplicaSet`.
pub const REPLICASET: Resource = Resource::new("apps", "v1", "replicasets", "ReplicaSet");
/// batch/v1 Job.
pub const JOB: Resource = Resource::new("batch", "v1", "jobs", "Job");
/// coordination.k8s.io/v1 Lease.
pub const LEASE: Resource = Resource::new("coordination.k8s.io", "v1", "leases", "Lease");
/// discovery.k8s.io/v1 `EndpointSlice`.
pub const ENDPOINTSLICE: Resource = Resource::new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// networking.k8s.io/v1 Ingress.
pub const INGRESS: Resource = Resource::new(NETWORKING, "v1", "ingresses", "Ingress");
/// networking.k8s.io/v1 `IngressClass`.
pub const INGRESSCLASS: Resource = Resource::new(NETWORKING, "v1", "ingressclasses", "IngressClass").cluster_wide();
/// gateway.networking.k8s.io/v1 Gateway.
pub const GATEWAY: Resource = Resource::new(GATEWAY_API, "v1", "gateways", "Gateway");
/// gateway.networking.k8s.io/v1 `HTTPRoute`.
pub const HTTPROUTE: Resource = Resource::new(GATEWAY_API, "v1", "httproutes", "HTTPRoute");
/// gateway.networking.k8s.io/v1beta1 `ReferenceGrant`.
pub const REFERENCEGRANT: Resource = Resource::new(GATEWAY_API, "v1beta1", "referencegrants", "ReferenceGrant");
/// traefik.io/v1alpha1 `IngressRoute`.
pub const INGRESSROUTE: Resource = Resource::new("traefik.io", "v1alpha1", "ingressroutes", "IngressRoute");
/// traefik.io/v1alpha1 `IngressRouteTCP`.
pub const INGRESSROUTETCP: Resource = Resource::new("traefik.io", "v1alpha1", "ingressroutetcps", "IngressRouteTCP");
/// cert-manager.io/v1 Certificate.
pub const CERTIFICATE: Resource = Resource::new(CERT_MANAGER, "v1", "certificates", "Certificate");
/// cert-manager.io/v1 `CertificateRequest`.
pub const CERTIFICATEREQUEST: Resource = Resource::new(CERT_MANAGER, "v1", "certificaterequests", "CertificateRequest");
/// acme.cert-manager.io/v1 Order.
pub const ORDER: Resource = Resource::new(ACME_CERT_MANAGER, "v1", "orders", "Order");
/// acme.cert-manager.io/v1 Challenge.
pub const CHALLENGE: Resource = Resource::new(ACME_CERT_MANAGER, "v1", "challenges", "Challenge");
