//! Judges what the inventory holds: a finding is one file (`finding`), and what is decided together is in the file of its family. Pure: the time is an argument.
//!
//! [`binding`] answers for one binding, [`secret`] for a Secret that no route uses.

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
pub mod select;
mod served;
mod shared;
mod time;
mod urgency;
mod verdict;
pub mod words;

#[cfg(test)]
mod tests;

/// What facts are made of, for whoever puts them into words.
pub use crate::inventory::{Controller, Keeper, Recipients, query::Rivalry};
pub use finding::{Beside, DueBy, Fact, Finding, Instead, Maker, ObjectRef};
pub use names::names_services;
pub use period::{Period, PeriodError};
pub use readers::readers_of;
pub use reason::{Reason, Severity};
pub use renewer::{KeptRenewer, Renewer, asked_of_cert_manager, is_claimed, is_owned, owner, renewer};
pub use sample::Sample;
pub use select::{Select, Sorted};
pub use served::{Probed, ProbedAt, ServedChain, believe_probe, judge_probe, may_have_stale_pods};
pub use shared::SharedFindings;
pub use time::{due_by_lifetime, has_ended, renewal_window};
pub use urgency::Urgency;
pub use verdict::{Rules, Subject, Verdict, binding, binding_with, bundle, secret};
