//! HTTP-01 through the real Traefik: what answers, which object leads there, what is in its way, and that nothing is left.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use kubectl_certs::{
    apply::{Api, RunId},
    event::{Event, EventKind, Listen, Teller},
    inventory::{Controller, RouteKey},
    k8s::{ConnectOptions, connect},
    name::Name,
    object::{Key, Kind},
    settings::{file::SolverEntry, value::SelfCheck},
    solve::{
        Challenge, NoJournal, Solve, SolveError,
        http01::{
            Backend, ChallengeRoute, Class, Guard, Http01, Options, PodOptions, Ports, Thumbprint, config_map, permits,
            place::Parent,
        },
    },
};
use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress},
    eventually,
    run::Call,
    server::{answering, curl, free_port},
};

const NODE: &str = "10.99.0.1";
const TOKEN: &str = "e2e_token-1";
const THUMBPRINT: &str = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";
const MANAGED: &str = "app.kubernetes.io/managed-by=kubectl-certs";
const KINDS: &str = "jobs,pods,services,endpointslices,ingresses,configmaps,httproutes.gateway.networking.k8s.io,ingressroutes.traefik.io";

/// An application that never lets anybody in: it redirects to https, and there asks for a login.
pub(super) fn application() -> SocketAddr {
    answering(NODE, |head| {
        let head = head.to_lowercase();
        let host = head
            .split("host: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next())
            .unwrap_or("x");
        if head.contains("x-forwarded-proto: https") {
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlogin".to_owned()
        } else {
            format!(
                "HTTP/1.1 302 Found\r\nLocation: https://{host}/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
    })
}

/// A Service without selector, and its endpoint.
pub(super) fn backend(name: &str, address: SocketAddr) -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": address.port()}]},
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "endpoints": [{"addresses": [address.ip()], "conditions": {"ready": true}}],
            "ports": [{"name": "http", "port": address.port()}],
        }),
    ]
}

/// Asks Traefik for a path of a host. Returns status and body.
pub(super) fn ask(host: &str, path: &str) -> (String, String) {
    let to = format!("{host}:80:{NODE}");
    let url = format!("http://{host}{path}");
    let said = curl_any(&["--resolve", &to, "-w", "\n%{http_code}", &url]);
    let (body, status) = said.rsplit_once('\n').unwrap_or(("", &said));
    (status.to_owned(), body.to_owned())
}

/// curl fails for statuses of 400 and more, and prints the body all the same.
fn curl_any(args: &[&str]) -> String {
    curl(args).unwrap_or_else(|said| said)
}

fn challenge_path() -> String {
    format!("/.well-known/acme-challenge/{TOKEN}")
}

fn challenge(host: &str) -> Challenge {
    Challenge {
        name: host.parse().unwrap(),
        wildcard: false,
        token: TOKEN.into(),
        key_authorization: format!("{TOKEN}.{THUMBPRINT}"),
        issuers: Vec::new(),
    }
}

fn place(ns: &Namespace, kind: Kind, name: &str) -> ChallengeRoute {
    ChallengeRoute {
        route: Some(RouteKey::new(kind, Key::new(ns.name.as_str(), name))),
        kind,
        namespace: ns.name.as_str().into(),
        controller: Controller::Traefik,
        class: Class::Field("traefik".into()),
        addresses: vec![NODE.into()],
        mergeable: false,
        login: false,
        parents: Vec::new(),
    }
}

fn endpoint() -> Backend {
    let free = format!("{NODE}:{}", free_port()).parse().unwrap();
    Backend::Endpoint {
        listen: free,
        advertise: free,
    }
}

fn options(backend: Backend) -> Options {
    Options {
        backend,
        in_place: false,
        named: false,
        pod: PodOptions {
            image: "testbed.local/none:1".into(),
            nodes: Vec::new(),
            said: SolverEntry::default(),
            deadline: 600,
        },
        thumbprint: THUMBPRINT.parse::<Thumbprint>().unwrap(),
        // The hosts are in no DNS.
        standing: None,
        self_check: SelfCheck::Direct,
        resolve_timeout: std::time::Duration::ZERO,
        limit: None,
        connect: None,
        lookup: kubectl_certs::net::Lookup::System,
        zones: Vec::new(),
        guard: Guard::default(),
        ports: Ports::default(),
        run: RunId::random(),
        expires: 4_000_000_000,
    }
}

/// What was told.
#[derive(Default)]
struct Heard(Mutex<Vec<EventKind>>);

impl Listen for Heard {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap().push(event.kind.clone());
    }
}

