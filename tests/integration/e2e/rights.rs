//! Fewer rights: what cannot be read is never called healthy.

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, TRAEFIK, ingress},
    run::{Call, message},
    tls::wait_until_served,
};

fn rule(group: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": [resource], "verbs": verbs})
}

fn ingresses() -> Value {
    rule("networking.k8s.io", "ingresses", &["list", "watch"])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn without_any_right_on_secrets_the_status_is_unknown_and_the_probe_still_tells() {
    let ns = Namespace::new("blind");
    let (good, old) = (ns.host("good"), ns.host("old"));
    let (good_pair, old_pair) = (ns.pki.pair(&[&good]), ns.pki.expired(&[&old]));
    ns.apply(vec![
        good_pair.secret("good"),
        old_pair.secret("old"),
        ingress("good", &[(&[&good], "good")]),
        ingress("old", &[(&[&old], "old")]),
    ]);
    let account = ns.account("blind", &json!([ingresses()]));
    let (account, user) = (
        format!("--kubeconfig={}", account.display()),
        format!("--as={}", ns.user("blind")),
    );
    for who in [&account, &user] {
        let ran = ns.certs(&["status", "-o", "json", who]).ends_with(0);
        let item = ran.items().host(&good).clone();
        assert_eq!(ran.items().verdict(&good), "unknown: Forbidden", "with {who}");
        let said = message(&item, "Forbidden");
        assert!(
            said.contains("get") && said.contains("good"),
            "the verb that is missing: {said}"
        );
        assert!(
            !ran.err.contains("critical") && ran.err.contains("unknown"),
            "{}",
            ran.err
        );
    }
    ns.certs(&["status", "--fail-on", "critical", &account]).ends_with(3);
    let table = ns.certs(&["status", "good", &account]).ends_with(0);
    assert!(
        table.out.contains("unknown") && table.out.contains("Forbidden"),
        "{}",
        table.out
    );

    wait_until_served(&good, &good_pair);
    wait_until_served(&old, &old_pair);
    let items = ns.status(&["--probe", "--connect", TRAEFIK, &account]);
    assert_eq!(items.verdict(&old), "critical: ServedExpired, Forbidden");
    assert_eq!(
        items.verdict(&good),
        "unknown: Forbidden",
        "what is served is right; what is stored nobody has seen"
    );
    let wrong = ns.status(&["--probe", "--connect", "127.0.0.1:9", "good", &account]);
    assert_eq!(wrong.verdict(&good), "critical: NotServed, Forbidden");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn secrets_that_may_be_read_by_name_are() {
    let ns = Namespace::new("named");
    let (mine, theirs) = (ns.host("mine"), ns.host("theirs"));
    ns.apply(vec![
        ns.pki.pair(&[&mine]).secret("mine"),
        ns.pki.pair(&[&theirs]).secret("theirs"),
        ingress("mine", &[(&[&mine], "mine")]),
        ingress("theirs", &[(&[&theirs], "theirs")]),
    ]);
    let mut get = rule("", "secrets", &["get"]);
    get["resourceNames"] = json!(["mine"]);
    let account = ns.account("named", &json!([ingresses(), get]));
    let account = format!("--kubeconfig={}", account.display());
    let items = ns.status(&[&account]);
    assert_eq!(items.verdict(&mine), "healthy");
    assert_eq!(items.verdict(&theirs), "unknown: Forbidden");
    // Everything that was asked for was read.
    ns.certs(&["status", "mine", "--fail-on", "warning", &account])
        .ends_with(0);
    ns.certs(&["status", "theirs", "--fail-on", "warning", &account])
        .ends_with(3);
    ns.certs(&["status", "secret/mine", &account]).ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn rights_in_one_namespace_are_found_out_with_all_namespaces() {
    let mut ns = Namespace::new("one");
    let host = ns.host("a");
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let secrets = rule("", "secrets", &["get", "list"]);
    let account = ns.account("one", &json!([ingresses(), secrets]));
    // Which namespaces there are may not be known: the context's own is read, and the rest is said to be unknown.
    let (ca, config) = (ns.ca_file(), format!("--kubeconfig={}", account.display()));
    let ran = Call::certs(["status", "-A", "-o", "json", "--ca-file", ca.to_str().unwrap(), &config]).run();
    let items = ran.ends_with(0).items();
    assert_eq!(items.verdict(&host), "healthy");
    let rest: Vec<&Value> = items.0.iter().filter(|item| item["host"].is_null()).collect();
    assert!(rest.iter().any(|item| item["status"] == "unknown"), "{items:#?}");
    assert_eq!(items.0.iter().filter(|item| item["host"].is_string()).count(), 1);

    // Once it may list namespaces, it tries each.
    let (name, user) = (format!("{}-namespaces", ns.name), ns.user("one"));
    ns.apply_wide(&[
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [rule("", "namespaces", &["get", "list"])],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }),
    ]);
    let ran = Call::certs([
        "status",
        "-A",
        "-o",
        "json",
        "--as",
        &user,
        "--ca-file",
        ns.ca_file().to_str().unwrap(),
    ]);
    let items = ran.run().ends_with(0).items();
    assert_eq!(items.verdict(&host), "healthy");
    let ran = Call::certs(["status", "-A", "--as", &user, "--fail-on", "critical"]).run();
    assert_eq!(ran.status, Some(3), "other namespaces were not read\n{}", ran.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn who_may_read_nothing_is_told_so() {
    let ns = Namespace::new("nobody");
    let ran = ns.certs(&["status", "--as", "nobody"]).ends_with(0);
    assert_eq!(ran.out, "", "no row says of what it is");
    for said in ["the right to list", "nothing could be read", "ingresses", "secrets"] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    ns.certs(&["status", "--as", "nobody", "--fail-on", "critical"])
        .ends_with(3);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn with_the_printed_cluster_role_everything_is_read() {
    let mut ns = Namespace::new("reader");
    let host = ns.host("good");
    let pair = ns.pki.pair(&[&host]);
    ns.apply(vec![pair.secret("good"), ingress("good", &[(&[&host], "good")])]);
    // In effect no user's: the account of this namespace alone gets it.
    let printed = Call::certs(["rights", "--for", "reader"]).run().ends_with(0);
    let args = ["create", "--dry-run=client", "-f", "-", "-o", "json"];
    let made = Call::kubectl(args).run_with(printed.out.as_bytes()).ends_with(0);
    let mut role: Value = serde_json::from_str(&made.out).expect("JSON");
    let name = format!("{}-{}", role["metadata"]["name"].as_str().expect("a name"), ns.name);
    role["metadata"]["name"] = name.as_str().into();
    ns.token("reader", &json!([]));
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": ns.name}],
    });
    ns.apply_wide(&[role, binding]);
    let user = format!("--as={}", ns.user("reader"));
    for args in [&["status", &user][..], &["show", "good", &user]] {
        let ran = ns.call(args).run().ends_with(0);
        for word in ["right", "could not be read", "cannot list"] {
            assert!(!ran.err.contains(word), "{args:?}: {}", ran.err);
        }
        assert!(!ran.out.contains("Forbidden"), "{args:?}: {}", ran.out);
    }
}
