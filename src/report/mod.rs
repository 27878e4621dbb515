//! Values become text: one file a format, and the words of the findings.

pub mod row;
pub mod words;

pub use row::{RouteRef, Row, Status};