/// Presents the challenge of a host; then runs `meanwhile`; then takes everything away. Returns what was told.
#[track_caller]
fn solve(
    options: Options,
    place: ChallengeRoute,
    host: &str,
    meanwhile: impl FnOnce(),
) -> Result<Vec<EventKind>, SolveError> {
    let (presented, heard) = solve_and_hear(options, place, host, meanwhile);
    presented.map(|()| heard)
}

/// The same, with what was told of one that failed too.
#[track_caller]
fn solve_and_hear(
    options: Options,
    place: ChallengeRoute,
    host: &str,
    meanwhile: impl FnOnce(),
) -> (Result<(), SolveError>, Vec<EventKind>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let heard = Arc::new(Heard::default());
    let teller = Teller::new(heard.clone());
    let challenge = challenge(host);
    let (solver, presented) = runtime.block_on(async {
        let connection = connect(&ConnectOptions::default()).await.unwrap();
        let permits = permits(&options, [&place]).unwrap();
        let places: HashMap<Name, ChallengeRoute> = HashMap::from([(challenge.name.clone(), place)]);
        let solver = Http01::new(Api::new(connection, permits), options, places, Arc::new(NoJournal));
        let presented = solver.present(&challenge, &teller).await;
        (solver, presented)
    });
    if presented.is_ok() {
        meanwhile();
    }
    let removed = runtime.block_on(async {
        let own = solver.clean(&challenge).await.unwrap();
        assert_eq!(
            solver.clean(&challenge).await.unwrap(),
            0,
            "nothing is left to be cleaned"
        );
        own + solver.finish().await.unwrap()
    });
    assert!(removed > 0);
    let heard = heard.0.lock().unwrap().clone();
    (presented, heard)
}

#[track_caller]
fn nothing_is_left(ns: &Namespace) {
    eventually("an empty namespace", || {
        let left = ns.kubectl(&["get", KINDS, "-l", MANAGED, "-o", "name"]);
        if left.trim().is_empty() { Ok(()) } else { Err(left) }
    });
}

#[track_caller]
fn is_answered(host: &str) {
    let (status, body) = ask(host, &challenge_path());
    assert_eq!((status.as_str(), body), ("200", format!("{TOKEN}.{THUMBPRINT}")));
}

