//! `-o yaml`: the same document as `-o json`.

use std::io::{self, Write};

use super::{item::StatusList, output::Context, rows::Rows};

pub(super) use crate::document::yaml::write as document;

/// Writes `rows` as a `StatusList`.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    document(&StatusList::new(rows, context), out)
}
