//! What goes wrong from outside: Ctrl-C, an API server that is away, an ACME server that fails, others at the same Secret,
//! rights that are missing.

use std::time::Duration;

use kubectl_certs::{engine::lease, object::Key, text::date_time};
use serde_json::{Value, json};

use crate::support::{
    cluster::ingress,
    eventually,
    front::{Fault, Front, INTERNAL, PAGE, UNAVAILABLE},
    issuing::{Issuing, NODE},
    kubeconfig,
    pki::now,
    proxy::{API_SERVER, Proxy},
    run::Call,
    server::free_port,
    terminal::Terminal,
};

/// An Ingress, with a way to the ACME server on which faults can be put.
pub(super) struct Scene {
    pub(super) it: Issuing,
    pub(super) front: Front,
    host: String,
}

impl Scene {
    pub(super) fn new(label: &str) -> Self {
        let it = Issuing::new(label);
        let host = it.host("shop");
        it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
        let front = Front::of(&it.pebble.directory_url());
        Self { it, front, host }
    }

    pub(super) fn call(&self, args: &[&str]) -> Call {
        self.it.call_to(&self.front.url, &self.front.ca_file(), args)
    }

    fn has_ordered(&self) -> bool {
        self.it.pebble.log().contains("/order-plz")
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn ctrl_c_or_sigterm_during_the_validation_leaves_nothing_behind() {
    for (label, signal, status) in [("ctrlc", "-INT", 130), ("sigterm", "-TERM", 143)] {
        let scene = Scene::new(label);
        // The first looks for the challenges, the others for what came of them.
        scene.front.fault("/authZ/", 1, 100, Fault::Hold);
        let running = scene.call(&["renew", "shop"]).start();
        scene.front.wait_until_held();
        assert!(!scene.it.left().is_empty(), "the answer is in place");
        running.signal(signal);
        running.err.after(0, &["interrupted: cleaning up"]);
        let said = running.err.clone();
        assert_eq!(running.end().0, Some(status), "{signal}: {:?}", said.all());
        assert_eq!(scene.it.left(), [""; 0], "{signal}: {:?}", said.all());
        scene.front.fix();
        scene.call(&["renew", "shop"]).run().ends_with(0);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_terminal_that_goes_during_the_validation_leaves_nothing_behind() {
    let scene = Scene::new("hangup");
    scene.front.fault("/authZ/", 1, 100, Fault::Hold);
    let terminal = Terminal::start(100, 30, &scene.call(&["renew", "shop"]));
    scene.front.wait_until_held();
    assert!(!scene.it.left().is_empty(), "the answer is in place");
    let program = terminal.program();
    drop(terminal);
    eventually("the end of the program", || {
        let gone = !std::path::Path::new(&format!("/proc/{program}")).exists();
        gone.then_some(()).ok_or_else(|| format!("{program} runs"))
    });
    assert_eq!(scene.it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn under_nohup_a_run_outlives_its_terminal() {
    // A CA that takes its time.
    let it = Issuing::with("nohup", |pebble| pebble.sleep = 3);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let running = it.call(&["renew", "shop", "-o", "json"]).through(&["nohup"]).start();
    running.out.after(0, &["\"event\":\"presented\""]);
    running.signal("-HUP");
    let said = running.err.clone();
    assert_eq!(running.end().0, Some(0), "{:?}", said.all());
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn ctrl_c_while_the_ca_signs_ends_at_once_and_the_next_run_goes_on_with_the_order() {
    let scene = Scene::new("ctrlc2");
    scene.front.fault("/finalize-order/", 0, 1, Fault::Hold);
    let running = scene.call(&["renew", "shop"]).start();
    scene.front.wait_until_held();
    running.interrupt();
    let said = running.err.clone();
    let (status, took) = running.end();
    assert_eq!(status, Some(130), "{:?}", said.all());
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(
        said.all()
            .iter()
            .any(|line| line.contains("continues with the same order")),
        "{:?}",
        said.all()
    );
    let left = scene.it.left();
    assert!(left.len() == 1 && left[0].contains("journal"), "{left:?}");
    scene.front.fix();
    let orders = || scene.it.pebble.log().matches("/order-plz").count();
    assert_eq!(orders(), 1);
    let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
    assert_eq!(orders(), 1, "{}", ran.err);
    assert_eq!(scene.it.leaf("shop-tls").names(), [scene.host.as_str()]);
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
}

/// A Lease of somebody on another machine, renewed so many seconds ago by that machine's clock.
fn lease_of_another(it: &Issuing, secret: &str, ago: i64) -> Value {
    let key = Key::new(it.ns.name.as_str(), secret);
    let at = date_time(now().unix_timestamp() - ago).replace('Z', ".000000Z");
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": lease::name(&key).as_str(),
            "labels": {
                "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "lease",
                "kubectl-certs.io/run": "abcdefghij",
            },
            "annotations": {"kubectl-certs.io/for": key.to_string(), "kubectl-certs.io/process": "elsewhere 1 1"},
        },
        "spec": {
            "holderIdentity": "bob@elsewhere (process 1)", "leaseDurationSeconds": 3, "acquireTime": at, "renewTime": at,
        },
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_lease_that_has_ended_by_this_clock_alone_is_watched_before_it_is_taken_over() {
    let scene = Scene::new("skew");
    let lease = |ago| scene.it.ns.apply(vec![lease_of_another(&scene.it, "shop-tls", ago)]);
    // Bob's clock is a minute late, and he is at work.
    lease(60);
    let running = scene.it.call(&["renew", "shop"]).start();
    running
        .err
        .after(0, &["whether bob@elsewhere (process 1) is still at work"]);
    lease(58);
    let said = running.err.clone();
    assert_eq!(running.end().0, Some(5), "{:?}", said.all());
    let all = said.all().join("\n");
    assert!(
        all.contains("bob@elsewhere (process 1) has been working on Secret"),
        "{all}"
    );
    assert!(!scene.has_ordered());
    // He has gone.
    let ran = scene.it.certs(&["renew", "shop"]).ends_with(0);
    assert!(ran.err.contains("is still at work"), "{}", ran.err);
    assert!(scene.it.leaf("shop-tls").key_matches);
    // Long ago: nobody is waited for, and `cleanup` finds it too.
    lease(3_600);
    let ran = scene.it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert!(!ran.err.contains("may have ended"), "{}", ran.err);
    lease(60);
    let ran = scene.it.plain(&["cleanup", "--yes"]).run().ends_with(0);
    assert!(
        ran.err.contains("may have ended") && ran.err.contains("removed 1"),
        "{}",
        ran.err
    );
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
}

/// A kubeconfig that leads through a proxy.
fn through(it: &Issuing, proxy: &Proxy) -> String {
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let path = kubeconfig::write(it.ns.dir.path(), "through.conf", &config);
    format!("--kubeconfig={}", path.display())
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_api_server_that_is_away_for_ten_seconds_interrupts_nothing() {
    let away = |label: &str, event: &str| {
        let it = Issuing::new(label);
        let host = it.host("shop");
        it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
        let proxy = Proxy::to(API_SERVER);
        let kubeconfig = through(&it, &proxy);
        let running = it.call(&["renew", "shop", "-o", "json", &kubeconfig]).start();
        running.out.after(0, &[event]);
        proxy.break_all();
        // This long it is away.
        std::thread::sleep(Duration::from_secs(10));
        proxy.fix();
        let said = (running.out.clone(), running.err.clone());
        assert_eq!(running.end().0, Some(0), "{:?}\n{:?}", said.0.all(), said.1.all());
        assert!(it.leaf("shop-tls").key_matches);
        assert_eq!(it.left(), [""; 0], "{:?}", said.0.all());
    };
    std::thread::scope(|scope| {
        scope.spawn(|| away("away1", "\"ordered\""));
        scope.spawn(|| away("away2", "\"validated\""));
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_acme_server_that_recovers_is_waited_for() {
    for (label, path, after, fault) in [
        ("e500", "/order-plz", 0, INTERNAL),
        ("e503", "/finalize-order/", 0, UNAVAILABLE),
        ("html", "/authZ/", 1, PAGE),
        ("close", "/chalZ/", 0, Fault::Close),
        ("nonce", "/nonce-plz", 0, UNAVAILABLE),
        ("cert", "/certZ/", 0, Fault::Close),
        ("dir", "/dir", 0, Fault::Close),
    ] {
        let scene = Scene::new(label);
        scene.front.fault(path, after, 1, fault);
        let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
        assert_eq!(scene.front.faults(), 1, "{path}: {}", ran.err);
        assert!(scene.it.leaf("shop-tls").key_matches);
        assert_eq!(scene.it.left(), [""; 0], "{path}: {}", ran.err);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_acme_server_that_hangs_is_asked_again() {
    let scene = Scene::new("hangs");
    scene.front.fault("/order-plz", 0, 1, Fault::Hold);
    let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
    assert_eq!(scene.front.faults(), 1, "{}", ran.err);
    assert_eq!(scene.it.leaf("shop-tls").names(), [scene.host.as_str()]);
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_acme_server_that_stays_out_of_order_is_told_in_its_own_words_and_nothing_is_left() {
    let scene = Scene::new("down");
    for (path, fault, words) in [
        ("/order-plz", PAGE, "The gateway is tired"),
        ("/authZ/", INTERNAL, "the cat is on it"),
    ] {
        scene.front.fault(path, 0, 1000, fault);
        let ran = scene.call(&["renew", "shop"]).run().ends_with(4);
        assert!(ran.err.contains(words), "{}", ran.err);
        // Only an order that may be gone on with is kept for the next run.
        let kept = usize::from(scene.has_ordered());
        assert_eq!(scene.it.left().len(), kept, "{path}: {}", ran.err);
        scene.front.fix();
    }
    let ran = scene.call(&["renew", "shop"]).run().ends_with(0);
    assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn of_two_runs_at_one_secret_the_second_is_told_who_has_it_and_since_when() {
    let scene = Scene::new("two");
    scene.front.fault("/finalize-order/", 0, 1, Fault::Hold);
    let first = scene.call(&["renew", "shop"]).start();
    scene.front.wait_until_held();
    let elsewhere = format!("{NODE}:{}", free_port());
    let second = scene
        .it
        .without_advertise(&["renew", "shop", "--advertise", &elsewhere]);
    let second = second.run().ends_with(5);
    let words = format!("has been working on Secret {}/shop-tls since 20", scene.it.ns.name);
    assert!(second.err.contains(&words), "{}", second.err);
    assert!(second.err.contains("process"), "{}", second.err);
    scene.front.fix();
    assert_eq!(first.end().0, Some(0));
    assert!(scene.it.leaf("shop-tls").key_matches);
    assert_eq!(scene.it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_another_has_changed_meanwhile_is_not_overwritten() {
    let scene = Scene::new("changed");
    scene.call(&["renew", "shop"]).run().ends_with(0);
    let orders = || scene.it.pebble.log().matches("POST /order-plz").count();
    // By hand, and by a controller, which would write it again: the same command is refused then, and the hint says so.
    for (manager, refused) in [("kubectl-patch", false), ("vault-sync", true)] {
        scene.front.fault("/finalize-order/", 0, 1, Fault::Hold);
        let running = scene.call(&["renew", "shop"]).start();
        scene.front.wait_until_held();
        let other = scene.it.ns.pki.pair(&[&scene.host]).secret("shop-tls");
        let data = json!({"stringData": other["stringData"]}).to_string();
        let manager = format!("--field-manager={manager}");
        scene
            .it
            .ns
            .kubectl(&["patch", "secret", "shop-tls", "--type=merge", &manager, "-p", &data]);
        let theirs = scene.it.leaf("shop-tls").sha256();
        scene.front.fix();
        let said = running.err.clone();
        assert_eq!(running.end().0, Some(5), "{:?}", said.all());
        let all = said.all().join("\n");
        assert!(all.contains("was changed by someone else since it was read"), "{all}");
        assert!(all.contains("it continues with the same order"), "{all}");
        assert_eq!(
            all.contains("run the command again, which is refused as long as Secret") && all.contains("--force"),
            refused,
            "{all}"
        );
        assert_eq!(scene.it.leaf("shop-tls").sha256(), theirs);
        // What was issued is not lost: the next run stores it, once that is what the operator wants.
        let before = orders();
        let again = scene.call(&["renew", "shop"]).run();
        let ran = if refused {
            again.ends_with(5);
            scene.call(&["renew", "shop", "--force"]).run()
        } else {
            again
        };
        let ran = ran.ends_with(0);
        assert_ne!(scene.it.leaf("shop-tls").sha256(), theirs, "{}", ran.err);
        assert_eq!(orders(), before, "{}", ran.err);
        assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn where_the_next_run_would_not_go_on_with_the_order_nothing_says_that_it_does() {
    let scene = Scene::new("notagain");
    let orders = || scene.it.pebble.log().matches("POST /order-plz").count();
    let goes_on = |lines: &[String]| lines.iter().any(|line| line.contains("continues with the same order"));
    scene.call(&["renew", "shop"]).run().ends_with(0);
    // Another has stored a certificate with one more name: that is renewed as well from now on.
    scene.front.fault("/finalize-order/", 0, 1, Fault::Hold);
    let running = scene.call(&["renew", "shop"]).start();
    scene.front.wait_until_held();
    let more = scene.it.host("more");
    let other = scene.it.ns.pki.pair(&[&scene.host, &more]).secret("shop-tls");
    let data = json!({"stringData": other["stringData"]}).to_string();
    scene
        .it
        .ns
        .kubectl(&["patch", "secret", "shop-tls", "--type=merge", "-p", &data]);
    scene.front.fix();
    let said = running.err.clone();
    assert_eq!(running.end().0, Some(5), "{:?}", said.all());
    assert!(!goes_on(&said.all()), "{:?}", said.all());
    assert!(
        said.all().iter().any(|line| line.contains("run the command again")),
        "{:?}",
        said.all()
    );
    let before = orders();
    scene.call(&["renew", "shop", "--force"]).run().ends_with(0);
    assert_eq!(orders(), before + 1);

    // Interrupted while the CA signs an order that a new name was left out of: the next run tries that name once more.
    let absent = scene.it.ns.host("absent");
    scene
        .it
        .ns
        .apply(vec![ingress("shop", &[(&[&scene.host, &more, &absent], "shop-tls")])]);
    scene.front.fault("/finalize-order/", 0, 1, Fault::Hold);
    let running = scene.call(&["renew", "shop", "--resolve-timeout", "0"]).start();
    scene.front.wait_until_held();
    running.interrupt();
    let said = running.err.clone();
    assert_eq!(running.end().0, Some(130), "{:?}", said.all());
    assert!(!goes_on(&said.all()), "{:?}", said.all());
    scene.front.fix();
    let before = orders();
    scene
        .call(&["renew", "shop", "--resolve-timeout", "0"])
        .run()
        .ends_with(4);
    assert!(orders() > before);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_may_not_be_written_is_told_before_anything_is_ordered() {
    let scene = Scene::new("owned");
    let pair = scene.it.ns.pki.pair(&[&scene.host]);
    let mut helm = pair.secret("shop-tls");
    helm["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    helm["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "x"});
    let mut fixed = pair.secret("shop-tls");
    fixed["immutable"] = json!(true);
    for (secret, words) in [(helm, "Helm"), (fixed, "immutable")] {
        scene.it.ns.create(vec![secret]);
        let before = scene.it.version("shop-tls");
        let ran = scene.call(&["renew", "shop"]).run().ends_with(5);
        assert!(ran.err.contains(words), "{}", ran.err);
        assert_eq!(scene.it.version("shop-tls"), before);
        assert_eq!(scene.it.left(), [""; 0], "{}", ran.err);
        scene.it.ns.kubectl(&["delete", "secret", "shop-tls"]);
    }
    assert!(!scene.has_ordered(), "{}", scene.it.pebble.log());
}

/// Whether it is told that a verb for some objects is missing in a namespace: `in namespace shop: create, get secrets; list pods`.
fn lacks(told: &str, namespace: &str, verb: &str, what: &str) -> bool {
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, rights)) = told.split_once("these rights are missing ") else {
        return false;
    };
    let place = format!("in namespace {namespace}: ");
    let rights = rights.split("hint:").next().unwrap_or_default();
    let here = rights
        .split("; and ")
        .find_map(|of_place| of_place.trim().strip_prefix(&place));
    here.is_some_and(|here| {
        here.split("; ").any(|right| {
            let verbs = right.trim().strip_suffix(what).unwrap_or_default();
            verbs.split(", ").any(|known| known.trim() == verb)
        })
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_role_that_may_only_read_is_told_the_verb_before_anything_is_ordered() {
    let scene = Scene::new("readonly");
    let rules: Value = json!([
        {"apiGroups": [""], "resources": ["secrets", "services", "pods", "configmaps"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "watch"]},
    ]);
    let account = scene.it.ns.account("reader", &rules);
    let account = format!("--kubeconfig={}", account.display());
    let ran = scene.call(&["renew", "shop", &account]).run().ends_with(3);
    assert!(ran.err.contains("nothing was ordered"), "{}", ran.err);
    let namespace = &scene.it.ns.name;
    for kind in ["secrets", "leases.coordination.k8s.io", "ingresses.networking.k8s.io"] {
        assert!(
            lacks(&ran.err, namespace, "create", kind),
            "create {kind} in {}",
            ran.err
        );
    }
    assert!(!scene.has_ordered(), "{}", scene.it.pebble.log());
    assert_eq!(scene.it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn credentials_and_an_account_that_may_not_be_read_are_told_before_anything_is_ordered() {
    let it = Issuing::new("norights");
    let every: Value = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let account = format!("--kubeconfig={}", it.ns.account("local", &every).display());
    it.settings(
        "dns01:\n  providers:\n  - name: internal\n    zones: [rights.internal]\n    provider: powerdns\n    url: http://127.0.0.1:9\n    \
         apiKey: {secretRef: {namespace: default, name: pdns, key: apikey}}\n",
    );
    let issue = ["issue", "--secret", "wild", "-d", "*.rights.internal", &account];
    let ran = it.certs(&issue).ends_with(3);
    assert!(ran.err.contains("nothing was ordered"), "{}", ran.err);
    let right = "get secrets \"pdns\"";
    let alone = ran
        .err
        .contains(&format!("the right to {right} in namespace default is missing"));
    assert!(
        alone || lacks(&ran.err, "default", "get", "secrets \"pdns\""),
        "{}",
        ran.err
    );
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let renew = ["renew", "shop", "--account-secret", "default/acme", &account];
    let ran = it.certs(&renew).ends_with(3);
    for (verb, what) in [("get", "secrets \"acme\""), ("create", "secrets")] {
        assert!(lacks(&ran.err, "default", verb, what), "{verb} {what} in {}", ran.err);
    }
    assert!(!it.pebble.log().contains("/order-plz"));
    assert_eq!(it.left(), [""; 0]);
}
