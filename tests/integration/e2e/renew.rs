//! Renewals from end to end: a real ACME server validates through the real Traefik, and what is issued is served.

use std::time::Duration;

use serde_json::json;

use super::http01::{application, ask, backend, solver_image};
use crate::support::{
    cluster::{Namespace, gateway, http_route, ingress},
    eventually,
    issuing::{Issuing, NODE, x509::Leaf},
    run::WITH_POD,
    server::curl,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_ingress_without_certificate_gets_one_that_is_served() {
    let it = Issuing::new("renew");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    let leaf = it.leaf("shop-tls");
    assert_eq!(leaf.names(), [host.as_str()], "{}", ran.err);
    assert!(leaf.key_matches && leaf.chain == 2);
    assert!(
        ran.err.contains(&format!("{host} serves the stored certificate")),
        "{}",
        ran.err
    );
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    let again = it.certs(&["renew", "shop"]).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), leaf.sha256(), "{}", again.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_rehearsal_changes_nothing_and_says_how_to_do_it_in_earnest() {
    let it = Issuing::new("rehearse");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    // A Secret that kubectl applied is its manifest's, and production would refuse it.
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    let before = it.version("shop-tls");
    it.settings(&it.issuers());
    let advertise = it.advertise();
    let ran = it
        .plain(&["renew", "shop", "--advertise", &advertise])
        .run()
        .ends_with(0);
    assert_eq!(it.version("shop-tls"), before, "{}", ran.err);
    assert!(ran.err.contains("kubectl certs renew shop"), "{}", ran.err);
    assert!(ran.err.contains("--production"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateway_gets_its_certificate_through_an_http_route() {
    let it = Issuing::new("gateway");
    let host = it.host("edge");
    let refs = json!([{"name": "edge-tls"}]);
    let mut gateway = gateway("edge", &[("https", &host, refs)]);
    let plain =
        json!({"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}});
    gateway["spec"]["listeners"].as_array_mut().unwrap().push(plain);
    let route = http_route("edge", &json!({"name": "edge"}), &[&host]);
    it.ns.apply(vec![gateway, route]);
    let ran = it.certs(&["renew", "gateway/edge"]).ends_with(0);
    assert_eq!(it.leaf("edge-tls").names(), [host.as_str()], "{}", ran.err);
    assert!(
        ran.err.contains(&format!("{host} serves the stored certificate")),
        "{}",
        ran.err
    );
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateway_without_a_listener_of_port_80_is_told_which_line_to_add() {
    let it = Issuing::new("gateway-443");
    let host = it.host("edge");
    it.ns.apply(vec![
        gateway("edge", &[("https", &host, json!([{"name": "edge-tls"}]))]),
        http_route("edge", &json!({"name": "edge"}), &[&host]),
    ]);
    let ran = it.certs(&["renew", "gateway/edge"]).ends_with(4);
    assert!(ran.err.contains("port 80"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_application_that_redirects_and_asks_for_a_login_does_not_matter() {
    let it = Issuing::new("login");
    let host = it.host("shop");
    let mut objects = backend("web", application());
    objects.push(ingress("shop", &[(&[&host], "shop-tls")]));
    it.ns.apply(objects);
    // Whoever comes is sent to https, and asked for a login there.
    eventually("the application being routed to", || {
        let (status, body) = ask(&host, "/.well-known/acme-challenge/x");
        if status == "302" { Ok(()) } else { Err(status + &body) }
    });
    let to = format!("{host}:443:{NODE}");
    let login = [
        "--resolve",
        &to,
        "-k",
        "-w",
        "\n%{http_code}",
        &format!("https://{host}/"),
    ];
    let said = curl(&login).unwrap_or_else(|said| said);
    assert!(said.contains("401"), "{said}");

    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()], "{}", ran.err);
    assert_eq!(ask(&host, "/").0, "302", "and so it is afterwards");
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_pod_of_the_own_image_answers_where_the_cluster_cannot_reach_this_machine() {
    let it = Issuing::new("pod");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let image = solver_image();
    it.until_addressed("ingress/shop");
    let pod = ["--solver", "pod", "--solver-image", image, "--self-check", "direct"];
    let ran = it
        .call(&[&["renew", "shop"], &pod[..]].concat())
        .within(WITH_POD)
        .run()
        .ends_with(0);
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()], "{}", ran.err);
    assert!(ran.err.contains("waits: the solver's Pod: "), "{}", ran.err);
    // From inside, another Pod looks.
    let had = it.leaf("shop-tls").sha256();
    let cluster = ["--solver", "pod", "--solver-image", image, "--self-check", "cluster"];
    let ran = it
        .call(&[&["renew", "shop", "-o", "json"], &cluster[..]].concat())
        .within(WITH_POD)
        .run()
        .ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), had, "{}", ran.err);
    assert!(ran.out.contains("\"selfChecked\""), "{}", ran.out);
    // The Pod goes with its Job, which the cluster collects.
    eventually("nothing is left", || match it.left() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?}")),
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_ten_one_that_does_not_resolve_stops_no_other() {
    let it = Issuing::new("ten");
    let mut objects = Vec::new();
    for number in 0..10 {
        let label = format!("web-{number}");
        let host = if number == 3 {
            it.ns.host(&label)
        } else {
            it.host(&label)
        };
        objects.push(ingress(&label, &[(&[&host], &format!("{label}-tls"))]));
    }
    it.ns.apply(objects);
    let auto = ["renew", "--all", "--self-check", "auto", "--resolve-timeout", "1s"];
    let ran = it.certs(&auto).ends_with(4);
    for number in 0..10 {
        let name = format!("web-{number}-tls");
        let found = it
            .ns
            .kubectl(&["get", "secret", &name, "--ignore-not-found", "-o", "name"]);
        assert_eq!(found.is_empty(), number == 3, "{name}: {}", ran.err);
    }
    let broken = it.ns.host("web-3");
    // The CA is not asked about a host that no DNS knows.
    let why = format!("not started: {broken}: waiting for DNS: the name does not resolve yet");
    assert!(ran.err.contains(&why), "{}", ran.err);
    assert!(!ran.err.contains("the CA says"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_new_name_that_fails_costs_the_others_nothing_and_a_present_one_everything() {
    let it = Issuing::new("names");
    let hosts: Vec<String> = (0..10).map(|number| it.host(&format!("h{number}"))).collect();
    let old: Vec<&str> = hosts.iter().map(String::as_str).collect();
    it.ns.create(vec![it.ns.pki.pair(&old).secret("many-tls")]);
    let broken = it.ns.host("h10");
    let mut more = old.clone();
    more.push(&broken);
    it.ns.apply(vec![ingress("many", &[(&more, "many-tls")])]);
    let before = it.leaf("many-tls");
    let renew = ["renew", "many", "--resolve-timeout", "1s"];
    let ran = it.certs(&renew).ends_with(4);
    let renewed = it.leaf("many-tls");
    assert_ne!(renewed.sha256(), before.sha256(), "{}", ran.err);
    let mut expected = hosts.clone();
    expected.sort();
    assert_eq!(renewed.names(), expected);
    assert!(ran.err.contains(&format!("without {broken}")), "{}", ran.err);

    it.resolver.host(&hosts[4], &[]);
    let version = it.version("many-tls");
    let ran = it.certs(&renew).ends_with(4);
    assert_eq!(it.version("many-tls"), version, "{}", ran.err);
    let end = ran
        .err
        .lines()
        .find(|line| line.contains("many-tls: not started: "))
        .unwrap();
    let why = |host: &str| end.contains(&format!("{host}: waiting for DNS: "));
    assert!(why(&hosts[4]) && why(&broken), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
    assert!(!ran.err.contains("--only-route-hosts"), "a route has each: {}", ran.err);

    // A name that no route has any more is said to be one before and after, and by preflight.
    let kept: Vec<&str> = old.iter().copied().filter(|host| *host != hosts[4]).collect();
    it.ns.apply(vec![ingress("many", &[(&kept, "many-tls")])]);
    let way = "with --only-route-hosts leaves it out of the certificate";
    let ran = it.certs(&["renew", "many"]).ends_with(4);
    assert!(ran.err.contains(way), "{}", ran.err);
    let before = format!(
        "1 name is ordered that no route has any more: {}; --only-route-hosts leaves it out",
        hosts[4]
    );
    assert!(ran.err.contains(&before), "{}", ran.err);
    let ran = it.certs(&["preflight", "many"]).ends_with(4);
    assert!(ran.out.contains(way), "{}", ran.out);
    it.certs(&["renew", "many", "--only-route-hosts"]).ends_with(0);
    assert_eq!(it.leaf("many-tls").names().len(), 9);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_hundred_at_once_are_renewed_though_one_nonce_in_five_is_refused() {
    let it = Issuing::within(Namespace::alone("hundred"), |options| options.nonce_reject = 20);
    let mut objects = Vec::new();
    for number in 0..100 {
        let label = format!("web-{number}");
        let host = it.host(&label);
        objects.push(ingress(&label, &[(&[&host], &format!("{label}-tls"))]));
    }
    it.ns.apply(objects);
    let ran = it
        .call(&["renew", "--all", "--max", "100", "--concurrency", "8"])
        .within(Duration::from_mins(3))
        .run()
        .ends_with(0);
    let secrets = it.ns.kubectl(&[
        "get",
        "secrets",
        "--field-selector",
        "type=kubernetes.io/tls",
        "-o",
        "json",
    ]);
    let secrets: serde_json::Value = serde_json::from_str(&secrets).unwrap();
    let secrets = secrets["items"].as_array().unwrap();
    assert_eq!(secrets.len(), 100, "{}", ran.err);
    for secret in secrets {
        let name = secret["metadata"]["name"].as_str().unwrap();
        let leaf = Leaf::of(secret);
        assert_eq!(leaf.names(), [it.ns.host(name.trim_end_matches("-tls"))], "{name}");
        assert!(leaf.key_matches && leaf.chain == 2, "{name}");
    }
    // Orders that were refused for their nonce were sent again.
    let sent = it.pebble.log().matches("/order-plz").count();
    assert!(sent > 105, "{sent} requests for 100 orders");
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_dry_run_prints_the_steps_and_does_nothing() {
    let it = Issuing::new("dry");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    for kind in ["--dry-run", "--dry-run=server"] {
        let ran = it.certs(&["renew", "shop", kind]).ends_with(0);
        for step in [
            "order ",
            &format!("validate {host} by http-01"),
            "create Secret",
            "remove everything",
        ] {
            assert!(ran.out.contains(step), "{kind}: {step}: {}{}", ran.out, ran.err);
        }
        let found = it
            .ns
            .kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
        assert_eq!(found, "", "{kind}");
        assert_eq!(it.left(), [""; 0], "{kind}");
    }
    assert!(!it.pebble.log().contains("/order-plz"), "nothing was ordered");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn events_are_lines_of_json_on_standard_output() {
    let it = Issuing::new("json");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let ran = it.certs(&["renew", "shop", "-o", "json"]).ends_with(0);
    let events: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for wanted in [
        "ordered",
        "presented",
        "selfChecked",
        "validated",
        "issued",
        "stored",
        "served",
        "done",
    ] {
        assert!(names.contains(&wanted), "{wanted}: {names:?}");
    }
    assert!(
        events
            .iter()
            .all(|event| event["apiVersion"] == "kubectl-certs/v1" && event["time"].is_string())
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_of_one_secret_is_that_secret() {
    let it = Issuing::new("renew-host");
    let (one, two) = (it.host("one"), it.host("two"));
    it.ns.apply(vec![
        ingress("c", &[(&[&one], "c-tls")]),
        ingress("a", &[(&[&two], "a-tls")]),
        ingress("b", &[(&[&two], "b-tls")]),
    ]);
    for word in [one.clone(), format!("https://{one}/"), one.to_uppercase()] {
        let plan = it.certs(&["renew", &word, "--dry-run"]).ends_with(0);
        let secrets: Vec<&str> = plan.out.lines().filter(|line| line.starts_with("Secret ")).collect();
        assert_eq!(
            secrets,
            [format!("Secret {}/c-tls", it.ns.name)],
            "{word}: {}",
            plan.out
        );
    }
    let refused = it.certs(&["renew", &two, "--dry-run"]).ends_with(2);
    let several = format!("host {two} has several Secrets: secret/a-tls");
    assert!(refused.err.contains(&several), "{}", refused.err);
    it.certs(&["renew", &one]).ends_with(0);
    assert_eq!(it.leaf("c-tls").names(), [one.as_str()]);
    for other in ["a-tls", "b-tls"] {
        let found = it
            .ns
            .kubectl(&["get", "secret", other, "--ignore-not-found", "-o", "name"]);
        assert_eq!(found, "", "{other}");
    }
}
