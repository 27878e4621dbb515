//! cert-manager's own controller renews what it owns: it is asked to, followed to the end, and quoted when it fails.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::{
    apply::Api,
    engine::{
        cancel,
        certmanager::{self, CertManagerError, Renewed},
    },
    error::{Blame, Diagnose as _, chain},
    event::{Event, EventKind, Listen, Teller},
    k8s::{ConnectOptions, connect},
    object::Key,
};
use serde_json::{Value, json};

use super::rights_to_renew::printed;
use crate::support::{
    cluster::{Namespace, ingress},
    dns::{Bind, Resolver},
    eventually,
    issuing::Issuing,
    kubeconfig,
    pebble::Pebble,
    run::Call,
    server::Server,
};

/// cert-manager's controller, for one namespace.
fn controller(ns: &Namespace, resolver: &str) -> Server {
    let config = kubeconfig::write(ns.dir.path(), "controller.conf", &kubeconfig::admin());
    let mut command = Command::new("cert-manager");
    command.arg(config).args([&ns.name, resolver]);
    Server::start("cert-manager", ns.dir.path(), &command)
}

/// Takes the finalizers off the Challenges that a controller leaves: without one, their namespace would stay for ever. To be
/// made before the controller, so that it goes after it.
pub(super) struct Released<'a>(pub(super) &'a Namespace);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        let names = Call::kubectl(["-n", &self.0.name, "get", "challenges", "-o", "name"])
            .run()
            .out;
        for name in names.lines() {
            let patch = r#"{"metadata": {"finalizers": null}}"#;
            let ran = Call::kubectl(["-n", &self.0.name, "patch", name, "--type", "merge", "-p", patch]).run();
            if ran.status != Some(0) {
                eprintln!("cannot release {name}: {}", ran.err);
            }
        }
    }
}

/// A name server that nobody asks anything.
const NOBODY: &str = "127.0.0.1:9";

#[derive(Default)]
struct Ear(Mutex<Vec<EventKind>>);

impl Listen for Ear {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap().push(event.kind.clone());
    }
}

impl Ear {
    fn heard(&self, is: impl Fn(&EventKind) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(is)
    }

    fn notes(&self, words: &str) -> bool {
        self.heard(|kind| matches!(kind, EventKind::Note { text } if text.contains(words)))
    }

    fn all(&self) -> String {
        format!("{:#?}", self.0.lock().unwrap())
    }
}

async fn api(certificate: &Key) -> Api {
    let connection = connect(&ConnectOptions::default()).await.unwrap();
    Api::new(connection, certmanager::permits(certificate))
}

async fn renew(ns: &Namespace, limit: Duration) -> (Result<Renewed, CertManagerError>, Arc<Ear>) {
    let certificate = Key::new(ns.name.as_str(), "web");
    let (ear, (_canceller, cancel)) = (Arc::new(Ear::default()), cancel::pair());
    let tell = Teller::new(Arc::clone(&ear) as Arc<dyn Listen>);
    let api = api(&certificate).await;
    let ended = certmanager::renew(&api, &certificate, &tell, &cancel, limit).await;
    (ended, ear)
}

fn issuer(spec: &Value) -> Value {
    json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": spec})
}

fn certificate(names: &[&str]) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web"},
        "spec": {
            "secretName": "web-tls", "dnsNames": names, "issuerRef": {"name": "own"},
            "privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Always"},
        },
    })
}

/// An issuer at a Pebble, proving names by a zone on a BIND. After its own look at the record cert-manager would wait a minute;
/// five seconds are enough for each Challenge to be seen.
fn acme(pebble: &Pebble, bind: &Bind, key: &str) -> Vec<Value> {
    let ca = BASE64_STANDARD.encode(std::fs::read(pebble.ca_file()).unwrap());
    vec![
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": key}}),
        issuer(&json!({"acme": {
            "server": pebble.directory_url(), "caBundle": ca, "privateKeySecretRef": {"name": "account"},
            "solvers": [{"waitInsteadOfSelfCheck": "5s", "dns01": {"rfc2136": {
                "nameserver": format!("{}:53", bind.ip()), "tsigKeyName": Bind::KEY_NAME, "tsigAlgorithm": "HMACSHA256",
                "tsigSecretSecretRef": {"name": "tsig", "key": "key"},
            }}}],
        }})),
    ]
}

