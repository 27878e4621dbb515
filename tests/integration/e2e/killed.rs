//! Runs that are killed: the Secret is whole at any moment, the next run finishes, and nothing is left behind.

use serde_json::{Value, json};

use crate::support::{
    cluster::{gateway, http_route, ingress},
    dns::PowerDns,
    issuing::Issuing,
    run::Call,
};

/// What is told of a renewal by HTTP-01, in its order.
const EVENTS: [&str; 9] = [
    "ordered",
    "presented",
    "selfChecked",
    "asked",
    "validated",
    "cleanedUp",
    "issued",
    "stored",
    "served",
];

fn event(name: &str) -> String {
    format!("\"event\":\"{name}\"")
}

/// Kills a run at an event, and gives its lines up to it.
#[track_caller]
fn killed_at(call: Call, name: &str) -> Vec<String> {
    let (lines, err) = call.killed_or_ended(&event(name));
    let last = lines.last().is_some_and(|line| line.contains(&event(name)));
    assert!(last, "no event {name}:\n{}\n{err}", lines.join("\n"));
    lines
}

/// An Ingress with a certificate.
fn renewed(label: &str) -> (Issuing, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.certs(&["renew", "shop"]).ends_with(0);
    (it, host)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn after_a_kill_at_each_event_the_secret_is_whole_and_the_next_run_finishes() {
    let (it, host) = renewed("killed");
    for name in EVENTS {
        let before = it.leaf("shop-tls").sha256();
        let lines = killed_at(it.call(&["renew", "shop", "-o", "json"]), name);
        let leaf = it.leaf("shop-tls");
        assert!(leaf.key_matches && leaf.chain == 2, "killed at {name}");
        assert_eq!(leaf.names(), [host.as_str()], "killed at {name}");
        let (stored, issued) = (event("stored"), event("issued"));
        if !lines.iter().any(|line| line.contains(&issued)) {
            assert_eq!(leaf.sha256(), before, "killed at {name}: {lines:?}");
        }
        if lines.iter().any(|line| line.contains(&stored)) {
            assert_ne!(leaf.sha256(), before, "killed at {name}: {lines:?}");
        }
        let ran = it.certs(&["renew", "shop"]).ends_with(0);
        let leaf = it.leaf("shop-tls");
        assert!(leaf.key_matches, "killed at {name}: {}", ran.err);
        assert_ne!(leaf.sha256(), before, "killed at {name}: {}", ran.err);
        assert_eq!(it.left(), [""; 0], "killed at {name}: {}", ran.err);
    }
}

/// `PowerDNS` with a zone of its own, and the settings for it.
fn powerdns(it: &Issuing, zone: &str) -> PowerDns {
    let server = PowerDns::start();
    server.create_zone(zone);
    it.resolver.delegate(zone, server.ip());
    let key = it.ns.dir.path().join("api-key");
    std::fs::write(&key, server.api_key()).unwrap();
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: {{file: {}}}\n",
        server.api_url(),
        key.display()
    ));
    server
}

