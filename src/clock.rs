//! What time it is, and how long until the next try.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::object::Seconds;

mod pauses;

pub(crate) use pauses::{Pauses, spread};

/// The present moment. A clock that is set before 1970 is at its beginning.
pub(crate) fn now() -> Seconds {
    seconds(since_epoch())
}

/// How many whole seconds a time is.
pub(crate) fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}

/// The same, finer than a second.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
