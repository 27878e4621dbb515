//! Internal zones, with a wildcard for each namespace of a kind.

use crate::support::{
    cluster::kubectl,
    controller::{Way, call_by, controller, controller_by, finalized, resume, until_stored},
    dns::PowerDns,
    eventually,
    front::{Fault, Front},
    issuing::Issuing,
};

const ZONE: &str = "svc.cluster-01.internal";

/// A controller for a namespace, with rules for its wildcards and a name server that answers for the zone.
fn zones(label: &str) -> (Issuing, PowerDns) {
    let it = Issuing::new(label);
    let (server, settings) = it.powerdns(&[ZONE]);
    it.settings(&format!(
        "{settings}unattended:\n  wildcards:\n  - namespaceSelector: environment=qa\n    name: \"*.{{namespace}}.{ZONE}\"\n"
    ));
    (it, server)
}

/// How many answers to challenges are in the zone.
fn answers(server: &PowerDns) -> usize {
    let all = server.records(ZONE);
    all.iter().filter(|record| record.kind == "TXT").count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_namespace_of_a_kind_gets_the_wildcard_of_its_internal_zone_with_no_further_act() {
    let (it, server) = zones("qa-zones");
    let namespace = it.ns.name.clone();
    let before = server.records(ZONE);
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["0 Secrets are kept"]);
    // A team labels its namespace, and does nothing else.
    kubectl(&["label", "namespace", &namespace, "environment=qa"]);
    until_stored(&it, "wildcard-tls", &[&format!("*.{namespace}.{ZONE}")], &running);
    // Another one says itself which it wants, and in which Secret.
    let own = [format!("*.api.{namespace}.{ZONE}"), format!("*.web.{namespace}.{ZONE}")];
    kubectl(&[
        "annotate",
        "namespace",
        &namespace,
        &format!("kubectl-certs.io/wildcard={}", own.join(",")),
        "kubectl-certs.io/wildcard-secret=own-tls",
    ]);
    until_stored(&it, "own-tls", &[&own[0], &own[1]], &running);
    eventually("an empty zone", || {
        let now = server.records(ZONE);
        if now == before { Ok(()) } else { Err(format!("{now:?}")) }
    });
    let said = running.out.all().join("\n");
    assert!(!said.contains(server.api_key()), "{said}");
    assert_eq!(it.left(), [""; 0], "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_a_controller_that_is_killed_amid_a_challenge_nothing_stays_in_the_zone() {
    let (it, server) = zones("qa-killed");
    let namespace = it.ns.name.clone();
    let before = server.records(ZONE);
    // The CA answers nothing more while it validates: the second question about an authorization waits.
    let front = Front::of(&it.pebble.directory_url());
    front.fault("/authZ/", 1, 100, Fault::Hold);
    let one = controller_by(&it, &front);
    resume(&it);
    one.out.after(0, &["0 Secrets are kept"]);
    let way = Way {
        url: front.url.clone(),
        ca: front.ca_file(),
    };
    let two = call_by(&it, &way, &[]).start();
    two.out.after(0, &["0 Secrets are kept"]);
    kubectl(&["label", "namespace", &namespace, "environment=qa"]);
    front.wait_until_held();
    one.signal("-KILL");
    assert_eq!(answers(&server), 1, "nobody removes it");
    front.fix();
    until_stored(&it, "wildcard-tls", &[&format!("*.{namespace}.{ZONE}")], &two);
    eventually("an empty zone", || {
        let now = server.records(ZONE);
        if now == before {
            Ok(())
        } else {
            Err(format!("{now:?} {:?}", two.out.all()))
        }
    });
    eventually("nothing left in the cluster", || {
        let left = it.left();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
    assert_eq!(finalized(&it), 1, "{:?}", two.out.all());
}
