//! The annotations that findings and remedies need, and those by which this program knows its own objects. All others are skipped
//! while reading.

/// Declares annotations and labels, each with what it says, from which a test makes `docs/reference/annotations.md`. Those of
/// [`KEPT`] are kept while reading.
macro_rules! annotations {
    ($(#[doc = $heading:expr] $list:ident { $($(#[doc = $about:expr])+ $Name:ident = $key:literal;)+ })+) => {
        $($($(#[doc = $about])+ pub const $Name: &str = $key;)+)+

        $(#[doc = $heading] #[allow(dead_code, reason = "a list that is not kept is only described")] const $list: &[&str] = &[$($Name),+];)+

        /// Each list, and what each of its annotations says: a line of its documentation each.
        #[cfg(test)]
        const DESCRIBED: &[(&str, &[(&str, &[&str])])] = &[$(($heading, &[$(($key, &[$($about),+])),+])),+];
    };
}

annotations! {
    /// What you may write on your objects.
    ASKED {
        /// A request for a certificate, `true`: kube-lego defined it, the controller answers it, and cert-manager reads it too.
        TLS_ACME = "kubernetes.io/tls-acme";
        /// The reasons that are excused for this object, separated by commas.
        IGNORE = "kubectl-certs/ignore";
        /// The renewal window (RFC 9773) as `START/END`, each an RFC 3339 time.
        RENEWAL_WINDOW = "kubectl-certs/renewal-window";
        /// On a Namespace: the wildcards for which it gets a certificate, separated by commas.
        WILDCARD = "kubectl-certs.io/wildcard";
        /// On a Namespace: the name of the Secret for its wildcards.
        WILDCARD_SECRET = "kubectl-certs.io/wildcard-secret";
        /// On a route: the Secret (`NAMESPACE/NAME`) of which the Secrets that it names are to be copies.
        COPY_OF = "kubectl-certs.io/copy-of";
        /// On a Secret: the namespaces that may have copies of it, as patterns, separated by commas.
        COPY_TO = "kubectl-certs.io/copy-to";
    }
    /// What this program writes on Secrets.
    WRITTEN {
        /// The program that wrote the certificate of a Secret: `kubectl-certs 0.1.0`.
        ISSUED_BY = "kubectl-certs.io/issued-by";
        /// The name of the issuer in the settings, on a Secret that this program wrote.
        ISSUED_FROM = "kubectl-certs.io/issuer";
        /// The URL of the directory at which the certificate was ordered.
        ISSUED_AT_DIRECTORY = "kubectl-certs.io/directory";
        /// The URL of the order of the certificate.
        ISSUED_ORDER = "kubectl-certs.io/order";
        /// The URL of the account to which the certificate belongs.
        ISSUED_ACCOUNT = "kubectl-certs.io/account";
        /// What the order of the certificate counted towards: `new`, `same-names` or `replacement`.
        ISSUED_KIND = "kubectl-certs.io/order-kind";
        /// The SHA-256 of the leaf to which these annotations refer.
        ISSUED_SHA256 = "kubectl-certs.io/sha256";
        /// The installation that keeps the certificate of a Secret renewed.
        CLAIM = "kubectl-certs.io/claim";
        /// On a copy: the Secret (`NAMESPACE/NAME`) of which it is one.
        COPIED_FROM = "kubectl-certs.io/copied-from";
        /// On a Secret into which the controller has put the former pair back, because the new one was not served: which, and when.
        ROLLED_BACK = "kubectl-certs.io/rolled-back";
        /// The Secret (`NAMESPACE/NAME`) for which this program created the object.
        MADE_FOR = "kubectl-certs.io/for";
    }
    /// What this program writes on Secrets, and reads only on the one that it is about to write.
    NOTED {
        /// When the certificate was written (RFC 3339).
        ISSUED_AT = "kubectl-certs.io/issued-at";
        /// `staging`, if the certificate comes from a staging CA.
        STAGE = "kubectl-certs.io/stage";
        /// On a Secret whose certificate was revoked: the SHA-256 of its leaf, and the reason.
        REVOKED = "kubectl-certs.io/revoked";
    }
    /// What marks the objects that this program makes for itself. `purpose`, `run` and `solver` are labels.
    OWN {
        /// What an object is for: `journal`, `lease`, `solver`, `backup`, `standing`, `kept`, `state` or `adopted`.
        PURPOSE = "kubectl-certs.io/purpose";
        /// The run that made an object. On Secrets that stay it is an annotation.
        RUN = "kubectl-certs.io/run";
        /// From when on an object may be removed (RFC 3339).
        EXPIRES = "kubectl-certs.io/expires";
        /// On the Pod that answers challenges: the run's Service finds it by this label.
        SOLVER = "kubectl-certs.io/solver";
        /// On a kept pair: the SHA-256 of its leaf.
        BACKUP_OF = "kubectl-certs.io/backup-of";
        /// On a kept pair: the SHA-256 of the leaf before it.
        FORMER = "kubectl-certs.io/former";
        /// On a kept pair: the SHA-256 of the leaf that replaced it.
        REPLACED_BY = "kubectl-certs.io/replaced-by";
        /// On a kept pair: the data keys of chain and key in its Secret.
        SLOTS = "kubectl-certs.io/secret-keys";
        /// On a kept pair: the annotations of this program that its Secret had, as JSON.
        NOTES = "kubectl-certs.io/notes";
        /// On a Lease: the process that holds it.
        PROCESS = "kubectl-certs.io/process";
        /// On a Lease of a controller: the identity of its process.
        IDENTITY = "kubectl-certs.io/identity";
        /// The id of the installation: on the Secret of its account, and on the Leases of its controller.
        INSTALL = "kubectl-certs.io/install";
        /// On the controller's Deployment: the namespaces that it follows, or `*`.
        FOLLOWS = "kubectl-certs.io/follows";
        /// On the controller's Pods: a hash of the settings, so that other settings are other Pods.
        SETTINGS = "kubectl-certs.io/settings";
        /// On the routes that lead challenges to the controller: a hash of what it wrote, by which it knows whether to write again.
        ROUTE_WRITTEN = "kubectl-certs.io/written";
        /// On the Pod template of a workload that was restarted: when, as `kubectl rollout restart` notes it in its own annotation.
        RESTARTED_AT = "kubectl-certs.io/restartedAt";
    }
    /// What other programs define, and this one heeds.
    READ {
        /// The class of an Ingress before `spec.ingressClassName` existed; most controllers still read it.
        INGRESS_CLASS = "kubernetes.io/ingress.class";
        /// Marks the `IngressClass` that serves Ingresses without a class.
        DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class";
        /// A request to cert-manager for a certificate from a `ClusterIssuer`.
        CLUSTER_ISSUER = "cert-manager.io/cluster-issuer";
        /// A request to cert-manager for a certificate from an Issuer.
        ISSUER = "cert-manager.io/issuer";
        /// The Certificate for which cert-manager created a Secret.
        CERTIFICATE_NAME = "cert-manager.io/certificate-name";
        /// A label by which cert-manager finds the Secrets that it writes: `true`.
        CERT_MANAGERS = "controller.cert-manager.io/fao";
        /// The listeners that cert-manager ignores, separated by commas.
        IGNORED_LISTENERS = "cert-manager.io/ignore-tls-listeners";
        /// Reflector copies this Secret into other namespaces.
        REFLECTOR_COPIES = "reflector.v1.k8s.emberstack.com/reflection-auto-enabled";
        /// Reflector fills this Secret from another one.
        REFLECTOR_FILLS = "reflector.v1.k8s.emberstack.com/reflects";
        /// Mittwald's replicator copies this Secret into other namespaces.
        REPLICATOR_COPIES = "replicator.v1.mittwald.de/replicate-to";
        /// Mittwald's replicator fills this Secret from another one.
        REPLICATOR_FILLS = "replicator.v1.mittwald.de/replicate-from";
        /// kubed, now Config Syncer, copies this Secret into other namespaces.
        KUBED_COPIES = "kubed.appscode.com/sync";
        /// Google's Certificate Manager provides the certificates of this Gateway.
        GKE_CERTMAP = "networking.gke.io/certmap";
        /// Google's managed certificates of an Ingress.
        GKE_MANAGED = "networking.gke.io/managed-certificates";
        /// Google's uploaded certificates of an Ingress.
        GCP_PRE_SHARED = "ingress.gcp.kubernetes.io/pre-shared-cert";
        /// The certificates of an AWS load balancer.
        ALB_CERTIFICATE = "alb.ingress.kubernetes.io/certificate-arn";
        /// ingress-nginx: TLS is passed through instead of being terminated.
        NGINX_PASSTHROUGH = "nginx.ingress.kubernetes.io/ssl-passthrough";
        /// ingress-nginx: this Ingress only handles a part of the requests of another Ingress.
        NGINX_CANARY = "nginx.ingress.kubernetes.io/canary";
        /// ingress-nginx: additional hosts that are served like those of the rules, separated by commas.
        NGINX_ALIAS = "nginx.ingress.kubernetes.io/server-alias";
        /// ingress-nginx: the hosts of the rules with a leading `www.` added or removed are redirected to those hosts.
        NGINX_WWW = "nginx.ingress.kubernetes.io/from-to-www-redirect";
        /// ingress-nginx: whether requests over plain HTTP are redirected to HTTPS if there is a certificate.
        NGINX_SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect";
        /// Contour: the namespace of the Secrets that the tls entries name.
        CONTOUR_NAMESPACE = "projectcontour.io/tls-cert-namespace";
        /// Azure's Application Gateway: the name of a certificate that is installed on the gateway itself.
        AGIC_CERTIFICATE = "appgw.ingress.kubernetes.io/appgw-ssl-certificate";
        /// Traefik: this Ingress is served over TLS even without a tls entry.
        TRAEFIK_TLS = "traefik.ingress.kubernetes.io/router.tls";
        /// Traefik: this certificate resolver issues the certificate.
        TRAEFIK_RESOLVER = "traefik.ingress.kubernetes.io/router.tls.certresolver";
        /// F5's controller: whether this Ingress is the one to which others of its host add paths (`master`), or one of those
        /// (`minion`).
        F5_MERGEABLE = "nginx.org/mergeable-ingress-type";
    }
}

/// How the names of this program's annotations begin, but for the oldest.
pub const OWN_PREFIX: &str = "kubectl-certs.io/";

/// The annotations that people write, and this program never, but for the renewal window.
pub fn asked() -> impl Iterator<Item = &'static str> {
    ASKED.iter().copied()
}

/// The lists of those that are kept while reading.
const KEPT: [&[&str]; 3] = [ASKED, WRITTEN, READ];

/// Annotations by which a controller asks clients for a login, or may do so: the names of Traefik's middlewares do not
/// tell.
pub const LOGIN: &[&str] = &[
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/auth-type",
    "traefik.ingress.kubernetes.io/router.middlewares",
    "haproxy.org/auth-type",
    "haproxy-ingress.github.io/auth-secret",
    "haproxy-ingress.github.io/auth-url",
    "alb.ingress.kubernetes.io/auth-type",
    "konghq.com/plugins",
];

/// A label with the name of the tool that manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Annotations and labels by which tools mark objects that they write again, with the names of the tools.
pub const TOOLS: &[(&str, &str)] = &[
    ("sealedsecrets.bitnami.com/managed", "Sealed Secrets"),
    ("reconcile.external-secrets.io/data-hash", "External Secrets"),
    ("reconcile.external-secrets.io/managed", "External Secrets"),
    ("reflector.v1.k8s.emberstack.com/reflects", "Reflector"),
    ("replicator.v1.mittwald.de/replicate-from", "kubernetes-replicator"),
    (
        "replicator.v1.mittwald.de/replicated-from-version",
        "kubernetes-replicator",
    ),
    ("kubed.appscode.com/origin", "Config Syncer"),
    (
        "service.beta.openshift.io/originating-service-name",
        "OpenShift's service CA",
    ),
    (
        "service.alpha.openshift.io/originating-service-name",
        "OpenShift's service CA",
    ),
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("meta.helm.sh/release-name", "Helm"),
    (COPIED_FROM, "kubectl-certs, which copies another Secret,"),
];

/// Whether an annotation makes a tool copy a Secret into other namespaces, under its own name.
pub fn is_copied(key: &str, value: &str) -> bool {
    match key {
        REFLECTOR_COPIES => value == "true",
        REPLICATOR_COPIES | KUBED_COPIES => true,
        _ => false,
    }
}

/// Whether an annotation makes a tool fill a Secret from another one.
pub fn is_filled(key: &str) -> bool {
    matches!(key, REFLECTOR_FILLS | REPLICATOR_FILLS)
}

/// The annotation with this key, if it is one of those that mean something here.
pub fn known(key: &str) -> Option<&'static str> {
    let mut all = KEPT.into_iter().flatten().copied();
    all.find(|known| *known == key)
}

/// Whether an annotation is kept while reading.
pub fn wanted(key: &str) -> bool {
    known(key).is_some() || LOGIN.contains(&key) || of_tool(key)
}

/// Whether a label says which tool writes an object. Such labels are kept even on objects whose other labels are not.
pub fn says_who_writes(key: &str) -> bool {
    key == MANAGED_BY || key == CERT_MANAGERS || of_tool(key)
}

/// Whether an annotation or label with this key is one of [`TOOLS`].
fn of_tool(key: &str) -> bool {
    TOOLS.iter().any(|(known, _)| *known == key)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn one_line(lines: &[&str]) -> String {
        let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }

    fn table(heading: &str, rows: impl Iterator<Item = (&'static str, String)>) -> String {
        let heading = heading.trim().trim_end_matches('.');
        let mut table = format!("\n## {heading}\n\n| annotation or label | meaning |\n| --- | --- |\n");
        for (key, about) in rows {
            let _ = writeln!(table, "| `{key}` | {about} |");
        }
        table
    }

    #[test]
    fn renewed_reference_of_the_annotations() {
        let mut page = "# Annotations\n\n\
            <!-- Made of src/object/annotation.rs: `UPDATE_PICTURES=1 cargo test --lib renewed`. -->\n\n\
            The annotations of routes, Secrets and other objects that this program reads or writes, and the labels of its own objects. All others are \
            skipped while reading. [What stays compatible](../trust/compatibility.md) says which of them keep their meaning.\n"
            .to_owned();
        for (heading, all) in DESCRIBED {
            page += &table(heading, all.iter().map(|(key, about)| (*key, one_line(about))));
        }
        page += &table(
            "By which controllers ask clients for a login",
            LOGIN.iter().map(|key| {
                (
                    *key,
                    "Clients are asked for a login, or may be, so that a challenge may not get through.".to_owned(),
                )
            }),
        );
        page += &table(
            "Annotations and labels by which tools mark what they write again",
            TOOLS
                .iter()
                .map(|(key, tool)| (*key, format!("{tool} writes the object again."))),
        );
        crate::renewed::same("docs/reference/annotations.md", &page);
    }
}
