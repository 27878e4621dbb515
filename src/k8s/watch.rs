//! Follows what a list has read: one watch for each kind and namespace, from the list's resourceVersion on.
//!
//! A kind is listed again only when the server no longer knows its resourceVersion (410), and then what vanished is sent as gone.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    sync::mpsc::{Receiver, Sender},
    task::JoinSet,
    time::Instant,
};

use super::{
    ClusterError, Connection,
    list::{Listing, selectors},
    paths,
    read::Read,
    request::{Asked, JSON},
};
use crate::{
    clock::{Pauses, spread},
    k8s::decode::{Event, EventDecoder},
    object::resource::Resource,
    object::{Change, Forbidden, Key, Kind, Object, Text},
    source::{Scope, scope::Namespaces},
};

mod named;

/// How long a watch may outlive the time that it was asked for.
const OVERTIME: Duration = Duration::from_secs(30);
/// After so many connections in a row without a word, the kind is listed again.
const SILENT: u32 = 2;

/// How it stands with the connection. Told when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchState {
    /// Every watch runs.
    Connected,
    /// At least one watch has broken off and does not come back at once: what is known may be old.
    Lost {
        /// Since when.
        since: SystemTime,
        /// Why, for people; not cleared.
        why: String,
    },
    /// A kind was listed again, because the server no longer knew where its watch was.
    Relisted(Kind),
}

/// Follows everything of `starts` until nobody takes the changes any more. `starts` must come from a list with
/// [`super::ListOptions::for_watch`]; what that list could not read is tried again here. Each Secret that comes over `named` (because
/// it was fetched by name, of any type and in any namespace) is followed too.
pub async fn watch(
    connection: &Connection,
    scope: &Scope,
    mut starts: Listing,
    named: Receiver<Key>,
    sink: Sender<Change>,
    report: impl Fn(WatchState) + Send + Sync + 'static,
) {
    let shared = Arc::new(Shared {
        connection: connection.clone(),
        scope: scope.clone(),
        sink,
        report: Box::new(report),
        lost: AtomicUsize::new(0),
    });
    let mut tasks = JoinSet::new();
    let mut streams = Vec::new();
    for ((kind, namespace), version) in std::mem::take(&mut starts.resource_versions) {
        let keys = starts.keys.remove(&(kind, namespace.clone())).unwrap_or_default();
        streams.push((kind, namespace, Some(version), keys));
    }
    streams.extend(
        starts
            .unread
            .drain(..)
            .map(|(kind, namespace)| (kind, namespace, None, HashSet::new())),
    );
    for (kind, namespace, version, known) in streams {
        let Some(api) = starts.apis.get(&kind).copied() else {
            continue;
        };
        let (labels, fields) = selectors(kind, &shared.scope);
        // Routes of other namespaces, which a listener in the scope lets in, were read from everywhere.
        let wide = namespace.is_none() && kind.namespaced() && matches!(shared.scope.namespaces, Namespaces::Only(_));
        let follow = Follow {
            shared: Arc::clone(&shared),
            kind,
            api,
            namespace,
            labels: labels.map(str::to_owned),
            fields: fields.map(str::to_owned),
            version,
            known,
            by_scope: true,
            wide,
            lost: false,
            silent: 0,
        };
        tasks.spawn(follow.run());
    }
    tasks.spawn(named::follow(Arc::clone(&shared), named));
    // Dropping the set ends every watch.
    shared.sink.closed().await;
}

/// What all watches of one connection share.
struct Shared {
    connection: Connection,
    scope: Scope,
    sink: Sender<Change>,
    report: Box<dyn Fn(WatchState) + Send + Sync>,
    /// How many watches are broken off.
    lost: AtomicUsize,
}

/// One watch.
struct Follow {
    shared: Arc<Shared>,
    kind: Kind,
    api: Resource,
    namespace: Option<Text>,
    labels: Option<String>,
    fields: Option<String>,
    /// Where to go on; `None` lists first.
    version: Option<String>,
    /// What has been sent and is not gone.
    known: HashSet<Key>,
    /// Whether the scope chooses; a Secret that was named does not have to be in it.
    by_scope: bool,
    /// Whether it is of all namespaces, although the scope names some.
    wide: bool,
    lost: bool,
    /// How many connections in a row broke off without a word.
    silent: u32,
}

/// How one connection of a watch ended.
enum End {
    /// By the server's clock or in silence: go on at once.
    Over,
    /// The resourceVersion is too old: list again.
    TooOld,
    Error(ClusterError),
}

