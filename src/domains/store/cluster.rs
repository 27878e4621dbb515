//! Records as `Domain` objects: each is the status of one, written on the condition that nobody has changed it meanwhile.
//!
//! They are read once and then watched, and asked for in memory: thousands of handshakes for hosts that nobody knows cost the API
//! server nothing. Where the watch is interrupted, a record is read from the server. `docs/decisions/0036-customers-domains-store.md`
//! says why they are there.

mod index;
mod object;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::stream::{self, BoxStream};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use self::{
    index::Index,
    object::{Claim, Entry, Object},
};
use super::{Change, Cursor, Filter, Later, Store, StoreError, Version};
use crate::{
    clock::now,
    domain::{Host, Record},
    k8s::{self, Api, ApiError, Connection, Followed, Patch},
    object::{Key, Seconds, Text, resource::DOMAIN},
    plan::permits::{Permit, Permits, Verb},
};

/// How long whoever asks first waits until the objects have been read.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many changes a watch takes at a time.
const TOGETHER: usize = 500;
/// How often a claim is tried while others change the object.
const TRIES: usize = 5;

/// The store in the cluster.
pub struct ClusterStore {
    api: Api,
    /// The namespace of the objects that this store makes.
    own: Text,
    /// What watches of this store go on from: others know nothing of its numbers.
    epoch: String,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    own: Text,
    index: Mutex<Index>,
    /// What each list and watch is of.
    namespaces: Vec<Option<Text>>,
    /// The number of the last change.
    changed: watch::Sender<u64>,
    /// How each list and watch stands.
    parts: watch::Sender<Vec<Part>>,
}

/// How one list and its watch stand.
#[derive(Debug, Clone, Default)]
struct Part {
    /// Whether all was read once.
    is_listed: bool,
    /// Why it cannot be read at present.
    lost: Option<String>,
    /// Which list it is.
    seen: u32,
}

impl fmt::Debug for ClusterStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterStore")
            .field("own", &self.own)
            .field("hosts", &self.shared.index().len())
            .finish_non_exhaustive()
    }
}

impl Drop for ClusterStore {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index, and wakes the watches.
    fn change(&self, change: impl FnOnce(&mut Index)) {
        let last = {
            let mut index = self.index();
            change(&mut index);
            index.last()
        };
        self.changed.send_if_modified(|known| {
            let is_later = *known < last;
            *known = last.max(*known);
            is_later
        });
    }

    /// Takes what happened to the objects of a part.
    fn take(&self, at: usize, namespace: Option<&str>, told: Followed<Object>) {
        let seen = self.seen(at);
        match told {
            Followed::Set(object) => {
                if let Some((host, entry)) = object.read(&self.own) {
                    self.change(|index| index.set(host, entry, seen));
                }
            }
            Followed::Gone(object) => {
                if let Some((host, namespace, version)) = object.gone() {
                    self.change(|index| index.remove(&host, &namespace, &version));
                }
            }
            Followed::Listing => self.note(at, |part| part.seen += 1),
            Followed::Listed => {
                self.change(|index| index.forget_unseen(namespace, seen));
                self.note(at, |part| part.is_listed = true);
            }
            Followed::Lost(why) => {
                log::warn!("the domains cannot be read: {why}");
                self.note(at, |part| part.lost = Some(why));
            }
            Followed::Found => self.note(at, |part| part.lost = None),
        }
    }

    fn note(&self, at: usize, change: impl FnOnce(&mut Part)) {
        self.parts.send_modify(|parts| {
            if let Some(part) = parts.get_mut(at) {
                change(part);
            }
        });
    }

    fn seen(&self, at: usize) -> u32 {
        self.parts.borrow().get(at).map_or(0, |part| part.seen)
    }

    /// Notes an object as the server has stored it.
    fn learn(&self, object: Value) {
        let read = serde_json::from_value::<Object>(object).ok();
        let Some((host, entry)) = read.and_then(|object| object.read(&self.own)) else {
            return;
        };
        let is_of = |part: &Option<Text>| part.as_ref().is_none_or(|part| *part == entry.namespace);
        let seen = self.namespaces.iter().position(is_of).map_or(0, |at| self.seen(at));
        self.change(|index| index.set(host, entry, seen));
    }

    /// Whether what is in memory is what the server has, but for what is on its way.
    fn is_current(&self) -> bool {
        self.parts
            .borrow()
            .iter()
            .all(|part| part.is_listed && part.lost.is_none())
    }
}

