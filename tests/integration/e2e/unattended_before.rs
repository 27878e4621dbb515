//! What an earlier version has left: an order on its way, a certificate and a kept pair, without the fields that are newer. The controller
//! takes them as they are.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::support::{
    controller::{asking, controller, orders, resume, start, until_stored},
    eventually,
    issuing::Issuing,
};

/// The one Secret of a purpose in the namespace.
#[track_caller]
fn the(it: &Issuing, purpose: &str) -> Value {
    let selector = format!("kubectl-certs.io/purpose={purpose}");
    let all = it.ns.kubectl(&["get", "secrets", "-l", &selector, "-o", "json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{purpose}: {items:?}");
    items[0].clone()
}

/// Takes fields out of the JSON in a data key, which had them.
#[track_caller]
fn without(secret: &mut Value, key: &str, fields: &[&str]) {
    let text = BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap();
    let mut record: Value = serde_json::from_slice(&text).unwrap();
    for field in fields {
        let removed = record.as_object_mut().unwrap().remove(*field);
        assert!(removed.is_some(), "{field}: {record}");
    }
    secret["data"][key] = BASE64_STANDARD.encode(record.to_string()).into();
}

fn replace(it: &Issuing, mut object: Value) {
    let meta = object["metadata"].as_object_mut().unwrap();
    let name = meta["name"].as_str().unwrap().to_owned();
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        meta.remove(field);
    }
    it.ns.kubectl(&["delete", "secret", &name]);
    it.ns.create(vec![object]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_an_earlier_version_has_left_is_taken_as_it_is_and_nothing_good_is_ordered() {
    let it = Issuing::new("before");
    let (blog, old, shop) = (it.host("blog"), it.host("old"), it.host("shop"));
    // A kept pair, as an installation that was stopped leaves it.
    let first = controller(&it);
    resume(&it);
    it.ns.apply(vec![asking("blog", &[&blog])]);
    until_stored(&it, "blog-tls", &[&blog], &first);
    first.out.after(0, &["\"event\":\"done\"", "blog-tls"]);
    let blog_sha256 = it.leaf("blog-tls").sha256();
    first.interrupt();
    first.end();
    let mut kept = the(&it, "kept");
    without(&mut kept, "kept.json", &["former"]);
    replace(&it, kept);
    it.ns.kubectl(&["delete", "secret", "blog-tls"]);
    // A certificate that no installation has claimed, and of whose account nothing is noted.
    let account = format!("{}/account", it.ns.name);
    it.ns.apply(vec![asking("old", &[&old])]);
    it.certs(&["renew", "old", "--account-secret", &account]).ends_with(0);
    let newer = ["account-", "order-kind-", "run-", "issued-at-"].map(|name| format!("kubectl-certs.io/{name}"));
    let mut annotate = vec!["annotate", "secret", "old-tls"];
    annotate.extend(newer.iter().map(String::as_str));
    it.ns.kubectl(&annotate);
    let old_version = it.version("old-tls");
    // An order on its way, of a run that was killed.
    it.ns.apply(vec![asking("shop", &[&shop])]);
    let call = it.call(&["renew", "shop", "--account-secret", &account, "-o", "json"]);
    let (lines, err) = call.killed_or_ended("\"event\":\"ordered\"");
    let ordered = lines.iter().find(|line| line.contains("\"event\":\"ordered\""));
    let ordered: Value = serde_json::from_str(ordered.unwrap_or_else(|| panic!("{lines:?} {err}"))).unwrap();
    let mut journal = the(&it, "journal");
    without(&mut journal, "order.json", &["held", "finalizing", "left"]);
    replace(&it, journal);
    it.ns
        .kubectl(&["delete", "leases", "-l", "kubectl-certs.io/purpose=lease"]);
    let before = orders(&it);
    assert_eq!(before, 3);

    let running = start(&it);
    until_stored(&it, "shop-tls", &[&shop], &running);
    let url = ordered["url"].as_str().unwrap();
    running
        .out
        .after(0, &["\"event\":\"ordered\"", url, "\"resumed\":true"]);
    assert_eq!(
        it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/order"],
        url
    );
    running.out.after(0, &["\"event\":\"done\"", "shop-tls"]);
    eventually("the pair of blog", || {
        let found = it
            .ns
            .kubectl(&["get", "secret", "blog-tls", "--ignore-not-found", "-o", "name"]);
        if found.is_empty() {
            Err(format!("{:?}", running.out.all()))
        } else {
            Ok(())
        }
    });
    assert_eq!(it.leaf("blog-tls").sha256(), blog_sha256);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(it.version("old-tls"), old_version, "{:?}", running.out.all());
    assert_eq!(orders(&it), before, "{:?}", running.out.all());
    assert_eq!(it.left(), [""; 0]);
}
