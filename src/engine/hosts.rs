//! Allows one validation of a host at a time: two orders of a run with the same host would remove each other's answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::name::Name;

/// The hosts that are being validated.
#[derive(Debug, Default)]
pub struct Hosts(Mutex<HashMap<Name, Arc<AsyncMutex<()>>>>);

impl Hosts {
    /// Waits for the turn with a host, and returns whether somebody else had it before. A caller that holds a host
    /// never waits for a second one, so there is no deadlock.
    pub async fn turn(&self, name: &Name) -> (OwnedMutexGuard<()>, bool) {
        let host = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Forget hosts that nobody holds or waits for: a long-running program sees many hosts.
            all.retain(|_, host| Arc::strong_count(host) > 1);
            Arc::clone(all.entry(name.clone()).or_default())
        };
        match Arc::clone(&host).try_lock_owned() {
            Ok(guard) => (guard, false),
            Err(_) => (host.lock_owned().await, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_one_at_a_time_and_others_do_not_wait() {
        let hosts = Hosts::default();
        let (a, b): (Name, Name) = ("a.example".parse().unwrap(), "b.example".parse().unwrap());
        let (first, waited) = hosts.turn(&a).await;
        assert!(!waited);
        assert!(!hosts.turn(&b).await.1);
        let second = hosts.turn(&a);
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.1);
    }
}
