//! The group, version and plural of a kind in the API. The register has the other properties of kinds that are read.

use std::fmt;

use super::Kind;

/// One kind at one version of its API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource {
    /// The API's group; empty for the core group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The plural in API paths and in rights.
    pub plural: &'static str,
    /// The kind as manifests spell it.
    pub kind: &'static str,
    /// Whether objects of the kind have a namespace.
    pub namespaced: bool,
}

impl Resource {
    /// A kind whose objects have a namespace.
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

    /// The beginning of its API paths: `/api/v1`, `/apis/apps/v1`.
    pub fn root(&self) -> String {
        let Self { group, version, .. } = self;
        if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        }
    }

    /// Its `apiVersion` in manifests.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for Resource {
    /// Writes the form that `kubectl auth can-i` accepts: `secrets`, `ingresses.networking.k8s.io`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.group)
        }
    }
}

/// v1 Secret.
pub const SECRET: Resource = Kind::Secret.resource();
/// v1 `ConfigMap`.
pub const CONFIGMAP: Resource = Resource::new("", "v1", "configmaps", "ConfigMap");
/// v1 Pod.
pub const POD: Resource = Kind::Pod.resource();
/// v1 Service.
pub const SERVICE: Resource = Kind::Service.resource();
/// v1 Node.
pub const NODE: Resource = Resource::new("", "v1", "nodes", "Node").cluster_wide();
/// v1 Namespace.
pub const NAMESPACE: Resource = Kind::Namespace.resource();
/// v1 Event, which `kubectl describe` reads.
pub const EVENT: Resource = Resource::new("", "v1", "events", "Event");
/// apps/v1 Deployment.
pub const DEPLOYMENT: Resource = Kind::Deployment.resource();
/// apps/v1 `StatefulSet`.
pub const STATEFULSET: Resource = Kind::StatefulSet.resource();
/// apps/v1 `DaemonSet`.
pub const DAEMONSET: Resource = Kind::DaemonSet.resource();
/// v1 `ReplicationController`.
pub const REPLICATIONCONTROLLER: Resource = Kind::ReplicationController.resource();
/// batch/v1 Job.
pub const JOB: Resource = Kind::Job.resource();
/// batch/v1 `CronJob`.
pub const CRONJOB: Resource = Kind::CronJob.resource();
/// v1 `ServiceAccount`.
pub const SERVICEACCOUNT: Resource = Kind::ServiceAccount.resource();
/// rbac.authorization.k8s.io/v1 Role.
pub const ROLE: Resource = Resource::new("rbac.authorization.k8s.io", "v1", "roles", "Role");
/// rbac.authorization.k8s.io/v1 `RoleBinding`.
pub const ROLEBINDING: Resource = Resource::new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding");
/// rbac.authorization.k8s.io/v1 `ClusterRole`.
pub const CLUSTERROLE: Resource =
    Resource::new("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole").cluster_wide();
/// rbac.authorization.k8s.io/v1 `ClusterRoleBinding`.
pub const CLUSTERROLEBINDING: Resource = Resource::new(
    "rbac.authorization.k8s.io",
    "v1",
    "clusterrolebindings",
    "ClusterRoleBinding",
)
.cluster_wide();
/// policy/v1 `PodDisruptionBudget`.
pub const PODDISRUPTIONBUDGET: Resource = Resource::new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget");
/// networking.k8s.io/v1 `NetworkPolicy`.
pub const NETWORKPOLICY: Resource = Resource::new("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy");
/// admissionregistration.k8s.io/v1 `ValidatingAdmissionPolicy`.
pub const ADMISSIONPOLICY: Resource = Resource::new(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
)
.cluster_wide();
/// admissionregistration.k8s.io/v1 `ValidatingAdmissionPolicyBinding`.
pub const ADMISSIONPOLICYBINDING: Resource = Resource::new(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
)
.cluster_wide();
/// monitoring.coreos.com/v1 `ServiceMonitor`, of the Prometheus operator.
pub const SERVICEMONITOR: Resource = Resource::new("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor");
/// coordination.k8s.io/v1 Lease.
pub const LEASE: Resource = Resource::new("coordination.k8s.io", "v1", "leases", "Lease");
/// discovery.k8s.io/v1 `EndpointSlice`.
pub const ENDPOINTSLICE: Resource = Resource::new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// apiextensions.k8s.io/v1 `CustomResourceDefinition`.
pub const CUSTOMRESOURCEDEFINITION: Resource = Resource::new(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
)
.cluster_wide();
/// kubectl-certs.io/v1 Domain: a customer's own domain.
pub const DOMAIN: Resource = Kind::Domain.resource();
/// networking.k8s.io/v1 Ingress.
pub const INGRESS: Resource = Kind::Ingress.resource();
/// gateway.networking.k8s.io/v1 Gateway.
pub const GATEWAY: Resource = Kind::Gateway.resource();
/// gateway.networking.k8s.io `ListenerSet`.
pub const LISTENERSET: Resource = Kind::ListenerSet.resource();
/// gateway.networking.k8s.io/v1 `HTTPRoute`.
pub const HTTPROUTE: Resource = Kind::HttpRoute.resource();
/// traefik.io/v1alpha1 `IngressRoute`.
pub const INGRESSROUTE: Resource = Kind::IngressRoute.resource();
/// cert-manager.io/v1 Certificate.
pub const CERTIFICATE: Resource = Kind::Certificate.resource();
/// cert-manager.io/v1 `CertificateRequest`.
pub const CERTIFICATEREQUEST: Resource = Kind::CertificateRequest.resource();
/// acme.cert-manager.io/v1 Order.
pub const ORDER: Resource = Kind::Order.resource();
/// acme.cert-manager.io/v1 Challenge.
pub const CHALLENGE: Resource = Kind::Challenge.resource();
