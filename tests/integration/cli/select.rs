//! What is looked at, and what counts.

use serde_json::{Value, json};

use super::{EXAMPLE, Ran, piped, run};
use crate::support::pki::Pki;

fn hosts(more: &[&str]) -> Vec<String> {
    let mut args = EXAMPLE.to_vec();
    args.extend(["--no-headers", "-o", "jsonpath={range .items[*]}{.host}{\"\\n\"}{end}"]);
    args.extend(more);
    run(&args).ends_with(0).out.lines().map(str::to_owned).collect()
}

fn namespaces(more: &[&str]) -> Vec<String> {
    let mut args = EXAMPLE.to_vec();
    args.extend(["-o", "json"]);
    args.extend(more);
    let mut found: Vec<String> = run(&args)
        .ends_with(0)
        .items()
        .iter()
        .map(|item| item["namespace"].as_str().expect("one").to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn namespaces_are_chosen_and_left_out() {
    assert_eq!(namespaces(&[]), ["blog", "edge", "intranet", "roastery", "shop"]);
    assert_eq!(namespaces(&["-n", "shop", "-n", "blog"]), ["blog", "shop"]);
    assert_eq!(namespaces(&["--exclude-namespace", "*o*"]), ["edge", "intranet"]);
    assert_eq!(
        namespaces(&["-A", "--exclude-namespace", "shop", "--exclude-namespace", "b?og"]),
        ["edge", "intranet", "roastery"]
    );
    // Nothing there is no error, and is said.
    let mut args = EXAMPLE.to_vec();
    args.extend(["-n", "nowhere"]);
    let ran = run(&args).ends_with(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("nothing here is served over TLS"), "{}", ran.err);
}

#[test]
fn the_namespace_column_is_there_where_it_tells_something() {
    let head = |more: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        run(&args).out.lines().next().expect("a head").starts_with("NAMESPACE")
    };
    assert!(head(&[]));
    assert!(head(&["-A"]));
    assert!(head(&["-n", "shop", "-n", "blog"]));
    assert!(!head(&["-n", "shop"]));
}

#[test]
fn routes_are_chosen_by_name_label_and_secret() {
    assert_eq!(hosts(&["checkout"]), ["checkout.larkspur.example"]);
    assert_eq!(
        hosts(&["ingress/checkout", "ing/gift-cards"]),
        ["checkout.larkspur.example", "giftcards.larkspur.example"]
    );
    assert_eq!(hosts(&["secret/stock-tls"]).len(), 2);
    assert_eq!(hosts(&["gateway/public"]).len(), 4);
    assert_eq!(hosts(&["listenerset/quality"]).len(), 2);
    let chosen = hosts(&["-l", "app.kubernetes.io/name in (checkout, api)"]);
    assert!(!chosen.is_empty() && chosen.len() < 6, "{chosen:?}");
    assert!(hosts(&["-l", "no-such-label"]).is_empty());
    assert_eq!(hosts(&["-l", "!no-such-label"]).len(), 35);
    // Their Secrets are found although the labels are not theirs.
    let mut args = EXAMPLE.to_vec();
    args.extend(["-l", "app.kubernetes.io/name=checkout", "-o", "json"]);
    let ran = run(&args).ends_with(0);
    assert!(
        !ran.out.contains("SecretNotFound") && !ran.out.contains("OrphanSecret"),
        "{}",
        ran.out
    );
}

#[test]
fn findings_are_chosen_by_severity_and_reason() {
    let with = |more: &[&str]| -> Ran {
        let mut args = EXAMPLE.to_vec();
        args.extend(["-o", "json"]);
        args.extend(more);
        run(&args).ends_with(0)
    };
    assert_eq!(
        with(&["--min-severity", "warning"]).verdict("chat.intra.larkspur.example"),
        "healthy -"
    );
    assert_eq!(
        with(&["--min-severity", "warning"]).verdict("payroll.intra.larkspur.example"),
        "critical LeafNotFirst"
    );
    assert_eq!(
        with(&["--reason", "Expired"]).verdict("checkout.larkspur.example"),
        "critical Expired"
    );
    assert_eq!(
        with(&["--reason", "OrderFailed,Expired"]).verdict("trade.larkspur.example"),
        "healthy -"
    );
    assert_eq!(
        with(&["--ignore", "LeafNotFirst"]).verdict("payroll.intra.larkspur.example"),
        "info WrongOrder"
    );
    assert_eq!(
        with(&["--ignore", "leafnotfirst"]).verdict("payroll.intra.larkspur.example"),
        "info WrongOrder"
    );
}

fn ingress(annotations: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {"tls": [{"hosts": ["a.example"], "secretName": "web-tls"}], "rules": [{"host": "a.example"}]},
    })
}

#[test]
fn an_annotation_silences_a_reason_on_its_object_but_nothing_else() {
    let pki = Pki::new();
    let secret = |annotations: &Value| {
        let mut secret = pki.expired(&["a.example", "unused.example"]).secret("web-tls");
        secret["metadata"]["namespace"] = json!("shop");
        secret["metadata"]["annotations"] = annotations.clone();
        secret
    };
    let dir = tempfile::tempdir().expect("a directory");
    let root = super::file(&dir, "root.pem", pki.root_pem());
    let verdict = |route: &Value, held: &Value| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(route), secret(held)]});
        piped(&list.to_string(), &["-o", "json", "--ca-file", &root])
            .ends_with(0)
            .verdict("a.example")
    };
    let none = json!({});
    assert_eq!(verdict(&none, &none), "critical Expired,UnusedNames");
    let ignore = json!({"kubectl-certs/ignore": "UnusedNames, ExtraRoot"});
    assert_eq!(verdict(&ignore, &none), "critical Expired");
    assert_eq!(verdict(&none, &ignore), "critical Expired");
    assert_eq!(
        verdict(&json!({"kubectl-certs/ignore": "Expired"}), &none),
        "info UnusedNames"
    );
    assert_eq!(
        verdict(&json!({"kubectl-certs/ignore": "NoSuchReason"}), &none),
        "critical Expired,UnusedNames"
    );
}

#[test]
fn a_certificate_is_due_when_asked() {
    let pki = Pki::new();
    let mut secret = pki.pair(&["a.example"]).secret("web-tls");
    secret["metadata"]["namespace"] = json!("shop");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(&json!({})), secret]}).to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let root = super::file(&dir, "root.pem", pki.root_pem());
    let with = |more: &[&str]| {
        let mut args = vec!["-o", "json", "--ca-file", root.as_str()];
        args.extend(more);
        piped(&list, &args).ends_with(0).verdict("a.example")
    };
    // It has 80 days of 90 left.
    assert_eq!(with(&[]), "healthy -");
    assert_eq!(with(&["--expiring-within", "30d"]), "healthy -");
    assert_eq!(with(&["--expiring-within", "100d"]), "warning RenewalDue");
    assert_eq!(with(&["--expiring-within", "2400h"]), "warning RenewalDue");
}
