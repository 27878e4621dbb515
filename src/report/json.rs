//! `-o json`: the `StatusList`, one item at a time.

use std::io::{self, Write};

use super::{item::StatusList, output::Context, rows::Rows};

pub(super) use crate::document::json::write as pretty;

/// Writes `rows` as a `StatusList`.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    pretty(&StatusList::new(rows, context), out)
}
