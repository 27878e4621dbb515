//! Certificates that others keep are handed over without an order, and given back: from the real cert-manager with its ingress-shim, from
//! kube-lego's objects, and from a `CronJob` with certbot.

use std::{collections::BTreeMap, process::Command, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{certmanager::Released, install::Wide};
use crate::support::{
    cluster::ingress,
    controller::{asking, orders, resume, start, until_stored},
    dns::Bind,
    eventually, eventually_within,
    issuing::{Issuing, NODE},
    kubeconfig,
    pages::{commands, page},
    run::{Call, Ran, Running},
    server::Server,
};

/// An image that no node has: what is looked at is not whether it runs. The controller of a test runs beside the cluster.
const NO_IMAGE: &str = "testbed.local/none:1";

/// Installs a controller that follows the namespace of the test alone, until the test has ended.
#[must_use]
pub(super) fn installed(it: &Issuing) -> Wide {
    let wide = Wide(it.ns.name.clone());
    install(it, &["--yes", "--agree-tos"]).run().ends_with(0);
    wide
}

/// What installs it, changes it or prints it.
fn install(it: &Issuing, args: &[&str]) -> Call {
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let whole = [
        "--image",
        NO_IMAGE,
        "--replicas",
        "1",
        "--namespaced",
        &it.ns.name,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
    ];
    it.plain(&[&["install"], args, &whole].concat())
}

/// A command of a page of the guide, as it is typed in the namespace of the test, with the answer to its question.
fn typed(it: &Issuing, name: &str, begin: &str) -> Call {
    let all = commands(&page(&format!("docs/guide/{name}.md")));
    let lines = all.iter().flat_map(|shown| shown.script.lines());
    let line = lines
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
        .find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("{name} has no {begin}"));
    let line = line.replace("-n shop", &format!("-n {}", it.ns.name));
    let yes = if line.contains("--dry-run") { "" } else { " --yes" };
    it.shell(&format!("{line}{yes} --controller-namespace {}", it.ns.name))
}

fn adopt(it: &Issuing, args: &[&str]) -> Call {
    it.plain(&[&["adopt", "--controller-namespace", &it.ns.name], args].concat())
}

/// Objects of a kind, by name, with who manages their fields.
fn objects(it: &Issuing, kind: &str) -> BTreeMap<String, Value> {
    let found = it.ns.kubectl(&["get", kind, "-o", "json", "--show-managed-fields"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let items = found["items"].as_array().unwrap().iter();
    let named = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    items.map(|item| (named(item), item.clone())).collect()
}

/// The Secrets of these names: what they say of themselves, and what they hold.
fn secrets(it: &Issuing, names: &[String]) -> BTreeMap<String, Value> {
    let mut all = objects(it, "secrets");
    all.retain(|name, _| names.contains(name));
    for secret in all.values_mut() {
        let meta = secret["metadata"].as_object_mut().unwrap();
        // A Certificate that is made anew has another uid, and so has the reference to it.
        for field in ["resourceVersion", "ownerReferences"] {
            meta.remove(field);
        }
        let entries = meta.get_mut("managedFields").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            entry.as_object_mut().unwrap().remove("time");
            if let Some(fields) = entry["fieldsV1"]["f:metadata"].as_object_mut() {
                fields.remove("f:ownerReferences");
            }
        }
    }
    all
}

fn data(secrets: &BTreeMap<String, Value>) -> Vec<&Value> {
    secrets.values().map(|secret| &secret["data"]).collect()
}

/// Every state that the Secrets of a namespace were in, from when this is made.
struct Watched(Running);

impl Watched {
    fn start(it: &Issuing) -> Self {
        let args = [
            "-n",
            &it.ns.name,
            "get",
            "secrets",
            "-w",
            "-o",
            "json",
            "--show-managed-fields",
        ];
        Self(Call::kubectl(args).start())
    }

    /// Nobody else manages the pair of a Secret together with this program, at any time.
    #[track_caller]
    fn shows_never_two_writers(&self) {
        let text = self.0.out.all().join("\n");
        let mut seen = 0;
        // The last one may be cut.
        for secret in serde_json::Deserializer::from_str(&text)
            .into_iter::<Value>()
            .map_while(Result::ok)
        {
            let entries = secret["metadata"]["managedFields"].as_array().into_iter().flatten();
            let holds = |entry: &&Value| !entry["fieldsV1"]["f:data"]["f:tls.key"].is_null();
            let writers: Vec<&Value> = entries.filter(holds).map(|entry| &entry["manager"]).collect();
            assert!(
                writers.len() < 2,
                "{} of {}",
                json!(writers),
                secret["metadata"]["name"]
            );
            seen += 1;
        }
        assert!(seen > 0, "{text}");
    }
}

/// Ingresses that ask cert-manager for their certificates, and the real cert-manager that has issued them.
struct Theirs {
    it: Issuing,
    names: Vec<String>,
    released: Option<Server>,
    _bind: Bind,
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _released = Released(&self.it.ns);
        drop(self.released.take());
    }
}

