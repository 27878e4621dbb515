//! Customers who bring their own domains: an application that knows them, and three ways in.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{
    controller::orders,
    customers::{Application, PAGE, customer, define, domain, platform, platform_with},
    eventually, eventually_within,
    issuing::{Issuing, NODE},
    pebble::DEFAULT,
    postgres::Postgres,
    run::Running,
    server::curl,
};

/// How long the first certificate of a host takes at most, with Traefik's own pause.
const SOON: Duration = Duration::from_secs(15);

/// The header of a request by a ServiceAccount of the test's namespace, which is made.
fn bearer(it: &Issuing, account: &str) -> String {
    it.ns.kubectl(&["create", "serviceaccount", account]);
    let token = ["create", "token", account, "--audience", "kubectl-certs"];
    format!("Authorization: Bearer {}", it.ns.kubectl(&token).trim())
}

fn status(it: &Issuing, host: &str, field: &str) -> String {
    let path = format!("jsonpath={{.status.{field}}}");
    it.ns.kubectl(&[
        "get",
        "domains.kubectl-certs.io",
        host,
        "--ignore-not-found",
        "-o",
        &path,
    ])
}

/// Waits until Traefik serves the page under the customer's name, with a certificate that clients trust.
#[track_caller]
fn until_served(it: &Issuing, host: &str, running: &Running) {
    let (root, resolve) = (it.pebble.root_file(), format!("{host}:443:{NODE}"));
    let root = root.to_str().unwrap();
    eventually_within(SOON, &format!("the page of {host}"), || {
        let got = curl(&["--cacert", root, "--resolve", &resolve, &format!("https://{host}/")]);
        match got {
            Ok(page) if page == PAGE => Ok(()),
            other => Err(format!(
                "{other:?} {} {:?} {:?}",
                status(it, host, "reason"),
                running.out.all(),
                running.err.all()
            )),
        }
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_customers_domain_is_served_once_the_application_says_yes_by_each_of_the_three_ways_in() {
    let it = Issuing::new("customers");
    define();
    let app = Application::start(&it);
    let (by_object, by_put, by_handshake, nobodys) = (
        customer(&it, "object"),
        customer(&it, "put"),
        customer(&it, "handshake"),
        customer(&it, "nobodys"),
    );
    for host in [&by_object, &by_put, &by_handshake] {
        app.knows(host);
    }
    let (running, api) = platform(&it, &app);

    // A manifest.
    it.ns.apply(vec![domain(&by_object), domain(&nobodys)]);
    until_served(&it, &by_object, &running);
    assert_eq!(status(&it, &by_object, "permitted"), "true");
    eventually("the state of both", || {
        let states = (status(&it, &by_object, "state"), status(&it, &nobodys, "state"));
        if states == ("active".to_owned(), "refused".to_owned()) {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    });
    let listed = it.ns.kubectl(&["get", "domains.kubectl-certs.io"]);
    assert!(listed.contains("STATE") && listed.contains("UNTIL"), "{listed}");

    // A request of the application.
    let (edge_token, bearer) = (bearer(&it, "edge"), bearer(&it, "app"));
    let put = format!("{api}/v1/domains/{by_put}");
    let answer = curl(&["-X", "PUT", "-H", &bearer, &put]).expect("it is registered");
    assert!(answer.contains(&by_put), "{answer}");
    until_served(&it, &by_put, &running);
    let answer = curl(&["-H", &bearer, &put]).expect("it is known");
    assert!(answer.contains("\"active\""), "{answer}");
    assert!(curl(&["-X", "PUT", &put]).is_err(), "without a token");

    // The first visitor.
    let at = |host: &str| format!("{api}/v1/certificate?server_name={host}");
    let source = |host: &str| curl(&["-H", &edge_token, &at(host)]);
    let pair = source(&by_handshake).expect("a pair, once it is there");
    assert!(pair.contains("BEGIN CERTIFICATE") && pair.contains("PRIVATE KEY"));
    until_served(&it, &by_handshake, &running);
    assert_eq!(source(&nobodys), Ok(String::new()), "there is none");
    let refused = curl(&["-H", &bearer, &at(&by_handshake)]).expect_err("the application gets no keys");
    assert!(refused.contains("403"), "{refused}");

    // All of them are in one object, and nothing goes on.
    let chunks = ["get", "ingresses", "-l", "kubectl-certs.io/purpose=chunk", "-o", "json"];
    let all = |it: &Issuing| -> Value { serde_json::from_str(&it.ns.kubectl(&chunks)).unwrap() };
    let found = all(&it);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["items"][0]["spec"]["tls"].as_array().map(Vec::len), Some(3));
    assert_eq!(orders(&it), 3);
    assert_eq!(app.asked_about(&by_object), 1);
    let versions = |it: &Issuing| {
        let domains = [
            "get",
            "domains.kubectl-certs.io",
            "-o",
            "jsonpath={.items[*].metadata.resourceVersion}",
        ];
        (
            it.ns.kubectl(&domains),
            all(it)["items"][0]["metadata"]["resourceVersion"].clone(),
        )
    };
    // The second light may take a moment.
    eventually("all of them to be seen served", || {
        let records = it.ns.kubectl(&[
            "get",
            "domains.kubectl-certs.io",
            "-o",
            "jsonpath={.items[*].status.record.served.present}",
        ]);
        if records.split_whitespace().filter(|word| *word == "true").count() == 3 {
            Ok(())
        } else {
            Err(records)
        }
    });
    let before = versions(&it);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(versions(&it), before, "nobody writes while nothing happens");

    // Somebody deletes what serves them, and takes one away.
    it.ns
        .kubectl(&["delete", "domains.kubectl-certs.io", &by_put, "--wait=true"]);
    eventually("the one that left not to be served", || {
        let found = all(&it);
        let hosts = found["items"][0]["spec"]["tls"].to_string();
        if hosts.contains(&by_put) { Err(hosts) } else { Ok(()) }
    });
    until_served(&it, &by_object, &running);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_development_copy_keeps_its_own_customers_and_touches_nobody_elses() {
    let (prod, dev) = (Issuing::new("platform"), Issuing::new("platform-dev"));
    define();
    let (app, app_dev) = (Application::start(&prod), Application::start(&dev));
    let (shop, trial) = (customer(&prod, "shop"), customer(&dev, "trial"));
    app.knows(&shop);
    app_dev.knows(&trial);
    let (running, _) = platform(&prod, &app);
    let (running_dev, _) = platform(&dev, &app_dev);
    prod.ns.apply(vec![domain(&shop)]);
    dev.ns.apply(vec![domain(&trial)]);
    until_served(&prod, &shop, &running);
    until_served(&dev, &trial, &running_dev);
    assert_eq!((app.asked_about(&trial), app_dev.asked_about(&shop)), (0, 0));
    assert_eq!((orders(&prod), orders(&dev)), (1, 1));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_customer_has_a_certificate_before_traffic_moves_and_is_seen_served_once_it_has() {
    let it = Issuing::new("before");
    define();
    let app = Application::start(&it);
    let host = customer(&it, "shop");
    app.knows(&host);
    // It leads to whoever served it before.
    it.resolver.host(&host, &["192.0.2.9"]);
    let zone = format!("challenges.{}.net", it.ns.name);
    let (server, dns01) = it.powerdns(&[&zone]);
    let more = format!("  challengeZone: {zone}\n");
    let (running, api) = platform_with(&it, &app, &more, &dns01);

    let bearer = bearer(&it, "app");
    let url = format!("{api}/v1/domains/{host}");
    let told = |args: &[&str]| -> Value {
        let answer = curl(&[args, &["-H", &bearer, &url]].concat()).expect("an answer of the API");
        serde_json::from_str(&answer).unwrap()
    };
    // The customer has set it before the application says so.
    let (alias, value) = (format!("_acme-challenge.{host}"), format!("{host}.{zone}"));
    it.resolver.add(&alias, "CNAME", &format!("{value}."));
    let answer = told(&["-X", "PUT"]);
    let records = answer["records"].as_array().unwrap();
    let record = records.iter().find(|record| record["name"] == alias.as_str());
    assert_eq!(record.expect("a record before traffic moves")["value"], value.as_str());

    let until = |what: &str, is: &dyn Fn(&Value) -> bool| {
        eventually_within(SOON, what, || {
            let now = told(&[]);
            if is(&now) {
                Ok(())
            } else {
                Err(format!("{now} {:?} {:?}", running.out.all(), running.err.all()))
            }
        });
    };
    until("a certificate", &|now| {
        now["state"] == "active" && now["certificate"]["valid"] == true
    });
    let now = told(&[]);
    assert!(now["served"]["present"].is_null(), "{now}");
    let reason = now["reason"].as_str().unwrap();
    assert!(reason.contains("does not lead here yet"), "{now}");
    assert_eq!(status(&it, &host, "proof"), "dns-01");
    let zone = server.records(&zone);
    assert!(!format!("{zone:?}").contains("TXT"), "the proof is left: {zone:?}");

    it.resolver.host(&host, &[NODE]);
    until_served(&it, &host, &running);
    told(&["-X", "PUT"]);
    until("it to be seen served", &|now| now["served"]["present"] == true);
    assert_eq!(status(&it, &host, "proof"), "http-01");
    assert_eq!(orders(&it), 1);
}

/// Each host's own middleware says whose it is.
const TEMPLATE: &str = "
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
spec:
  entryPoints: [websecure]
  routes:
  - match: Host(`{host}`)
    kind: Rule
    middlewares: [{name: '{tenant}'}]
    services: [{name: app, port: 80}]
  tls: {secretName: '{secret}'}
";

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_gets_a_route_of_its_own_of_the_platforms_template_for_as_long_as_it_is_a_customers() {
    let it = Issuing::new("template");
    define();
    let app = Application::start(&it);
    let host = customer(&it, "shop");
    app.knows(&host);
    it.ns.apply(vec![
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "route"}, "data": {"template.yaml": TEMPLATE},
        }),
        json!({
            "apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": it.ns.name},
            "spec": {"headers": {"customResponseHeaders": {"X-Tenant": it.ns.name}}},
        }),
    ]);
    let more = "  serve: template\n  template: route\n";
    let (running, _) = platform_with(&it, &app, more, "");
    it.ns.apply(vec![domain(&host)]);
    until_served(&it, &host, &running);
    let (root, resolve) = (it.pebble.root_file(), format!("{host}:443:{NODE}"));
    let url = format!("https://{host}/");
    let args = [
        "--cacert",
        root.to_str().unwrap(),
        "--resolve",
        &resolve,
        "-D",
        "-",
        &url,
    ];
    let answer = curl(&args).expect("a page").to_lowercase();
    assert!(answer.contains(&format!("x-tenant: {}", it.ns.name)), "{answer}");
    assert_eq!(orders(&it), 1);

    it.ns
        .kubectl(&["delete", "domains.kubectl-certs.io", &host, "--wait=true"]);
    let routes = [
        "get",
        "ingressroutes.traefik.io",
        "-l",
        "kubectl-certs.io/purpose=chunk",
        "-o",
        "name",
    ];
    eventually("the route to go with the customer", || {
        let left = it.ns.kubectl(&routes);
        if left.trim().is_empty() { Ok(()) } else { Err(left) }
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_database_has_the_certificates_of_customers_which_are_ordered_renewed_and_given_out_without_a_secret() {
    let it = Issuing::with("rows", |options| {
        options.profiles = vec![(DEFAULT.0, 16)];
        // The CA's resolver remembers the proof of the first certificate for longer than that lives.
        options.authz_reuse = 100;
    });
    let database = Postgres::start();
    let app = Application::start(&it);
    let host = customer(&it, "shop");
    app.knows(&host);
    it.resolver.host(&host, &["192.0.2.9"]);
    let zone = format!("challenges.{}.net", it.ns.name);
    let (_server, dns01) = it.powerdns(&[&zone]);
    it.resolver
        .add(&format!("_acme-challenge.{host}"), "CNAME", &format!("{host}.{zone}."));
    let file = |name: &str, text: &str| {
        let path = it.kept(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = BASE64_STANDARD.encode([7; 32]);
    let more = format!(
        "  challengeZone: {zone}\n  serve: source\n  store: postgres\n  databaseUrl: {{file: {}}}\n  databaseKey: {{file: {}}}\n",
        file("database-url", &database.url()),
        file("database-key", &key),
    );
    let (running, api) = platform_with(&it, &app, &more, &dns01);
    let (edge_token, bearer) = (bearer(&it, "edge"), bearer(&it, "app"));
    let url = format!("{api}/v1/domains/{host}");
    curl(&["-X", "PUT", "-H", &bearer, &url]).expect("it is registered");
    let serial = || {
        let answer = curl(&["-H", &bearer, &url]).expect("an answer of the API");
        let now: Value = serde_json::from_str(&answer).unwrap();
        let serial = now["certificate"]["serial"].as_str().map(str::to_owned);
        serial.ok_or_else(|| format!("{now} {:?} {:?}", running.out.all(), running.err.all()))
    };
    eventually_within(SOON, "a certificate", || serial().map(drop));
    let first = serial().unwrap();
    let source = format!("{api}/v1/certificate?server_name={host}");
    let given_out = || curl(&["-H", &edge_token, &source]).expect("a pair");
    let pair = given_out();
    assert!(pair.contains("BEGIN CERTIFICATE") && pair.contains("PRIVATE KEY"));

    // The database has no key that anybody can use, and the cluster has no Secret.
    let rows = database.psql("SELECT record::text || chain || encode(key, 'escape') FROM kubectl_certs_domains");
    assert!(
        rows.contains("BEGIN CERTIFICATE") && !rows.contains("PRIVATE KEY"),
        "{rows}"
    );
    let secrets = it.ns.kubectl(&["get", "secrets", "-o", "name"]);
    assert!(!secrets.contains(&host), "{secrets}");

    // It lives for seconds, and is renewed in its time.
    eventually_within(SOON, "the renewal", || {
        let now = serial()?;
        if now == first {
            Err(format!("{first} {:?}", running.out.all()))
        } else {
            Ok(())
        }
    });
    assert_ne!(given_out(), pair);
    assert_eq!(it.ns.kubectl(&["get", "secrets", "-o", "name"]), secrets);
}
