//! The table, as kubectl draws tables: one line a row, columns padded to their widest cell.
//!
//! The rows are gone through twice, to measure and to write, so that 50,000 of them need no more memory than one.

mod cell;
mod layout;
#[cfg(test)]
mod tests;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use super::{output::Context, rows::Rows};
use crate::check::row::{Row, Status};
use crate::{
    check::{Fact, Finding},
    object::Seconds,
    text::width::{cut, width},
};
use cell::Column;
pub use layout::Layout;

/// What stands between two columns.
const GAP: &str = "   ";

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
            self.push(&mut line, i, &header, self.style(Style::new().bold()));
        }
        writeln!(out, "{line}")
    }

    /// Writes one line for each row, in columns that may have been measured for other rows (a watch adds rows).
    pub fn write_rows(&self, rows: &Rows<'_>, out: &mut impl Write) -> io::Result<()> {
        let (mut line, mut cell) = (String::new(), String::new());
        for row in rows.iter() {
            line.clear();
            for (i, (column, room)) in self.columns.iter().enumerate() {
                cell.clear();
                column.write(&row, self, *room, &mut cell);
                let style = match column {
                    Column::Status => self.style(of_status(row.status)),
                    Column::Expires => self.style(of_expiry(&row, self.now)),
                    _ => Style::new(),
                };
                let text = if self.cuts {
                    cut(&cell, *room)
                } else {
                    cell.as_str().into()
                };
                self.push(&mut line, i, &text, style);
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Adds one cell to a line. The last one is not padded, so that lines have no trailing spaces.
    fn push(&self, line: &mut String, index: usize, text: &str, style: Style) {
        if style == Style::new() {
            line.push_str(text);
        } else {
            let _ = write!(line, "{style}{text}{style:#}");
        }
        if let Some((_, room)) = self.columns.get(index).filter(|_| index + 1 < self.columns.len()) {
            line.extend(std::iter::repeat_n(' ', room.saturating_sub(width(text))));
            line.push_str(GAP);
        }
    }

    fn style(&self, style: Style) -> Style {
        if self.colour { style } else { Style::new() }
    }
}

pub(super) fn of_status(status: Status) -> Style {
    let colour = match status {
        Status::Healthy => AnsiColor::Green,
        Status::Info => AnsiColor::Cyan,
        Status::Unknown => AnsiColor::Magenta,
        Status::Warning => AnsiColor::Yellow,
        Status::Critical => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// Red when it is past, yellow when renewal is due, else plain.
fn of_expiry(row: &Row<'_>, now: Seconds) -> Style {
    let due = |f: &Finding| matches!(f.fact, Fact::RenewalDue(_) | Fact::RenewNow(_));
    match row.certificate {
        Some(c) if c.not_after <= now => of_status(Status::Critical),
        Some(_) if row.findings.iter().any(due) => of_status(Status::Warning),
        _ => Style::new(),
    }
}
