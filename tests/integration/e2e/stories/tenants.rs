//! Many teams: one wants another's host, another's certificate, and a solver with a URL of its own.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, gateway, ingress},
    controller::{asking, asks, call_with, exists, installed, orders, plain_listener, resume, until_stored},
    eventually,
    issuing::{Issuing, NODE, x509::Leaf},
    run::Running,
};

/// Waits until a Secret is held by a rule.
fn until_held(running: &Running, namespace: &str, secret: &str, rule: &str) -> String {
    let namespace = format!("\"namespace\":\"{namespace}\"");
    let secret = format!("\"secret\":\"{secret}\"");
    let rule = format!("\"rule\":\"{rule}\"");
    running
        .out
        .after(0, &["\"event\":\"held\"", &namespace, &secret, &rule])
        .0
}

/// The SHA-256 of the certificate in a Secret of the other team.
fn held(other: &Namespace, secret: &str) -> String {
    other.kubectl(&["get", "secret", secret, "-o", "jsonpath={.data.tls\\.crt}"])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
#[allow(clippy::too_many_lines)] // It is a story.
fn a_team_gets_neither_anothers_host_nor_its_certificate_nor_a_solver_of_its_own_and_nothing_is_sent() {
    let (it, b) = (Issuing::new("team-a"), Namespace::new("team-b"));
    let (a, other) = (it.ns.name.as_str(), b.name.as_str());
    let [shop, both, last] = ["shop", "both", "last"].map(|label| it.host(label));
    let blog = b.host("blog");
    it.resolver.host(&blog, &[NODE]);
    it.settings(&format!(
        "policy:\n  names:\n  - {{namespaces: [{a}], names: [\"*.{a}.example\"]}}\n  - {{rule: team-b, namespaces: [{other}], \
         names: [\"*.{other}.example\", {both}]}}\n"
    ));
    // The first team serves its hosts, and does not ask yet.
    it.ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ingress("both", &[(&[&both], "both-tls")]),
    ]);
    // The server of a solver, to which nothing connects.
    let own = TcpListener::bind((NODE, 0)).unwrap();
    own.set_nonblocking(true).unwrap();
    let url = format!("http://{}", own.local_addr().unwrap());
    let mut edge = gateway("edge", &[("https", &shop, json!([{"name": "edge-tls"}]))]);
    edge["spec"]["listeners"].as_array_mut().unwrap().push(plain_listener());
    let mut taking = ingress("taking", &[(&[&blog], "taken-tls")]);
    taking["metadata"]["annotations"]["kubectl-certs.io/copy-of"] = format!("{a}/shop-tls").into();
    b.apply(vec![
        asking("web", &[&shop]),
        asking("both", &[&both]),
        asks(edge),
        taking,
    ]);
    installed(&it);
    let running = call_with(&it, &["-n", other]).start();
    resume(&it);
    let said = until_held(&running, other, "web-tls", "NameNotPermitted");
    assert!(
        said.contains(&format!(
            "the names policy does not permit namespace {other} the name {shop}"
        )),
        "{said}"
    );
    let said = until_held(&running, other, "both-tls", "NameTaken");
    assert!(
        said.contains(&format!(
            "namespace {a} has the name {both} already, by Ingress {a}/both"
        )),
        "{said}"
    );
    until_held(&running, other, "edge-tls", "NameNotPermitted");
    until_held(&running, other, "taken-tls", "CopyWithoutSource");
    // What comes last has come: nothing was ordered, answered or asked for any of these.
    it.ns.apply(vec![asking("last", &[&last])]);
    until_stored(&it, "last-tls", &[&last], &running);
    assert_eq!(orders(&it), 1, "{:?}", running.out.all());
    let made = b.kubectl(&[
        "get",
        "ingresses,services,endpointslices,secrets,httproutes",
        "-l",
        "kubectl-certs.io/purpose",
        "-o",
        "name",
    ]);
    assert_eq!(made, "", "nothing is made in the namespace of the second team");
    // With a host that is its own it gets a certificate of the CA that the controller has, whatever its annotations say.
    let mine = b.host("mine");
    it.resolver.host(&mine, &[NODE]);
    let mut leading = asking("mine", &[&mine]);
    for what in ["solver-url", "directory", "issuer", "dns01-url", "ask-url"] {
        leading["metadata"]["annotations"][format!("kubectl-certs.io/{what}")] = url.as_str().into();
    }
    b.apply(vec![leading]);
    running.out.after(0, &["\"event\":\"stored\"", "mine-tls"]);
    let stored: Value = serde_json::from_str(&b.kubectl(&["get", "secret", "mine-tls", "-o", "json"])).unwrap();
    assert_eq!(Leaf::of(&stored).names(), [mine.as_str()]);
    let by = &stored["metadata"]["annotations"]["kubectl-certs.io/directory"];
    assert_eq!(*by, it.pebble.directory_url().as_str(), "{:#}", stored["metadata"]);
    assert_eq!(orders(&it), 2, "{:?}", running.out.all());
    assert!(own.accept().is_err(), "somebody has connected to the tenant's server");
    // It is seen by whoever asks.
    let root = it.pebble.root_file().to_str().unwrap().to_owned();
    let why = |host: &str| {
        let args = [
            "why",
            host,
            "-n",
            other,
            "--ca-file",
            &root,
            "--probe-timeout",
            "1s",
            "--controller-namespace",
            a,
        ];
        it.at_home(&args).run().out
    };
    eventually("why says it", || {
        let said = why(&both);
        if said.contains("because the rule NameTaken holds it") {
            Ok(())
        } else {
            Err(said)
        }
    });
    let settings = format!("{}/policy.yaml", it.ns.dir.path().display());
    let rules = format!("policy: {{names: [{{names: [\"*.{a}.example\"], namespaces: [{a}, {other}]}}]}}\n");
    std::fs::write(&settings, rules).unwrap();
    let status = it
        .at_home(&[
            "status",
            "-n",
            a,
            "-n",
            other,
            "--policy",
            &settings,
            "--reason",
            "NameTaken",
            "--fail-on",
            "warning",
        ])
        .run()
        .ends_with(1);
    assert!(
        status.out.contains(&both) && status.out.contains(other),
        "{}",
        status.out
    );
    // A name that is not its own does not keep a team from those that are.
    b.apply(vec![ingress("mixed", &[(&[&blog, &shop], "mixed-tls")])]);
    b.kubectl(&["annotate", "ingress", "mixed", "kubernetes.io/tls-acme=true"]);
    running
        .out
        .after(0, &["\"event\":\"names-denied\"", "mixed-tls", &shop]);
    eventually("the other certificate", || {
        let found = b.kubectl(&["get", "secret", "mixed-tls", "--ignore-not-found", "-o", "name"]);
        if found.is_empty() {
            Err(running.out.all().join("\n"))
        } else {
            Ok(())
        }
    });
    // The first team gets its own, and gives a copy only where it says so.
    it.ns
        .kubectl(&["annotate", "ingress", "shop", "kubernetes.io/tls-acme=true"]);
    until_stored(&it, "shop-tls", &[&shop], &running);
    until_held(&running, other, "taken-tls", "CopyNotGranted");
    b.apply(vec![b.pki.pair(&[&blog]).secret("kept-tls")]);
    let before = held(&b, "kept-tls");
    let mut over = ingress("over", &[(&[&blog], "kept-tls")]);
    over["metadata"]["annotations"]["kubectl-certs.io/copy-of"] = format!("{a}/shop-tls").into();
    b.apply(vec![over]);
    let grant = format!("kubectl-certs.io/copy-to={other}");
    it.ns.kubectl(&["annotate", "secret", "shop-tls", &grant]);
    let same = |what: &str| {
        eventually(what, || {
            let copy = b.kubectl(&[
                "get",
                "secret",
                "taken-tls",
                "--ignore-not-found",
                "-o",
                "jsonpath={.data.tls\\.crt}",
            ]);
            let source = it
                .ns
                .kubectl(&["get", "secret", "shop-tls", "-o", "jsonpath={.data.tls\\.crt}"]);
            if copy == source {
                Ok(copy)
            } else {
                Err(running.out.all().join("\n"))
            }
        })
    };
    let first = same("the copy");
    until_held(&running, other, "kept-tls", "CopyNotOurs");
    assert_eq!(held(&b, "kept-tls"), before, "it is not overwritten");
    assert!(why(&blog).contains(&format!("that it is a copy of Secret {a}/shop-tls")));
    // Its source is renewed, and the copy with it; then the grant is taken away.
    it.call(&["renew", "secret/shop-tls"]).run().ends_with(0);
    assert_ne!(same("the copy of the renewed one"), first);
    it.ns
        .kubectl(&["annotate", "secret", "shop-tls", "kubectl-certs.io/copy-to-"]);
    running.out.after(
        running
            .out
            .all()
            .iter()
            .rposition(|line| line.contains("\"event\":\"copied\""))
            .unwrap_or(0),
        &["CopyNotGranted", "taken-tls"],
    );
    let copy = held(&b, "taken-tls");
    it.call(&["renew", "secret/shop-tls"]).run().ends_with(0);
    assert_eq!(
        held(&b, "taken-tls"),
        copy,
        "nothing is deleted, and nothing is made current"
    );
    assert!(!exists(&it, "both-tls"), "nobody asks for it in the first namespace");
}
