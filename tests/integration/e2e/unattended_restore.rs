//! A Secret that loses its pair gets it back from the kept pair: nothing is ordered for it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{controller, eventually, issuing::Issuing, pki::Pki};

/// How long a host may be without its certificate.
const BACK: Duration = Duration::from_secs(2);
/// Each look costs a kubectl.
const LOOK: Duration = Duration::from_millis(700);

/// Waits until the Secret has this certificate with its own key again.
#[track_caller]
fn until_back(it: &Issuing, sha256: &str, what: &str) {
    let began = Instant::now();
    eventually(&format!("the pair to be back after {what}"), || {
        let found = it.ns.kubectl(&[
            "get",
            "secret",
            "shop-tls",
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.tls\\.crt}",
        ]);
        if found.is_empty() {
            return Err("there is no pair".to_owned());
        }
        let leaf = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| it.leaf("shop-tls")))
            .map_err(|_| "it does not parse".to_owned())?;
        if leaf.key_matches && leaf.sha256() == sha256 {
            Ok(())
        } else {
            Err(format!("{} {}", leaf.key_matches, leaf.sha256()))
        }
    });
    assert!(began.elapsed() < BACK + LOOK, "{what}: {:?}", began.elapsed());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_is_deleted_or_spoilt_gets_its_pair_back_without_an_order_and_a_good_one_of_another_stays() {
    let it = Issuing::new("restore");
    let host = it.host("shop");
    let running = controller::controller(&it);
    controller::resume(&it);
    it.ns.apply(vec![controller::asking("shop", &[&host])]);
    controller::until_stored(&it, "shop-tls", &[&host], &running);
    running.out.after(0, &["\"event\":\"done\""]);
    let sha256 = it.leaf("shop-tls").sha256();
    for number in 0..20 {
        it.ns.kubectl(&["delete", "secret", "shop-tls"]);
        until_back(&it, &sha256, &format!("deletion {number}"));
    }
    let other = Pki::new().pair(&[&host]);
    let patch = |data: serde_json::Value| {
        let patch = json!({"data": null, "stringData": data}).to_string();
        it.ns
            .kubectl(&["patch", "secret", "shop-tls", "--type=merge", "-p", &patch]);
    };
    let stored = it.leaf("shop-tls").pem;
    patch(json!({"tls.crt": "nonsense", "tls.key": "nonsense"}));
    until_back(&it, &sha256, "nonsense");
    patch(json!({"tls.crt": stored, "tls.key": other.key}));
    until_back(&it, &sha256, "another key");
    let log = it.pebble.log();
    assert_eq!(log.matches("POST /order-plz").count(), 1, "{log}");
    // A good pair that is not ours is somebody's own.
    patch(json!({"tls.crt": other.chain, "tls.key": other.key}));
    std::thread::sleep(Duration::from_secs(3));
    assert_ne!(it.leaf("shop-tls").sha256(), sha256);
    let log = it.pebble.log();
    assert_eq!(log.matches("POST /order-plz").count(), 1, "{log}");
}
