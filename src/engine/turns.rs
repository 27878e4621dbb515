//! Limits how many certificates are ordered at once. A certificate that only waits to be served makes no requests to
//! the CA and does not count.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::object::{Key, Text};

/// Turns, one of which each certificate holds while it is being ordered.
#[derive(Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    /// How many of them one namespace may have; `None` for as many as there are.
    share: Option<usize>,
    /// What is left of their share to namespaces that have turns.
    shares: Mutex<BTreeMap<Text, Arc<Semaphore>>>,
    taken: Mutex<BTreeMap<Key, Turn>>,
}

/// The turn of a certificate, and its part of what its namespace may have.
#[derive(Debug)]
struct Turn {
    _turn: OwnedSemaphorePermit,
    _share: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Makes this many turns, at least one.
    pub fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))),
            share: None,
            shares: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// Makes this many turns, of which no namespace has the last quarter: names that take long to fail do not keep
    /// those of others waiting.
    pub fn shared(count: usize) -> Self {
        let rest = (count / 4).max(1);
        Self {
            share: Some(count.saturating_sub(rest).clamp(1, Semaphore::MAX_PERMITS)),
            ..Self::new(count)
        }
    }

    /// Waits for a turn, in the order of the calls.
    pub async fn take(&self, secret: &Key) {
        // The semaphores are never closed.
        let share = match self.share_of(&secret.namespace) {
            Some(share) => share.acquire_owned().await.ok(),
            None => None,
        };
        if let Ok(turn) = Arc::clone(&self.free).acquire_owned().await {
            let turn = Turn {
                _turn: turn,
                _share: share,
            };
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.insert(secret.clone(), turn);
        }
    }

    fn share_of(&self, namespace: &Text) -> Option<Arc<Semaphore>> {
        let share = self.share?;
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of namespaces that have no turn and wait for none.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        let share = shares
            .entry(namespace.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(share)));
        Some(Arc::clone(share))
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
    async fn a_namespace_that_takes_all_it_gets_leaves_a_turn_to_others() {
        let turns = Turns::shared(4);
        for name in ["a", "b", "c"] {
            turns.take(&Key::new("shop", name)).await;
        }
        let next = Key::new("shop", "d");
        let next = turns.take(&next);
        tokio::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        turns.take(&Key::new("blog", "a")).await;
        assert!(futures_util::poll!(&mut next).is_pending());
        turns.give_back(&Key::new("shop", "b"));
        next.await;
        let one = Turns::shared(1);
        one.take(&Key::new("shop", "a")).await;
    }

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
