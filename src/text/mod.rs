//! Text for people: clearing, widths, ages and dates.

pub mod clear;
pub mod nearest;
pub mod time;
pub mod url;
pub mod width;

pub use clear::{Clear, clear};
pub use nearest::nearest;
pub use time::{Age, age, date, date_time, parse_time};
pub use url::without_user;
