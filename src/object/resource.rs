//! The register of kinds: where the API serves each, how users write it, and what it is to this program.
//!
//! Everything that is known of a kind as such stands here once. What its objects hold is in its view, beside this file; how they are
//! read is in `source::form`.

use std::fmt;

use super::Kind;

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

    /// What the paths of its API begin with: `/api/v1`, `/apis/apps/v1`.
    pub fn root(&self) -> String {
        let Self { group, version, .. } = self;
        if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        }
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

/// What a kind is to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its objects say which hosts are served, and with which Secrets. Labels choose among them; without them hosts are missing.
    Route,
    /// A route of the Gateway API, which attaches to the listeners of others and narrows their hosts.
    Attached,
    /// A choice of certificates that no host is named for: Traefik's stores.
    Store,
    /// It says which server reads the routes of a class.
    Class,
    /// It allows references into its namespace.
    Grant,
    /// It holds certificates and keys.
    Secret,
    /// It says how a certificate is issued, and into which Secret: cert-manager's.
    Issuing,
    /// How far an issuance of cert-manager's is.
    Request,
    /// Its objects use Secrets by name in their own namespace.
    Consumer,
    /// It is read where another kind depends on it.
    Surroundings,
}

/// What is known of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// The kind as manifests spell it.
    pub name: &'static str,
    /// The name of one object, as kubectl writes it.
    pub singular: &'static str,
    /// The plural, lower-case name that RBAC rules and API paths use.
    pub plural: &'static str,
    /// What kubectl's users type for short.
    pub short: &'static [&'static str],
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// A group that manifests may still have it in, with the same fields.
    pub once: Option<&'static str>,
    /// The versions that are known, newest first. What another group serves are other objects, and another kind.
    pub versions: &'static [&'static str],
    /// Whether manifests of other versions are not read: their fields may differ.
    pub exact: bool,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether others use the same name for kinds of their own (Istio has Gateways, Knative has Certificates), so that kubectl needs
    /// the group.
    pub shared: bool,
    /// What it is for.
    pub role: Role,
}

const NETWORKING: &str = "networking.k8s.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const TRAEFIK: &str = "traefik.io";
/// The group that Traefik read up to version 2.
const OLD_TRAEFIK: &str = "traefik.containo.us";
const CERT_MANAGER: &str = "cert-manager.io";
const ACME: &str = "acme.cert-manager.io";

