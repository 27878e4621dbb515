//! Removes the leftovers.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};

use super::{Leftovers, Thing, Trouble, Undone, undo};
use crate::{
    apply::{Api, ApiError, RunId},
    engine::{
        journal::Left,
        lease::{self, Lease, LeaseError, Taking},
    },
    error::Diagnose as _,
    object::{Key, resource::SECRET},
    solve::dns01::Dns01,
};

/// How many objects are removed at once.
const AT_ONCE: usize = 8;

impl Leftovers {
    /// Takes the Lease of a Secret, which may have been observed long enough already.
    async fn take(&self, api: &Api, secret: &Key, run: &RunId) -> Result<Lease, LeaseError> {
        let taking = Taking {
            observed: self.observed.get(&lease::key_of(secret)).map(String::as_str),
            ..Taking::default()
        };
        Lease::take_with(api, secret, run, &taking).await
    }

    /// Removes the leftovers: first the changes and records that were made for orders, then the objects that answered
    /// challenges, then the orders and the Leases. Orders of `own` Secrets stay, without the changes that were undone.
    /// The result has what could not be removed; the journal that records it stays.
    pub async fn remove(&self, api: &Api, dns: Option<&Dns01>, run: &RunId, own: &BTreeSet<Key>) -> Removed {
        let mut removed = Removed::default();
        let mut put_away = Vec::new();
        for journal in &self.journals {
            let own = journal.thing.about.as_ref().is_some_and(|secret| own.contains(secret));
            // A run that is alive is only in the list because of `Doubt::Force`.
            let forced = self.alive.iter().any(|alive| alive.secret == journal.thing.about);
            let lease = match &journal.thing.about {
                Some(secret) if !forced => match self.take(api, secret, run).await {
                    Ok(lease) => Some(lease),
                    Err(error) => {
                        removed.trouble.push(Trouble {
                            hint: error.hint(),
                            text: crate::error::chain(&error),
                        });
                        continue;
                    }
                },
                _ => None,
            };
            let undone = self.undo(api, dns, &journal.found.entry.left).await;
            removed.count += undone.count;
            let clean = undone.trouble.is_empty();
            removed.trouble.extend(undone.trouble);
            put_away.push((journal, lease, clean && !own));
        }
        removed.delete(api, &self.things).await;
        for (journal, lease, _) in put_away.iter().filter(|(.., ended)| *ended) {
            if lease.is_some() {
                // A run may have begun with it, and been killed, since it was found.
                removed.add(api.delete_version(SECRET, journal.found.object()).await);
            } else {
                removed.delete(api, std::slice::from_ref(&journal.thing)).await;
            }
        }
        let mut taken = BTreeSet::new();
        for (_, lease, _) in put_away {
            let Some(lease) = lease else { continue };
            taken.insert(lease.key().clone());
            match lease.release().await {
                Ok(()) => removed.count += 1,
                Err(error) => removed.failed(&error),
            }
        }
        let untaken = self.leases.iter().filter(|lease| !taken.contains(&lease.key));
        self.give_back(&mut removed, api, run, untaken).await;
        removed
    }

    /// Takes over each Lease before it is removed, because a run may have taken it since it was found.
    async fn give_back(&self, removed: &mut Removed, api: &Api, run: &RunId, leases: impl Iterator<Item = &Thing>) {
        for thing in leases {
            let secret = thing
                .about
                .as_ref()
                .filter(|secret| lease::name(secret) == thing.key.name);
            let forced = self.alive.iter().any(|alive| alive.secret == thing.about);
            let Some(secret) = secret.filter(|_| !forced) else {
                removed.delete(api, std::slice::from_ref(thing)).await;
                continue;
            };
            let Ok(lease) = self.take(&api.with_permits(lease::permits(secret)), secret, run).await else {
                continue;
            };
            match lease.release().await {
                Ok(()) => removed.count += 1,
                Err(error) => removed.failed(&error),
            }
        }
    }

    /// Undoes changes. A run that is alive may have answers in the same Ingress, which is left to it then.
    async fn undo(&self, api: &Api, dns: Option<&Dns01>, left: &[Left]) -> Undone {
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for left in left {
            match self.waits(left) {
                Some(trouble) => later.push(trouble),
                None => now.push(left.clone()),
            }
        }
        let mut undone = undo(api, dns, &now).await;
        undone.trouble.extend(later);
        undone
    }

    /// Why a change has to stay for now.
    pub(super) fn waits(&self, left: &Left) -> Option<Trouble> {
        match left {
            Left::Change { namespace, .. } if self.is_anyone_alive(namespace) => Some(Trouble {
                text: format!("{} stay: another run is in progress", undo::words(left)),
                hint: Some("try again when that run has ended".to_owned()),
            }),
            _ => None,
        }
    }
}

/// The result of a removal.
#[derive(Debug, Default)]
pub struct Removed {
    /// How many objects and records were removed.
    pub count: usize,
    /// What is left, and why.
    pub trouble: Vec<Trouble>,
}

impl Removed {
    async fn delete(&mut self, api: &Api, things: &[Thing]) {
        let mut results = stream::iter(things)
            .map(|thing| api.delete(thing.resource, &thing.key, Some(&thing.uid)))
            .buffered(AT_ONCE);
        while let Some(result) = results.next().await {
            self.add(result);
        }
    }

    /// Counts what was removed, or adds why it was not.
    fn add(&mut self, result: Result<bool, ApiError>) {
        match result {
            Ok(gone) => self.count += usize::from(gone),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &ApiError) {
        self.trouble.push(Trouble {
            text: crate::error::chain(error),
            hint: error.hint(),
        });
    }
}
