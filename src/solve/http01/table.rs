//! The table of controllers: which object routes a challenge, and what the object has to contain so that the answer is
//! reached.
//!
//! A row is for a separate object with the exact path of the token. It never changes how other paths of the host are
//! served. If a second object for a host would do that, or would be ignored, the row says so, and the path is added to
//! the route's own Ingress. End-to-end tests with the real Traefik hold its rows; tests on their facts hold the others.

use std::time::Duration;

use crate::{inventory::Controller, object::Kind, solve::SolveError};

/// The object that routes the path of a challenge to the solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Routing {
    /// A separate Ingress.
    Ingress,
    /// A separate `HTTPRoute`, attached to the listener of port 80.
    HttpRoute,
    /// A separate `IngressRoute` of Traefik.
    IngressRoute,
    /// A path in the route's own Ingress, which is removed afterwards.
    InPlace,
    /// No object: the user's own proxy routes `/.well-known/acme-challenge` to the Service.
    Nothing,
}

impl Routing {
    /// The kind that is made or changed, as manifests spell it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Ingress | Self::InPlace => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::IngressRoute => "IngressRoute",
            Self::Nothing => "Service",
        }
    }
}

/// The type of an Ingress path (networking.k8s.io/v1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathType {
    /// Only exactly this path.
    Exact,
    /// This path and all below it.
    Prefix,
    /// Depends on the controller.
    ImplementationSpecific,
}

impl PathType {
    /// The name in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Prefix => "Prefix",
            Self::ImplementationSpecific => "ImplementationSpecific",
        }
    }
}

/// How to route a challenge with one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The object to use.
    pub routing: Routing,
    /// The type of the path, for an Ingress.
    pub path_type: PathType,
    /// Annotations of the object, which switch off for this path what would keep a request without a login from the
    /// answer.
    pub annotations: &'static [(&'static str, &'static str)],
    /// Whether the Service needs a port on every node, for load balancers outside of the cluster's network.
    pub node_port: bool,
    /// Annotations of the Service.
    pub service_annotations: &'static [(&'static str, &'static str)],
    /// How long it usually takes at most until a change is served, which is the default limit of the self-check.
    pub patience: Duration,
    /// What may still keep the CA from the answer with this controller, for the words of a failure.
    pub note: Option<&'static str>,
}

/// The limit of the self-check for a controller that applies changes at once.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// The limit of the self-check for load balancers of cloud providers.
const CLOUD_PATIENCE: Duration = Duration::from_mins(10);

/// The path that the health checks of the answering server use.
pub const HEALTH_PATH: &str = "/healthz";

const INGRESS: Row = Row {
    routing: Routing::Ingress,
    path_type: PathType::Exact,
    annotations: &[],
    node_port: false,
    service_annotations: &[],
    patience: PATIENCE,
    note: None,
};

/// Where no object leads a challenge to its answer, because a proxy of the user's own does.
pub const BY_PROXY: Row = Row {
    routing: Routing::Nothing,
    note: Some(
        "the proxy that serves the host has to pass /.well-known/acme-challenge/ to the Service kubectl-certs-challenges of the controller",
    ),
    patience: Duration::from_secs(5),
    ..INGRESS
};

/// Above the priorities that Traefik computes from the length of a rule, and below those of its own redirects.
pub(super) const TRAEFIK_PRIORITY: i32 = 1_000_000_000;

const IN_PLACE_NOTE: &str =
    "the path is in the route's own Ingress, whose annotations (logins, allow-lists, redirects) apply to it too";

/// The row for a controller and a kind of route.
///
/// `mergeable` says that the Ingress is one to which F5's controller lets others add paths. A controller that is not in
/// the table is refused unless `named` says that the user chose the method: how a second Ingress affects a live host is
/// not known.
pub fn row(controller: Controller, kind: Kind, mergeable: bool, named: bool) -> Result<Row, SolveError> {
    match kind.route().and_then(|facts| facts.challenge) {
        // The API defines precedence among HTTPRoutes: an exact path takes precedence over every prefix in all
        // implementations.
        Some(Kind::HttpRoute) => Ok(Row {
            routing: Routing::HttpRoute,
            note: Some("a policy attached to the Gateway itself (logins, allow-lists) applies to the challenge too"),
            ..INGRESS
        }),
        Some(Kind::IngressRoute) => Ok(Row {
            routing: Routing::IngressRoute,
            note: Some(TRAEFIK_NOTE),
            ..INGRESS
        }),
        Some(_) => of_ingress(controller, mergeable, named),
        None if named => Ok(INGRESS),
        None => Err(SolveError::new(format!(
            "it is not known how the controller of a {} handles an Ingress for a host of it",
            kind.as_str()
        ))
        .hint(REFUSED_HINT)),
    }
}

/// What to do if it is not known how the controller handles a separate object.
const REFUSED_HINT: &str = "use DNS-01 (--dns), or choose how with --solver pod, endpoint, in-place or service";