/// All kinds, in their order.
// A table: a line a kind.
#[rustfmt::skip]
pub const KINDS: [Row; 33] = [
    row(Kind::Ingress, ["Ingress", "ingress", "ingresses"], NETWORKING, &["v1"], Role::Route).short(&["ing"]).once("extensions"),
    row(Kind::IngressClass, ["IngressClass", "ingressclass", "ingressclasses"], NETWORKING, &["v1"], Role::Class).wide(),
    row(Kind::Gateway, ["Gateway", "gateway", "gateways"], GATEWAY_API, &["v1", "v1beta1"], Role::Route).short(&["gtw"]).shared(),
    row(Kind::GatewayClass, ["GatewayClass", "gatewayclass", "gatewayclasses"], GATEWAY_API, &["v1", "v1beta1"], Role::Class).wide(),
    row(Kind::ListenerSet, ["ListenerSet", "listenerset", "listenersets"], GATEWAY_API, &["v1"], Role::Route).short(&["lset"]),
    row(Kind::XListenerSet, ["XListenerSet", "xlistenerset", "xlistenersets"], "gateway.networking.x-k8s.io", &["v1alpha1"], Role::Route),
    row(Kind::HttpRoute, ["HTTPRoute", "httproute", "httproutes"], GATEWAY_API, &["v1", "v1beta1"], Role::Attached),
    row(Kind::GrpcRoute, ["GRPCRoute", "grpcroute", "grpcroutes"], GATEWAY_API, &["v1", "v1alpha2"], Role::Attached),
    row(Kind::TlsRoute, ["TLSRoute", "tlsroute", "tlsroutes"], GATEWAY_API, &["v1", "v1alpha3", "v1alpha2"], Role::Attached),
    row(Kind::ReferenceGrant, ["ReferenceGrant", "referencegrant", "referencegrants"], GATEWAY_API, &["v1", "v1beta1"], Role::Grant),
    row(Kind::IngressRoute, ["IngressRoute", "ingressroute", "ingressroutes"], TRAEFIK, &["v1alpha1"], Role::Route).shared().exact(),
    row(Kind::OldIngressRoute, ["IngressRoute", "ingressroute", "ingressroutes"], OLD_TRAEFIK, &["v1alpha1"], Role::Route).shared().exact(),
    row(Kind::IngressRouteTcp, ["IngressRouteTCP", "ingressroutetcp", "ingressroutetcps"], TRAEFIK, &["v1alpha1"], Role::Route).shared().exact(),
    row(Kind::OldIngressRouteTcp, ["IngressRouteTCP", "ingressroutetcp", "ingressroutetcps"], OLD_TRAEFIK, &["v1alpha1"], Role::Route).shared().exact(),
    row(Kind::TlsStore, ["TLSStore", "tlsstore", "tlsstores"], TRAEFIK, &["v1alpha1"], Role::Store).shared().exact(),
    row(Kind::OldTlsStore, ["TLSStore", "tlsstore", "tlsstores"], OLD_TRAEFIK, &["v1alpha1"], Role::Store).shared().exact(),
    row(Kind::Secret, ["Secret", "secret", "secrets"], "", &["v1"], Role::Secret).exact(),
    row(Kind::Certificate, ["Certificate", "certificate", "certificates"], CERT_MANAGER, &["v1"], Role::Issuing).short(&["cert"]).shared(),
    row(Kind::CertificateRequest, ["CertificateRequest", "certificaterequest", "certificaterequests"], CERT_MANAGER, &["v1"], Role::Request).shared(),
    row(Kind::Issuer, ["Issuer", "issuer", "issuers"], CERT_MANAGER, &["v1"], Role::Issuing).shared(),
    row(Kind::ClusterIssuer, ["ClusterIssuer", "clusterissuer", "clusterissuers"], CERT_MANAGER, &["v1"], Role::Issuing).shared().wide(),
    row(Kind::Order, ["Order", "order", "orders"], ACME, &["v1"], Role::Request).shared(),
    row(Kind::Challenge, ["Challenge", "challenge", "challenges"], ACME, &["v1"], Role::Request).shared(),
    row(Kind::Namespace, ["Namespace", "namespace", "namespaces"], "", &["v1"], Role::Surroundings).wide().exact(),
    row(Kind::Service, ["Service", "service", "services"], "", &["v1"], Role::Surroundings).exact(),
    row(Kind::Pod, ["Pod", "pod", "pods"], "", &["v1"], Role::Consumer).exact(),
    row(Kind::ReplicationController, ["ReplicationController", "replicationcontroller", "replicationcontrollers"], "", &["v1"], Role::Consumer).exact(),
    row(Kind::Deployment, ["Deployment", "deployment", "deployments"], "apps", &["v1"], Role::Consumer).once("extensions"),
    row(Kind::StatefulSet, ["StatefulSet", "statefulset", "statefulsets"], "apps", &["v1"], Role::Consumer),
    row(Kind::DaemonSet, ["DaemonSet", "daemonset", "daemonsets"], "apps", &["v1"], Role::Consumer).once("extensions"),
    row(Kind::Job, ["Job", "job", "jobs"], "batch", &["v1"], Role::Consumer),
    row(Kind::CronJob, ["CronJob", "cronjob", "cronjobs"], "batch", &["v1"], Role::Consumer),
    row(Kind::ServiceAccount, ["ServiceAccount", "serviceaccount", "serviceaccounts"], "", &["v1"], Role::Consumer).exact(),
];

