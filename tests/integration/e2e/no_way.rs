//! A host to which neither a route nor DNS leads, seen from here: it is told in seconds, and what the hint names works.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use crate::support::{
    eventually,
    issuing::{Issuing, NODE},
    run::{Ran, WITH_POD},
};

/// An issuance for the host, with a name server that never answers.
fn issue(it: &Issuing, silent: &UdpSocket, secret: &str, host: &str, more: &[&str]) -> Ran {
    let (url, text) = (it.pebble.directory_url(), |path: &std::path::Path| {
        path.display().to_string()
    });
    let (ca, root) = (text(&it.pebble.ca_file()), text(it.pebble.root_file()));
    let resolver = silent.local_addr().unwrap().to_string();
    let mut args = vec!["issue", "--secret", secret, "-d", host, "--agree-tos", "--yes"];
    args.extend(["--directory-url", &url, "--directory-ca-file", &ca, "--ca-file", &root]);
    args.extend(["--solver", "pod", "--wait", "0"]);
    if !more.contains(&"--resolver") {
        args.extend(["--resolver", &resolver]);
    }
    args.extend(more);
    it.plain(&args).within(WITH_POD).run()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_that_nothing_leads_to_is_told_in_seconds_and_each_way_of_the_hint_works() {
    let it = Issuing::new("noway");
    let host = it.host("shop");
    let silent = UdpSocket::bind((NODE, 0)).unwrap();
    for check in [&[][..], &["--self-check", "cluster"]] {
        let began = Instant::now();
        let ran = issue(&it, &silent, "shop-tls", &host, check).ends_with(4);
        // Until DNS is given up twice; the Pod is started meanwhile.
        assert!(
            began.elapsed() < Duration::from_secs(40),
            "{:?}: {}",
            began.elapsed(),
            ran.err
        );
        for words in [
            "nothing says where the host is: no route has it, and ",
            "--connect HOST:PORT",
            "--resolver ADDRESS",
            "--self-check wait=30s",
        ] {
            assert!(ran.err.contains(words), "{words}: {}", ran.err);
        }
        assert!(!ran.err.contains("the route has"), "{}", ran.err);
    }
    let resolver = it.resolver.ip().to_string();
    for (secret, way) in [
        ("by-address", ["--connect", &format!("{NODE}:443")]),
        ("by-resolver", ["--resolver", &resolver]),
        ("by-the-ca", ["--self-check", "wait=30s"]),
    ] {
        issue(&it, &silent, secret, &host, &way).ends_with(0);
        assert_eq!(it.leaf(secret).names(), [host.as_str()]);
    }
    eventually("nothing is left", || match it.left() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?}")),
    });
}
