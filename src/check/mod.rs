//! Judges what the inventory holds: one family of findings a file.

pub mod finding;
pub mod reason;

pub use finding::{DueBy, Fact, Finding, Instead, ObjectRef};
pub use reason::{Reason, Severity};
