//! DNS providers that only the cluster reaches: the API server passes the requests on, with what the kubeconfig allows.

use std::path::Path;

use serde_json::{Value, json};

use super::rights_to_renew::printed;
use crate::support::{dns::PowerDns, issuing::Issuing};

const ZONE: &str = "corp.internal";
/// What the provider's Service is called, and its port.
const SERVICE: &str = "powerdns-api";
const PORT: u16 = 8081;

/// A Pod that passes on what arrives at the port of the Service, because the API server leads to Pods alone.
fn relay(it: &Issuing, server: &PowerDns) {
    let (ip, port) = (server.ip().to_string(), PORT.to_string());
    it.ns.apply(vec![
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "relay", "labels": {"app": "powerdns"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "main", "image": "testbed.local/busybox:1", "imagePullPolicy": "IfNotPresent",
                    "command": ["nc", "-ll", "-p", port, "-e", "nc", ip, port],
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                }],
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE},
            "spec": {"selector": {"app": "powerdns"}, "ports": [{"name": "api", "port": PORT}]},
        }),
    ]);
    it.ns
        .kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "pod/relay"]);
}

fn settings(it: &Issuing, url: &str) {
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{ZONE}]\n    provider: powerdns\n    url: {url}\n    apiKey: {{env: PDNS_KEY}}\n"
    ));
}

fn url(it: &Issuing, service: &str) -> String {
    format!("service://{}/{service}:{PORT}", it.ns.name)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_powerdns_behind_a_service_is_reached_from_outside_and_its_answers_are_its_own() {
    let it = Issuing::new("svc");
    let server = PowerDns::start();
    server.create_zone(ZONE);
    it.resolver.delegate(ZONE, server.ip());
    relay(&it, &server);
    let before = server.records(ZONE);
    let issue = ["issue", "--secret", "internal-tls", "-d", "*.corp.internal", "-d", ZONE];
    let run = |key: &str| it.call(&issue).env("PDNS_KEY", key).run();
    for path in ["", "/", "/api/v1"] {
        settings(&it, &format!("{}{path}", url(&it, SERVICE)));
        let ran = run(server.api_key()).ends_with(0);
        assert_eq!(
            it.leaf("internal-tls").names(),
            ["*.corp.internal", ZONE],
            "{}",
            ran.err
        );
        assert!(!ran.err.contains(server.api_key()), "{}", ran.err);
        assert_eq!(server.records(ZONE), before, "{}", ran.err);
    }
    // By the name of its port, and looked at without an order.
    settings(&it, &url(&it, SERVICE).replace(":8081", ":api"));
    let looked = ["preflight", "secret/internal-tls", "--write-test"];
    let ran = it.call(&looked).env("PDNS_KEY", server.api_key()).run().ends_with(0);
    assert!(ran.out.contains("internal wrote a test record"), "{}", ran.out);

    // A refusal of PowerDNS is PowerDNS's.
    settings(&it, &url(&it, SERVICE));
    let ran = run("not-the-key").ends_with(4);
    assert!(
        ran.err
            .contains(&format!("PowerDNS at {} answers 401", url(&it, SERVICE))),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("not-the-key"), "{}", ran.err);
    assert_eq!(server.records(ZONE), before, "{}", ran.err);

    // What is between is told too.
    settings(&it, &url(&it, "none"));
    let ran = run(server.api_key());
    assert!(
        ran.err.contains("none") && ran.err.contains("does not exist") && ran.err.contains("kubectl get services"),
        "{}",
        ran.err
    );
    settings(&it, &url(&it, SERVICE));
    it.ns.kubectl(&["delete", "pod", "relay", "--wait=true"]);
    let ran = run(server.api_key());
    assert_ne!(ran.status, Some(0));
    assert!(ran.err.contains("no endpoints available"), "{}", ran.err);
    assert!(ran.err.contains("a Pod that is ready"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_right_that_is_missing_is_named_before_an_order_and_a_role_for_one_port_is_enough() {
    let it = Issuing::new("svc-rights");
    let server = PowerDns::start();
    server.create_zone(ZONE);
    it.resolver.delegate(ZONE, server.ip());
    relay(&it, &server);
    settings(&it, &url(&it, SERVICE));
    let mut rules = printed();
    it.ns.token("renewer", &rules);
    let user = format!("--as={}", it.ns.user("renewer"));
    let issue = ["issue", "--secret", "internal-tls", "-d", "db.corp.internal", &user];
    let run = || it.call(&issue).env("PDNS_KEY", server.api_key()).run();
    let orders = || it.pebble.log().matches("/order-plz").count();
    let ran = run().ends_with(3);
    for words in [
        "get, update, patch services/proxy \"powerdns-api:8081\"",
        "auth can-i get services/powerdns-api:8081 --subresource=proxy",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(orders(), 0, "{}", ran.err);

    let more = json!({
        "apiGroups": [""], "resources": ["services/proxy"], "resourceNames": ["powerdns-api:8081"], "verbs": ["get", "patch", "update"],
    });
    rules.as_array_mut().unwrap().push(more);
    it.ns.token("renewer", &rules);
    let ran = run().ends_with(0);
    assert_eq!(it.leaf("internal-tls").names(), ["db.corp.internal"], "{}", ran.err);
}

/// Manifests have no cluster through which a Service could be reached.
#[test]
#[ignore = "needs the testbed: tests/run"]
fn without_a_cluster_it_is_said_that_there_is_none() {
    let it = Issuing::new("svc-none");
    settings(&it, &url(&it, SERVICE));
    let dir = it.ns.dir.path();
    let file = dir.join("shop.yaml");
    let ingress: Value = crate::support::cluster::ingress("shop", &[(&["db.corp.internal"], "shop-tls")]);
    std::fs::write(&file, ingress.to_string()).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let server = PowerDns::start();
    server.create_zone(ZONE);
    it.resolver.delegate(ZONE, server.ip());
    let (file, out) = (text(&file), format!("{}/", text(dir)));
    let ran = it
        .call(&["renew", "shop", "-f", &file, "-o", &out])
        .env("PDNS_KEY", server.api_key())
        .run()
        .ends_with(4);
    assert!(
        ran.err.contains("is reached through a cluster, and there is none here"),
        "{}",
        ran.err
    );
}
