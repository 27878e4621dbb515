//! Healthy certificates cost the CA nothing, however they came about.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    cluster::{gateway, http_route, ingress, kubectl},
    controller::{asking, asks, controller, plain_listener, resume, start, until_stored},
    issuing::Issuing,
    run::Running,
};

/// How long nobody is asked.
const IDLE: Duration = Duration::from_mins(1);
const ZONE: &str = "idle.internal";

/// An installation whose certificate is there, with a replica that waits.
fn healthy(label: &str) -> (Issuing, [Running; 2]) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![asking("shop", &[&host])]);
    let leader = controller(&it);
    resume(&it);
    until_stored(&it, "shop-tls", &[&host], &leader);
    leader.out.after(0, &["\"event\":\"done\"", "shop-tls"]);
    let replica = start(&it);
    replica.out.after(0, &["1 Secrets are kept"]);
    (it, [leader, replica])
}

/// One that keeps a Gateway's certificate and a wildcard besides, and a team that runs `ensure` in the same namespace.
fn of_all_kinds(label: &str) -> (Issuing, [Running; 2]) {
    let it = Issuing::new(label);
    let [shop, edge, own] = ["shop", "edge", "own"].map(|label| it.host(label));
    let (_server, settings) = it.powerdns(&[ZONE]);
    // Who follows one namespace reads what it says of wildcards only where the settings have them.
    it.settings(&format!("{settings}unattended:\n  wildcards: []\n"));
    let mut listeners = gateway("edge", &[("https", &edge, json!([{"name": "edge-tls"}]))]);
    listeners["spec"]["listeners"]
        .as_array_mut()
        .unwrap()
        .push(plain_listener());
    it.ns.apply(vec![
        asking("shop", &[&shop]),
        asks(listeners),
        http_route("edge", &json!({"name": "edge"}), &[&edge]),
        ingress("own", &[(&[&own], "own-tls")]),
    ]);
    let wildcard = format!("*.{}.{ZONE}", it.ns.name);
    let declared = format!("kubectl-certs.io/wildcard={wildcard}");
    kubectl(&["annotate", "namespace", &it.ns.name, &declared]);
    let leader = controller(&it);
    resume(&it);
    for (secret, name) in [("shop-tls", &shop), ("edge-tls", &edge), ("wildcard-tls", &wildcard)] {
        until_stored(&it, secret, &[name], &leader);
        leader.out.after(0, &["\"event\":\"done\"", secret]);
    }
    ensured(&it);
    let replica = start(&it);
    replica.out.after(0, &["3 Secrets are kept"]);
    (it, [leader, replica])
}

/// Runs what keeps one certificate without a controller.
#[track_caller]
fn ensured(it: &Issuing) -> String {
    let ran = it.call(&["ensure", "--secret", "own-tls", "-d", &it.ns.host("own")]);
    ran.run().ends_with(0).err
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn controllers_of_healthy_certificates_ask_their_ca_nothing() {
    let installs = [of_all_kinds("idle-a"), healthy("idle-b")];
    let asked = |it: &Issuing| -> Vec<String> {
        let log = it.pebble.log();
        let requests = log
            .lines()
            .filter(|line| line.contains(" GET /") || line.contains(" POST /") || line.contains(" HEAD /"));
        requests.map(str::to_owned).collect()
    };
    let before: Vec<usize> = installs.iter().map(|(it, _)| asked(it).len()).collect();
    assert!(before.iter().all(|count| *count > 5), "requests are seen: {before:?}");
    std::thread::sleep(IDLE);
    let ensured = ensured(&installs[0].0);
    for ((it, running), before) in installs.iter().zip(before) {
        let said: Vec<Vec<String>> = running.iter().map(|running| running.out.all()).collect();
        assert_eq!(asked(it)[before..], [""; 0], "{ensured} {said:?}");
    }
}
