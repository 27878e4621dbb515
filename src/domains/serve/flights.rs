//! One search for a host, however many wait for what it finds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, watch};

use super::answer::Answer;
use crate::domain::Host;

/// A search that is under way.
#[derive(Debug)]
struct Flight {
    found: watch::Sender<Option<Answer>>,
    /// Told when the record of its host has changed.
    changed: Arc<Notify>,
}

/// All that are under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Host, Flight>>);

/// Whoever waits for what is found.
#[derive(Debug)]
pub(super) struct Waiting(watch::Receiver<Option<Answer>>);

impl Waiting {
    /// What was found; `None` if the search ended without a word.
    pub(super) async fn answer(mut self) -> Option<Answer> {
        let found = self.0.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }
}

/// Whoever searches. The search is over when this is dropped, whatever became of it.
#[derive(Debug)]
pub(super) struct Aboard {
    flights: Arc<Flights>,
    host: Host,
    changed: Arc<Notify>,
}

impl Aboard {
    /// The host.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Waits until the record of the host changes. A change since the last time counts.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Tells all who wait what was found.
    pub(super) fn land(self, answer: Answer) {
        self.flights.with(|open| {
            if let Some(flight) = open.get(&self.host) {
                flight.found.send_replace(Some(answer));
            }
        });
    }
}

impl Drop for Aboard {
    fn drop(&mut self) {
        self.flights.with(|open| open.remove(&self.host));
    }
}

impl Flights {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Host, Flight>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the search that is under way for a host; `None` if there is none.
    pub(super) fn join(&self, host: &Host) -> Option<Waiting> {
        self.with(|open| open.get(host).map(|flight| Waiting(flight.found.subscribe())))
    }

    /// Waits for a search, and begins it if there is none: then whoever asks has to search.
    pub(super) fn begin(self: &Arc<Self>, host: &Host) -> (Waiting, Option<Aboard>) {
        self.with(|open| {
            if let Some(flight) = open.get(host) {
                return (Waiting(flight.found.subscribe()), None);
            }
            let (found, waiting) = watch::channel(None);
            let changed = Arc::new(Notify::new());
            let flight = Flight {
                found,
                changed: Arc::clone(&changed),
            };
            open.insert(host.clone(), flight);
            let aboard = Aboard {
                flights: Arc::clone(self),
                host: host.clone(),
                changed,
            };
            (Waiting(waiting), Some(aboard))
        })
    }

    /// Tells the search for a host that its record has changed.
    pub(super) fn wake(&self, host: &Host) {
        self.with(|open| {
            if let Some(flight) = open.get(host) {
                flight.changed.notify_one();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_hear_what_one_found_and_nobody_waits_for_one_that_is_lost() {
        let flights = Arc::new(Flights::default());
        let host: Host = "shop.example.com".parse().unwrap();
        let (first, aboard) = flights.begin(&host);
        let (second, none) = flights.begin(&host);
        assert!(none.is_none());
        let third = flights.join(&host).unwrap();
        aboard.unwrap().land(Answer::NotOurs);
        for waiting in [first, second, third] {
            assert!(matches!(waiting.answer().await, Some(Answer::NotOurs)));
        }
        assert!(flights.join(&host).is_none());
        let (waiting, aboard) = flights.begin(&host);
        drop(aboard);
        assert!(waiting.answer().await.is_none());
    }

    #[tokio::test]
    async fn a_change_before_one_waits_for_it_is_not_missed() {
        let flights = Arc::new(Flights::default());
        let host: Host = "shop.example.com".parse().unwrap();
        let (_waiting, aboard) = flights.begin(&host);
        flights.wake(&host);
        aboard.unwrap().changed().await;
    }
}
