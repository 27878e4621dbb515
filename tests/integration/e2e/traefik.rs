//! The table of controllers, Traefik's rows: what `status` says is served is what the real one serves.

use serde_json::json;

use crate::support::{
    cluster::{Namespace, TRAEFIK, bare_ingress, gateway, http_route, ingress},
    eventually,
    run::{Items, message},
    tls::{self, wait_until_served},
};

fn probe(ns: &Namespace) -> Items {
    ns.certs(&["probe", "-o", "json", "--connect", TRAEFIK])
        .ends_with(0)
        .items()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn it_picks_by_server_name_among_all_certificates_whichever_route_brought_them() {
    let ns = Namespace::new("sni");
    let (a, b, c) = (ns.host("a"), ns.host("b"), ns.host("c"));
    let covers_both = ns.pki.pair(&[&a, &b]);
    let unrelated = ns.pki.pair(&[&c]);
    ns.apply(vec![
        covers_both.secret("both"),
        unrelated.secret("unrelated"),
        ingress("a", &[(&[&a], "both")]),
        // Its own Secret is missing: the other Ingress's certificate names the host.
        ingress("b", &[(&[&b], "missing")]),
        // Its own Secret is for another host.
        ingress("c", &[(&[&c], "unrelated")]),
    ]);
    wait_until_served(&a, &covers_both);
    wait_until_served(&c, &unrelated);
    wait_until_served(&b, &covers_both);
    let items = probe(&ns);
    assert_eq!(items.verdict(&a), "healthy");
    assert_eq!(
        items.verdict(&b),
        "warning: SecretNotFound",
        "no client fails, and the probe agrees: {items:#?}"
    );
    assert!(
        message(items.host(&b), "SecretNotFound").contains("another"),
        "{items:#?}"
    );
    assert_eq!(items.verdict(&c), "healthy");

    // The same with a Secret that is for another host.
    ns.apply(vec![ingress("b", &[(&[&b], "unrelated")])]);
    wait_until_served(&b, &covers_both);
    let items = probe(&ns);
    assert_eq!(items.verdict(&b), "warning: HostMismatch", "{items:#?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_missing_secret_makes_it_skip_the_later_entries_of_the_ingress() {
    let ns = Namespace::new("skips");
    let (before, gap, after) = (ns.host("before"), ns.host("gap"), ns.host("after"));
    let (first, last) = (ns.pki.pair(&[&before]), ns.pki.pair(&[&after]));
    ns.apply(vec![
        first.secret("first"),
        last.secret("last"),
        ingress(
            "web",
            &[(&[&before], "first"), (&[&gap], "missing"), (&[&after], "last")],
        ),
    ]);
    wait_until_served(&before, &first);
    assert!(tls::is_traefiks_own(&tls::served(&after).unwrap()), "it is skipped");
    let items = probe(&ns);
    assert_eq!(items.verdict(&before), "healthy");
    assert_eq!(items.verdict(&gap), "critical: SecretNotFound, ServedWrongHost");
    let verdict = items.verdict(&after);
    assert_eq!(verdict, "critical: SecretNotFound, ServedWrongHost", "{items:#?}");

    // Once it is there, all three are served.
    let found = ns.pki.pair(&[&gap]);
    ns.apply(vec![found.secret("missing")]);
    wait_until_served(&after, &last);
    wait_until_served(&gap, &found);
    let items = probe(&ns);
    assert!(
        [&before, &gap, &after]
            .iter()
            .all(|host| items.verdict(host) == "healthy"),
        "{items:#?}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_ingress_without_rules_still_brings_its_certificate() {
    let ns = Namespace::new("bare");
    let (host, other) = (ns.host("a"), ns.host("b"));
    let pair = ns.pki.pair(&[&host, &other]);
    ns.apply(vec![
        pair.secret("a"),
        bare_ingress("bare", &[(&[&host], "a")]),
        ingress("other", &[(&[&other], "missing")]),
    ]);
    wait_until_served(&host, &pair);
    wait_until_served(&other, &pair);
    let items = probe(&ns);
    assert_eq!(items.verdict(&host), "healthy", "{items:#?}");
    assert_eq!(items.verdict(&other), "warning: SecretNotFound", "{items:#?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateways_listener_without_its_secret_is_served_as_said() {
    let ns = Namespace::new("gap");
    let (good, missing) = (ns.host("good"), ns.host("missing"));
    let pair = ns.pki.pair(&[&good]);
    ns.apply(vec![
        pair.secret("good"),
        gateway(
            "edge",
            &[
                ("good", &good, json!([{"name": "good"}])),
                ("missing", &missing, json!([{"name": "missing"}])),
            ],
        ),
        http_route("all", &json!({"name": "edge"}), &[&good, &missing]),
    ]);
    wait_until_served(&good, &pair);
    let leaf = tls::served(&missing).expect("the port is shared: a handshake comes about");
    assert!(tls::is_traefiks_own(&leaf));
    let items = probe(&ns);
    assert_eq!(items.verdict(&good), "healthy");
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound, ServedWrongHost");
    let said = message(items.host(&missing), "SecretNotFound").to_owned();
    assert!(said.contains("default certificate"), "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn routes_of_one_kind_serve_what_those_of_another_have_brought() {
    let ns = Namespace::new("mixed");
    let (by_gateway, by_ingress) = (ns.host("g"), ns.host("i"));
    let (one, two) = (ns.host("one"), ns.host("two"));
    let (of_gateway, of_ingress) = (ns.pki.pair(&[&by_gateway, &one]), ns.pki.pair(&[&by_ingress, &two]));
    ns.apply(vec![
        of_gateway.secret("gateway"),
        of_ingress.secret("ingress"),
        gateway(
            "edge",
            &[
                ("g", &by_gateway, json!([{"name": "gateway"}])),
                ("two", &two, json!([{"name": "missing"}])),
            ],
        ),
        http_route("all", &json!({"name": "edge"}), &[&by_gateway, &two]),
        ingress("web", &[(&[&by_ingress], "ingress")]),
        ingress("other", &[(&[&one], "missing")]),
    ]);
    wait_until_served(&by_gateway, &of_gateway);
    wait_until_served(&by_ingress, &of_ingress);
    wait_until_served(&one, &of_gateway);
    wait_until_served(&two, &of_ingress);
    let items = probe(&ns);
    assert_eq!(items.verdict(&by_gateway), "healthy", "{items:#?}");
    assert_eq!(items.verdict(&by_ingress), "healthy", "{items:#?}");
    assert_eq!(items.verdict(&one), "warning: SecretNotFound", "{items:#?}");
    assert_eq!(items.verdict(&two), "warning: SecretNotFound", "{items:#?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_a_listeners_certificates_a_missing_one_ends_the_list() {
    let ns = Namespace::new("two");
    let (before, after, witness) = (ns.host("before"), ns.host("after"), ns.host("witness"));
    let [one, two, other] = [&before, &after, &witness].map(|host| ns.pki.pair(&[host]));
    ns.apply(vec![
        one.secret("before"),
        two.secret("after"),
        other.secret("witness"),
        gateway(
            "edge",
            &[
                ("before", &before, json!([{"name": "before"}, {"name": "missing"}])),
                ("after", &after, json!([{"name": "missing"}, {"name": "after"}])),
                ("witness", &witness, json!([{"name": "witness"}])),
            ],
        ),
        http_route("all", &json!({"name": "edge"}), &[&before, &after, &witness]),
    ]);
    wait_until_served(&witness, &other);
    wait_until_served(&before, &one);
    assert!(tls::is_traefiks_own(&tls::served(&after).unwrap()));
    let items = probe(&ns);
    assert_eq!(items.host(&before)["secrets"][0]["name"], "before");
    assert!(!items.verdict(&before).contains("Served"), "{items:#?}");
    let verdict = items.verdict(&after);
    assert!(
        verdict.starts_with("critical: SecretNotFound, ServedWrongHost"),
        "{items:#?}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateways_listener_shows_what_server_name_picks_too() {
    let ns = Namespace::new("mismatch");
    let (host, other) = (ns.host("a"), ns.host("other"));
    let pair = ns.pki.pair(&[&other]);
    ns.apply(vec![
        pair.secret("other"),
        gateway(
            "edge",
            &[
                ("a", &host, json!([{"name": "other"}])),
                ("other", &other, json!([{"name": "other"}])),
            ],
        ),
        http_route("all", &json!({"name": "edge"}), &[&host, &other]),
    ]);
    wait_until_served(&other, &pair);
    let leaf = eventually("an answer", || tls::served(&host));
    assert!(
        tls::is_traefiks_own(&leaf),
        "for a host that its certificate does not name, the default one"
    );
    let items = probe(&ns);
    let verdict = items.verdict(&host);
    assert!(
        verdict.starts_with("critical: HostMismatch, ServedWrongHost"),
        "{items:#?}"
    );
    let said = message(items.host(&host), "HostMismatch").to_owned();
    assert!(said.contains("default certificate"), "{said}");
}