fn self_checked(events: &[EventKind]) -> bool {
    events
        .iter()
        .any(|event| matches!(event, EventKind::SelfChecked { seen, .. } if seen.iter().any(|s| s.starts_with(NODE))))
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_endpoint_answers_through_an_ingress_in_front_of_an_application_that_asks_for_a_login() {
    let ns = Namespace::new("h01-end");
    let host = ns.host("shop");
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host], "shop-tls")])],
        ]
        .concat(),
    );
    eventually("the application", || match ask(&host, "/") {
        (status, _) if status == "302" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let events = solve(options(endpoint()), place(&ns, Kind::Ingress, "web"), &host, || {
        is_answered(&host);
        assert_eq!(ask(&host, "/").0, "302", "the application goes on as before");
        assert_eq!(
            ask(&host, "/.well-known/acme-challenge/other").0,
            "302",
            "that path is its own, too"
        );
        let made = ns.kubectl(&["get", "ingress,service,endpointslice", "-l", MANAGED, "-o", "json"]);
        let made: Value = serde_json::from_str(&made).unwrap();
        let items = made["items"].as_array().unwrap();
        assert_eq!(items.len(), 3, "{made:#}");
        for item in items {
            let meta = &item["metadata"];
            assert_eq!(meta["labels"]["kubectl-certs.io/purpose"], "solver", "{meta:#}");
            assert!(meta["annotations"]["kubectl-certs.io/expires"].is_string(), "{meta:#}");
        }
    })
    .unwrap();
    assert!(self_checked(&events), "{events:?}");
    nothing_is_left(&ns);
    eventually("the application alone", || match ask(&host, &challenge_path()) {
        (status, _) if status == "302" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn middlewares_of_the_applications_route_do_not_count_for_the_challenge() {
    let ns = Namespace::new("h01-mid");
    let host = ns.host("shop");
    let mut web = ingress("web", &[(&[&host], "shop-tls")]);
    web["metadata"]["annotations"] = json!({
        "traefik.ingress.kubernetes.io/router.middlewares": format!("{0}-https@kubernetescrd,{0}-login@kubernetescrd", ns.name),
        "traefik.ingress.kubernetes.io/router.priority": "1000",
    });
    ns.apply(
        [
            backend("web", application()),
            vec![
                json!({
                    "apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "https"},
                    "spec": {"redirectScheme": {"scheme": "https", "permanent": true}},
                }),
                json!({
                    "apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "login"},
                    "spec": {"ipAllowList": {"sourceRange": ["192.0.2.1/32"]}},
                }),
                web,
            ],
        ]
        .concat(),
    );
    eventually("the redirect", || match ask(&host, &challenge_path()) {
        (status, _) if status == "301" || status == "308" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    solve(options(endpoint()), place(&ns, Kind::Ingress, "web"), &host, || {
        is_answered(&host);
    })
    .unwrap();
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateways_host_is_answered_by_a_route_on_its_listener_of_port_80() {
    let ns = Namespace::new("h01-gw");
    let host = ns.host("shop");
    let listener = |name: &str, port: u16, protocol: &str| {
        let mut listener = json!({
            "name": name, "port": port, "protocol": protocol, "hostname": host,
            "allowedRoutes": {"namespaces": {"from": "Same"}},
        });
        if protocol == "HTTPS" {
            listener["tls"] = json!({"certificateRefs": [{"name": "shop-tls"}]});
        }
        listener
    };
    ns.apply(
        [
            backend("web", application()),
            vec![
                ns.pki.pair(&[&host]).secret("shop-tls"),
                json!({
                    "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "edge"},
                    "spec": {"gatewayClassName": "traefik", "listeners": [
                        listener("http", 80, "HTTP"), listener("https", 443, "HTTPS"),
                    ]},
                }),
                json!({
                    "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
                    "spec": {
                        "parentRefs": [{"name": "edge"}], "hostnames": [host],
                        "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
                    },
                }),
            ],
        ]
        .concat(),
    );
    let parent = |section: &str, port| Parent {
        kind: Kind::Gateway,
        namespace: ns.name.as_str().into(),
        name: "edge".into(),
        section: section.into(),
        port,
    };
    let place = ChallengeRoute {
        class: Class::Default,
        parents: vec![parent("http", 80), parent("https", 443)],
        ..place(&ns, Kind::Gateway, "edge")
    };
    let events = solve(options(endpoint()), place, &host, || {
        is_answered(&host);
        let route = ns.kubectl(&["get", "httproute", "-l", MANAGED, "-o", "json"]);
        let route: Value = serde_json::from_str(&route).unwrap();
        for parent in route["items"][0]["status"]["parents"].as_array().unwrap() {
            let accepted = parent["conditions"]
                .as_array()
                .unwrap()
                .iter()
                .find(|c| c["type"] == "Accepted")
                .unwrap();
            assert_eq!(accepted["status"], "True", "{parent:#}");
        }
    })
    .unwrap();
    assert!(self_checked(&events), "{events:?}");
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn traefiks_own_route_is_answered_by_one_of_its_kind() {
    let ns = Namespace::new("h01-ir");
    let host = ns.host("shop");
    let route = json!({
        "apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "web"},
        "spec": {"routes": [{
            "kind": "Rule", "match": format!("Host(`{host}`)"), "priority": 5000, "services": [{"name": "web", "port": 80}],
        }]},
    });
    ns.apply([backend("web", application()), vec![route]].concat());
    let place = ChallengeRoute {
        class: Class::Default,
        ..place(&ns, Kind::IngressRoute, "web")
    };
    solve(options(endpoint()), place, &host, || is_answered(&host)).unwrap();
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn in_place_the_path_is_added_to_the_own_ingress_and_it_is_as_before_afterwards() {
    let ns = Namespace::new("h01-in");
    let (host, other) = (ns.host("shop"), ns.host("other"));
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host, &other], "shop-tls")])],
        ]
        .concat(),
    );
    let spec = || ns.kubectl(&["get", "ingress", "web", "-o", "jsonpath={.spec}"]);
    let before = spec();
    let in_place = Options {
        in_place: true,
        named: true,
        ..options(endpoint())
    };
    solve(in_place, place(&ns, Kind::Ingress, "web"), &host, || {
        is_answered(&host);
        assert_ne!(spec(), before);
        // Somebody else changes the same Ingress meanwhile, and that stays.
        ns.kubectl(&["patch", "ingress", "web", "--type=json", "-p", &json!([{
            "op": "add", "path": "/spec/rules/1/http/paths/-", "value": {
                "path": "/added", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}},
            },
        }]).to_string()]);
    })
    .unwrap();
    let mut expected: Value = serde_json::from_str(&before).unwrap();
    expected["rules"][1]["http"]["paths"]
        .as_array_mut()
        .unwrap()
        .push(json!({
            "path": "/added", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}},
        }));
    assert_eq!(serde_json::from_str::<Value>(&spec()).unwrap(), expected);
    nothing_is_left(&ns);
}

