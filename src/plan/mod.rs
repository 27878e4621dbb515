//! The targets of a renewal, and the steps for them. Pure.

pub mod adopt;
pub mod audit;
pub mod ca;
pub mod caa;
pub mod copy;
pub mod doing;
pub mod ensure;
pub mod forecast;
pub mod limits;
pub mod names;
mod outline;
pub mod permits;
pub mod preflight;
pub mod proof;
pub mod standing;
pub mod steps;
pub mod summary;
pub mod target;
pub mod tenure;
pub mod wanted;
pub mod why;
pub mod wildcard;

/// From this number of orders at a production CA, the user has to confirm the number: a mistake must not use up the
/// limit of a week, or replace everything.
pub const MANY_ORDERS: usize = 20;

pub use names::Names;
pub use outline::{Plan, Refusal, Refused, Stage};
pub use target::{Choice, CurrentCertificate, NoTarget, Target, Use, targets};
