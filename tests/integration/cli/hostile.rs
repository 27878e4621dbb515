//! Input that somebody made in order to do harm, or by mistake: a clear line or a finding on that object, no panic, no
//! hang, and everything else still reported. `run` holds the time limit and that nothing reaches the terminal raw.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::DnType;
use serde_json::{Value, json};

use super::{Ran, file, piped, run};
use crate::support::pki::Pki;

/// Characters that would move the cursor, ring, end the line or turn the text around.
const HOSTILE: &str = "a\u{1b}[31mred\u{7}\u{8}\r\nnext\u{202e}txt.exe\u{2066}\u{9b}2J\u{7f}";

fn ingress(name: &str, host: &str, secret: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"tls": [{"hosts": [host], "secretName": secret}], "rules": [{"host": host}]},
    })
}

fn secret(name: &str, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": "shop"},
        "data": {"tls.crt": STANDARD.encode(certificate), "tls.key": STANDARD.encode(key)},
    })
}

/// The status as JSON of what is given and of a host with which all is well; that one is reported whatever the rest is.
fn beside_a_healthy_one(objects: Vec<Value>) -> Ran {
    let pki = Pki::new();
    let pair = pki.pair(&["good.example"]);
    let mut items = objects;
    items.push(ingress("good", "good.example", "good"));
    items.push(secret("good", &pair.chain, &pair.key));
    let dir = tempfile::tempdir().expect("a directory");
    let root = file(&dir, "root.pem", pki.root_pem());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let table = piped(&list, &["--ca-file", &root]);
    assert!(
        table
            .out
            .lines()
            .all(|line| line.starts_with("NAMESPACE") || line.starts_with("shop")),
        "{}",
        table.out
    );
    let ran = piped(&list, &["--ca-file", &root, "-o", "json"]);
    assert_eq!(ran.verdict("good.example"), "healthy -");
    ran
}

#[test]
fn a_mebibyte_of_pem_rubbish_is_a_finding() {
    let begin = "-----BEGIN CERTIFICATE-----\n";
    for rubbish in [
        begin.repeat((1 << 20) / begin.len()),
        format!("{begin}{}", "A".repeat(1 << 20)),
        "-----BEGIN ".repeat((1 << 20) / 11),
        "-".repeat(1 << 20),
        "\n".repeat(1 << 20),
        format!("{begin}{}\n-----END CERTIFICATE-----\n", "QUFB\n".repeat((1 << 20) / 5)),
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".repeat((1 << 20) / 54),
    ] {
        let ran = beside_a_healthy_one(vec![
            ingress("bad", "bad.example", "bad"),
            secret("bad", &rubbish, &rubbish),
        ])
        .ends_with(0);
        let verdict = ran.verdict("bad.example");
        assert!(
            verdict.starts_with("critical Invalid"),
            "{verdict} of {}",
            &rubbish[..40]
        );
        assert!(ran.out.len() < 20_000, "its words are short: {}", ran.out.len());
    }
}

#[test]
fn ten_thousand_certificates_in_one_secret_are_read() {
    let pki = Pki::new();
    let pair = pki.pair(&["many.example"]);
    for chain in [
        pair.chain.repeat(5_000),
        format!("{}{}", pair.chain, pki.root_pem().repeat(10_000)),
    ] {
        let ran = beside_a_healthy_one(vec![
            ingress("many", "many.example", "many"),
            secret("many", &chain, &pair.key),
        ])
        .ends_with(0);
        let item = ran
            .items()
            .into_iter()
            .find(|item| item["host"] == "many.example")
            .expect("it is there");
        assert_ne!(item["status"], "healthy", "{item:#}");
        assert!(ran.out.len() < 30_000, "{}", ran.out.len());
    }
}

