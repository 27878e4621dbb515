//! The changes that wait: the latest of each host, in the order in which the hosts came.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::Changed;
use crate::x509::Fingerprint;

/// So many hosts wait at most.
const MOST: usize = 10_000;
/// So often a change is tried.
const TRIES: u32 = 8;
/// The longest pause after a failure.
const LONGEST: Duration = Duration::from_mins(5);

/// What became of a change that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits.
    Waits,
    /// Too many wait already.
    Lost,
}

/// A change that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) changed: Changed,
    /// The same whenever it is tried.
    pub(super) id: String,
    tries: u32,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<String>,
    waiting: HashMap<String, Waiting>,
    /// How often in a row the receiver has not taken one.
    failures: u32,
    /// Before this nothing is sent.
    not_before: Option<Instant>,
    lost: usize,
    is_ending: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    step: Duration,
    state: Mutex<State>,
    news: Notify,
}

impl Queue {
    pub(super) fn new(step: Duration) -> Self {
        Self {
            step,
            state: Mutex::default(),
            news: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a change in the place of one of its host, or behind all others.
    pub(super) fn put(&self, changed: Changed) -> Put {
        let text = serde_json::to_vec(&changed).unwrap_or_default();
        let waiting = Waiting {
            id: format!("domain_{}", &Fingerprint::of(&text).to_string()[..32]),
            changed,
            tries: 0,
        };
        let host = waiting.changed.host.clone();
        let mut state = self.state();
        if let Some(present) = state.waiting.get_mut(&host) {
            *present = waiting;
        } else if state.waiting.len() >= MOST {
            state.lost += 1;
            return Put::Lost;
        } else {
            state.order.push_back(host.clone());
            state.waiting.insert(host, waiting);
        }
        drop(state);
        self.news.notify_one();
        Put::Waits
    }

    /// The next change, once it may be sent; `None` when the program ends and nothing waits, or the receiver is away.
    pub(super) async fn next(&self) -> Option<Waiting> {
        loop {
            let not_before = {
                let mut state = self.state();
                let until = state.not_before.filter(|until| *until > Instant::now());
                if state.is_ending && (until.is_some() || state.order.is_empty()) {
                    return None;
                }
                if until.is_none() {
                    let next = state.order.pop_front();
                    if let Some(waiting) = next.and_then(|host| state.waiting.remove(&host)) {
                        return Some(waiting);
                    }
                }
                until
            };
            match not_before {
                None => self.news.notified().await,
                Some(until) => {
                    // What is put meanwhile waits too; only the end comes earlier.
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = self.news.notified() => {}
                    }
                }
            }
        }
    }

    /// A change was taken.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.not_before = None;
    }

    /// A change was not taken. Returns how many are lost since it was last said, and whether the receiver took the one before.
    pub(super) fn refused(&self, mut waiting: Waiting) -> (usize, bool) {
        let mut state = self.state();
        let first = state.failures == 0;
        let pause = self.step.saturating_mul(1 << state.failures.min(16)).min(LONGEST);
        state.failures = state.failures.saturating_add(1);
        state.not_before = Some(Instant::now() + pause);
        waiting.tries += 1;
        let host = waiting.changed.host.clone();
        // A newer one is in its place.
        if !state.waiting.contains_key(&host) {
            if waiting.tries < TRIES && !state.is_ending {
                state.order.push_back(host.clone());
                state.waiting.insert(host, waiting);
            } else {
                state.lost += 1;
            }
        }
        (std::mem::take(&mut state.lost), first)
    }

    /// How many were lost since it was last said.
    pub(super) fn lost(&self) -> usize {
        std::mem::take(&mut self.state().lost)
    }

    /// Nothing more is put.
    pub(super) fn end(&self) {
        self.state().is_ending = true;
        self.news.notify_one();
    }
}
