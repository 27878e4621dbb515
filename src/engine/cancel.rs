//! Ctrl-C: what is under way is given up and cleaned up, instead of being cut off.

use tokio::sync::watch;

/// Gives everything up.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Whether everything has been given up. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<bool>);

/// A pair of them.
pub fn pair() -> (Canceller, Cancel) {
    let (give, take) = watch::channel(false);
    (Canceller(give), Cancel(take))
}

impl Canceller {
    /// Gives everything up.
    pub fn cancel(&self) {
        let _ = self.0.send(true);
    }
}

impl Cancel {
    /// Whether it has happened.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it happens; never, when nobody can give up any more.
    pub async fn cancelled(&self) {
        let mut watch = self.0.clone();
        if watch.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending().await
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