fn texts(server: &PowerDns, zone: &str) -> usize {
    server
        .records(zone)
        .iter()
        .filter(|record| record.kind == "TXT")
        .count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn records_of_a_killed_run_are_removed_by_the_next() {
    let it = Issuing::new("kdns");
    let zone = "killed.internal";
    let server = powerdns(&it, zone);
    for name in ["presented", "selfChecked", "asked", "validated"] {
        let args = ["issue", "--secret", "wild", "-d", "*.killed.internal"];
        killed_at(it.call(&[&args[..], &["-o", "json"]].concat()), name);
        let ran = it.certs(&args).ends_with(0);
        assert_eq!(it.leaf("wild").names(), ["*.killed.internal"]);
        assert_eq!(texts(&server, zone), 0, "killed at {name}: {}", ran.err);
        assert_eq!(it.left(), [""; 0], "killed at {name}: {}", ran.err);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn cleanup_lists_and_removes_records_orders_and_objects_of_killed_runs() {
    let it = Issuing::new("cleanup");
    let (zone, host) = ("cleanup.internal", it.host("shop"));
    let server = powerdns(&it, zone);
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let nowhere = it.plain(&["cleanup", "-n", "e2e-nowhere"]).run().ends_with(3);
    assert!(
        nowhere.err.contains("there is no namespace \"e2e-nowhere\""),
        "{}",
        nowhere.err
    );
    let nothing = it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert!(nothing.err.contains("nothing is left behind"), "{}", nothing.err);

    killed_at(it.call(&["renew", "shop", "-o", "json"]), "presented");
    let wild = ["issue", "--secret", "wild", "-d", "*.cleanup.internal", "-o", "json"];
    killed_at(it.call(&wild), "selfChecked");
    assert_eq!(texts(&server, zone), 1);
    let left = it.left();
    assert!(!left.is_empty());

    let listed = it.plain(&["cleanup", "--dry-run"]).run().ends_with(0);
    for words in [
        "TXT record _acme-challenge.cleanup.internal",
        "journal of run",
        "lease of run",
    ] {
        assert!(listed.out.contains(words), "{words} in {}", listed.out);
    }
    assert_eq!(it.left(), left, "a dry run removes nothing");
    assert_eq!(texts(&server, zone), 1);

    let not_asked = it.plain(&["cleanup"]).run().ends_with(2);
    assert!(not_asked.out.contains("remove TXT record"), "{}", not_asked.out);
    assert!(not_asked.err.contains("--yes"), "{}", not_asked.err);
    assert_eq!(it.left(), left, "nobody agreed to it");

    // Without its provider, the plan says what stays, and which setting would let it go; and that is what happens.
    let record = "TXT record _acme-challenge.cleanup.internal with value ";
    let without = |args: &[&str]| {
        let ran = it
            .plain(args)
            .env("KUBECTL_CERTS_CONFIG", "/dev/null")
            .run()
            .ends_with(5);
        let stays =
            |line: &&str| line.starts_with(record) && line.ends_with("stays: there is no DNS provider \"internal\"");
        assert_eq!(ran.out.lines().filter(stays).count(), 1, "{}", ran.out);
        assert!(!ran.out.contains("remove TXT record"), "{}", ran.out);
        let hint =
            "add one called internal under dns01.providers; or remove the value by hand in zone cleanup.internal";
        assert_eq!(ran.err.matches(hint).count(), 1, "{}", ran.err);
        ran
    };
    let planned = without(&["cleanup", "--dry-run"]);
    assert!(planned.out.contains("would remove "), "{}", planned.out);
    assert_eq!(it.left(), left, "a dry run removes nothing");
    let blind = without(&["cleanup", "--yes"]);
    assert!(blind.err.contains("stays: there is no DNS provider"), "{}", blind.err);
    let count = |text: &str, word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!(
        count(&planned.out, "would remove "),
        count(&blind.out, "remove "),
        "{}",
        blind.out
    );
    let journals = it
        .ns
        .kubectl(&["get", "secrets", "-l", "kubectl-certs.io/purpose=journal", "-o", "name"]);
    assert_eq!(
        journals.lines().count(),
        1,
        "what is not removed stays noted: {journals}"
    );

    // With nothing else, it neither asks nor removes.
    let alone = without(&["cleanup"]);
    assert!(!alone.err.contains("--yes"), "{}", alone.err);

    let ran = it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert_eq!(texts(&server, zone), 0, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn cleanup_lists_nothing_that_is_being_deleted_already() {
    let it = Issuing::new("going");
    let service = |name: &str, finalizers: serde_json::Value| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": name, "finalizers": finalizers,
                "labels": {
                    "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "solver",
                    "kubectl-certs.io/run": "aaaaaaaaaa",
                },
            },
            "spec": {"ports": [{"port": 80}]},
        })
    };
    it.ns.apply(vec![
        service("kubectl-certs-solver-going", json!(["kubectl-certs.io/held"])),
        service("kubectl-certs-solver-left", json!(null)),
    ]);
    it.ns
        .kubectl(&["delete", "service/kubectl-certs-solver-going", "--wait=false"]);
    let cleanup = |more: &str| it.plain(&["cleanup", more]).run().ends_with(0);
    let listed = cleanup("--dry-run");
    assert!(listed.out.contains("kubectl-certs-solver-left"), "{}", listed.out);
    assert!(!listed.out.contains("kubectl-certs-solver-going"), "{}", listed.out);
    assert!(
        listed.err.contains("1 object is being deleted already"),
        "{}",
        listed.err
    );
    let removed = cleanup("--yes");
    assert!(removed.err.contains("removed 1"), "{}", removed.err);
    let again = cleanup("--yes");
    assert!(again.err.contains("nothing else is left behind"), "{}", again.err);
    it.ns.kubectl(&[
        "patch",
        "service/kubectl-certs-solver-going",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": null}}"#,
    ]);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn cleanup_leaves_a_run_that_is_going_on_alone() {
    let (it, _) = renewed("alive");
    let front = crate::support::front::Front::of(&it.pebble.directory_url());
    front.fault("/finalize-order/", 0, 1, crate::support::front::Fault::Hold);
    let running = it.call_to(&front.url, &front.ca_file(), &["renew", "shop"]).start();
    front.wait_until_held();
    let before = it.left();
    let ran = it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert!(ran.err.contains("has been working on Secret"), "{}", ran.err);
    // Whom --force would cut off is named before anybody says yes.
    let forced = it.plain(&["cleanup", "--force", "--dry-run"]).run().ends_with(0);
    let named = format!("has been working on Secret {}/shop-tls since ", it.ns.name);
    assert!(
        forced.err.contains("--force cuts this run off: ") && forced.err.contains(&named),
        "{}",
        forced.err
    );
    let journal = |names: &[String]| names.iter().any(|name| name.contains("kubectl-certs-journal"));
    assert!(journal(&before) && journal(&it.left()), "{before:?}");
    front.fix();
    assert_eq!(running.end().0, Some(0));
    assert_eq!(it.left(), [""; 0]);
    let _: Value = it.secret("shop-tls");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_answers_in_another_namespace_than_the_secrets_stays_as_long_as_its_run() {
    let it = Issuing::new("apart");
    let secrets = crate::support::cluster::Namespace::new("apart-tls");
    let host = it.host("edge");
    let reference = json!([{"name": "edge-tls", "namespace": secrets.name}]);
    let mut edge = gateway("edge", &[("https", &host, reference)]);
    let plain =
        json!({"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}});
    edge["spec"]["listeners"].as_array_mut().unwrap().push(plain);
    it.ns
        .apply(vec![edge, http_route("edge", &json!({"name": "edge"}), &[&host])]);
    secrets.apply(vec![json!({
        "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "edge"},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": it.ns.name}],
            "to": [{"group": "", "kind": "Secret"}],
        },
    })]);
    let front = crate::support::front::Front::of(&it.pebble.directory_url());
    // The first looks for the challenges, the others for what came of them.
    front.fault("/authZ/", 1, 100, crate::support::front::Fault::Hold);
    let renew = ["renew", "gateway/edge"];
    let running = it.call_to(&front.url, &front.ca_file(), &renew).start();
    front.wait_until_held();
    let left = it.left();
    assert!(left.iter().any(|name| name.contains("httproute")), "{left:?}");
    let ran = it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert!(ran.err.contains("nothing is left behind"), "{}", ran.err);
    assert_eq!(it.left(), left, "{}", ran.err);

    // Killed: the next run finds it in the namespace where it answers.
    drop(running);
    front.fix();
    let ran = it.certs(&renew).ends_with(0);
    assert!(ran.err.contains("removed leftovers of a killed run"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
    let leaf = secrets.kubectl(&["get", "secret", "edge-tls", "-o", "name"]);
    assert!(!leaf.is_empty());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_a_run_without_lease_left_and_pairs_that_have_expired_go_with_the_next() {
    let (it, _) = renewed("stale");
    let old = |kind: &str, purpose: &str, name: &str| {
        json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": {
                "name": format!("kubectl-certs-{purpose}-{name}"),
                "labels": {
                    "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": purpose,
                    "kubectl-certs.io/run": "abcdefghij",
                },
                "annotations": {
                    "kubectl-certs.io/expires": "2026-01-01T00:00:00Z",
                    "kubectl-certs.io/for": format!("{}/other-tls", it.ns.name),
                },
            },
        })
    };
    let mut service = old("Service", "solver", "x");
    service["spec"] = json!({"ports": [{"port": 80}]});
    for objects in [vec![service], vec![old("Secret", "backup", "y")]] {
        it.ns.create(objects);
        let ran = it.certs(&["renew", "shop"]).ends_with(0);
        assert!(ran.err.contains("removed leftovers of a killed run: 1"), "{}", ran.err);
        assert_eq!(it.left(), [""; 0], "{}", ran.err);
        let backups = it
            .ns
            .kubectl(&["get", "secrets", "-l", "kubectl-certs.io/purpose=backup", "-o", "name"]);
        assert_eq!(
            backups.lines().count(),
            1,
            "the pair of this renewal is kept: {backups}"
        );
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_path_that_a_killed_run_has_added_to_an_ingress_is_taken_away_by_the_next_and_by_cleanup() {
    let (it, _) = renewed("inplace");
    let rules = || {
        it.ns
            .kubectl(&["get", "ingress", "shop", "-o", "jsonpath={.spec.rules}"])
    };
    let before = rules();
    let args = ["renew", "shop", "--solver", "in-place"];
    for cleanup in [true, false] {
        killed_at(it.call(&[&args[..], &["-o", "json"]].concat()), "presented");
        assert!(rules().contains("/.well-known/acme-challenge/"), "{}", rules());
        let ran = if cleanup {
            it.plain(&["cleanup", "--yes"]).run().ends_with(0)
        } else {
            it.certs(&args).ends_with(0)
        };
        assert_eq!(rules(), before, "{}", ran.err);
        assert_eq!(it.left(), [""; 0], "{}", ran.err);
    }
}
