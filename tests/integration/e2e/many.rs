//! Renewals of many: they change no certificate's CA, do not run away, and tell what they leave out.

use serde_json::{Value, json};

use crate::support::{
    cluster::ingress,
    issuing::Issuing,
    pki::{Pki, self_signed},
    run::Ran,
    tls,
};

/// The Secrets of a namespace that is handed over: this program's, another account's of the same CA, a foreign public CA's, and one
/// that signed itself.
const ALL: [&str; 4] = ["ours-tls", "theirs-tls", "paid-tls", "wiki-tls"];

pub(super) fn handed_over(it: &Issuing, renew: impl Fn(&[&str]) -> Ran) {
    let host = |label: &str| it.host(label);
    let (paid, wiki) = (host("paid"), host("wiki"));
    let mut objects: Vec<Value> = ["ours", "theirs"]
        .map(|name| ingress(name, &[(&[&host(name)], &format!("{name}-tls"))]))
        .into();
    objects.push(ingress("paid", &[(&[&paid], "paid-tls")]));
    objects.push(ingress("wiki", &[(&[&wiki], "wiki-tls")]));
    objects.push(Pki::of("DigiCert Inc").pair(&[&paid]).secret("paid-tls"));
    objects.push(self_signed(&wiki).secret("wiki-tls"));
    it.ns.apply(objects);
    // Nobody's: as `kubectl create` leaves them, and not applied.
    for name in ["paid-tls", "wiki-tls"] {
        let forgotten = r#"{"metadata": {"managedFields": [{}]}}"#;
        it.ns
            .kubectl(&["patch", "secret", name, "--type=merge", "-p", forgotten]);
    }
    renew(&["renew", "ours", "theirs"]).ends_with(0);
    // As another client of the same CA leaves it: without a note.
    let notes = ["issued-by", "issued-at", "issuer", "order", "sha256", "run"];
    let gone: Vec<String> = notes.iter().map(|note| format!("kubectl-certs.io/{note}-")).collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    it.ns
        .kubectl(&[&["annotate", "secret", "theirs-tls"], &gone[..]].concat());
}

pub(super) fn held(it: &Issuing) -> [String; 4] {
    ALL.map(|name| it.leaf(name).sha256())
}

