//! The model of Traefik's certificate store, held against the real one: what `status` expects is what a client is shown.

use kubectl_certs::x509::Fingerprint;
use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, TRAEFIK, gateway, http_route, ingress},
    eventually,
    pki::Pair,
    run::{findings, verdict},
    tls::{self, wait_until_served},
};

/// Reasons that say that the default certificate is shown, where they are critical.
const DEFAULT: [&str; 6] = [
    "SecretNotFound",
    "HostMismatch",
    "InvalidKeyPair",
    "InvalidCertificate",
    "MissingData",
    "DefaultStoreConflict",
];

/// A namespace of its own in which nothing else runs: Traefik has one store for all.
struct Scene {
    ns: Namespace,
    /// The default certificate that a `TLSStore` sets; Traefik's own where there is none.
    default: Option<Vec<u8>>,
}

impl Scene {
    fn host(&self, label: &str) -> String {
        self.ns.host(label)
    }

    /// A class of ingress-nginx, which Traefik serves. No other test sees it: this one runs alone.
    fn class(&self) -> String {
        format!("nginx-{}", self.ns.name)
    }

    /// Makes that class, and has the settings say who serves it: the testbed's Traefik is in no Pod that would tell.
    fn with_class(&mut self) {
        let class = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": self.class()},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        });
        self.ns.apply_wide(&[class]);
        let directory = self.ns.dir.path().join("kubectl-certs");
        std::fs::create_dir_all(&directory).unwrap();
        let settings = "controllers:\n  k8s.io/ingress-nginx: traefik\n";
        std::fs::write(directory.join("config.yaml"), settings).unwrap();
    }

