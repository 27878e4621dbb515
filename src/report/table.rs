//! The table, as kubectl draws tables: one line a row, columns padded to their widest cell.
//!
//! The rows are gone through twice, to measure and to write, so that 50,000 of them need no more memory than one.

mod cell;
mod layout;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use anstyle::Style;

use super::{
    output::Context,
    present::{cell::CellOptions, grid, tone::Tone},
    rows::Rows,
};
use crate::text::width::cut;
pub use layout::Layout;

/// Writes `rows` as a table, with a line of headers unless there is nothing to head.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, wide: bool, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let layout = Layout::measure(rows, context, wide);
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    if !context.no_headers {
        layout.write_header(&mut out)?;
    }
    layout.write_rows(rows, &mut out)?;
    out.flush()
}

impl Layout {
    /// Writes the line of headers.
    pub fn write_header(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for (i, (column, room)) in self.columns.iter().enumerate() {
            let head = self.head(*column);
            let header = cut(&head, *room);
            self.push(&mut line, i, &header, Tone::Strong);
        }
        writeln!(out, "{line}")
    }

    /// Writes one line for each row, in columns that may have been measured for other rows (a watch adds rows).
    pub fn write_rows(&self, rows: &Rows<'_>, out: &mut impl Write) -> io::Result<()> {
        let (mut line, mut cell) = (String::new(), String::new());
        let options = self.options();
        for row in rows.iter() {
            line.clear();
            for (i, (column, room)) in self.columns.iter().enumerate() {
                cell.clear();
                let options = CellOptions { room: *room, ..options };
                cell::write(*column, &row, &options, &mut cell);
                let text = if self.cuts {
                    cut(&cell, *room)
                } else {
                    cell.as_str().into()
                };
                self.push(&mut line, i, &text, column.tone(&row, self.now));
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Adds one cell to a line.
    fn push(&self, line: &mut String, index: usize, text: &str, tone: Tone) {
        let style = if self.colour { tone.style() } else { Style::new() };
        let is_last = index + 1 == self.columns.len();
        let room = self.columns.get(index).map(|(_, room)| *room);
        grid::push(line, text, style, room.filter(|_| !is_last));
    }
}