pub(super) fn changed(before: &[String; 4], after: &[String; 4]) -> [bool; 4] {
    std::array::from_fn(|at| before[at] != after[at])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_renewal_of_all_changes_no_certificates_ca_unless_it_is_asked_to() {
    let it = Issuing::new("many-ca");
    handed_over(&it, |args| it.certs(args));
    let before = held(&it);
    let ran = it.certs(&["renew", "--all"]).ends_with(0);
    let after = held(&it);
    assert_eq!(changed(&before, &after), [true, true, false, false], "{}", ran.err);
    let ns = &it.ns.name;
    for told in [
        format!("1 certificate left as it is, because DigiCert issued it: {ns}/paid-tls"),
        format!("1 certificate left as it is, because it is self-signed: {ns}/wiki-tls"),
        "--adopt".to_owned(),
    ] {
        assert!(ran.err.contains(&told), "{told}: {}", ran.err);
    }
    assert!(!ran.err.contains("CA changed"), "{}", ran.err);

    // By its name, or for all, it is another matter; and it is said.
    let plan = it.certs(&["renew", "paid", "--dry-run"]).ends_with(0);
    assert!(plan.out.contains("; CA changes: DigiCert → "), "{}", plan.out);
    let ran = it.certs(&["renew", "paid"]).ends_with(0);
    let named = held(&it);
    assert_eq!(changed(&after, &named), [false, false, true, false], "{}", ran.err);
    assert!(ran.err.contains("CA changed: DigiCert → "), "{}", ran.err);
    let ran = it.certs(&["renew", "--all", "--adopt"]).ends_with(0);
    assert_eq!(changed(&named, &held(&it)), [true; 4], "{}", ran.err);
    assert!(ran.err.contains("CA changes: self-signed → "), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_this_program_wrote_is_looked_after_without_a_route_and_the_rest_is_counted() {
    let it = Issuing::new("many-unused");
    let host = it.host("mail");
    it.certs(&["issue", "--secret", "mail-tls", "-d", &host]).ends_with(0);
    it.ns.apply(vec![it.ns.pki.expired(&["old.example"]).secret("old-tls")]);
    let before = it.leaf("mail-tls").sha256();
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(ran.err.contains("1 certificate not due yet"), "{}", ran.err);
    let left = format!(
        "1 TLS Secret left out: no route uses it, and this program did not write it: {}/old-tls",
        it.ns.name
    );
    assert!(ran.err.contains(&left), "{}", ran.err);
    let ran = it.certs(&["renew", "--all"]).ends_with(0);
    assert_ne!(it.leaf("mail-tls").sha256(), before, "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn three_failures_alike_in_a_row_stop_what_has_not_begun() {
    let it = Issuing::new("many-fail");
    let routes = (0..6).map(|n| {
        // No name server knows it.
        let host = it.ns.host(&format!("gone-{n}"));
        ingress(&format!("gone-{n}"), &[(&[&host], &format!("gone-{n}-tls"))])
    });
    it.ns.apply(routes.collect());
    let args = ["renew", "--all", "--concurrency", "1", "--self-check", "off"];
    let ran = it.certs(&args).ends_with(4);
    let lines = |word: &str| ran.err.lines().filter(|line| line.contains(word)).count();
    assert!(
        ran.err
            .contains("3 failed in a row with the same error, and 3 certificates not started"),
        "{}",
        ran.err
    );
    assert_eq!(lines("   not started   "), 3, "{}", ran.err);
    assert_eq!(it.pebble.log().matches("/order-plz").count(), 3, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn very_many_orders_want_their_number_said() {
    let it = Issuing::new("many-max");
    let routes = (0..21).map(|n| {
        ingress(
            &format!("w{n:02}"),
            &[(&[&it.host(&format!("w{n:02}"))], &format!("w{n:02}-tls"))],
        )
    });
    it.ns.apply(routes.collect());
    let ran = it.certs(&["renew", "--all"]).ends_with(2);
    for told in ["21 certificates would be ordered", "--max 21", "--max 20"] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    assert_eq!(it.pebble.log().matches("/order-plz").count(), 0, "{}", ran.err);
    // A plan of several begins with what it comes to.
    let plan = it.certs(&["renew", "--all", "--max", "2", "--dry-run"]);
    assert!(plan.out.starts_with("2 Secrets, 2 hosts, at "), "{}", plan.out);
    assert!(
        plan.out.contains("left out: 19 certificates left for the next run"),
        "{}",
        plan.out
    );
    let ran = it.certs(&["renew", "--all", "--max", "2"]).ends_with(0);
    assert!(ran.err.contains("19 certificates left for the next run"), "{}", ran.err);
    let secrets = it.ns.kubectl(&[
        "get",
        "secrets",
        "--field-selector",
        "type=kubernetes.io/tls",
        "-o",
        "name",
    ]);
    assert_eq!(secrets.lines().count(), 2, "{secrets}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_new_secret_gets_a_certificate_for_the_hosts_that_pass() {
    let it = Issuing::new("many-new");
    let (good, gone) = (it.host("good"), it.ns.host("gone"));
    it.ns.apply(vec![ingress("shop", &[(&[&good, &gone], "shop-tls")])]);
    let ran = it.certs(&["renew", "shop", "--resolve-timeout", "1s"]).ends_with(4);
    let made = it
        .ns
        .kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
    assert_eq!(made.trim(), "secret/shop-tls", "{}", ran.err);
    assert_eq!(it.leaf("shop-tls").names(), [good.as_str()], "{}", ran.err);
    assert!(ran.err.contains("issued, 1 name left out"), "{}", ran.err);
    assert!(
        ran.err.contains(&format!("it is renewed without {gone}")),
        "{}",
        ran.err
    );
    // What tells of the certificate names what is in it, and nothing else.
    let row = ran
        .err
        .lines()
        .find(|line| line.contains("1 name left out"))
        .unwrap_or_default();
    let cells: Vec<&str> = row
        .split("   ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(cells.get(2), Some(&good.as_str()), "{row}");
    let events = it.ns.events("Secret", "shop-tls", "CertificateIssued").concat();
    assert!(events.contains(&good) && !events.contains(&gone), "{events}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn names_that_are_left_out_are_told_beside_a_certificate_that_is_not_served() {
    let it = Issuing::new("many-both");
    let (good, gone) = (it.host("good"), it.ns.host("gone"));
    it.ns.apply(vec![ingress("shop", &[(&[&good, &gone], "shop-tls")])]);
    let elsewhere = tls::serve(&it.ns.pki.pair(&[&good]));
    let args = [
        "renew",
        "shop",
        "--wait",
        "1s",
        "--connect",
        &elsewhere,
        "--resolve-timeout",
        "1s",
    ];
    let ran = it.certs(&args).ends_with(5);
    for said in [
        "the new certificate is stored, but not served",
        &format!("it is renewed without {gone}"),
        "kubectl certs rollback shop-tls",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    // NAMES are those of the certificate.
    let row = ran.err.lines().find_map(|line| line.split_once("   failed   "));
    let names = row.and_then(|(_, rest)| rest.split("   ").next());
    assert_eq!(names, Some(good.as_str()), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_route_whose_controller_is_not_known_stops_no_other() {
    let it = Issuing::new("many-class");
    let (good, odd) = (it.host("good"), it.host("odd"));
    let mut stray = ingress("odd", &[(&[&odd], "odd-tls")]);
    stray["spec"]["ingressClassName"] = "long-gone".into();
    it.ns.apply(vec![ingress("good", &[(&[&good], "good-tls")]), stray]);
    let why = format!("Ingress {}/odd of class long-gone: it is not known how", it.ns.name);
    let dry = it.certs(&["renew", "--due", "--dry-run"]).ends_with(4);
    assert!(dry.err.contains(&why), "{}", dry.err);
    let ran = it.certs(&["renew", "--due"]).ends_with(4);
    assert_eq!(it.leaf("good-tls").names(), [good.as_str()], "{}", ran.err);
    assert!(ran.err.contains(&why), "{}", ran.err);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_may_not_be_read_is_not_taken_for_an_empty_one() {
    let it = Issuing::new("many-unread");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    let ingresses = json!({"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list"]});
    it.ns.token("looker", &json!([ingresses]));
    let user = it.ns.user("looker");
    for words in [&["--due"][..], &["--all"], &["shop"]] {
        let ran = it
            .certs(&[&["renew"], words, &["--as", &user, "--dry-run"]].concat())
            .ends_with(3);
        let said = format!(
            "1 Secret may not be read, so nobody knows what is in it: {}/shop-tls",
            it.ns.name
        );
        assert!(ran.err.contains(&said), "{words:?}: {}", ran.err);
        assert!(!ran.out.contains("create Secret"), "{words:?}: {}", ran.out);
    }
    // What may not be listed at all is not told as absent, and the hint asks as who was refused.
    let nobody = format!("nobody-of-{}", it.ns.name);
    let ran = it.certs(&["renew", "shop", "--as", &nobody]).ends_with(3);
    assert!(
        ran.err.contains("there is nothing to renew that may be read"),
        "{}",
        ran.err
    );
    let ran = it.plain(&["cleanup", "--as", &nobody]).run().ends_with(3);
    assert!(
        ran.err.contains(&format!("`kubectl --as {nobody} auth can-i list ")),
        "{}",
        ran.err
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn force_is_for_secrets_that_are_named() {
    let it = Issuing::new("many-force");
    for which in ["--all", "--due"] {
        let ran = it.certs(&["renew", which, "--force"]).ends_with(2);
        assert!(ran.err.contains("--force needs named Secrets"), "{}", ran.err);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_dry_run_sends_cert_manager_nothing() {
    let it = Issuing::new("many-dry");
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web"},
        "spec": {"secretName": "web-tls", "dnsNames": ["web.example"], "issuerRef": {"name": "none"}},
    });
    it.ns
        .apply(vec![certificate, it.ns.pki.pair(&["web.example"]).secret("web-tls")]);
    let before = it.ns.kubectl(&[
        "get",
        "certificate",
        "web",
        "-o",
        "jsonpath={.metadata.resourceVersion}",
    ]);
    let ran = it
        .plain(&["renew", "secret/web-tls", "--production", "--dry-run"])
        .run()
        .ends_with(0);
    assert!(
        ran.out.contains("its Certificate") && ran.out.contains("is renewed by cert-manager"),
        "{}{}",
        ran.out,
        ran.err
    );
    let after = it.ns.kubectl(&[
        "get",
        "certificate",
        "web",
        "-o",
        "jsonpath={.metadata.resourceVersion}",
    ]);
    assert_eq!(after, before);
}