/// Waits until cert-manager says something of the Certificate's condition.
#[track_caller]
fn wait_for(ns: &Namespace, kind: &str, status: &str) {
    let path = format!("jsonpath={{.status.conditions[?(@.type==\"{kind}\")].status}}");
    eventually(&format!("{kind} is {status}"), || {
        let now = ns.kubectl(&["get", "certificate", "web", "-o", &path]);
        if now == status { Ok(()) } else { Err(now) }
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn cert_manager_renews_at_once_what_it_owns() {
    let ns = Namespace::new("cm");
    ns.apply(vec![
        issuer(&json!({"selfSigned": {}})),
        certificate(&[&ns.host("web")]),
    ]);
    let controller = controller(&ns, NOBODY);
    wait_for(&ns, "Ready", "True");
    let stored = || ns.kubectl(&["get", "secret", "web-tls", "-o", r"jsonpath={.data.tls\.crt}"]);
    // cert-manager's controllers work from caches, so that one of them may issue twice: its own number counts.
    let revision = || -> u64 {
        let said = ns.kubectl(&["get", "certificate", "web", "-o", "jsonpath={.status.revision}"]);
        said.parse().expect("a number")
    };
    let (before, first) = (stored(), revision());
    let (renewed, ear) = renew(&ns, Duration::from_mins(1)).await;
    let renewed = renewed.unwrap();
    assert!(
        (first + 1..=revision()).contains(&renewed.revision),
        "{first}, {}",
        renewed.revision
    );
    assert_eq!(renewed.secret, Key::new(ns.name.as_str(), "web-tls"));
    let after = stored();
    assert_ne!(before, after);
    let (_, pem) = x509_parser::pem::parse_x509_pem(&BASE64_STANDARD.decode(after).unwrap()).unwrap();
    let sha256 = kubectl_certs::x509::Fingerprint::of(&pem.contents).to_string();
    assert_eq!(renewed.leaf.unwrap().sha256.to_string(), sha256);
    assert!(ear.notes("asked cert-manager to renew"), "{}", ear.all());
    assert!(ear.notes("with its own Issuer own"), "{}", ear.all());
    assert!(
        ear.heard(|kind| matches!(kind, EventKind::Issued { sha256: told, .. } if *told == sha256)),
        "{}",
        ear.all()
    );
    assert!(ear.0.lock().unwrap().ends_with(&[
        EventKind::Stored {
            place: format!("Secret {}/web-tls", ns.name)
        },
        EventKind::Done
    ]));
    // What cmctl does leaves nothing behind, and neither does this.
    let conditions = ns.kubectl(&[
        "get",
        "certificate",
        "web",
        "-o",
        "jsonpath={.status.conditions[*].type}",
    ]);
    assert!(
        !conditions.contains("Issuing") && conditions.contains("Ready"),
        "{conditions}"
    );
    drop(controller);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_command_asks_cert_manager_and_needs_no_account_of_its_own() {
    let it = Issuing::new("cm-cli");
    it.ns.apply(vec![
        issuer(&json!({"selfSigned": {}})),
        certificate(&[&it.ns.host("web")]),
    ]);
    let controller = controller(&it.ns, NOBODY);
    wait_for(&it.ns, "Ready", "True");
    let before = it.version("web-tls");
    // Nobody is at this directory.
    it.settings("production: gone\nissuers:\n  gone:\n    directory: https://10.99.0.1:9/dir\n    agreeTos: true\n");
    let refused = it.plain(&["renew", "secret/web-tls", "--yes"]).run().ends_with(2);
    assert!(refused.err.contains("cert-manager"), "{}", refused.err);
    let asked = it
        .plain(&["renew", "secret/web-tls", "--production"])
        .run()
        .ends_with(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(it.version("web-tls"), before, "{}", asked.err);
    let ran = it
        .plain(&["renew", "secret/web-tls", "--production", "--yes"])
        .run()
        .ends_with(0);
    assert!(ran.err.contains("asked cert-manager to renew"), "{}", ran.err);
    assert!(ran.err.contains("renewed"), "{}", ran.err);
    assert_ne!(it.version("web-tls"), before, "{}", ran.err);
    assert!(!it.kept("config/kubectl-certs/accounts").exists(), "{}", ran.err);
    // Beside one that it is only asked for: that is left out, and said once.
    let mut asked = ingress("asked", &[(&[&it.ns.host("asked")], "asked-tls")]);
    // cert-manager makes no Certificate for two issuers, so that there is nothing to renew.
    asked["metadata"]["annotations"] =
        json!({"cert-manager.io/cluster-issuer": "none", "cert-manager.io/issuer": "none"});
    it.ns.apply(vec![asked]);
    let both = ["renew", "secret/web-tls", "secret/asked-tls", "--production", "--yes"];
    let ran = it.plain(&both).run().ends_with(4);
    let told = format!("left out: Secret {}/asked-tls is cert-manager's", it.ns.name);
    assert_eq!(ran.err.matches(&told).count(), 1, "{}", ran.err);
    assert!(ran.err.contains("asked cert-manager to renew"), "{}", ran.err);
    it.ns.kubectl(&["delete", "ingress", "asked"]);
    // Who asks for all leaves it to cert-manager.
    let left = it.version("web-tls");
    it.ns.apply(vec![ingress("web", &[(&[&it.ns.host("web")], "web-tls")])]);
    let ran = it
        .plain(&["renew", "--all", "--production", "--yes"])
        .run()
        .ends_with(0);
    assert!(ran.err.contains("1 Secret of cert-manager's left to it"), "{}", ran.err);
    assert_eq!(it.version("web-tls"), left);
    // The printed role is enough to ask.
    it.ns.token("renewer", &printed());
    let user = format!("--as={}", it.ns.user("renewer"));
    let ran = it
        .plain(&["renew", "secret/web-tls", "--production", "--yes", &user])
        .run()
        .ends_with(0);
    assert_ne!(it.version("web-tls"), left, "{}", ran.err);
    drop(controller);
}

/// Two Ingresses: an annotation asks cert-manager for the first one's Secret, which no Certificate writes yet.
fn asking(label: &str) -> Issuing {
    let it = Issuing::new(label);
    let mut theirs = ingress("theirs", &[(&[&it.host("theirs")], "theirs-tls")]);
    theirs["metadata"]["annotations"] = json!({"cert-manager.io/cluster-issuer": "gone"});
    it.ns
        .apply(vec![theirs, ingress("own", &[(&[&it.host("own")], "own-tls")])]);
    it.until_addressed("ingress/own");
    it.until_addressed("ingress/theirs");
    it
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_cert_manager_is_asked_for_is_judged_alike_by_renew_issue_and_preflight() {
    let it = asking("cm-asked");
    let host = it.host("theirs");
    let said = format!(
        "Secret {}/theirs-tls is cert-manager's: an annotation of Ingress theirs asks for it, but there is no Certificate yet",
        it.ns.name
    );
    for words in [
        &["renew", "theirs"][..],
        &["renew", "secret/theirs-tls"],
        &["issue", "--secret", "theirs-tls", "-d", &host],
    ] {
        let ran = it.certs(words).ends_with(2);
        assert!(
            ran.err.contains(&said) && ran.err.contains("--force"),
            "{words:?}: {}",
            ran.err
        );
    }
    let ran = it.certs(&["preflight", "theirs"]).ends_with(2);
    assert!(ran.out.contains(&said) && ran.out.contains("--force"), "{}", ran.out);
    // By force both go on, and the renewal says against whom.
    it.certs(&["preflight", "theirs", "--force"]).ends_with(0);
    let ran = it
        .certs(&["renew", "theirs", "--force", "--dry-run=server"])
        .ends_with(0);
    assert!(!ran.err.contains("would be refused"), "{}", ran.err);
    let ran = it.certs(&["renew", "theirs", "--force"]).ends_with(0);
    assert!(ran.err.contains(&format!("--force: {said}")), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn one_of_several_that_is_refused_is_left_out_and_the_others_are_renewed() {
    let it = asking("cm-left");
    let both = ["renew", "secret/theirs-tls", "secret/own-tls"];
    let dry = it.certs(&[&both[..], &["--dry-run"]].concat()).ends_with(4);
    assert!(
        dry.out.contains("own-tls") && !dry.out.contains("theirs-tls"),
        "{}",
        dry.out
    );
    let ran = it.certs(&both).ends_with(4);
    let told = format!("left out: Secret {}/theirs-tls is cert-manager's", it.ns.name);
    for words in ["1 Secret left out of this run", &told, "hint: ", "left out", "issued"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(it.leaf("own-tls").names(), [it.host("own")]);
    let secrets = it.ns.kubectl(&["get", "secrets", "-o", "name"]);
    assert!(!secrets.contains("theirs-tls"), "{secrets}");
    // Alone it is an error, and where all are renewed it is left to cert-manager.
    it.certs(&["renew", "secret/theirs-tls"]).ends_with(2);
    let ran = it.certs(&["renew", "--all"]).ends_with(0);
    assert!(ran.err.contains("1 Secret left to cert-manager"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_is_a_name_for_the_secret_that_it_writes() {
    let it = Issuing::new("cm-name");
    it.ns.apply(vec![
        issuer(&json!({"selfSigned": {}})),
        certificate(&[&it.ns.host("web")]),
    ]);
    let controller = controller(&it.ns, NOBODY);
    wait_for(&it.ns, "Ready", "True");
    for words in [
        &["certificate/web"][..],
        &["cert/web"],
        &["certificate.cert-manager.io/web"],
    ] {
        let shown = it.plain(&[&["show"], words].concat()).run().ends_with(0);
        assert!(
            shown.out.contains("web-tls") && shown.out.contains(&it.ns.host("web")),
            "{words:?}: {}",
            shown.out
        );
    }
    let before = it.version("web-tls");
    it.settings("production: gone\nissuers:\n  gone:\n    directory: https://10.99.0.1:9/dir\n    agreeTos: true\n");
    let ran = it
        .plain(&["renew", "certificate/web", "--production", "--yes"])
        .run()
        .ends_with(0);
    assert!(ran.err.contains("asked cert-manager to renew"), "{}", ran.err);
    assert_ne!(it.version("web-tls"), before, "{}", ran.err);
    let missing = it
        .plain(&["renew", "certificate/wbe", "--production", "--yes"])
        .run()
        .ends_with(2);
    assert!(missing.err.contains("there is no certificate/wbe"), "{}", missing.err);
    drop(controller);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn without_a_controller_it_is_said_that_there_is_none() {
    let ns = Namespace::new("cmnone");
    ns.apply(vec![
        issuer(&json!({"selfSigned": {}})),
        certificate(&[&ns.host("web")]),
    ]);
    let (ended, ear) = renew(&ns, Duration::from_secs(2)).await;
    let error = ended.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no cert-manager controller has picked it up: is it running?"),
        "{error}"
    );
    assert_eq!(error.blame(), Blame::Acme);
    assert!(
        error.hint().unwrap().contains("kubectl get pods -A"),
        "{:?}",
        error.hint()
    );
    // The condition waits for a controller: a second run follows, and asks for nothing.
    let (ended, second) = renew(&ns, Duration::from_secs(1)).await;
    assert!(matches!(ended, Err(CertManagerError::Stuck { .. })), "{ended:?}");
    assert!(
        ear.notes("asked cert-manager to renew") && second.notes("following"),
        "{}",
        second.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn what_is_not_there_or_is_only_judged_changes_nothing() {
    let ns = Namespace::new("cmdry");
    let (ended, _) = renew(&ns, Duration::from_secs(5)).await;
    let error = ended.unwrap_err();
    assert!(matches!(error, CertManagerError::Missing { .. }), "{error}");
    ns.apply(vec![certificate(&[&ns.host("web")])]);
    let key = Key::new(ns.name.as_str(), "web");
    let version = || {
        ns.kubectl(&[
            "get",
            "certificate",
            "web",
            "-o",
            "jsonpath={.metadata.resourceVersion}",
        ])
    };
    let before = version();
    let (_canceller, cancel) = cancel::pair();
    let dry = api(&key).await.dry_run();
    let judged = certmanager::renew(&dry, &key, &Teller::silent(), &cancel, Duration::from_secs(5)).await;
    assert!(judged.unwrap().leaf.is_none());
    assert_eq!(version(), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn what_the_ca_refuses_is_told_in_its_words() {
    let (ns, resolver) = (Namespace::new("cmno"), Resolver::start());
    let host = ns.host("web");
    let blocked = host.clone();
    let pebble = Pebble::start_with(&resolver, |options| options.blocklist = vec![blocked]);
    let bind = Bind::start(&[&format!("{}.example", ns.name)]);
    let mut objects = acme(&pebble, &bind, bind.key_secret());
    objects.push(certificate(&[&host]));
    ns.apply(objects);
    let _released = Released(&ns);
    let controller = controller(&ns, &resolver.address());
    wait_for(&ns, "Issuing", "False");
    // It failed a moment ago: the failure of that time is not taken for the new one's.
    let (ended, ear) = renew(&ns, Duration::from_mins(1)).await;
    let error = ended.unwrap_err();
    let CertManagerError::Failed { why, .. } = &error else {
        panic!("{}\n{}", chain(&error), ear.all())
    };
    assert!(why.contains("rejectedIdentifier") && why.contains(&host), "{why}");
    assert!(
        error.hint().unwrap().contains("kubectl describe certificate web"),
        "{:?}",
        error.hint()
    );
    assert!(ear.notes("cert-manager has made CertificateRequest"), "{}", ear.all());
    drop(controller);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_challenge_that_does_not_come_to_its_end_says_why() {
    let (ns, resolver) = (Namespace::new("cmkey"), Resolver::start());
    let zone = format!("{}.example", ns.name);
    let (pebble, bind) = (Pebble::start(&resolver), Bind::start(&[&zone]));
    resolver.delegate(&zone, bind.ip());
    let wrong = BASE64_STANDARD.encode([7; 32]);
    let mut objects = acme(&pebble, &bind, &wrong);
    objects.push(certificate(&[&ns.host("web")]));
    ns.apply(objects);
    let _released = Released(&ns);
    let controller = controller(&ns, &resolver.address());
    let (ended, ear) = renew(&ns, Duration::from_secs(20)).await;
    let error = ended.unwrap_err();
    let words = format!("the dns-01 challenge for {}: ", ns.host("web"));
    assert!(
        matches!(&error, CertManagerError::Stuck { waits, no_controller: false, .. } if waits.contains(&words)),
        "{}\n{}",
        chain(&error),
        ear.all()
    );
    assert!(
        ear.heard(
            |kind| matches!(kind, EventKind::Ordered { url, names, .. } if url.contains("order/") && names.len() == 1)
        ),
        "{}",
        ear.all()
    );
    drop(controller);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn an_acme_issuance_is_followed_from_the_order_to_the_secret() {
    let (ns, resolver) = (Namespace::new("cmacme"), Resolver::start());
    let zone = format!("{}.example", ns.name);
    let (pebble, bind) = (Pebble::start(&resolver), Bind::start(&[&zone]));
    resolver.delegate(&zone, bind.ip());
    let mut objects = acme(&pebble, &bind, bind.key_secret());
    objects.push(certificate(&[&format!("*.{zone}")]));
    ns.apply(objects);
    let _released = Released(&ns);
    let controller = controller(&ns, &resolver.address());
    let (renewed, ear) = renew(&ns, Duration::from_mins(3)).await;
    let renewed = renewed.unwrap_or_else(|error| panic!("{}\n{}", chain(&error), ear.all()));
    // cert-manager's controllers work from caches, so that one of them may order again when the first order is done: its own number
    // counts.
    let revision = ns.kubectl(&["get", "certificate", "web", "-o", "jsonpath={.status.revision}"]);
    let revision: u64 = revision.parse().expect("a number");
    assert!(
        (1..=revision).contains(&renewed.revision),
        "{} of {revision}",
        renewed.revision
    );
    let star: kubectl_certs::name::Name = format!("*.{zone}").parse().unwrap();
    let told = ear.0.lock().unwrap();
    let at = |is: &dyn Fn(&EventKind) -> bool| told.iter().position(is);
    let ordered = at(&|kind| matches!(kind, EventKind::Ordered { names, .. } if names.contains(&star)));
    let presented = at(&|kind| matches!(kind, EventKind::Presented { name, .. } if *name == star));
    let issued = at(&|kind| matches!(kind, EventKind::Issued { issuer, .. } if issuer.contains("Pebble")));
    let stored = at(&|kind| matches!(kind, EventKind::Stored { .. }));
    // When it has ordered again meanwhile, it removes the request that is done, and the certificate that was in it.
    let is_again =
        at(&|kind| matches!(kind, EventKind::Note { text } if text.ends_with("CertificateRequest web-2"))).is_some();
    let mut all = vec![ordered, presented, stored];
    if issued.is_some() || !is_again {
        all.insert(2, issued);
    }
    assert!(all.iter().all(Option::is_some) && all.is_sorted(), "{all:?}: {told:#?}");
    drop(controller);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn several_are_renewed_side_by_side_and_no_more_at_once_than_is_allowed() {
    let it = Issuing::new("cm-side");
    let host = it.ns.host("stuck");
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("a-stuck-tls")]);
    let mut stuck = certificate(&[&host]);
    stuck["metadata"]["name"] = "a-stuck".into();
    stuck["spec"]["secretName"] = "a-stuck-tls".into();
    // Nobody issues it, so that its renewal has no end.
    stuck["spec"]["issuerRef"]["name"] = "nobody".into();
    it.ns.apply(vec![
        issuer(&json!({"selfSigned": {}})),
        certificate(&[&it.ns.host("web")]),
        stuck,
    ]);
    let controller = controller(&it.ns, NOBODY);
    wait_for(&it.ns, "Ready", "True");
    it.settings("production: gone\nissuers:\n  gone:\n    directory: https://10.99.0.1:9/dir\n    agreeTos: true\n");
    let both = [
        "renew",
        "certificate/a-stuck",
        "certificate/web",
        "--production",
        "--yes",
        "-o",
        "json",
    ];
    let running = it.plain(&[&both[..], &["--concurrency", "1"]].concat()).start();
    eventually("the first is asked for", || {
        let said = running.out.all();
        let asked = said.iter().any(|line| line.contains("a-stuck-tls"));
        asked
            .then_some(())
            .ok_or_else(|| format!("{said:?} {:?}", running.err.all()))
    });
    // Time for another one, were one begun.
    std::thread::sleep(Duration::from_secs(2));
    let said = running.out.all();
    assert!(!said.iter().any(|line| line.contains("web-tls")), "{said:?}");
    running.interrupt();
    running.end();
    let running = it.plain(&both).start();
    running.out.after(0, &["web-tls", "\"event\":\"done\""]);
    running.interrupt();
    let said = running.out.clone();
    running.end();
    let stuck = |line: &String| line.contains("a-stuck-tls") && line.contains("\"event\":\"done\"");
    assert!(!said.all().iter().any(stuck), "{:?}", said.all());
    drop(controller);
}