impl ClusterStore {
    /// A store of the Domains of these namespaces, or of all, which makes its own in `own`. It begins to read them at once, and needs
    /// a runtime.
    pub fn new(connection: &Connection, own: &str, namespaces: Option<&[Text]>) -> Self {
        let object = [Verb::Get, Verb::Create, Verb::Patch];
        let permits = Permits::none()
            .with(Permit::any(&object, DOMAIN, ""))
            .with(Permit::any(&[Verb::Patch], DOMAIN, "").part("status"));
        let followed: Vec<Option<Text>> = match namespaces {
            None => vec![None],
            Some(names) => names.iter().cloned().map(Some).collect(),
        };
        let shared = Arc::new(Shared {
            own: own.into(),
            index: Mutex::default(),
            namespaces: followed.clone(),
            changed: watch::channel(0).0,
            parts: watch::channel(vec![Part::default(); followed.len()]).0,
        });
        let tasks = followed.into_iter().enumerate().map(|(at, namespace)| {
            let (connection, shared) = (connection.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                let namespace = namespace.as_deref();
                k8s::follow(&connection, DOMAIN, namespace, |told| shared.take(at, namespace, told)).await;
            })
        });
        let tasks = tasks.collect();
        Self {
            api: Api::new(connection.clone(), permits),
            own: own.into(),
            epoch: epoch(),
            shared,
            tasks,
        }
    }

    /// Waits until the objects have been read once.
    async fn ready(&self) -> Result<(), StoreError> {
        let mut parts = self.shared.parts.subscribe();
        let done = |parts: &Vec<Part>| {
            let is_listed = parts.iter().all(|part| part.is_listed);
            is_listed || parts.iter().any(|part| !part.is_listed && part.lost.is_some())
        };
        let answered = tokio::time::timeout(PATIENCE, parts.wait_for(done)).await;
        let Ok(Ok(parts)) = answered else {
            return Err(StoreError::Unread("the API server does not answer".to_owned()));
        };
        match parts.iter().find(|part| !part.is_listed) {
            None => Ok(()),
            Some(part) => Err(StoreError::Unread(part.lost.clone().unwrap_or_default())),
        }
    }

    /// What has a host, as far as is known, or as the server has it where that may be outdated.
    async fn entry(&self, host: &Host) -> Result<Option<Entry>, StoreError> {
        self.ready().await?;
        let known = self.shared.index().get(host).cloned();
        if self.shared.is_current() {
            return Ok(known);
        }
        let key = known.map_or_else(|| Key::new(self.own.clone(), host.as_str()), |entry| entry.key(host));
        self.read(host, &key).await?;
        Ok(self.shared.index().get(host).cloned())
    }

    /// Reads an object from the server into the index.
    async fn read(&self, host: &Host, key: &Key) -> Result<(), StoreError> {
        match self.api.get(DOMAIN, key).await? {
            Some(object) => self.shared.learn(object),
            None => self.shared.change(|index| index.remove(host, &key.namespace, "")),
        }
        Ok(())
    }

    /// What a refused write means. Where somebody was faster, his object is read, so that the next `get` has it.
    async fn refused(&self, host: &Host, key: &Key, error: ApiError) -> StoreError {
        match error {
            ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } | ApiError::NotFound { .. } => {
                if let Err(error) = self.read(host, key).await {
                    log::debug!("Domain {key} cannot be read after a conflict: {error}");
                }
                StoreError::Conflict(host.clone())
            }
            error => error.into(),
        }
    }

    async fn patch(
        &self,
        host: &Host,
        key: &Key,
        part: Option<&str>,
        patch: &Patch,
    ) -> Result<Option<String>, StoreError> {
        match self.api.patch_part(DOMAIN, key, part, patch).await {
            Ok(object) => {
                let version = object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
                self.shared.learn(object);
                Ok(version)
            }
            Err(error) => Err(self.refused(host, key, error).await),
        }
    }

    /// Makes the object of a host. Returns its version.
    async fn make(&self, record: &Record) -> Result<(Key, Entry), StoreError> {
        let host = &record.host;
        let object = object::made(record, &self.own);
        let key = Key::new(self.own.clone(), host.as_str());
        match self.api.create(DOMAIN, &object).await {
            Ok(made) => self.shared.learn(made),
            Err(error) => return Err(self.refused(host, &key, error).await),
        }
        // An object of another namespace may have been there before.
        match self.shared.index().get(host) {
            Some(entry) if entry.namespace == self.own => Ok((key, entry.clone())),
            _ => Err(StoreError::Conflict(host.clone())),
        }
    }

    async fn put_now(&self, record: &Record, was: Option<&Version>) -> Result<Version, StoreError> {
        let host = &record.host;
        let conflict = || StoreError::Conflict(host.clone());
        let known = self.entry(host).await?;
        let (key, entry) = match (known, was) {
            (None, None) => self.make(record).await?,
            (Some(entry), Some(was)) => (entry.key(host), self.as_read(host, entry, was).await?),
            _ => return Err(conflict()),
        };
        let entry = self.complete(record, &key, entry).await?;
        let status = object::status(record, entry.claim.as_ref(), now());
        let patch = Patch::Json(json!([
            // The server compares it with the one that it has.
            {"op": "add", "path": "/metadata/resourceVersion", "value": entry.version},
            {"op": "add", "path": "/status", "value": status},
        ]));
        let version = self.patch(host, &key, Some("status"), &patch).await?;
        self.tell_seconds(host).await;
        Ok(Version(version.ok_or_else(conflict)?))
    }

    /// The entry in the version that was read: of another one the claim is not known.
    async fn as_read(&self, host: &Host, entry: Entry, was: &Version) -> Result<Entry, StoreError> {
        if entry.version == was.0 {
            return Ok(entry);
        }
        self.read(host, &entry.key(host)).await?;
        let now = self.shared.index().get(host).cloned();
        now.filter(|entry| entry.version == was.0)
            .ok_or_else(|| StoreError::Conflict(host.clone()))
    }

    /// Writes what the spec lacks: the Secret of an object that a user has made, and a tenant who has changed.
    async fn complete(&self, record: &Record, key: &Key, entry: Entry) -> Result<Entry, StoreError> {
        let host = &record.host;
        let has_tenant = entry.record.as_ref().is_ok_and(|known| known.tenant == record.tenant);
        let mut spec = json!({});
        if !entry.has_secret {
            spec["secretName"] = object::secret_name(host).into();
        }
        if !has_tenant && entry.namespace == self.own {
            spec["tenant"] = record.tenant.as_str().into();
        }
        if spec.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(entry);
        }
        let patch = Patch::Merge(json!({"metadata": {"resourceVersion": entry.version}, "spec": spec}));
        self.patch(host, key, None, &patch).await?;
        let now = self.shared.index().get(host).cloned();
        now.ok_or_else(|| StoreError::Conflict(host.clone()))
    }

    /// Tells other namespaces' objects of the host that they were not the first. Nothing is lost where that fails.
    async fn tell_seconds(&self, host: &Host) {
        let untold = self.shared.index().untold(host);
        for entry in untold {
            let patch = Patch::Merge(json!({
                "metadata": {"resourceVersion": entry.version}, "status": object::second(),
            }));
            let key = entry.key(host);
            match self.api.patch_part(DOMAIN, &key, Some("status"), &patch).await {
                Ok(object) => self.shared.learn(object),
                Err(error) => log::debug!("Domain {key} is not told that it is the second: {error}"),
            }
        }
    }

    async fn claim_now(&self, host: &Host, by: &str, until: Seconds) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(entry) = self.entry(host).await? else {
                return Ok(false);
            };
            if entry.claim.as_ref().is_some_and(|claim| claim.keeps(by, now())) {
                return Ok(false);
            }
            let claim = Claim { by: by.into(), until };
            let claim = if until > now() {
                object::json_of(&claim)
            } else {
                Value::Null
            };
            let patch = Patch::Merge(json!({
                "metadata": {"resourceVersion": entry.version}, "status": {"claim": claim},
            }));
            match self.patch(host, &entry.key(host), Some("status"), &patch).await {
                Ok(_) => return Ok(true),
                // Somebody has changed the object, which may have been a claim.
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn cursor(&self, number: u64) -> Cursor {
        Cursor(format!("{}.{number}", self.epoch))
    }

    /// The number of a cursor of this store.
    fn number(&self, cursor: &Cursor) -> Option<u64> {
        let (epoch, number) = cursor.0.split_once('.')?;
        number.parse().ok().filter(|_| epoch == self.epoch)
    }

    fn page_now(&self, filter: &Filter, after: Option<&Host>, limit: usize) -> Vec<Record> {
        let now = now();
        let index = self.shared.index();
        let wanted = index.after(after).filter(|record| filter.admits(record, now));
        wanted.take(limit).map(|record| Record::clone(record)).collect()
    }
}

