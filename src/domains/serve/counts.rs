//! What the certificate source has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// One more.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was done since the process began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: Count,
    pub(super) reads: Count,
    pub(super) asks: Count,
    pub(super) turned_away: Count,
    pub(super) registered: Count,
}

/// The same at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Pairs that were sent from the cache.
    pub hits: u64,
    /// Records that were read.
    pub reads: u64,
    /// Questions to the application.
    pub asks: u64,
    /// Requests that found no place.
    pub turned_away: u64,
    /// Hosts that were registered because a handshake asked for them.
    pub registered: u64,
}

impl Counts {
    /// What it is now.
    pub(super) fn now(&self) -> Counted {
        Counted {
            hits: self.hits.now(),
            reads: self.reads.now(),
            asks: self.asks.now(),
            turned_away: self.turned_away.now(),
            registered: self.registered.now(),
        }
    }
}
