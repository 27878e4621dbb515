//! `show`: one picture of one thing.

use crate::support::{
    cluster::{Namespace, TRAEFIK, ingress},
    run::Call,
    tls::wait_until_served,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_route_a_secret_and_a_server_are_shown_whole() {
    let ns = Namespace::new("show");
    let (host, old) = (ns.host("a"), ns.host("old"));
    let pair = ns.pki.pair(&[&host]);
    ns.apply(vec![
        pair.secret("a"),
        ns.pki.expired(&[&old]).secret("old"),
        ingress("a", &[(&[&host], "a")]),
        ingress("old", &[(&[&old], "old")]),
    ]);
    let route = ns.certs(&["show", "ingress/a"]).ends_with(0).out;
    for part in [host.as_str(), "E2E Issuing CA", "healthy"] {
        assert!(route.contains(part), "{part}: {route}");
    }
    let secret = ns.certs(&["show", "secret/old"]).ends_with(0).out;
    for part in [old.as_str(), "Expired", "used by   Ingress old", "kubectl"] {
        assert!(secret.contains(part), "{part}: {secret}");
    }
    let missing = ns.certs(&["show", "ingress/none"]).ends_with(2);
    assert!(
        missing.err.starts_with("error: there is no ingress/none in namespace"),
        "{}",
        missing.err
    );
    ns.certs(&["show", "secret/none"]).ends_with(2);

    wait_until_served(&host, &pair);
    let ca = ns.ca_file();
    let ca = ca.to_str().unwrap();
    let server = Call::certs(["show", TRAEFIK, "--servername", &host, "--ca-file", ca])
        .run()
        .ends_with(0)
        .out;
    for part in [host.as_str(), "E2E Issuing CA", TRAEFIK, "TLS 1.3"] {
        assert!(server.contains(part), "{part}: {server}");
    }
    let other = Call::certs([
        "show",
        TRAEFIK,
        "--servername",
        "nobody.example",
        "--fail-on",
        "critical",
    ])
    .run();
    let other = other.ends_with(1).out;
    assert!(
        other.contains("TRAEFIK DEFAULT CERT") && other.contains("HostMismatch"),
        "{other}"
    );
    let nobody = Call::certs(["show", "127.0.0.1:9"]).run().ends_with(3);
    assert!(
        nobody.err.starts_with("error: 127.0.0.1:9 serves no certificate"),
        "{}",
        nobody.err
    );
    assert_eq!(nobody.err.lines().count(), 1, "{}", nobody.err);
    let file = ns.dir.path().join("chain.pem");
    std::fs::write(&file, &pair.chain).unwrap();
    let shown = Call::certs(["show", file.to_str().unwrap(), "--ca-file", ca])
        .run()
        .ends_with(0)
        .out;
    assert!(shown.contains(&host), "{shown}");
}