impl Theirs {
    fn new(label: &str, count: usize, flags: &[&str]) -> Self {
        let it = Issuing::new(label);
        let zone = format!("{}.internal", it.ns.name);
        let bind = Bind::start(&[&zone]);
        it.resolver.delegate(&zone, bind.ip());
        let ca = BASE64_STANDARD.encode(std::fs::read(it.pebble.ca_file()).unwrap());
        let mut objects = vec![
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": bind.key_secret()}}),
            json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"acme": {
                "server": it.pebble.directory_url(), "caBundle": ca, "privateKeySecretRef": {"name": "their-account"},
                "solvers": [{"waitInsteadOfSelfCheck": "1s", "dns01": {"rfc2136": {
                    "nameserver": format!("{}:53", bind.ip()), "tsigKeyName": Bind::KEY_NAME, "tsigAlgorithm": "HMACSHA256",
                    "tsigSecretSecretRef": {"name": "tsig", "key": "key"},
                }}}],
            }}}),
            // No route names its Secret.
            json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "mail"}, "spec": {
                "secretName": "mail-tls", "dnsNames": [format!("mail.{zone}")], "issuerRef": {"name": "own"},
                "privateKey": {"algorithm": "ECDSA"},
            }}),
        ];
        let names: Vec<String> = (0..count).map(|at| format!("w{at:02}-tls")).collect();
        for name in &names {
            let web = name.trim_end_matches("-tls");
            let mut object = ingress(web, &[(&[&format!("{web}.{zone}")], name)]);
            object["metadata"]["annotations"] = json!({
                "cert-manager.io/issuer": "own", "cert-manager.io/private-key-algorithm": "ECDSA", "note": "of the team",
            });
            objects.push(object);
        }
        it.ns.apply(objects);
        let config = kubeconfig::write(it.ns.dir.path(), "controller.conf", &kubeconfig::admin());
        let mut command = Command::new("cert-manager");
        command
            .arg(config)
            .args([&it.ns.name, &it.resolver.address()])
            .args(flags);
        let server = Server::start("cert-manager", it.ns.dir.path(), &command);
        let theirs = Self {
            it,
            names,
            released: Some(server),
            _bind: bind,
        };
        theirs.until_ready(count + 1);
        theirs
    }

    /// Waits until so many Certificates are ready, and none is being issued any more.
    #[track_caller]
    fn until_ready(&self, count: usize) {
        eventually_within(Duration::from_secs(90), "cert-manager's certificates", || {
            let all = objects(&self.it, "certificates");
            let has = |one: &Value, kind: &str| {
                let conditions = one["status"]["conditions"].as_array().into_iter().flatten();
                let mut conditions = conditions.filter(|condition| condition["type"] == kind);
                conditions.any(|condition| condition["status"] == "True")
            };
            let ready = all
                .values()
                .filter(|one| has(one, "Ready") && !has(one, "Issuing"))
                .count();
            let orders = objects(&self.it, "orders");
            let is_over = orders.values().all(|order| order["status"]["state"] == "valid");
            if ready == count && all.len() == count && is_over {
                Ok(())
            } else {
                Err(format!("{ready} of {} ready: {all:#?}", all.len()))
            }
        });
    }

    fn secrets(&self) -> BTreeMap<String, Value> {
        secrets(&self.it, &self.names)
    }

    /// The annotations of each Ingress that say who keeps its certificate.
    fn asked(&self) -> Vec<String> {
        let all = objects(&self.it, "ingresses");
        let known = all
            .into_iter()
            .filter(|(name, _)| self.names.contains(&format!("{name}-tls")));
        let of = |object: &Value| {
            assert_eq!(object["metadata"]["annotations"]["note"], "of the team");
            let annotations = object["metadata"]["annotations"].as_object().unwrap();
            let asks = annotations
                .keys()
                .filter(|name| ["cert-manager.io/issuer", "kubernetes.io/tls-acme"].contains(&name.as_str()));
            asks.cloned().collect::<Vec<_>>().join(" ")
        };
        let mut all: Vec<String> = known.map(|(_, object)| of(&object)).collect();
        all.dedup();
        all
    }

    /// Which of the Secrets are claimed, and which have a Certificate.
    fn kept(&self) -> (Vec<String>, Vec<String>) {
        let claimed = self.secrets().into_iter();
        let claimed = claimed.filter(|(_, one)| !one["metadata"]["annotations"]["kubectl-certs.io/claim"].is_null());
        let written = objects(&self.it, "certificates").into_keys();
        (
            claimed.map(|(name, _)| name).collect(),
            written.filter(|name| self.names.contains(name)).collect(),
        )
    }

    /// Kills a run of `adopt` once the first Certificate is gone: then nobody keeps it.
    #[track_caller]
    fn killed_half_way(&self) {
        let running = adopt(&self.it, &["--yes"]).start();
        eventually("the first Certificate to go", || {
            let (_, written) = self.kept();
            if written.len() < self.names.len() {
                Ok(())
            } else {
                Err(format!("{:?} {:?}", running.out.all(), running.err.all()))
            }
        });
        let killed = Command::new("kill").args(["-9", &running.pid().to_string()]).status();
        assert!(
            killed.is_ok_and(|status| status.success()),
            "it had ended: {:?} {:?}",
            running.out.all(),
            running.err.all()
        );
        let _ = running.end();
        let (claimed, written) = self.kept();
        assert!(
            claimed.iter().all(|name| !written.contains(name)),
            "{claimed:?} {written:?}"
        );
    }

    /// Everything is as it was before.
    #[track_caller]
    fn is_as_before(&self, before: &BTreeMap<String, Value>, ran: &Ran) {
        self.until_ready(self.names.len() + 1);
        assert_eq!(self.asked(), ["cert-manager.io/issuer"], "{}", ran.err);
        eventually("the Secrets as before", || {
            let now = self.secrets();
            if now == *before {
                Ok(())
            } else {
                Err(format!("{now:#?}\n{before:#?}"))
            }
        });
    }
}

