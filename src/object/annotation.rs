//! The annotations that findings and remedies need. All others are skipped while reading.

/// The class of an Ingress before `spec.ingressClassName` existed; most controllers still read it.
pub const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
/// Marks the `IngressClass` that serves Ingresses without a class.
pub const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// A request for a certificate, which kube-lego defined and cert-manager still reads.
pub const TLS_ACME: &str = "kubernetes.io/tls-acme";
/// A request to cert-manager for a certificate from a `ClusterIssuer`.
pub const CLUSTER_ISSUER: &str = "cert-manager.io/cluster-issuer";
/// A request to cert-manager for a certificate from an Issuer.
pub const ISSUER: &str = "cert-manager.io/issuer";
/// The Certificate for which cert-manager created a Secret.
pub const CERTIFICATE_NAME: &str = "cert-manager.io/certificate-name";
/// The listeners that cert-manager ignores, separated by commas.
pub const IGNORED_LISTENERS: &str = "cert-manager.io/ignore-tls-listeners";
/// Reflector copies this Secret into other namespaces.
pub const REFLECTOR_COPIES: &str = "reflector.v1.k8s.emberstack.com/reflection-auto-enabled";
/// Reflector fills this Secret from another one.
pub const REFLECTOR_FILLS: &str = "reflector.v1.k8s.emberstack.com/reflects";
/// Mittwald's replicator copies this Secret into other namespaces.
pub const REPLICATOR_COPIES: &str = "replicator.v1.mittwald.de/replicate-to";
/// Mittwald's replicator fills this Secret from another one.
pub const REPLICATOR_FILLS: &str = "replicator.v1.mittwald.de/replicate-from";
/// kubed, now Config Syncer, copies this Secret into other namespaces.
pub const KUBED_COPIES: &str = "kubed.appscode.com/sync";
/// Google's Certificate Manager provides the certificates of this Gateway.
pub const GKE_CERTMAP: &str = "networking.gke.io/certmap";
/// Google's managed certificates of an Ingress.
pub const GKE_MANAGED: &str = "networking.gke.io/managed-certificates";
/// Google's uploaded certificates of an Ingress.
pub const GCP_PRE_SHARED: &str = "ingress.gcp.kubernetes.io/pre-shared-cert";
/// The certificates of an AWS load balancer.
pub const ALB_CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
/// ingress-nginx: TLS is passed through instead of being terminated.
pub const NGINX_PASSTHROUGH: &str = "nginx.ingress.kubernetes.io/ssl-passthrough";
/// ingress-nginx: this Ingress only handles a part of the requests of another Ingress.
pub const NGINX_CANARY: &str = "nginx.ingress.kubernetes.io/canary";
/// ingress-nginx: additional hosts that are served like those of the rules, separated by commas.
pub const NGINX_ALIAS: &str = "nginx.ingress.kubernetes.io/server-alias";
/// ingress-nginx: the hosts of the rules with a leading `www.` added or removed are redirected to those hosts.
pub const NGINX_WWW: &str = "nginx.ingress.kubernetes.io/from-to-www-redirect";
/// ingress-nginx: whether requests over plain HTTP are redirected to HTTPS if there is a certificate.
pub const NGINX_SSL_REDIRECT: &str = "nginx.ingress.kubernetes.io/ssl-redirect";
/// Contour: the namespace of the Secrets that the tls entries name.
pub const CONTOUR_NAMESPACE: &str = "projectcontour.io/tls-cert-namespace";
/// Azure's Application Gateway: the name of a certificate that is installed on the gateway itself.
pub const AGIC_CERTIFICATE: &str = "appgw.ingress.kubernetes.io/appgw-ssl-certificate";
/// Traefik: this Ingress is served over TLS even without a tls entry.
pub const TRAEFIK_TLS: &str = "traefik.ingress.kubernetes.io/router.tls";
/// Traefik: this certificate resolver issues the certificate.
pub const TRAEFIK_RESOLVER: &str = "traefik.ingress.kubernetes.io/router.tls.certresolver";
/// F5's controller: whether this Ingress is the one to which others of its host add paths (`master`), or one of those
/// (`minion`).
pub const F5_MERGEABLE: &str = "nginx.org/mergeable-ingress-type";
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
/// The reasons that are excused for this object, separated by commas.
pub const IGNORE: &str = "kubectl-certs/ignore";
/// The renewal window (RFC 9773) as `START/END`, each an RFC 3339 time.
pub const RENEWAL_WINDOW: &str = "kubectl-certs/renewal-window";

