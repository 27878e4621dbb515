//! `ensure`: each reason to order, and each to leave a Secret as it is; what is asked of the CA meanwhile.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;
use time::Duration;

use super::options::deployment;
use crate::support::{
    cluster::ingress,
    eventually,
    front::{Front, UNAVAILABLE},
    issuing::Issuing,
    pki::{Pair, now},
    run::Ran,
};

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

/// `ensure` of one Secret and one host.
#[track_caller]
fn ensure(it: &Issuing, host: &str, more: &[&str]) -> Ran {
    it.certs(&[&["ensure", "--secret", "web-tls", "-d", host], more].concat())
}

/// A certificate of whose 90 days so many are over.
fn aged(it: &Issuing, host: &str, days: i64) -> Pair {
    it.ns.pki.pair_with(&[host], |params| {
        params.not_before = now() - Duration::days(days);
        params.not_after = now() + Duration::days(90 - days);
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_missing_broken_or_due_is_ordered_and_workloads_are_restarted_only_then() {
    let it = Issuing::new("ensure");
    let host = it.host("web");
    let mut web = deployment("web", "RollingUpdate");
    web["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] = "web-tls".into();
    let restarted = ["--restart", "deployment/web"];
    let revision = || {
        it.ns
            .kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.generation}"])
    };
    let ns = &it.ns.name;
    eventually("the service account", || {
        let found = it.ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });

    // The plan says why, and does nothing.
    let plan = ensure(&it, &host, &["--dry-run"]).ends_with(0);
    assert!(
        plan.err.contains(&format!("{ns}/web-tls: it does not exist yet")),
        "{}",
        plan.err
    );
    assert!(plan.out.contains(&format!("order {host} at ")), "{}", plan.out);
    assert_eq!(orders(&it), 0);
    ensure(&it, &host, &[]).ends_with(0);
    it.ns.apply(vec![web]);
    it.ns.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    let had = revision();
    let ran = ensure(&it, &host, &restarted).ends_with(0);
    assert!(ran.err.starts_with("nothing to do for Secret "), "{}", ran.err);
    assert_eq!((revision(), orders(&it)), (had.clone(), 1));

    let other = it.ns.pki.pair(&[&host]);
    let (chain, key) = (BASE64_STANDARD.encode(&other.chain), BASE64_STANDARD.encode(&other.key));
    for (change, told) in [
        (
            json!({"tls.key": key}),
            "its private key belongs to another certificate",
        ),
        (json!({"tls.crt": "bm8gUEVN"}), "its certificate cannot be read: "),
        (json!({"tls.crt": "", "tls.key": ""}), "it holds no certificate"),
    ] {
        let patch = json!({"data": change}).to_string();
        it.ns
            .kubectl(&["patch", "secret", "web-tls", "--type=merge", "-p", &patch]);
        let plan = ensure(&it, &host, &["--dry-run"]).ends_with(0);
        assert!(
            plan.err.contains(&format!("{ns}/web-tls: {told}")),
            "{told}: {}",
            plan.err
        );
    }
    let ran = ensure(&it, &host, &restarted).ends_with(0);
    assert!(ran.err.contains("restarted deployment/web"), "{}", ran.err);
    assert!(it.leaf("web-tls").key_matches);
    assert_ne!(revision(), had);

    // One that somebody bought, is not due and has the right names stays, whoever issued it, until it is due.
    let patch = json!({"data": {"tls.crt": chain, "tls.key": key}}).to_string();
    it.ns
        .kubectl(&["patch", "secret", "web-tls", "--type=merge", "-p", &patch]);
    let (had, before) = (revision(), orders(&it));
    let ran = ensure(&it, &host, &restarted).ends_with(0);
    assert!(ran.err.starts_with("nothing to do for Secret "), "{}", ran.err);
    assert_eq!((revision(), orders(&it)), (had, before));
    let old = aged(&it, &host, 61);
    let (chain, key) = (BASE64_STANDARD.encode(&old.chain), BASE64_STANDARD.encode(&old.key));
    let patch = json!({"data": {"tls.crt": chain, "tls.key": key}}).to_string();
    it.ns
        .kubectl(&["patch", "secret", "web-tls", "--type=merge", "-p", &patch]);
    let plan = ensure(&it, &host, &["--dry-run"]).ends_with(0);
    assert!(
        plan.err.contains("web-tls: due, most of its lifetime is over"),
        "{}",
        plan.err
    );
    assert!(plan.out.contains("CA changes: "), "{}", plan.out);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_ca_is_asked_only_in_the_second_half_of_a_lifetime_and_needs_not_answer() {
    let it = Issuing::new("ensure-ari");
    let front = Front::of(&it.pebble.directory_url());
    let host = it.host("web");
    let run = |cache: &str| {
        let args = ["ensure", "--secret", "web-tls", "-d", &host, "--dry-run"];
        it.call_to(&front.url, &front.ca_file(), &args)
            .env("XDG_CACHE_HOME", it.kept(cache))
            .run()
            .ends_with(0)
    };
    // Certificates that this CA issued, by what is noted on the Secret.
    let store = |days: i64| {
        let pair = aged(&it, &host, days);
        let sha256 = kubectl_certs::x509::Fingerprint::of(&pair.der).to_string();
        let mut secret = pair.secret("web-tls");
        secret["metadata"]["annotations"] = json!({
            "kubectl-certs.io/sha256": sha256, "kubectl-certs.io/directory": front.url,
        });
        it.ns.apply(vec![secret]);
    };
    let paths = |from: usize| front.asked("/").split_off(from);
    for (days, asked) in [(1, 0), (44, 0), (46, 2), (58, 2)] {
        store(days);
        let before = front.asked("/").len();
        let ran = run(&format!("cache-{days}"));
        assert!(ran.err.contains("nothing to do for Secret"), "{days}: {}", ran.err);
        assert_eq!(paths(before).len(), asked, "{days} days: {:?}", paths(before));
    }
    // What the CA says is not asked for again before it permits.
    let before = front.asked("/draft-ietf-acme-ari-03/").len();
    run("cache-58");
    let after = front.asked("/draft-ietf-acme-ari-03/").len();
    assert!(after - before <= 1, "{:?}", front.asked("/"));
    // A CA that is away is no failure while nothing is due.
    front.fault("/", 0, 100, UNAVAILABLE);
    let ran = run("cache-away");
    assert!(
        ran.err.contains("cannot be asked whether it wants the renewal already"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("nothing to do for Secret"), "{}", ran.err);
    front.fix();
    // Its window decides.
    it.ns.kubectl(&["delete", "secret", "web-tls"]);
    let args = ["ensure", "--secret", "web-tls", "-d", &host];
    it.call_to(&front.url, &front.ca_file(), &args).run().ends_with(0);
    let window = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    let annotation = format!("kubectl-certs/renewal-window={window}");
    it.ns
        .kubectl(&["annotate", "--overwrite", "secret", "web-tls", &annotation]);
    let before = front.asked("/").len();
    let ran = run("cache-window");
    assert!(
        ran.err.contains("web-tls: due, the CA's renewal window has opened"),
        "{}",
        ran.err
    );
    assert!(
        paths(before).iter().all(|path| !path.contains("ari")),
        "{:?}",
        paths(before)
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_staging_certificate_gives_way_to_production_and_never_the_other_way_round() {
    let it = Issuing::new("ensure-stage");
    let host = it.host("web");
    it.settings(&it.issuers());
    let (ip, advertise) = (it.resolver.ip().to_string(), it.advertise());
    let (root, advertise) = (it.pebble.root_file().to_str().unwrap(), ["--advertise", &advertise]);
    let run = |stage: &[&str]| {
        let args = [
            "ensure",
            "--secret",
            "web-tls",
            "-d",
            &host,
            "--yes",
            "--ca-file",
            root,
            "--resolver",
            &ip,
        ];
        it.plain(&[&args[..], &advertise, stage].concat()).run()
    };
    // Without a CA it is a rehearsal, which stores nothing, and says what would.
    let ran = run(&[]).ends_with(0);
    assert!(ran.err.contains("the rehearsal passed"), "{}", ran.err);
    assert!(
        ran.err.contains("kubectl certs ensure --secret web-tls") && ran.err.contains("--production"),
        "{}",
        ran.err
    );
    run(&["--staging"]).ends_with(0);
    let staging = it.leaf("web-tls").sha256();
    let ran = run(&["--staging"]).ends_with(0);
    assert!(ran.err.starts_with("nothing to do"), "{}", ran.err);
    let ran = run(&["--production"]).ends_with(0);
    assert!(
        ran.err.contains("web-tls: its certificate is from a staging CA"),
        "{}",
        ran.err
    );
    let production = it.leaf("web-tls").sha256();
    assert_ne!(production, staging);
    for stage in ["--staging", "--production"] {
        let ran = run(&[stage]).ends_with(0);
        assert!(ran.err.starts_with("nothing to do"), "{stage}: {}", ran.err);
    }
    assert_eq!(it.leaf("web-tls").sha256(), production);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_belongs_to_others_is_refused_and_routes_with_other_hosts_are_told() {
    let it = Issuing::new("ensure-others");
    let (host, other) = (it.host("web"), it.host("other"));
    let mut secret = aged(&it, &host, 70).secret("web-tls");
    secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    secret["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "x"});
    it.ns
        .apply(vec![secret, ingress("web", &[(&[&host, &other], "web-tls")])]);
    let had = it.version("web-tls");
    let ran = ensure(&it, &host, &[]).ends_with(5);
    assert!(ran.err.contains("Helm"), "{}", ran.err);
    let told = format!(
        "routes use Secret {}/web-tls for hosts that are not asked for: {other}",
        it.ns.name
    );
    assert!(ran.err.contains(&told), "{}", ran.err);
    assert_eq!((it.version("web-tls"), orders(&it)), (had, 0));
    assert_eq!(it.left(), [""; 0]);
}
