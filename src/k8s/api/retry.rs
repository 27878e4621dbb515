//! The only policy for retries: for a limited time, with pauses, and not if the server was never reached.

use std::time::Duration;

use tokio::time::Instant;

use super::ApiError;
use crate::{clock::Pauses, k8s::Connection};

/// How long passing errors are retried: a server that restarts is back within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first and the longest pause between two attempts.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(250), Duration::from_secs(2));

/// Limits how long a request is retried.
pub(super) struct Patience<'a> {
    connection: &'a Connection,
    until: Instant,
    pauses: Pauses,
}

impl<'a> Patience<'a> {
    /// Makes the limit, which is no longer than a single request may take in total.
    pub(super) fn new(connection: &'a Connection) -> Self {
        let granted = connection.request_timeout.unwrap_or(PATIENCE);
        Self {
            connection,
            until: Instant::now() + granted.min(PATIENCE),
            pauses: PAUSES,
        }
    }

    /// The pause before another attempt; `None` if there is no time for one, or if the server has never answered.
    pub(super) fn pause(&mut self, error: &ApiError) -> Option<Duration> {
        let absent = matches!(error, ApiError::Cluster(error) if error.is_absence());
        if absent && !self.connection.has_answered() {
            return None;
        }
        (Instant::now() + self.pauses.due() <= self.until).then(|| self.pauses.take())
    }
}
