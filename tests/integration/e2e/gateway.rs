//! `status` of Gateways and `ListenerSets`, with the real CRDs.

use serde_json::json;

use crate::support::{
    cluster::{Namespace, gateway, http_route, listener},
    run::message,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn listeners_routes_and_grants_decide_which_hosts_a_gateway_serves() {
    let (ns, certs) = (Namespace::new("gateway"), Namespace::new("certs"));
    let [good, missing, granted, refused] = ["good", "missing", "granted", "refused"].map(|label| ns.host(label));
    let (wild, below) = (ns.host("*.wild"), ns.host("a.wild"));
    let remote = |name: &str| json!([{"name": name, "namespace": certs.name}]);
    // Both namespaces trust one root: that of `ns`.
    certs.apply(vec![
        ns.pki.pair(&[&granted]).secret("granted"),
        ns.pki.pair(&[&refused]).secret("refused"),
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "some"},
            "spec": {
                "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": ns.name}],
                "to": [{"group": "", "kind": "Secret", "name": "granted"}],
            },
        }),
    ]);
    ns.apply(vec![
        ns.pki.pair(&[&good]).secret("good"),
        ns.pki.pair(&[&wild]).secret("wild"),
        gateway(
            "edge",
            &[
                ("good", &good, json!([{"name": "good"}])),
                ("missing", &missing, json!([{"name": "missing"}])),
                ("granted", &granted, remote("granted")),
                ("refused", &refused, remote("refused")),
                ("wild", &wild, json!([{"name": "wild"}])),
            ],
        ),
        http_route("a", &json!({"name": "edge", "sectionName": "wild"}), &[&below]),
        http_route(
            "lost",
            &json!({"name": "edge", "sectionName": "good"}),
            &["lost.example"],
        ),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&good), "healthy");
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound");
    assert_eq!(
        items.verdict(&granted),
        "healthy",
        "another namespace's Secret, with a grant"
    );
    assert_eq!(items.verdict(&refused), "critical: RefNotPermitted");
    assert_eq!(
        items.verdict(&below),
        "healthy",
        "the listener's wildcard, cut to the route's host"
    );
    let lost = items
        .0
        .iter()
        .find(|item| item["findings"][0]["reason"] == "NoMatchingListenerHostname")
        .expect("the route that no listener takes");
    assert!(message(lost, "NoMatchingListenerHostname").contains("lost.example"));
    assert_eq!(
        items.host(&good)["route"],
        json!({"kind": "Gateway", "name": "edge", "listener": "good"})
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_listener_set_adds_its_hosts_to_the_gateway() {
    let ns = Namespace::new("set");
    let [own, good, old, missing] = ["own", "good", "old", "missing"].map(|label| ns.host(label));
    let mut edge = gateway("edge", &[("own", &own, json!([{"name": "own"}]))]);
    edge["spec"]["allowedListeners"] = json!({"namespaces": {"from": "Same"}});
    let refs = |name: &str| json!([{"name": name}]);
    ns.apply(vec![
        ns.pki.pair(&[&own]).secret("own"),
        ns.pki.pair(&[&good]).secret("good"),
        ns.pki.expired(&[&old]).secret("old"),
        edge,
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet", "metadata": {"name": "more"},
            "spec": {
                "parentRef": {"name": "edge", "kind": "Gateway", "group": "gateway.networking.k8s.io"},
                "listeners": [
                    listener("good", &good, &refs("good")),
                    listener("old", &old, &refs("old")),
                    listener("missing", &missing, &refs("missing")),
                ],
            },
        }),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&own), "healthy");
    assert_eq!(items.verdict(&good), "healthy");
    assert_eq!(items.verdict(&old), "critical: Expired");
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound");
    assert_eq!(
        items.host(&old)["route"],
        json!({"kind": "ListenerSet", "name": "more", "listener": "old"})
    );
    assert_eq!(ns.status(&["listenerset/more"]).0.len(), 3);
}