/// A word that no other process has.
fn epoch() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// Where a watch of the index stands.
struct Watching {
    waiting: VecDeque<Change>,
    at: At,
    changed: watch::Receiver<u64>,
}

enum At {
    /// All hosts are told: those after this one are left, and the changes after this number.
    Listing(Option<Host>, u64),
    /// The changes after this number are left.
    After(u64),
    /// There is nothing to go on from.
    Expired,
    /// It is over.
    End,
}

impl ClusterStore {
    async fn next(&self, mut watching: Watching) -> Option<(Result<Change, StoreError>, Watching)> {
        loop {
            if let Some(change) = watching.waiting.pop_front() {
                return Some((Ok(change), watching));
            }
            match watching.at {
                At::Listing(after, begun) => {
                    if let Err(error) = self.ready().await {
                        watching.at = At::End;
                        return Some((Err(error), watching));
                    }
                    let index = self.shared.index();
                    let begun = if after.is_none() { index.last() } else { begun };
                    let hosts = index.hosts_after(after.as_ref(), TOGETHER);
                    drop(index);
                    watching.at = match hosts.last() {
                        Some(last) => At::Listing(Some(last.clone()), begun),
                        None => At::After(begun),
                    };
                    // Whoever stops in the midst of it begins anew.
                    let told = hosts.into_iter().map(|host| Change::Host {
                        host,
                        cursor: self.cursor(0),
                    });
                    watching.waiting = told.collect();
                    if watching.waiting.is_empty() {
                        let cursor = self.cursor(begun);
                        watching.waiting.push_back(Change::Listed { cursor });
                    }
                }
                At::After(number) => {
                    let changes = self.shared.index().changes_after(number, TOGETHER);
                    let Some(changes) = changes else {
                        watching.at = At::Expired;
                        continue;
                    };
                    if let Some((last, _)) = changes.last() {
                        watching.at = At::After(*last);
                    } else {
                        watching.changed.wait_for(|last| *last > number).await.ok()?;
                    }
                    let told = changes.into_iter().map(|(number, host)| Change::Host {
                        host,
                        cursor: self.cursor(number),
                    });
                    watching.waiting = told.collect();
                }
                At::Expired => {
                    watching.at = At::End;
                    return Some((Err(StoreError::Expired), watching));
                }
                At::End => return None,
            }
        }
    }
}

