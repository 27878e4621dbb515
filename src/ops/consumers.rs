//! Which workloads are restarted for Secrets, by who uses them at this moment: whoever goes on does not follow Pods.

use std::collections::BTreeMap;

use crate::{
    engine::restarts::Restarts,
    error::chain,
    k8s::{Connection, consumers},
    object::{Change, Consumer, Key, Object, Text},
    settings::value::Restart,
};

/// The workloads that are restarted for each Secret, if any are to be; and what could not be read, in words.
pub(super) async fn restarts(
    connection: Connection,
    secrets: Vec<Key>,
    wanted: &Restart,
) -> (BTreeMap<Key, Restarts>, Option<String>) {
    if *wanted == Restart::None {
        return (BTreeMap::new(), None);
    }
    let mut namespaces: Vec<Text> = secrets.iter().map(|secret| secret.namespace.clone()).collect();
    namespaces.sort();
    namespaces.dedup();
    let (sink, mut changes) = tokio::sync::mpsc::channel(64);
    let reading = tokio::spawn(async move { consumers(&connection, Some(&namespaces), sink).await });
    let (mut all, mut unread): (Vec<Consumer>, _) = (Vec::new(), None);
    while let Some(change) = changes.recv().await {
        match change {
            Change::Set(Object::Consumer(consumer)) => all.push(consumer),
            Change::Forbidden(forbidden) => {
                unread.get_or_insert_with(|| {
                    format!(
                        "the right to {} {} is missing",
                        forbidden.verb,
                        forbidden.kind.row().plural
                    )
                });
            }
            _ => {}
        }
    }
    match reading.await {
        Ok(Ok(listing)) => {
            if let Some((_, error)) = listing.incomplete.first() {
                unread.get_or_insert_with(|| chain(error));
            }
        }
        Ok(Err(error)) => drop(unread.get_or_insert_with(|| chain(&error))),
        Err(error) => drop(unread.get_or_insert_with(|| error.to_string())),
    }
    let of = |secret: Key| {
        let restarts = Restarts::of(&all, &secret, wanted);
        (secret, restarts)
    };
    (secrets.into_iter().map(of).collect(), unread)
}
