//! Internal zones, with a wildcard for each namespace of a kind.

use crate::support::{
    cluster::kubectl,
    controller::{controller, resume, until_stored},
    eventually,
    issuing::Issuing,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_namespace_of_a_kind_gets_the_wildcard_of_its_internal_zone_with_no_further_act() {
    let it = Issuing::new("qa-zones");
    let namespace = it.ns.name.clone();
    let zone = "svc.cluster-01.internal";
    let (server, settings) = it.powerdns(&[zone]);
    let before = server.records(zone);
    it.settings(&format!(
        "{settings}unattended:\n  wildcards:\n  - namespaceSelector: environment=qa\n    name: \"*.{{namespace}}.{zone}\"\n"
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
