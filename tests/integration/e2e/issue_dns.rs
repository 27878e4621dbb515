//! Certificates that are proved by DNS, from end to end: real name servers of several kinds, credentials from where operators
//! keep them, and zones that are afterwards as they were before.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::json;

use crate::support::{
    cluster::ingress,
    dns::{Bind, PowerDns, Resolver},
    issuing::Issuing,
};

/// PowerDNS with a zone that the resolver finds.
fn powerdns(it: &Issuing, zone: &str) -> PowerDns {
    let server = PowerDns::start();
    server.create_zone(zone);
    it.resolver.delegate(zone, server.ip());
    server
}

/// BIND with zones that the resolver finds.
fn bind(it: &Issuing, zones: &[&str]) -> Bind {
    let server = Bind::start(zones);
    for zone in zones {
        it.resolver.delegate(zone, server.ip());
    }
    server
}

/// The settings of a `PowerDNS` whose key is where `credential` says.
fn by_powerdns(server: &PowerDns, zone: &str, credential: &str) -> String {
    format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: {credential}\n",
        server.api_url()
    )
}

/// The settings of a BIND whose key is in the variable `TSIG_KEY`.
fn by_bind(server: &Bind, zones: &str) -> String {
    format!(
        "dns01:\n  providers:\n  - name: bind\n    zones: [{zones}]\n    provider: rfc2136\n    server: {}\n    keyName: {}\n    \
         algorithm: {}\n    key: {{env: TSIG_KEY}}\n",
        server.ip(),
        Bind::KEY_NAME,
        Bind::KEY_ALGORITHM,
    )
}

/// Puts a key into a Secret of the namespace. Returns how the settings name it.
fn key_in_secret(it: &Issuing, key: &str) -> String {
    let name = "powerdns-letsencrypt-apikey";
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"apikey": format!("{key}\n")},
    })]);
    format!(
        "{{secretRef: {{namespace: {}, name: {name}, key: apikey}}}}",
        it.ns.name
    )
}

