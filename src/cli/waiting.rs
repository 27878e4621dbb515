//! What is waited for, said where it takes long enough to wonder.

use std::time::Duration;

use super::{note, told};

/// Nobody wonders before.
const WONDER: Duration = Duration::from_secs(2);

/// Says something unless it is dropped before.
pub(super) struct Waiting(Option<std::sync::mpsc::Sender<()>>);

impl Waiting {
    /// Says `words` after two seconds. A thread of its own: reading a cluster keeps a task from being woken.
    pub(super) fn for_what(words: impl FnOnce() -> String + Send + 'static) -> Self {
        // A screen has its own way.
        if told::front().is_some() || told::is_silent() {
            return Self(None);
        }
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if end.recv_timeout(WONDER) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                note(&words());
            }
        });
        Self(Some(ended))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The other end sees that this one is gone.
        self.0.take();
    }
}
