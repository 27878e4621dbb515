//! `preflight` against the real cluster, a real name server and a real ACME server: what is in the way is found, and nothing
//! is ordered or left.

use serde_json::{Value, json};

use super::http01::{application, backend};
use crate::support::{
    cluster::{gateway, http_route, ingress},
    dns::PowerDns,
    issuing::Issuing,
    run::Ran,
};

/// The one check of a kind; of a host where there are several.
#[track_caller]
fn check(ran: &Ran, topic: &str, subject: Option<&str>) -> Value {
    let list: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", ran.out, ran.err));
    let found: Vec<&Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["check"] == topic && subject.is_none_or(|subject| item["subject"] == subject))
        .collect();
    assert_eq!(found.len(), 1, "{topic} {subject:?}: {}", ran.out);
    found[0].clone()
}

#[track_caller]
fn says(check: &Value, result: &str, message: &str, hint: &str) {
    let text = |field: &str| check[field].as_str().unwrap_or_default();
    assert_eq!(check["result"], result, "{check}");
    assert!(text("message").contains(message), "{check}");
    assert!(text("hint").contains(hint), "{check}");
}

fn look(it: &Issuing, args: &[&str]) -> Ran {
    it.certs(&[&["preflight", "shop", "-o", "json"], args].concat())
}

