//! Carries a scan out: source → inventory → check, for the commands.

mod answer;
pub mod cluster;
pub mod evaluate;
pub mod follow;
pub mod intermediates;
pub mod live;
pub mod memo;
pub mod probe;
pub mod secrets;

pub use evaluate::{About, Judged, alone, choose, evaluate, row, rows};
