//! Several runs on one Secret: one certificate, and nothing more of a run that another one has taken over from; what was restored from a
//! backup; the kept pair; a defect.

use std::time::Duration;

use kubectl_certs::{
    apply::{
        Api, Pair, Permits, Roots, RunId, SecretChange, Target,
        kept::{self, Keeping},
        secret::{self, Note, Options},
    },
    engine::restore::{self, RestoreError, Restored},
    k8s::{ConnectOptions, connect},
    object::Key,
};
use serde_json::{Value, json};

use super::faults::Scene;
use crate::support::{
    cluster::{Namespace, ingress},
    controller::{asking, controller, finalized, resume, until_stored},
    eventually,
    front::Fault,
    issuing::Issuing,
    pki::{self, now},
    run::Running,
};

/// How many races there are: more where it may take long (`tests/run long`).
fn rounds() -> usize {
    let asked = std::env::var("KUBECTL_CERTS_ROUNDS").ok();
    asked.and_then(|rounds| rounds.parse().ok()).unwrap_or(4)
}

impl Scene {
    /// One whose Secret has a certificate.
    fn renewed(label: &str) -> Self {
        let scene = Self::new(label);
        scene.call(&["renew", "shop"]).run().ends_with(0);
        scene
    }

    /// A run that waits where the CA would answer a request.
    fn held_at(&self, path: &str, args: &[&str]) -> Running {
        self.front.fault(path, 0, 1, Fault::Hold);
        let running = self.call(args).start();
        self.front.wait_until_held();
        running
    }

    /// How many orders were made, and how many were finalized.
    fn asked(&self) -> (usize, usize) {
        let count = |path: &str| self.front.asked(path).len();
        (count("/order-plz"), count("/finalize-order/"))
    }

    fn serial(&self) -> String {
        format!("{:?}", self.it.leaf("shop-tls").certificate.serial)
    }

    /// The journal as the server has it.
    #[track_caller]
    fn journal(&self) -> Option<Value> {
        let all = self
            .it
            .ns
            .kubectl(&["get", "secrets", "-l", "kubectl-certs.io/purpose=journal", "-o", "json"]);
        let all: Value = serde_json::from_str(&all).unwrap();
        all["items"].as_array().unwrap().first().cloned()
    }

    /// Puts an object back as a backup of the cluster does: with a new uid and version, and nothing else new.
    fn restored(&self, object: &Value) {
        let mut object = object.clone();
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.it.ns.kubectl(&["delete", "secret", &name, "--ignore-not-found"]);
        self.it.ns.create(vec![object]);
    }

    /// A run that is stopped after its order, and whose Lease is no hindrance to others any more.
    fn stopped(&self, forget: fn(&Self)) -> Running {
        let running = self.held_at("/authZ/", &["renew", "shop"]);
        running.signal("-STOP");
        // The answer waits for it.
        self.front.fix();
        forget(self);
        running
    }

    /// Lets a stopped run go on, from which another one has taken over; what it said.
    #[track_caller]
    fn went_on(&self, running: Running) -> String {
        running.signal("-CONT");
        let (status, said) = ended(running);
        assert_eq!(status, Some(5), "{said}");
        let words = format!(
            "another run has taken over the order for Secret {}/shop-tls",
            self.it.ns.name
        );
        assert!(said.contains(&words), "{said}");
        said
    }

    /// The Lease of the Secret, as `lease/NAME`.
    fn lease(&self) -> String {
        let all = ["get", "leases", "-l", "kubectl-certs.io/purpose=lease", "-o", "name"];
        let lease = self.it.ns.kubectl(&all).trim().to_owned();
        assert_eq!(lease.lines().count(), 1, "{lease}");
        lease
    }

    /// Somebody deletes the Lease.
    fn delete_lease(&self) {
        self.it.ns.kubectl(&["delete", &self.lease()]);
    }

    /// Lets the Lease look as if its run were long gone.
    fn forget_lease(&self) {
        let ended = json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}).to_string();
        self.it
            .ns
            .kubectl(&["patch", &self.lease(), "--type=merge", "-p", &ended]);
    }
}

