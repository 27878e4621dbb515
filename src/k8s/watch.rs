//! Watches what a list has read: one watch for each kind and namespace, starting at the resourceVersion of the list.
//!
//! A kind is listed again only if the server no longer knows its resourceVersion (410). Objects that have disappeared
//! meanwhile are then sent as gone.

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

/// How long a watch may exceed the duration that it was requested for.
const OVERTIME: Duration = Duration::from_secs(30);
/// After this many consecutive connections without any data, the kind is listed again.
const SILENT: u32 = 2;

/// The state of the watches, reported when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchState {
    /// Every watch is running.
    Connected,
    /// At least one watch was interrupted and cannot continue at once, so that the inventory may be outdated.
    Lost {
        /// When it was interrupted.
        since: SystemTime,
        /// Why, for people to read; not cleared for a terminal.
        why: String,
    },
    /// A kind was listed again, because the server no longer knew the resourceVersion of its watch.
    Relisted(Kind),
}

/// Watches everything in `starts` until the receiver of the changes no longer exists. `starts` must come from a list
/// with [`super::ListOptions::for_watch`]; lists that failed there are read again. Each Secret that arrives over
/// `named`, because it was read by name, of any type and in any namespace, is watched too.
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
    // Where all TLS Secrets are watched.
    let of_secrets = streams.iter().filter(|stream| stream.0 == Kind::Secret);
    let covered: HashSet<Option<Text>> = of_secrets.map(|stream| stream.1.clone()).collect();
    for (kind, namespace, version, known) in streams {
        let Some(api) = starts.apis.get(&kind).copied() else {
            continue;
        };
        let (labels, fields) = selectors(kind, &shared.scope);
        // Routes of other namespaces that a listener in the scope admits were read from all namespaces.
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
    tasks.spawn(named::follow(Arc::clone(&shared), named, covered));
    // Dropping the set ends every watch.
    shared.sink.closed().await;
}

/// What all watches of one connection share.
struct Shared {
    connection: Connection,
    scope: Scope,
    sink: Sender<Change>,
    report: Box<dyn Fn(WatchState) + Send + Sync>,
    /// How many watches are interrupted.
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
    /// The resourceVersion to continue from; `None` lists first.
    version: Option<String>,
    /// The objects that have been sent and exist.
    known: HashSet<Key>,
    /// Whether the scope applies; a named Secret does not have to be within it.
    by_scope: bool,
    /// Whether it covers all namespaces, although the scope names some.
    wide: bool,
    lost: bool,
    /// How many consecutive connections ended without any data.
    silent: u32,
}

/// How one connection of a watch ended.
enum End {
    /// By the time limit of the server, or in silence: continue at once.
    Over,
    /// The resourceVersion is too old: list again.
    TooOld,
    Error(ClusterError),
}

/// Why a watch is given up.
enum Given {
    /// The receiver no longer exists.
    Stopped,
    /// The right is missing.
    Forbidden(&'static str),
}

impl Follow {
    /// Watches until the receiver no longer exists or the right is missing. Returns true in the latter case.
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
                // A named Secret is read by name from now on.
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
                // A watch that ends as soon as it begins must not cause a storm of requests.
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
            // After a connection that lasted for a while, the pauses start with the shortest again.
            if began.elapsed() > timing.watch_pause {
                pauses.restart();
            }
            tokio::time::sleep(wait).await;
            pauses.grow();
        }
    }

    /// Opens one connection, and continues from `version`.
    async fn once(&mut self, version: &str) -> End {
        // The duration varies, so that the watches do not all return at the same moment.
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
        // The server itself ends a watch after the requested duration; one that continues is defective.
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
                // A connection was cut or ended without data: nothing is lost by asking again at once.
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
                // The server would send the unreadable change again, so only a list leads past it.
                log::debug!(
                    "a change of the kind {} cannot be read, so it is listed again: {source}",
                    self.kind.as_str()
                );
                return End::TooOld;
            }
        }
    }

    /// How to continue after a broken connection. If several in a row have had no data, not even a bookmark, something
    /// between drops the events, and only a list shows the present state.
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
            // As in a list, it is left out. Its state before the change is no longer true.
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
        // Without a version the next connection would start anywhere.
        if !version.is_empty() {
            self.version = Some(version);
        }
        None
    }

    /// Whether the scope admits all objects.
    fn takes_all(&self) -> bool {
        !self.by_scope || self.wide
    }

    /// The change for a new or changed object. An object that has left the scope is gone.
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
        // An empty version would mean "any" to the server, which skips what happened since.
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
