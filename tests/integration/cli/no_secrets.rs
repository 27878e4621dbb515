//! `--no-secrets`: a server that would hand out everything is asked for routes alone, and hosts are judged by what they serve.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{
    Ran, command, file, finish, run,
    server::{list, serve},
};
use crate::support::{
    pki::{Pair, Pki, self_signed},
    tls,
};

/// What the role `prober` lists, in the forms that paths have; and what any user may ask.
fn is_allowed(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let role = std::fs::read_to_string("plugin/rbac/prober.yaml").expect("the role");
    let documents = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"));
    let Some(rest) = documents else { return path == "/apis" };
    let parts: Vec<&str> = rest.split('/').collect();
    // Of a list, the resource comes last. Of objects, none but a namespace is asked for.
    let resource = match parts.as_slice() {
        ["v1", "namespaces", _] => "namespaces",
        [.., resource] => *resource,
        [] => return false,
    };
    let words: Vec<&str> = role
        .split(|c: char| !(c.is_alphanumeric() || "-.".contains(c)))
        .collect();
    words.contains(&resource) && (path.starts_with("/api/") == (resource == "namespaces"))
}

/// A cluster of which everybody may read everything: one Ingress of a host, and its Secret.
struct Cluster {
    server: String,
    asked: Arc<Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
    pki: Pki,
}

impl Cluster {
    fn new() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let pki = Pki::new();
        let secret = pki.pair(&["shop.example"]).secret("shop-tls");
        let server = serve(move |path| {
            log.lock().expect("it").push(path.to_owned());
            match path.split('?').next().unwrap_or_default() {
                "/apis" => (404, json!({"kind": "Status", "code": 404})),
                path if path.ends_with("/v1/ingresses") || path.ends_with("/shop/ingresses") => {
                    list(&json!([ingress()]))
                }
                path if path.ends_with("/ingressclasses") => list(&json!([{
                    "metadata": {"name": "web"}, "spec": {"controller": "example.com/web"},
                }])),
                path if path.ends_with("/secrets") => list(&json!([secret])),
                path if path.ends_with("/secrets/shop-tls") => (200, secret.clone()),
                _ => list(&json!([])),
            }
        });
        let dir = tempfile::tempdir().expect("a directory");
        file(&dir, "root.pem", pki.root_pem());
        let cluster = Self {
            server,
            asked,
            dir,
            pki,
        };
        file(&cluster.dir, "config", cluster.kubeconfig().to_string());
        cluster
    }

    fn kubeconfig(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "x", "cluster": {"server": self.server}}],
            "users": [{"name": "x", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        })
    }

    /// The program, which finds this served for every host.
    fn ask(&self, serving: &str, args: &[&str]) -> Ran {
        let root = self.dir.path().join("root.pem").display().to_string();
        let more = ["--no-secrets", "--connect", serving, "--ca-file", &root];
        let mut all = command(&[args, &more].concat());
        finish(all.env("KUBECONFIG", self.dir.path().join("config")))
    }

    fn serve(&self, change: impl FnOnce(&Pki) -> Pair) -> String {
        tls::serve(&change(&self.pki))
    }
}

fn ingress() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "ingressClassName": "web", "rules": [{"host": "shop.example"}],
            "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
        },
    })
}

/// `STATUS: REASON, ...` of the only host.
fn verdict(ran: &Ran) -> String {
    let items = ran.items();
    let item = items.iter().find(|item| item["host"] == "shop.example");
    crate::support::run::verdict(item.unwrap_or_else(|| panic!("no host: {}", ran.out)))
}

