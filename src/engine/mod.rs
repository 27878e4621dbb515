//! The one conductor: carries a plan out, from the order to the served certificate, and cleans up.

pub mod authorize;
pub mod cancel;
pub mod hosts;
pub mod journal;
pub mod lease;
pub mod process;

use crate::object::Seconds;

/// The present moment.
pub fn now() -> Seconds {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
