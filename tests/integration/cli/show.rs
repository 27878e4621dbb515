//! `show`: one route, one Secret, one file.

use super::{file, run};
use crate::support::pki::Pki;

const FROM: [&str; 6] = [
    "-f",
    "docs/example",
    "--ca-file",
    "docs/example/root.pem",
    "--at",
    "2026-12-01",
];

fn show(target: &str, more: &[&str]) -> super::Ran {
    let mut args = vec!["show", target];
    args.extend(FROM);
    args.extend(more);
    run(&args)
}

#[test]
fn a_route_a_secret_and_a_gateway_are_pictured() {
    for (name, target) in [
        ("show-ingress", "ingress/checkout"),
        ("show-mismatch", "wholesale"),
        ("show-secret", "secret/payroll-tls"),
        ("show-gateway", "gateway/public"),
        ("show-missing", "secret/newsletter-tls"),
    ] {
        insta::assert_snapshot!(name, show(target, &[]).ends_with(0).out);
    }
}

#[test]
fn a_long_command_is_printed_once() {
    for target in [
        "ingress/checkout",
        "ingress/wholesale",
        "ingress/recipes",
        "ingress/wiki",
        "secret/careers-tls",
        "gateway/public",
    ] {
        let out = show(target, &["-A"]).out;
        let findings = out.split("\nHosts").next().expect("a beginning");
        let joined = findings.split_whitespace().collect::<Vec<_>>().join(" ");
        let commands: Vec<&str> = joined.split('`').skip(1).step_by(2).collect();
        for command in commands.iter().filter(|command| command.len() >= 24) {
            let count = commands.iter().filter(|other| *other == command).count();
            assert_eq!(count, 1, "{target}: {command}:\n{out}");
        }
    }
}

#[test]
fn a_name_in_two_namespaces_wants_one_of_them() {
    show("secret/careers-tls", &[]).fails(2, &["several namespaces: blog, intranet", "-n"]);
    let ran = show("secret/careers-tls", &["-n", "blog"]).ends_with(0);
    assert!(ran.out.contains("careers.larkspur.example"), "{}", ran.out);
}

#[test]
fn what_is_shown_can_fail_too() {
    show("ingress/checkout", &["--fail-on", "critical"]).ends_with(1);
    show("secret/account-tls", &["--fail-on", "critical"]).ends_with(0);
    show("ingress/nope", &[]).fails(2, &["there is no ingress/nope"]);
}

#[test]
fn a_server_is_named_with_its_port() {
    for word in ["shop.nu.example", "1.1.1.1"] {
        let ran = show(word, &[]);
        ran.fails(
            2,
            &[
                &format!("there is neither an Ingress nor a host called {word}"),
                &format!("a server is HOST:PORT: `kubectl certs show {word}:443`"),
            ],
        );
    }
}

#[test]
fn a_pair_that_is_kept_for_a_rollback_is_called_so_and_is_no_defect() {
    let pair = Pki::new().pair(&["a.example"]);
    let dir = tempfile::tempdir().expect("a directory");
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubectl-certs.io/backup",
        "metadata": {
            "namespace": "shop", "name": "kubectl-certs-backup-x",
            "annotations": {"kubectl-certs.io/for": "shop/web-tls"},
        },
        "stringData": {"tls.crt": pair.chain, "tls.key": pair.key},
    });
    let manifest = file(&dir, "kept.json", object.to_string());
    let ran = run(&["show", "secret/kubectl-certs-backup-x", "-f", &manifest]).ends_with(0);
    for words in [
        "a pair that is kept for a rollback",
        "`kubectl certs rollback web-tls -n shop` puts it back",
        "a.example",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(!ran.out.contains("Findings"), "{}", ran.out);
}

#[test]
fn a_file_of_certificates_is_pictured() {
    let pki = Pki::new();
    let pair = pki.pair(&["a.example", "b.example"]);
    let dir = tempfile::tempdir().expect("a directory");
    let root = file(&dir, "root.pem", pki.root_pem());
    let chain = file(&dir, "chain.pem", &pair.chain);
    let ran = run(&["show", &chain, "--ca-file", &root]).ends_with(0);
    assert!(
        ran.out.contains("a.example") && ran.out.contains("E2E Issuing CA"),
        "{}",
        ran.out
    );
    let ran = run(&["show", &chain, "--fail-on", "critical"]).ends_with(1);
    assert!(ran.out.contains("UntrustedIssuer"), "{}", ran.out);
    assert!(
        ran.out
            .contains(&format!("kubectl certs show {chain} --ca-file <CA-FILE>")),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains("kubectl create") && !ran.out.contains("status"),
        "{}",
        ran.out
    );
    // A key alone is not nothing.
    let key = file(&dir, "good.key", &pair.key);
    run(&["show", &key]).fails(2, &["good.key holds a private key but no certificate", "fullchain.pem"]);
    // With its key beside it, and as DER.
    let both = file(&dir, "both.pem", format!("{}{}", pair.key, pair.chain));
    let ran = run(&["show", &both, "--ca-file", &root]).ends_with(0);
    assert!(
        ran.out.contains("a.example") && !ran.out.contains("PRIVATE"),
        "{}",
        ran.out
    );
    let der = file(&dir, "leaf.der", &pair.der);
    let ran = run(&["show", &der, "--ca-file", &root]).ends_with(0);
    assert!(ran.out.contains("a.example"), "{}", ran.out);
}