#[test]
fn der_with_absurd_lengths_is_a_finding() {
    let pki = Pki::new();
    let der = pki.pair(&["x.example"]).der;
    let mut shapes: Vec<Vec<u8>> = vec![
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        vec![0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        vec![0x30, 0xff],
        vec![0x30, 0x80, 0, 0],
        [0x30, 0x82, 0xff, 0xff].repeat(10_000),
        vec![0x30; 100_000],
    ];
    // The whole, with each length at the front made too large, cut short, or followed by more.
    for at in [2, 3, 6, 7] {
        let mut odd = der.clone();
        odd[at] = 0xff;
        shapes.push(odd);
    }
    shapes.push(der[..der.len() / 2].to_vec());
    shapes.push([&der[..], &[0, 1, 2]].concat());
    for shape in shapes {
        let body: Vec<String> = STANDARD
            .encode(&shape)
            .as_bytes()
            .chunks(64)
            .map(|c| String::from_utf8_lossy(c).into_owned())
            .collect();
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            body.join("\n")
        );
        let key = pem.replace("CERTIFICATE", "PRIVATE KEY");
        let ran =
            beside_a_healthy_one(vec![ingress("bad", "bad.example", "bad"), secret("bad", &pem, &key)]).ends_with(0);
        let verdict = ran.verdict("bad.example");
        assert!(
            verdict.starts_with("critical InvalidCertificate"),
            "{verdict}: {:?}",
            &shape[..6.min(shape.len())]
        );
    }
}

#[test]
fn control_sequences_and_marks_reach_no_terminal() {
    let pki = Pki::new();
    let pair = pki.pair_with(&["a.example"], |params| {
        params.distinguished_name.push(DnType::OrganizationName, HOSTILE);
        params.distinguished_name.push(DnType::CommonName, HOSTILE);
        let odd = rcgen::string::Ia5String::try_from("b\u{1b}[2J\r\n.example").expect("ASCII");
        params.subject_alt_names.push(rcgen::SanType::DnsName(odd));
    });
    let mut route = ingress("a", "a.example", "a");
    route["metadata"]["annotations"] = json!({
        "kubectl-certs/ignore": HOSTILE, "kubernetes.io/ingress.class": HOSTILE, "cert-manager.io/cluster-issuer": HOSTILE,
    });
    route["metadata"]["labels"] = json!({"x": HOSTILE});
    let mut odd_route = ingress(HOSTILE, HOSTILE, HOSTILE);
    odd_route["spec"]["ingressClassName"] = json!(HOSTILE);
    let mut held = secret("a", &pair.chain, "no key");
    held["metadata"]["annotations"] = json!({"cert-manager.io/issuer-name": HOSTILE});
    held["type"] = json!(HOSTILE);
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"secretName": "a", "issuerRef": {"name": HOSTILE, "kind": HOSTILE}},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": HOSTILE, "message": HOSTILE}]},
    });
    let unknown = json!({"apiVersion": HOSTILE, "kind": HOSTILE, "metadata": {"name": "x"}});
    let objects = vec![route, odd_route, held, certificate, unknown];
    let ran = beside_a_healthy_one(objects.clone()).ends_with(0);
    // JSON keeps what is there, escaped; letters of names are small.
    let kept = ran
        .items()
        .iter()
        .any(|item| item["names"].to_string().contains(r"b\u001b[2j\r\n.example"));
    assert!(kept, "{}", ran.out);

    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let named = file(&dir, "red\u{1b}[31m\u{202e}.json", &list);
    for more in [
        &["-o", "wide", "--show-labels"][..],
        &["-o", "name"],
        &["-o", "yaml"],
        &["-o", "junit"],
        &["-o", "sarif"],
        &["-o", "jsonpath={.items[*].names}{.items[*].host}"],
    ] {
        let mut args = vec!["status", "-f", named.as_str()];
        args.extend(more);
        let ran = run(&args).ends_with(0);
        assert!(!ran.out.is_empty(), "{more:?}");
    }
    for target in ["ingress/a", "secret/a"] {
        assert!(
            run(&["show", target, "-f", &named])
                .ends_with(0)
                .out
                .contains("a.example")
        );
    }
    // In names of files that cannot be read, in arguments, in files of --ca-file.
    let broken = file(&dir, "bro\u{1b}[2Jken\n.yaml", "a: [");
    let ran = run(&["status", "-f", &broken]).ends_with(2);
    assert!(ran.err.contains("\\x1b[2J"), "{}", ran.err);
    run(&["status", "-f", "no\u{1b}[31m\n\u{202e}"]).fails(2, &["\\x1b"]);
    run(&["status", "-f", "docs/example", HOSTILE]).ends_with(2);
    run(&["status", "-f", "docs/example", "-o", HOSTILE]).ends_with(2);
    run(&["status", "-f", "docs/example", "--at", HOSTILE]).ends_with(2);
    run(&["explain", HOSTILE]).ends_with(2);
    run(&["show", "./\u{1b}[31m.pem"]).ends_with(2);
    run(&["show", "x\u{1b}[31m:443"]).ends_with(2);
}

