//! How far reading has come, and how old is what was read.

use super::Model;
use crate::tui::message::Trouble;

/// How far reading has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It reads; so many hosts and Secrets so far.
    Going {
        /// Hosts.
        hosts: usize,
        /// TLS Secrets.
        secrets: usize,
    },
    /// Everything is there.
    Done {
        /// Whether changes are followed.
        live: bool,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// It could not be read.
    Failed(Trouble),
}

impl Model {
    /// How long the data has been as it is, in seconds; `None` while it is current.
    pub fn stale_for(&self) -> Option<u64> {
        self.lost.as_ref()?;
        Some(self.ms.saturating_sub(self.fresh_ms) / 1_000)
    }
}
