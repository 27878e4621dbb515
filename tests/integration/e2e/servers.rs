//! That the servers which other tests stand on are what they are taken for.

use crate::support::{
    dns::{Bind, PowerDns, Record, Resolver},
    pebble::{self, Pebble},
    run::Call,
    server::curl,
};

/// A name server's zone, as it is before anything is put in.
fn fresh(zone: &str, ip: std::net::Ipv4Addr) -> Vec<Record> {
    let record = |name: &str, kind: &str, data: &str| Record {
        name: name.to_owned(),
        kind: kind.to_owned(),
        data: data.to_owned(),
    };
    let mut records = vec![
        record(zone, "NS", &format!("ns1.{zone}.")),
        record(&format!("ns1.{zone}"), "A", &ip.to_string()),
    ];
    records.sort();
    records
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn pebble_answers_under_its_own_ca_and_tells_its_roots() {
    let resolver = Resolver::start();
    let pebble = Pebble::start_with(&resolver, |options| {
        options.alternate_roots = 1;
        options.profiles.push(pebble::SHORTLIVED);
        options.eab = vec![("kid".to_owned(), Pebble::eab_key())];
        options.caa_identities = vec!["ca.example".to_owned()];
    });
    let ca = pebble.ca_file();
    let directory = curl(&["--cacert", ca.to_str().unwrap(), &pebble.directory_url()]).unwrap();
    let directory: serde_json::Value = serde_json::from_str(&directory).unwrap();
    let base = pebble.directory_url().replace("/dir", "/");
    assert!(
        directory["newOrder"].as_str().unwrap().starts_with(&base),
        "{directory}"
    );
    assert_eq!(directory["meta"]["externalAccountRequired"], true);
    assert_eq!(directory["meta"]["caaIdentities"][0], "ca.example");
    assert!(directory["meta"]["profiles"]["shortlived"].is_string(), "{directory}");
    // No other server's certificate, nor the web's, is that CA's.
    let other = Pebble::start(&resolver);
    curl(&["--cacert", ca.to_str().unwrap(), &other.directory_url()]).unwrap_err();
    assert_eq!(pebble.root_files().len(), 2);
    assert_ne!(pebble.root_name(0), pebble.root_name(1));
    assert!(!pebble.log().contains("ALWAYS_VALID"));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_resolver_knows_just_the_hosts_it_was_told() {
    let resolver = Resolver::start();
    let host = "shop.names.example";
    assert_eq!(resolver.lookup(host, "A").status, "NXDOMAIN");
    resolver.host(host, &["10.99.0.1", "fd00::1"]);
    assert_eq!(resolver.lookup(host, "A").data("A"), ["10.99.0.1"]);
    assert_eq!(resolver.lookup(host, "AAAA").data("AAAA"), ["fd00::1"]);
    resolver.add(host, "CAA", "0 issue \"ca.example\"");
    assert_eq!(resolver.lookup(host, "CAA").data("CAA"), ["0 issue \"ca.example\""]);
    assert_eq!(resolver.lookup(host, "SOA").zone(), Some("example"));
    resolver.host(host, &[]);
    assert_eq!(resolver.lookup(host, "A").data("A"), [""; 0]);
    assert_eq!(resolver.lookup("www.elsewhere.invalid", "A").status, "NXDOMAIN");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn powerdns_serves_what_its_api_is_told() {
    let (resolver, powerdns) = (Resolver::start(), PowerDns::start());
    let zone = "corp.internal";
    powerdns.create_zone(zone);
    resolver.delegate(zone, powerdns.ip());
    assert_eq!(powerdns.records(zone), fresh(zone, powerdns.ip()));
    let name = "_acme-challenge.www.corp.internal";
    assert_eq!(resolver.lookup(name, "TXT").status, "NXDOMAIN");
    // Nothing is kept on the way: each change is seen at once.
    for values in [&["\"one\""][..], &["\"one\"", "\"two\""], &["\"two\""], &[]] {
        powerdns.set(zone, name, "TXT", values);
        assert_eq!(resolver.lookup(name, "TXT").data("TXT"), values);
    }
    assert_eq!(powerdns.records(zone), fresh(zone, powerdns.ip()));
    // What a client is to be told: URL and key.
    let url = format!("{}/api/v1/servers/localhost/zones/{zone}", powerdns.api_url());
    let with_key = |key: &str| curl(&["-H", &format!("X-API-Key: {key}"), &url]);
    with_key("another").unwrap_err();
    assert!(with_key(powerdns.api_key()).unwrap().contains(zone));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn bind_takes_updates_with_its_key_alone_and_a_cname_leads_into_its_zone() {
    let (resolver, powerdns) = (Resolver::start(), PowerDns::start());
    let (zone, below) = ("corp.example", "acme.corp.example");
    let bind = Bind::start(&[below, "other.test"]);
    powerdns.create_zone(zone);
    powerdns.delegate(zone, below, bind.ip());
    resolver.delegate(zone, powerdns.ip());
    resolver.delegate("other.test", bind.ip());
    powerdns.set(
        zone,
        "_acme-challenge.www.corp.example",
        "CNAME",
        &["www.acme.corp.example."],
    );

    // Which zone a name is in, and who serves it.
    for (name, zone) in [
        ("a.b.acme.corp.example", below),
        ("a.b.corp.example", zone),
        ("x.other.test", "other.test"),
    ] {
        assert_eq!(resolver.lookup(name, "SOA").zone(), Some(zone));
    }
    assert_eq!(resolver.lookup(below, "NS").data("NS"), ["ns1.acme.corp.example."]);
    let server = resolver.lookup("ns1.acme.corp.example", "A");
    assert_eq!(server.data("A"), [bind.ip().to_string()]);

    for value in ["first", "second"] {
        bind.update(&[
            "update delete www.acme.corp.example TXT",
            &format!("update add www.acme.corp.example 300 TXT {value}"),
        ]);
        let answer = resolver.lookup("_acme-challenge.www.corp.example", "TXT");
        assert_eq!(answer.data("TXT"), [format!("\"{value}\"")]);
    }
    bind.update(&["update delete www.acme.corp.example TXT"]);
    assert_eq!(bind.records(below), fresh(below, bind.ip()));

    // What a client is to be told: address, name, algorithm, secret.
    let update = |key: &[&str]| {
        let script = format!("server {}\nupdate add x.other.test 1 TXT said\nsend\n", bind.ip());
        let ran = std::process::Command::new("sh")
            .args(["-c", r#"printf %s "$0" | nsupdate "$@""#, &script])
            .args(key)
            .output()
            .unwrap();
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    assert!(update(&[]).contains("REFUSED"));
    let key = |secret: &str| format!("{}:{}:{secret}", Bind::KEY_ALGORITHM, Bind::KEY_NAME);
    assert!(update(&["-y", &key("c29tZXRoaW5nIGVsc2U=")]).contains("BADSIG"));
    assert_eq!(resolver.lookup("x.other.test", "TXT").status, "NXDOMAIN");
    assert_eq!(update(&["-y", &key(bind.key_secret())]), "");
    assert_eq!(resolver.lookup("x.other.test", "TXT").data("TXT"), ["\"said\""]);
    bind.add("www.other.test", "CNAME", "www.acme.corp.example.");
    let answer = resolver.lookup("www.other.test", "CNAME");
    assert_eq!(answer.data("CNAME"), ["www.acme.corp.example."]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_program_can_have_the_resolver_as_its_systems() {
    let resolver = Resolver::start();
    resolver.host("api.names.example", &["127.0.0.1"]);
    let args = [
        "--server",
        "https://api.names.example:6443",
        "--tls-server-name",
        "kubernetes",
        "get",
        "--raw",
        "/version",
    ];
    let ran = resolver.within(Call::kubectl(args)).run().ends_with(0);
    assert!(ran.out.contains("gitVersion"), "{}", ran.out);
}