    fn pair(&self, labels: &[&str]) -> Pair {
        let names: Vec<String> = labels.iter().map(|label| self.host(label)).collect();
        self.ns.pki.pair(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// An Ingress `name` of a class with tls entries of one host each.
    fn ingress(&self, name: &str, class: &str, entries: &[(&str, &str)]) -> Value {
        let hosts: Vec<String> = entries.iter().map(|(label, _)| self.host(label)).collect();
        let each: Vec<[&str; 1]> = hosts.iter().map(|host| [host.as_str()]).collect();
        let entries: Vec<(&[&str], &str)> = each.iter().zip(entries).map(|(h, (_, s))| (&h[..], *s)).collect();
        let mut ingress = ingress(name, &entries);
        ingress["spec"]["ingressClassName"] = class.into();
        ingress
    }

    /// An `IngressRoute` or `IngressRouteTCP` of one host; an empty Secret: `tls: {}`.
    fn route(&self, kind: &str, label: &str, secret: &str) -> Value {
        let matcher = if kind == "IngressRoute" { "Host" } else { "HostSNI" };
        let mut route =
            json!({"match": format!("{matcher}(`{}`)", self.host(label)), "services": [{"name": "web", "port": 80}]});
        if kind == "IngressRoute" {
            route["kind"] = "Rule".into();
        }
        let tls = if secret.is_empty() {
            json!({})
        } else {
            json!({"secretName": secret})
        };
        json!({
            "apiVersion": "traefik.io/v1alpha1", "kind": kind, "metadata": {"name": format!("r-{label}")},
            "spec": {"entryPoints": ["websecure"], "routes": [route], "tls": tls},
        })
    }

    /// Every host is shown what `status` expects: the Secret that it names, or the default certificate where it says that; where
    /// it says that one of two is shown, or that versions differ, one of them. And `probe` finds no difference.
    #[track_caller]
    fn holds(&self, what: &str) {
        eventually(&format!("{what}: all as expected"), || {
            let items = self
                .ns
                .call(&["probe", "-o", "json", "--connect", TRAEFIK])
                .env("XDG_CONFIG_HOME", self.ns.dir.path())
                .run()
                .ends_with(0)
                .items();
            let hosts: Vec<&Value> = items.0.iter().filter(|item| item["host"].is_string()).collect();
            assert!(hosts.len() > 20, "{:#?}", items.0);
            let wrong: Vec<String> = hosts.iter().filter_map(|item| self.differs(item)).collect();
            if wrong.is_empty() {
                Ok(())
            } else {
                Err(wrong.join("\n"))
            }
        });
    }

    /// How what is shown for an item's host differs from what is expected.
    fn differs(&self, item: &Value) -> Option<String> {
        let host = item["host"].as_str()?;
        let told = verdict(item);
        let shown = match tls::served(host) {
            Ok(shown) => shown,
            Err(error) => return Some(format!("{host} ({told}): {error}")),
        };
        let critical = |reason: &str| {
            let mut all = findings(item).iter();
            all.any(|f| f["reason"] == reason && f["severity"] == "critical")
        };
        let has = |reason: &str| findings(item).iter().any(|f| f["reason"] == reason);
        let is_default = match &self.default {
            Some(default) => *default == shown,
            None => tls::is_traefiks_own(&shown),
        };
        let sha256 = Fingerprint::of(&shown).to_string();
        let is_expected = item["sha256"] == sha256.as_str();
        // Versions up to 3.6 show their own certificate where a listed one is lacking, later ones what is expected.
        let by_version = findings(item).iter().any(|f| {
            let message = f["message"].as_str().unwrap_or_default();
            f["severity"] == "warning" && message.contains("versions up to 3.6")
        });
        if by_version {
            let either = is_expected || tls::is_traefiks_own(&shown);
            return (!either).then(|| format!("{host} ({told}) is shown neither of what versions show"));
        }
        if has("AmbiguousCertificate") || has("DuplicateHost") {
            // One of two, by version or by chance; never the default one.
            return is_default.then(|| format!("{host} ({told}) is shown the default certificate"));
        }
        let default_is_told =
            has("SecretNameEmpty") || has("RuleHostWithoutTls") || DEFAULT.iter().any(|reason| critical(reason));
        if default_is_told {
            return (!is_default).then(|| format!("{host} ({told}) is shown another than the default certificate"));
        }
        if !is_expected || has("ServedDiffers") || has("NotServed") {
            let secret = item["secrets"][0]["name"].as_str().unwrap_or("no Secret");
            return Some(format!("{host} ({told}) is not shown that of {secret}"));
        }
        None
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Deleted at once: while the namespace goes, another test would have its default certificate.
        let args = ["delete", "tlsstores.traefik.io", "--all", "--ignore-not-found"];
        let _ = crate::support::run::Call::kubectl([&["-n", &self.ns.name], &args[..]].concat()).run();
    }
}

fn tls_store(spec: &Value) -> Value {
    json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TLSStore", "metadata": {"name": "default"}, "spec": spec})
}

/// Everything that brings a certificate, right and wrong.
fn situations(scene: &Scene) -> Vec<Value> {
    let mut broken = scene.pair(&["broken"]);
    broken.key = scene.pair(&["other"]).key;
    let mut keyless = scene.pair(&["keyless"]).secret("keyless");
    keyless["stringData"]["tls.key"] = "".into();
    let copy = scene.pair(&["copy-a", "copy-b"]);
    let old = scene.host("old");
    vec![
        scene.pair(&["own"]).secret("own"),
        broken.secret("broken"),
        scene.pair(&["elsewhere"]).secret("elsewhere"),
        scene.pair(&["*.wide"]).secret("wide"),
        scene.pair(&["exact.wide"]).secret("exact"),
        scene.pair(&["alike-a", "alike-b"]).secret("alike-1"),
        scene.pair(&["alike-a", "alike-b"]).secret("alike-2"),
        copy.secret("copy-1"),
        copy.secret("copy-2"),
        scene.pair(&["*.far", "www.near"]).secret("near-exact"),
        scene.pair(&["*.near"]).secret("near-wide"),
        scene.pair(&["both", "a-first"]).secret("both-1"),
        scene.pair(&["both", "z-last"]).secret("both-2"),
        scene.pair(&["ir"]).secret("ir"),
        scene.pair(&["tcp"]).secret("tcp"),
        scene.pair(&["ng"]).secret("ng"),
        scene.pair(&["ng-before"]).secret("ng-before"),
        scene.pair(&["ng-after"]).secret("ng-after"),
        scene.pair(&["before"]).secret("before"),
        scene.pair(&["after"]).secret("after"),
        keyless,
        scene.pair(&["keyless-after"]).secret("keyless-after"),
        scene.pair(&["gw"]).secret("gw"),
        scene.ns.pki.expired(&[&old]).secret("old"),
        scene.pair(&["kinds-a", "kinds-b"]).secret("kinds-1"),
        scene.pair(&["kinds-a", "kinds-b"]).secret("kinds-2"),
        scene.ingress("own", "traefik", &[("own", "own")]),
        scene.ingress("missing", "traefik", &[("missing", "nowhere")]),
        scene.ingress("broken", "traefik", &[("broken", "broken")]),
        scene.ingress("mismatch", "traefik", &[("mismatch", "elsewhere")]),
        scene.ingress("wide", "traefik", &[("x.wide", "wide")]),
        scene.ingress("exact", "traefik", &[("exact.wide", "exact")]),
        scene.ingress("under", "traefik", &[("under.wide", "nowhere")]),
        scene.ingress("covered", "traefik", &[("covered.wide", "broken")]),
        scene.ingress("alike-1", "traefik", &[("alike-a", "alike-1")]),
        scene.ingress("alike-2", "traefik", &[("alike-b", "alike-2")]),
        scene.ingress("copy-1", "traefik", &[("copy-a", "copy-1")]),
        scene.ingress("copy-2", "traefik", &[("copy-b", "copy-2")]),
        scene.ingress("near", "traefik", &[("www.near", "near-exact")]),
        scene.ingress("near-wide", "traefik", &[("x.near", "near-wide")]),
        scene.ingress("both-1", "traefik", &[("both", "both-1")]),
        scene.ingress("both-2", "traefik", &[("z-last", "both-2")]),
        scene.route("IngressRoute", "ir", "ir"),
        scene.route("IngressRoute", "bare", ""),
        scene.route("IngressRoute", "bare.wide", ""),
        scene.route("IngressRoute", "ir-missing", "nowhere"),
        scene.route("IngressRouteTCP", "tcp", "tcp"),
        scene.route("IngressRouteTCP", "tcp-missing", "nowhere"),
        scene.ingress("ng", &scene.class(), &[("ng", "ng")]),
        scene.ingress("ng-missing", &scene.class(), &[("ng-missing", "nowhere")]),
        scene.ingress(
            "ng-skip",
            &scene.class(),
            &[
                ("ng-before", "ng-before"),
                ("ng-gap", "nowhere"),
                ("ng-after", "ng-after"),
            ],
        ),
        scene.ingress(
            "skip",
            "traefik",
            &[("before", "before"), ("gap", "nowhere"), ("after", "after")],
        ),
        scene.ingress(
            "keyless",
            "traefik",
            &[("keyless", "keyless"), ("keyless-after", "keyless-after")],
        ),
        scene.ingress("old", "traefik", &[("old", "old")]),
        scene.ingress("kinds", "traefik", &[("kinds-a", "kinds-1")]),
        scene.route("IngressRoute", "kinds-b", "kinds-2"),
        gateway(
            "edge",
            &[
                ("gw", &scene.host("gw"), json!([{"name": "gw"}])),
                ("gw-missing", &scene.host("gw-missing"), json!([{"name": "nowhere"}])),
            ],
        ),
        http_route(
            "all",
            &json!({"name": "edge"}),
            &[&scene.host("gw"), &scene.host("gw-missing")],
        ),
    ]
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_expected_of_traefiks_store_is_what_it_shows() {
    let mut scene = Scene {
        ns: Namespace::alone("store"),
        default: None,
    };
    scene.with_class();
    scene.ns.apply(situations(&scene));
    let settled = scene.pair(&["settled"]);
    scene.ns.apply(vec![
        settled.secret("settled"),
        scene.ingress("settled", "traefik", &[("settled", "settled")]),
    ]);
    wait_until_served(&scene.host("settled"), &settled);
    scene.holds("no store");

    // A default certificate, and one more for whatever name.
    let (wild, more) = (scene.pair(&["*"]), scene.pair(&["bare"]));
    let wild_host = scene.host("nobody");
    scene.ns.apply(vec![
        wild.secret("wild"),
        more.secret("more"),
        tls_store(&json!({"defaultCertificate": {"secretName": "wild"}, "certificates": [{"secretName": "more"}]})),
    ]);
    wait_until_served(&wild_host, &wild);
    wait_until_served(&scene.host("bare"), &more);
    scene.default = Some(wild.der.clone());
    scene.holds("a default certificate that covers some");

    // One of its certificates is not there: up to 3.6, neither those after it nor the default one are taken. What is expected is
    // what 3.7 shows, and the findings say so.
    scene.ns.apply(vec![tls_store(
        &json!({"defaultCertificate": {"secretName": "wild"}, "certificates": [{"secretName": "gone"}, {"secretName": "more"}]}),
    )]);
    scene.default = None;
    eventually("Traefik's own certificate", || match tls::served(&wild_host) {
        Ok(leaf) if tls::is_traefiks_own(&leaf) => Ok(()),
        Ok(_) => Err("another".to_owned()),
        Err(error) => Err(error),
    });
    scene.holds("a store with a Secret that is not there");
    let told = scene.ns.status(&[]).verdict(&scene.host("bare"));
    assert!(told.contains("SecretNotFound"), "{told}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_default_certificate_that_does_not_fit_its_key_ends_every_handshake_that_needs_it() {
    let scene = Scene {
        ns: Namespace::alone("badstore"),
        default: None,
    };
    let mut broken = scene.pair(&["*"]);
    broken.key = scene.pair(&["other"]).key;
    scene.ns.apply(vec![
        broken.secret("wild"),
        tls_store(&json!({"defaultCertificate": {"secretName": "wild"}})),
        scene.route("IngressRoute", "bare", ""),
    ]);
    let host = scene.host("bare");
    eventually("no handshake", || match tls::served(&host) {
        Ok(_) => Err("a certificate".to_owned()),
        Err(_) => Ok(()),
    });
    let items = scene.ns.status(&[]);
    let told = items.verdict(&host);
    assert!(
        told.starts_with("critical: ") && told.contains("InvalidKeyPair"),
        "{told}"
    );
}
