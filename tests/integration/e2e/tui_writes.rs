//! What the screen writes besides renewals, and a renewal without some of its names, in a real terminal against the real cluster.

use std::time::Duration;

use serde_json::{Value, json};

use super::tui::{settings, start};
use crate::support::{
    cluster::{Namespace, ingress, user},
    eventually,
    front::{Fault, Front},
    issuing::Issuing,
    run::Call,
    terminal::Terminal,
};

/// A Deployment of one Pod that has the Secret by subPath.
fn deployment(name: &str, secret: &str) -> Value {
    let mut deployment = super::apply::deployment(name, "testbed.local/busybox:1");
    deployment["spec"]["strategy"] = json!({"type": "RollingUpdate"});
    deployment["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] = secret.into();
    deployment
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_rollback_is_asked_for_by_the_name_of_the_context_and_shows_what_came_of_its_steps() {
    let it = Issuing::new("tui-back");
    let shop = it.host("shop");
    let first = it.ns.pki.pair(&[&shop]);
    it.ns.create(vec![ingress("shop", &[(&[&shop], "shop-tls")])]);
    it.ns.create(vec![first.secret("shop-tls")]);
    it.certs(&["renew", "shop"]).ends_with(0);
    let renewed = it.leaf("shop-tls").sha256();
    it.settings(&settings(&it));
    let terminal = start(&it, &[]);
    terminal.line(&[&shop, "healthy"]);
    terminal.press(&[":"]);
    terminal.type_text("rollback");
    terminal.press(&["Enter"]);
    let screen = terminal.shows(&["rollback: PRODUCTION", "put certificate"]);
    assert!(!screen.contains("REHEARSAL") && !screen.contains("solver"), "{screen}");
    // Whoever thinks about it is not counted as the run's time.
    std::thread::sleep(Duration::from_secs(3));
    terminal.press(&["Enter"]);
    terminal.shows(&["Type testbed to continue"]);
    assert_eq!(it.leaf("shop-tls").sha256(), renewed, "one Enter writes nothing");
    terminal.type_text("testbed");
    terminal.press(&["Enter"]);
    let screen = terminal.shows(&["holds certificate", "done", "✓ take Lease", "✓ put certificate"]);
    assert!(!screen.contains('○'), "{screen}");
    assert!(!screen.contains("c cancel"), "{screen}");
    assert_ne!(it.leaf("shop-tls").sha256(), renewed);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_restart_is_asked_for_and_where_nothing_uses_the_secret_no_command_is_shown() {
    let ns = Namespace::new("tui-again");
    let (shop, alone) = (ns.host("shop"), ns.host("alone"));
    ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ingress("alone", &[(&[&alone], "alone-tls")]),
        ns.pki.pair(&[&shop]).secret("shop-tls"),
        ns.pki.pair(&[&alone]).secret("alone-tls"),
    ]);
    eventually("the service account", || {
        let found = ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });
    ns.apply(vec![deployment("web", "shop-tls")]);
    ns.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let root = ns.ca_file();
    let call = Call::certs(["-n", &ns.name, "--ca-file", root.to_str().unwrap()]);
    let terminal = Terminal::start(80, 24, &call);
    terminal.line(&[&alone, "healthy"]);
    terminal.press(&["/"]);
    terminal.type_text(&alone);
    terminal.press(&["Enter", "r"]);
    let screen = terminal.shows(&["no workload uses Secret"]);
    assert!(!screen.contains("kubectl rollout"), "{screen}");
    terminal.press(&["Escape", "Escape", "/"]);
    terminal.type_text(&shop);
    terminal.press(&["Enter", "r"]);
    terminal.shows(&[
        "restart: PRODUCTION",
        "restart deployment/web",
        "kubectl rollout restart",
    ]);
    terminal.press(&["Enter"]);
    terminal.shows(&["Type testbed to continue"]);
    terminal.type_text("testbed");
    terminal.press(&["Enter"]);
    terminal.shows(&["✓ restart deployment/web", "1 workload restarted"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    // On the Secret stands who has restarted what.
    let events = ns.events("Secret", "shop-tls", "Restarted").concat();
    let user = user();
    assert!(
        events.starts_with("restarted deployment/web; by ") && events.contains(&user),
        "{events}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_without_a_new_name_is_told_as_on_the_command_line_and_a_wait_is_told() {
    let it = Issuing::new("tui-part");
    let (good, gone) = (it.host("good"), it.ns.host("gone"));
    it.ns.apply(vec![ingress("shop", &[(&[&good, &gone], "shop-tls")])]);
    it.settings(&format!("{}tui:\n  unprotectedContexts: [testbed]\n", settings(&it)));
    let terminal = start(&it, &[]);
    terminal.resize(250, 50);
    terminal.line(&[&good, "critical"]);
    terminal.press(&["R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["f"]);
    terminal.shows(&["more flags of"]);
    // After the flags that it has already.
    terminal.type_text(" --self-check wait=5s");
    terminal.press(&["Enter"]);
    terminal.shows(&["this is a rehearsal", "--self-check wait=5s"]);
    terminal.press(&["t"]);
    terminal.shows(&["PRODUCTION", "create Secret", "switches to a rehearsal"]);
    terminal.press(&["Enter"]);
    terminal.shows(&["waits: 5s before the CA is asked to validate"]);
    let screen = terminal.shows(&["issued, 1 name left out", &format!("without {gone}")]);
    assert!(!screen.contains("failed  "), "{screen}");
    assert_eq!(it.leaf("shop-tls").names(), [good.as_str()]);
    terminal.press(&["Escape", "5"]);
    terminal.line(&["renew", "issued, 1 name left out"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_production_would_refuse_and_whose_ca_changes_is_seen_before_a_name_is_typed() {
    let it = Issuing::new("tui-foreseen");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let mut secret = it.ns.pki.pair(&[&host]).secret("shop-tls");
    secret["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "shop"});
    secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    it.ns.create(vec![secret]);
    it.settings(&settings(&it));
    let before = it.version("shop-tls");
    let terminal = start(&it, &[]);
    terminal.resize(200, 50);
    terminal.line(&[&host, "healthy"]);
    terminal.press(&["R"]);
    terminal.shows(&[
        "this is a rehearsal",
        "CA changes: E2E Issuing CA → ",
        "would be refused: ",
        "is owned by Helm",
    ]);
    terminal.press(&["t"]);
    terminal.shows(&["PRODUCTION", "nothing was ordered: ", "is owned by Helm", "hint: "]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    // Whoever keeps the settings says no to production by hand.
    it.settings(&format!("{}policy: {{interactiveProduction: deny}}\n", settings(&it)));
    let terminal = start(&it, &[]);
    terminal.resize(200, 50);
    terminal.line(&[&host, "healthy"]);
    terminal.press(&["R"]);
    terminal.shows(&[
        "this is a rehearsal",
        "would be refused: production orders by hand are denied by ",
    ]);
    terminal.press(&["t"]);
    let screen = terminal.shows(&["nothing was ordered: "]);
    assert!(!screen.contains("Type testbed"), "{screen}");
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    assert_eq!(it.version("shop-tls"), before);
    assert!(!it.pebble.log().contains("POST /order-plz"));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_or_namespace_that_is_not_there_is_told_before_anything_is_asked_or_left() {
    let ns = Namespace::new("tui-nosuch");
    let shop = ns.host("shop");
    ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ns.pki.pair(&[&shop]).secret("shop-tls"),
    ]);
    let root = ns.ca_file();
    let terminal = Terminal::start(160, 40, &Call::certs(["-A", "--ca-file", root.to_str().unwrap()]));
    terminal.line(&[&shop, "healthy"]);
    let command = |command: &str| {
        terminal.press(&[":"]);
        terminal.type_text(command);
        terminal.press(&["Enter"]);
    };
    command(&format!("revoke {}/shop-tl", ns.name));
    let told = format!("there is no Secret {0}/shop-tl; did you mean {0}/shop-tls?", ns.name);
    let screen = terminal.shows(&[&told]);
    assert!(!screen.contains("the reason"), "{screen}");
    command(&format!("ns {}x", ns.name));
    terminal.shows(&[&format!("there is no namespace {0}x; did you mean {0}?", ns.name)]);
    terminal.line(&[&shop, "healthy"]);
    command("ns kube-node-lease");
    terminal.shows(&["nothing in namespace kube-node-lease is served over TLS"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_in_use_is_revoked_in_the_screen_as_on_the_command_line_and_its_kept_pair_after_a_renewal() {
    let it = Issuing::new("tui-revoke");
    let shop = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&shop], "shop-tls")])]);
    it.settings(&format!("{}tui:\n  unprotectedContexts: [testbed]\n", settings(&it)));
    let renew = || it.plain(&["renew", "shop", "--production", "--yes"]).run().ends_with(0);
    renew();
    let terminal = start(&it, &[]);
    terminal.resize(160, 50);
    terminal.line(&[&shop, "healthy"]);
    let revoke = |command: &str| {
        terminal.press(&[":"]);
        terminal.type_text(command);
        terminal.press(&["Enter"]);
        terminal.shows(&[": the reason"]);
        terminal.press(&["s"]);
    };
    revoke("revoke");
    let screen = terminal.shows(&[
        "the certificate is in use",
        "hint: renew it first",
        "here: esc and then R",
    ]);
    assert!(
        !screen.contains("by --force") && !screen.contains("Type shop-tls"),
        "{screen}"
    );
    assert!(!it.pebble.log().contains("POST /revoke-cert"));
    terminal.press(&["Escape"]);
    // What the hint says, in a shell or here.
    renew();
    let kept = it.ns.kubectl(&["get", "secrets", "-o", "name"]);
    let kept = kept
        .lines()
        .find_map(|line| line.strip_prefix("secret/kubectl-certs-backup-"));
    let kept = format!("kubectl-certs-backup-{}", kept.expect("the pair before"));
    revoke(&format!("revoke {}/{kept}", it.ns.name));
    let screen = terminal.shows(&["revoke: PRODUCTION", "revoke certificate"]);
    assert!(!screen.contains("by --force"), "{screen}");
    terminal.press(&["Enter"]);
    terminal.shows(&[&format!("Type {kept} to continue")]);
    terminal.type_text(&kept);
    terminal.press(&["Enter"]);
    terminal.shows(&["is revoked (superseded)"]);
    assert!(it.pebble.log().contains("POST /revoke-cert"));
    // Who types it, means it.
    terminal.press(&["Escape"]);
    revoke("revoke --force");
    terminal.shows(&["revoke: PRODUCTION", "by --force: it is in Secret"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_ca_that_does_not_answer_is_named_in_the_window_within_seconds() {
    let it = Issuing::new("tui-ca");
    let shop = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&shop], "shop-tls")])]);
    let front = Front::of(&it.pebble.directory_url());
    let whole = format!("{}tui:\n  unprotectedContexts: [testbed]\n", settings(&it));
    let through = whole.replace(&it.pebble.directory_url(), &front.url).replace(
        &it.pebble.ca_file().display().to_string(),
        &front.ca_file().display().to_string(),
    );
    assert_ne!(whole, through, "{whole}");
    it.settings(&through);
    let terminal = start(&it, &[]);
    terminal.resize(80, 24);
    terminal.line(&[&shop, "critical"]);
    for (path, what) in [
        ("/dir", "waiting for the CA letsencrypt-staging to answer"),
        ("/order-plz", "waits: the CA to accept the order"),
    ] {
        front.fault(path, 0, 1, Fault::Hold);
        terminal.press(&["R"]);
        terminal.shows(&["enter go"]);
        terminal.press(&["Enter"]);
        front.wait_until_held();
        let held = std::time::Instant::now();
        let screen = terminal.shows(&[what, "running"]);
        assert!(held.elapsed() < Duration::from_secs(5), "{:?}", held.elapsed());
        assert!(screen.contains("c cancel"), "{screen}");
        front.fix();
        terminal.shows(&["the rehearsal passed"]);
        terminal.press(&["Escape"]);
    }
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}
