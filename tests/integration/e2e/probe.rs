//! `probe` against the real Traefik: what is served against what is stored.

use serde_json::json;

use crate::support::{
    cluster::{Namespace, TRAEFIK, ingress},
    eventually,
    pki::{Pair, Pki},
    run::message,
    tls::{self, wait_until_served},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_served_as_it_is_stored_has_no_finding() {
    let ns = Namespace::new("probe");
    let (host, old) = (ns.host("a"), ns.host("old"));
    let (pair, expired) = (ns.pki.pair(&[&host]), ns.pki.expired(&[&old]));
    ns.apply(vec![
        pair.secret("a"),
        expired.secret("old"),
        ingress("a", &[(&[&host], "a")]),
        ingress("old", &[(&[&old], "old")]),
    ]);
    wait_until_served(&host, &pair);
    wait_until_served(&old, &expired);
    // Traefik writes its address into the Ingress; until then there is nothing but DNS to ask.
    eventually("the Ingress's address", || {
        let ip = ns.kubectl(&[
            "get",
            "ingress",
            "a",
            "old",
            "-o",
            "jsonpath={.items[*].status.loadBalancer.ingress[0].ip}",
        ]);
        (ip == "10.99.0.1 10.99.0.1").then_some(()).ok_or(ip)
    });
    for args in [
        &["probe", "-o", "json"][..],
        &["probe", "-o", "json", "--connect", TRAEFIK],
        &["status", "--probe", "-o", "json"],
    ] {
        let items = ns.certs(args).ends_with(0).items();
        assert_eq!(items.verdict(&host), "healthy", "{args:?}");
        assert_eq!(items.verdict(&old), "critical: Expired, ServedExpired", "{args:?}");
    }
    ns.certs(&["probe", "a", "--fail-on", "info"]).ends_with(0);
    ns.certs(&["probe", "--fail-on", "critical"]).ends_with(1);
}

/// The cell of a host below SERVED.
#[track_caller]
fn served_cell(table: &str, host: &str) -> String {
    let mut lines = table.lines();
    let header = lines.next().unwrap_or_default();
    let at = header
        .find("SERVED")
        .unwrap_or_else(|| panic!("no column SERVED:\n{table}"));
    let row = lines
        .find(|line| line.contains(host))
        .unwrap_or_else(|| panic!("no {host}:\n{table}"));
    row[at..].split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_column_and_a_field_say_how_what_is_served_compares() {
    let ns = Namespace::new("column");
    let (host, missing) = (ns.host("a"), ns.host("missing"));
    let pair = ns.pki.pair(&[&host]);
    ns.apply(vec![
        pair.secret("a"),
        ingress("a", &[(&[&host], "a")]),
        ingress("missing", &[(&[&missing], "missing")]),
    ]);
    wait_until_served(&host, &pair);
    let look = |at: &str| {
        let table = ns.certs(&["probe", "--connect", at]).ends_with(0).out;
        let items = ns.certs(&["probe", "-o", "json", "--connect", at]).ends_with(0).items();
        let of = |host: &str| {
            let json = items.host(host)["served"].clone();
            assert_eq!(json["compared"], served_cell(&table, host), "{table}");
            json
        };
        (of(&host), of(&missing), items.host(&host)["sha256"].clone())
    };
    let (served, default, stored) = look(TRAEFIK);
    assert_eq!(
        (&served["compared"], &served["addresses"], &served["sha256"]),
        (&json!("stored"), &json!(1), &stored),
        "{served}"
    );
    assert!(served["notAfter"].is_string(), "{served}");
    // Traefik's own certificate, beside no Secret.
    assert_eq!(default["compared"], "not-compared", "{default}");
    assert_ne!(default["sha256"], stored, "{default}");
    let (served, ..) = look(&tls::serve(&ns.pki.pair(&[&host])));
    assert_eq!(served["compared"], "another", "{served}");
    let (served, ..) = look("127.0.0.1:9");
    assert_eq!(
        (&served["compared"], &served["sha256"]),
        (&json!("nothing"), &json!(null)),
        "{served}"
    );
    // Nobody asked, and nothing is said.
    let table = ns.certs(&["status"]).ends_with(0).out;
    assert!(!table.contains("SERVED"), "{table}");
    assert!(ns.status(&[]).host(&host).get("served").is_none());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn another_certificate_another_name_and_no_answer_are_told_apart() {
    let ns = Namespace::new("differs");
    let (host, other) = (ns.host("a"), ns.host("other"));
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let probe = |at: &str| {
        let items = ns.certs(&["probe", "-o", "json", "--connect", at]).ends_with(0).items();
        let item = items.host(&host).clone();
        (items.verdict(&host), item)
    };
    let (verdict, item) = probe(&tls::serve(&ns.pki.pair(&[&host])));
    assert_eq!(verdict, "warning: ServedDiffers");
    assert!(
        message(&item, "ServedDiffers").contains(item["sha256"].as_str().unwrap().get(..16).unwrap()),
        "{item:#}"
    );
    let (verdict, item) = probe(&tls::serve(&ns.pki.pair(&[&other])));
    assert_eq!(verdict, "critical: ServedWrongHost, ServedDiffers");
    assert!(message(&item, "ServedWrongHost").contains(&other), "{item:#}");
    let (verdict, _) = probe(&tls::serve(&ns.pki.expired(&[&host])));
    assert_eq!(verdict, "critical: ServedExpired, ServedDiffers");
    // The stored leaf without its intermediate; and one that no client trusts.
    let stored = ns.pki.pair(&[&host]);
    ns.apply(vec![stored.secret("a")]);
    let alone = Pair {
        chain_der: vec![stored.der.clone()],
        ..stored
    };
    let (verdict, item) = probe(&tls::serve(&alone));
    assert_eq!(verdict, "critical: ServedDiffers");
    assert!(
        message(&item, "ServedDiffers").contains("without CN=E2E Issuing CA"),
        "{item:#}"
    );
    let (verdict, item) = probe(&tls::serve(&Pki::new().pair(&[&host])));
    assert_eq!(verdict, "critical: ServedUntrusted, ServedDiffers");
    assert!(message(&item, "ServedUntrusted").contains("CN=E2E Root"), "{item:#}");
    // Nothing listens; somebody listens and says nothing; somebody speaks HTTP without TLS.
    let (verdict, item) = probe("127.0.0.1:9");
    assert_eq!(verdict, "critical: NotServed");
    assert!(message(&item, "NotServed").contains("127.0.0.1:9"), "{item:#}");
    let silent = [
        "probe",
        "-o",
        "json",
        "--probe-timeout",
        "1s",
        "--connect",
        &tls::silence(),
    ];
    let ran = ns.certs(&silent).ends_with(0);
    assert_eq!(ran.items().verdict(&host), "critical: NotServed");
    assert!(ran.took.as_secs() < 5, "{:?}", ran.took);
    let (verdict, _) = probe("127.0.0.1:8181");
    assert_eq!(verdict, "critical: NotServed");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn where_the_secret_is_missing_traefik_shows_its_own_certificate() {
    let ns = Namespace::new("default");
    let (missing, witness) = (ns.host("missing"), ns.host("witness"));
    let pair = ns.pki.pair(&[&witness]);
    ns.apply(vec![
        ingress("missing", &[(&[&missing], "missing")]),
        pair.secret("witness"),
        ingress("witness", &[(&[&witness], "witness")]),
    ]);
    wait_until_served(&witness, &pair);
    assert!(tls::is_traefiks_own(&tls::served(&missing).unwrap()));
    let items = ns
        .certs(&["probe", "-o", "json", "--connect", TRAEFIK])
        .ends_with(0)
        .items();
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound, ServedWrongHost");
    let said = message(items.host(&missing), "SecretNotFound").to_owned();
    assert!(said.contains("default certificate"), "what clients get: {said}");
    assert_eq!(items.verdict(&witness), "healthy");

    let shown = ns
        .certs(&["show", "missing", "--probe", "--connect", TRAEFIK])
        .ends_with(0);
    assert!(
        shown.out.contains("SecretNotFound") && shown.out.contains("ServedWrongHost"),
        "{}",
        shown.out
    );
    assert_eq!(json!(shown.err), json!(""), "nothing went wrong");
}
