//! The rights that `rights` prints, and the guide with it: with exactly these a certificate is renewed, what a killed run leaves is removed, and preflight
//! says the same.

use serde_json::{Value, json};

use super::options::deployment;
use crate::support::{
    cluster::ingress,
    eventually,
    issuing::Issuing,
    run::{Call, WITH_POD},
};

/// The Role for renewals in a namespace, as it is printed.
fn role(namespace: &str) -> String {
    let ran = Call::certs(["rights", "-n", namespace]).run().ends_with(0);
    let bind = format!(
        "`kubectl create rolebinding kubectl-certs-renewer -n {namespace} --role=kubectl-certs-renewer --user=<USER>`"
    );
    assert!(ran.err.contains(&bind), "{}", ran.err);
    ran.out
}

/// Its rules.
pub(super) fn printed() -> Value {
    let args = ["create", "--dry-run=client", "-f", "-", "-o", "json"];
    let made = Call::kubectl(args).run_with(role("default").as_bytes()).ends_with(0);
    let role: Value = serde_json::from_str(&made.out).unwrap();
    role["rules"].clone()
}

/// The rules without a verb on a kind.
pub(super) fn without(mut rules: Value, resource: &str, verb: &str) -> Value {
    for rule in rules.as_array_mut().unwrap() {
        if rule["resources"].as_array().unwrap().contains(&json!(resource)) {
            rule["verbs"].as_array_mut().unwrap().retain(|other| other != verb);
        }
    }
    rules
}

/// A run with these rights, killed when its answer is in place.
fn killed(it: &Issuing, user: &str) {
    let call = it.call(&["renew", "shop", "-o", "json", user]);
    let (lines, err) = call.killed_or_ended("\"event\":\"presented\"");
    assert!(lines.iter().any(|line| line.contains("presented")), "{lines:?} {err}");
    let left = it.left();
    for kind in ["ingress", "service/", "endpointslice"] {
        assert!(left.iter().any(|name| name.contains(kind)), "{kind}: {left:?}");
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn with_the_printed_role_preflight_renew_and_cleanup_agree() {
    let it = Issuing::new("role");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    // As a user does it: printed, applied, bound.
    Call::kubectl(["apply", "-f", "-"])
        .run_with(role(&it.ns.name).as_bytes())
        .ends_with(0);
    let name = "kubectl-certs-renewer";
    let (of_role, of_user) = (format!("--role={name}"), format!("--user={}", it.ns.user("renewer")));
    it.ns.kubectl(&["create", "rolebinding", name, &of_role, &of_user]);
    let user = format!("--as={}", it.ns.user("renewer"));
    let ran = it.certs(&["preflight", "shop", &user]).ends_with(0);
    assert!(ran.out.contains("has all that is needed"), "{}{}", ran.out, ran.err);
    // What no Role of a namespace can give, and nothing here depends on, is no warning.
    assert!(
        !ran.err.contains("ingressclasses") && !ran.err.contains("clusterissuers"),
        "{}",
        ran.err
    );
    let ran = it.certs(&["renew", "shop", &user]).ends_with(0);
    assert!(
        !ran.err.contains("ingressclasses") && !ran.err.contains("clusterissuers"),
        "{}",
        ran.err
    );

    // Where only the class's object tells who serves it, what is missing is named.
    let other_host = it.host("other");
    let mut other = ingress("other", &[(&[&other_host], "other-tls")]);
    other["spec"]["ingressClassName"] = "somebodys".into();
    it.ns.apply(vec![other]);
    let ran = it.certs(&["preflight", "other", &user]);
    let missing = "the right to list ingressclasses in all of the cluster is missing";
    assert!(ran.out.contains(missing), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("which controller serves Ingress"), "{}", ran.err);
    it.ns.kubectl(&["delete", "ingress", "other"]);

    killed(&it, &user);
    let ran = it.plain(&["cleanup", "--yes", &user]).run().ends_with(0);
    assert_eq!(it.left(), [""; 0], "{}{}", ran.out, ran.err);
    // The next run does it as well.
    killed(&it, &user);
    let ran = it.certs(&["renew", "shop", &user]).ends_with(0);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn where_what_a_killed_run_leaves_cannot_be_listed_preflight_warns_and_the_run_says_so() {
    let it = Issuing::new("rolenot");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    it.ns.token("renewer", &without(printed(), "leases", "list"));
    let user = format!("--as={}", it.ns.user("renewer"));
    let ran = it.certs(&["preflight", "shop", &user]).ends_with(0);
    assert!(
        ran.out.contains("cannot find what a killed run leaves behind") && ran.out.contains("list leases"),
        "{}",
        ran.out
    );
    let ran = it.certs(&["renew", "shop", &user]).ends_with(0);
    assert!(ran.err.contains("may remain"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn with_the_printed_role_every_solver_answers_and_workloads_are_restarted() {
    let it = Issuing::new("roleall");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    it.until_addressed("ingress/shop");
    it.ns.token("renewer", &printed());
    eventually("the service account", || {
        let found = it.ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });
    it.ns.apply(vec![deployment("web", "RollingUpdate")]);
    it.ns.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let user = format!("--as={}", it.ns.user("renewer"));
    // Who may not list nodes gets the public image; it is one that the testbed cannot pull.
    let plan = it
        .call(&["renew", "shop", "--solver", "pod", "--dry-run", &user])
        .run()
        .ends_with(0);
    let image = kubectl_certs::solve::http01::image::PUBLIC;
    assert!(
        plan.out.contains(&format!("answered by a Pod ({image}")),
        "{}",
        plan.out
    );
    for how in [
        &["--solver", "endpoint"][..],
        &["--solver", "in-place"],
        &["--solver", "pod", "--solver-image", "testbed.local/busybox:1"],
        &["--solver", "endpoint", "--restart", "auto"],
    ] {
        let before = it.leaf("shop-tls").sha256();
        let solver: Vec<&str> = how.iter().copied().take_while(|word| *word != "--restart").collect();
        let looked = it
            .call(&[&["preflight", "shop", &user], &solver[..]].concat())
            .within(WITH_POD)
            .run()
            .ends_with(0);
        assert!(looked.out.contains("has all that is needed"), "{how:?}: {}", looked.out);
        let ran = it
            .call(&[&["renew", "shop", &user], how].concat())
            .within(WITH_POD)
            .run()
            .ends_with(0);
        assert_ne!(it.leaf("shop-tls").sha256(), before, "{how:?}: {}", ran.err);
        let restarted = ran.err.contains("restarted deployment/web");
        assert_eq!(restarted, how.contains(&"--restart"), "{how:?}: {}", ran.err);
        eventually("nothing is left", || match it.left() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{how:?}: {left:?}")),
        });
    }
}