#[test]
fn who_may_read_everything_is_asked_for_routes_alone() {
    let cluster = Cluster::new();
    let good = cluster.serve(|pki| pki.pair(&["shop.example"]));
    for args in [
        &["status", "-A"][..],
        &["status", "-n", "shop", "-o", "json"],
        &["status", "-A", "-o", "prometheus"],
        &["status", "-A", "--by", "issuer"],
        &["status", "-A", "secret/shop-tls"],
        &["probe", "-A"],
        &["show", "web", "-n", "shop"],
    ] {
        cluster.ask(&good, args).ends_with(0);
        let asked = std::mem::take(&mut *cluster.asked.lock().expect("it"));
        assert!(asked.iter().any(|path| path.contains("/ingresses")), "{asked:?}");
        let more: Vec<&String> = asked.iter().filter(|path| !is_allowed(path)).collect();
        assert!(more.is_empty(), "{args:?}: {more:?}");
    }
    // The same run without the flag asks for more, so that the check above can fail.
    let config = cluster.dir.path().join("config");
    finish(command(&["status", "-A"]).env("KUBECONFIG", config)).ends_with(0);
    let asked = cluster.asked.lock().expect("it");
    assert!(asked.iter().any(|path| path.contains("/secrets")), "{asked:?}");
    assert!(asked.iter().filter(|path| !is_allowed(path)).count() > 5, "{asked:?}");
}

#[test]
fn a_host_that_is_served_well_is_healthy_and_the_summary_says_what_was_not_seen() {
    let cluster = Cluster::new();
    let good = cluster.serve(|pki| pki.pair(&["shop.example"]));
    let ran = cluster.ask(&good, &["status", "-A", "--fail-on", "info"]).ends_with(0);
    assert!(
        ran.out.contains("E2E Issuing CA"),
        "the issuer of what is served: {}",
        ran.out
    );
    assert!(!ran.out.contains("SERVED"), "nothing to compare with: {}", ran.out);
    let said = "1 host: 1 healthy; no Secret was read (--no-secrets): certificates that are stored and not served are not seen";
    assert_eq!(ran.err.matches("no Secret was read").count(), 1, "{}", ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(
        !ran.err.contains("right to") && !ran.out.contains("Forbidden"),
        "{}",
        ran.err
    );

    let json = cluster
        .ask(&good, &["status", "-A", "-o", "json", "--fail-on", "info"])
        .ends_with(0);
    assert_eq!(verdict(&json), "healthy");
    let document: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(document["secretsRead"], false);
    let item = &document["items"][0];
    assert_eq!(item["evidence"], "served");
    assert_eq!(item["served"]["compared"], "not-compared");
    assert_eq!(
        (&item["names"], &item["sha256"]),
        (&json!(["shop.example"]), &item["served"]["sha256"])
    );
    assert_eq!(item["secrets"], json!([{"namespace": "shop", "name": "shop-tls"}]));
    // The Secret has series of its own only where it was read.
    let metrics = cluster.ask(&good, &["status", "-A", "-o", "prometheus"]).ends_with(0);
    assert!(
        metrics.out.contains("certs_hosts{context=\"x\",status=\"healthy\"} 1"),
        "{}",
        metrics.out
    );
    assert!(!metrics.out.contains("x509_cert_not_after{"), "{}", metrics.out);
}

#[test]
fn what_is_served_is_judged_as_a_stored_certificate_is() {
    let cluster = Cluster::new();
    let judged = |serving: &str, status: i32| {
        let args = ["status", "-A", "-o", "json", "--fail-on", "warning"];
        verdict(&cluster.ask(serving, &args).ends_with(status))
    };
    let due = |pki: &Pki| {
        pki.pair_with(&["shop.example"], |params| {
            params.not_before = crate::support::pki::now() - time::Duration::days(85);
            params.not_after = crate::support::pki::now() + time::Duration::days(5);
        })
    };
    assert_eq!(judged(&cluster.serve(due), 1), "warning: RenewalDue");
    assert_eq!(
        judged(&cluster.serve(|pki| pki.expired(&["shop.example"])), 1),
        "critical: ServedExpired"
    );
    assert_eq!(
        judged(&cluster.serve(|pki| pki.pair(&["other.example"])), 1),
        "critical: ServedWrongHost"
    );
    assert_eq!(
        judged(&tls::serve(&self_signed("shop.example")), 1),
        "critical: ServedUntrusted"
    );
    assert_eq!(judged("127.0.0.1:9", 1), "critical: NotServed");
    // The remedy is one that whoever reads no Secret can begin with.
    let old = cluster.serve(due);
    let ran = cluster.ask(&old, &["status", "-A", "-o", "json"]).ends_with(0);
    let finding = ran.items()[0]["findings"][0].clone();
    let message = finding["message"].as_str().expect("a message");
    assert!(
        message.starts_with("The certificate expires on ") && message.contains(&old),
        "{message}"
    );
    let remedy = finding["remedy"].as_str().expect("a remedy");
    assert!(
        remedy.contains("somebody who may read") && !remedy.contains("certs renew"),
        "{remedy}"
    );
}

#[test]
fn a_picture_of_a_route_is_of_what_it_serves() {
    let cluster = Cluster::new();
    let weak = cluster.serve(|pki| pki.expired(&["shop.example"]));
    let ran = cluster.ask(&weak, &["show", "web", "-n", "shop"]).ends_with(0);
    for part in ["Served chain", "E2E Issuing CA", "ServedExpired", "answers"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(
        !ran.out.contains("no such Secret") && !ran.out.contains("stored"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("no Secret was read"), "{}", ran.err);
}

#[test]
fn manifests_are_judged_by_what_their_hosts_serve() {
    let cluster = Cluster::new();
    let good = cluster.serve(|pki| pki.pair(&["shop.example"]));
    let expired = cluster.pki.expired(&["shop.example"]).secret("shop-tls");
    let all = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(), expired]});
    let manifests = file(&cluster.dir, "all.json", all.to_string());
    let ran = cluster
        .ask(&good, &["status", "-f", &manifests, "-o", "json", "--fail-on", "info"])
        .ends_with(0);
    assert_eq!(verdict(&ran), "healthy", "the Secret beside it is not looked at");
}