/// Why a watch is given up.
enum Given {
    /// Nobody listens.
    Stopped,
    /// The right is missing.
    Forbidden(&'static str),
}

impl Follow {
    /// Runs until nobody listens or the right is missing; the latter is returned as true.
    async fn run(mut self) -> bool {
        let given = self.rounds().await;
        self.found();
        match given {
            Given::Stopped => false,
            Given::Forbidden(verb) => {
                let change = Change::Forbidden(Forbidden {
                    kind: self.kind,
                    namespace: self.namespace.clone(),
                    name: None,
                    verb,
                });
                // A Secret that was named is read by name from now on.
                if self.by_scope {
                    let _ = self.shared.sink.send(change).await;
                }
                true
            }
        }
    }

    async fn rounds(&mut self) -> Given {
        let timing = self.shared.connection.timing;
        let mut pauses = Pauses::doubling(timing.pause, timing.watch_pause);
        loop {
            let began = Instant::now();
            let end = match &self.version {
                None => match self.relist().await {
                    Ok(()) => continue,
                    Err(error) => End::Error(error),
                },
                Some(version) => self.once(&version.clone()).await,
            };
            let error = match end {
                // One that ends as soon as it begins must not become a storm of requests.
                End::Over if began.elapsed() < pauses.due() => {
                    tokio::time::sleep(spread(pauses.take())).await;
                    continue;
                }
                End::Over => {
                    pauses.restart();
                    continue;
                }
                End::TooOld => {
                    self.version = None;
                    if let Err(error) = self.relist().await {
                        error
                    } else {
                        (self.shared.report)(WatchState::Relisted(self.kind));
                        if began.elapsed() < pauses.due() {
                            tokio::time::sleep(spread(pauses.take())).await;
                        }
                        continue;
                    }
                }
                End::Error(error) => error,
            };
            let mut wait = spread(pauses.due());
            match error {
                ClusterError::Stopped => return Given::Stopped,
                ClusterError::Forbidden { verb, .. } => return Given::Forbidden(verb),
                ClusterError::Refused {
                    retry_after: Some(seconds),
                    ..
                } => {
                    wait = wait.max(Duration::from_secs(u64::from(seconds)).min(timing.watch_pause));
                    self.lose(&error);
                }
                _ => self.lose(&error),
            }
            // A connection that held for a while starts from the shortest pause again.
            if began.elapsed() > timing.watch_pause {
                pauses.restart();
            }
            tokio::time::sleep(wait).await;
            pauses.grow();
        }
    }

    /// One connection, from `version` on.
    async fn once(&mut self, version: &str) -> End {
        // A little different for each, so that they do not all come back at the same moment.
        let seconds = 240 + spread(Duration::from_mins(2)).as_secs();
        let mut path = paths::of(self.api, self.namespace.as_deref());
        for (name, value) in [("labelSelector", &self.labels), ("fieldSelector", &self.fields)] {
            if let Some(value) = value {
                paths::query(&mut path, name, value);
            }
        }
        for (name, value) in [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", &seconds.to_string()),
            ("resourceVersion", version),
        ] {
            paths::query(&mut path, name, value);
        }
        let shared = Arc::clone(&self.shared);
        let asked = Asked {
            verb: "watch",
            resource: self.kind.plural(),
            namespace: self.namespace.as_deref(),
        };
        let silence = shared.connection.timing.silence;
        // The server ends it itself at the time that was asked for: one that goes on is no watch any more.
        let latest = Instant::now() + Duration::from_secs(seconds) + OVERTIME;
        let answer = shared
            .connection
            .get_once(&path, JSON, asked, Some(latest), silence)
            .await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(ClusterError::Refused { code: 410, .. }) => return End::TooOld,
            Err(error) => return End::Error(error),
        };
        self.found();
        let mut decoder = EventDecoder::new(self.kind, &shared.scope.data_keys);
        let mut events = Vec::new();
        let mut heard = false;
        loop {
            let frame = match answer.frame().await {
                Ok(Some(frame)) => frame,
                // A connection that died without a word, or was cut: nothing is lost by asking again at once.
                Ok(None) => return End::Over,
                Err(ClusterError::Unreachable { .. } | ClusterError::Timeout { .. }) => return self.broken_off(heard),
                Err(error) => return End::Error(error),
            };
            let result = decoder.push(&frame, &mut |event| events.push(event));
            heard |= !events.is_empty();
            for event in events.drain(..) {
                if let Some(end) = self.event(event).await {
                    return end;
                }
            }
            if let Err(source) = result {
                // What was sent cannot be read and would come again: only a list leads past it.
                log::debug!(
                    "a change of the kind {} cannot be read, so it is listed again: {source}",
                    self.kind.as_str()
                );
                return End::TooOld;
            }
        }
    }

