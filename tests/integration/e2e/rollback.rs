//! `rollback`: the pair before the last renewal comes back, whole, and only over its successor.

use kubectl_certs::{
    apply::{
        Api, Pair, Permits, Roots, RunId, SecretChange, Target, backup,
        secret::{self, Note, Options},
    },
    engine::lease,
    k8s::{ConnectOptions, connect},
    object::Key,
};
use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress},
    issuing::Issuing,
    pki,
    pki::now,
    tls,
};

/// Replaces what a Secret holds, as a renewal does, and keeps what was there.
async fn renew(ns: &Namespace, name: &str, pair: &pki::Pair) {
    let key = Key::new(ns.name.as_str(), name);
    let mut permits: Permits = secret::permits(&key, true);
    permits.extend(backup::permits(&key));
    let api = Api::new(connect(&ConnectOptions::default()).await.unwrap(), permits);
    let (run, at) = (RunId::random(), now().unix_timestamp());
    let checked = Pair::check(pair.key.clone().into(), pair.chain.as_bytes(), &[], at, &Roots::Any).unwrap();
    let target = Target::read(&api, &key).await.unwrap();
    let note = Note {
        claim: None,
        run: run.clone(),
        issuer: "own".into(),
        directory: "https://ca.example/directory".into(),
        order: None,
        account: None,
        kind: None,
        at,
        window: None,
    };
    // What kubectl applied on the server's side for this test is its hands' work.
    let options = Options {
        force: true,
        ..Options::default()
    };
    let change = SecretChange::plan(&target, &checked, &options, &note).unwrap();
    assert!(backup::keep(&api, &target, &change, &run, at).await.unwrap());
    change.write(&api).await.unwrap();
}

struct Scene {
    ns: Namespace,
    first: pki::Pair,
    second: pki::Pair,
}

impl Scene {
    async fn new(label: &str) -> Self {
        let ns = Namespace::new(label);
        let host = ns.host("web");
        let (first, second) = (ns.pki.pair(&[&host]), ns.pki.pair(&[&host]));
        ns.create(vec![first.secret("web-tls")]);
        renew(&ns, "web-tls", &second).await;
        Self { ns, first, second }
    }

    fn rollback(&self, args: &[&str]) -> crate::support::run::Ran {
        crate::support::run::Call::certs([&["rollback"], args, &["-n", &self.ns.name]].concat()).run()
    }

    fn secret(&self) -> Value {
        serde_json::from_str(&self.ns.kubectl(&["get", "secret", "web-tls", "-o", "json"])).unwrap()
    }

