//! What production would refuse is known before anybody agrees to it; what was written says by whom.

use serde_json::json;

use crate::support::{cluster::ingress, issuing::Issuing};

/// A namespace in which a rehearsal is made with the ACME server of the test.
fn rehearsing(label: &str) -> (Issuing, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.settings(&format!(
        "issuers:\n  letsencrypt-staging:\n    directory: {}\n    caFile: {}\n    agreeTos: true\n",
        it.pebble.directory_url(),
        it.pebble.ca_file().display()
    ));
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
    let told = format!("--force: Secret {}/shop-tls belongs to Helm", it.ns.name);
    assert!(ran.err.contains(&told), "{}", ran.err);
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
    ];
    let ran = it.plain(&args).run().ends_with(0);
    assert!(ran.err.contains("the rehearsal passed"), "{}", ran.err);
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