    /// What follows from a connection that broke off: after several on which nothing was heard, not even a bookmark, something swallows
    /// the events, and only a list says how things are.
    fn broken_off(&mut self, heard: bool) -> End {
        self.silent = if heard { 0 } else { self.silent + 1 };
        if self.silent < SILENT {
            return End::Over;
        }
        self.silent = 0;
        End::TooOld
    }

    async fn event(&mut self, event: Event) -> Option<End> {
        let (change, version) = match event {
            Event::Set(object, version) => (self.set(object), version),
            Event::Gone(key, version) => {
                let was_known = self.known.remove(&key);
                (was_known.then_some(Change::Gone(self.kind, key)), version)
            }
            Event::Bookmark(version) => (None, version),
            // As in a list, it is left out; what it was before it changed is no longer true.
            Event::Unreadable(skipped, version) => {
                log::warn!(
                    "an object of the kind {} cannot be understood: {}",
                    self.kind.as_str(),
                    skipped.error
                );
                let key = skipped.key.filter(|key| self.known.remove(key));
                (key.map(|key| Change::Gone(self.kind, key)), version)
            }
            Event::Error(status) if status.code == 410 => return Some(End::TooOld),
            Event::Error(status) => {
                return Some(End::Error(ClusterError::Refused {
                    server: self.shared.connection.server.clone(),
                    code: status.code,
                    reason: status.reason,
                    message: status.message,
                    retry_after: status.retry_after,
                }));
            }
        };
        if let Some(change) = change
            && self.shared.sink.send(change).await.is_err()
        {
            return Some(End::Error(ClusterError::Stopped));
        }
        // An event without one would make the next connection start from anywhere.
        if !version.is_empty() {
            self.version = Some(version);
        }
        None
    }

    /// Whether the scope does not choose among the objects.
    fn takes_all(&self) -> bool {
        !self.by_scope || self.wide
    }

    /// What an object that is new or changed means: one that has left the scope is gone.
    fn set(&mut self, object: Object) -> Option<Change> {
        let key = object.meta().key();
        if !self.takes_all() && !self.shared.scope.allows(&object) {
            return self.known.remove(&key).then_some(Change::Gone(self.kind, key));
        }
        self.known.insert(key);
        Some(Change::Set(object))
    }

    /// Lists again and sends the differences.
    async fn relist(&mut self) -> Result<(), ClusterError> {
        let (shared, takes_all) = (Arc::clone(&self.shared), self.takes_all());
        let part = Read {
            connection: &shared.connection,
            kind: self.kind,
            api: self.api,
            namespace: self.namespace.as_deref(),
            labels: self.labels.as_deref(),
            fields: self.fields.as_deref(),
            chunk: None,
            keys: &shared.scope.data_keys,
            remember: true,
            allows: &|object| takes_all || shared.scope.allows(object),
            sink: &shared.sink,
        }
        .run()
        .await?;
        for key in self.known.difference(&part.keys) {
            let gone = Change::Gone(self.kind, key.clone());
            shared.sink.send(gone).await.map_err(|_| ClusterError::Stopped)?;
        }
        self.known = part.keys;
        // An empty version would be asked for as "any", which skips what happened since.
        self.version = Some(part.resource_version).filter(|version| !version.is_empty());
        self.found();
        match self.version {
            Some(_) => Ok(()),
            None => Err(ClusterError::Refused {
                server: shared.connection.server.clone(),
                code: 200,
                reason: String::new(),
                message: "a list without resourceVersion".into(),
                retry_after: None,
            }),
        }
    }

    fn lose(&mut self, error: &ClusterError) {
        if !std::mem::replace(&mut self.lost, true) && self.shared.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            (self.shared.report)(WatchState::Lost {
                since: SystemTime::now(),
                why: error.to_string(),
            });
        }
    }

    fn found(&mut self) {
        if std::mem::replace(&mut self.lost, false) && self.shared.lost.fetch_sub(1, Ordering::Relaxed) == 1 {
            (self.shared.report)(WatchState::Connected);
        }
    }
}

#[cfg(test)]
mod tests;