/// The kinds of some roles: role after role, in the register's order.
///
/// # Panics
///
/// When their number is not that of the array: it is called in constants, so that it does not compile then.
pub const fn of_roles<const N: usize>(roles: &[Role]) -> [Kind; N] {
    let mut found = [Kind::Ingress; N];
    let (mut count, mut role) = (0, 0);
    while role < roles.len() {
        let mut at = 0;
        while at < KINDS.len() {
            if KINDS[at].role as u8 == roles[role] as u8 {
                found[count] = KINDS[at].kind;
                count += 1;
            }
            at += 1;
        }
        role += 1;
    }
    assert!(count == N, "so many kinds have these roles");
    found
}

/// A kind whose objects live in a namespace: its name, singular and plural, its group, and its versions, newest first.
const fn row(
    kind: Kind,
    [name, singular, plural]: [&'static str; 3],
    group: &'static str,
    versions: &'static [&'static str],
    role: Role,
) -> Row {
    Row {
        kind,
        name,
        singular,
        plural,
        short: &[],
        group,
        once: None,
        versions,
        exact: false,
        namespaced: true,
        shared: false,
        role,
    }
}

impl Row {
    const fn short(mut self, words: &'static [&'static str]) -> Self {
        self.short = words;
        self
    }

    const fn once(mut self, group: &'static str) -> Self {
        self.once = Some(group);
        self
    }

    const fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    const fn wide(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Whether every cluster serves the kind; the others are custom resources, which have no protobuf.
    pub fn is_built_in(&self) -> bool {
        !self.group.contains('.') || self.group == NETWORKING
    }

    /// The kind at one of its versions.
    const fn at(&self, version: &'static str) -> Resource {
        let mut resource = Resource::new(self.group, version, self.plural, self.name);
        resource.namespaced = self.namespaced;
        resource
    }

    /// The kind at each of its versions, newest first.
    pub fn resources(&self) -> impl Iterator<Item = Resource> + use<> {
        let row = *self;
        row.versions.iter().map(move |version| row.at(version))
    }

    /// The name that kubectl takes it by: with its group where others use the same name.
    pub fn kubectl_name(&self) -> String {
        if self.shared {
            self.full_name()
        } else {
            self.singular.to_owned()
        }
    }

    /// The name with its group, unless that is the core group: `ingress.networking.k8s.io`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() {
            self.singular.to_owned()
        } else {
            format!("{}.{}", self.singular, self.group)
        }
    }

    fn is_called(&self, word: &str) -> bool {
        word == self.singular || word == self.plural || self.short.contains(&word)
    }
}

