//! Many new Ingresses at once: how fast the controller gets through them, and what that costs the API server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress, kubectl},
    controller::{asking, installed, resume, start_logging, until_stored},
    eventually,
    issuing::{Issuing, NODE},
    run::Running,
    server::{answering, curl},
};

const MANY: usize = 50;
/// Writes to the API server for each certificate, Events and Leases included.
const WRITES: usize = 15;
/// The kinds of what leads challenges to a controller and stays.
const STANDING: &str = "ingresses,services,endpointslices";

/// What was said of what failed or waits.
fn not_done(running: &Running) -> Vec<String> {
    let lines = running.out.all().into_iter();
    let events = ["failed", "notStarted", "leftOut", "waiting", "ca-down", "held"];
    lines
        .filter(|line| {
            events
                .iter()
                .any(|event| line.contains(&format!("\"event\":\"{event}\"")))
        })
        .collect()
}

/// What leads challenges to the controller takes nothing from whoever answers one by a route of his own, and stays whatever is
/// cleaned up.
fn standing_routes_are_beside_others(it: &Issuing, running: &Running, standing: &str) {
    let [theirs, by_hand, last] = ["theirs", "by-hand", "last"].map(|label| it.host(label));
    let path = format!("/.well-known/acme-challenge/{TOKEN}");
    let (url, at) = (format!("http://{theirs}{path}"), format!("{theirs}:80:{NODE}"));
    let asked = || curl(&["--resolve", &at, &url]);
    // Nobody answers yet: the controller has no order for it.
    let refused = asked().unwrap_err();
    assert!(refused.contains("404"), "{refused}");
    it.ns.apply(solver_of_cert_manager(&theirs, &path));
    eventually("the answer of cert-manager's solver", || match asked() {
        Ok(body) if body == ANSWER => Ok(()),
        other => Err(format!("{other:?}")),
    });
    // A command line has another account, and so other answers.
    it.ns.apply(vec![ingress("by-hand", &[(&[&by_hand], "by-hand-tls")])]);
    it.certs(&["renew", "by-hand"]).ends_with(0);
    assert_eq!(it.leaf("by-hand-tls").names(), [by_hand.as_str()]);
    // Nobody else has anything in this cluster now.
    let ran = it.at_home(&["cleanup", "-A", "--force", "--yes"]).run();
    let left = it
        .ns
        .kubectl(&["get", STANDING, "-l", "kubectl-certs.io/purpose=standing", "-o", "name"]);
    assert_eq!(left, standing, "{}{}", ran.out, ran.err);
    it.ns.apply(vec![asking("last", &[&last])]);
    until_stored(it, "last-tls", &[&last], running);
}

const TOKEN: &str = "e2e_token-of-somebody-else";
const ANSWER: &str = "e2e_token-of-somebody-else.thumbprint";

/// What cert-manager makes for a challenge (pkg/issuer/acme/http, v1.19): an Ingress for the host and the path of the token, with
/// a Service of its own. What answers is beside the cluster.
fn solver_of_cert_manager(host: &str, path: &str) -> Vec<Value> {
    let address = answering(NODE, |_| {
        let length = ANSWER.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{ANSWER}")
    });
    let labels = json!({"acme.cert-manager.io/http01-solver": "true"});
    let (name, port) = ("cm-acme-http-solver-abcde", 8089);
    vec![
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": labels},
            "spec": {"ports": [{"name": "http", "port": port, "targetPort": address.port()}]},
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": [NODE]}], "ports": [{"name": "http", "port": address.port()}],
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "labels": labels},
            "spec": {"ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": [{
                "path": path, "pathType": "ImplementationSpecific",
                "backend": {"service": {"name": name, "port": {"number": port}}},
            }]}}]},
        }),
    ]
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn fifty_new_ingresses_are_served_at_a_rate_and_with_few_writes() {
    // Alone: the routes that stay are those of the first installation on a Traefik.
    let it = Issuing::within(Namespace::alone("unattended-many"), |_| {});
    eventually("that the routes of tests before are gone", || {
        let label = "-l=kubectl-certs.io/purpose=standing";
        let found = kubectl(&["get", "ingresses", "-A", label, "-o", "name"]);
        if found.is_empty() { Ok(()) } else { Err(found) }
    });
    installed(&it);
    resume(&it);
    let running = start_logging(&it);
    running.out.after(0, &["\"event\":\"leads\""]);
    let hosts: Vec<String> = (0..MANY).map(|number| it.host(&format!("h{number}"))).collect();
    let routes = (0..)
        .zip(&hosts)
        .map(|(number, host): (usize, _)| asking(&format!("r{number}"), &[host]));
    let before = running.err.all().len();
    it.ns.apply(routes.collect());
    let began = Instant::now();
    let done = |event: &str| {
        let lines = running.out.all();
        lines
            .iter()
            .filter(|line| line.contains(&format!("\"event\":\"{event}\"")))
            .count()
    };
    while done("done") < MANY {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{} of {MANY}: {:?}",
            done("done"),
            not_done(&running)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    let requests: Vec<String> = running.err.all()[before..].to_vec();
    let writes: Vec<&String> = requests
        .iter()
        .filter(|line| {
            ["POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|method| line.contains(&format!("{method} https://")))
        })
        .filter(|line| line.contains("/api/v1/") || line.contains("/apis/"))
        .collect();
    assert!(
        writes.len() <= MANY * WRITES,
        "{} writes in {took:?}: {writes:#?}",
        writes.len()
    );
    let routes = writes.iter().filter(|line| {
        ["/ingresses", "/services", "/endpointslices"]
            .iter()
            .any(|kind| line.contains(kind))
    });
    let routes: Vec<_> = routes.collect();
    assert!(routes.len() <= 5, "{routes:#?}");
    // A route over HTTP and one over TLS, with what they lead to.
    let standing = it
        .ns
        .kubectl(&["get", STANDING, "-l", "kubectl-certs.io/purpose=standing", "-o", "name"]);
    assert_eq!(standing.lines().count(), 4, "{standing}");
    assert!(!writes.is_empty() && done("served") >= MANY, "{requests:#?}");
    // An unoptimized build on a busy machine; the bench has the figure.
    assert!(took < Duration::from_secs(30), "{took:?}");
    standing_routes_are_beside_others(&it, &running, &standing);
    println!("{MANY} certificates in {took:?}, {} writes", writes.len());
}
