//! The providers of the dns-update crate.

pub mod spec;
pub mod table;
