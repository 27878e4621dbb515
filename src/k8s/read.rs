//! Reads one list of one kind: page by page if requested, and again from the start if it is interrupted.

use std::{collections::HashSet, time::Duration};

use tokio::{sync::mpsc::Sender, time::Instant};

use super::{
    ClusterError, Connection, paths,
    request::{self, Asked},
};
use crate::{
    clock::{Pauses, spread},
    k8s::decode::{ListDecoder, Skipped},
    object::resource::Resource,
    object::{Change, Key, Kind, Object},
    source::pairs::DataKeys,
};

/// How many times a list is started again because its pages have expired.
const RESTARTS: u32 = 3;
/// How many pages without objects may follow each other. A server that filters after reading may send some (API
/// concepts, "limit": up to zero items).
const EMPTY_PAGES: u32 = 24;
/// The number of consecutive empty pages from which on there is a pause before the next page.
const EMPTY_AT_ONCE: u32 = 4;
/// The most pages that are read: more than any cluster has, at some hundred objects each.
const PAGES: u32 = 100_000;

/// How many objects are handed over at a time: the receiver is woken once for all of them, and waking it costs as much
/// as processing one.
const TOGETHER: usize = 16;
/// The longest time for which an object is held back while others arrive.
const HELD: Duration = Duration::from_millis(5);

/// The list to read, and where to send the objects.
pub(super) struct Read<'a> {
    pub(super) connection: &'a Connection,
    pub(super) kind: Kind,
    pub(super) api: Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) labels: Option<&'a str>,
    pub(super) fields: Option<&'a str>,
    pub(super) chunk: Option<u32>,
    pub(super) keys: &'a DataKeys,
    pub(super) remember: bool,
    pub(super) allows: &'a (dyn Fn(&Object) -> bool + Send + Sync),
    pub(super) sink: &'a Sender<Change>,
}

/// The part of a kind that was read.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) resource_version: String,
    /// The objects that were sent, if they have to be remembered.
    pub(super) keys: HashSet<Key>,
    /// Objects that could not be decoded, and how many more there are.
    pub(super) skipped: Vec<Skipped>,
    pub(super) skipped_more: usize,
}

/// Why a list did not reach its end.
enum Broken {
    /// The continue token has expired (410): the server has compacted the revision of the pages.
    Expired,
    /// The connection broke, or the answer ended early, after this many objects.
    Off {
        read: usize,
        cause: String,
    },
    Error(ClusterError),
}

impl From<ClusterError> for Broken {
    fn from(error: ClusterError) -> Self {
        Self::Error(error)
    }
}