    fn holds(&self, pair: &pki::Pair) -> bool {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let data = &self.secret()["data"];
        data["tls.key"] == json!(BASE64_STANDARD.encode(&pair.key))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_bare_name_is_a_secrets_and_an_ingresss_name_says_which_secret() {
    let scene = Scene::new("backbare").await;
    scene
        .ns
        .apply(vec![ingress("web", &[(&[&scene.ns.host("web")], "web-tls")])]);
    let route = scene.rollback(&["web", "--yes"]).ends_with(2);
    assert!(route.err.contains("secret/web-tls"), "{}", route.err);
    assert!(scene.holds(&scene.second), "nothing was put back");
    // A word that names another namespace than -n is for neither; without -n it says where.
    let other = scene.rollback(&["elsewhere/web-tls", "--yes"]).ends_with(2);
    assert!(
        other.err.contains("is in namespace elsewhere, and -n names "),
        "{}",
        other.err
    );
    assert!(scene.holds(&scene.second), "nothing was put back");
    let word = format!("{}/web-tls", scene.ns.name);
    let back = crate::support::run::Call::certs(["rollback", &word, "--yes", "--wait", "0"]);
    let back = back.run().ends_with(0);
    assert!(back.out.contains(", valid until "), "{}", back.out);
    assert!(scene.holds(&scene.first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn the_pair_before_comes_back_once_it_was_agreed_to() {
    let scene = Scene::new("back").await;
    let version = scene.secret()["metadata"]["resourceVersion"].clone();
    let shown = scene.rollback(&["web-tls", "--dry-run"]).ends_with(0);
    assert!(
        shown.err.contains("from ") && shown.err.contains("to   "),
        "{}",
        shown.err
    );
    assert!(
        shown.err.contains(&scene.ns.host("web")) && shown.out.contains("dry run"),
        "{}{}",
        shown.out,
        shown.err
    );
    scene.rollback(&["web-tls", "--dry-run=server"]).ends_with(0);
    let not_asked = scene.rollback(&["web-tls"]).ends_with(2);
    assert!(not_asked.err.contains("--yes"), "{}", not_asked.err);
    assert_eq!(
        scene.secret()["metadata"]["resourceVersion"],
        version,
        "nothing was written"
    );

    let back = scene.rollback(&["secret/web-tls", "--yes"]).ends_with(0);
    assert!(back.out.contains(", valid until "), "{}", back.out);
    assert!(scene.holds(&scene.first));
    assert_eq!(
        scene.secret()["metadata"]["annotations"]["kubectl-certs.io/issuer"],
        Value::Null
    );
    let events = scene
        .ns
        .kubectl(&["get", "events", "-o", "jsonpath={.items[*].reason}"]);
    assert!(events.contains("RolledBack"), "{events}");
    let messages = scene
        .ns
        .kubectl(&["get", "events", "-o", "jsonpath={.items[*].message}"]);
    assert!(messages.contains("with kubectl certs"), "{messages}");
    assert_eq!(
        scene.ns.kubectl(&["get", "leases", "-o", "name"]),
        "",
        "the Lease is given back"
    );
    // The pair that it replaced is kept: another one undoes it.
    assert!(back.err.contains("another rollback undoes this one"), "{}", back.err);
    let again = scene.rollback(&["web-tls", "--yes"]).ends_with(0);
    assert!(scene.holds(&scene.second), "{}", again.err);
    for ran in [shown, back, again] {
        assert!(!format!("{}{}", ran.out, ran.err).contains("PRIVATE"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_others_have_changed_or_work_on_stays() {
    let scene = Scene::new("backno").await;
    let none = scene.rollback(&["other", "--yes"]).ends_with(2);
    assert!(none.err.contains("there is no Secret"), "{}", none.err);
    // Somebody else works on it.
    let key = Key::new(scene.ns.name.as_str(), "web-tls");
    let api = Api::new(connect(&ConnectOptions::default()).await.unwrap(), lease::permits(&key));
    let lease = lease::Lease::take(&api, &key, &RunId::random()).await.unwrap();
    let held = scene.rollback(&["web-tls", "--yes"]).ends_with(5);
    assert!(held.err.contains("has been working on Secret"), "{}", held.err);
    lease.release().await.unwrap();
    assert!(scene.holds(&scene.second));
    // A third pair by somebody else's hands.
    let third = scene.ns.pki.pair(&[&scene.ns.host("web")]);
    scene.ns.kubectl(&["delete", "secret", "web-tls"]);
    scene.ns.create(vec![third.secret("web-tls")]);
    let changed = scene.rollback(&["web-tls", "--yes"]).ends_with(2);
    assert!(
        changed.err.contains("has been changed by someone else") && changed.err.contains("--force"),
        "{}",
        changed.err
    );
    assert!(scene.holds(&third));
    scene.rollback(&["web-tls", "--yes", "--force"]).ends_with(0);
    assert!(scene.holds(&scene.first));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_comes_back_is_seen_to_be_served_and_what_was_revoked_does_not() {
    let it = Issuing::new("backserved");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.certs(&["renew", "shop"]).ends_with(0);
    let first = it.leaf("shop-tls");
    it.certs(&["renew", "shop"]).ends_with(0);
    a_kept_pair_is_not_renewed(&it);
    let ran = it.plain(&["rollback", "shop-tls", "--yes"]).run().ends_with(0);
    assert!(ran.err.contains(&format!("{host} serves")), "{}", ran.err);
    assert_eq!(it.leaf("shop-tls").sha256(), first.sha256());
    it.plain(&["rollback", "shop-tls", "--yes"]).run().ends_with(0);
    // Where another pair is served, it is back, and that is not enough.
    let elsewhere = tls::serve(&it.ns.pki.pair(&[&host]));
    let args = ["rollback", "shop-tls", "--yes", "--wait", "3s", "--connect", &elsewhere];
    let ran = it.plain(&args).run().ends_with(5);
    let said = format!("the earlier pair is stored, but not served: {elsewhere} still serves another certificate");
    assert!(ran.err.contains(&said), "{}", ran.err);
    let probe = format!(
        "`kubectl certs show secret/shop-tls -n {} --probe --connect {elsewhere}`",
        it.ns.name
    );
    assert!(ran.err.contains(&probe), "{}", ran.err);
    assert_eq!(it.leaf("shop-tls").sha256(), first.sha256(), "{}", ran.err);
    it.plain(&["rollback", "shop-tls", "--yes"]).run().ends_with(0);

    let file = it.kept("first.pem");
    std::fs::write(&file, &first.pem).unwrap();
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let file = file.to_str().unwrap();
    let args = [
        "revoke",
        file,
        "--reason",
        "key-compromise",
        "--yes",
        "--directory-url",
        &url,
    ];
    let ca = ["--directory-ca-file", ca.to_str().unwrap()];
    it.plain(&[&args[..], &ca].concat()).run().ends_with(0);
    let version = it.version("shop-tls");
    for force in [&[][..], &["--force"]] {
        let args = [&["rollback", "shop-tls", "--yes"], force].concat();
        let ran = it.plain(&args).run().ends_with(2);
        assert!(ran.err.contains("was revoked (key-compromise)"), "{}", ran.err);
    }
    assert_eq!(it.version("shop-tls"), version);
}

/// A new pair in the place of the kept one would be what a rollback puts back.
fn a_kept_pair_is_not_renewed(it: &Issuing) {
    let ns = &it.ns.name;
    let kept = backup::key(&Key::new(ns.as_str(), "shop-tls")).name;
    let before = it.version(&kept);
    let named = format!("secret/{kept}");
    for args in [
        vec!["renew", &named],
        vec!["issue", "--secret", &kept, "-d", "new.example"],
    ] {
        let ran = it.certs(&args).ends_with(2);
        let said =
            format!("Secret {ns}/{kept} keeps the pair that Secret {ns}/shop-tls held before: it is not renewed");
        assert!(ran.err.contains(&said), "{}", ran.err);
        let hint = format!("`kubectl certs renew secret/shop-tls -n {ns}");
        assert!(ran.err.contains(&hint), "{}", ran.err);
    }
    assert_eq!(it.version(&kept), before);
}
