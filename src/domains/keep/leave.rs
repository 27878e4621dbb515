//! Who is released: whom the application has disowned often and long enough, unless so many turned at once that it is more
//! likely to be wrong.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::{News, Tell};
use crate::{
    domain::{Census, Record, may_leave},
    domains::store::{Filter, Store, StoreError},
    error::chain,
    object::Seconds,
};

/// How long a count of all records is good enough.
const FRESH: Duration = Duration::from_mins(5);
/// How many records are read at once.
const PAGE: usize = 1_000;

/// Judges who may leave.
pub(super) struct Leaving {
    store: Arc<dyn Store>,
    tell: Tell,
    /// The last count: when, and why nobody is released, if that is so.
    last: Mutex<Option<(Instant, Option<String>)>>,
}

impl Leaving {
    pub(super) fn new(store: Arc<dyn Store>, tell: Tell) -> Self {
        Self {
            store,
            tell,
            last: Mutex::default(),
        }
    }

    /// Whether a host is released now. All records are counted first, once for many hosts.
    pub(super) async fn may_leave(&self, record: &Record, now: Seconds) -> bool {
        if !may_leave(record, now) {
            return false;
        }
        let mut last = self.last.lock().await;
        if let Some((at, frozen)) = &*last
            && at.elapsed() < FRESH
        {
            return frozen.is_none();
        }
        let frozen = match self.frozen().await {
            Ok(frozen) => frozen,
            Err(error) => {
                (self.tell)(News::Trouble(format!("nobody is released: {}", chain(&error))));
                return false;
            }
        };
        let was = last.as_ref().and_then(|(_, frozen)| frozen.clone());
        match (&was, &frozen) {
            (None, Some(why)) => (self.tell)(News::Frozen(why.clone())),
            (Some(_), None) => (self.tell)(News::Thawed),
            _ => {}
        }
        *last = Some((Instant::now(), frozen.clone()));
        frozen.is_none()
    }

    /// Why nobody is released, if that is so.
    async fn frozen(&self) -> Result<Option<String>, StoreError> {
        let (mut census, mut after) = (Census::default(), None);
        loop {
            let page = self.store.page(&Filter::default(), after.as_ref(), PAGE).await?;
            for record in &page {
                census.count(record);
            }
            let is_last = page.len() < PAGE;
            after = page.into_iter().next_back().map(|record| record.host);
            if is_last || after.is_none() {
                return Ok(census.frozen().map(|frozen| frozen.to_string()));
            }
        }
    }
}