/// With a Traefik that has written its address into the status of the Ingress.
fn shop(label: &str) -> (Issuing, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    (it, host)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_route_that_is_well_passes_and_nothing_is_ordered_or_left() {
    let (it, host) = shop("pre");
    let ran = it.certs(&["preflight", "shop"]).ends_with(0);
    for words in [
        "Secret".to_owned(),
        "it does not exist yet, and will be created".to_owned(),
        format!("{host}: resolves to 10.99.0.1"),
        format!("{host}: 10.99.0.1 answers 404"),
        "no name has CAA records".to_owned(),
        "through Ingress".to_owned(),
    ] {
        assert!(ran.out.contains(&words), "{words}: {}", ran.out);
    }
    assert!(!ran.out.contains("fails"), "{}", ran.out);
    assert!(
        !it.kept("config/kubectl-certs/accounts").exists(),
        "an account was made"
    );
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // With the account that an order makes.
    it.certs(&["renew", "shop"]).ends_with(0);
    let ran = look(&it, &[]).ends_with(0);
    says(&check(&ran, "account", None), "ok", "is valid", "");
    says(&check(&ran, "secret", None), "ok", "it may be written", "");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn dns_that_leads_elsewhere_or_nowhere_is_told() {
    let (it, host) = shop("predns");
    // The ACME server's address: nothing listens at its port 80.
    let other = it.pebble.directory_url();
    let other = other
        .trim_start_matches("https://")
        .split(':')
        .next()
        .unwrap()
        .to_owned();
    it.resolver.host(&host, &[&other]);
    let ran = look(&it, &[]).ends_with(4);
    let port = check(&ran, "port80", Some(&host));
    assert_eq!(
        port["result"],
        if other.starts_with("127.") { "warning" } else { "fails" },
        "{port}"
    );
    let dns = check(&ran, "dns", Some(&host));
    says(
        &dns,
        "fails",
        &format!("resolves to {other} (says resolver {}), but Ingress", it.resolver.ip()),
        "point the record to 10.99.0.1",
    );

    it.resolver.host(&host, &[]);
    let ran = look(&it, &[]).ends_with(0);
    says(
        &check(&ran, "dns", Some(&host)),
        "waiting",
        "it does not resolve yet: its A or AAAA record is missing in zone example (asked: ns1.example (",
        "point an A or AAAA record to 10.99.0.1",
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn caa_records_are_climbed_to_and_judged_for_the_account() {
    let (it, host) = shop("precaa");
    let above = host.split_once('.').unwrap().1;
    it.resolver.add(above, "CAA", "0 issue \"other.example\"");
    let ran = look(&it, &[]).ends_with(4);
    says(
        &check(&ran, "caa", Some(&host)),
        "fails",
        &format!("the CAA records of {above}: it names other CAs: other.example"),
        &format!("{above} CAA 0 issue \"pebble.letsencrypt.org\""),
    );
    // A record of the host itself goes before those above it.
    it.certs(&["renew", "shop"]).ends_with(0);
    it.resolver.add(
        &host,
        "CAA",
        "0 issue \"pebble.letsencrypt.org; accounturi=https://ca.example/acct/1\"",
    );
    let ran = look(&it, &[]).ends_with(4);
    let caa = check(&ran, "caa", Some(&host));
    says(
        &caa,
        "fails",
        "only to another account: https://ca.example/acct/1",
        "accounturi=https://",
    );
    let account = check(&ran, "account", None)["message"].as_str().unwrap().to_owned();
    let url = account.split_whitespace().next().unwrap();
    it.resolver.add(
        &host,
        "CAA",
        &format!("0 issue \"pebble.letsencrypt.org; accounturi={url}; validationmethods=dns-01\""),
    );
    let ran = look(&it, &[]).ends_with(4);
    says(&check(&ran, "caa", Some(&host)), "fails", "", "");
    it.resolver.add(
        &host,
        "CAA",
        &format!("0 issue \"pebble.letsencrypt.org; accounturi={url}; validationmethods=http-01\""),
    );
    let ran = look(&it, &[]).ends_with(0);
    says(&check(&ran, "caa", Some(&host)), "ok", "let this CA issue", "");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_application_that_redirects_and_asks_for_a_login_is_a_warning() {
    let (it, host) = shop("prered");
    it.ns.apply(backend("web", application()));
    // Traefik takes the Service up a moment later.
    let (_, warned) = crate::support::eventually("the redirect", || {
        let ran = look(&it, &[]).ends_with(0);
        let port = check(&ran, "port80", Some(&host));
        match port["message"].as_str() {
            Some(text) if text.contains("redirect") => Ok((ran, port)),
            _ => Err(port.to_string()),
        }
    });
    says(
        &warned,
        "warning",
        &format!("answers 401 after a redirect to https://{host}/login"),
        "let",
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_wildcard_needs_a_provider_and_a_provider_can_be_tried() {
    let it = Issuing::new("prewild");
    let zone = it.ns.host("zone");
    let wildcard = format!("*.{zone}");
    it.ns.apply(vec![ingress("shop", &[(&[&wildcard], "shop-tls")])]);
    let ran = look(&it, &[]).ends_with(4);
    says(
        &check(&ran, "provider", Some(&wildcard)),
        "fails",
        "no DNS provider is configured",
        "--dns manual",
    );

    let powerdns = PowerDns::start();
    powerdns.create_zone(&zone);
    it.resolver.delegate(&zone, powerdns.ip());
    let settings = |variable: &str| {
        it.settings(&format!(
            "dns01:\n  providers:\n  - name: own\n    provider: powerdns\n    zones: [{zone}]\n    url: {}\n    apiKey: {{env: {variable}}}\n",
            powerdns.api_url()
        ));
    };
    settings("PDNS_KEY");
    let ran = look(&it, &[]).ends_with(4);
    says(
        &check(&ran, "provider", Some(&zone)),
        "fails",
        "variable PDNS_KEY is not set",
        "set PDNS_KEY",
    );
    let with_key = |key: &str, args: &[&str]| {
        it.call(&[&["preflight", "shop", "-o", "json"], args].concat())
            .env("PDNS_KEY", key)
            .run()
    };
    let ran = with_key(powerdns.api_key(), &["--write-test"]).ends_with(0);
    says(
        &check(&ran, "provider", Some(&zone)),
        "ok",
        &format!("own wrote a test record at _acme-challenge.{zone} and removed it"),
        "",
    );
    let txt: Vec<_> = powerdns
        .records(&zone)
        .into_iter()
        .filter(|r| r.kind == "TXT")
        .collect();
    assert!(txt.is_empty(), "{txt:?}");
    let ran = with_key("wrong-key", &["--write-test"]).ends_with(4);
    says(&check(&ran, "provider", Some(&zone)), "fails", "401", "");
    assert!(
        !ran.out.contains("wrong-key") && !ran.err.contains("wrong-key"),
        "{}",
        ran.out
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn missing_rights_and_a_secret_of_somebody_else_are_told() {
    let (it, host) = shop("prerights");
    let mut secret = it.ns.pki.pair(&[&host]).secret("shop-tls");
    secret["metadata"]["annotations"] =
        json!({"argocd.argoproj.io/tracking-id": format!("shop:/Secret:{}/shop-tls", it.ns.name)});
    it.ns.apply(vec![secret]);
    let ran = look(&it, &[]).ends_with(5);
    says(&check(&ran, "secret", None), "fails", "Argo CD", "");
    let forced = look(&it, &["--force"]).ends_with(0);
    says(
        &check(&forced, "secret", None),
        "warning",
        "is written with --force",
        "",
    );

    let read = json!([{"apiGroups": ["", "networking.k8s.io", "gateway.networking.k8s.io", "discovery.k8s.io", "apps", "batch"],
        "resources": ["*"], "verbs": ["get", "list", "watch"]}]);
    let config = format!("--kubeconfig={}", it.ns.account("reader", &read).display());
    let ran = look(&it, &[&config, "--force"]);
    let rights = check(&ran, "rights", None);
    says(&rights, "fails", "missing", "");
    assert!(rights["message"].as_str().unwrap().contains("create"), "{rights}");
    ran.ends_with(3);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn name_servers_that_fail_forbid_what_an_answer_would_allow() {
    let it = Issuing::new("preservfail");
    let zone = it.ns.host("zone");
    let host = format!("shop.{zone}");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    // It serves no zone, and refuses to say anything of this one.
    let powerdns = PowerDns::start();
    it.resolver.delegate(&zone, powerdns.ip());
    let ran = look(&it, &[]).ends_with(4);
    says(&check(&ran, "dns", Some(&host)), "fails", "SERVFAIL", "name servers");
    says(
        &check(&ran, "caa", Some(&host)),
        "fails",
        "which forbids issuing",
        "name servers",
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_gateway_without_port_80_is_told_which_line_to_add() {
    let it = Issuing::new("pregw");
    let host = it.host("shop");
    it.ns.apply(vec![
        gateway("edge", &[("https", &host, json!([{"name": "shop-tls"}]))]),
        http_route("shop", &json!({"name": "edge"}), &[&host]),
    ]);
    let ran = it.certs(&["preflight", "gateway/edge", "-o", "json"]).ends_with(4);
    says(
        &check(&ran, "solver", Some(&host)),
        "fails",
        "has no listener with port 80 and protocol HTTP",
        "{name: http, port: 80, protocol: HTTP}",
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn without_a_ca_it_is_looked_at_with_staging_and_without_a_cluster_there_is_no_http() {
    let (it, host) = shop("prefile");
    it.settings(&format!(
        "issuers:\n  letsencrypt-staging:\n    directory: {}\n    caFile: {}\n",
        it.pebble.directory_url(),
        it.pebble.ca_file().display()
    ));
    let advertise = it.advertise();
    let ran = it
        .plain(&["preflight", "shop", "-o", "json", "--advertise", &advertise])
        .run();
    let account = check(&ran, "account", None);
    says(
        &account,
        "warning",
        "terms of service have not been agreed to",
        "--agree-tos",
    );
    assert!(
        ran.err.contains("checked with letsencrypt-staging; --production"),
        "{}",
        ran.err
    );

    let file = it.kept("shop.yaml");
    std::fs::write(&file, ingress("shop", &[(&[&host], "shop-tls")]).to_string()).unwrap();
    let ran = it
        .certs(&["preflight", "--all", "-o", "json", "-f", file.to_str().unwrap()])
        .ends_with(4);
    says(
        &check(&ran, "solver", Some(&host)),
        "fails",
        "is validated by HTTP-01 through a cluster, and there is none here",
        "DNS provider",
    );
    says(&check(&ran, "dns", Some(&host)), "ok", "resolves to 10.99.0.1", "");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_a_secret_whose_order_cert_manager_is_stuck_with_nothing_claims_that_all_is_well() {
    let (it, host) = shop("prestuck");
    let of = |kind: &str, group: &str, name: &str, spec: Value| json!({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec});
    it.ns.apply(vec![
        of(
            "Certificate",
            "cert-manager.io/v1",
            "shop",
            json!({"secretName": "shop-tls", "dnsNames": [host], "issuerRef": {"name": "own"}}),
        ),
        of(
            "Order",
            "acme.cert-manager.io/v1",
            "shop-1",
            json!({"request": "UkVRVUVTVA==", "dnsNames": [host], "issuerRef": {"name": "own"}}),
        ),
    ]);
    let ran = it.certs(&["preflight", "shop"]).ends_with(0);
    assert!(!ran.err.contains("obstacle"), "{}", ran.err);
    let told = format!(
        "cert-manager's progress with Secret {0}/shop-tls was not checked: `kubectl certs show secret/shop-tls -n {0}` shows it",
        it.ns.name
    );
    assert!(ran.err.contains(&told), "{}", ran.err);

    let other = it.host("other");
    it.ns.apply(vec![ingress("other", &[(&[&other], "other-tls")])]);
    it.until_addressed("ingress/other");
    let ran = it.certs(&["preflight", "shop", "other"]).ends_with(0);
    assert!(
        ran.err
            .contains("none of the checks found an obstacle; cert-manager's progress with"),
        "{}",
        ran.err
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_cannot_answer_is_found_before_anything_is_ordered() {
    let (it, _) = shop("preans");
    let listener = std::net::TcpListener::bind(("10.99.0.1", 0)).unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for (args, message, hint, status) in [
        (
            ["--advertise", taken.as_str()],
            "cannot listen on 10.99.0.1:",
            "another program has the port",
            2,
        ),
        (
            ["--advertise", "192.0.2.7:8089"],
            "cannot listen on 192.0.2.7:8089",
            "does not have that address",
            2,
        ),
        (
            ["--solver-service", "answers:80"],
            "/answers does not exist",
            "--solver-service",
            4,
        ),
    ] {
        let solver = if args[0] == "--advertise" {
            "endpoint"
        } else {
            "service"
        };
        let call = |command: &[&str]| {
            let args = [command, &["--solver", solver], &args[..]].concat();
            it.without_advertise(&args).run()
        };
        let ran = call(&["preflight", "shop", "-o", "json"]).ends_with(status);
        assert!(
            ran.out.contains(message) && ran.out.contains(hint) && ran.out.contains("\"fails\""),
            "{}",
            ran.out
        );
        let ran = call(&["renew", "shop"]).ends_with(status);
        assert!(
            ran.err.contains("nothing was ordered") && ran.err.contains(message),
            "{}",
            ran.err
        );
    }
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_that_is_not_in_dns_is_not_sent_to_the_ca_unless_split_dns_is_told() {
    let it = Issuing::new("prenodns");
    let host = it.ns.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    let ran = look(&it, &[]).ends_with(0);
    let dns = check(&ran, "dns", Some(&host));
    says(&dns, "waiting", "it does not resolve yet", "--self-check direct");
    let at_once = ["renew", "shop", "-o", "json", "--resolve-timeout", "0"];
    let ran = it.certs(&at_once).ends_with(4);
    assert!(ran.out.contains("\"event\":\"notStarted\""), "{}", ran.out);
    assert!(ran.out.contains("the name does not resolve yet"), "{}", ran.out);
    assert!(!ran.out.contains("\"event\":\"ordered\""), "{}", ran.out);

    let split = ["--self-check", "direct"];
    let ran = look(&it, &split).ends_with(0);
    let dns = check(&ran, "dns", Some(&host));
    says(&dns, "warning", "DNS has no address for it", "--self-check direct");
    let ran = it
        .certs(&[&["renew", "shop", "-o", "json"], &split[..]].concat())
        .ends_with(4);
    assert!(ran.out.contains("\"event\":\"asked\""), "{}", ran.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_run_asks_the_resolver_that_preflight_asks() {
    let (it, host) = shop("preresolver");
    it.until_addressed("ingress/shop");
    // One whose Internet does not have the host.
    let other = crate::support::dns::Resolver::start();
    let (url, ca, advertise) = (it.pebble.directory_url(), it.pebble.ca_file(), it.advertise());
    let of_ca = [
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
        "--yes",
    ];
    let call = |command: &[&str], resolver: &[&str]| {
        let args = [command, &["--advertise", &advertise, "-o", "json"], &of_ca, resolver].concat();
        it.plain(&args).run()
    };
    let ip = other.ip().to_string();
    let server = other.lookup("ns1.example", "A").data("A").join(" ");
    let settings = format!("dns01: {{resolvers: [{ip}]}}\n");
    // By the flag, and by the settings.
    for (flag, settings) in [(&["--resolver", ip.as_str()][..], ""), (&[], settings.as_str())] {
        it.settings(settings);
        let looked = call(&["preflight", "shop"], flag).ends_with(0);
        let said = format!(
            "does not resolve yet: its A or AAAA record is missing in zone example (asked: ns1.example ({server}))"
        );
        says(
            &check(&looked, "dns", Some(&host)),
            "waiting",
            &said,
            "--resolver ADDRESS",
        );
        for command in [&["renew", "shop"][..], &["issue", "--secret", "shop-tls", "-d", &host]] {
            let ran = call(&[command, &["--resolve-timeout", "0"]].concat(), flag).ends_with(4);
            assert!(ran.out.contains(&said), "{command:?}: {}", ran.out);
            assert!(!ran.out.contains("\"event\":\"ordered\""), "{command:?}: {}", ran.out);
        }
    }
    // By this machine's, which has it.
    it.settings("");
    let looked = call(&["preflight", "shop"], &[]).ends_with(0);
    says(
        &check(&looked, "dns", Some(&host)),
        "ok",
        "resolves to 10.99.0.1 (says this machine's DNS), where Ingress",
        "",
    );
    // The program's own trust: what is served is looked at with the CA's root.
    let root = it.pebble.root_file().to_str().unwrap().to_owned();
    call(&["renew", "shop"], &["--ca-file", &root]).ends_with(0);
}
