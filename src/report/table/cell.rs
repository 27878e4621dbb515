//! The cells of a table: written for a column, or only measured.

use std::fmt::{self, Write};

use super::layout::Layout;
use crate::{
    check::row::Row,
    report::present::cell::{CellOptions, LoneSecret, NOTHING, RowColumn},
    text::width::width,
};

impl Layout {
    /// What cells are made for.
    pub(super) fn options(&self) -> CellOptions<'_> {
        CellOptions {
            now: self.now,
            room: usize::MAX,
            labels: &self.labels,
            lone: LoneSecret::Marked,
            has_routes: self.has(RowColumn::Route),
            has_secrets: self.has(RowColumn::Secret),
        }
    }
}

/// Appends the cell of `row` to `out`.
pub(super) fn write(column: RowColumn, row: &Row<'_>, options: &CellOptions<'_>, out: &mut String) {
    let start = out.len();
    let _ = column.fill(row, options, out);
    if out.len() == start {
        out.push_str(NOTHING);
    }
}

/// How many cells of a terminal the cell of `row` takes.
pub(super) fn room(column: RowColumn, row: &Row<'_>, options: &CellOptions<'_>) -> usize {
    let mut ruler = Ruler::default();
    let _ = column.fill(row, options, &mut ruler);
    if ruler.used { ruler.cells } else { width(NOTHING) }
}

/// Takes a text for its width alone.
#[derive(Default)]
struct Ruler {
    cells: usize,
    used: bool,
}

impl Write for Ruler {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.cells += width(text);
        self.used |= !text.is_empty();
        Ok(())
    }
}
