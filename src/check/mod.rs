//! Judges the inventory. A finding is one file below `finding`; a decision that concerns several findings is in the
//! file of their family. This module is pure: the current time is an argument.
//!
//! [`binding`] judges one binding, [`secret`] a Secret that no route uses.

mod chain;
pub mod finding;
mod names;
mod ownership;
mod parse;
mod period;
mod readers;
pub mod reason;
mod reference;
mod renewer;
pub mod row;
mod sample;
mod seen;
pub mod select;
mod served;
mod shared;
mod time;
mod urgency;
mod verdict;
pub mod words;

#[cfg(test)]
mod tests;

/// The types of which facts are composed, for the code that puts findings into words.
pub use crate::inventory::{Controller, Keeper, Recipients, query::Rivalry};
pub use finding::{Beside, DueBy, Fact, Finding, Instead, Maker, ObjectRef, Seen};
pub use names::names_services;
pub use period::{Period, PeriodError};
pub use readers::readers_of;
pub use reason::{Reason, Severity};
pub use renewer::{KeptRenewer, Renewer, asked_of_cert_manager, is_claimed, is_owned, owner, renewer};
pub use sample::Sample;
pub use seen::{is_made_of_what_is_seen, judge_seen, seen_leaf};
pub use select::{Select, Sorted};
pub use served::{Probed, ProbedAt, ServedChain, believe_probe, judge_probe, may_have_stale_pods};
pub use shared::SharedFindings;
pub use time::{due_by_lifetime, has_ended, renewal_window};
pub use urgency::Urgency;
pub use verdict::{Rules, Subject, Verdict, binding, binding_with, bundle, secret};
