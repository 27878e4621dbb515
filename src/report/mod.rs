//! Values become text: one file a format.
//!
//! Every format is made from [`Rows`]; [`output::write`] chooses among them. Text from outside is cleared of what could
//! change a terminal; JSON, YAML and SARIF keep every character, the unsafe ones as escapes.

pub mod apart;
pub mod by;
pub mod cause;
pub mod columns;
pub mod doings;
pub mod domains;
pub mod explain;
pub mod forecast;
pub mod github;
pub mod item;
pub mod json;
pub mod jsonpath;
pub mod junit;
pub mod limits;
pub mod name;
pub mod order;
pub mod output;
pub mod place;
pub mod preflight;
pub mod present;
pub mod progress;
pub mod prometheus;
pub mod proof;
pub mod rows;
pub mod sarif;
#[cfg(test)]
mod schema;
pub mod show;
pub mod summary;
pub mod table;
pub mod why;
pub mod yaml;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use crate::check::row::{Evidence, RouteRef, Row, ServedAnswer, Status};
pub use apart::{Apart, LeftOut};
pub use order::{SortBy, Sorting, sort};
pub use output::{Context, Format};
pub use rows::Rows;
pub use summary::summary;
