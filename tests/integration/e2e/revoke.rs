//! `revoke` at a real Pebble: what is in use stays, and who may sign.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use kubectl_certs::acme::{AccountKey, Client, OrderOptions};
use serde_json::{Value, json};

use super::acme::{Issued, Web, issue, open, parse};
use crate::support::{
    cluster::{Namespace, ingress, user},
    dns::Resolver,
    eventually,
    issuing::Issuing,
    pebble::Pebble,
    pki::Pair,
    run::{Call, Ran},
    server::Address,
    tls,
};

/// A CA, an account that is kept where the program keeps it, and a namespace.
struct Scene {
    // the CA goes before the names that it asks for
    pebble: Pebble,
    resolver: Resolver,
    home: tempfile::TempDir,
    ns: Namespace,
    client: Client,
    web: Web,
}

impl Scene {
    async fn new(label: &str) -> Self {
        let resolver = Resolver::start();
        let pebble = Pebble::start(&resolver);
        let home = tempfile::tempdir().unwrap();
        let ns = Namespace::new(label);
        let (url, ca) = (pebble.directory_url(), pebble.ca_file());
        let register = [
            "account",
            "register",
            "--agree-tos",
            "--yes",
            "--directory-url",
            &url,
            "--directory-ca-file",
        ];
        Call::certs(register.iter().map(AsRef::<Path>::as_ref).chain([ca.as_path()]))
            .env("XDG_CONFIG_HOME", home.path())
            .run()
            .ends_with(0);
        let kept = std::fs::read_dir(home.path().join("kubectl-certs/accounts")).unwrap();
        let file = kept
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|end| end == "json"));
        let account: Value = serde_json::from_slice(&std::fs::read(file.unwrap()).unwrap()).unwrap();
        let key = AccountKey::from_pem(&account["key"].as_str().unwrap().to_owned().into()).unwrap();
        let client = open(&pebble).await.client(key, account["url"].as_str().unwrap());
        let web = Web::start(client.thumbprint()).await;
        Self {
            pebble,
            resolver,
            home,
            ns,
            client,
            web,
        }
    }

    /// A certificate for a host of this test's own.
    async fn issue(&self, label: &str) -> (String, Issued) {
        let host = self.ns.host(label);
        self.resolver.host(&host, &[&self.web.ip().to_string()]);
        let issued = issue(&self.client, &parse(&[&host]), &OrderOptions::default())
            .await
            .unwrap();
        (host, issued)
    }

    fn store(&self, name: &str, issued: &Issued) {
        self.ns.apply(vec![json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
            "stringData": {"tls.crt": issued.chain.pem, "tls.key": issued.key.serialize_pem()},
        })]);
    }

    /// `kubectl certs revoke ...` at this CA, with the account where `home` is.
    fn revoke_as(&self, home: &Path, args: &[&str]) -> Ran {
        let (url, ca) = (self.pebble.directory_url(), self.pebble.ca_file());
        let own = [
            "-n",
            &self.ns.name,
            "--directory-url",
            &url,
            "--directory-ca-file",
            ca.to_str().unwrap(),
        ];
        let call = Call::certs([&["revoke"], args, &own].concat()).env("XDG_CONFIG_HOME", home);
        self.resolver.within(call).run()
    }

    fn revoke(&self, args: &[&str]) -> Ran {
        self.revoke_as(self.home.path(), args)
    }

    /// Pebble's word on a certificate.
    fn status(&self, issued: &Issued) -> (String, Value) {
        let status = self.pebble.certificate_status(&issued.serial());
        (status["Status"].as_str().unwrap().to_owned(), status["Reason"].clone())
    }
}

