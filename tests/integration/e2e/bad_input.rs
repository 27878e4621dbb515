//! What a cluster may hold or a connection may do that nobody expects.

use rcgen::DnType;
use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress},
    proxy::{API_SERVER, Proxy},
    run::{Call, findings},
};

/// Characters that would move the cursor, ring, end the line or turn the text around.
const HOSTILE: &str = "a\u{1b}[31mred\u{7}\u{8}\r\nnext\u{202e}txt.exe\u{2066}\u{9b}2J\u{7f}";

/// What no terminal must be sent, apart from line breaks.
#[track_caller]
fn assert_harmless(text: &str) {
    let unsafe_char = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let found = text.chars().find(unsafe_char);
    assert_eq!(found, None, "in {text:?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn control_sequences_and_bidirectional_marks_reach_no_terminal() {
    let ns = Namespace::new("hostile");
    let host = ns.host("a");
    let pair = ns.pki.pair_with(&[&host], |params| {
        params.distinguished_name.push(DnType::OrganizationName, HOSTILE);
        params.distinguished_name.push(DnType::CommonName, HOSTILE);
        let odd = rcgen::string::Ia5String::try_from("b\u{1b}[2j\r\n.example").unwrap();
        params.subject_alt_names.push(rcgen::SanType::DnsName(odd));
    });
    let mut route = ingress("a", &[(&[&host], "a")]);
    route["metadata"]["annotations"] = json!({
        "kubectl-certs/ignore": HOSTILE, "cert-manager.io/cluster-issuer": HOSTILE,
    });
    let mut secret = pair.secret("a");
    secret["metadata"]["annotations"] = json!({"cert-manager.io/issuer-name": HOSTILE, "note": HOSTILE});
    ns.create(vec![secret, route]);
    let outputs = [
        &["status"][..],
        &["status", "-o", "wide"],
        &["status", "-o", "json"],
        &["status", "-o", "yaml"],
        &["status", "-o", "junit"],
        &["status", "-o", "sarif"],
        &["status", "-o", "jsonpath={.items[*].names}"],
        &["show", "ingress/a"],
        &["show", "secret/a"],
    ];
    for args in outputs {
        let ran = ns.certs(args).ends_with(0);
        assert!(ran.out.contains(&ns.name), "{args:?}: {}", ran.out);
        assert_harmless(&ran.out);
        assert_harmless(&ran.err);
    }
    // JSON keeps what is there, escaped.
    let items = ns.status(&[]);
    let names = items.host(&host)["names"].as_array().unwrap().clone();
    assert!(names.contains(&json!("b\u{1b}[2j\r\n.example")), "{names:?}");
    assert_eq!(
        items.verdict(&host).split(':').next(),
        Some("info"),
        "its host is served well all the same: {items:#?}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_largest_secrets_that_the_server_takes_are_findings_and_nothing_else() {
    let ns = Namespace::new("large");
    let [rubbish, many, blocks, good] = ["rubbish", "many", "blocks", "good"].map(|label| ns.host(label));
    let pair = ns.pki.pair(&[&many]);
    // A Secret may hold 1 MiB, all values together.
    let room = (1 << 20) - 20_000;
    let one = pair.chain.clone();
    let copies = room / one.len();
    let secret = |name: &str, certificates: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
            "stringData": {"tls.crt": certificates, "tls.key": pair.key},
        })
    };
    let lines = "-----BEGIN CERTIFICATE-----\nMIIB\u{1b}[31m!!!!not base64 at all\n".repeat(room / 60);
    let empty = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n".repeat(room / 64);
    ns.apply(vec![
        secret("rubbish", &lines[..room.min(lines.len())]),
        secret("many", &one.repeat(copies)),
        secret("blocks", &empty[..room.min(empty.len())]),
        ns.pki.pair(&[&good]).secret("good"),
        ingress("rubbish", &[(&[&rubbish], "rubbish")]),
        ingress("many", &[(&[&many], "many")]),
        ingress("blocks", &[(&[&blocks], "blocks")]),
        ingress("good", &[(&[&good], "good")]),
    ]);
    let ran = ns.certs(&["status", "-o", "json"]).ends_with(0);
    let items = ran.items();
    assert_eq!(items.verdict(&good), "healthy", "what is well is still seen");
    assert!(
        items.verdict(&rubbish).contains("InvalidCertificate"),
        "{}",
        items.verdict(&rubbish)
    );
    assert!(
        items.verdict(&blocks).contains("InvalidCertificate"),
        "{}",
        items.verdict(&blocks)
    );
    let verdict = items.verdict(&many);
    assert!(
        verdict.contains("InvalidCertificate"),
        "more than clients take: {verdict}"
    );
    for item in &items.0 {
        assert!(findings(item).len() <= 5, "{item:#}");
        for finding in findings(item) {
            let said = finding["message"].as_str().map_or(0, str::len);
            assert!(
                said < 1000,
                "a message of {said} bytes: {:?}",
                &finding["message"].as_str().unwrap()[..300]
            );
        }
    }
    // A debug build on a busy machine; it takes a fraction of a second when it is built for use.
    assert!(ran.took.as_secs() < 20, "{:?}", ran.took);
    let shown = ns.certs(&["show", "ingress/rubbish"]).ends_with(0);
    assert_harmless(&shown.out);
    assert!(shown.out.len() < 20_000, "{} bytes", shown.out.len());
    let shown = ns.certs(&["show", "secret/many"]).ends_with(0);
    assert!(
        shown.out.len() < 100_000,
        "{} bytes for {copies} copies",
        shown.out.len()
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_list_that_breaks_off_is_told_and_ends_with_3() {
    let ns = Namespace::new("cut");
    let filler = "x".repeat(60_000);
    let objects = (0..10).map(|n| {
        let mut route = ingress(&format!("n{n}"), &[(&[&ns.host(&format!("h{n}"))], "none")]);
        route["metadata"]["annotations"] = json!({"filler": filler});
        route
    });
    ns.apply(objects.collect::<Vec<Value>>());
    let proxy = Proxy::to(API_SERVER);
    let server = format!("https://{}", proxy.address);
    let args = [
        "status",
        "-n",
        &ns.name,
        "-o",
        "json",
        "--server",
        &server,
        "--tls-server-name",
        "kubernetes",
    ];
    assert_eq!(
        Call::certs(args).run().ends_with(0).items().0.len(),
        10,
        "through the proxy as without"
    );
    // The handshake and small answers pass, and the 600 KB list of Ingresses does not.
    proxy.cut_after(150_000);
    let ran = Call::certs(args).run().ends_with(3);
    assert!(proxy.cuts() > 0);
    assert!(ran.took.as_secs() < 30, "{:?}", ran.took);
    let said: Vec<&str> = ran.err.lines().filter(|line| line.contains("broke")).collect();
    assert_eq!(said.len(), 1, "{}", ran.err);
    assert!(said[0].contains("ingresses"), "{}", ran.err);
    // Not even the handshake passes.
    proxy.cut_after(500);
    let ran = Call::certs(args).run().ends_with(3);
    assert!(ran.err.contains("error: cannot reach"), "{}", ran.err);
    assert!(ran.took.as_secs() < 30, "{:?}", ran.took);
}
