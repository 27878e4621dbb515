//! The commands.

pub mod args;
pub mod target;