/// Nothing goes over that the installation could not renew; the entry that is printed for its settings is all that it takes.
fn until_it_can_prove(theirs: &Theirs, before: &BTreeMap<String, Value>) {
    let it = &theirs.it;
    let left = adopt(it, &["--yes"]).run().ends_with(0);
    for name in &theirs.names {
        let host = name.trim_end_matches("-tls");
        let why = format!("{name}: the installation could not renew it: cert-manager (rfc2136) proves {host}.");
        assert!(left.out.contains(&why), "{why}: {}\n{}", left.out, left.err);
    }
    assert_eq!(
        (theirs.secrets(), theirs.kept().0.len()),
        (before.clone(), 0),
        "{}",
        left.out
    );
    with_printed_provider(it, &left);
    install(it, &["--yes", "--agree-tos", "--settings-secret", "dns"])
        .run()
        .ends_with(0);
}

/// Puts the provider that was printed into the Secret of settings.
#[track_caller]
fn with_printed_provider(it: &Issuing, printed: &Ran) {
    let entry = printed.out.split('`').find(|part| part.starts_with("{\""));
    let entry = entry.unwrap_or_else(|| panic!("no entry: {}", printed.out));
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dns"},
        "stringData": {"config.yaml": format!("dns01:\n  providers:\n  - {entry}\n")},
    })]);
}