fn absent(it: &Issuing, secret: &str) -> bool {
    it.ns
        .kubectl(&["get", "secret", secret, "--ignore-not-found", "-o", "name"])
        .is_empty()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn powerdns_proves_an_internal_domain_with_its_wildcard_and_the_zone_is_as_it_was() {
    let it = Issuing::new("pdns");
    let zone = "corp.internal";
    let server = powerdns(&it, zone);
    server.set(zone, "_acme-challenge.corp.internal", "TXT", &["\"of another\""]);
    let before = server.records(zone);
    let credential = key_in_secret(&it, server.api_key());
    it.settings(&by_powerdns(&server, zone, &credential));
    let args = [
        "issue",
        "--secret",
        "internal-tls",
        "-d",
        "corp.internal",
        "-d",
        "*.corp.internal",
        "-d",
        "db.eu.corp.internal",
    ];
    let ran = it.certs(&args).ends_with(0);
    let leaf = it.leaf("internal-tls");
    assert_eq!(
        leaf.names(),
        ["*.corp.internal", "corp.internal", "db.eu.corp.internal"],
        "{}",
        ran.err
    );
    assert!(leaf.key_matches && leaf.chain == 2);
    assert_eq!(it.secret("internal-tls")["type"], "kubernetes.io/tls");
    assert!(ran.err.contains("_acme-challenge.corp.internal"), "{}", ran.err);
    assert!(!ran.err.contains(server.api_key()), "{}", ran.err);
    assert_eq!(server.records(zone), before, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // No route uses the Secret: it is renewed by its name, with the names that it has.
    let again = it.certs(&["renew", "secret/internal-tls"]).ends_with(0);
    let renewed = it.leaf("internal-tls");
    assert_eq!(renewed.names(), leaf.names(), "{}", again.err);
    assert_ne!(renewed.sha256(), leaf.sha256(), "{}", again.err);
    assert_eq!(server.records(zone), before, "{}", again.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_name_outside_the_providers_zones_is_not_ordered_unless_a_cname_leads_into_one() {
    let it = Issuing::new("pdns-outside");
    let (own, other) = ("acme.internal", "corp.internal");
    let server = powerdns(&it, own);
    server.create_zone(other);
    it.resolver.delegate(other, server.ip());
    let credential = key_in_secret(&it, server.api_key());
    it.settings(&by_powerdns(&server, own, &credential));
    let orders = || it.pebble.log().matches("/order-plz").count();
    let missing = "no DNS provider of the settings serves _acme-challenge.corp.internal";
    let issue = ["issue", "--secret", "corp-tls", "-d", "*.corp.internal"];
    for (more, words) in [
        (&["--dry-run"][..], "an order would be refused"),
        (&[], "*.corp.internal: "),
    ] {
        let ran = it.certs(&[&issue[..], more].concat()).ends_with(4);
        for words in [words, missing, "zones: [corp.internal]", "hint: "] {
            assert!(ran.err.contains(words), "{more:?}: {words}: {}", ran.err);
        }
    }
    assert_eq!(orders(), 0);
    assert!(absent(&it, "corp-tls"));
    // Of several names, the others are ordered without it, in one order.
    let args = ["issue", "--secret", "both-tls", "-d", own, "-d", "*.corp.internal"];
    let ran = it.certs(&args).ends_with(4);
    assert!(ran.err.contains("issued, 1 name left out"), "{}", ran.err);
    assert_eq!(it.leaf("both-tls").names(), [own], "{}", ran.err);
    assert_eq!(orders(), 1, "{}", ran.err);

    server.set(
        other,
        "_acme-challenge.corp.internal",
        "CNAME",
        &["corp.acme.internal."],
    );
    let dry = it.certs(&[&issue[..], &["--dry-run"]].concat()).ends_with(0);
    assert!(
        dry.out
            .contains("a record at corp.acme.internal in zone acme.internal, by provider internal"),
        "{}",
        dry.out
    );
    it.certs(&issue).ends_with(0);
    assert_eq!(it.leaf("corp-tls").names(), ["*.corp.internal"]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_zone_is_as_it_was_when_the_ca_does_not_see_the_record() {
    // The CA asks names of an Internet in which the zone is not delegated.
    let other = Resolver::start();
    let it = Issuing::with("pdns-unseen", |options| options.dns = other.address());
    let zone = "corp.internal";
    let server = powerdns(&it, zone);
    let before = server.records(zone);
    let credential = key_in_secret(&it, server.api_key());
    it.settings(&by_powerdns(&server, zone, &credential));
    let issue = ["issue", "--secret", "internal-tls", "-d", "*.corp.internal", "-d", zone];
    let ran = it.certs(&issue).ends_with(4);
    for words in ["*.corp.internal: failed: ", "corp.internal: failed: ", "CAA records"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(absent(&it, "internal-tls"), "{}", ran.err);
    assert_eq!(server.records(zone), before, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_zone_is_as_it_was_when_a_name_server_does_not_show_the_record_or_the_key_is_wrong() {
    let it = Issuing::new("pdns-stale");
    let zone = "corp.internal";
    let server = powerdns(&it, zone);
    // A secondary that is never told of changes.
    let stale = Bind::start(&[zone]);
    server.set(zone, "ns2.corp.internal", "A", &[&stale.ip().to_string()]);
    server.set(zone, zone, "NS", &["ns1.corp.internal.", "ns2.corp.internal."]);
    let before = server.records(zone);
    let credential = key_in_secret(&it, server.api_key());
    it.settings(&by_powerdns(&server, zone, &credential));
    let issue = ["issue", "--secret", "internal-tls", "-d", "db.corp.internal"];
    let ran = it
        .certs(&[&issue[..], &["--propagation-timeout", "2s"]].concat())
        .ends_with(4);
    assert!(
        ran.err.contains(&format!("ns2.corp.internal ({})", stale.ip())),
        "{}",
        ran.err
    );
    assert_eq!(server.records(zone), before, "{}", ran.err);

    // Each way in which a credential can be wrong is named.
    it.settings(&by_powerdns(
        &server,
        zone,
        &credential.replace("key: apikey", "key: token"),
    ));
    let ran = it.certs(&issue).ends_with(4);
    assert!(
        ran.err.contains("powerdns-letsencrypt-apikey") && ran.err.contains("token"),
        "{}",
        ran.err
    );
    it.settings(&by_powerdns(&server, zone, "{env: NO_SUCH_VARIABLE}"));
    let ran = it.certs(&issue).ends_with(4);
    assert!(ran.err.contains("NO_SUCH_VARIABLE is not set"), "{}", ran.err);
    it.settings(&by_powerdns(&server, zone, "{env: PDNS_KEY}"));
    let ran = it.call(&issue).env("PDNS_KEY", "not-the-key").run().ends_with(4);
    assert!(ran.err.contains("answers 401"), "{}", ran.err);
    assert!(!ran.err.contains("not-the-key"), "{}", ran.err);

    assert!(absent(&it, "internal-tls"));
    assert_eq!(server.records(zone), before);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn bind_takes_the_record_where_a_cname_leads_into_a_zone_of_another_server() {
    let it = Issuing::new("bind");
    let zone = "shop.example";
    let (server, elsewhere) = (powerdns(&it, zone), bind(&it, &["acme.test"]));
    for name in ["shop.example", "www.shop.example"] {
        let (alias, end) = (format!("_acme-challenge.{name}"), format!("{name}.acme.test."));
        server.set(zone, &alias, "CNAME", &[&end]);
    }
    let before = (server.records(zone), elsewhere.records("acme.test"));
    it.settings(&by_bind(&elsewhere, "shop.example, acme.test"));
    let args = [
        "issue",
        "--secret",
        "shop-tls",
        "-d",
        "shop.example",
        "-d",
        "*.shop.example",
        "-d",
        "*.www.shop.example",
        "--key-type",
        "rsa-2048",
    ];
    let ran = it
        .call(&args)
        .env("TSIG_KEY", elsewhere.key_secret())
        .run()
        .ends_with(0);
    assert_eq!(
        it.leaf("shop-tls").names(),
        ["*.shop.example", "*.www.shop.example", "shop.example"],
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("TXT www.shop.example.acme.test in zone acme.test, by bind"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains(elsewhere.key_secret()), "{}", ran.err);
    assert_eq!((server.records(zone), elsewhere.records("acme.test")), before);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_dehydrated_hook_is_called_as_dehydrated_calls_it() {
    let it = Issuing::new("hook");
    let zone = "shop.example";
    let server = bind(&it, &[zone]);
    let before = server.records(zone);
    let (script, log) = (it.ns.dir.path().join("hook.sh"), it.ns.dir.path().join("hook.log"));
    let text = format!(
        r#"#!/usr/bin/env bash
# As dehydrated's documentation has it: one script, and a function for each hook.
set -euo pipefail
echo "$@" >>{log}
change() {{
  printf 'server {ip}\nupdate %s _acme-challenge.%s. %s\nsend\n' "$1" "$2" "$3" |
    nsupdate -y '{algorithm}:{key_name}:{secret}'
}}
deploy_challenge() {{ change add "$1" "60 TXT \"$3\""; }}
clean_challenge() {{ change delete "$1" "TXT \"$3\""; }}
HANDLER=$1; shift
if [[ "$HANDLER" =~ ^(deploy_challenge|clean_challenge)$ ]]; then "$HANDLER" "$@"; fi
"#,
        log = log.display(),
        ip = server.ip(),
        algorithm = Bind::KEY_ALGORITHM,
        key_name = Bind::KEY_NAME,
        secret = server.key_secret(),
    );
    executable(&script, &text);
    it.settings(&format!(
        "dns01:\n  providers:\n  - zones: [{zone}]\n    provider: hook\n    command: {}\n    timeout: 30\n",
        script.display()
    ));
    let issue = ["issue", "--secret", "shop-tls", "-d", zone, "-d", "*.shop.example"];
    let ran = it.certs(&issue).ends_with(0);
    assert_eq!(
        it.leaf("shop-tls").names(),
        ["*.shop.example", "shop.example"],
        "{}",
        ran.err
    );
    let log = std::fs::read_to_string(&log).unwrap();
    let calls = |hook: &str| {
        let mut calls: Vec<Vec<&str>> = log
            .lines()
            .filter_map(|line| line.strip_prefix(hook))
            .map(|rest| rest.split_whitespace().collect())
            .collect();
        calls.sort();
        calls
    };
    let (deployed, cleaned) = (calls("deploy_challenge "), calls("clean_challenge "));
    assert_eq!(deployed, cleaned, "{log}");
    assert_eq!(deployed.len(), 2, "{log}");
    for call in deployed {
        assert!(
            matches!(call[..], [domain, _, value] if domain == zone && value.len() == 43),
            "{log}"
        );
    }
    assert_eq!(server.records(zone), before, "{log}");

    // One that fails says so in its own words, and is asked to clean up all the same.
    executable(&script, "#!/bin/sh\necho \"no rights for $2\" >&2\nexit 3\n");
    let ran = it.certs(&["renew", "secret/shop-tls"]).ends_with(4);
    assert!(
        ran.err.contains("exited with status 3: no rights for shop.example"),
        "{}",
        ran.err
    );
    assert_eq!(server.records(zone), before, "{}", ran.err);
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_operator_writes_the_record_and_is_told_to_take_it_away() {
    let it = Issuing::new("manual");
    let zone = "shop.example";
    let server = bind(&it, &[zone]);
    let running = it
        .call(&["issue", "--secret", "shop-tls", "-d", "shop.example", "--dns", "manual"])
        .start();
    let (line, _) = running.err.after(0, &["_acme-challenge.shop.example. 60 IN TXT"]);
    let record = line.trim().replace(" 60 IN TXT ", " 60 TXT ");
    server.update(&[&format!("update add {record}")]);
    let lines = running.err.clone();
    let (status, _) = running.end();
    let said = lines.all().join("\n");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("Remove this value again in zone shop.example"), "{said}");
    assert_eq!(it.leaf("shop-tls").names(), ["shop.example"], "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_route_with_a_wildcard_is_renewed_by_dns_and_served() {
    let it = Issuing::new("wild");
    let host = it.host("shop");
    let (zone, www) = (it.ns.host("wild"), it.ns.host("www.wild"));
    let server = powerdns(&it, &zone);
    server.set(&zone, &www, "A", &["10.99.0.1"]);
    let before = server.records(&zone);
    let key = it.ns.dir.path().join("pdns.key");
    std::fs::write(&key, server.api_key()).unwrap();
    it.settings(&by_powerdns(&server, &zone, &format!("{{file: {}}}", key.display())));
    let wildcard = format!("*.{zone}");
    // One of its hosts is proved by HTTP, the others by DNS; a name that the wildcard covers is not ordered.
    let hosts = [host.as_str(), &wildcard, &www];
    it.ns.apply(vec![ingress("shop", &[(&hosts, "shop-tls")])]);
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    let mut expected = vec![host.clone(), wildcard];
    expected.sort();
    assert_eq!(it.leaf("shop-tls").names(), expected, "{}", ran.err);
    assert!(ran.err.contains(&format!("{host}: http-01 answer")), "{}", ran.err);
    assert!(
        ran.err.contains(&format!("{www} serves the stored certificate")),
        "{}",
        ran.err
    );
    assert_eq!(server.records(&zone), before, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn manifests_are_renewed_into_files_for_their_owner_alone() {
    let it = Issuing::new("files");
    let zone = "corp.internal";
    let server = powerdns(&it, zone);
    let before = server.records(zone);
    it.settings(&by_powerdns(&server, zone, "{env: PDNS_KEY}"));
    let (tree, out) = (it.ns.dir.path().join("tree"), it.ns.dir.path().join("out"));
    std::fs::create_dir_all(&out).unwrap();
    std::fs::create_dir_all(&tree).unwrap();
    let mut shop = ingress("shop", &[(&["shop.corp.internal", "*.corp.internal"], "shop-tls")]);
    shop["metadata"]["namespace"] = it.ns.name.as_str().into();
    let file = it.ns.dir.path().join("shop.json");
    std::fs::write(&file, shop.to_string()).unwrap();
    let (file, out_dir) = (file.to_str().unwrap(), format!("{}/", out.display()));
    let call = |args: &[&str]| it.call(args).env("PDNS_KEY", server.api_key()).run();

    let ran = call(&["renew", "shop", "-f", file, "-o", &out_dir]).ends_with(0);
    let path = out.join(format!("{}_shop-tls.yaml", it.ns.name));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", ran.err);
    assert!(ran.err.contains(path.to_str().unwrap()), "{}", ran.err);
    // The cluster was not touched; it takes the file.
    assert!(absent(&it, "shop-tls"), "{}", ran.err);
    it.ns.kubectl(&["apply", "-f", path.to_str().unwrap()]);
    let leaf = it.leaf("shop-tls");
    assert_eq!(leaf.names(), ["*.corp.internal"], "{}", ran.err);
    assert!(leaf.key_matches);

    let issue = ["issue", "--secret", "db-tls", "-d", "db.eu.corp.internal", "-f", file];
    let ran = call(&[&issue[..], &["-o", &out_dir]].concat()).ends_with(0);
    let path = out.join(format!("{}_db-tls.yaml", it.ns.name));
    it.ns.kubectl(&["apply", "-f", path.to_str().unwrap()]);
    assert_eq!(it.leaf("db-tls").names(), ["db.eu.corp.internal"], "{}", ran.err);
    assert_eq!(server.records(zone), before, "{}", ran.err);

    // What git could commit is refused before anything is ordered.
    let begun = Command::new("git").args(["init", "-q"]).arg(&tree).status().unwrap();
    assert!(begun.success());
    let orders = || it.pebble.log().matches("/order-plz").count();
    let had = orders();
    let in_git = format!("{}/", tree.display());
    let ran = call(&[&issue[..], &["-o", &in_git]].concat()).ends_with(2);
    for words in ["is in the git work tree", "hint: ", "--force"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(std::fs::read_dir(&tree).unwrap().count(), 1, "only .git");
    assert_eq!(orders(), had, "{}", ran.err);
    assert_eq!(server.records(zone), before, "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn powerdns_proves_a_hundred_names_at_once_though_its_database_takes_one_write_at_a_time() {
    let it = Issuing::new("pdnsmany");
    let zone = "many.internal";
    let server = powerdns(&it, zone);
    let key = key_in_secret(&it, server.api_key());
    it.settings(&by_powerdns(&server, zone, &key));
    let before = server.records(zone);
    let hosts: Vec<String> = (0..100).map(|number| format!("n{number}.{zone}")).collect();
    let mut args = vec!["issue", "--secret", "many-tls"];
    args.extend(hosts.iter().flat_map(|host| ["-d", host]));
    let ran = it.certs(&args).ends_with(0);
    assert!(!ran.err.contains("left out"), "{}", ran.err);
    assert_eq!(it.leaf("many-tls").names().len(), 100, "{}", ran.err);
    assert_eq!(server.records(zone), before);
}
