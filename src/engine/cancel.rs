//! Cancellation by Ctrl-C: work in progress is abandoned and cleaned up, instead of being cut off.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

/// Cancels all work.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Reports whether all work has been cancelled. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    given_up: watch::Receiver<bool>,
    begun: Arc<AtomicBool>,
}

/// Makes a connected pair.
pub fn pair() -> (Canceller, Cancel) {
    let (give, take) = watch::channel(false);
    let cancel = Cancel {
        given_up: take,
        begun: Arc::default(),
    };
    (Canceller(give), cancel)
}

impl Canceller {
    /// Cancels all work.
    pub fn cancel(&self) {
        let _ = self.0.send(true);
    }
}

impl Cancel {
    /// Makes a value for work that nothing but the end of the process cancels.
    pub fn never() -> Self {
        pair().1
    }

    /// Whether the work has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.given_up.borrow()
    }

    /// Records that there is something to clean up from now on.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Whether there is something to clean up.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Returns when the work is cancelled; never, if nothing can cancel it any more.
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
