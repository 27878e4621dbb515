//! What the flags of an issuance change, through the command: names, keys, restarts, looks, limits, and who is chosen.

use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::x509::{Interner, bundle};
use serde_json::{Value, json};

use super::http01::backend;
use crate::support::{
    cluster::{ingress, user},
    eventually,
    issuing::{Issuing, NODE, x509::Leaf},
    pki::now,
    server::answering,
    tls,
};

/// An Ingress with a host that leads to Traefik; returns the host.
fn shop(it: &Issuing) -> String {
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    host
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

fn events(it: &Issuing) -> String {
    let of_route = "involvedObject.kind=Ingress,involvedObject.name=shop";
    let reasons = "jsonpath={.items[*].reason}";
    it.ns
        .kubectl(&["get", "events", "--field-selector", of_route, "-o", reasons])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn keys_and_names_are_as_they_were_unless_others_are_asked_for() {
    let it = Issuing::new("options");
    let host = shop(&it);
    let key = || it.secret("shop-tls")["data"]["tls.key"].clone();
    let algorithm = |leaf: &Leaf| leaf.certificate.key.to_string();

    let ran = it.certs(&["renew", "shop", "--key-type", "ecdsa-p384"]).ends_with(0);
    let p384 = it.leaf("shop-tls");
    assert_eq!(algorithm(&p384), "ecdsa-p384", "{}", ran.err);
    let told = events(&it);
    for reason in ["CertificateIssued", "CertificateServed"] {
        assert!(told.contains(reason), "{reason}: {told}");
    }

    // A name that no route has, for later; the algorithm stays, and the key is new.
    let (had, extra) = (key(), it.host("extra"));
    let ran = it.certs(&["issue", "--secret", "shop-tls", "-d", &extra]).ends_with(0);
    let kept = it.leaf("shop-tls");
    assert_eq!(algorithm(&kept), "ecdsa-p384", "{}", ran.err);
    assert_eq!(kept.names(), [extra.as_str(), host.as_str()]);
    assert_ne!(key(), had);

    let had = key();
    let ran = it.certs(&["renew", "shop", "--reuse-key"]).ends_with(0);
    assert_eq!(key(), had, "{}", ran.err);
    assert_ne!(it.leaf("shop-tls").sha256(), kept.sha256());
    assert_eq!(it.leaf("shop-tls").names(), [extra.as_str(), host.as_str()]);

    let args = ["renew", "shop", "--only-route-hosts", "--key-type", "rsa-2048"];
    let ran = it.certs(&args).ends_with(0);
    let rsa = it.leaf("shop-tls");
    assert_eq!(rsa.names(), [host.as_str()], "{}", ran.err);
    assert!(
        ran.err.contains(&format!("left out, as no route has them: {extra}")),
        "{}",
        ran.err
    );
    assert_eq!((algorithm(&rsa).as_str(), rsa.key_matches), ("rsa-2048", true));

    let keys = ["--secret-keys", "certificate=proxycert,key=proxykey"];
    let issue = ["issue", "--secret", "proxy", "-d", &host];
    let ran = it.certs(&[&issue[..], &keys[..]].concat()).ends_with(0);
    let data = it.secret("proxy")["data"].clone();
    let bytes = |key: &str| BASE64_STANDARD.decode(data[key].as_str().expect(&ran.err)).unwrap();
    let parsed = bundle::parse(
        Some(&bytes("proxycert")),
        Some(&bytes("proxykey").into()),
        &mut Interner::new(),
    );
    assert_eq!(parsed.bundle.key, kubectl_certs::x509::KeyState::Matches);
    assert!(data.get("tls.crt").is_none_or(|v| v == ""), "{data}");
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

/// A Deployment of one Pod that has the Secret by subPath.
pub(super) fn deployment(name: &str, strategy: &str) -> Value {
    let mut deployment = super::apply::deployment(name, "testbed.local/busybox:1");
    deployment["spec"]["strategy"] = json!({"type": strategy});
    deployment["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] = "shop-tls".into();
    deployment
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_cannot_be_restarted_is_told_before_the_order_and_auto_restarts_the_rest() {
    let it = Issuing::new("restart");
    let host = shop(&it);
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    eventually("the service account", || {
        let found = it.ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });
    it.ns.apply(vec![
        deployment("web", "RollingUpdate"),
        deployment("alone", "Recreate"),
    ]);
    for (what, words) in [
        ("deployment/absent", "deployment/absent does not exist"),
        (
            "deployment/alone",
            "deployment/alone is not restarted: its strategy is Recreate",
        ),
    ] {
        let ran = it.certs(&["renew", "shop", "--restart", what]).ends_with(5);
        assert!(
            ran.err.contains(words) && ran.err.contains("nothing was ordered"),
            "{}",
            ran.err
        );
    }
    assert_eq!(orders(&it), 0);

    it.ns.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let ran = it.certs(&["renew", "shop", "--restart", "auto"]).ends_with(0);
    assert!(ran.err.contains("restarted deployment/web"), "{}", ran.err);
    assert!(
        ran.err.contains("deployment/alone is not restarted") && !ran.err.contains("restarted deployment/alone"),
        "{}",
        ran.err
    );
    let annotations = it.ns.kubectl(&[
        "get",
        "deployments",
        "-o",
        "jsonpath={.items[*].spec.template.metadata.annotations}",
    ]);
    assert_eq!(annotations.matches("restartedAt").count(), 1, "{annotations}");
    // On the Secret stands who has restarted what.
    let events = it.ns.events("Secret", "shop-tls", "Restarted").concat();
    let user = user();
    assert!(
        events.starts_with("restarted deployment/web; by ")
            && events.contains(&user)
            && events.ends_with("with kubectl certs"),
        "{events}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_that_is_not_served_is_told_and_the_answer_need_not_be_looked_at() {
    let it = Issuing::new("unserved");
    let host = shop(&it);
    let other = it.ns.pki.pair(&[&host]);
    let elsewhere = tls::serve(&other);
    let args = ["renew", "shop", "--self-check", "wait=2s", "--wait", "3s", "--connect"];
    let ran = it.certs(&[&args[..], &[&elsewhere]].concat()).ends_with(5);
    assert!(
        ran.err.contains("the new certificate is stored, but not served"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("kubectl certs rollback shop-tls"), "{}", ran.err);
    // Only this namespace was read: a route of another one may be why.
    let others = format!("`kubectl certs status -A --filter {host}");
    assert!(ran.err.contains(&others), "{}", ran.err);
    // Where it was looked, it is looked again.
    let probe = format!(
        "kubectl certs show secret/shop-tls -n {} --probe --connect {elsewhere}",
        it.ns.name
    );
    assert!(
        ran.err.contains(&format!("`{probe}` shows the served certificate")),
        "{}",
        ran.err
    );
    // While it lasts, it is said.
    let waits = format!("waits: {host} to serve the new certificate, 3 s at most");
    assert!(ran.err.contains(&waits), "{}", ran.err);
    let stored = it.leaf("shop-tls");

    // A wait is no silence.
    let told = it.certs(&["renew", "shop", "--self-check", "wait=3s"]).ends_with(0);
    assert!(
        told.err.contains("waits: 3s before the CA is asked to validate"),
        "{}",
        told.err
    );
    let wait = ["renew", "shop", "--self-check", "wait=1s", "-o", "json"];
    let ran = it.certs(&wait).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), stored.sha256(), "{}", ran.err);
    assert!(!ran.out.contains("\"selfChecked\""), "{}", ran.out);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // Without a route there is no address of its own.
    let new = it.host("new");
    let issue = ["issue", "--secret", "new", "-d", &new, "--self-check", "direct"];
    let ran = it.certs(&issue).ends_with(4);
    assert!(
        ran.err.contains("no route has the host") && ran.err.contains("--connect HOST:PORT"),
        "{}",
        ran.err
    );
    let connect = format!("{NODE}:443");
    it.certs(&[&issue[..], &["--connect", &connect]].concat()).ends_with(0);
    assert_eq!(it.leaf("new").names(), [new.as_str()]);
}

/// Answers requests with what there is for their path.
fn answers(body: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    answering(NODE, move |head| {
        let found = head.split(' ').nth(1).and_then(&body);
        let (status, body) = found.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_service_of_the_users_answers_a_ca() {
    let it = Issuing::new("service");
    let host = it.host("shop");
    // What the user's proxy does: it serves the files of the ConfigMap.
    let namespace = it.ns.name.clone();
    let answers = answers(move |path| {
        let token = path.strip_prefix("/.well-known/acme-challenge/")?;
        let file = format!("jsonpath={{.data.{}}}", token.replace('.', r"\."));
        let args = [
            "get",
            "configmap",
            "kubectl-certs-challenges",
            "-n",
            &namespace,
            "-o",
            &file,
        ];
        let ran = crate::support::run::Call::kubectl(args).run();
        (ran.status == Some(0) && !ran.out.is_empty()).then_some(ran.out)
    });
    let mut objects = backend("responder", answers);
    let mut route = ingress("shop", &[(&[&host], "shop-tls")]);
    let paths = &mut route["spec"]["rules"][0]["http"]["paths"];
    let to = json!({"service": {"name": "responder", "port": {"number": 80}}});
    let path = json!({"path": "/.well-known/acme-challenge/", "pathType": "Prefix", "backend": to});
    paths.as_array_mut().unwrap().push(path);
    objects.push(route);
    it.ns.apply(objects);
    let solver = ["--solver", "service", "--solver-service", "responder:80"];
    let ran = it.certs(&[&["renew", "shop"], &solver[..]].concat()).ends_with(0);
    let first = it.leaf("shop-tls");
    assert_eq!(first.names(), [host.as_str()], "{}", ran.err);
    // It answers at once, so that nobody needs to look before the CA.
    let off = ["--self-check", "off", "-o", "json"];
    let ran = it
        .certs(&[&["renew", "shop"], &solver[..], &off[..]].concat())
        .ends_with(0);
    assert!(!ran.out.contains("\"selfChecked\""), "{}", ran.out);
    assert_ne!(it.leaf("shop-tls").sha256(), first.sha256());
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

/// An issuer `own` of the settings, which is this test's server, and what else is said of it.
fn own_issuer(it: &Issuing, more: &str) {
    it.settings(&format!(
        "issuers:\n  own:\n    directory: {}\n    caFile: {}\n    agreeTos: true\n{more}",
        it.pebble.directory_url(),
        it.pebble.ca_file().display()
    ));
}

/// The call of an issuance with an issuer of the settings.
fn by_issuer(it: &Issuing, args: &[&str]) -> crate::support::run::Ran {
    let (root, advertise, resolver) = (it.pebble.root_file(), it.advertise(), it.resolver.ip().to_string());
    let more = [
        "--ca-file",
        root.to_str().unwrap(),
        "--advertise",
        &advertise,
        "--resolver",
        &resolver,
        "--yes",
    ];
    it.plain(&[args, &more].concat()).run()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_order_too_many_is_refused_and_what_an_account_in_a_secret_ordered_is_known() {
    let it = Issuing::new("limits");
    shop(&it);
    own_issuer(&it, "    rateLimits: {orders: 2}\n");
    let account = format!("{}/acme", it.ns.name);
    let args = ["renew", "shop", "--issuer", "own", "--account-secret", &account];
    for run in 1..=2 {
        let ran = by_issuer(&it, &args).ends_with(0);
        assert!(!ran.err.contains("could not be counted"), "{run}: {}", ran.err);
    }
    // The second said which it replaces: the first is known to be this account's.
    assert_eq!(it.pebble.log().matches("is a replacement of").count(), 1);
    let (had, version) = (orders(&it), it.version("shop-tls"));
    let ran = by_issuer(&it, &args).ends_with(4);
    assert!(
        ran.err
            .contains("new orders of this account: 0 of 2 left; one more is possible from 20"),
        "{}",
        ran.err
    );
    assert_eq!((orders(&it), it.version("shop-tls")), (had, version));
    let ran = by_issuer(&it, &[&args[..], &["--ignore-rate-limits"]].concat()).ends_with(0);
    assert_eq!(orders(&it), had + 1, "{}", ran.err);
    // Neither a ledger nor an account is on this machine.
    assert!(!it.kept("config/kubectl-certs/accounts").exists());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_renewal_of_the_same_names_is_not_held_up_by_limits_that_a_new_name_meets() {
    let it = Issuing::new("limits-same");
    shop(&it);
    own_issuer(
        &it,
        "    stage: production\n    rateLimits: {orders: 1, certificatesPerDomain: 1}\n",
    );
    for _ in 0..3 {
        by_issuer(&it, &["renew", "shop", "--issuer", "own"]).ends_with(0);
    }
    assert_eq!(orders(&it), 3);
    let extra = it.host("extra");
    let ran = by_issuer(&it, &["issue", "--secret", "shop-tls", "-d", &extra, "--issuer", "own"]).ends_with(4);
    assert!(
        ran.err.contains(": 0 of 1 left; one more is possible from 20"),
        "{}",
        ran.err
    );
    assert_eq!(orders(&it), 3);
    let secret = it.secret("shop-tls");
    let noted = |what: &str| secret["metadata"]["annotations"][format!("kubectl-certs.io/{what}")].clone();
    assert_eq!(noted("order-kind"), "same-names");
    let account = noted("account");
    assert!(
        account.as_str().is_some_and(|url| url.starts_with("https://")),
        "{account}"
    );
    let ran = it
        .plain(&["limits", "--issuer", "own", "-o", "json"])
        .run()
        .ends_with(0);
    let shown: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(shown["account"], account);
    let left = |limit: &str| {
        let items = shown["items"].as_array().expect("items").iter();
        items
            .filter(|item| item["limit"] == limit)
            .map(|item| (item["left"].clone(), item["burst"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(left("orders"), [(json!(0), json!(1))], "{}", ran.out);
    assert_eq!(left("certificatesPerDomain"), [(json!(0), json!(1))], "{}", ran.out);
    assert_eq!(left("sameNames"), [(json!(2), json!(5))], "{}", ran.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn staging_replaces_what_is_trusted_only_when_it_is_told_to() {
    let it = Issuing::new("staging");
    let host = shop(&it);
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    own_issuer(&it, "    stage: staging\n");
    let before = it.version("shop-tls");
    let args = ["renew", "shop", "--issuer", "own"];
    let ran = by_issuer(&it, &args).ends_with(5);
    assert!(ran.err.contains("--overwrite-with-staging"), "{}", ran.err);
    assert_eq!((it.version("shop-tls"), orders(&it)), (before.clone(), 0));
    let ran = by_issuer(&it, &[&args[..], &["--overwrite-with-staging"]].concat()).ends_with(0);
    assert_ne!(it.version("shop-tls"), before, "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn routes_are_chosen_by_their_labels_in_all_namespaces_and_by_what_their_lifetime_says() {
    let it = Issuing::new("chosen");
    let (one, two) = (it.host("one"), it.host("two"));
    let labelled = |name: &str, host: &str, team: &str| {
        let mut route = ingress(name, &[(&[host], &format!("{name}-tls"))]);
        // No other test has it: all namespaces are looked through.
        route["metadata"]["labels"] = json!({"team": format!("{}-{team}", it.ns.name)});
        route
    };
    let worn = it.ns.pki.pair_with(&[&one], |params| {
        params.not_before = now() - time::Duration::days(80);
        params.not_after = now() + time::Duration::days(10);
    });
    it.ns
        .apply(vec![labelled("one", &one, "a"), labelled("two", &two, "b")]);
    it.ns
        .create(vec![worn.secret("one-tls"), it.ns.pki.pair(&[&two]).secret("two-tls")]);
    let names = |secret: &str| it.leaf(secret).sha256();
    let (first, second) = (names("one-tls"), names("two-tls"));

    let ran = it.certs(&["renew", "--due", "--adopt"]).ends_with(0);
    assert!(ran.err.contains("due, most of its lifetime is over"), "{}", ran.err);
    assert!(
        ran.err.contains("1 certificate not due yet; the next is on "),
        "{}",
        ran.err
    );
    assert_ne!(names("one-tls"), first, "{}", ran.err);
    assert_eq!(names("two-tls"), second, "{}", ran.err);

    let label = format!("team={}-b", it.ns.name);
    let renewed = names("one-tls");
    let ran = it
        .everywhere(&["renew", "-A", "-l", &label, "--adopt"])
        .run()
        .ends_with(0);
    assert_ne!(names("two-tls"), second, "{}", ran.err);
    assert_eq!(names("one-tls"), renewed, "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_was_replaced_comes_back_and_is_served_and_copies_are_made_anew() {
    let it = Issuing::new("undo");
    let host = shop(&it);
    let old = it.ns.pki.pair(&[&host]);
    let mut secret = old.secret("shop-tls");
    secret["stringData"]["ca.crt"] = it.ns.pki.root_pem().into();
    secret["stringData"]["tls-combined.pem"] = (old.key.clone() + &old.chain).into();
    it.ns.create(vec![secret]);
    tls::wait_until_served(&host, &old);

    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    assert!(ran.err.contains("rebuilt beside it: "), "{}", ran.err);
    let data = it.secret("shop-tls")["data"].clone();
    let text = |key: &str| String::from_utf8(BASE64_STANDARD.decode(data[key].as_str().unwrap()).unwrap()).unwrap();
    assert!(text("tls-combined.pem").contains(text("tls.crt").trim()), "{}", ran.err);
    assert_ne!(text("ca.crt"), it.ns.pki.root_pem(), "the new chain has another root");

    let back = it.plain(&["rollback", "shop-tls", "--yes"]).run().ends_with(0);
    let held = it.secret("shop-tls")["data"].clone();
    assert_eq!(held["tls.key"], json!(BASE64_STANDARD.encode(&old.key)), "{}", back.err);
    assert_eq!(held["ca.crt"], json!(BASE64_STANDARD.encode(it.ns.pki.root_pem())));
    tls::wait_until_served(&host, &old);

    // A keystore that nobody can make anew stops it before the order, and so does data in an annotation.
    let (orders_before, keystore) = (
        orders(&it),
        json!({"data": {"keystore.p12": BASE64_STANDARD.encode("x")}}),
    );
    it.ns.kubectl(&[
        "patch",
        "secret",
        "shop-tls",
        "--type=merge",
        "-p",
        &keystore.to_string(),
    ]);
    let ran = it.certs(&["renew", "shop"]).ends_with(5);
    assert!(ran.err.contains("keystore.p12"), "{}", ran.err);
    let manifest = json!({"metadata": {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json!({"data": held}).to_string()},
    }, "data": {"keystore.p12": null}});
    it.ns.kubectl(&[
        "patch",
        "secret",
        "shop-tls",
        "--type=merge",
        "-p",
        &manifest.to_string(),
    ]);
    let ran = it.certs(&["renew", "shop"]).ends_with(5);
    assert!(ran.err.contains("applied with kubectl"), "{}", ran.err);
    assert_eq!(orders(&it), orders_before);
    assert!(!ran.err.contains("PRIVATE"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_rehearsal_that_edits_the_live_ingress_says_so_and_asks() {
    let it = Issuing::new("in-place");
    let host = shop(&it);
    it.settings(&it.issuers());
    let advertise = it.advertise();
    let args = ["renew", "shop", "--solver", "in-place", "--advertise", &advertise];
    let asked = it.plain(&args).run().ends_with(2);
    let said = format!("live Ingress {}/shop is edited for a moment", it.ns.name);
    assert!(
        asked.err.contains(&said) && asked.err.contains("--yes"),
        "{}",
        asked.err
    );
    assert_eq!(orders(&it), 0, "{}", asked.err);

    let ran = it.plain(&[&args[..], &["--yes"]].concat()).run().ends_with(0);
    assert!(ran.err.contains(&said), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // A path of the live Ingress would ask for its login too: an Ingress of its own leads to the answer.
    let middlewares = "traefik.ingress.kubernetes.io/router.middlewares=default-login@kubernetescrd";
    it.ns.kubectl(&["annotate", "ingress", "shop", middlewares]);
    let ran = it
        .certs(&["renew", "shop", "--solver", "in-place", "--wait", "0"])
        .ends_with(0);
    assert!(!ran.err.contains("is edited"), "{}", ran.err);
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()], "{}", ran.err);
}
