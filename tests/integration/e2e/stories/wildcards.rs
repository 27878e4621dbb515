//! Internal zones, with a wildcard for each namespace of a kind.

use serde_json::json;

use crate::support::{
    cluster::kubectl,
    controller::{controller, resume, until_stored},
    dns::PowerDns,
    eventually,
    issuing::Issuing,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_namespace_of_a_kind_gets_the_wildcard_of_its_internal_zone_with_no_further_act() {
    let it = Issuing::new("qa-zones");
    let namespace = it.ns.name.clone();
    let zone = "svc.cluster-01.internal";
    let server = PowerDns::start();
    server.create_zone(zone);
    it.resolver.delegate(zone, server.ip());
    let before = server.records(zone);
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "powerdns"}, "stringData": {"apikey": server.api_key()},
    })]);
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: \
         {{secretRef: {{namespace: {namespace}, name: powerdns, key: apikey}}}}\nunattended:\n  wildcards:\n  - namespaceSelector: \
         environment=qa\n    name: \"*.{{namespace}}.{zone}\"\n",
        server.api_url()
    ));
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["0 Secrets are kept"]);
    // A team labels its namespace, and does nothing else.
    kubectl(&["label", "namespace", &namespace, "environment=qa"]);
    until_stored(&it, "wildcard-tls", &[&format!("*.{namespace}.{zone}")], &running);
    eventually("an empty zone", || {
        let now = server.records(zone);
        if now == before { Ok(()) } else { Err(format!("{now:?}")) }
    });
    let said = running.out.all().join("\n");
    assert!(!said.contains(server.api_key()), "{said}");
    assert_eq!(it.left(), [""; 0], "{said}");
}
