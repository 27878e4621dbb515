//! Names as DNS has them: CNAMEs by a wildcard, what a resolver keeps, and records that come later than their route.

use serde_json::Value;

use crate::support::{
    cluster::ingress,
    dns::{Bind, PowerDns},
    issuing::{Issuing, NODE},
    run::Ran,
};

/// PowerDNS with a zone that the resolver finds, and of which it keeps for ten minutes that a name does not exist.
fn powerdns(it: &Issuing, zone: &str) -> PowerDns {
    let server = PowerDns::start();
    server.create_zone(zone);
    server.keep_absence(zone, 600);
    it.resolver.delegate(zone, server.ip());
    server
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

/// The message of the one check of a kind about a host, which has this result.
#[track_caller]
fn check(ran: &Ran, topic: &str, host: &str, result: &str) -> String {
    let list: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", ran.out, ran.err));
    let is_it = |item: &&Value| item["check"] == topic && item["subject"] == host;
    let found: Vec<&Value> = list["items"].as_array().unwrap().iter().filter(is_it).collect();
    assert!(!found.is_empty(), "{topic} {host}: {}", ran.out);
    // A host may have several: where its record goes, and who serves its zone.
    let said = |item: &&Value| {
        assert_eq!(item["result"], result, "{item}");
        let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
        format!("{} → {}", text("message"), text("hint"))
    };
    found.iter().map(said).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_wildcard_cname_of_hosts_delegates_no_challenge_and_one_at_the_name_itself_does() {
    let it = Issuing::new("wildcname");
    let (zone, elsewhere) = ("shop.example", "acme.test");
    let (server, bind) = (powerdns(&it, zone), Bind::start(&[elsewhere]));
    it.resolver.delegate(elsewhere, bind.ip());
    server.set(zone, "*.shop.example", "CNAME", &["lb.cloud.example."]);
    server.set(zone, "_acme-challenge.own.shop.example", "CNAME", &["own.acme.test."]);
    // At the end of the way there is a wildcard too, on a server of another kind.
    bind.add("*.acme.test", "CNAME", "lb.cloud.example.");
    let before = (server.records(zone), bind.records(elsewhere));
    it.settings(&format!(
        "dns01:\n  providers:\n  - {{name: pdns, zones: [{zone}], provider: powerdns, url: '{}', apiKey: {{env: PDNS_KEY}}}}\n  \
         - {{name: bind, zones: [{elsewhere}], provider: rfc2136, server: {}, keyName: {}, algorithm: {}, key: {{env: TSIG_KEY}}}}\n",
        server.api_url(),
        bind.ip(),
        Bind::KEY_NAME,
        Bind::KEY_ALGORITHM,
    ));
    let call = |args: &[&str]| {
        it.call(args)
            .env("PDNS_KEY", server.api_key())
            .env("TSIG_KEY", bind.key_secret())
            .run()
    };
    let own = "own.shop.example";
    let names = [
        "-d",
        zone,
        "-d",
        "*.shop.example",
        "-d",
        "*.a.shop.example",
        "-d",
        "*.own.shop.example",
    ];
    let issue = [&["issue", "--secret", "shop-tls"], &names[..]].concat();
    // All ways to look say the same provider and the same place.
    let dry = call(&[&issue[..], &["--dry-run"]].concat()).ends_with(0);
    for words in [
        "a record at _acme-challenge.shop.example in zone shop.example, by provider pdns",
        "a record at _acme-challenge.a.shop.example in zone shop.example, by provider pdns",
        "a record at own.acme.test in zone acme.test, by provider bind",
    ] {
        assert!(dry.out.contains(words), "{words}: {}", dry.out);
    }
    let ran = call(&issue).ends_with(0);
    assert_eq!(
        it.leaf("shop-tls").names(),
        [
            "*.a.shop.example",
            "*.own.shop.example",
            "*.shop.example",
            "shop.example"
        ],
        "{}",
        ran.err
    );
    for words in [
        "_acme-challenge.shop.example is a CNAME to lb.cloud.example by *.shop.example alone",
        "own.acme.test is a CNAME to lb.cloud.example by *.acme.test alone",
        "TXT _acme-challenge.a.shop.example in zone shop.example, by pdns",
        "TXT own.acme.test in zone acme.test, by bind",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!((server.records(zone), bind.records(elsewhere)), before, "{}", ran.err);

    let look = |more: &[&str]| call(&[&["preflight", "secret/shop-tls", "-o", "json"], more].concat());
    let looked = look(&[]).ends_with(0);
    let said = check(&looked, "dns", zone, "ok");
    assert!(
        said.contains("by *.shop.example alone")
            && said.contains("the record is written at _acme-challenge.shop.example itself"),
        "{said}"
    );
    let said = check(&looked, "provider", own, "ok");
    assert!(
        said.starts_with("bind writes own.acme.test in the zone acme.test"),
        "{said}"
    );

    // Who means the wildcard says so.
    let looked = look(&["--follow-cname"]).ends_with(4);
    let said = check(&looked, "provider", zone, "fails");
    assert!(
        said.contains("no DNS provider of the settings serves lb.cloud.example"),
        "{said}"
    );
    let ran = call(&[&issue[..], &["--follow-cname"]].concat()).ends_with(4);
    assert!(ran.err.contains("serves lb.cloud.example"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_resolver_that_the_ca_shares_is_not_told_that_the_record_does_not_exist() {
    let it = Issuing::keeping("kept");
    let zone = "corp.internal";
    let server = powerdns(&it, zone);
    it.settings(&format!(
        "dns01:\n  providers:\n  - {{zones: [{zone}], provider: powerdns, url: '{}', apiKey: {{env: PDNS_KEY}}}}\n",
        server.api_url()
    ));
    let call = |args: &[&str]| it.call(args).env("PDNS_KEY", server.api_key()).run();
    let issue = [
        "issue",
        "--secret",
        "corp-tls",
        "-d",
        "*.corp.internal",
        "-d",
        "new.eu.corp.internal",
    ];
    // A name that is only looked at.
    let dry = [
        "issue",
        "--secret",
        "dry-tls",
        "-d",
        "dry.eu.corp.internal",
        "--dry-run",
    ];
    call(&dry).ends_with(0);
    let ran = call(&issue).ends_with(0);
    assert_eq!(
        it.leaf("corp-tls").names(),
        ["*.corp.internal", "new.eu.corp.internal"],
        "{}",
        ran.err
    );
    call(&["preflight", "secret/corp-tls"]).ends_with(0);
    // It knows of no absence: what is made now is seen at once. It keeps absences by name and type, so the types are
    // those that are looked for.
    for (name, kind, data) in [
        (
            "_acme-challenge.dry.eu.corp.internal",
            "CNAME",
            "elsewhere.corp.internal.",
        ),
        (
            "_acme-challenge.new.eu.corp.internal",
            "CNAME",
            "elsewhere.corp.internal.",
        ),
        ("new.eu.corp.internal", "CAA", "0 issue \"ca.example\""),
    ] {
        server.set(zone, name, kind, &[data]);
        assert_eq!(it.resolver.lookup(name, kind).data(kind), [data], "{name}");
    }
    // It does keep what it is asked itself.
    assert_eq!(it.resolver.lookup("kept.corp.internal", "TXT").status, "NXDOMAIN");
    server.set(zone, "kept.corp.internal", "TXT", &["\"not seen\""]);
    assert_eq!(it.resolver.lookup("kept.corp.internal", "TXT").status, "NXDOMAIN");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_whose_record_comes_later_is_waited_for_and_gets_its_certificate() {
    let it = Issuing::keeping("later");
    let zone = "shop.example";
    let server = powerdns(&it, zone);
    let host = format!("{}.shop.example", it.ns.name);
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    let missing = format!(
        "its A or AAAA record is missing in zone shop.example (asked: ns1.shop.example ({}))",
        server.ip()
    );
    let looked = it.certs(&["preflight", "shop", "-o", "json"]).ends_with(0);
    let said = check(&looked, "dns", &host, "waiting");
    for words in [
        missing.as_str(),
        "point an A or AAAA record to 10.99.0.1",
        "keeps for up to 10m that there is none",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(looked.err.contains("1 host does not resolve yet"), "{}", looked.err);

    let running = it.call(&["renew", "shop"]).start();
    let (line, _) = running.err.after(0, &["waits: ", "does not resolve yet"]);
    assert!(line.contains(&missing) && line.contains("; until "), "{line}");
    assert_eq!(orders(&it), 0);
    server.set(zone, &host, "A", &[NODE]);
    let err = running.err.clone();
    assert_eq!(running.end().0, Some(0), "{:?}", err.all());
    assert_eq!(it.leaf("shop-tls").names(), [host], "{:?}", err.all());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn hosts_whose_records_do_not_come_are_waited_for_and_fail_nothing() {
    let it = Issuing::keeping("never");
    let zone = "shop.example";
    let server = powerdns(&it, zone);
    let hosts: Vec<String> = (0..4).map(|n| format!("h{n}-{}.shop.example", it.ns.name)).collect();
    let routes = hosts.iter().enumerate().map(|(n, host)| {
        let name = format!("web-{n}");
        ingress(&name, &[(&[host], &format!("{name}-tls"))])
    });
    it.ns.apply(routes.collect());
    let all = ["renew", "--all", "--concurrency", "1"];
    let ran = it
        .certs(&[&all[..], &["--resolve-timeout", "1s"]].concat())
        .ends_with(4);
    let count = |ran: &Ran, words: &str| ran.err.lines().filter(|line| line.contains(words)).count();
    assert_eq!(count(&ran, "   waits for DNS   "), 4, "{}", ran.err);
    assert_eq!(count(&ran, ": not started: "), 4, "{}", ran.err);
    assert!(
        ran.err.contains("waiting for DNS: the name does not resolve yet"),
        "{}",
        ran.err
    );
    assert!(
        !ran.err.contains("in a row") && !ran.err.contains("failed"),
        "{}",
        ran.err
    );
    assert_eq!(orders(&it), 0, "{}", ran.err);
    assert_eq!(it.ns.events("Ingress", "web-0", "ChallengeFailed"), [""; 0]);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // What somebody else has asked the resolver stays there for the zone's time, which is longer than this run waits.
    let host = &hosts[0];
    assert_eq!(it.resolver.lookup(host, "A").status, "NXDOMAIN");
    server.set(zone, host, "A", &[NODE]);
    let ran = it.certs(&["renew", "web-0"]).ends_with(4);
    assert!(
        ran.err.contains("that resolver keeps this answer until ") && ran.err.contains(&it.resolver.ip().to_string()),
        "{}",
        ran.err
    );
    assert_eq!(orders(&it), 0, "{}", ran.err);
}
