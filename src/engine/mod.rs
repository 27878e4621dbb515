//! The one conductor: carries a plan out, from the order to the served certificate, and cleans up.

pub mod aftermath;
pub mod asked;
pub mod authorize;
pub mod brake;
pub mod cancel;
pub mod certmanager;
pub mod choose;
pub mod cleanup;
mod course;
pub mod due;
pub mod failure;
pub mod forced;
pub mod foreseen;
pub mod hosts;
pub mod journal;
pub mod journals;
mod kept;
pub mod lease;
pub mod ledger;
pub mod obtain;
pub mod preflight;
pub mod prepare;
pub mod process;
pub mod restarts;
pub mod revoke;
pub mod run;
pub mod solver_pod;
pub mod store;
pub mod trial;
pub mod turns;

use crate::object::Seconds;

/// The present moment.
pub fn now() -> Seconds {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