#[test]
fn hosts_in_unicode_are_met_by_their_a_labels() {
    let pki = Pki::new();
    let pair = pki.pair(&["xn--mller-kva.example", "xn--wgv71a.example"]);
    let objects = vec![
        ingress("a", "müller.example", "a"),
        ingress("b", "日本.example", "a"),
        ingress("c", "MÜLLER.example", "a"),
        ingress("d", "пример.example", "a"),
        secret("a", &pair.chain, &pair.key),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let root = file(&dir, "root.pem", pki.root_pem());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let ran = piped(&list, &["--ca-file", &root, "-o", "json"]).ends_with(0);
    for item in ran.items() {
        let mismatch = super::verdict(&item).contains("HostMismatch");
        assert_eq!(mismatch, item["route"]["name"] == "d", "{item:#}");
    }
    let table = piped(&list, &["--ca-file", &root]).ends_with(0).out;
    assert_eq!(table.lines().count(), 5, "{table}");
}

#[test]
fn anchors_that_explode_are_an_error_of_their_document() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{before}]\n");
    }
    let good = ingress("web", "shop.example", "shop-tls").to_string();
    let ran = piped(&format!("{bomb}---\n{good}\n"), &["-o", "json"]).ends_with(2);
    assert_eq!(ran.items().len(), 1, "{}", ran.out);
    assert!(
        ran.err.starts_with("error: standard input: document 1") && ran.err.lines().count() <= 2,
        "{}",
        ran.err
    );

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let ran = piped(&format!("{deep}\n---\n{good}\n"), &["-o", "json"]).ends_with(2);
    assert_eq!(ran.items().len(), 1, "{}", ran.err);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    piped(&deep, &["-o", "json"]).ends_with(2);

    // Honest anchors are read.
    let shared = "
x: &meta {name: web, namespace: shop}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: *meta
spec: {tls: [{hosts: [&host shop.example], secretName: s}], rules: [{host: *host}]}
";
    assert_eq!(piped(shared, &["-o", "json"]).ends_with(0).items().len(), 1);
}

