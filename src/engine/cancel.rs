//! Ctrl-C: what is under way is given up and cleaned up, instead of being cut off.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

/// Gives everything up.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Whether everything has been given up. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    given_up: watch::Receiver<bool>,
    begun: Arc<AtomicBool>,
}

/// A pair of them.
pub fn pair() -> (Canceller, Cancel) {
    let (give, take) = watch::channel(false);
    let cancel = Cancel {
        given_up: take,
        begun: Arc::default(),
    };
    (Canceller(give), cancel)
}

impl Canceller {
    /// Gives everything up.
    pub fn cancel(&self) {
        let _ = self.0.send(true);
    }
}

impl Cancel {
    /// For what nobody gives up but by ending the process.
    pub fn never() -> Self {
        pair().1
    }

    /// Whether it has happened.
    pub fn is_cancelled(&self) -> bool {
        *self.given_up.borrow()
    }

    /// Notes that from now on there is something to clean up.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Whether there is something to clean up.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Returns when it happens; never, when nobody can give up any more.
    pub async fn cancelled(&self) {
        let mut watch = self.given_up.clone();
        if watch.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_told_and_who_asks_later_too() {
        let (canceller, cancel) = pair();
        assert!(!cancel.is_cancelled());
        let waiting = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        canceller.cancel();
        waiting.await.unwrap();
        cancel.cancelled().await;
        assert!(cancel.is_cancelled());
    }
}