/// The program that wrote the certificate of a Secret: `kubectl-certs 0.1.0`.
pub const ISSUED_BY: &str = "kubectl-certs.io/issued-by";
/// The name of the issuer in the settings, on a Secret that this program wrote.
pub const ISSUED_FROM: &str = "kubectl-certs.io/issuer";
/// The URL of the directory at which the certificate was ordered.
pub const ISSUED_AT_DIRECTORY: &str = "kubectl-certs.io/directory";
/// The URL of the order of the certificate.
pub const ISSUED_ORDER: &str = "kubectl-certs.io/order";
/// The URL of the account to which the certificate belongs.
pub const ISSUED_ACCOUNT: &str = "kubectl-certs.io/account";
/// What the order of the certificate counted towards: `new`, `same-names` or `replacement`.
pub const ISSUED_KIND: &str = "kubectl-certs.io/order-kind";
/// The installation that keeps the certificate of a Secret renewed.
pub const CLAIM: &str = "kubectl-certs.io/claim";
/// On a Secret into which the controller has put the former pair back, because the new one was not served: which, and when.
pub const ROLLED_BACK: &str = "kubectl-certs.io/rolled-back";
/// On a Namespace: the wildcards for which it gets a certificate, separated by commas.
pub const WILDCARD: &str = "kubectl-certs.io/wildcard";
/// On a Namespace: the name of the Secret for its wildcards.
pub const WILDCARD_SECRET: &str = "kubectl-certs.io/wildcard-secret";
/// The SHA-256 of the leaf to which these annotations refer.
pub const ISSUED_SHA256: &str = "kubectl-certs.io/sha256";
/// The Secret (`NAMESPACE/NAME`) for which this program created the object.
pub const MADE_FOR: &str = "kubectl-certs.io/for";
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
];

const WANTED: &[&str] = &[
    INGRESS_CLASS,
    DEFAULT_CLASS,
    TLS_ACME,
    CLUSTER_ISSUER,
    ISSUER,
    CERTIFICATE_NAME,
    IGNORED_LISTENERS,
    REFLECTOR_COPIES,
    REFLECTOR_FILLS,
    REPLICATOR_COPIES,
    REPLICATOR_FILLS,
    KUBED_COPIES,
    GKE_CERTMAP,
    GKE_MANAGED,
    GCP_PRE_SHARED,
    ALB_CERTIFICATE,
    NGINX_PASSTHROUGH,
    NGINX_CANARY,
    NGINX_ALIAS,
    NGINX_WWW,
    NGINX_SSL_REDIRECT,
    CONTOUR_NAMESPACE,
    AGIC_CERTIFICATE,
    TRAEFIK_TLS,
    TRAEFIK_RESOLVER,
    F5_MERGEABLE,
    IGNORE,
    RENEWAL_WINDOW,
    ISSUED_BY,
    ISSUED_FROM,
    ISSUED_AT_DIRECTORY,
    ISSUED_ORDER,
    ISSUED_ACCOUNT,
    ISSUED_KIND,
    ISSUED_SHA256,
    CLAIM,
    ROLLED_BACK,
    WILDCARD,
    WILDCARD_SECRET,
    MADE_FOR,
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
    WANTED.iter().copied().find(|known| *known == key)
}

/// Whether an annotation is kept while reading.
pub fn wanted(key: &str) -> bool {
    WANTED.contains(&key) || LOGIN.contains(&key) || of_tool(key)
}

/// Whether a label says which tool writes an object. Such labels are kept even on objects whose other labels are not.
pub fn says_who_writes(key: &str) -> bool {
    key == MANAGED_BY || of_tool(key)
}

/// Whether an annotation or label with this key is one of [`TOOLS`].
fn of_tool(key: &str) -> bool {
    TOOLS.iter().any(|(known, _)| *known == key)
}
