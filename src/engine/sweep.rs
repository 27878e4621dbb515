//! The first action of a run: it removes what killed runs have left in the namespaces of its own Secrets. Best effort:
//! what cannot be removed does not stop the run.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use super::{
    cleanup::{self, Leftovers},
    run::Run,
    store::Destination,
};
use crate::{
    apply::{Api, Permits},
    clock::now,
    event::EventKind,
    k8s::Connection,
    object::{Key, Text},
    plan::Target,
};

/// How many namespaces are examined at once.
const AT_ONCE: usize = 4;

/// Finds what was left in the namespaces of the targets, and in the namespaces `solving`, where challenges are
/// answered. If there is nothing, that takes a few lists for each namespace.
pub async fn look(connection: Option<&Connection>, targets: &[Target], solving: &BTreeSet<Text>) -> Vec<Leftovers> {
    let Some(connection) = connection else {
        return Vec::new();
    };
    let api = Api::new(connection.clone(), Permits::none());
    let mut namespaces: BTreeMap<&str, BTreeSet<Key>> = BTreeMap::new();
    for namespace in solving {
        namespaces.entry(namespace).or_default();
    }
    for target in targets {
        namespaces
            .entry(&target.secret.namespace)
            .or_default()
            .insert(target.secret.clone());
    }
    stream::iter(&namespaces)
        .map(|(namespace, own)| cleanup::look(&api, namespace, own, now()))
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

impl Run {
    /// Removes what was found.
    pub async fn sweep(&self, found: Vec<Leftovers>, targets: &[Target]) {
        let Destination::Cluster(api) = &self.parts.destination else {
            return;
        };
        let own: BTreeSet<Key> = targets.iter().map(|target| target.secret.clone()).collect();
        let mut count = 0;
        for mut found in found {
            found.leave_manual();
            let api = api.with_permits(found.permits());
            let removed = found
                .remove(&api, self.parts.solvers.dns01.as_deref(), &self.parts.id, &own)
                .await;
            count += removed.count;
            let unread = found.unread.first().map(|error| crate::error::chain(error));
            let left = removed.trouble.into_iter().map(|trouble| trouble.text);
            for text in left.chain(unread) {
                self.parts.tell.tell(EventKind::Note {
                    text: format!("leftovers of a killed run may remain (`kubectl certs cleanup`): {text}"),
                });
            }
        }
        if count > 0 {
            self.parts.tell.tell(EventKind::Note {
                text: format!("removed leftovers of a killed run: {count}"),
            });
        }
    }
}
