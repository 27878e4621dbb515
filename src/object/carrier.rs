//! Kinds that carry certificates, or name Secrets with certificates, and that this program does not read or judge.
//!
//! They are known by name so that a report can say that such objects exist. Without them a table would look as if
//! everything were well. Webhook configurations and `APIServices` are not among them, because every cluster has some
//! and clients outside never see their certificates.

use super::Text;

/// A kind that carries certificates and is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// Its API group.
    pub group: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// Its plural in API paths.
    pub plural: &'static str,
    /// Whether its certificates serve hosts. If not, they are for connections to backends, or belong to clients.
    pub serves: bool,
    /// Whether its objects have a namespace.
    pub namespaced: bool,
}

const fn hosts(group: &'static str, kind: &'static str, plural: &'static str) -> Carrier {
    Carrier {
        group,
        kind,
        plural,
        serves: true,
        namespaced: true,
    }
}

const fn other(group: &'static str, kind: &'static str, plural: &'static str) -> Carrier {
    Carrier {
        serves: false,
        ..hosts(group, kind, plural)
    }
}

const fn wide(carrier: Carrier) -> Carrier {
    Carrier {
        namespaced: false,
        ..carrier
    }
}

/// The kinds, according to the resource definitions of their projects. A kind that is read is never looked up here,
/// because readers check the kinds that they know first.
pub const CARRIERS: &[Carrier] = &[
    // OpenShift: certificate and key inline or in `tls.externalCertificate`; the routers' default certificate.
    hosts("route.openshift.io", "Route", "routes"),
    hosts("operator.openshift.io", "IngressController", "ingresscontrollers"),
    // Istio: `servers[].tls.credentialName`.
    hosts("networking.istio.io", "Gateway", "gateways"),
    // Traefik: CAs of clients and backends.
    other("traefik.io", "TLSOption", "tlsoptions"),
    other("traefik.io", "ServersTransport", "serverstransports"),
    other("traefik.io", "ServersTransportTCP", "serverstransporttcps"),
    other("traefik.containo.us", "TLSOption", "tlsoptions"),
    other("traefik.containo.us", "ServersTransport", "serverstransports"),
    // Cloud providers: certificates that they keep themselves, by name or ARN.
    wide(hosts("elbv2.k8s.aws", "IngressClassParams", "ingressclassparams")),
    hosts(
        "gateway.k8s.aws",
        "LoadBalancerConfiguration",
        "loadbalancerconfigurations",
    ),
    hosts("networking.gke.io", "ManagedCertificate", "managedcertificates"),
    wide(hosts(
        "approuting.kubernetes.azure.com",
        "NginxIngressController",
        "nginxingresscontrollers",
    )),
    // F5 NGINX: `tls.secret`; Policies with CAs and client certificates.
    hosts("k8s.nginx.org", "VirtualServer", "virtualservers"),
    hosts("k8s.nginx.org", "TransportServer", "transportservers"),
    other("k8s.nginx.org", "Policy", "policies"),
    // Contour.
    hosts("projectcontour.io", "HTTPProxy", "httpproxies"),
    // Kong.
    hosts("configuration.konghq.com", "TCPIngress", "tcpingresses"),
    hosts("configuration.konghq.com", "KongCertificate", "kongcertificates"),
    other("configuration.konghq.com", "KongCACertificate", "kongcacertificates"),
    // Gloo: `sslConfig.secretRef`.
    hosts("gateway.solo.io", "VirtualService", "virtualservices"),
    hosts("gateway.solo.io", "MatchableHttpGateway", "httpgateways"),
    other("gloo.solo.io", "Upstream", "upstreams"),
    // APISIX.
    hosts("apisix.apache.org", "ApisixTls", "apisixtlses"),
    // Emissary (Ambassador).
    hosts("getambassador.io", "Host", "hosts"),
    hosts("getambassador.io", "TLSContext", "tlscontexts"),
    // HAProxy Technologies' controller: a `frontend` with its own certificates.
    hosts("ingress.v1.haproxy.org", "TCP", "tcps"),
    hosts("ingress.v3.haproxy.org", "TCP", "tcps"),
    // F5 BIG-IP.
    hosts("cis.f5.com", "VirtualServer", "virtualservers"),
    hosts("cis.f5.com", "TransportServer", "transportservers"),
    hosts("cis.f5.com", "TLSProfile", "tlsprofiles"),
    // Skipper.
    hosts("zalando.org", "RouteGroup", "routegroups"),
    // Knative.
    hosts("serving.knative.dev", "DomainMapping", "domainmappings"),
    hosts("networking.internal.knative.dev", "Ingress", "ingresses"),
    // Kuma, Consul, Pomerium, Voyager, Tyk.
    wide(hosts("kuma.io", "MeshGateway", "meshgateways")),
    hosts("consul.hashicorp.com", "IngressGateway", "ingressgateways"),
    wide(hosts("ingress.pomerium.io", "Pomerium", "pomerium")),
    hosts("voyager.appscode.com", "Ingress", "ingresses"),
    hosts("tyk.tyk.io", "ApiDefinition", "apidefinitions"),
    // Gateway API and Envoy Gateway: connections to backends, clients' certificates.
    other("gateway.networking.k8s.io", "BackendTLSPolicy", "backendtlspolicies"),
    other("gateway.envoyproxy.io", "ClientTrafficPolicy", "clienttrafficpolicies"),
    other("gateway.envoyproxy.io", "EnvoyProxy", "envoyproxies"),
    other("gateway.envoyproxy.io", "Backend", "backends"),
];

