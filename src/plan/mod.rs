//! What is to be renewed, and the steps that it takes. Pure.

pub mod ca;
pub mod caa;
pub mod limits;
pub mod names;
mod outline;
pub mod permits;
pub mod preflight;
pub mod steps;
pub mod summary;
pub mod target;

/// More orders than these at a production CA want their number said: a slip must not spend a week's limit, or replace everything.
pub const MANY_ORDERS: usize = 20;

pub use names::Names;
pub use outline::{Plan, Refusal, Refused, Stage};
pub use target::{Choice, CurrentCertificate, NoTarget, Target, Use, targets};