#[test]
fn what_needs_secrets_is_refused_with_the_next_step() {
    for (args, words) in [
        (&["status", "-A", "-w"][..], ["-w follows", "without -w: `watch -n 60`"]),
        (&["status", "-A", "--confirm"], ["--confirm", "connects to every route"]),
        (&["status", "-A", "--by", "owner"], ["--by owner", "--by issuer"]),
        (
            &["status", "-A", "--secret-keys", "certificate=a,key=b"],
            ["--secret-keys", "leave --secret-keys out"],
        ),
        (
            &["status", "-f", "x", "--assume-secrets"],
            ["--assume-secrets", "leave --assume-secrets out"],
        ),
        (
            &["status", "-A", "--reason", "WeakKey,Expired"],
            ["--reason Expired", "ServedExpired"],
        ),
        (
            &["show", "secret/shop-tls"],
            ["secret/shop-tls is not read", "name a route"],
        ),
        (&["show", "./x.pem"], ["--no-secrets", "a route"]),
        (&["show", "shop.example:443"], ["--no-secrets", "a route"]),
    ] {
        let ran = run(&[args, &["--no-secrets"]].concat());
        ran.fails(2, &words);
    }
    // Of a Secret without a route nothing is known: not even that there is none.
    let cluster = Cluster::new();
    let good = cluster.serve(|pki| pki.pair(&["shop.example"]));
    let ran = cluster.ask(&good, &["status", "-A", "secret/spare-tls"]);
    ran.fails(
        2,
        &[
            "no route that was read names secret/spare-tls",
            "reads no Secret",
            "leave --no-secrets out",
        ],
    );
    // Reports of both kinds have different findings.
    let saved = cluster.ask(&good, &["status", "-A", "-o", "json"]).ends_with(0).out;
    let saved = file(&cluster.dir, "saved.json", saved);
    cluster.ask(&good, &["status", "-A", "--since", &saved]).ends_with(0);
    let config = cluster.dir.path().join("config");
    let ran = finish(command(&["status", "-A", "--since", &saved]).env("KUBECONFIG", config));
    ran.fails(2, &["saved with --no-secrets", "this is one without it"]);
}
