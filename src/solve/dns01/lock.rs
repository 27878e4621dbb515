//! Allows one writer at a time for a name or a zone, and no more values for a name than the provider keeps.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::provider::{Provider, Record, Writes};
use crate::solve::SolveError;

/// Locks by what they protect. They are never removed, because a run has few names.
#[derive(Debug, Default)]
pub(super) struct Locks {
    turns: std::sync::Mutex<HashMap<String, Arc<Mutex<()>>>>,
    places: std::sync::Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// The turn to write, which ends when it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;
/// Permission for one of the values that a name can have; returned when it is dropped.
pub(super) type ValuePermit = OwnedSemaphorePermit;

impl Locks {
    /// Waits for the turn to write a record, after every other writer to its name or its zone.
    pub(super) async fn turn(&self, provider: &dyn Provider, record: &Record) -> Turn {
        let key = match provider.writes() {
            Writes::ByName => format!("name {}", record.name),
            Writes::ByZone => format!("zone {}", record.zone),
        };
        self.lock(key).await
    }

    /// Waits until nobody else writes or removes this value for this domain.
    pub(super) async fn value(&self, (domain, value): &(String, String)) -> Turn {
        self.lock(format!("value {domain} {value}")).await
    }

    async fn lock(&self, key: String) -> Turn {
        let lock = Arc::clone(locked(&self.turns).entry(key).or_default());
        lock.lock_owned().await
    }

    /// Waits until there is room for one more value of the name; `None` if there always is.
    pub(super) async fn place(
        &self,
        provider: &dyn Provider,
        record: &Record,
        limit: Duration,
    ) -> Result<Option<ValuePermit>, SolveError> {
        let holds = provider.holds();
        if holds >= Semaphore::MAX_PERMITS {
            return Ok(None);
        }
        let room = Arc::clone(
            locked(&self.places)
                .entry(record.name.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(holds))),
        );
        match tokio::time::timeout(limit, room.acquire_owned()).await {
            Ok(Ok(place)) => Ok(Some(place)),
            _ => Err(SolveError::new(format!(
                "{} keeps {holds} TXT {} at {}, and other challenges of this run need {}",
                provider.label(),
                if holds == 1 { "value" } else { "values" },
                record.name,
                if holds == 1 { "it" } else { "them" },
            ))
            .hint("a domain and its wildcard need two values at once: order them as two certificates, one after the other")),
        }
    }
}

/// A poisoned lock protects nothing that could be half written.
fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
