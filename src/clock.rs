//! The present time, and pauses between attempts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::object::Seconds;

mod pauses;

pub(crate) use pauses::{Pauses, spread};

/// The present time in seconds since 1970; 0 if the clock is set before 1970.
pub(crate) fn now() -> Seconds {
    seconds(since_epoch())
}

/// A duration in whole seconds.
pub(crate) fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}

/// The present time since 1970, with fractions of a second.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
