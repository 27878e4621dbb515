//! Everything that is tested from outside of the library.

// A panic is a test's report; clippy.toml allows it in functions marked as tests alone, not in what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod cli;
mod docs;
mod e2e;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod release;
mod support;
mod tui;