#[test]
fn files_that_are_no_text_hide_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    file(
        &dir,
        "good.yaml",
        ingress("web", "shop.example", "shop-tls").to_string(),
    );
    file(&dir, "binary.yaml", [0u8, 159, 146, 150, 0xff, 0xfe]);
    file(&dir, "elf.json", [0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
    file(
        &dir,
        "utf16.yaml",
        // Without its byte order mark nothing says in which order the bytes stand.
        "kind: x".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    file(&dir, "empty.yaml", "");
    file(&dir, "notes.txt", [0xff, 0xfe, 0]);
    file(
        &dir,
        "below/deep.yaml",
        ingress("deep", "deep.example", "x").to_string(),
    );
    let path = dir.path().to_str().expect("UTF-8");
    let ran = run(&["status", "-f", path]).ends_with(2);
    assert!(
        ran.out.contains("shop.example") && !ran.out.contains("deep.example"),
        "{}",
        ran.out
    );
    for name in ["binary.yaml", "elf.json", "utf16.yaml"] {
        assert_eq!(
            ran.err
                .lines()
                .filter(|l| l.starts_with("error: ") && l.contains(name))
                .count(),
            1,
            "{name}: {}",
            ran.err
        );
    }
    assert!(
        !ran.err.contains("notes.txt") && !ran.err.contains("empty.yaml"),
        "{}",
        ran.err
    );
    let ran = run(&["status", "-f", path, "-R"]).ends_with(2);
    assert!(ran.out.contains("deep.example"), "{}", ran.out);
}

#[test]
fn nothing_to_read_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    file(&dir, "notes.txt", "x");
    let path = dir.path().to_str().expect("UTF-8");
    // A report that says "nothing is wrong" would be wrong: the directory is another, or what fills the pipe failed.
    run(&["status", "-f", path, "--fail-on", "info"]).fails(2, &["no manifest in", path, "hint: ", "-R"]);
    for empty in ["", "\n\n", "---\n---\n", "# nothing\n"] {
        piped(empty, &[]).fails(2, &["no manifest in standard input", "hint: "]);
    }
    for wrong in [
        "- a\n- b\n",
        "just words\n",
        "42\n",
        "[]",
        "{}",
        "{\"kind\": \"Ingress\"}",
    ] {
        piped(wrong, &[]).fails(2, &["standard input: document 1"]);
    }
    // Objects without certificates are something that was read.
    let ran = piped("{apiVersion: v1, kind: Service, metadata: {name: x}}", &[]).ends_with(0);
    assert!(
        ran.err.contains("skipped 1 object") && ran.err.contains("nothing here is served over TLS"),
        "{}",
        ran.err
    );
}

#[test]
fn values_of_the_wrong_type_are_errors_of_their_object() {
    let good = ingress("web", "shop.example", "shop-tls");
    for (at, value) in [
        ("/spec", json!(7)),
        ("/spec/tls", json!({"a": 1})),
        ("/spec/tls/0/hosts", json!("shop.example")),
        ("/metadata", json!([])),
        ("/metadata/name", json!({"x": 1})),
        ("/spec/rules/0/host", json!([1])),
    ] {
        let mut odd = good.clone();
        *odd.pointer_mut(at).expect("it is there") = value;
        let ran = beside_a_healthy_one(vec![odd]);
        assert!([0, 2].contains(&ran.status), "{at}: {}", ran.err);
        assert!(
            ran.err
                .lines()
                .filter(|l| l.starts_with("error: "))
                .all(|l| l.len() < 400),
            "{at}: {}",
            ran.err
        );
    }
    // Values that are no base64, or no text, are never quoted.
    let mut odd = secret("bad", "x", "y");
    odd["data"]["tls.key"] = json!("%%%s3cr3t");
    let ran = beside_a_healthy_one(vec![odd, ingress("bad", "bad.example", "bad")]);
    assert!(
        !ran.err.contains("s3cr3t") && !ran.out.contains("s3cr3t"),
        "{}{}",
        ran.out,
        ran.err
    );
    let mut odd = secret("bad", "x", "y");
    odd["stringData"] = json!({"tls.key": {"s3cr3t": ["s3cr3t"]}});
    let ran = beside_a_healthy_one(vec![odd]);
    assert!(
        !ran.err.contains("s3cr3t") && !ran.out.contains("s3cr3t"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn names_that_are_too_long_for_a_screen_are_cut() {
    let long = "x".repeat(1 << 20);
    let ran = beside_a_healthy_one(vec![ingress(&long, &long, &long)]).ends_with(0);
    assert_eq!(ran.items().len(), 2);
}