impl Kind {
    /// What is known of it.
    pub const fn row(self) -> &'static Row {
        &KINDS[self as usize]
    }

    /// Where the API serves it, at its newest version.
    pub const fn resource(self) -> Resource {
        let row = self.row();
        row.at(row.versions[0])
    }

    /// The routes of the Gateway API, which attach to listeners.
    pub const ATTACHED: [Self; 3] = of_roles(&[Role::Attached]);
    /// The kinds whose objects use Secrets by name in their own namespace.
    pub const CONSUMERS: [Self; 8] = of_roles(&[Role::Consumer]);

    /// The kind that `apiVersion` and `kind` of a manifest name; `None` for one that is not read. Any version of a group is taken whose
    /// fields are the same as far as they are used.
    pub fn of_manifest(api_version: &str, name: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is = |row: &&Row| {
            let of_group = row.group == group || row.once.is_some_and(|once| once == group);
            row.name == name && of_group && (!row.exact || row.versions.contains(&version))
        };
        KINDS.iter().find(is).map(|row| row.kind)
    }

    /// The kind that kubectl's users write so: `ing`, `ingresses.networking.k8s.io`, in any case. Of several with one name, the first, unless
    /// the group says which.
    pub fn named(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        let (word, group) = lower.split_once('.').unwrap_or((&lower, ""));
        let called = || KINDS.iter().filter(|row| row.is_called(word));
        // A version may stand before the group: `ingressroutes.v1alpha1.traefik.io`.
        let of_group = called().find(|row| !row.group.is_empty() && group.ends_with(row.group));
        of_group.or_else(|| called().next()).map(|row| row.kind)
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
/// v1 `ServiceAccount`.
pub const SERVICEACCOUNT: Resource = Kind::ServiceAccount.resource();
/// v1 Namespace.
pub const NAMESPACE: Resource = Kind::Namespace.resource();
/// v1 Event; what `kubectl describe` reads.
pub const EVENT: Resource = Resource::new("", "v1", "events", "Event");
/// apps/v1 Deployment.
pub const DEPLOYMENT: Resource = Kind::Deployment.resource();
/// apps/v1 `StatefulSet`.
pub const STATEFULSET: Resource = Kind::StatefulSet.resource();
/// apps/v1 `DaemonSet`.
pub const DAEMONSET: Resource = Kind::DaemonSet.resource();
/// apps/v1 `ReplicaSet`.
pub const REPLICASET: Resource = Resource::new("apps", "v1", "replicasets", "ReplicaSet");
/// batch/v1 Job.
pub const JOB: Resource = Kind::Job.resource();
/// coordination.k8s.io/v1 Lease.
pub const LEASE: Resource = Resource::new("coordination.k8s.io", "v1", "leases", "Lease");
/// discovery.k8s.io/v1 `EndpointSlice`.
pub const ENDPOINTSLICE: Resource = Resource::new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// networking.k8s.io/v1 Ingress.
pub const INGRESS: Resource = Kind::Ingress.resource();
/// gateway.networking.k8s.io/v1 Gateway.
pub const GATEWAY: Resource = Kind::Gateway.resource();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_at_its_place() {
        for (at, row) in KINDS.iter().enumerate() {
            assert_eq!(row.kind as usize, at, "{}", row.name);
            assert_eq!(row.singular, row.name.to_ascii_lowercase());
            assert!(
                row.plural.starts_with(&row.singular[..row.singular.len() - 1]),
                "{}",
                row.plural
            );
            assert!(!row.versions.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn a_kind_is_known_by_what_manifests_and_users_write() {
        for (api_version, name, kind) in [
            ("networking.k8s.io/v1", "Ingress", Some(Kind::Ingress)),
            ("extensions/v1beta1", "Ingress", Some(Kind::Ingress)),
            ("extensions/v1beta1", "IngressClass", None),
            ("gateway.networking.k8s.io/v1beta1", "Gateway", Some(Kind::Gateway)),
            ("networking.istio.io/v1", "Gateway", None),
            (
                "traefik.containo.us/v1alpha1",
                "IngressRoute",
                Some(Kind::OldIngressRoute),
            ),
            ("traefik.io/v1", "IngressRoute", None),
            ("v1", "Secret", Some(Kind::Secret)),
            ("v2", "Secret", None),
        ] {
            assert_eq!(Kind::of_manifest(api_version, name), kind, "{api_version} {name}");
        }
        for (word, kind) in [
            ("ing", Some(Kind::Ingress)),
            ("Ingresses.networking.k8s.io", Some(Kind::Ingress)),
            ("gtw", Some(Kind::Gateway)),
            ("xlistenersets", Some(Kind::XListenerSet)),
            ("ingressroute", Some(Kind::IngressRoute)),
            (
                "ingressroutes.v1alpha1.traefik.containo.us",
                Some(Kind::OldIngressRoute),
            ),
            ("cert", Some(Kind::Certificate)),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(Kind::named(word), kind, "{word}");
        }
        assert_eq!(Kind::OldTlsStore.row().kubectl_name(), "tlsstore.traefik.containo.us");
        assert_eq!(Kind::Ingress.row().kubectl_name(), "ingress");
    }
}