/// The carrier with this `apiVersion` and `kind`.
pub fn carrier(api_version: &str, kind: &str) -> Option<&'static Carrier> {
    let (group, _) = api_version.split_once('/')?;
    CARRIERS.iter().find(|c| c.group == group && c.kind == kind)
}

/// The objects of one kind that exist and are not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotJudged {
    /// The kind of the objects.
    pub carrier: &'static Carrier,
    /// The group and version in which they were found.
    pub api_version: Text,
    /// The number of objects; `None` if they could not be counted, and there may be some.
    pub count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::register::{KINDS, Row};

    #[test]
    fn a_carrier_is_found_by_its_group_whatever_the_version() {
        let route = carrier("route.openshift.io/v1", "Route").map(|c| (c.plural, c.serves));
        assert_eq!(route, Some(("routes", true)));
        // The Gateway of the Gateway API is a different kind from Istio's, and is read.
        assert!(carrier("networking.istio.io/v1", "Gateway").is_some());
        assert_eq!(carrier("gateway.networking.k8s.io/v1", "Gateway"), None);
        assert_eq!(carrier("v1", "Route"), None);
        assert_eq!(
            carrier("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            None
        );
    }

    #[test]
    fn the_role_of_the_guide_may_list_all_of_them() {
        let guide = include_str!("../../docs/guide/rights.md");
        let named = |text: &str| guide.split(['[', ']', ',', '\n']).any(|word| word.trim() == text);
        for carrier in CARRIERS {
            assert!(named(carrier.group), "{}", carrier.group);
            assert!(named(carrier.plural), "{}", carrier.plural);
        }
    }

    #[test]
    fn what_is_read_is_not_among_them() {
        for carrier in CARRIERS {
            let is = |row: &&Row| row.group == carrier.group && row.name == carrier.kind;
            assert_eq!(
                KINDS.iter().find(is).map(|row| row.name),
                None,
                "its line goes from here"
            );
        }
    }

    #[test]
    fn no_kind_is_there_twice() {
        for (at, one) in CARRIERS.iter().enumerate() {
            let again = CARRIERS[..at]
                .iter()
                .find(|c| c.group == one.group && c.kind == one.kind);
            assert_eq!(again, None);
        }
    }
}
