//! `status` of Ingresses, `IngressRoutes` and what cert-manager is to issue.

use serde_json::json;

use crate::support::{
    cluster::{Namespace, ingress, kubectl},
    run::{message, verdict},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn every_host_of_an_ingress_gets_its_own_verdict() {
    let ns = Namespace::new("status");
    let [good, old, mismatch, missing, opaque] =
        ["good", "old", "mismatch", "missing", "opaque"].map(|label| ns.host(label));
    let other = ns.host("other");
    ns.apply(vec![
        ns.pki.pair(&[&good]).secret("good"),
        ns.pki.expired(&[&old]).secret("old"),
        ns.pki.pair(&[&other]).secret("other"),
        ns.pki.pair(&[&opaque]).secret_of("Opaque", "opaque"),
        ingress("good", &[(&[&good], "good")]),
        ingress("old", &[(&[&old], "old")]),
        ingress("mismatch", &[(&[&mismatch, &other], "other")]),
        ingress("missing", &[(&[&missing], "missing")]),
        ingress("opaque", &[(&[&opaque], "opaque")]),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&good), "healthy");
    assert_eq!(items.verdict(&old), "critical: Expired");
    assert_eq!(items.verdict(&mismatch), "critical: HostMismatch");
    assert_eq!(
        items.verdict(&other),
        "healthy",
        "the certificate that is wrong for one host is right for the other"
    );
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound");
    // Only TLS Secrets are listed: this one was fetched by its name.
    assert_eq!(items.verdict(&opaque), "warning: WrongSecretType");
    assert_eq!(items.0.len(), 6, "{:#?}", items.0);
    let context = kubectl(&["config", "current-context"]);
    let item = items.host(&good);
    assert_eq!(item["context"], context.trim());
    assert_eq!(item["names"], json!([good]));
    assert_eq!(item["secrets"], json!([{"namespace": ns.name, "name": "good"}]));
    assert_eq!(
        item["route"],
        json!({"kind": "Ingress", "name": "good", "listener": null})
    );

    let table = ns.certs(&["status"]).ends_with(0);
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(
        lines[0].starts_with("ROUTE") && lines[0].contains("EXPIRES"),
        "{}",
        table.out
    );
    assert_eq!(lines.len(), 7, "{}", table.out);
    assert!(
        lines[1..4].iter().all(|line| line.contains("critical")),
        "worst first: {}",
        table.out
    );
    let row = lines.iter().find(|line| line.contains("ingress/old")).expect("a row");
    assert!(row.contains("Expired") && row.contains("E2E Issuing CA"), "{row}");
    assert!(
        table.err.contains("6 hosts: 3 critical, 1 warning, 2 healthy"),
        "{}",
        table.err
    );

    let one = ns.certs(&["status", "old", "-o", "name"]).ends_with(0);
    assert_eq!(one.out, "ingress.networking.k8s.io/old\n");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_without_its_issuer_or_from_one_that_nobody_knows_is_not_trusted() {
    let ns = Namespace::new("trust");
    let (bare, whole) = (ns.host("bare"), ns.host("whole"));
    let mut pair = ns.pki.pair(&[&bare]);
    pair.chain
        .truncate(pair.chain.find("-----END CERTIFICATE-----\n").unwrap() + 26);
    ns.apply(vec![
        pair.secret("bare"),
        ns.pki.pair(&[&whole]).secret("whole"),
        ingress("bare", &[(&[&bare], "bare")]),
        ingress("whole", &[(&[&whole], "whole")]),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&whole), "healthy");
    assert_eq!(items.verdict(&bare), "critical: MissingIntermediate");
    let without = crate::support::run::Call::certs(["status", "-o", "json", "-n", &ns.name])
        .run()
        .ends_with(0);
    assert_eq!(
        without.items().verdict(&whole),
        "critical: UntrustedIssuer",
        "the test's root is not a public one"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_ingress_route_is_a_route_as_any_other() {
    let ns = Namespace::new("route");
    let (good, missing) = (ns.host("good"), ns.host("missing"));
    let route = |name: &str, host: &str| {
        json!({
            "apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": name},
            "spec": {
                "entryPoints": ["websecure"], "tls": {"secretName": name},
                "routes": [{"match": format!("Host(`{host}`)"), "kind": "Rule", "services": [{"name": "web", "port": 80}]}],
            },
        })
    };
    ns.apply(vec![
        ns.pki.pair(&[&good]).secret("good"),
        route("good", &good),
        route("missing", &missing),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&good), "healthy");
    assert_eq!(items.host(&good)["route"]["kind"], "IngressRoute");
    assert_eq!(items.verdict(&missing), "critical: SecretNotFound");
    assert_eq!(ns.status(&["ingressroute/good"]).0.len(), 1);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_cert_manager_says_of_its_certificate_is_told_at_the_host() {
    let ns = Namespace::new("issue");
    let (host, ready) = (ns.host("waits"), ns.host("ready"));
    let certificate = |name: &str, host: &str| {
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": name},
            "spec": {"secretName": name, "dnsNames": [host], "issuerRef": {"name": "own", "kind": "Issuer"}},
        })
    };
    ns.apply(vec![
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}}),
        certificate("waits", &host),
        certificate("ready", &ready),
        ns.pki.pair(&[&host]).secret("waits"),
        ns.pki.pair(&[&ready]).secret("ready"),
        ingress("waits", &[(&[&host], "waits")]),
        ingress("ready", &[(&[&ready], "ready")]),
    ]);
    let condition = |object: &str, status: &str, message: &str| {
        let condition = json!({
            "type": "Ready", "status": status, "reason": "Because", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let patch = json!({"status": {"conditions": [condition]}}).to_string();
        ns.kubectl(&["patch", object, "--subresource=status", "--type=merge", "-p", &patch]);
    };
    condition("issuer/own", "True", "it signs");
    condition("certificate/waits", "False", "the order was refused by the moon");
    condition("certificate/ready", "True", "up to date");
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&host), "warning: CertificateNotReady");
    let said = message(items.host(&host), "CertificateNotReady").to_owned();
    assert!(said.contains("the order was refused by the moon"), "{said}");
    assert_eq!(items.verdict(&ready), "healthy");

    condition("issuer/own", "False", "its key is lost");
    let items = ns.status(&[]);
    assert!(
        verdict(items.host(&host)).contains("IssuerNotReady"),
        "{}",
        items.verdict(&host)
    );
    let shown = ns.certs(&["show", "ingress/waits"]).ends_with(0);
    assert!(shown.out.contains("the order was refused by the moon"), "{}", shown.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_not_read_is_counted_where_it_is() {
    let (ns, without) = (Namespace::new("carriers"), Namespace::new("carriers-none"));
    let option = |name: &str| {
        json!({
            "apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption", "metadata": {"name": name},
            "spec": {"minVersion": "VersionTLS12"},
        })
    };
    ns.apply(vec![option("a"), option("b"), option("c")]);
    let ran = ns.certs(&["status", "-o", "json", "--strict"]).ends_with(0);
    let list: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        list["notJudged"],
        json!([{"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption", "count": 3, "servesHosts": false}])
    );
    assert!(
        ran.err
            .contains("not checked, because these kinds are not read: 3 TLSOption"),
        "{}",
        ran.err
    );
    let ran = without.certs(&["status", "-o", "json"]).ends_with(0);
    assert!(
        !ran.out.contains("notJudged") && !ran.err.contains("not judged"),
        "{}",
        ran.err
    );
}