#[allow(clippy::too_many_lines)] // It is a table.
fn of_ingress(controller: Controller, mergeable: bool, named: bool) -> Result<Row, SolveError> {
    Ok(match controller {
        // 1.12.0 to 1.12.5 refuse Exact for a path with a dot (kubernetes/ingress-nginx issue 11176). All versions
        // accept this type, and sort it by length before the prefixes of other Ingresses of the host.
        Controller::IngressNginx => Row {
            path_type: PathType::ImplementationSpecific,
            annotations: &[
                ("nginx.ingress.kubernetes.io/ssl-redirect", "false"),
                ("nginx.ingress.kubernetes.io/force-ssl-redirect", "false"),
                ("nginx.ingress.kubernetes.io/enable-global-auth", "false"),
                ("nginx.ingress.kubernetes.io/whitelist-source-range", "0.0.0.0/0,::/0"),
            ],
            note: Some(
                "a server-snippet of another Ingress of this host, or of the controller's settings, applies to the challenge too",
            ),
            ..INGRESS
        },
        // No entry point is named: a redirect of the whole entry point cannot be bypassed, and is followed to the other
        // one.
        Controller::Traefik => Row {
            annotations: &[("traefik.ingress.kubernetes.io/router.priority", "1000000000")],
            note: Some(TRAEFIK_NOTE),
            ..INGRESS
        },
        // With F5's controller only the oldest Ingress of a host counts, except for minions of a master.
        Controller::F5Nginx if mergeable => Row {
            annotations: &[("nginx.org/mergeable-ingress-type", "minion")],
            note: Some("a login that the master Ingress asks for applies to the challenge too"),
            ..INGRESS
        },
        // Each Ingress has its own address. The default health check is `GET /`.
        Controller::Gce => Row {
            routing: Routing::InPlace,
            node_port: true,
            service_annotations: &[("cloud.google.com/neg", r#"{"ingress": true}"#)],
            patience: CLOUD_PATIENCE,
            note: Some(IN_PLACE_NOTE),
            ..INGRESS
        },
        Controller::Alb => Row {
            routing: Routing::InPlace,
            node_port: true,
            service_annotations: &[("alb.ingress.kubernetes.io/healthcheck-path", HEALTH_PATH)],
            patience: CLOUD_PATIENCE,
            note: Some(IN_PLACE_NOTE),
            ..INGRESS
        },
        // With Cilium each Ingress has its own load balancer by default. Whether they share one is a setting of Cilium.
        Controller::F5Nginx | Controller::Cilium => Row {
            routing: Routing::InPlace,
            note: Some(IN_PLACE_NOTE),
            ..INGRESS
        },
        Controller::HaProxy => Row {
            annotations: &[("haproxy.org/ssl-redirect", "false")],
            ..INGRESS
        },
        Controller::HaProxyIngress => Row {
            annotations: &[("haproxy-ingress.github.io/ssl-redirect", "false")],
            ..INGRESS
        },
        Controller::Contour => Row {
            annotations: &[("ingress.kubernetes.io/force-ssl-redirect", "false")],
            note: Some(
                "an HTTPProxy of the same host takes precedence over every Ingress: if the host belongs to an HTTPProxy, use DNS-01",
            ),
            ..INGRESS
        },
        Controller::Kong => Row {
            annotations: &[
                ("konghq.com/protocols", "http,https"),
                ("konghq.com/strip-path", "false"),
                ("konghq.com/preserve-host", "true"),
            ],
            note: Some("a plugin that Kong applies globally applies to the challenge too"),
            ..INGRESS
        },
        Controller::Apisix => Row {
            annotations: &[("k8s.apisix.apache.org/http-to-https", "false")],
            note: Some("a global rule of APISIX applies to the challenge too"),
            ..INGRESS
        },
        Controller::Istio => Row {
            note: Some(
                "an authorization policy or a redirect of the ingress gateway itself applies to the challenge too",
            ),
            ..INGRESS
        },
        Controller::Unknown | Controller::Tailscale | Controller::Agic if named => INGRESS,
        Controller::Unknown | Controller::Tailscale | Controller::Agic => {
            return Err(SolveError::new(
                "it is not known how the controller behind this route handles a second Ingress for a live host",
            )
            .hint(REFUSED_HINT));
        }
    })
}

const TRAEFIK_NOTE: &str = "a middleware of the entry point itself applies to the challenge too, and so does an entry point of port 80 that is not a default one";

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Controller; 12] = [
        Controller::IngressNginx,
        Controller::Traefik,
        Controller::F5Nginx,
        Controller::Istio,
        Controller::Gce,
        Controller::Alb,
        Controller::HaProxy,
        Controller::HaProxyIngress,
        Controller::Contour,
        Controller::Kong,
        Controller::Apisix,
        Controller::Cilium,
    ];

    fn of(controller: Controller) -> Row {
        row(controller, Kind::Ingress, false, false).unwrap()
    }

    fn says(row: &Row, key: &str) -> Option<&'static str> {
        row.annotations.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    #[test]
    fn ingress_nginx_takes_no_exact_path_with_a_dot_and_asks_nobody_to_log_in() {
        let nginx = of(Controller::IngressNginx);
        assert_eq!(nginx.routing, Routing::Ingress);
        assert_eq!(nginx.path_type, PathType::ImplementationSpecific, "1.12.0 to 1.12.5");
        let prefix = "nginx.ingress.kubernetes.io/";
        for (key, value) in [
            ("ssl-redirect", "false"),
            ("force-ssl-redirect", "false"),
            ("enable-global-auth", "false"),
            ("whitelist-source-range", "0.0.0.0/0,::/0"),
        ] {
            assert_eq!(says(&nginx, &format!("{prefix}{key}")), Some(value));
        }
    }

    #[test]
    fn traefik_takes_an_exact_path_before_every_other_router_on_all_default_entry_points() {
        let traefik = of(Controller::Traefik);
        assert_eq!(
            (traefik.routing, traefik.path_type),
            (Routing::Ingress, PathType::Exact)
        );
        assert_eq!(
            says(&traefik, "traefik.ingress.kubernetes.io/router.priority").map(str::parse),
            Some(Ok(TRAEFIK_PRIORITY))
        );
        assert!(
            !traefik.annotations.iter().any(|(key, _)| key.contains("entrypoints")),
            "a redirect of the entry point leads to another"
        );
        assert_eq!(
            row(Controller::Traefik, Kind::IngressRoute, false, false)
                .unwrap()
                .routing,
            Routing::IngressRoute
        );
    }

    #[test]
    fn at_f5s_only_the_oldest_ingress_of_a_host_counts_unless_it_is_a_master() {
        assert_eq!(of(Controller::F5Nginx).routing, Routing::InPlace);
        let minion = row(Controller::F5Nginx, Kind::Ingress, true, false).unwrap();
        assert_eq!(minion.routing, Routing::Ingress);
        assert_eq!(says(&minion, "nginx.org/mergeable-ingress-type"), Some("minion"));
    }

    #[test]
    fn where_each_ingress_has_an_address_of_its_own_the_path_goes_into_the_routes() {
        for controller in [Controller::Gce, Controller::Alb, Controller::Cilium] {
            assert_eq!(of(controller).routing, Routing::InPlace, "{controller:?}");
        }
        for cloud in [Controller::Gce, Controller::Alb] {
            assert!(cloud.own_address_each());
            let row = of(cloud);
            assert!(row.node_port && row.patience > PATIENCE && !row.service_annotations.is_empty());
        }
    }

    #[test]
    fn the_others_take_a_second_ingress_with_redirects_switched_off() {
        for (controller, annotation) in [
            (Controller::HaProxy, Some("haproxy.org/ssl-redirect")),
            (
                Controller::HaProxyIngress,
                Some("haproxy-ingress.github.io/ssl-redirect"),
            ),
            (Controller::Contour, Some("ingress.kubernetes.io/force-ssl-redirect")),
            (Controller::Apisix, Some("k8s.apisix.apache.org/http-to-https")),
            (Controller::Kong, None),
            (Controller::Istio, None),
        ] {
            let row = of(controller);
            assert_eq!(
                (row.routing, row.path_type),
                (Routing::Ingress, PathType::Exact),
                "{controller:?}"
            );
            if let Some(key) = annotation {
                assert_eq!(says(&row, key), Some("false"), "{controller:?}");
            }
        }
        assert_eq!(says(&of(Controller::Kong), "konghq.com/strip-path"), Some("false"));
        assert_eq!(says(&of(Controller::Kong), "konghq.com/protocols"), Some("http,https"));
    }

    #[test]
    fn a_route_of_the_gateway_api_is_the_same_everywhere() {
        for controller in KNOWN.into_iter().chain([Controller::Unknown]) {
            for kind in [Kind::Gateway, Kind::ListenerSet] {
                let row = row(controller, kind, false, false).unwrap();
                assert_eq!(row.routing, Routing::HttpRoute);
                assert!(row.annotations.is_empty());
            }
        }
    }

    #[test]
    fn a_kind_of_which_it_is_not_known_how_a_challenge_is_led_is_refused() {
        let row = |named| row(Controller::Contour, Kind::Service, false, named);
        assert!(row(false).unwrap_err().hint.unwrap().contains("DNS-01"));
        assert_eq!(row(true).unwrap(), INGRESS);
    }

    #[test]
    fn an_unknown_controller_is_refused_unless_the_user_chose_how() {
        let refused = row(Controller::Unknown, Kind::Ingress, false, false).unwrap_err();
        assert!(refused.hint.unwrap().contains("DNS-01"));
        assert_eq!(row(Controller::Unknown, Kind::Ingress, false, true).unwrap(), INGRESS);
    }
}
