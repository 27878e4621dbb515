//! `-w`: what changes is told at once, and nothing is listed again.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    cluster::{Namespace, gateway, http_route, ingress},
    eventually, kubeconfig,
    proxy::{API_SERVER, Plain, Proxy},
};

/// A change is seen within this; the machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(2);

#[test]
#[ignore = "needs the testbed: tests/run"]
fn who_watches_nothing_is_told_so_and_sees_what_comes() {
    let ns = Namespace::new("watch-none");
    let watching = ns.call(&["status", "-w"]).start();
    watching.err.after(0, &["there is nothing to show yet"]);
    let host = ns.host("a");
    ns.apply(vec![ingress("a", &[(&[&host], "a")])]);
    watching.out.after(0, &[&host, "SecretNotFound"]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn changes_are_told_as_they_happen() {
    let ns = Namespace::new("watch");
    let (host, absent, gone) = (ns.host("a"), ns.host("absent"), ns.host("gone"));
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ns.pki.pair(&[&gone]).secret("gone"),
        ingress("a", &[(&[&host], "a")]),
        ingress("absent", &[(&[&absent], "absent")]),
        ingress("gone", &[(&[&gone], "gone")]),
    ]);
    let watching = ns.call(&["status", "-w"]).start();
    watching.out.after(0, &[&host, "healthy"]);
    watching.out.after(0, &[&absent, "SecretNotFound"]);
    watching.out.after(0, &[&gone, "healthy"]);

    // Each change is timed from when kubectl has made it.
    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.expired(&[&host]).secret("a")]);
    let (line, took) = watching.out.after(mark, &[&host, "Expired"]);
    assert!(took < SOON, "{took:?}: {line}");

    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.pair(&[&host]).secret("a")]);
    let (line, took) = watching.out.after(mark, &[&host, "healthy"]);
    assert!(took < SOON, "{took:?}: {line}");

    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.pair(&[&absent]).secret("absent")]);
    let (line, took) = watching.out.after(mark, &[&absent, "healthy"]);
    assert!(took < SOON && !line.contains("SecretNotFound"), "{took:?}: {line}");

    let mark = watching.err.mark();
    ns.kubectl(&["delete", "ingress", "gone"]);
    let (line, took) = watching.err.after(mark, &["gone"]);
    assert!(took < SOON, "{took:?}: {line}");
    assert!(line.contains(&gone), "which host: {line}");

    // The Secret disappears, and with it what was well.
    let mark = watching.out.mark();
    ns.kubectl(&["delete", "secret", "a"]);
    watching.out.after(mark, &[&host, "SecretNotFound"]);

    // A Secret that is not of the type for TLS is followed by its name.
    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.pair(&[&host]).secret_of("Opaque", "a")]);
    watching.out.after(mark, &[&host, "WrongSecretType"]);
    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.expired(&[&host]).secret_of("Opaque", "a")]);
    watching.out.after(mark, &[&host, "Expired"]);

    watching.interrupt();
    let (status, took) = watching.end();
    assert_eq!(status, Some(130));
    assert!(took < SOON, "{took:?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_label_of_a_namespace_lets_its_routes_in() {
    let (ns, team) = (Namespace::new("labels"), Namespace::new("team"));
    let (wild, below) = (ns.host("*.wild"), ns.host("a.wild"));
    let mut edge = gateway("edge", &[("wild", &wild, json!([{"name": "wild"}]))]);
    edge["spec"]["listeners"][0]["allowedRoutes"] =
        json!({"namespaces": {"from": "Selector", "selector": {"matchLabels": {"e2e-edge": "yes"}}}});
    ns.apply(vec![ns.pki.pair(&[&wild]).secret("wild"), edge]);
    team.apply(vec![http_route(
        "a",
        &json!({"name": "edge", "namespace": ns.name, "sectionName": "wild"}),
        &[&below],
    )]);
    let watching = ns.call(&["status", "-w"]).start();
    watching.out.after(0, &[&wild, "healthy"]);
    let mark = watching.out.mark();
    ns.kubectl(&["label", "namespace", &team.name, "e2e-edge=yes"]);
    let (line, took) = watching.out.after(mark, &[&below, "healthy"]);
    assert!(took < SOON, "{took:?}: {line}");
    let mark = watching.out.mark();
    ns.kubectl(&["label", "namespace", &team.name, "e2e-edge-"]);
    watching.out.after(mark, &[&wild, "healthy"]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_broken_connection_is_told_and_nothing_is_missed_or_listed_again() {
    let ns = Namespace::new("broken");
    let (host, later) = (ns.host("a"), ns.host("later"));
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let plain = Plain::start();
    let proxy = Proxy::to(&plain.address);
    let config = kubeconfig::with_server(&format!("http://{}", proxy.address));
    let file = kubeconfig::write(ns.dir.path(), "plain", &config);
    let watching = ns.call(&["status", "-w"]).env("KUBECONFIG", file).start();
    watching.out.after(0, &[&host, "healthy"]);
    let watches = || proxy.paths().iter().filter(|path| path.contains("watch=true")).count();
    let lists = || {
        proxy
            .paths()
            .iter()
            .filter(|path| !path.contains("watch=true"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let begun = eventually("watches of Secrets and Ingresses", || match watches() {
        n @ 10.. => Ok(n),
        n => Err(format!("{n} watches")),
    });
    std::thread::sleep(Duration::from_millis(300));
    let before = lists();

    proxy.break_all();
    watching.err.after(0, &["connection lost"]);
    let (out, err) = (watching.out.mark(), watching.err.mark());
    ns.apply(vec![
        ns.pki.expired(&[&host]).secret("a"),
        ns.pki.expired(&[&later]).secret("later"),
        ingress("later", &[(&[&later], "later")]),
    ]);
    assert_eq!(watching.out.mark(), out, "nothing can be known now");
    proxy.fix();
    watching.out.after(out, &[&host, "Expired"]);
    watching.out.after(out, &[&later, "Expired"]);
    watching.err.after(err, &["connected again"]);
    assert!(watches() > begun);
    // What is new is the one Secret that the new Ingress names, where the Ingress was heard of first.
    let again: Vec<String> = lists()
        .into_iter()
        .skip(before.len())
        .filter(|path| !path.contains("metadata.name"))
        .collect();
    assert_eq!(again, Vec::<String>::new(), "no list is asked for twice");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_same_through_tls_with_a_name_of_its_own() {
    let ns = Namespace::new("tunnel");
    let host = ns.host("a");
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let proxy = Proxy::to(API_SERVER);
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let file = kubeconfig::write(ns.dir.path(), "tunnel", &config);
    let watching = ns
        .call(&["status", "-w", "-o", "json"])
        .env("KUBECONFIG", file)
        .env("KUBECTL_CERTS_LOG", "debug")
        .start();
    watching.out.after(0, &[&host]);
    proxy.break_all();
    watching.err.after(0, &["connection lost"]);
    let mark = watching.out.mark();
    ns.apply(vec![ns.pki.expired(&[&host]).secret("a")]);
    proxy.fix();
    watching.out.after(mark, &["\"Expired\""]);
    let said = watching.err.all().join("\n");
    assert!(!said.contains("listed again"), "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn who_may_not_watch_is_told() {
    let ns = Namespace::new("nowatch");
    let host = ns.host("a");
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let rules = serde_json::json!([
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
    ]);
    let config = ns.account("nowatch", &rules);
    let ran = ns.call(&["status", "-w"]).env("KUBECONFIG", config).run().ends_with(3);
    assert!(ran.out.contains(&host), "what is there is shown first: {}", ran.out);
    let error = ran
        .err
        .lines()
        .find(|line| line.starts_with("error: "))
        .unwrap_or_default();
    assert!(error.contains("the right to watch"), "{}", ran.err);
}
