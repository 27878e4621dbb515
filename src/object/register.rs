//! The register of kinds: where the API serves each kind, how users write it, and what it means to this program.
//!
//! Everything that is known of a kind as such is here. The content of its objects is in its view, beside this file, and
//! the code that reads them is in `source::form`.

use super::{
    resource::Resource,
    route::{Fields, RouteFacts, Shape, StatusFields},
};

/// What a kind means to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its objects name the hosts that are served, and their Secrets. A label selector applies to them. Hosts are
    /// missing if they cannot be read.
    Route,
    /// A route of the Gateway API, which attaches to listeners of other objects and narrows their hosts.
    Attached,
    /// A set of certificates without hosts: Traefik's stores.
    Store,
    /// It says which controller serves the routes of a class.
    Class,
    /// It permits references into its namespace.
    Grant,
    /// It holds certificates and keys.
    Secret,
    /// It says how a certificate is issued, and into which Secret: kinds of cert-manager.
    Issuing,
    /// The progress of an issuance by cert-manager.
    Request,
    /// Its objects use Secrets by name in their own namespace.
    Consumer,
    /// It is read if another kind depends on it.
    Surroundings,
}

/// The properties of one kind.
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
    /// The abbreviations that kubectl accepts.
    pub short: &'static [&'static str],
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// An older API group in which manifests may still have the kind, with the same fields.
    pub once: Option<&'static str>,
    /// The known versions, newest first. Objects of the same kind in another group are a kind of their own.
    pub versions: &'static [&'static str],
    /// Whether manifests of other versions are not read, because their fields may differ.
    pub exact: bool,
    /// Whether objects of the kind have a namespace.
    pub namespaced: bool,
    /// Whether other projects have kinds of the same name (Istio has Gateways, Knative has Certificates), so that
    /// kubectl needs the group.
    pub shared: bool,
    /// For a kind under a previous name or group: the kind that replaced it. The objects of the two are different
    /// objects.
    pub before: Option<Kind>,
    /// What the kind means to this program.
    pub role: Role,
    /// The properties of a kind of route; `None` for all others.
    pub route: Option<&'static RouteFacts>,
}

const NETWORKING: &str = "networking.k8s.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const TRAEFIK: &str = "traefik.io";
/// The API group that Traefik up to version 2 read.
const OLD_TRAEFIK: &str = "traefik.containo.us";
const CERT_MANAGER: &str = "cert-manager.io";
const ACME: &str = "acme.cert-manager.io";
/// This program's own group.
pub const OWN_GROUP: &str = "kubectl-certs.io";

/// The facts of Ingress.
const INGRESS: RouteFacts = RouteFacts {
    shape: Shape::Entries,
    secret_field: "spec.tls[].secretName",
    controller: None,
    shimmed: true,
    challenge: Some(Kind::Ingress),
};

/// The facts of Gateway and its sets of additional listeners.
const LISTENERS: RouteFacts = RouteFacts {
    shape: Shape::Listeners,
    secret_field: "tls.certificateRefs",
    controller: None,
    shimmed: true,
    challenge: Some(Kind::HttpRoute),
};

/// The facts of Traefik's own routes.
const INGRESS_ROUTE: RouteFacts = RouteFacts {
    shape: Shape::Hosts,
    secret_field: "tls.secretName",
    controller: Some("traefik.io/ingress-controller"),
    shimmed: false,
    challenge: Some(Kind::IngressRoute),
};

/// The facts of the domains of customers. What leads requests for them is another route, or the customers' own proxy.
const DOMAIN: RouteFacts = RouteFacts {
    shape: Shape::Fields(Fields {
        hosts: &["spec.host"],
        secret: "spec.secretName",
        namespace: None,
        passthrough: None,
        status: Some(StatusFields {
            permitted: "status.permitted",
            proof: "status.proof",
            traffic: "status.traffic",
        }),
    }),
    secret_field: "spec.secretName",
    controller: None,
    shimmed: false,
    challenge: Some(Kind::Ingress),
};

