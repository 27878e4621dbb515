//! Secrets that were fetched by name: a watch on `metadata.name` for each of the first fifty, the others read again once a
//! minute.
//!
//! A watch of one name needs no more than the right to watch that name (RBAC's resourceNames allow it); a watch of all Opaque
//! Secrets of a namespace would need the right to all, and would carry every Helm release's 60 to 80 KB. Where watching is
//! forbidden, reading once a minute is what is left.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::mpsc::Receiver, task::JoinSet, time::MissedTickBehavior};

use super::{Follow, Shared};
use crate::{
    k8s::{paths, rights},
    object::{Key, Kind},
};

/// How many names have a watch, hence a connection, of their own.
const WATCHED: usize = 50;
/// How often the others are read.
const EVERY: Duration = Duration::from_mins(1);

/// Follows every Secret that comes.
pub(super) async fn follow(shared: Arc<Shared>, mut named: Receiver<Key>) -> bool {
    let mut seen = HashSet::new();
    let mut watched = JoinSet::new();
    let mut polled = Vec::new();
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
                }
            }
            _ = clock.tick(), if !polled.is_empty() => {
                for (key, error) in rights::get_secrets(&shared.connection, &shared.scope.data_keys, polled.clone(), shared.sink.clone()).await {
                    log::debug!("Secret {key} cannot be read again: {error}");
                }
            }
            else => return false,
        }
    }
}

/// The watch of one name; it begins with a list of that name, which tells whether the Secret is there.
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