impl Store for ClusterStore {
    fn get<'a>(&'a self, host: &'a Host) -> Later<'a, Option<(Record, Version)>> {
        Box::pin(async move {
            let Some(entry) = self.entry(host).await? else {
                return Ok(None);
            };
            match entry.record {
                Ok(record) => Ok(Some((Record::clone(&record), Version(entry.version.to_string())))),
                Err(why) => Err(StoreError::Unreadable {
                    host: host.to_string(),
                    why: why.to_string(),
                }),
            }
        })
    }

    fn put<'a>(&'a self, record: &'a Record, was: Option<&'a Version>) -> Later<'a, Version> {
        Box::pin(self.put_now(record, was))
    }

    fn due(&self, until: Seconds, limit: usize) -> Later<'_, Vec<Host>> {
        Box::pin(async move {
            self.ready().await?;
            Ok(self.shared.index().due(until, limit))
        })
    }

    fn claim<'a>(&'a self, host: &'a Host, by: &'a str, until: Seconds) -> Later<'a, bool> {
        Box::pin(self.claim_now(host, by, until))
    }

    fn watch(&self, from: Option<Cursor>) -> BoxStream<'_, Result<Change, StoreError>> {
        let at = match from.map(|cursor| self.number(&cursor)) {
            None | Some(Some(0)) => At::Listing(None, 0),
            Some(Some(number)) => At::After(number),
            Some(None) => At::Expired,
        };
        let watching = Watching {
            waiting: VecDeque::new(),
            at,
            changed: self.shared.changed.subscribe(),
        };
        Box::pin(stream::unfold(watching, move |watching| self.next(watching)))
    }

    fn page<'a>(&'a self, filter: &'a Filter, after: Option<&'a Host>, limit: usize) -> Later<'a, Vec<Record>> {
        Box::pin(async move {
            self.ready().await?;
            Ok(self.page_now(filter, after, limit))
        })
    }
}
