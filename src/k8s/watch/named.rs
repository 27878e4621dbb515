//! Secrets that were read by name. The first fifty each have a watch on `metadata.name`; the others are read again once
//! a minute, as far as no watch of all TLS Secrets tells of them.
//!
//! A watch of one name requires only the right to watch that name (RBAC's resourceNames permit it). A watch of all
//! Opaque Secrets of a namespace would require the right to all, and would transfer the 60 to 80 KB of every Helm
//! release. Where watching is forbidden, only reading once a minute remains.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::mpsc::Receiver, task::JoinSet, time::MissedTickBehavior};

use super::{Follow, Shared};
use crate::{
    k8s::{paths, rights},
    object::{Key, Kind, Text},
};

/// How many names have their own watch, and so their own connection.
const WATCHED: usize = 50;
/// How often the others are read.
const EVERY: Duration = Duration::from_mins(1);

/// Watches every Secret that arrives. All TLS Secrets of the namespaces `covered` are watched besides (`None` is every
/// namespace).
pub(super) async fn follow(shared: Arc<Shared>, mut named: Receiver<Key>, mut covered: HashSet<Option<Text>>) -> bool {
    let mut seen = HashSet::new();
    let mut watched = JoinSet::new();
    let mut polled = Vec::new();
    let mut others = HashSet::new();
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = true;
    loop {
        tokio::select! {
            key = named.recv(), if open => match key {
                Some(key) if !paths::possible(&key.name) || !paths::possible(&key.namespace) => {}
                Some(key) if !seen.insert(key.clone()) => {}
                Some(key) if watched.len() < WATCHED => {
                    let one = one(&shared, &key);
                    watched.spawn(async move { (key, one.run().await) });
                }
                Some(key) => polled.push(key),
                None => open = false,
            },
            Some(ended) = watched.join_next() => {
                if let Ok((key, true)) = ended {
                    polled.push(key);
                    // Who may not watch one may not watch all.
                    covered.clear();
                }
            }
            _ = clock.tick(), if !polled.is_empty() => {
                poll(&shared, &polled, &covered, &mut others).await;
            }
            else => return false,
        }
    }
}

/// Reads Secrets again. `others` are those of them that were of another type than TLS the last time.
///
/// Of many, a list tells first which are of another type now. A TLS Secret is not in it, and neither is one that is not there:
/// where all TLS Secrets are watched, that watch tells of both, and to call them gone here would take away what it brought.
async fn poll(shared: &Shared, polled: &[Key], covered: &HashSet<Option<Text>>, others: &mut HashSet<Key>) {
    let is_covered = |key: &Key| covered.contains(&None) || covered.contains(&Some(key.namespace.clone()));
    let mut read = polled.to_vec();
    if read.len() > rights::MANY
        && let Some(mut now) = rights::other_secrets(&shared.connection).await
    {
        let of_these: HashSet<&Key> = polled.iter().collect();
        now.retain(|key| of_these.contains(key));
        read.retain(|key| now.contains(key) || others.contains(key) || !is_covered(key));
        *others = now;
    }
    let (connection, data_keys) = (&shared.connection, &shared.scope.data_keys);
    for (key, error) in rights::get_each(connection, data_keys, read, &shared.sink).await {
        log::debug!("Secret {key} cannot be read again: {error}");
    }
}

/// The watch of one name. It begins with a list of that name, which shows whether the Secret exists.
fn one(shared: &Arc<Shared>, key: &Key) -> Follow {
    Follow {
        shared: Arc::clone(shared),
        kind: Kind::Secret,
        api: Kind::Secret.resource(),
        namespace: Some(key.namespace.clone()),
        labels: None,
        fields: Some(format!("metadata.name={}", key.name)),
        version: None,
        known: HashSet::from([key.clone()]),
        by_scope: false,
        wide: false,
        lost: false,
        silent: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        k8s::fake::{Fake, json, refusal, word},
        source::Scope,
    };

    /// What a poll of seventy names says, whose TLS Secrets are watched in these namespaces, when these numbers are of another type now
    /// and were until the last time.
    async fn polled(covered: &[Option<&str>], now: &'static [u32], before: &[u32]) -> Vec<String> {
        let fake = Fake::start(
            move |path, _| match path.strip_prefix("/api/v1/namespaces/shop/secrets/s") {
                Some(number) if now.contains(&number.parse().unwrap()) => json(&format!(
                    r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"s{number}","namespace":"shop"}},"type":"Opaque"}}"#
                )),
                Some(_) => refusal(404, "NotFound", ""),
                None => {
                    let item = |n: &u32| format!(r#"{{"metadata":{{"name":"s{n}","namespace":"shop"}}}}"#);
                    let items = now.iter().map(item).collect::<Vec<_>>().join(",");
                    json(&format!(
                        r#"{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#
                    ))
                }
            },
        )
        .await;
        let key = |n: &u32| Key::new("shop", format!("s{n}"));
        let (sink, mut changes) = mpsc::channel(100);
        let shared = Shared {
            connection: fake.connection().await,
            scope: Scope::everything(),
            sink,
            report: Box::new(|_| ()),
            lost: AtomicUsize::new(0),
        };
        let names: Vec<Key> = (0..70).map(|n| key(&n)).collect();
        let covered = covered.iter().map(|it| it.map(Text::from)).collect();
        let mut others = before.iter().map(key).collect();
        poll(&shared, &names, &covered, &mut others).await;
        assert_eq!(others, now.iter().map(key).collect::<HashSet<_>>());
        drop(shared);
        let mut said = Vec::new();
        while let Some(change) = changes.recv().await {
            said.push(word(&change));
        }
        said.sort();
        said
    }

    #[tokio::test]
    async fn a_tls_secret_that_its_watch_brought_is_not_called_gone_because_it_was_named() {
        for covered in [None, Some("shop")] {
            assert!(polled(&[covered], &[], &[]).await.is_empty());
            assert_eq!(polled(&[covered], &[3, 5], &[]).await, ["+s3", "+s5"]);
            assert_eq!(polled(&[covered], &[5], &[3, 5]).await, ["+s5", "-s3"]);
        }
        // Elsewhere nobody else tells of them.
        assert_eq!(polled(&[Some("other")], &[3], &[]).await.len(), 70);
    }
}
