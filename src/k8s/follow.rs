//! Follows all objects of one resource, for whoever keeps them himself: a list by pages, then a watch from its version.
//!
//! `list` and `watch` read the kinds of the register into `Change`s. Here an object is handed on in any type that can be
//! made of its JSON, so that what only one part of the program needs is no kind of all of it.

use std::{borrow::Cow, convert::Infallible, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    ClusterError, Connection, paths,
    request::{Asked, JSON},
};
use crate::{
    clock::{Pauses, spread},
    object::resource::Resource,
};

/// How many objects a page has.
const PAGE: &str = "500";
/// The largest page, in bytes.
const LARGEST_PAGE: usize = 64 << 20;
/// The largest event of a watch, in bytes: etcd limits an object to 1.5 MiB, which is more in JSON.
const LARGEST_EVENT: usize = 8 << 20;
/// How long a watch may exceed the duration that it was requested for.
const OVERTIME: Duration = Duration::from_secs(30);
/// After this many consecutive connections without any data, the objects are listed again.
const SILENT: u32 = 2;

/// What happens to the objects that are followed, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Followed<T> {
    /// A list begins, which may not come to its end.
    Listing,
    /// The list has come to its end: what was not set since it began is not there.
    Listed,
    /// An object is there, new or changed.
    Set(T),
    /// An object is gone. This is its last state, with the version of its deletion.
    Gone(T),
    /// The server cannot be asked, for this reason: what is known may be outdated. Not cleared for a terminal.
    Lost(String),
    /// The server answers again, and what is known is up to date, or soon will be.
    Found,
}

/// Follows the objects of a namespace (`None`: of all namespaces) and tells what happens to them, until it is dropped. Errors are
/// told as [`Followed::Lost`], and it is tried again: a right may be granted, and a definition installed.
pub async fn follow<T: DeserializeOwned + Send>(
    connection: &Connection,
    resource: Resource,
    namespace: Option<&str>,
    tell: impl FnMut(Followed<T>) + Send,
) -> Infallible {
    let following = Following {
        connection,
        resource,
        namespace,
        tell,
        version: None,
        is_lost: false,
        silent: 0,
        of: std::marker::PhantomData,
    };
    following.rounds().await
}

struct Following<'a, T, F> {
    connection: &'a Connection,
    resource: Resource,
    namespace: Option<&'a str>,
    tell: F,
    /// The resourceVersion to continue from; `None` lists first.
    version: Option<String>,
    is_lost: bool,
    /// How many consecutive connections ended without any data.
    silent: u32,
    of: std::marker::PhantomData<fn() -> T>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PageMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    token: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    what: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Versioned {
    #[serde(default)]
    metadata: PageMeta,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    code: u16,
    reason: String,
    message: String,
}

