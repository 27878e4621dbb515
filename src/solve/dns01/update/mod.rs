//! The providers of the dns-update crate.

pub(super) mod client;
mod scrub;
pub mod spec;
pub mod table;