/// Adopts, is killed half way and undone from there, is killed again and goes on, and gives everything back: nothing is ordered.
fn handed_over_and_back(theirs: &Theirs) {
    let it = &theirs.it;
    let _wide = installed(it);
    let (before, mail) = (theirs.secrets(), it.version("mail-tls"));
    assert_eq!(before.len(), theirs.names.len());
    let ordered = orders(it);
    until_it_can_prove(theirs, &before);
    let watched = Watched::start(it);
    let dry = typed(it, "coming-from-cert-manager", "kubectl certs adopt -n shop --dry-run")
        .run()
        .ends_with(0);
    for words in [
        "would take the annotation cert-manager.io/issuer=own from Ingress",
        "would delete Certificate",
        "would take from Secret",
        "would give Ingress",
        "mail-tls: no route of its namespace names it",
        "--cronjob --secret mail-tls -d mail.",
    ] {
        assert!(dry.out.contains(words), "{words}: {}\n{}", dry.out, dry.err);
    }
    assert_eq!(theirs.secrets(), before);

    theirs.killed_half_way();
    let ran = typed(it, "coming-from-cert-manager", "kubectl certs adopt -n shop --undo")
        .run()
        .ends_with(0);
    theirs.is_as_before(&before, &ran);

    theirs.killed_half_way();
    let ran = typed(
        it,
        "coming-from-cert-manager",
        "kubectl certs adopt -n shop --from cert-manager",
    )
    .run()
    .ends_with(0);
    assert!(ran.out.contains("go on with Secret"), "{}", ran.out);
    let said = format!("{} certificates adopted, and nothing was ordered", theirs.names.len());
    assert!(ran.out.contains(&said), "{}", ran.out);
    let adopted = theirs.secrets();
    assert_eq!(data(&adopted), data(&before));
    assert_eq!(theirs.kept(), (theirs.names.clone(), Vec::new()));
    assert_eq!(theirs.asked(), ["kubernetes.io/tls-acme"]);
    assert_eq!((orders(it), it.version("mail-tls")), (ordered, mail));
    adopt(it, &["--yes"]).run().ends_with(0);
    assert_eq!(theirs.secrets(), adopted);

    // The controller keeps them, and orders what is new alone.
    let running = start(it);
    running
        .out
        .after(0, &[&format!("{} Secrets are kept", theirs.names.len()), "0 are held"]);
    resume(it);
    let new = it.host("new");
    it.ns.apply(vec![asking("new", &[&new])]);
    until_stored(it, "new-tls", &[&new], &running);
    assert_eq!(orders(it), ordered + 1, "{:?}", running.out.all());
    assert_eq!(theirs.secrets(), adopted);

    let ran = adopt(it, &["--undo", "--yes"]).run().ends_with(0);
    theirs.is_as_before(&before, &ran);
    assert_eq!(orders(it), ordered + 1, "{:?}", running.out.all());
    let left = adopt(it, &["--undo", "--yes"]).run().ends_with(0);
    assert!(left.err.contains("nothing that was adopted is left"), "{}", left.err);
    watched.shows_never_two_writers();
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn ten_certificates_of_cert_managers_change_hands_without_an_order_although_a_run_is_killed() {
    // Its Secrets would go with their Certificates.
    handed_over_and_back(&Theirs::new("adopt", 10, &["--enable-certificate-owner-ref"]));
}

#[test]
#[ignore = "needs the testbed: tests/run long"]
fn fifty_certificates_of_cert_managers_change_hands_without_an_order_although_a_run_is_killed() {
    handed_over_and_back(&Theirs::new("adopt50", 50, &[]));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_account_of_cert_manager_goes_over_without_an_order_once_nothing_uses_it_any_more() {
    let theirs = Theirs::new("adopt-account", 1, &[]);
    let it = &theirs.it;
    let _wide = Wide(it.ns.name.clone());
    // What is printed registers no account.
    let print = |more: &[&str]| {
        let printed = install(it, &[&["--print"], more].concat()).run().ends_with(0);
        let applied = Call::kubectl(["apply", "-f", "-"]).run_with(printed.out.as_bytes());
        assert_eq!(applied.status, Some(0), "{}", applied.err);
    };
    print(&[]);
    let ordered = orders(it);
    let place = format!("{}/their-account", it.ns.name);
    let take = || adopt(it, &["--import-account", &place, "--yes"]).run();
    with_printed_provider(it, &take());
    print(&["--settings-secret", "dns"]);
    let (before, key) = (theirs.secrets(), it.secret("their-account")["data"].clone());
    let url = it
        .ns
        .kubectl(&["get", "issuer", "own", "-o", "jsonpath={.status.acme.uri}"]);

    // No route names the Secret of this Certificate, so that it stays with cert-manager, and so does the account.
    let refused = take().ends_with(2);
    let said = format!("is still used by what is not adopted: Certificate {}/mail", it.ns.name);
    assert!(refused.err.contains(&said), "{}", refused.err);
    assert_eq!(theirs.secrets(), before);
    assert_eq!(theirs.kept(), (Vec::new(), vec!["w00-tls".to_owned()]));

    it.ns.kubectl(&["delete", "certificate", "mail"]);
    let taken = take().ends_with(0);
    let said = format!("the account {url} is the installation's, with a new key");
    assert!(taken.err.contains(&said), "{}", taken.err);
    assert_eq!(data(&theirs.secrets()), data(&before));
    assert_eq!(theirs.kept(), (theirs.names.clone(), Vec::new()));
    assert_eq!(
        it.secret("their-account")["data"],
        key,
        "it is not this program's to write"
    );
    assert_eq!(orders(it), ordered);
    // The former key is worth nothing any more.
    let again = take();
    assert!(again.status != Some(0), "{}", again.out);
    assert!(again.err.contains("knows no account"), "{}", again.err);

    // The controller orders with it.
    let running = start(it);
    running.out.after(0, &["1 Secrets are kept", "0 are held"]);
    resume(it);
    let new = it.host("new");
    it.ns.apply(vec![asking("new", &[&new])]);
    until_stored(it, "new-tls", &[&new], &running);
    assert_eq!(orders(it), ordered + 1, "{:?}", running.out.all());
    let stored = it.secret("new-tls");
    assert_eq!(
        stored["metadata"]["annotations"]["kubectl-certs.io/account"],
        url.as_str()
    );
}

/// Puts a pair into a Secret as kube-lego has left it, or as a hook of certbot's does.
fn stored_by(it: &Issuing, secret: &str, verb: &str) {
    let pair = it.secret(secret)["data"].clone();
    it.ns.kubectl(&["delete", "secret", secret]);
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": secret, "namespace": it.ns.name},
        "data": {"tls.crt": pair["tls.crt"], "tls.key": pair["tls.key"]},
    });
    let ran = Call::kubectl([verb, "-f", "-"]).run_with(object.to_string().as_bytes());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_kube_lego_and_a_cron_job_keep_changes_hands_without_an_order() {
    let it = Issuing::new("adopt-old");
    let _wide = installed(&it);
    let (shop, jobs, own) = (it.host("shop"), it.host("jobs"), it.host("own"));
    it.resolver.host(&jobs, &[NODE]);
    let job = |secret: &str| {
        json!({"restartPolicy": "Never", "containers": [{
            "name": "certbot", "image": "certbot/certbot:v5", "command": ["sh", "-c", format!("certbot renew && store {secret}")],
        }]})
    };
    it.ns.apply(vec![
        asking("shop", &[&shop]),
        ingress("jobs", &[(&[&jobs], "jobs-tls")]),
        asking("own", &[&own]),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "certbot"}, "spec": {
            "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": job("jobs-tls")}}},
        }}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kube-lego"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "kube-lego"}},
            "template": {"metadata": {"labels": {"app": "kube-lego"}}, "spec": {"containers": [{
                "name": "kube-lego", "image": "testbed.local/kube-lego:0.1.7", "imagePullPolicy": "Never",
                "env": [{"name": "LEGO_WATCH_NAMESPACE", "value": it.ns.name}],
            }]}},
        }}),
    ]);
    it.until_addressed("ingress/own");
    it.certs(&["renew", "shop", "jobs", "own"]).ends_with(0);
    stored_by(&it, "shop-tls", "create");
    stored_by(&it, "jobs-tls", "apply");
    let names = ["shop-tls", "jobs-tls"].map(str::to_owned);
    let (before, ordered) = (secrets(&it, &names), orders(&it));

    let dry = typed(
        &it,
        "coming-from-certbot",
        "kubectl certs adopt -n shop --from certbot --dry-run",
    )
    .run()
    .ends_with(0);
    assert!(
        dry.out.contains("would suspend CronJob") && !dry.out.contains("shop-tls"),
        "{}",
        dry.out
    );
    let watched = Watched::start(&it);
    typed(
        &it,
        "coming-from-kube-lego",
        "kubectl certs adopt -n shop --from kube-lego",
    )
    .run()
    .ends_with(0);
    let ran = adopt(&it, &["--yes"]).run().ends_with(0);
    assert!(ran.out.contains("suspend CronJob"), "{}", ran.out);
    let adopted = secrets(&it, &names);
    assert_eq!(data(&adopted), data(&before));
    let of = |kind: &str, name: &str, path: &str| {
        it.ns
            .kubectl(&["get", kind, name, "-o", &format!("jsonpath={{{path}}}")])
    };
    assert_eq!(of("cronjob", "certbot", ".spec.suspend"), "true");
    assert_eq!(of("deployment", "kube-lego", ".spec.replicas"), "0");
    let running = start(&it);
    running.out.after(0, &["3 Secrets are kept", "0 are held"]);
    resume(&it);
    let new = it.host("new");
    it.ns.apply(vec![asking("new", &[&new])]);
    until_stored(&it, "new-tls", &[&new], &running);
    assert_eq!(
        (orders(&it), secrets(&it, &names)),
        (ordered + 1, adopted),
        "{:?}",
        running.out.all()
    );
    drop(running);

    let ran = adopt(&it, &["--undo", "--yes"]).run().ends_with(0);
    assert_eq!(secrets(&it, &names), before, "{}", ran.err);
    assert_eq!(of("cronjob", "certbot", ".spec.suspend"), "false");
    assert_eq!(of("deployment", "kube-lego", ".spec.replicas"), "1");
    assert_eq!(
        of("ingress", "jobs", r".metadata.annotations.kubernetes\.io/tls-acme"),
        ""
    );
    assert_eq!(orders(&it), ordered + 1);
    watched.shows_never_two_writers();
}