/// Waits for the end of a run: its exit status, and all that it said.
fn ended(running: Running) -> (Option<i32>, String) {
    let said = running.err.clone();
    let status = running.end().0;
    (status, said.all().join("\n"))
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_two_runs_at_once_on_one_secret_that_is_due_one_orders() {
    let scene = Scene::renewed("race");
    for round in 0..rounds() {
        let before = scene.serial();
        scene.it.pebble.set_renewal_window(
            &scene.it.leaf("shop-tls").first_pem(),
            "2026-01-01T00:00:00Z",
            "2026-01-02T00:00:00Z",
        );
        let asked = scene.asked();
        // What the CA said of one certificate is not remembered for the next.
        let due = || {
            scene
                .call(&["renew", "--due"])
                .env("XDG_CACHE_HOME", scene.it.kept(&format!("cache-{round}")))
                .start()
        };
        let (one, other) = (due(), due());
        let results = [ended(one), ended(other)];
        let ok = |(status, said): &(Option<i32>, String)| {
            *status == Some(0) || *status == Some(5) && said.contains("has been working on Secret")
        };
        assert!(results.iter().all(ok), "round {round}: {results:#?}");
        assert!(
            results.iter().any(|(status, _)| *status == Some(0)),
            "round {round}: {results:#?}"
        );
        assert_eq!(scene.asked(), (asked.0 + 1, asked.1 + 1), "round {round}: {results:#?}");
        assert_ne!(scene.serial(), before, "round {round}");
        assert_eq!(scene.it.left(), [""; 0], "round {round}: {results:#?}");
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_two_runs_at_once_of_which_one_is_the_controllers_one_finalizes() {
    let it = Issuing::new("race-both");
    let rounds = rounds();
    let hosts: Vec<String> = (0..rounds).map(|round| it.host(&format!("h{round}"))).collect();
    let routes = (0..)
        .zip(&hosts)
        .map(|(round, host): (usize, _)| asking(&format!("r{round}"), &[host]));
    it.ns.apply(routes.collect());
    let running = controller(&it);
    resume(&it);
    let said = || format!("{:?}", running.out.all());
    for (round, host) in hosts.iter().enumerate() {
        until_stored(&it, &format!("r{round}-tls"), &[host], &running);
    }
    let first = finalized(&it);
    assert_eq!(first, rounds, "{}", said());
    let past = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    let window = format!("kubectl-certs/renewal-window={}/{}", past[0], past[1]);
    for round in 0..rounds {
        let secret = format!("r{round}-tls");
        let before = it.leaf(&secret);
        it.pebble.set_renewal_window(&before.first_pem(), past[0], past[1]);
        let by_hand = it
            .call(&["renew", "--due"])
            .env("XDG_CACHE_HOME", it.kept(&format!("cache-{round}")))
            .start();
        // A command line takes its time until it has read everything.
        std::thread::sleep(Duration::from_millis(100) * u32::try_from(round % 4).unwrap());
        it.ns.kubectl(&["annotate", "secret", &secret, &window, "--overwrite"]);
        let (status, words) = ended(by_hand);
        assert!(
            status == Some(0) || status == Some(5) && words.contains("has been working on Secret"),
            "round {round}: {status:?} {words}"
        );
        eventually(&format!("another certificate in {secret}"), || {
            let leaf = it.leaf(&secret);
            if leaf.key_matches && leaf.sha256() != before.sha256() {
                Ok(())
            } else {
                Err(said())
            }
        });
        eventually("the end of both", || {
            let left = it.left();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:?} {}", said()))
            }
        });
        assert_eq!(finalized(&it), first + round + 1, "round {round}: {words}\n{}", said());
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_was_decided_before_another_run_renewed_the_secret_is_not_ordered() {
    let scene = Scene::renewed("meanwhile");
    for args in [&["renew", "shop"][..], &["renew", "--all"]] {
        // It has read the Secret, and waits for the CA.
        let late = scene.held_at("/dir", args);
        scene.call(&["renew", "shop"]).run().ends_with(0);
        let (serial, version, asked) = (scene.serial(), scene.it.version("shop-tls"), scene.asked());
        scene.front.fix();
        let (status, said) = ended(late);
        assert_eq!(status, Some(0), "{said}");
        let words = format!(
            "Secret {}/shop-tls was renewed by another run meanwhile, until ",
            scene.it.ns.name
        );
        assert!(said.contains(&words) && said.contains("renewed meanwhile"), "{said}");
        assert_eq!(scene.asked(), asked, "{said}");
        assert_eq!((scene.serial(), scene.it.version("shop-tls")), (serial, version));
        assert_eq!(scene.it.left(), [""; 0], "{said}");
    }
    // Another name is another matter, and what the Secret holds by now loses nothing.
    let (more, third) = (scene.it.host("more"), scene.it.host("third"));
    let issue = |host: &str| scene.call(&["issue", "--secret", "shop-tls", "-d", host]);
    let late = scene.held_at("/dir", &["issue", "--secret", "shop-tls", "-d", &more]);
    issue(&third).run().ends_with(0);
    let asked = scene.asked();
    scene.front.fix();
    let (status, said) = ended(late);
    assert_eq!(status, Some(5), "{said}");
    assert!(
        said.contains(&format!("holds a certificate for {third} too by now")),
        "{said}"
    );
    assert_eq!(scene.asked(), asked, "{said}");
    issue(&more).run().ends_with(0);
    let mut all = vec![scene.it.ns.host("shop"), more, third];
    all.sort();
    assert_eq!(scene.it.leaf("shop-tls").names(), all);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_run_that_was_stopped_after_its_order_does_nothing_more_once_another_has_taken_over() {
    let scene = Scene::renewed("stopped");
    let before = scene.serial();
    let first = scene.stopped(Scene::delete_lease);
    let asked = scene.asked();
    let second = scene.held_at("/finalize-order/", &["renew", "shop"]);
    let journal = scene.journal().expect("a journal");
    assert_eq!(
        scene.asked(),
        (asked.0, asked.1 + 1),
        "the second continues the order of the first"
    );

    let said = scene.went_on(first);
    assert_eq!(scene.asked(), (asked.0, asked.1 + 1), "{said}");
    assert_eq!(scene.journal(), Some(journal), "{said}");
    assert_eq!(scene.serial(), before, "{said}");

    scene.front.fix();
    let (status, said) = ended(second);
    assert_eq!(status, Some(0), "{said}");
    assert_ne!(scene.serial(), before);
    assert_eq!(scene.it.left(), [""; 0], "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_run_whose_order_was_finished_by_another_meanwhile_stores_and_removes_nothing() {
    let scene = Scene::renewed("overtaken");
    let first = scene.stopped(Scene::forget_lease);
    scene.call(&["renew", "shop"]).run().ends_with(0);
    // A third run has begun, and has a journal of its own.
    let third = scene.held_at("/finalize-order/", &["renew", "shop"]);
    let (journal, version) = (scene.journal().expect("a journal"), scene.it.version("shop-tls"));
    let asked = scene.asked();

    let said = scene.went_on(first);
    assert_eq!(scene.asked(), asked, "{said}");
    assert_eq!(scene.journal(), Some(journal), "{said}");
    assert_eq!(scene.it.version("shop-tls"), version, "{said}");
    scene.front.fix();
    let (status, said) = ended(third);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(scene.it.left(), [""; 0], "{said}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_was_restored_from_a_backup_puts_nothing_older_into_a_secret() {
    let scene = Scene::renewed("backup");
    let begun = |scene: &Scene| scene.it.leaf("shop-tls").certificate.not_before;
    // Killed between its certificate and the Secret: the journal leads to a certificate that is not stored.
    let killed = scene.held_at("/certZ/", &["renew", "shop"]);
    drop(killed);
    scene.front.fix();
    let (journal, secret) = (scene.journal().expect("a journal"), scene.it.secret("shop-tls"));
    // An hour passes.
    scene.call(&["renew", "shop"]).run().ends_with(0);
    let continued = scene.serial();
    eventually("a new second", || {
        let at = begun(&scene);
        if now().unix_timestamp() > at {
            Ok(())
        } else {
            Err(at.to_string())
        }
    });
    scene.call(&["renew", "shop"]).run().ends_with(0);
    let newest = scene.serial();

    // The journal alone is restored.
    scene.restored(&journal);
    let ran = scene.call(&["renew", "shop"]).run().ends_with(5);
    let words = format!("and Secret {}/shop-tls holds one of ", scene.it.ns.name);
    assert!(
        ran.err.contains("the new certificate is not stored: it is of "),
        "{}",
        ran.err
    );
    assert!(ran.err.contains(&words), "{}", ran.err);
    assert!(ran.err.contains("which makes an order of its own"), "{}", ran.err);
    assert_eq!(scene.serial(), newest, "{}", ran.err);
    let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
    assert!(scene.serial() != newest && scene.serial() != continued, "{}", ran.err);
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);

    // Both are.
    scene.restored(&journal);
    scene.restored(&secret);
    let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
    assert_eq!(scene.serial(), continued, "{}", ran.err);
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_defect_ends_its_own_certificate_alone() {
    let it = Issuing::new("defect");
    let (shop, blog) = (it.host("shop"), it.host("blog"));
    it.ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ingress("blog", &[(&[&blog], "blog-tls")]),
    ]);
    let renew = ["renew", "shop", "blog"];
    let planted = it
        .call(&renew)
        .env("KUBECTL_CERTS_TEST_PANIC", format!("{}/blog-tls", it.ns.name))
        .env("RUST_BACKTRACE", "0");
    let ran = planted.run();
    assert_eq!(ran.status, Some(5), "{}", ran.err);
    let words = format!("a defect in this program: planted for {}/blog-tls", it.ns.name);
    assert!(ran.err.contains(&words) && ran.err.contains("report it"), "{}", ran.err);
    assert_eq!(it.leaf("shop-tls").names(), [shop.as_str()]);
    // Its Lease is given back, so that nobody waits for it.
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
    it.certs(&["renew", "blog"]).ends_with(0);
    assert_eq!(it.leaf("blog-tls").names(), [blog.as_str()]);
}

/// A Secret whose pairs are kept in a namespace of its own, as a program has it that goes on.
struct Keeper {
    ns: Namespace,
    own: Namespace,
    api: Api,
    keeping: Keeping,
}

impl Keeper {
    async fn new() -> Self {
        let (ns, own) = (Namespace::new("restore"), Namespace::new("keeper"));
        let keeping = Keeping {
            namespace: own.name.as_str().into(),
            claim: "install-1".to_owned(),
        };
        let secret = Key::new(ns.name.as_str(), "web-tls");
        let mut permits: Permits = restore::permits(&secret, &keeping);
        permits.extend(keeping.permits(&secret));
        let api = Api::new(connect(&ConnectOptions::default()).await.unwrap(), permits);
        Self { ns, own, api, keeping }
    }

    fn secret(&self) -> Key {
        Key::new(self.ns.name.as_str(), "web-tls")
    }

    /// Keeps a pair and stores it, as after an order.
    async fn stored(&self, pair: &pki::Pair, issuer: &str) {
        let at = now().unix_timestamp();
        let pair = Pair::check(pair.key.clone().into(), pair.chain.as_bytes(), &[], at, &Roots::Any).unwrap();
        let note = Note {
            claim: None,
            run: RunId::random(),
            issuer: issuer.to_owned(),
            directory: "https://ca.example/directory".into(),
            order: None,
            account: None,
            kind: None,
            at,
            window: None,
        };
        let target = Target::read(&self.api, &self.secret()).await.unwrap();
        let change = SecretChange::plan(&target, &pair, &Options::default(), &note).unwrap();
        kept::keep(&self.api, &self.keeping, &target, &pair, &change, &RunId::random(), at)
            .await
            .unwrap();
        change.write(&self.api).await.unwrap();
    }

    async fn restore(&self) -> Result<Restored, RestoreError> {
        let options = secret::Options::default();
        restore::restore(&self.api, &self.secret(), &self.keeping, &options, &RunId::random()).await
    }

    #[track_caller]
    fn holds(&self, pair: &pki::Pair, issuer: &str) {
        let object: Value =
            serde_json::from_str(&self.ns.kubectl(&["get", "secret", "web-tls", "-o", "json"])).unwrap();
        let leaf = crate::support::issuing::x509::Leaf::of(&object);
        assert!(leaf.key_matches && leaf.pem == pair.chain);
        assert_eq!(object["metadata"]["annotations"]["kubectl-certs.io/issuer"], issuer);
        assert_eq!(object["type"], "kubernetes.io/tls");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_secret_that_was_deleted_or_spoilt_gets_its_kept_pair_back_and_a_good_one_stays() {
    let keeper = Keeper::new().await;
    let nothing = keeper.restore().await.unwrap_err();
    assert!(matches!(nothing, RestoreError::Nothing), "{nothing}");
    let fresh = || keeper.ns.pki.pair(&["web.example"]);
    let (first, second) = (fresh(), fresh());
    keeper.stored(&first, "one").await;
    keeper.stored(&second, "two").await;
    let whole = keeper.restore().await.unwrap_err();
    assert!(matches!(whole, RestoreError::Whole), "{whole}");

    keeper.ns.kubectl(&["delete", "secret", "web-tls"]);
    let restored = keeper.restore().await.unwrap();
    assert!(restored.created);
    keeper.holds(&second, "two");

    let spoilt = json!({"stringData": {"tls.key": first.key}}).to_string();
    keeper
        .ns
        .kubectl(&["patch", "secret", "web-tls", "--type=merge", "-p", &spoilt]);
    let restored = keeper.restore().await.unwrap();
    assert!(!restored.created);
    keeper.holds(&second, "two");

    // Someone's own pair, by hand.
    let other = fresh();
    let theirs = json!({"stringData": {"tls.crt": other.chain, "tls.key": other.key}}).to_string();
    keeper
        .ns
        .kubectl(&["patch", "secret", "web-tls", "--type=merge", "-p", &theirs]);
    let refused = keeper.restore().await.unwrap_err();
    assert!(matches!(refused, RestoreError::Others { .. }), "{refused}");

    // Both pairs are kept, without an end, and clean-up knows nothing of them.
    let kept = |path: &str| {
        let path = format!("jsonpath={path}");
        let selector = "kubectl-certs.io/purpose=kept";
        keeper.own.kubectl(&["get", "secrets", "-l", selector, "-o", &path])
    };
    assert_eq!(kept("{.items[*].type}"), "kubectl-certs.io/backup");
    assert_eq!(kept(r"{.items[*].metadata.annotations.kubectl-certs\.io/expires}"), "");
    assert!(!kept(r"{.items[*].data.former\.crt}").is_empty());
    let cleaned = keeper.own.call(&["cleanup", "--yes"]).run();
    assert_eq!(kept("{.items[*].type}"), "kubectl-certs.io/backup", "{}", cleaned.err);
    // Revoked: it is noted where it is kept as well.
    keeper.ns.kubectl(&["delete", "secret", "web-tls"]);
    let name = kept("{.items[*].metadata.name}");
    let sha256 = kept(r"{.items[*].metadata.annotations.kubectl-certs\.io/backup-of}");
    let noted = format!("kubectl-certs.io/revoked={sha256} key-compromise");
    keeper.own.kubectl(&["annotate", "secret", &name, &noted]);
    let refused = keeper.restore().await.unwrap_err();
    assert!(matches!(refused, RestoreError::Revoked(_)), "{refused}");
    let leases = keeper.ns.kubectl(&["get", "leases", "-o", "name"]);
    assert_eq!(leases, "", "its Lease is given back");
}