/// The image of the program under test, in the cluster's containerd.
pub(super) fn solver_image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_kubectl-certs"));
        let name = format!("testbed.local/kubectl-certs:{}", std::process::id());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/solver-image");
        let ran = Command::new(script).arg(&name).arg(program).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        name
    })
}

fn pod_options() -> Options {
    let mut options = options(Backend::Pod);
    options.pod.image = solver_image().into();
    options
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_pod_of_the_projects_own_image_answers_under_the_restricted_standard() {
    let ns = Namespace::new("h01-pod");
    ns.kubectl(&[
        "label",
        "namespace",
        &ns.name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    let host = ns.host("shop");
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host], "shop-tls")])],
        ]
        .concat(),
    );
    solve(pod_options(), place(&ns, Kind::Ingress, "web"), &host, || {
        is_answered(&host);
        let job = ns.kubectl(&["get", "job", "-l", MANAGED, "-o", "jsonpath={.items[0].metadata.uid}"]);
        for kind in ["ingress", "service"] {
            let path = "jsonpath={.items[0].metadata.ownerReferences[0].uid}";
            assert_eq!(ns.kubectl(&["get", kind, "-l", MANAGED, "-o", path]), job, "{kind}");
        }
    })
    .unwrap();
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_answer_is_looked_at_from_inside_of_the_cluster_where_this_network_sees_nothing() {
    let ns = Namespace::new("h01-see");
    ns.kubectl(&[
        "label",
        "namespace",
        &ns.name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    let host = ns.host("shop");
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host], "shop-tls")])],
        ]
        .concat(),
    );
    let inside = Options {
        self_check: SelfCheck::Cluster,
        ..pod_options()
    };
    let events = solve(inside, place(&ns, Kind::Ingress, "web"), &host, || is_answered(&host)).unwrap();
    let from_inside = |event: &EventKind| matches!(event, EventKind::SelfChecked { seen, .. } if seen.iter().any(|s| s.contains("inside the cluster")));
    assert!(events.iter().any(from_inside), "{events:?}");
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_pod_that_ends_while_its_answer_is_looked_for_is_told_with_what_is_seen_meanwhile() {
    let ns = Namespace::new("h01-end");
    let host = ns.host("shop");
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host], "shop-tls")])],
        ]
        .concat(),
    );
    let mut short = Options {
        self_check: SelfCheck::Direct,
        limit: Some(Duration::from_secs(12)),
        ..pod_options()
    };
    // It ends by itself; and nothing leads to it, as the class is another's.
    short.pod.deadline = 4;
    let mut elsewhere = place(&ns, Kind::Ingress, "web");
    elsewhere.class = Class::Annotation("another".into());
    let (presented, heard) = solve_and_hear(short, elsewhere, &host, || {});
    let error = presented.unwrap_err();
    assert!(error.message.contains("does not show the answer"), "{error}");
    assert!(error.message.contains("the solver's Pod has ended: "), "{error}");
    let waits = |words: &str| {
        let told = |event: &EventKind| matches!(event, EventKind::Waiting { reason } if reason.contains(words));
        assert!(heard.iter().any(told), "{words}: {heard:?}");
    };
    waits("the solver's Pod: ");
    waits("10.99.0.1 answers 401 after a redirect");
    waits(" UTC");
    let presented = heard.iter().position(|e| matches!(e, EventKind::Presented { .. }));
    let waiting = heard.iter().position(|e| matches!(e, EventKind::Waiting { .. }));
    assert!(
        presented < waiting,
        "the objects are told of before they are waited for: {heard:?}"
    );
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_route_that_had_no_address_when_it_was_read_is_read_again() {
    let ns = Namespace::new("h01-again");
    let host = ns.host("shop");
    ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    let direct = Options {
        self_check: SelfCheck::Direct,
        ..options(endpoint())
    };
    let read_before = ChallengeRoute {
        addresses: Vec::new(),
        ..place(&ns, Kind::Ingress, "web")
    };
    let events = solve(direct, read_before, &host, || is_answered(&host)).unwrap();
    let at_the_route = |event: &EventKind| matches!(event, EventKind::SelfChecked { seen, .. } if *seen == [NODE]);
    assert!(events.iter().any(at_the_route), "{events:?}");
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_pod_that_cannot_run_is_told_in_the_clusters_words() {
    let ns = Namespace::new("h01-bad");
    let host = ns.host("shop");
    let missing = options(Backend::Pod);
    let error = solve(missing, place(&ns, Kind::Ingress, "web"), &host, || {}).unwrap_err();
    assert!(error.message.contains("testbed.local/none:1"), "{error}");
    assert!(error.hint.unwrap().contains("--solver-image"));
    assert!(error.cluster);
    nothing_is_left(&ns);

    // A quota that lets no Pod in: the Job's event says so.
    ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}},
    })]);
    let error = solve(options(Backend::Pod), place(&ns, Kind::Ingress, "web"), &host, || {}).unwrap_err();
    assert!(error.message.contains("exceeded quota"), "{error}");
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_answer_that_does_not_arrive_is_told_with_what_is_there_instead() {
    let ns = Namespace::new("h01-not");
    let host = ns.host("shop");
    ns.apply(
        [
            backend("web", application()),
            vec![ingress("web", &[(&[&host], "shop-tls")])],
        ]
        .concat(),
    );
    eventually("the application", || match ask(&host, "/") {
        (status, _) if status == "302" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    // Traefik does not look at another controller's class.
    let elsewhere = ChallengeRoute {
        class: Class::Annotation("other".into()),
        ..place(&ns, Kind::Ingress, "web")
    };
    let hasty = Options {
        limit: Some(Duration::from_secs(2)),
        ..options(endpoint())
    };
    let error = solve(hasty, elsewhere, &host, || {}).unwrap_err();
    assert!(
        error
            .message
            .contains("10.99.0.1 answers 401 after a redirect to https://"),
        "{error}"
    );
    assert!(error.message.contains("login"), "{error}");
    assert!(error.hint.unwrap().contains("login"));
    nothing_is_left(&ns);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn for_a_service_of_the_users_the_answer_is_in_its_config_map_and_gone_afterwards() {
    let ns = Namespace::new("h01-svc");
    let host = ns.host("shop");
    let of_user = Options {
        self_check: SelfCheck::Off,
        named: true,
        ..options(Backend::Service("answers:80".parse().unwrap()))
    };
    let missing = solve_service(&of_user, &ns, &host).unwrap_err();
    assert!(missing.message.contains("answers does not exist"), "{missing}");
    ns.apply(backend("answers", application()));
    solve(of_user.clone(), place(&ns, Kind::Ingress, "web"), &host, || {
        let data = ns.kubectl(&["get", "configmap", config_map::NAME, "-o", "jsonpath={.data}"]);
        assert_eq!(
            serde_json::from_str::<Value>(&data).unwrap(),
            json!({TOKEN: format!("{TOKEN}.{THUMBPRINT}")})
        );
        assert!(ns.kubectl(&["get", "ingress", "-o", "name"]).is_empty());
    })
    .unwrap();
    nothing_is_left(&ns);

    // One that the user made stays, with what it held.
    ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config_map::NAME}, "data": {"own": "1"},
    })]);
    solve(of_user, place(&ns, Kind::Ingress, "web"), &host, || {}).unwrap();
    let data = ns.kubectl(&["get", "configmap", config_map::NAME, "-o", "jsonpath={.data}"]);
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), json!({"own": "1"}));
}

