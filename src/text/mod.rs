//! Text for people: clearing, widths, ages and dates.

mod ascii;
pub mod clear;
mod command;
mod glob;
mod list;
mod nearest;
mod shell;
pub mod time;
pub mod url;
pub mod width;
pub mod wrap;

pub use ascii::ascii;
pub use clear::{Clear, clear};
pub use command::CommandLine;
pub use glob::{Glob, GlobError};
pub use list::{counted, first_few, first_of, grouped, in_namespaces, lines};
pub use nearest::{closest, nearest, nearest_name};
pub use shell::quote;
pub use time::{Age, age, date, date_time, parse_time};
pub use url::{encoded, encoded_path, without_user};
pub use width::shorten;