impl<T: DeserializeOwned + Send, F: FnMut(Followed<T>) + Send> Following<'_, T, F> {
    async fn rounds(mut self) -> Infallible {
        let timing = self.connection.timing;
        let mut pauses = Pauses::doubling(timing.pause, timing.watch_pause);
        loop {
            let began = Instant::now();
            let (ended, listed) = match self.version.take() {
                None => (self.list().await, true),
                Some(version) => (self.watch(version).await, false),
            };
            let mut wait = spread(pauses.due());
            match ended {
                // A watch that ends as soon as it begins must not cause a storm of requests.
                Ok(()) if listed && self.version.is_some() => continue,
                Ok(()) if !listed && began.elapsed() >= pauses.due() => {
                    pauses.restart();
                    continue;
                }
                Ok(()) => {}
                Err(error) => {
                    if let ClusterError::Refused {
                        retry_after: Some(seconds),
                        ..
                    } = &error
                    {
                        wait = wait.max(Duration::from_secs(u64::from(*seconds)).min(timing.watch_pause));
                    }
                    self.lose(&error);
                }
            }
            tokio::time::sleep(wait).await;
            pauses.grow();
        }
    }

    fn asked(&self, verb: &'static str) -> Asked<'_> {
        Asked {
            verb,
            resource: self.resource.plural,
            namespace: self.namespace,
        }
    }

    /// Lists all objects, and leaves the version to watch from; none where the list has to begin anew.
    async fn list(&mut self) -> Result<(), ClusterError> {
        let Ok(_permit) = self.connection.permits.acquire().await else {
            return Err(ClusterError::Stopped);
        };
        (self.tell)(Followed::Listing);
        let mut token = String::new();
        let version = loop {
            let mut path = paths::of(self.resource, self.namespace);
            paths::query(&mut path, "limit", PAGE);
            if !token.is_empty() {
                paths::query(&mut path, "continue", &token);
            }
            let answer = match self.connection.get(&path, JSON, self.asked("list")).await {
                // The moment that the pages share has been compacted: start again.
                Err(ClusterError::Refused { code: 410, .. }) if !token.is_empty() => return Ok(()),
                other => other?,
            };
            let body = answer.whole(LARGEST_PAGE).await?;
            let page: Page<'_> = serde_json::from_slice(&body).map_err(|_| self.strange("a list that is none"))?;
            for object in page.items {
                if let Some(object) = self.read(object) {
                    (self.tell)(Followed::Set(object));
                }
            }
            // A server that returns the token which it was given would cause an endless loop.
            if page.metadata.token.is_empty() || page.metadata.token == token {
                break page.metadata.resource_version;
            }
            token = page.metadata.token;
        };
        // An empty version would mean "any" to the server, which skips what happened since.
        if version.is_empty() {
            return Err(self.strange("a list without resourceVersion"));
        }
        (self.tell)(Followed::Listed);
        self.version = Some(version);
        self.found();
        Ok(())
    }

    /// Watches from `version` until the connection ends, and leaves the version to continue from; none where a list has to be
    /// read first.
    async fn watch(&mut self, version: String) -> Result<(), ClusterError> {
        // The duration varies, so that the watches of many replicas do not all return at the same moment.
        let seconds = 240 + spread(Duration::from_mins(2)).as_secs();
        let mut path = paths::of(self.resource, self.namespace);
        for (name, value) in [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", &seconds.to_string()),
            ("resourceVersion", &version),
        ] {
            paths::query(&mut path, name, value);
        }
        let silence = self.connection.timing.silence;
        // The server itself ends a watch after the requested duration; one that continues is defective.
        let latest = Instant::now() + Duration::from_secs(seconds) + OVERTIME;
        let opened = self
            .connection
            .get_once(&path, JSON, self.asked("watch"), Some(latest), silence);
        let mut answer = match opened.await {
            Ok(answer) => answer,
            Err(ClusterError::Refused { code: 410, .. }) => return Ok(()),
            Err(error) => {
                self.version = Some(version);
                return Err(error);
            }
        };
        self.version = Some(version);
        self.found();
        let mut held = Vec::new();
        let mut heard = false;
        loop {
            match answer.frame().await {
                Ok(Some(frame)) => held.extend_from_slice(&frame),
                Ok(None) => return Ok(()),
                // A connection was cut: nothing is lost by asking again at once.
                Err(ClusterError::Unreachable { .. } | ClusterError::Timeout { .. }) => {
                    self.broken_off(heard);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            let mut rest = held.as_slice();
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                heard = true;
                if !self.line(&rest[..end])? {
                    return Ok(());
                }
                rest = &rest[end + 1..];
            }
            let done = held.len() - rest.len();
            held.drain(..done);
            if held.len() > LARGEST_EVENT {
                self.version = None;
                return Err(self.strange("an event larger than any object"));
            }
        }
    }

    /// Takes one event. False where the watch is over.
    fn line(&mut self, line: &[u8]) -> Result<bool, ClusterError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
        // The server would send the unreadable event again, so only a list leads past it.
        let Ok(Line { what, object }) = serde_json::from_slice::<Line<'_>>(line) else {
            log::debug!("a change of {} cannot be read, so they are listed again", self.resource);
            self.version = None;
            return Ok(false);
        };
        if what == "ERROR" {
            let said: Said = serde_json::from_str(object.get()).unwrap_or_default();
            if said.code == 410 {
                self.version = None;
                return Ok(false);
            }
            return Err(ClusterError::Refused {
                server: self.connection.server.clone(),
                code: said.code,
                reason: said.reason,
                message: said.message,
                retry_after: None,
            });
        }
        let version = serde_json::from_str::<Versioned>(object.get()).map(|it| it.metadata.resource_version);
        match what.as_ref() {
            "ADDED" | "MODIFIED" => {
                if let Some(object) = self.read(object) {
                    (self.tell)(Followed::Set(object));
                }
            }
            "DELETED" => {
                if let Some(object) = self.read(object) {
                    (self.tell)(Followed::Gone(object));
                }
            }
            _ => {}
        }
        // Without a version the next connection would start anywhere.
        if let Some(version) = version.ok().filter(|version| !version.is_empty()) {
            self.version = Some(version);
        }
        Ok(true)
    }

    fn read(&self, object: &RawValue) -> Option<T> {
        let read = serde_json::from_str(object.get());
        read.inspect_err(|error| log::warn!("one of {} cannot be understood: {error}", self.resource))
            .ok()
    }

    /// After a broken connection: if several in a row have had no data, not even a bookmark, something between drops the
    /// events, and only a list shows the present state.
    fn broken_off(&mut self, heard: bool) {
        self.silent = if heard { 0 } else { self.silent + 1 };
        if self.silent >= SILENT {
            self.silent = 0;
            self.version = None;
        }
    }

    fn strange(&self, message: &str) -> ClusterError {
        ClusterError::Refused {
            server: self.connection.server.clone(),
            code: 200,
            reason: String::new(),
            message: message.to_owned(),
            retry_after: None,
        }
    }

    fn lose(&mut self, error: &ClusterError) {
        if !std::mem::replace(&mut self.is_lost, true) {
            (self.tell)(Followed::Lost(error.to_string()));
        }
    }

    fn found(&mut self) {
        if std::mem::replace(&mut self.is_lost, false) {
            (self.tell)(Followed::Found);
        }
    }
}

#[cfg(test)]
mod tests;