impl Read<'_> {
    /// Reads the list and sends its objects. The receiver may get an object twice.
    pub(super) async fn run(mut self) -> Result<Part, ClusterError> {
        let Ok(_permit) = self.connection.permits.acquire().await else {
            return Err(ClusterError::Stopped);
        };
        let timing = self.connection.timing;
        // One time limit for the whole list, because a server could answer each page just in time, for ever.
        let deadline = self.connection.deadline();
        let mut again = true;
        let mut restarts = 0;
        let mut pauses = Pauses::doubling(timing.pause, Duration::MAX);
        let mut earlier = HashSet::new();
        loop {
            let mut part = Part::default();
            let broken = match self.pages(&mut part, deadline).await {
                Ok(()) => {
                    // Sent by an attempt that was interrupted, and gone at the next one.
                    for key in earlier.difference(&part.keys).cloned().collect::<Vec<_>>() {
                        self.send(Change::Gone(self.kind, key)).await?;
                    }
                    return Ok(part);
                }
                Err(broken) => broken,
            };
            earlier.extend(part.keys);
            match broken {
                // A single answer has no token that could expire, unless the server splits it into pages all the same.
                Broken::Expired if restarts < RESTARTS => {
                    self.chunk = None;
                    restarts += 1;
                    if restarts > 1 {
                        self.pause(pauses.take(), deadline).await?;
                    }
                }
                Broken::Expired => return Err(self.endless("its pages expire again and again")),
                Broken::Off { .. } if again => {
                    again = false;
                    self.pause(timing.pause, deadline).await?;
                }
                Broken::Off { read, cause } => {
                    return Err(ClusterError::Interrupted {
                        kind: self.kind,
                        read,
                        cause,
                    });
                }
                Broken::Error(error) => return Err(error),
            }
        }
    }

    /// Waits before the next attempt, unless there is no time for it.
    async fn pause(&self, pause: Duration, deadline: Option<Instant>) -> Result<(), ClusterError> {
        let pause = spread(pause);
        if deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return Err(ClusterError::Timeout {
                server: self.connection.server.clone(),
                after: self.connection.request_timeout.unwrap_or_default(),
            });
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn endless(&self, cause: &'static str) -> ClusterError {
        ClusterError::Endless {
            server: self.connection.server.clone(),
            kind: self.kind,
            cause,
        }
    }

    async fn pages(&self, part: &mut Part, deadline: Option<Instant>) -> Result<(), Broken> {
        let mut token: Option<String> = None;
        let mut read = 0;
        let mut empty = 0;
        for _ in 0..PAGES {
            let before = read;
            let path = self.path(token.as_deref());
            let accept = if self.kind.row().is_built_in() {
                request::PROTOBUF
            } else {
                request::JSON
            };
            let asked = Asked {
                verb: "list",
                resource: self.kind.plural(),
                namespace: self.namespace,
            };
            let mut answer = match self.connection.get_by(&path, accept, asked, deadline).await {
                Err(ClusterError::Refused { code: 410, .. }) if token.is_some() => return Err(Broken::Expired),
                other => other?,
            };
            let mut decoder = ListDecoder::new(answer.format, self.kind, self.keys);
            let mut objects = Vec::new();
            let mut since = Instant::now();
            loop {
                let frame = match answer.frame().await {
                    Ok(Some(frame)) => frame,
                    end => {
                        read += self.hand_on(&mut objects, part).await?;
                        match end {
                            Ok(_) => break,
                            Err(ClusterError::Unreachable { problem, .. }) => {
                                return Err(Broken::Off {
                                    read,
                                    cause: problem.to_string(),
                                });
                            }
                            Err(error) => return Err(Broken::Error(error)),
                        }
                    }
                };
                let result = decoder.push(&frame, &mut |object| objects.push(object));
                if objects.len() >= TOGETHER || since.elapsed() >= HELD || result.is_err() {
                    read += self.hand_on(&mut objects, part).await?;
                    since = Instant::now();
                }
                result.map_err(|source| ClusterError::Unreadable {
                    server: self.connection.server.clone(),
                    what: self.kind.plural(),
                    source,
                })?;
            }
            let end = decoder.finish().map_err(|e| Broken::Off {
                read,
                cause: e.to_string(),
            })?;
            part.resource_version = end.resource_version;
            part.skipped.extend(end.skipped);
            part.skipped_more += end.skipped_more;
            match end.continue_token.filter(|token| !token.is_empty()) {
                // A server that returns the token which it was given would cause an endless loop.
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(()),
            }
            empty = if read == before { empty + 1 } else { 0 };
            if empty == EMPTY_PAGES {
                return Err(self.endless("it sends one empty page after another").into());
            }
            if empty >= EMPTY_AT_ONCE {
                self.pause(self.connection.timing.pause, deadline).await?;
            }
        }
        Err(self.endless("it has more pages than any cluster").into())
    }

    fn path(&self, token: Option<&str>) -> String {
        let mut path = paths::of(self.api, self.namespace);
        let limit = self.chunk.map(|size| size.to_string());
        let queries = [
            ("labelSelector", self.labels),
            ("fieldSelector", self.fields),
            ("limit", limit.as_deref()),
            ("continue", token),
        ];
        for (name, value) in queries {
            if let Some(value) = value {
                paths::query(&mut path, name, value);
            }
        }
        path
    }

    /// Sends the objects, and returns how many there were.
    async fn hand_on(&self, objects: &mut Vec<Object>, part: &mut Part) -> Result<usize, ClusterError> {
        let count = objects.len();
        for object in objects.drain(..).filter(|object| (self.allows)(object)) {
            if self.remember {
                part.keys.insert(object.meta().key());
            }
            self.send(Change::Set(object)).await?;
        }
        Ok(count)
    }

    async fn send(&self, change: Change) -> Result<(), ClusterError> {
        self.sink.send(change).await.map_err(|_| ClusterError::Stopped)
    }
}
