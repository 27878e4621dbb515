//! The controller against the real cluster: Ingresses of all kinds of teams, who ask by an annotation.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    cluster::{ingress, kubectl},
    dns::PowerDns,
    eventually,
    issuing::{Issuing, NODE},
    run::Running,
    server::free_port,
};

/// An Ingress that asks for its certificates.
pub(super) fn asking(name: &str, hosts: &[&str]) -> Value {
    let mut object = ingress(name, &[(hosts, &format!("{name}-tls"))]);
    object["metadata"]["annotations"] = json!({"kubernetes.io/tls-acme": "true"});
    object
}

/// A controller for the namespace of the test, with an account that was registered beforehand.
fn controller(it: &Issuing) -> Running {
    register(it);
    start(it)
}

/// Makes the account.
pub(super) fn register(it: &Issuing) {
    let account = format!("{}/account", it.ns.name);
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    it.at_home(&[
        "account",
        "register",
        "--account-secret",
        &account,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
    ])
    .run()
    .ends_with(0);
}

/// One more replica of it.
fn start(it: &Issuing) -> Running {
    start_with(it, &[])
}

/// The same with more arguments.
pub(super) fn start_with(it: &Issuing, more: &[&str]) -> Running {
    let account = format!("{}/account", it.ns.name);
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let resolver = it.resolver.ip().to_string();
    let advertise = format!("{NODE}:{}", free_port());
    let own = [
        "controller",
        "--account-secret",
        &account,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--ca-file",
        it.pebble.root_file().to_str().unwrap(),
        "--resolver",
        &resolver,
        "--advertise",
        &advertise,
    ];
    it.plain(&[&own, more].concat()).start()
}

pub(super) fn resume(it: &Issuing) {
    it.plain(&["resume"]).run().ends_with(0);
}

/// Waits until a Secret has a certificate for exactly these names.
#[track_caller]
pub(super) fn until_stored(it: &Issuing, secret: &str, names: &[&str], running: &Running) {
    eventually(&format!("a certificate in {secret}"), || {
        let said = || format!("{:?} {:?}", running.out.all(), running.err.all());
        let found = it
            .ns
            .kubectl(&["get", "secret", secret, "--ignore-not-found", "-o", "name"]);
        if found.is_empty() {
            return Err(said());
        }
        let has = it.leaf(secret).names();
        if has == names {
            Ok(())
        } else {
            Err(format!("{has:?} {}", said()))
        }
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn annotated_ingresses_get_and_keep_certificates_once_somebody_has_said_so() {
    let it = Issuing::new("tls-acme");
    let (shop, www, blog) = (it.host("shop"), it.host("www"), it.host("blog"));
    it.ns.apply(vec![
        asking("shop", &[&shop, &www]),
        // This one does not ask.
        ingress("quiet", &[(&[&it.host("quiet")], "quiet-tls")]),
    ]);
    let running = controller(&it);
    // The first start plans, and orders nothing.
    running.out.after(
        0,
        &["nobody has told it to order yet: 1 certificates would be ordered now"],
    );
    assert_eq!(it.ns.kubectl(&["get", "secret", "shop-tls", "--ignore-not-found"]), "");
    resume(&it);
    until_stored(&it, "shop-tls", &[&shop, &www], &running);
    let claim = it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/claim"].clone();
    let install = it.secret("account")["metadata"]["annotations"]["kubectl-certs.io/install"].clone();
    assert!(claim.is_string() && claim == install, "{claim} {install}");
    // A new one is served within seconds, and writes no route of its own.
    let began = Instant::now();
    assert_eq!(it.ns.kubectl(&["get", "secret", "quiet-tls", "--ignore-not-found"]), "");
    it.ns.apply(vec![asking("blog", &[&blog])]);
    until_stored(&it, "blog-tls", &[&blog], &running);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Who asks later is heard too.
    it.ns
        .kubectl(&["annotate", "ingress", "quiet", "kubernetes.io/tls-acme=true"]);
    until_stored(&it, "quiet-tls", &[&it.host("quiet")], &running);
    // A host more is another certificate; the one that asks for nothing has none.
    let more = it.host("more");
    it.ns.apply(vec![asking("blog", &[&blog, &more])]);
    let mut both = [blog.as_str(), more.as_str()];
    both.sort_unstable();
    until_stored(&it, "blog-tls", &both, &running);
    // Nothing is left but the routes that stay.
    let standing = it.ns.kubectl(&[
        "get",
        "ingresses,services,endpointslices",
        "-l",
        "kubectl-certs.io/purpose=standing",
        "-o",
        "name",
    ]);
    assert_eq!(standing.lines().count(), 4, "{standing}");
    eventually("what was temporary to be gone", || {
        let left: Vec<String> = it
            .left()
            .into_iter()
            .filter(|name| !standing.contains(name.as_str()))
            .collect();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
    running.interrupt();
    let (status, took) = running.end();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(status.is_some());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_namespace_of_a_kind_gets_the_wildcard_of_its_internal_zone_with_no_further_act() {
    let it = Issuing::new("qa-zones");
    let namespace = it.ns.name.clone();
    let zone = "svc.cluster-01.internal";
    let server = PowerDns::start();
    server.create_zone(zone);
    it.resolver.delegate(zone, server.ip());
    let before = server.records(zone);
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "powerdns"}, "stringData": {"apikey": server.api_key()},
    })]);
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: \
         {{secretRef: {{namespace: {namespace}, name: powerdns, key: apikey}}}}\nunattended:\n  wildcards:\n  - namespaceSelector: \
         environment=qa\n    name: \"*.{{namespace}}.{zone}\"\n",
        server.api_url()
    ));
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["0 Secrets are kept"]);
    // A team labels its namespace, and does nothing else.
    kubectl(&["label", "namespace", &namespace, "environment=qa"]);
    until_stored(&it, "wildcard-tls", &[&format!("*.{namespace}.{zone}")], &running);
    eventually("an empty zone", || {
        let now = server.records(zone);
        if now == before { Ok(()) } else { Err(format!("{now:?}")) }
    });
    let said = running.out.all().join("\n");
    assert!(!said.contains(server.api_key()), "{said}");
    assert_eq!(it.left(), [""; 0], "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_replica_that_waits_goes_on_where_a_leader_ends_or_is_killed() {
    let it = Issuing::new("replicas");
    let [a, b, c] = ["a", "b", "c"].map(|label| it.host(label));
    let one = controller(&it);
    resume(&it);
    one.out.after(0, &["\"event\":\"leads\""]);
    let two = start(&it);
    two.out.after(0, &["Secrets are kept"]);
    it.ns.apply(vec![asking("a", &[&a])]);
    until_stored(&it, "a-tls", &[&a], &one);
    // It ends as a rollout ends it.
    let began = Instant::now();
    one.signal("-TERM");
    two.out.after(0, &["\"event\":\"leads\""]);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(one);
    it.ns.apply(vec![asking("b", &[&b])]);
    until_stored(&it, "b-tls", &[&b], &two);
    assert!(
        two.out.all().iter().all(|line| !line.contains("a-tls")),
        "what is there is not ordered again"
    );
    // It is killed in the middle of an order.
    let three = start(&it);
    three.out.after(0, &["Secrets are kept"]);
    it.ns.apply(vec![asking("c", &[&c])]);
    two.out.after(0, &["\"event\":\"ordered\"", &c]);
    two.signal("-KILL");
    let began = Instant::now();
    three.out.after(0, &["\"event\":\"leads\""]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    until_stored(&it, "c-tls", &[&c], &three);
    // Nobody waits for the Lease of the one that was killed.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}
