//! The ledger of an account that is kept in a Secret, against a real API server.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::{
    apply::{Api, Permit, Permits, Verb},
    engine::ledger::{Ledger, LedgerStore},
    k8s::{ConnectOptions, connect},
    object::Key,
    object::resource::SECRET,
    plan::limits::{Limits, OrderKind},
};
use serde_json::{Value, json};

use crate::support::{cluster::Namespace, pki::now};

const ACCOUNT: &str = "https://ca.example/acct/1";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn runs_at_once_count_every_order_and_a_killed_one_loses_none_that_was_written() {
    let ns = Namespace::new("ledger");
    ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme"}, "data": {"account.json": "e30="},
    })]);
    let key = Key::new(ns.name.as_str(), "acme");
    let permit = Permit::one(
        &[Verb::Get, Verb::Update],
        SECRET,
        key.namespace.clone(),
        key.name.clone(),
    );
    let api = Api::new(
        connect(&ConnectOptions::default()).await.unwrap(),
        Permits::none().with(permit),
    );
    let place = LedgerStore::Secret(Box::new(api), key);
    let limits = Limits::PRODUCTION;
    let open = || Ledger::open(place.clone(), ACCOUNT, Some(limits), now().unix_timestamp());
    let left = |ledger: &Ledger| {
        let limit = limits.orders.unwrap();
        ledger.look(|known| known.orders.left(&limit, now().unix_timestamp()))
    };
    let (one, two) = (open().await, open().await);
    for _ in 0..50 {
        one.ordered(&[], OrderKind::New, now().unix_timestamp());
        two.ordered(&[], OrderKind::New, now().unix_timestamp());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Neither has ended, and all but the last moment is written.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let third = open().await;
    assert!((200..=201).contains(&left(&third)), "{}", left(&third));
    let (one, two) = tokio::join!(one.keep(), two.keep());
    one.unwrap();
    two.unwrap();
    let kept: Value = serde_json::from_str(&ns.kubectl(&["get", "secret", "acme", "-o", "json"])).unwrap();
    assert_eq!(kept["data"]["account.json"], "e30=", "what is beside it stays");
    let data = kept["data"].as_object().unwrap();
    let (_, ledger) = data.iter().find(|(name, _)| name.ends_with(".ledger")).unwrap();
    let ledger = BASE64_STANDARD.decode(ledger.as_str().unwrap()).unwrap();
    assert!(ledger.len() < 200, "{}", String::from_utf8_lossy(&ledger));
}
