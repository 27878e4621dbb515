//! Everything that is tested from outside of the library.

mod cli;
mod e2e;
mod support;
