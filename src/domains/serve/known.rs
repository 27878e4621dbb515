//! Which hosts are registered, so that a host that is not costs no question to the store: a number for each.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::domain::Host;

/// The hosts that a watch has told of. Two hosts may share a number, which is a question to the store too many, and nothing
/// else.
#[derive(Debug, Default)]
pub(super) struct Known {
    numbers: RwLock<HashSet<u64>>,
    by: RandomState,
    is_complete: AtomicBool,
}

impl Known {
    /// Whether a host may be registered.
    pub(super) fn has(&self, host: &Host) -> bool {
        let number = self.by.hash_one(host);
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.contains(&number)
    }

    /// Notes that a host is registered.
    pub(super) fn add(&self, host: &Host) {
        let number = self.by.hash_one(host);
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        numbers.insert(number);
    }

    /// Notes that a host is not.
    pub(super) fn remove(&self, host: &Host) {
        let number = self.by.hash_one(host);
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        numbers.remove(&number);
    }

    /// Notes that all have been told.
    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    /// Whether all have been told.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Relaxed)
    }

    /// How many hosts are registered.
    pub(super) fn len(&self) -> usize {
        self.numbers.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