/// A file of the test's own.
fn write(scene: &Scene, name: &str, text: &str) -> String {
    let path = scene.home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_a_route_uses_is_not_revoked_until_it_is_replaced() {
    let scene = Scene::new("revoke").await;
    let (host, issued) = scene.issue("shop").await;
    scene.store("shop-tls", &issued);
    scene.ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    let refused = scene.revoke(&["shop-tls", "--yes"]).ends_with(2);
    for words in ["in use", "Secret", "shop-tls", "Ingress", "/web", "--force", &host] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    assert_eq!(scene.status(&issued).0, "Valid");
    // The Secret gets another, and the old one is still in a file: it is out of use.
    let (_, next) = scene.issue("shop").await;
    let old = write(&scene, "old.pem", &issued.chain.pem);
    scene.store("shop-tls", &next);
    let not_asked = scene.revoke(&[&old, "--reason", "superseded"]).ends_with(2);
    assert!(
        not_asked.err.contains("--yes") && not_asked.err.contains(&host),
        "{}",
        not_asked.err
    );
    assert_eq!(scene.status(&issued).0, "Valid");
    // At once: where Traefik has not taken the new pair yet, the revocation waits for it.
    let revoked = scene.revoke(&[&old, "--reason", "superseded", "--yes"]).ends_with(0);
    assert!(
        revoked
            .out
            .contains("is revoked (superseded), signed with the account's key"),
        "{}",
        revoked.out
    );
    assert_eq!(scene.status(&issued), ("Revoked".to_owned(), json!(4)));
    let again = scene.revoke(&[&old, "--yes"]).ends_with(0);
    assert!(again.out.contains("had already been revoked"), "{}", again.out);
    assert_eq!(scene.status(&next).0, "Valid");
    // By force what is in use: where that is, is told before the question, which nobody can answer here.
    let asked = scene.revoke(&["secret/shop-tls", "--force"]).ends_with(2);
    let told = format!(
        "by --force: it is in Secret {0}/shop-tls, which Ingress {0}/web uses for {host}",
        scene.ns.name
    );
    assert!(asked.err.contains(&told), "{}", asked.err);
    assert!(
        asked.err.find(&told) < asked.err.find("needs an answer"),
        "{}",
        asked.err
    );
    assert_eq!(scene.status(&next).0, "Valid");
    let forced = scene.revoke(&["secret/shop-tls", "--yes", "--force"]).ends_with(0);
    assert!(forced.err.contains(&told), "{}", forced.err);
    assert_eq!(scene.status(&next).0, "Revoked");
    // On the Secret stands who has revoked it.
    let events = scene.ns.events("Secret", "shop-tls", "CertificateRevoked").concat();
    let user = user();
    assert!(
        events.contains("revoked certificate ") && events.contains(&format!("; by {user}, with kubectl certs")),
        "{events}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_pair_that_a_renewal_has_replaced_is_revoked_by_the_command_that_the_refusal_names() {
    let it = Issuing::new("revokekept");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    it.settings(&it.issuers());
    let root = it.pebble.root_file().display().to_string();
    let advertise = it.advertise();
    let renew = [
        "renew",
        "web",
        "--production",
        "--yes",
        "--advertise",
        &advertise,
        "--ca-file",
        &root,
    ];
    it.plain(&renew).run().ends_with(0);
    let first = it.leaf("shop-tls").sha256();
    let refused = it.plain(&["revoke", "shop-tls", "--yes"]).run().ends_with(2);
    let command = refused
        .err
        .split("`kubectl certs ")
        .find(|part| part.starts_with("revoke "));
    let command = command.and_then(|part| part.split('`').next()).unwrap_or_default();
    let words: Vec<&str> = command
        .split(' ')
        .filter(|word| !["-n", it.ns.name.as_str()].contains(word))
        .collect();
    assert_eq!(words.len(), 2, "{}", refused.err);
    it.plain(&renew).run().ends_with(0);
    let second = it.leaf("shop-tls").sha256();
    assert_ne!(first, second);
    let revoked = it
        .plain(&[&words[..], &["--yes", "--reason", "superseded"]].concat())
        .run();
    let revoked = revoked.ends_with(0);
    assert!(revoked.out.contains("is revoked (superseded)"), "{}", revoked.out);
    assert_eq!(it.leaf("shop-tls").sha256(), second);
    // What is revoked comes back by no rollback.
    let back = it.plain(&["rollback", "shop-tls", "--yes", "--wait", "0"]).run();
    assert_ne!(back.status, Some(0), "{}{}", back.out, back.err);
    assert_eq!(it.leaf("shop-tls").sha256(), second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_bare_name_is_a_secrets_and_an_ingresss_name_says_which_secret() {
    let scene = Scene::new("revokebare").await;
    let (host, issued) = scene.issue("shop").await;
    scene.store("shop-tls", &issued);
    scene.ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    let route = scene.revoke(&["web", "--yes", "--force"]).ends_with(2);
    assert!(route.err.contains("secret/shop-tls"), "{}", route.err);
    assert_eq!(scene.status(&issued).0, "Valid");
    scene.ns.kubectl(&["delete", "ingress", "web"]);
    // A word that names another namespace than -n is for neither.
    let other = scene.revoke(&["elsewhere/shop-tls", "--yes"]).ends_with(2);
    let said = format!(
        "elsewhere/shop-tls is in namespace elsewhere, and -n names {}",
        scene.ns.name
    );
    assert!(other.err.contains(&said), "{}", other.err);
    assert_eq!(scene.status(&issued).0, "Valid");
    let revoked = scene
        .revoke(&["shop-tls", "--reason", "superseded", "--yes"])
        .ends_with(0);
    assert!(revoked.out.contains("is revoked (superseded)"), "{}", revoked.out);
    assert_eq!(scene.status(&issued).0, "Revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_is_served_anywhere_is_not_revoked() {
    let scene = Scene::new("revokelive").await;
    let (host, issued) = scene.issue("shop").await;
    scene.store("shop-tls", &issued);
    scene.ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    // DNS leads to Traefik, whose certificate it is.
    scene.resolver.host(&host, &["10.99.0.1"]);
    let file = write(&scene, "live.pem", &issued.chain.pem);
    eventually("it is served", || {
        let ran = scene.revoke(&[&file, "--yes"]).ends_with(2);
        let words = format!("10.99.0.1:443 serves it for {host}");
        if ran.err.contains(&words) { Ok(()) } else { Err(ran.err) }
    });
    assert_eq!(scene.status(&issued).0, "Valid");
}

/// What a server shows of an issued certificate.
fn pair(issued: &Issued) -> Pair {
    Pair {
        chain: issued.chain.pem.clone(),
        key: issued.key.serialize_pem(),
        der: issued.chain.certificates[0].clone(),
        chain_der: issued.chain.certificates.clone(),
        key_der: issued.key.serialize_der(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_revocation_waits_until_the_replacement_is_served_and_no_longer_than_it_may() {
    let scene = Scene::new("revokewait").await;
    let (host, issued) = scene.issue("shop").await;
    let (_, next) = scene.issue("shop").await;
    let old = write(&scene, "old.pem", &issued.chain.pem);
    scene.store("shop-tls", &next);
    scene.ns.apply(vec![ingress("web", &[(&[&host], "shop-tls")])]);
    // A server that takes its time: the route's host leads to it.
    let slow = Address::take();
    scene.resolver.host(&host, &[&slow.ip().to_string()]);
    tls::serve_then(slow.ip(), &pair(&issued), Duration::from_secs(6), &pair(&next));
    let begin = Instant::now();
    let gave_up = scene.revoke(&[&old, "--yes", "--wait", "1s"]).ends_with(2);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let words = format!("{}:443 serves it for {host}", slow.ip());
    assert!(gave_up.err.contains(&words), "{}", gave_up.err);
    assert_eq!(scene.status(&issued).0, "Valid");
    let waited = scene.revoke(&[&old, "--yes"]).ends_with(0);
    assert!(waited.err.contains("waiting up to"), "{}", waited.err);
    assert!(begin.elapsed() >= Duration::from_secs(6), "it is in use until then");
    assert_eq!(scene.status(&issued).0, "Revoked");
    assert_eq!(scene.status(&next).0, "Valid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn without_an_account_the_certificates_own_key_signs() {
    let scene = Scene::new("revokekey").await;
    let nobody = tempfile::tempdir().unwrap();
    let (_, in_secret) = scene.issue("a").await;
    scene.store("unused", &in_secret);
    let revoked = scene.revoke_as(nobody.path(), &["unused", "--yes"]).ends_with(0);
    assert!(
        revoked.out.contains("signed with the certificate's key"),
        "{}",
        revoked.out
    );
    assert_eq!(scene.status(&in_secret).0, "Revoked");

    let (_, in_file) = scene.issue("b").await;
    let (pem, key) = (
        write(&scene, "b.pem", &in_file.chain.pem),
        write(&scene, "b.key", &in_file.key.serialize_pem()),
    );
    let missing = scene.revoke_as(nobody.path(), &[&pem, "--yes"]).ends_with(2);
    assert!(missing.err.contains("--key-file"), "{}", missing.err);
    let (_, other) = scene.issue("c").await;
    let wrong = write(&scene, "c.key", &other.key.serialize_pem());
    let refused = scene
        .revoke_as(nobody.path(), &[&pem, "--yes", "--key-file", &wrong])
        .ends_with(2);
    assert!(refused.err.contains("is not that of certificate"), "{}", refused.err);
    assert_eq!(scene.status(&in_file).0, "Valid");
    let with_key = ["--yes", "--key-file", &key, "--reason", "key-compromise"];
    scene
        .revoke_as(nobody.path(), &[&[pem.as_str()], &with_key[..]].concat())
        .ends_with(0);
    assert_eq!(scene.status(&in_file), ("Revoked".to_owned(), json!(1)));
    for ran in [missing, refused] {
        assert!(!ran.err.contains("PRIVATE"), "{}", ran.err);
    }
}
