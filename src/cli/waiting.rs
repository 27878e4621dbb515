//! What is waited for, said where it takes long enough to wonder.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    time::Duration,
};

use super::{ask, note, told};
use crate::source::cluster::Connection;

/// Nobody wonders before.
const WONDER: Duration = Duration::from_secs(2);
/// So often it is said again.
const AGAIN: Duration = Duration::from_secs(15);

/// Says something from time to time until it is dropped.
pub(super) struct Waiting(Option<Sender<()>>);

impl Waiting {
    /// Says `words` after two seconds. A thread of its own: reading a cluster keeps a task from being woken.
    pub(super) fn for_what(words: impl Fn() -> String + Send + 'static) -> Self {
        // A screen has its own way.
        if told::front().is_some() || told::is_silent() {
            return Self(None);
        }
        let (ended, end) = channel();
        std::thread::spawn(move || {
            let mut pause = WONDER;
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = AGAIN;
                if ask::is_asking() {
                    // It is the user who is waited for.
                    pause = WONDER;
                } else {
                    note(&words());
                }
            }
        });
        Self(Some(ended))
    }

    /// Says that an API server does not answer.
    pub(super) fn for_server(connection: &Connection) -> Self {
        let server = connection.server.clone();
        Self::for_what(move || format!("waiting for the API server {server} to answer"))
    }

    /// Says that a CA does not answer.
    pub(super) fn for_ca(name: &str) -> Self {
        let name = name.to_owned();
        Self::for_what(move || format!("waiting for the CA {name} to answer"))
    }

    /// Says that hosts do not answer, or their names are not resolved.
    pub(super) fn for_hosts() -> Self {
        Self::for_what(|| "waiting for the hosts that are probed to answer".to_owned())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The other end sees that this one is gone.
        self.0.take();
    }
}
