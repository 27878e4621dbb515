//! What is not healthy, stored in `ConfigMap`s: for whoever asks what the controller does, and for the process that leads
//! next.
//!
//! Only the leader writes them, each for the version that it has read or written last, and only what has changed. It looks
//! every ten seconds at most, so that no object is written more than six times a minute.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, Verb,
        mark::{MANAGED_BY, MANAGER, PURPOSE},
    },
    error::chain,
    k8s::Marked as _,
    object::{
        Key, Text,
        doing::{Doing, DoingState, Installation, Rehearsal},
        resource::CONFIGMAP,
    },
    plan::doing::shard::{self, SHARDS, Shard},
};

/// How long passes between two looks at least.
const PAUSE: Duration = Duration::from_secs(10);

/// What the objects need in a namespace.
pub fn permits(namespace: &str) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    Permits::none().with(Permit::prefix(&verbs, CONFIGMAP, namespace, Purpose::State.prefix()))
}

/// An object, as it was read or written last.
#[derive(Debug, Clone, Default)]
enum Known {
    /// It has to be read first.
    #[default]
    Unread,
    Absent,
    There(Value),
    /// It is somebody's, and left alone.
    Others,
}

/// What was stored, and when.
#[derive(Debug, Default)]
pub struct Memory {
    known: [Known; SHARDS],
    /// Whether what the leader before has stored was taken over.
    pub is_recalled: bool,
    /// What waited for nothing but its turn at the last look: it is stored once it has done so for two.
    passing: HashSet<Key>,
    looked: Option<Instant>,
    /// Whether something may have changed since the last look.
    is_stale: bool,
    /// What was said, so that it is said once.
    told: BTreeSet<String>,
}

/// What was read from the objects.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The name of the issuer at which it was ordered, if that can be read.
    pub issuer: Option<Text>,
    /// What came of the last rehearsals of changes to other issuers.
    pub rehearsals: Vec<Rehearsal>,
    /// What was done.
    pub doings: Vec<Doing>,
    /// What is to be told, once.
    pub news: Vec<String>,
}

impl Memory {
    /// Forgets what was read: another process may have led meanwhile.
    pub fn forget(&mut self) {
        self.doubt();
        self.is_recalled = false;
    }

    /// Forgets what is known of the objects, because nobody knows what became of a write.
    pub fn doubt(&mut self) {
        self.known = Default::default();
        self.is_stale = true;
    }

    /// Notes that something may have changed.
    pub fn note(&mut self) {
        self.is_stale = true;
    }

    /// How long it is until it is to be looked; `None` if nothing has changed.
    pub fn next_look(&self, now: Instant) -> Option<Duration> {
        let pause = |at: Instant| (at + PAUSE).saturating_duration_since(now);
        self.is_stale.then(|| self.looked.map_or(Duration::ZERO, pause))
    }

    /// Whether it is to be looked now. Whoever is told so looks.
    pub fn begins_look(&mut self, now: Instant) -> bool {
        let is_due = self.next_look(now) == Some(Duration::ZERO);
        if is_due {
            self.looked = Some(now);
            self.is_stale = false;
        }
        is_due
    }

    /// Reads what was stored for this installation. What cannot be used is told, and is nothing.
    ///
    /// # Errors
    ///
    /// The cluster does not answer, or the right is missing.
    pub async fn read(&mut self, api: &Api, namespace: &str, install: &str) -> Result<Recalled, ApiError> {
        let names = shard::names();
        let reads = names.iter().map(|name| {
            let key = Key::new(namespace, name.as_str());
            async move { api.get(CONFIGMAP, &key).await }
        });
        let mut recalled = Recalled::default();
        let mut known: [Known; SHARDS] = Default::default();
        for ((place, found), name) in known.iter_mut().zip(join_all(reads).await).zip(&names) {
            let Some(object) = found? else {
                *place = Known::Absent;
                continue;
            };
            if !is_own(&object) {
                *place = Known::Others;
                let why = "it has not the labels of this program: it is left alone, and nothing is stored in it";
                recalled.news.push(format!("ConfigMap {namespace}/{name}: {why}"));
                continue;
            }
            match shard::decode(&object["data"]) {
                Ok(Shard {
                    install: by,
                    doings,
                    about,
                    ..
                }) if by == install => {
                    recalled.doings.extend(doings);
                    if let Some(about) = about {
                        recalled.issuer = Some(about.issuer);
                        recalled.rehearsals = about.rehearsals;
                    }
                }
                Ok(_) => {
                    let why = "it is of another installation, and is replaced";
                    recalled.news.push(format!("ConfigMap {namespace}/{name}: {why}"));
                }
                Err(error) => {
                    let why = format!("{}: it counts for nothing, and is replaced", chain(&error));
                    recalled.news.push(format!("ConfigMap {namespace}/{name}: {why}"));
                }
            }
            *place = Known::There(object);
        }
        self.known = known;
        recalled.news.retain(|text| self.told.insert(text.clone()));
        Ok(recalled)
    }