#[test]
fn a_root_in_a_file_is_not_called_healthy() {
    let pki = Pki::new();
    let dir = tempfile::tempdir().expect("a directory");
    let root = file(&dir, "root.pem", pki.root_pem());
    let ran = run(&["show", &root]).ends_with(0);
    let first = ran.out.lines().next().expect("a line");
    assert!(
        first.contains("a root, not trusted here") && !ran.out.contains("healthy"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("not trusted here: --ca-file or `trust:`"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("root CN=") && !ran.out.contains("leaf"), "{}", ran.out);
    let ran = run(&["show", &root, "--ca-file", &root, "--fail-on", "info"]).ends_with(0);
    assert!(
        ran.out.lines().next().expect("a line").contains("a root, trusted here"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_shown_can_be_read_by_programs() {
    let schema = std::fs::read_to_string(super::root().join("docs/reference/schema.json")).expect("it is there");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for target in [
        "ingress/checkout",
        "secret/payroll-tls",
        "gateway/public",
        "secret/newsletter-tls",
    ] {
        let json = show(target, &["-o", "json"]).ends_with(0).json();
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{target}: {errors:#?}");
        let yaml = show(target, &["-o", "yaml"]).ends_with(0).out;
        let yaml: serde_json::Value = serde_saphyr::from_str(&yaml).expect("YAML");
        assert_eq!(yaml, json);
    }
    let json = show("ingress/checkout", &["-o", "json"]).ends_with(0).json();
    assert_eq!(json["kind"], "Show");
    assert_eq!(
        json["subject"],
        serde_json::json!({"kind": "Ingress", "namespace": "shop", "name": "checkout"})
    );
    assert_eq!(json["items"][0]["status"], "critical");
    assert_eq!(json["items"][0]["findings"][0]["reason"], "Expired");
    let chain = &json["chains"][0];
    assert_eq!(chain["secret"]["name"], "checkout-tls");
    assert_eq!(chain["privateKey"], "matches");
    assert_eq!(chain["certificates"][0]["role"], "leaf");
    assert_eq!(chain["certificates"][0]["sha256"], json["items"][0]["sha256"]);
    let pki = Pki::new();
    let dir = tempfile::tempdir().expect("a directory");
    let chain = file(&dir, "chain.pem", &pki.pair(&["a.example"]).chain);
    let json = run(&["show", &chain, "-o", "json"]).ends_with(0).json();
    assert_eq!(json["chains"][0]["trusted"], false);
    assert_eq!(json["items"][0]["findings"][0]["reason"], "UntrustedIssuer");
    assert!(validator.is_valid(&json), "{json:#}");
    run(&["show", &chain, "-o", "wide"]).fails(2, &["wide", "json, yaml"]);
}

#[test]
fn a_file_that_holds_no_certificate_is_told_of() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, content) in [
        ("empty", &b""[..]),
        ("text", b"hello\n"),
        ("binary", &[0, 1, 2, 0xff]),
        ("bell", b"\x1b[31m\x07"),
    ] {
        let path = file(&dir, name, content);
        let ran = run(&["show", &path]).fails(2, &["no certificate in", name, "hint: "]);
        assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    }
    // One that can be read beside one that cannot.
    let pem = Pki::new().root_pem();
    let path = file(
        &dir,
        "half.pem",
        format!("{pem}-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"),
    );
    let ran = run(&["show", &path]).ends_with(0);
    assert!(
        ran.out.contains("Certificate 2 cannot be read") && !ran.out.contains("''"),
        "{}",
        ran.out
    );
    run(&["show", "README.md", "-f", "docs/example"]).fails(2, &["called README.md", "hint: a file begins with ./"]);
    run(&["show", "docs/example/root.pem"]).fails(2, &["hint: a file begins with ./"]);
}