fn solve_service(options: &Options, ns: &Namespace, host: &str) -> Result<(), SolveError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let place = place(ns, Kind::Ingress, "web");
    let permits = permits(options, [&place]).unwrap();
    runtime.block_on(async {
        let connection = connect(&ConnectOptions::default()).await.unwrap();
        let places = HashMap::from([(host.parse().unwrap(), place)]);
        let solver = Http01::new(
            Api::new(connection, permits),
            options.clone(),
            places,
            Arc::new(NoJournal),
        );
        let result = solver.present(&challenge(host), &Teller::silent()).await;
        assert_eq!(solver.finish().await.unwrap(), 0);
        result
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_program_answers_until_it_is_told_to_end() {
    let port = TcpListener::bind((NODE, 0)).unwrap().local_addr().unwrap().port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-certs"))
        .args([
            "respond",
            "--thumbprint",
            THUMBPRINT,
            "--address",
            NODE,
            "--port",
            &port.to_string(),
        ])
        .spawn()
        .unwrap();
    let url = format!("http://{NODE}:{port}{}", challenge_path());
    let body = eventually("an answer", || curl(&[&url]));
    assert_eq!(body, format!("{TOKEN}.{THUMBPRINT}"));
    let ended = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(ended.success());
    // To be told to end is its usual end.
    assert!(child.wait().unwrap().success());

    let wrong = Call::certs(["respond", "--thumbprint", "no"]).run();
    assert_eq!(wrong.status, Some(2), "{}", wrong.err);
}
