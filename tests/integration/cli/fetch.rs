//! `--fetch-intermediates`: what a chain lacks, from where its certificate says that it is.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::CustomExtension;
use serde_json::json;

use super::{file, piped, run};
use crate::support::pki::Pki;

/// A server of one document, which comes later than its address. Returns the URL, where to put the document, and how often it was asked.
fn serve() -> (String, std::sync::mpsc::Sender<Vec<u8>>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/ca.der", listener.local_addr().expect("an address"));
    let (give, take) = std::sync::mpsc::channel::<Vec<u8>>();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let body = take.recv().unwrap_or_default();
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
            let head = BufReader::new(&stream).lines();
            let _ = head
                .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                .count();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    (url, give, asked)
}

/// The extension that says where the issuer's certificate is (RFC 5280, section 4.2.2.1).
fn issuer_at(url: &str) -> CustomExtension {
    let tlv = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).expect("short")], value].concat();
    let method = tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);
    let description = tlv(0x30, &[method, tlv(0x86, url.as_bytes())].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tlv(0x30, &description))
}

#[test]
fn a_missing_intermediate_is_asked_for_where_the_certificate_says_and_only_when_told_to() {
    let pki = Pki::new();
    let (url, give, asked) = serve();
    let pair = pki.pair_with(&["shop.example"], |params| {
        params.custom_extensions.push(issuer_at(&url));
    });
    give.send(pair.chain_der[1].clone()).expect("it waits");
    let begin = "-----BEGIN CERTIFICATE-----";
    let leaf = format!("{begin}{}", pair.chain.split(begin).nth(1).expect("the leaf"));
    let dir = tempfile::tempdir().expect("a directory");
    let (root, alone) = (file(&dir, "root.pem", pki.root_pem()), file(&dir, "leaf.pem", &leaf));

    let show = |more: &[&str]| run(&[&["show", alone.as_str(), "--ca-file", &root], more].concat()).ends_with(0);
    let without = show(&[]);
    assert!(without.out.contains("gives its address as"), "{}", without.out);
    // The test's own server is no public one.
    let public = show(&["--fetch-intermediates"]);
    assert!(public.out.contains("gives its address as"), "{}", public.out);
    assert!(public.err.contains("is not allowed"), "{}", public.err);
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nothing was asked");
    let private = show(&["--fetch-intermediates=private"]);
    assert!(private.out.contains("it was fetched from"), "{}", private.out);
    assert!(
        private.out.contains("MissingIntermediate"),
        "clients do not fetch: {}",
        private.out
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    let object = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": "shop"},
            "data": {"tls.crt": STANDARD.encode(&leaf), "tls.key": STANDARD.encode(&pair.key)},
        })
    };
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"tls": [{"hosts": ["shop.example"], "secretName": "one"}], "rules": [{"host": "shop.example"}]},
    });
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [ingress, object("one"), object("two")]}).to_string();
    let ran = piped(
        &list,
        &["--ca-file", &root, "-o", "json", "--fetch-intermediates=private"],
    )
    .ends_with(0);
    assert!(ran.out.contains("It was fetched from http://127.0.0.1"), "{}", ran.out);
    assert_eq!(asked.load(Ordering::Relaxed), 2, "two Secrets, one URL, asked once");
}

#[test]
fn what_is_no_certificate_is_told_and_changes_nothing() {
    let pki = Pki::new();
    let (url, give, _) = serve();
    let pair = pki.pair_with(&["shop.example"], |params| {
        params.custom_extensions.push(issuer_at(&url));
    });
    give.send(b"<html>\x1b[31m".to_vec()).expect("it waits");
    let dir = tempfile::tempdir().expect("a directory");
    let begin = "-----BEGIN CERTIFICATE-----";
    let leaf = format!("{begin}{}", pair.chain.split(begin).nth(1).expect("the leaf"));
    let (root, alone) = (file(&dir, "root.pem", pki.root_pem()), file(&dir, "leaf.pem", &leaf));
    let ran = run(&["show", &alone, "--ca-file", &root, "--fetch-intermediates=private"]).ends_with(0);
    assert!(ran.out.contains("gives its address as"), "{}", ran.out);
    assert!(ran.err.contains("not a CA certificate"), "{}", ran.err);
}
