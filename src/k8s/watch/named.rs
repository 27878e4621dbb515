//! Secrets that were read by name. The first fifty each have a watch on `metadata.name`; the others are read again once
//! a minute.
//!
//! A watch of one name requires only the right to watch that name (RBAC's resourceNames permit it). A watch of all
//! Opaque Secrets of a namespace would require the right to all, and would transfer the 60 to 80 KB of every Helm
//! release. Where watching is forbidden, only reading once a minute remains.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::mpsc::Receiver, task::JoinSet, time::MissedTickBehavior};

use super::{Follow, Shared};
use crate::{
    k8s::{paths, rights},
    object::{Key, Kind},
};

/// How many names have their own watch, and so their own connection.
const WATCHED: usize = 50;
/// How often the others are read.
const EVERY: Duration = Duration::from_mins(1);

/// Watches every Secret that arrives.
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