/// Generates [`Kind`] and [`KINDS`] from the lines of the register.
macro_rules! register {
    ($($(#[$doc:meta])* $kind:ident => $row:expr;)*) => {
        /// The kinds that are read, in the order in which reports list them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        /// All kinds in the order of the register.
        pub const KINDS: [Row; [$(Kind::$kind),*].len()] = [$($row.of(Kind::$kind)),*];
    };
}

register! {
    /// networking.k8s.io/v1 Ingress (extensions/v1beta1 and networking.k8s.io/v1beta1 in manifests).
    Ingress => row(["Ingress", "ingress", "ingresses"], NETWORKING, &["v1"], Role::Route).route(&INGRESS).short(&["ing"]).once("extensions");
    /// networking.k8s.io/v1 `IngressClass`.
    IngressClass => row(["IngressClass", "ingressclass", "ingressclasses"], NETWORKING, &["v1"], Role::Class).wide();
    /// gateway.networking.k8s.io Gateway.
    Gateway => row(["Gateway", "gateway", "gateways"], GATEWAY_API, &["v1", "v1beta1"], Role::Route).route(&LISTENERS).short(&["gtw"]).shared();
    /// gateway.networking.k8s.io `GatewayClass`.
    GatewayClass => row(["GatewayClass", "gatewayclass", "gatewayclasses"], GATEWAY_API, &["v1", "v1beta1"], Role::Class).wide();
    /// gateway.networking.k8s.io `ListenerSet`.
    ListenerSet => row(["ListenerSet", "listenerset", "listenersets"], GATEWAY_API, &["v1"], Role::Route).route(&LISTENERS).short(&["lset"]);
    /// gateway.networking.x-k8s.io `XListenerSet`, the experimental predecessor of `ListenerSet`. It is a different
    /// object from a `ListenerSet` of the same name.
    XListenerSet => row(["XListenerSet", "xlistenerset", "xlistenersets"], "gateway.networking.x-k8s.io", &["v1alpha1"], Role::Route).route(&LISTENERS).before(Kind::ListenerSet);
    /// gateway.networking.k8s.io `HTTPRoute`.
    HttpRoute => row(["HTTPRoute", "httproute", "httproutes"], GATEWAY_API, &["v1", "v1beta1"], Role::Attached);
    /// gateway.networking.k8s.io `GRPCRoute`.
    GrpcRoute => row(["GRPCRoute", "grpcroute", "grpcroutes"], GATEWAY_API, &["v1", "v1alpha2"], Role::Attached);
    /// gateway.networking.k8s.io `TLSRoute`.
    TlsRoute => row(["TLSRoute", "tlsroute", "tlsroutes"], GATEWAY_API, &["v1", "v1alpha3", "v1alpha2"], Role::Attached);
    /// gateway.networking.k8s.io `ReferenceGrant`.
    ReferenceGrant => row(["ReferenceGrant", "referencegrant", "referencegrants"], GATEWAY_API, &["v1", "v1beta1"], Role::Grant);
    /// traefik.io/v1alpha1 `IngressRoute`.
    IngressRoute => row(["IngressRoute", "ingressroute", "ingressroutes"], TRAEFIK, &["v1alpha1"], Role::Route).route(&INGRESS_ROUTE).shared().exact();
    /// traefik.containo.us/v1alpha1 `IngressRoute`, which Traefik up to version 2 read. It is a different object from a
    /// traefik.io `IngressRoute` of the same name.
    OldIngressRoute => row(["IngressRoute", "ingressroute", "ingressroutes"], OLD_TRAEFIK, &["v1alpha1"], Role::Route).route(&INGRESS_ROUTE).shared().exact().before(Kind::IngressRoute);
    /// traefik.io/v1alpha1 `IngressRouteTCP`.
    IngressRouteTcp => row(["IngressRouteTCP", "ingressroutetcp", "ingressroutetcps"], TRAEFIK, &["v1alpha1"], Role::Route).route(&INGRESS_ROUTE).shared().exact();
    /// traefik.containo.us/v1alpha1 `IngressRouteTCP`.
    OldIngressRouteTcp => row(["IngressRouteTCP", "ingressroutetcp", "ingressroutetcps"], OLD_TRAEFIK, &["v1alpha1"], Role::Route).route(&INGRESS_ROUTE).shared().exact().before(Kind::IngressRouteTcp);
    /// kubectl-certs.io/v1 `Domain`: a host of a customer, which an application may refuse.
    Domain => row(["Domain", "domain", "domains"], OWN_GROUP, &["v1"], Role::Route).route(&DOMAIN).shared();
    /// traefik.io/v1alpha1 `TLSStore`.
    TlsStore => row(["TLSStore", "tlsstore", "tlsstores"], TRAEFIK, &["v1alpha1"], Role::Store).shared().exact();
    /// traefik.containo.us/v1alpha1 `TLSStore`.
    OldTlsStore => row(["TLSStore", "tlsstore", "tlsstores"], OLD_TRAEFIK, &["v1alpha1"], Role::Store).shared().exact().before(Kind::TlsStore);
    /// v1 Secret.
    Secret => row(["Secret", "secret", "secrets"], "", &["v1"], Role::Secret).exact();
    /// cert-manager.io/v1 Certificate.
    Certificate => row(["Certificate", "certificate", "certificates"], CERT_MANAGER, &["v1"], Role::Issuing).short(&["cert"]).shared();
    /// cert-manager.io/v1 `CertificateRequest`.
    CertificateRequest => row(["CertificateRequest", "certificaterequest", "certificaterequests"], CERT_MANAGER, &["v1"], Role::Request).shared();
    /// cert-manager.io/v1 Issuer.
    Issuer => row(["Issuer", "issuer", "issuers"], CERT_MANAGER, &["v1"], Role::Issuing).shared();
    /// cert-manager.io/v1 `ClusterIssuer`.
    ClusterIssuer => row(["ClusterIssuer", "clusterissuer", "clusterissuers"], CERT_MANAGER, &["v1"], Role::Issuing).shared().wide();
    /// acme.cert-manager.io/v1 Order.
    Order => row(["Order", "order", "orders"], ACME, &["v1"], Role::Request).shared();
    /// acme.cert-manager.io/v1 Challenge.
    Challenge => row(["Challenge", "challenge", "challenges"], ACME, &["v1"], Role::Request).shared();
    /// v1 Namespace, whose labels matter to listeners that admit routes by a selector.
    Namespace => row(["Namespace", "namespace", "namespaces"], "", &["v1"], Role::Surroundings).wide().exact();
    /// v1 Service.
    Service => row(["Service", "service", "services"], "", &["v1"], Role::Surroundings).exact();
    /// v1 Pod.
    Pod => row(["Pod", "pod", "pods"], "", &["v1"], Role::Consumer).exact();
    /// v1 `ReplicationController`.
    ReplicationController => row(["ReplicationController", "replicationcontroller", "replicationcontrollers"], "", &["v1"], Role::Consumer).exact();
    /// apps/v1 Deployment.
    Deployment => row(["Deployment", "deployment", "deployments"], "apps", &["v1"], Role::Consumer).once("extensions");
    /// apps/v1 `StatefulSet`.
    StatefulSet => row(["StatefulSet", "statefulset", "statefulsets"], "apps", &["v1"], Role::Consumer);
    /// apps/v1 `DaemonSet`.
    DaemonSet => row(["DaemonSet", "daemonset", "daemonsets"], "apps", &["v1"], Role::Consumer).once("extensions");
    /// batch/v1 Job.
    Job => row(["Job", "job", "jobs"], "batch", &["v1"], Role::Consumer);
    /// batch/v1 `CronJob`.
    CronJob => row(["CronJob", "cronjob", "cronjobs"], "batch", &["v1"], Role::Consumer);
    /// v1 `ServiceAccount`.
    ServiceAccount => row(["ServiceAccount", "serviceaccount", "serviceaccounts"], "", &["v1"], Role::Consumer).exact();
}

/// How many kinds have one of these roles.
pub const fn count(roles: &[Role]) -> usize {
    let (mut count, mut role) = (0, 0);
    while role < roles.len() {
        let mut at = 0;
        while at < KINDS.len() {
            if KINDS[at].role as u8 == roles[role] as u8 {
                count += 1;
            }
            at += 1;
        }
        role += 1;
    }
    count
}

/// The kinds with these roles: role after role, each in the order of the register.
///
/// # Panics
///
/// If the length of the array is not their [`count`]. The function is called in constants, so that a wrong length does
/// not compile.
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

/// A kind whose objects have a namespace: its name, singular and plural, its group, and its versions, newest first.
const fn row(
    [name, singular, plural]: [&'static str; 3],
    group: &'static str,
    versions: &'static [&'static str],
    role: Role,
) -> Row {
    Row {
        // The macro of the register replaces this.
        kind: Kind::Ingress,
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
        before: None,
        role,
        route: None,
    }
}

impl Row {
    const fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Makes it a kind of route.
    const fn route(mut self, facts: &'static RouteFacts) -> Self {
        self.route = Some(facts);
        self
    }

    const fn before(mut self, kind: Kind) -> Self {
        self.before = Some(kind);
        self
    }

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

    /// Whether every cluster serves the kind. The others are custom resources, which have no protobuf encoding.
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

    /// The name by which kubectl accepts it, with its group if other projects use the same name.
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
    /// The line of the kind in the register.
    pub const fn row(self) -> &'static Row {
        &KINDS[self as usize]
    }

    /// The properties of a kind of route; `None` for all others.
    pub const fn route(self) -> Option<&'static RouteFacts> {
        self.row().route
    }

    /// The kind at its newest version.
    pub const fn resource(self) -> Resource {
        let row = self.row();
        row.at(row.versions[0])
    }

    /// The routes of the Gateway API, which attach to listeners.
    pub const ATTACHED: [Self; count(&[Role::Attached])] = of_roles(&[Role::Attached]);
    /// The kinds whose objects use Secrets by name in their own namespace.
    pub const CONSUMERS: [Self; count(&[Role::Consumer])] = of_roles(&[Role::Consumer]);

    /// The kind with the `apiVersion` and `kind` of a manifest; `None` if it is not read. Any version of a group is
    /// accepted if the fields that this program uses are the same.
    pub fn of_manifest(api_version: &str, name: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is = |row: &&Row| {
            let of_group = row.group == group || row.once.is_some_and(|once| once == group);
            row.name == name && of_group && (!row.exact || row.versions.contains(&version))
        };
        KINDS.iter().find(is).map(|row| row.kind)
    }

    /// The kind that a word of kubectl's users means: `ing`, `ingresses.networking.k8s.io`, in any case. If several
    /// kinds have the name, the group decides, and without a group the first one.
    pub fn named(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        let (word, group) = lower.split_once('.').unwrap_or((&lower, ""));
        let called = || KINDS.iter().filter(|row| row.is_called(word));
        // A version may precede the group: `ingressroutes.v1alpha1.traefik.io`.
        let of_group = called().find(|row| !row.group.is_empty() && group.ends_with(row.group));
        of_group.or_else(|| called().next()).map(|row| row.kind)
    }
}

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
    fn a_kind_of_route_says_what_it_is() {
        for row in &KINDS {
            assert_eq!(row.route.is_some(), row.role == Role::Route, "{}", row.name);
            assert_ne!(row.before, Some(row.kind));
            let path = |path: &str| assert!(path.starts_with("spec."), "{path}");
            if let Some(Shape::Fields(fields)) = row.route.map(|facts| facts.shape) {
                for hosts in fields.hosts {
                    path(hosts);
                }
                path(fields.secret);
                if let Some(status) = fields.status {
                    let paths = [status.permitted, status.proof, status.traffic];
                    assert!(paths.iter().all(|path| path.starts_with("status.")));
                }
            }
        }
        assert!(Kind::OldTlsStore.is_of_old_group() && Kind::OldTlsStore.is_tls_store());
        assert!(Kind::XListenerSet.is_listener_set() && !Kind::XListenerSet.is_of_old_group());
    }

    #[test]
    fn the_role_of_the_guide_reads_each_kind() {
        let guide = include_str!("../../docs/guide/rights.md");
        let named = |text: &str| guide.split(['[', ']', ',', '\n', '"']).any(|word| word.trim() == text);
        for row in &KINDS {
            assert!(named(row.group), "{}", row.group);
            assert!(named(row.plural), "{}", row.plural);
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
