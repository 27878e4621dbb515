//! Records in this process alone: what tests of the rules and of the API put theirs into.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;

use super::{Change, Cursor, Filter, Later, Store, StoreError, Version};
use crate::{
    clock::now,
    domain::{Host, Record},
    object::Seconds,
};

/// A store that ends with the process.
pub struct MemoryStore {
    rows: Mutex<BTreeMap<Host, Row>>,
    /// The number of the last change.
    last: watch::Sender<u64>,
}

struct Row {
    record: Record,
    changed: u64,
    claim: Option<(String, Seconds)>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            rows: Mutex::default(),
            last: watch::channel(0).0,
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Host, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_now(&self, record: &Record, was: Option<&Version>) -> Result<Version, StoreError> {
        let mut rows = self.rows();
        let present = rows.get(&record.host);
        let is_same = match (present, was) {
            (None, None) => true,
            (Some(row), Some(was)) => row.changed.to_string() == was.0,
            _ => false,
        };
        if !is_same {
            return Err(StoreError::Conflict(record.host.clone()));
        }
        let changed = *self.last.borrow() + 1;
        let row = Row {
            record: record.clone(),
            changed,
            claim: present.and_then(|row| row.claim.clone()),
        };
        rows.insert(record.host.clone(), row);
        self.last.send_replace(changed);
        Ok(Version(changed.to_string()))
    }

    fn claim_now(&self, host: &Host, by: &str, until: Seconds) -> bool {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(host) else {
            return false;
        };
        if row.claim.as_ref().is_some_and(|(who, end)| who != by && *end > now()) {
            return false;
        }
        row.claim = Some((by.to_owned(), until));
        true
    }

    /// The changes after one, in their order, and which is the last.
    fn since(&self, after: u64) -> (VecDeque<Change>, u64) {
        let rows = self.rows();
        let mut changed: Vec<(u64, &Host)> = rows
            .iter()
            .filter(|(_, row)| row.changed > after)
            .map(|(host, row)| (row.changed, host))
            .collect();
        changed.sort_unstable();
        let last = changed.last().map_or(after, |(changed, _)| *changed);
        let told = changed.into_iter().map(|(changed, host)| Change::Host {
            host: host.clone(),
            cursor: Cursor(changed.to_string()),
        });
        (told.collect(), last)
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, host: &'a Host) -> Later<'a, Option<(Record, Version)>> {
        let rows = self.rows();
        let found = rows
            .get(host)
            .map(|row| (row.record.clone(), Version(row.changed.to_string())));
        Box::pin(async { Ok(found) })
    }

    fn put<'a>(&'a self, record: &'a Record, was: Option<&'a Version>) -> Later<'a, Version> {
        Box::pin(async move { self.put_now(record, was) })
    }

    fn due(&self, until: Seconds, limit: usize) -> Later<'_, Vec<Host>> {
        let rows = self.rows();
        let mut due: Vec<(Seconds, &Host)> = rows
            .values()
            .map(|row| (row.record.due, &row.record.host))
            .filter(|(due, _)| *due <= until)
            .collect();
        due.sort_unstable();
        let hosts = due.into_iter().take(limit).map(|(_, host)| host.clone()).collect();
        Box::pin(async { Ok(hosts) })
    }

    fn claim<'a>(&'a self, host: &'a Host, by: &'a str, until: Seconds) -> Later<'a, bool> {
        Box::pin(async move { Ok(self.claim_now(host, by, until)) })
    }

    fn watch(&self, from: Option<Cursor>) -> BoxStream<'_, Result<Change, StoreError>> {
        let begin = from.map_or(Ok(0), |cursor| cursor.0.parse::<u64>());
        let Ok(after) = begin else {
            return Box::pin(stream::once(async { Err(StoreError::Expired) }));
        };
        let (mut waiting, last) = self.since(after);
        if after == 0 {
            let cursor = Cursor(last.to_string());
            waiting.push_back(Change::Listed { cursor });
        }
        let state = (waiting, last, self.last.subscribe());
        Box::pin(stream::unfold(
            state,
            move |(mut waiting, mut after, mut last)| async move {
                loop {
                    if let Some(change) = waiting.pop_front() {
                        return Some((Ok(change), (waiting, after, last)));
                    }
                    last.wait_for(|last| *last > after).await.ok()?;
                    (waiting, after) = self.since(after);
                }
            },
        ))
    }

    fn page<'a>(&'a self, filter: &'a Filter, after: Option<&'a Host>, limit: usize) -> Later<'a, Vec<Record>> {
        let rows = self.rows();
        let now = now();
        let page = rows
            .values()
            .map(|row| &row.record)
            .filter(|record| after.is_none_or(|after| record.host > *after) && filter.admits(record, now))
            .take(limit)
            .cloned()
            .collect();
        Box::pin(async { Ok(page) })
    }
}
