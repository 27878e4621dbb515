//! A cluster that takes no writes for a while after an order was made, as one does whose etcd is full.

use std::time::Duration;

use super::*;
use crate::{
    apply::Api,
    engine::journal,
    k8s::fake::{Fake as Cluster, json as object, refusal},
};

#[tokio::test]
async fn an_order_is_noted_once_the_cluster_takes_writes_again() {
    // As many writes are refused as are tried at once, and one more.
    let cluster = Cluster::start(|asked, before| {
        if asked.starts_with("PUT") && before < 4 {
            return refusal(500, "InternalError", "");
        }
        object(&json!({"metadata": {"namespace": "shop", "name": "j", "uid": "u", "resourceVersion": "1"}}).to_string())
    })
    .await;
    let secret = Key::new("shop", "shop-tls");
    let connection = cluster.connection().await.apart(Duration::from_secs(1));
    let place = JournalStore::Cluster(Api::new(connection, journal::permits(&secret)));
    let fake = ca(|_, _, _| None).await;
    let came = order_in(
        place,
        Entry::default(),
        &fake,
        &["shop.example"],
        false,
        None,
        None,
        None,
    )
    .await;
    assert!(came.result.is_ok(), "{}", came.error());
    assert_eq!(fake.seen("/new-order").len(), 1);
    let entries: Vec<Entry> = cluster
        .sent()
        .into_iter()
        .map(|sent| journal::read(sent).entry)
        .collect();
    let order = Some(fake.url("/order/1"));
    assert!(entries.last().is_some_and(|entry| entry.order == order), "{entries:?}");
}
