//! The controller against the real cluster: its replicas.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::apply::deployment;
use crate::support::{
    cluster::ingress,
    controller::{
        NEXT_TRY, asking, call_with, controller, controller_with, exists, finalized, installed, lines, orders, resume,
        start, until_stored,
    },
    eventually, eventually_within,
    issuing::{Issuing, NODE},
};

/// Within what time nothing is left of a process that was killed.
const LEFT: Duration = Duration::from_mins(2);

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_replica_that_waits_goes_on_where_a_leader_ends_or_is_killed() {
    let it = Issuing::new("replicas");
    let [a, b, c] = ["a", "b", "c"].map(|label| it.host(label));
    let one = controller(&it);
    resume(&it);
    one.out.after(0, &["\"event\":\"leads\""]);
    let two = start(&it);
    two.out.after(0, &["Secrets are kept"]);
    it.ns.apply(vec![asking("a", &[&a])]);
    until_stored(&it, "a-tls", &[&a], &one);
    // It ends as a rollout ends it.
    let began = Instant::now();
    one.signal("-TERM");
    two.out.after(0, &["\"event\":\"leads\""]);
    let took = began.elapsed();
    assert!(took <= Duration::from_secs(2), "{took:?}");
    drop(one);
    it.ns.apply(vec![asking("b", &[&b])]);
    until_stored(&it, "b-tls", &[&b], &two);
    assert!(
        two.out.all().iter().all(|line| !line.contains("a-tls")),
        "what is there is not ordered again"
    );
    // It is killed in the middle of an order.
    let three = start(&it);
    three.out.after(0, &["Secrets are kept"]);
    it.ns.apply(vec![asking("c", &[&c])]);
    two.out.after(0, &["\"event\":\"ordered\"", &c]);
    two.signal("-KILL");
    let began = Instant::now();
    three.out.after(0, &["\"event\":\"leads\""]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    until_stored(&it, "c-tls", &[&c], &three);
    // Nobody waits for the Lease of the one that was killed.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    // The order that was under way is gone on with; at most one more is made, and no second certificate.
    assert_eq!(finalized(&it), 3, "{:?}", three.out.all());
    assert!(orders(&it) <= 4, "{:?}", three.out.all());
    eventually_within(LEFT, "what the killed one has left to be gone", || {
        let left = it.left();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_two_installations_that_follow_one_namespace_each_secret_has_one_and_the_other_holds_it() {
    let (it, other) = (Issuing::new("claims"), Issuing::new("claims-too"));
    let [shop, blog] = ["shop", "blog"].map(|label| it.host(label));
    for host in [&shop, &blog] {
        other.resolver.host(host, &[NODE]);
    }
    let one = controller(&it);
    resume(&it);
    let two = controller_with(&other, &["-n", &it.ns.name]);
    resume(&other);
    for running in [&one, &two] {
        running.out.after(0, &["\"event\":\"leads\""]);
    }
    // Both see it at the same moment.
    it.ns.apply(vec![asking("shop", &[&shop]), asking("blog", &[&blog])]);
    for (secret, host) in [("shop-tls", &shop), ("blog-tls", &blog)] {
        until_stored(&it, secret, &[host], &one);
    }
    let install = |of: &Issuing| of.secret("account")["metadata"]["annotations"]["kubectl-certs.io/install"].clone();
    let claims = ["shop-tls", "blog-tls"]
        .map(|secret| it.secret(secret)["metadata"]["annotations"]["kubectl-certs.io/claim"].clone());
    for (secret, claim) in ["shop-tls", "blog-tls"].iter().zip(&claims) {
        let is_first = *claim == install(&it);
        assert!(is_first || *claim == install(&other), "{claim}");
        let holds = if is_first { &two } else { &one };
        eventually_within(NEXT_TRY, &format!("{secret} to be held by the other"), || {
            let held = lines(holds, &["\"event\":\"held\"", secret, "OtherInstall"]);
            if held.is_empty() {
                Err(format!("{:?}", holds.out.all()))
            } else {
                Ok(())
            }
        });
    }
    let said = || format!("{:?}\n{:?}", one.out.all(), two.out.all());
    assert_eq!(finalized(&it) + finalized(&other), 2, "{}", said());
    // It stays so: a renewal is its owner's.
    let (owner, running, before) = if claims[0] == install(&it) {
        (&it, &one, finalized(&it))
    } else {
        (&other, &two, finalized(&other))
    };
    let mark = running.out.mark();
    let past = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    it.ns.kubectl(&["annotate", "secret", "shop-tls", past, "--overwrite"]);
    running.out.after(mark, &["\"event\":\"stored\"", "shop-tls"]);
    assert_eq!(finalized(owner), before + 1, "{}", said());
    assert_eq!(finalized(&it) + finalized(&other), 3, "{}", said());
    assert_eq!(
        it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/claim"],
        claims[0]
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_defect_ends_the_order_of_its_certificate_and_the_controller_goes_on() {
    let it = Issuing::new("planted");
    let [shop, blog, more] = ["shop", "blog", "more"].map(|label| it.host(label));
    installed(&it);
    resume(&it);
    let running = call_with(&it, &[])
        .env("KUBECTL_CERTS_TEST_PANIC", format!("{}/blog-tls", it.ns.name))
        .env("RUST_BACKTRACE", "0")
        .start();
    it.ns.apply(vec![asking("shop", &[&shop]), asking("blog", &[&blog])]);
    let words = format!("a defect in this program: planted for {}/blog-tls", it.ns.name);
    running.out.after(0, &["\"event\":\"failed\"", "blog-tls", &words]);
    until_stored(&it, "shop-tls", &[&shop], &running);
    // It leads on, and orders on.
    it.ns.apply(vec![asking("more", &[&more])]);
    until_stored(&it, "more-tls", &[&more], &running);
    assert_eq!(
        lines(&running, &["\"event\":\"leads\""]).len(),
        1,
        "{:?}",
        running.out.all()
    );
    assert!(!exists(&it, "blog-tls"));
    assert_eq!(finalized(&it), 2, "{:?}", running.out.all());
    eventually("nothing to be left", || {
        let left = it.left();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
    running.interrupt();
    assert_eq!(running.end().0, Some(0));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn answers_to_challenges_that_a_killed_run_has_left_go_when_another_begins_to_lead() {
    let it = Issuing::new("swept");
    let left = |kind: &str, version: &str, rest: &Value| {
        let mut object = json!({
            "apiVersion": version, "kind": kind,
            "metadata": {
                "name": "kubectl-certs-solver-left",
                "labels": {
                    "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "solver",
                    "kubectl-certs.io/run": "abcdefghij",
                },
                "annotations": {"kubectl-certs.io/for": format!("{}/shop-tls", it.ns.name)},
            },
        });
        object
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        object
    };
    it.ns.apply(vec![
        left("Service", "v1", &json!({"spec": {"ports": [{"port": 80}]}})),
        left(
            "EndpointSlice",
            "discovery.k8s.io/v1",
            &json!({"addressType": "IPv4", "endpoints": [], "ports": []}),
        ),
    ]);
    assert_eq!(it.left().len(), 2);
    let running = controller(&it);
    running.out.after(0, &["\"event\":\"swept\""]);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_who_is_killed_once_a_certificate_is_stored_no_order_is_left_and_whoever_leads_removes_the_lease() {
    let it = Issuing::new("stored");
    let host = it.host("shop");
    // A workload that does not come back keeps the run waiting.
    let mut web = deployment("web", "testbed.local/absent:1");
    web["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] = "shop-tls".into();
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")]), web]);
    let running = it.call(&["renew", "shop", "--restart", "deployment/web"]).start();
    eventually("the certificate stored, and no journal", || {
        let left = it.left();
        let is_over = exists(&it, "shop-tls") && !left.iter().any(|it| it.starts_with("secret"));
        is_over.then_some(()).ok_or_else(|| format!("{left:?}"))
    });
    running.signal("-KILL");
    running.end();
    assert!(it.leaf("shop-tls").key_matches);
    // As if it had answered by DNS-01, which leaves no object.
    let answers = [
        "delete",
        "services,endpointslices",
        "-l",
        "kubectl-certs.io/purpose=solver",
    ];
    it.ns.kubectl(&answers);
    let left = it.left();
    assert!(left.len() == 1 && left[0].starts_with("lease"), "{left:?}");
    // As if it had been killed a moment earlier; and the journal of an order whose certificate is not stored.
    let stored = it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/order"].clone();
    it.ns.apply(vec![
        journal(&it, "kubectl-certs-journal-stored", "shop-tls", &stored),
        journal(
            &it,
            "kubectl-certs-journal-open",
            "other-tls",
            &"https://ca.example/order/1".into(),
        ),
    ]);
    let controller = controller(&it);
    controller.out.after(0, &["\"event\":\"swept\""]);
    assert_eq!(it.left(), ["secret/kubectl-certs-journal-open"]);
}

/// The journal that a killed run has left.
fn journal(it: &Issuing, name: &str, secret: &str, order: &Value) -> Value {
    let entry = json!({
        "directory": it.pebble.directory_url(), "account": "https://ca.example/account/1", "order": order, "names": [],
        "profile": null, "keyType": "ec-256", "started": 1, "finalizing": true,
    });
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/managed-by": "kubectl-certs",
                "kubectl-certs.io/purpose": "journal",
                "kubectl-certs.io/run": "abcdefghij",
            },
            "annotations": {"kubectl-certs.io/for": format!("{}/{secret}", it.ns.name)},
        },
        "stringData": {"order.json": entry.to_string()},
    })
}