    /// Stores what is not healthy. `may` is asked right before each write whether this process still leads. Returns what is
    /// to be told, once: why something could not be stored.
    pub async fn store(
        &mut self,
        api: &Api,
        may: &(dyn Fn() -> bool + Sync),
        by: &Installation,
        doings: impl Iterator<Item = Doing>,
    ) -> Vec<String> {
        let doings = self.settled(doings);
        let api = api.with_permits(permits(&by.namespace));
        self.read_again(&api, &by.namespace).await;
        let mut of_shard: [Vec<Doing>; SHARDS] = Default::default();
        for doing in doings {
            of_shard[shard::of_secret(&doing.secret)].push(doing);
        }
        let (api, names) = (&api, shard::names());
        let writes = of_shard.iter().zip(&self.known).zip(&names).enumerate();
        let writes = writes.map(|(at, ((doings, known), name))| async move {
            let data = json!(shard::encode(by, at, doings));
            let key = Key::new(by.namespace.clone(), name.as_str());
            let is_empty = doings.is_empty() && at > 0;
            let object = match known {
                Known::Absent if !is_empty => made(&key, &data),
                Known::There(object) if object["data"] != data => with(object, &data),
                _ => return None,
            };
            // Whoever leads no longer writes nothing any more.
            may().then_some(())?;
            Some(match known {
                Known::Absent => api.create(CONFIGMAP, &object).await,
                _ => api.replace(CONFIGMAP, &object).await,
            })
        });
        let written = join_all(writes).await;
        let mut news = Vec::new();
        for (known, written) in self.known.iter_mut().zip(written) {
            match written {
                None => {}
                Some(Ok(object)) => *known = Known::There(object),
                Some(Err(error)) => {
                    *known = Known::Unread;
                    // A right that is missing comes with the next change at the earliest.
                    self.is_stale |= !error.is_forbidden();
                    // Somebody else was faster: it is read and decided anew.
                    if !matches!(error, ApiError::Conflict { .. } | ApiError::AlreadyExists { .. }) {
                        news.push(format!("what is not healthy cannot be stored: {}", chain(&error)));
                    }
                }
            }
        }
        news.retain(|text| self.told.insert(text.clone()));
        news
    }

    /// Reads the objects whose versions are not known.
    async fn read_again(&mut self, api: &Api, namespace: &str) {
        let names = shard::names();
        let unread = self
            .known
            .iter_mut()
            .zip(&names)
            .filter(|(known, _)| matches!(known, Known::Unread));
        let reads = unread.map(|(known, name)| async move {
            let key = Key::new(namespace, name.as_str());
            match api.get(CONFIGMAP, &key).await {
                Ok(None) => *known = Known::Absent,
                Ok(Some(object)) if is_own(&object) => *known = Known::There(object),
                Ok(Some(_)) => *known = Known::Others,
                Err(error) => log::debug!("ConfigMap {key} cannot be read: {}", chain(&error)),
            }
        });
        join_all(reads).await;
    }

    /// Leaves out what waits for nothing but its turn, unless it did so at the last look too.
    fn settled(&mut self, doings: impl Iterator<Item = Doing>) -> Vec<Doing> {
        let (mut passing, mut has_new) = (HashSet::new(), false);
        let mut all: Vec<Doing> = doings.collect();
        all.retain(|doing| {
            let is_passing = matches!(doing.state, DoingState::Ready | DoingState::Running)
                && doing.failures == 0
                && doing.after.is_none()
                && doing.without.is_none();
            if !is_passing {
                return true;
            }
            let was_there = self.passing.contains(&doing.secret);
            has_new |= !was_there;
            passing.insert(doing.secret.clone());
            was_there
        });
        // One that passes now is looked at again.
        self.is_stale |= has_new;
        self.passing = passing;
        all
    }
}

fn is_own(object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    labels[MANAGED_BY] == MANAGER && labels[PURPOSE] == Purpose::State.as_str()
}

fn made(key: &Key, data: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": key.namespace, "name": key.name},
        "data": data,
    });
    object.label(MANAGED_BY, MANAGER);
    object.label(PURPOSE, Purpose::State.as_str());
    object
}

/// The version that was read, with other data.
fn with(object: &Value, data: &Value) -> Value {
    let mut object = object.clone();
    object["data"] = data.clone();
    if let Some(all) = object.as_object_mut() {
        all.remove("binaryData");
    }
    object
}

#[cfg(test)]
mod tests;
