//! The one way to try again: for a while, with pauses, and not of a server that was never there.

use std::time::Duration;

use tokio::time::Instant;

use super::ApiError;
use crate::{clock::Pauses, k8s::Connection};

/// How long passing trouble is borne: a server that is being restarted is back within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first pause between two tries, and the longest.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(250), Duration::from_secs(2));

/// How long something is tried.
pub(super) struct Patience<'a> {
    connection: &'a Connection,
    until: Instant,
    pauses: Pauses,
}

impl<'a> Patience<'a> {
    /// No longer than one request may take in all.
    pub(super) fn new(connection: &'a Connection) -> Self {
        let granted = connection.request_timeout.unwrap_or(PATIENCE);
        Self {
            connection,
            until: Instant::now() + granted.min(PATIENCE),
            pauses: PAUSES,
        }
    }

    /// The pause before another try; `None` where there is no time for one, and after a server that has never answered.
    pub(super) fn pause(&mut self, error: &ApiError) -> Option<Duration> {
        let absent = matches!(error, ApiError::Cluster(error) if error.is_absence());
        if absent && !self.connection.has_answered() {
            return None;
        }
        (Instant::now() + self.pauses.due() <= self.until).then(|| self.pauses.take())
    }
}
