//! `why HOST`: from annotation to served, against a real cluster and a real controller.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    cluster::ingress,
    controller::{asking, installed, orders, resume, start_with, until_stored},
    eventually,
    issuing::{Issuing, NODE},
    run::Ran,
};

/// What `why` says of a host.
fn why(it: &Issuing, host: &str, more: &[&str]) -> Ran {
    let root = it.pebble.root_file().to_str().unwrap().to_owned();
    let own = [
        "why",
        host,
        "--ca-file",
        &root,
        "--controller-namespace",
        &it.ns.name,
        "--probe-timeout",
        "2s",
    ];
    it.plain(&[&own, more].concat()).run()
}

/// What it says as JSON, of the only Secret.
#[track_caller]
fn steps(it: &Issuing, host: &str) -> Value {
    let ran = why(it, host, &["-o", "json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err));
    assert_eq!(document["kind"], "Why");
    document["secrets"][0].clone()
}

fn state<'a>(of: &'a Value, step: &str) -> &'a str {
    let steps = of["steps"].as_array().unwrap();
    let found = steps.iter().find(|it| it["step"] == step);
    found.unwrap_or_else(|| panic!("{step} in {of:#}"))["state"]
        .as_str()
        .unwrap()
}

/// Waits until `why` says so.
#[track_caller]
fn until(it: &Issuing, host: &str, words: &str) -> Value {
    eventually(&format!("{host}: {words}"), || {
        let of = steps(it, host);
        let said = of["why"].as_str().unwrap_or_default();
        if said.contains(words) {
            Ok(of.clone())
        } else {
            Err(format!("{of:#}"))
        }
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn why_follows_a_host_from_annotation_to_served() {
    let it = Issuing::new("why");
    let (shop, quiet, held, gone) = (it.host("shop"), it.host("quiet"), it.host("held"), it.ns.host("gone"));
    let mut owned = it.ns.pki.pair(&[&held]).secret("held-tls");
    owned["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    owned["metadata"]["annotations"] = json!({
        "meta.helm.sh/release-name": "held", "meta.helm.sh/release-namespace": it.ns.name,
    });
    it.ns.apply(vec![
        asking("shop", &[&shop]),
        ingress("quiet", &[(&[&quiet], "quiet-tls")]),
        owned,
        asking("held", &[&held]),
        asking("gone", &[&gone]),
    ]);
    // No controller, and nobody who asks.
    let of = steps(&it, &shop);
    assert_eq!(
        (state(&of, "asked"), state(&of, "controller")),
        ("done", "failing"),
        "{of:#}"
    );
    assert!(
        of["why"].as_str().unwrap().contains("no controller is installed"),
        "{of:#}"
    );
    let ran = why(&it, &quiet, &[]).ends_with(1);
    assert!(ran.out.contains("no route asks for it by an annotation"), "{}", ran.out);
    assert!(ran.out.contains("kubectl annotate ingress quiet -n"), "{}", ran.out);
    let ran = why(&it, &held, &[]).ends_with(1);
    assert!(ran.out.contains("held     rule        OtherOwner: "), "{}", ran.out);
    // A host that is nobody's is a mistake, with the nearest one.
    let typo = shop.replacen("shop", "shpo", 1);
    let ran = why(&it, &typo, &[]).ends_with(2);
    assert!(ran.err.contains(&shop), "{}", ran.err);
    // Paused: nothing is ordered, and it says by whom and how to go on.
    installed(&it);
    it.plain(&["pause", "--reason", "the CA is being moved"])
        .run()
        .ends_with(0);
    let running = start_with(&it, &[]);
    let of = until(&it, &shop, "the CA is being moved");
    assert!(
        of["next"].as_str().unwrap().contains("kubectl certs resume -n"),
        "{of:#}"
    );
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(orders(&it), 0, "{:?}", running.out.all());
    resume(&it);
    until_stored(&it, "shop-tls", &[&shop], &running);
    let of = until(&it, &shop, "is served as it should be");
    assert_eq!(
        (state(&of, "told"), state(&of, "stored"), state(&of, "served")),
        ("done", "done", "done")
    );
    assert!(of["why"].as_str().unwrap().contains("it is renewed at"), "{of:#}");
    let ran = why(&it, &shop, &["--connect", &format!("{NODE}:443")]).ends_with(0);
    assert!(ran.out.contains("done     served"), "{}", ran.out);
    // A name that does not resolve.
    let of = until(&it, &gone, "HTTP-01 cannot prove it");
    assert_eq!(
        (state(&of, "dns"), state(&of, "stored")),
        ("failing", "failing"),
        "{of:#}"
    );
    running.interrupt();
    running.end();
}
