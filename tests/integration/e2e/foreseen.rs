//! What production would refuse is known before anybody agrees to it; what was written says by whom.

use serde_json::json;

use super::rights_to_renew::{printed, without};
use crate::support::{
    cluster::ingress,
    issuing::Issuing,
    kubeconfig,
    proxy::{Plain, Proxy},
    run::{Call, Ran},
};

/// A namespace in which a rehearsal is made with the ACME server of the test.
fn rehearsing(label: &str) -> (Issuing, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.settings(&it.issuers());
    (it, host)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_owner_is_found_by_a_rehearsal_and_by_a_dry_run() {
    let (it, host) = rehearsing("foreseen");
    let mut secret = it.ns.pki.pair(&[&host]).secret("shop-tls");
    secret["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "shop"});
    secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    it.ns.create(vec![secret]);
    let advertise = it.advertise();
    let before = it.version("shop-tls");
    for dry in [&["--dry-run"][..], &["--dry-run=server"], &[]] {
        let args = [&["renew", "shop", "--advertise", &advertise], dry].concat();
        let ran = it.plain(&args).run().ends_with(5);
        assert!(ran.err.contains("owned by Helm"), "{dry:?}: {}", ran.err);
        assert!(ran.err.contains("would be refused"), "{dry:?}: {}", ran.err);
        assert!(!ran.err.contains("For production"), "{dry:?}: {}", ran.err);
        assert!(ran.err.contains("hint: "), "{dry:?}: {}", ran.err);
    }
    assert_eq!(it.version("shop-tls"), before);
    assert_eq!(it.left(), [""; 0]);
    // Who means it is not stopped, and the Event says who it was and against whom.
    let ran = it.certs(&["renew", "shop", "--force"]).ends_with(0);
    let told = format!("--force: Secret {}/shop-tls is owned by Helm", it.ns.name);
    assert_eq!(ran.err.matches(&told).count(), 1, "{}", ran.err);
    // The plan says it once too.
    for dry in ["--dry-run", "--dry-run=server"] {
        let plan = it.certs(&["renew", "shop", "--force", dry]).ends_with(0);
        let plan = format!("{}{}", plan.out, plan.err);
        assert_eq!(plan.matches(&told).count(), 1, "{plan}");
    }
    let events = it.ns.kubectl(&[
        "get",
        "events",
        "--field-selector",
        "involvedObject.kind=Secret,involvedObject.name=shop-tls",
        "-o",
        "jsonpath={.items[*].message}",
    ]);
    assert!(
        events.contains("with kubectl certs, by --force although it is owned by Helm"),
        "{events}\n{}",
        ran.err
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_root_that_is_trusted_too_fails_no_rehearsal() {
    let (it, _) = rehearsing("foreseen-root");
    let (root, advertise) = (it.kept("other.pem"), it.advertise());
    std::fs::write(&root, it.ns.pki.root_pem()).unwrap();
    let args = [
        "renew",
        "shop",
        "--advertise",
        &advertise,
        "--ca-file",
        root.to_str().unwrap(),
        "--yes",
    ];
    let ran = it.plain(&args).run().ends_with(0);
    assert!(ran.err.contains("the rehearsal passed"), "{}", ran.err);
    let line = ran
        .err
        .lines()
        .find(|line| line.trim_start().starts_with("kubectl certs renew "));
    let line = line.unwrap_or_else(|| panic!("{}", ran.err));
    assert!(line.ends_with(" --production") && !line.contains("yes"), "{line}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_name_without_solver_is_found_by_a_dry_run() {
    let (it, _) = rehearsing("foreseen-dns");
    let ran = it
        .plain(&["issue", "--secret", "wild-tls", "-d", "*.shop.example", "--dry-run"])
        .run()
        .ends_with(4);
    assert!(ran.err.contains("no DNS provider is configured"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_name_that_no_public_ca_issues_for_is_found_by_a_dry_run_and_by_preflight() {
    let it = Issuing::new("foreseen-inner");
    it.ns.apply(vec![ingress("wiki", &[(&["wiki.internal"], "wiki-tls")])]);
    for stage in [&["--production"][..], &[]] {
        for command in [&["renew", "wiki", "--dry-run"][..], &["preflight", "wiki"]] {
            let ran = it.plain(&[command, stage].concat()).run().ends_with(4);
            let said = format!("{}{}", ran.out, ran.err);
            let why = "issues for public domains only, and this is not one";
            assert!(said.contains(why) && said.contains("--issuer NAME"), "{said}");
        }
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_cluster_may_deny_production_by_hand_and_rehearsals_say_so() {
    let (it, _) = rehearsing("foreseen-no");
    let config = "policy: {interactiveProduction: deny}\n";
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "certs"}, "data": {"config.yaml": config},
    })]);
    let map = format!("{}/certs", it.ns.name);
    let ran = it.certs(&["renew", "shop", "--config-map", &map]).ends_with(2);
    let denied = format!("production orders by hand are denied by ConfigMap {map}");
    assert!(ran.err.contains(&denied), "{}", ran.err);
    let advertise = it.advertise();
    let args = ["renew", "shop", "--config-map", &map, "--advertise", &advertise];
    let ran = it.plain(&args).run().ends_with(2);
    assert!(
        ran.err
            .contains("the rehearsal passed, but production would be refused"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains(&denied), "{}", ran.err);
}

/// The same in a terminal, where there is somebody to be asked; nobody answers.
fn in_a_terminal(call: &Call) -> Ran {
    let line = call.line();
    Call::kubectl::<[&str; 0]>([])
        .through(&["sh", "-c", "exec script -qec \"$0\" /dev/null", &line])
        // `script` gives it no width: a long message stays on one line.
        .env("COLUMNS", "2000")
        .run()
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("POST /order-plz").count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_missing_right_is_found_by_a_dry_run_a_rehearsal_and_before_the_question() {
    let (it, host) = rehearsing("foreseen-rights");
    it.until_addressed("ingress/shop");
    it.ns.create(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    let before = it.version("shop-tls");
    let reader = json!([{
        "apiGroups": ["", "networking.k8s.io", "gateway.networking.k8s.io", "discovery.k8s.io", "apps", "batch"],
        "resources": ["*"], "verbs": ["get", "list", "watch"],
    }]);
    it.ns.token("reader", &reader);
    it.ns.token("rehearser", &without(printed(), "secrets", "patch"));
    let user = |name: &str| format!("--as={}", it.ns.user(name));
    let advertise = it.advertise();
    let missing = format!("patch secrets \"shop-tls\" in namespace {}", it.ns.name);
    // Who may only read.
    let reader = user("reader");
    let dry = ["renew", "shop", "--advertise", &advertise, "--dry-run", &reader];
    for ran in [it.plain(&dry).run(), it.certs(&["renew", "shop", "--dry-run", &reader])] {
        let ran = ran.ends_with(3);
        for right in [
            "patch secrets \"shop-tls\"",
            "create, delete ingresses.networking.k8s.io",
        ] {
            assert!(ran.err.contains(right), "{right} in {}", ran.err);
        }
        let said = format!(
            "an order would be refused: these rights are missing in namespace {}: ",
            it.ns.name
        );
        assert!(ran.err.contains(&said), "{}", ran.err);
        // Told by kind, they are a few lines.
        let told = ran.err.lines().find(|line| line.contains(&said)).unwrap_or_default();
        assert!(told.len() < 700, "{}: {told}", told.len());
        let role = format!("`kubectl certs rights -n {0} {reader}` prints", it.ns.name).replace("--as=", "--as ");
        assert!(
            ran.err.contains("hint: ") && ran.err.contains(&role) && !ran.err.contains("--solver"),
            "{}",
            ran.err
        );
        assert!(ran.out.contains("1. take Lease"), "the plan: {}", ran.out);
    }
    // Who may do all that a rehearsal does, and not write the certificate.
    let rehearser = user("rehearser");
    let args = ["renew", "shop", "--advertise", &advertise, &rehearser];
    let ran = it.plain(&args).run().ends_with(3);
    let said = format!("the rehearsal passed, but production would be refused: the right to {missing} is missing");
    assert!(ran.err.contains(&said), "{}", ran.err);
    assert_eq!(orders(&it), 1, "the rehearsal's");
    // In earnest nobody is asked a question first.
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let args = [
        "renew",
        "shop",
        "--advertise",
        &advertise,
        &rehearser,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
    ];
    let ran = in_a_terminal(&it.plain(&args)).ends_with(3);
    assert!(
        ran.out.contains("nothing was ordered") && ran.out.contains(&missing),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("[y/N]"), "{}", ran.out);
    assert_eq!(orders(&it), 1);
    assert_eq!(it.version("shop-tls"), before);
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_limit_of_the_ca_is_found_by_a_dry_run_a_rehearsal_and_before_the_question() {
    let (it, _) = rehearsing("foreseen-limit");
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file().display().to_string());
    it.settings(&format!(
        "production: own\nissuers:\n  letsencrypt-staging: {{directory: \"{url}\", caFile: {ca}, agreeTos: true}}\n  own:\n    \
         directory: {url}\n    caFile: {ca}\n    agreeTos: true\n    rateLimits: {{orders: 1}}\n"
    ));
    let (advertise, root) = (it.advertise(), it.pebble.root_file().display().to_string());
    let call = |args: &[&str]| {
        let common = ["renew", "shop", "--advertise", &advertise, "--ca-file", &root];
        it.plain(&[&common[..], args].concat())
    };
    call(&["--production", "--yes"]).run().ends_with(0);
    let version = it.version("shop-tls");
    let limit = "a rate limit of own would be exceeded, by this tool's estimate";
    for (args, words) in [
        (&["--production", "--dry-run"][..], "an order would be refused"),
        (&["--dry-run"], "an order would be refused"),
        (&[], "the rehearsal passed, but production would be refused"),
    ] {
        let ran = call(args).run().ends_with(4);
        assert!(
            ran.err.contains(words) && ran.err.contains(limit),
            "{args:?}: {}",
            ran.err
        );
        assert!(ran.err.contains("--ignore-rate-limits"), "{args:?}: {}", ran.err);
    }
    let before = orders(&it);
    let ran = in_a_terminal(&call(&["--production"])).ends_with(4);
    assert!(
        ran.out.contains("nothing was ordered") && ran.out.contains(limit),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("[y/N]"), "{}", ran.out);
    assert_eq!(orders(&it), before);
    assert_eq!(it.version("shop-tls"), version);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_clusters_own_config_map_denies_production_by_hand_without_being_named() {
    let (it, _) = rehearsing("foreseen-deny");
    let map = |word: &str| {
        let config = format!("policy: {{interactiveProduction: {word}}}\n");
        it.ns.apply(vec![json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubectl-certs"},
            "data": {"config.yaml": config},
        })]);
    };
    // All tests share the API server, and such a ConfigMap would deny theirs too: that of this namespace stands for it, for those who
    // come this way.
    let plain = Plain::start();
    let of = |namespace: &str| format!("/api/v1/namespaces/{namespace}/configmaps/kubectl-certs");
    let proxy = Proxy::replacing(&plain.address, Some((of("kubectl-certs"), of(&it.ns.name))));
    let config = kubeconfig::with_server(&format!("http://{}", proxy.address));
    let file = kubeconfig::write(it.ns.dir.path(), "denied", &config);
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file().display().to_string());
    it.settings(&format!(
        "production: own\nissuers:\n  letsencrypt-staging: {{directory: \"{url}\", caFile: {ca}, agreeTos: true}}\n  own: {{directory: \
         \"{url}\", caFile: {ca}, agreeTos: true}}\n"
    ));
    let (advertise, root) = (it.advertise(), it.pebble.root_file().display().to_string());
    let call = |args: &[&str]| {
        let common = ["renew", "shop", "--advertise", &advertise, "--ca-file", &root];
        it.plain(&[&common[..], args].concat()).env("KUBECONFIG", &file).run()
    };
    map("deny");
    let denied = "production orders by hand are denied by ConfigMap kubectl-certs/kubectl-certs";
    let ran = call(&["--production", "--yes"]).ends_with(2);
    assert!(
        ran.err.contains("nothing was ordered") && ran.err.contains(denied),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("programs in the cluster may order"), "{}", ran.err);
    assert_eq!(orders(&it), 0);
    assert_eq!(it.left(), [""; 0]);
    let ran = call(&["--production", "--dry-run"]).ends_with(2);
    assert!(ran.err.contains(denied), "{}", ran.err);
    let ran = call(&[]).ends_with(2);
    assert!(
        ran.err.contains("the rehearsal passed") && ran.err.contains(denied),
        "{}",
        ran.err
    );
    assert_eq!(it.ns.kubectl(&["get", "secret", "shop-tls", "--ignore-not-found"]), "");
    // Without the policy, the same command passes.
    map("allow");
    call(&["--production", "--yes"]).ends_with(0);
    assert_eq!(it.leaf("shop-tls").chain, 2);
}
