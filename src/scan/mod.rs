//! Carries a scan out: source → inventory → check, for the commands.

pub mod evaluate;
