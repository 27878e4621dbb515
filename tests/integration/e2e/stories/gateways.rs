//! Gateways and `ListenerSets` that ask by the annotation.

use serde_json::{Value, json};

use crate::support::{
    cluster::{gateway, http_route, listener},
    controller::{asking, asks, controller, exists, orders, plain_listener, resume, until_stored},
    dns::PowerDns,
    issuing::Issuing,
};

/// A Gateway with one listener for whatever hosts its routes have, and one for challenges.
fn edge(name: &str) -> Value {
    let mut edge = gateway(name, &[("https", "", json!([{"name": format!("{name}-tls")}]))]);
    let listeners = edge["spec"]["listeners"].as_array_mut().unwrap();
    listeners[0].as_object_mut().unwrap().remove("hostname");
    listeners.push(plain_listener());
    edge
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateway_asks_for_the_hosts_of_its_routes_and_a_route_asks_for_nothing() {
    let it = Issuing::new("gateways");
    let [a, b, quiet, last] = ["a", "b", "quiet", "last"].map(|label| it.host(label));
    let parent = |name: &str| json!({"name": name});
    it.ns.apply(vec![
        asks(edge("edge")),
        http_route("a", &parent("edge"), &[&a]),
        // Here the route has the annotation, and the Gateway has not.
        edge("quiet"),
        asks(http_route("quiet", &parent("quiet"), &[&quiet])),
    ]);
    let running = controller(&it);
    resume(&it);
    until_stored(&it, "edge-tls", &[&a], &running);
    it.ns.apply(vec![http_route("b", &parent("edge"), &[&b])]);
    until_stored(&it, "edge-tls", &[&a, &b], &running);
    // What comes last has come, and nothing for the other.
    it.ns.apply(vec![asking("last", &[&last])]);
    until_stored(&it, "last-tls", &[&last], &running);
    assert!(!exists(&it, "quiet-tls"));
    assert_eq!(orders(&it), 3, "{:?}", running.out.all());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_listener_set_asks_for_itself_alone() {
    let it = Issuing::new("listenerset");
    // Traefik serves no ListenerSets yet, so that these hosts are proved by DNS.
    let zone = format!("{}.example", it.ns.name);
    let server = PowerDns::start();
    server.create_zone(&zone);
    it.resolver.delegate(&zone, server.ip());
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "powerdns"}, "stringData": {"apikey": server.api_key()},
    })]);
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: own\n    zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: {{secretRef: \
         {{namespace: {}, name: powerdns, key: apikey}}}}\n",
        server.api_url(),
        it.ns.name
    ));
    let (own, set) = (it.ns.host("own"), it.ns.host("set"));
    let mut edge = gateway("edge", &[("own", &own, json!([{"name": "own-tls"}]))]);
    edge["spec"]["allowedListeners"] = json!({"namespaces": {"from": "Same"}});
    it.ns.apply(vec![
        edge,
        asks(json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet", "metadata": {"name": "more"},
            "spec": {
                "parentRef": {"name": "edge", "kind": "Gateway", "group": "gateway.networking.k8s.io"},
                "listeners": [listener("set", &set, &json!([{"name": "set-tls"}]))],
            },
        })),
    ]);
    let running = controller(&it);
    resume(&it);
    until_stored(&it, "set-tls", &[&set], &running);
    assert!(!exists(&it, "own-tls"), "its Gateway does not ask");
    it.ns
        .kubectl(&["annotate", "gateway", "edge", "kubernetes.io/tls-acme=true"]);
    until_stored(&it, "own-tls", &[&own], &running);
}
