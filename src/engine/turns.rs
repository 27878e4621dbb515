//! Limits how many certificates are ordered at once. A certificate that only waits to be served makes no requests to
//! the CA and does not count.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::object::Key;

/// Turns, one of which each certificate holds while it is being ordered.
#[derive(Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    taken: Mutex<BTreeMap<Key, OwnedSemaphorePermit>>,
}

impl Turns {
    /// Makes this many turns, at least one.
    pub fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))),
            taken: Mutex::default(),
        }
    }

    /// Waits for a turn, in the order of the calls.
    pub async fn take(&self, secret: &Key) {
        // The semaphore is never closed.
        if let Ok(turn) = Arc::clone(&self.free).acquire_owned().await {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.insert(secret.clone(), turn);
        }
    }

    /// Releases the turn, so that the next certificate can start. Repeated calls have no effect.
    pub fn give_back(&self, secret: &Key) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_begins_when_one_only_waits() {
        let turns = Turns::new(1);
        let (a, b) = (Key::new("shop", "a"), Key::new("shop", "b"));
        turns.take(&a).await;
        let next = turns.take(&b);
        tokio::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        turns.give_back(&a);
        next.await;
        turns.give_back(&a);
        let third = turns.take(&a);
        tokio::pin!(third);
        assert!(futures_util::poll!(&mut third).is_pending(), "b still has its turn");
    }
}
