//! Which columns there are, and how wide each is.

use super::{GAP, cell::Column};
use crate::{
    object::Seconds,
    report::{output::Context, row::Row},
    text::width::width,
};

/// The columns of a table and their widths, measured for a set of rows.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) columns: Vec<(Column, usize)>,
    /// Whether cells are cut to their column.
    pub(super) cuts: bool,
    pub(super) colour: bool,
    pub(super) now: Seconds,
}

/// The columns that may be narrowed, the least important first: to which width while columns may still be left out, and
/// to which at the very last.
const NARROWED: &[(Column, usize, usize)] = &[
    (Column::Labels, 12, 6),
    (Column::Names, 16, 6),
    (Column::Issuer, 10, 6),
    (Column::Secret, 14, 8),
    (Column::Reason, 18, 8),
    (Column::Route, 16, 8),
    (Column::Host, 20, 10),
    (Column::Namespace, usize::MAX, 6),
    (Column::Context, usize::MAX, 6),
];

/// The columns that are left out of a narrow table, in this order.
const LEFT_OUT: &[Column] = &[Column::Issuer, Column::Secret, Column::Route];

impl Layout {
    /// The columns that `context` asks for, each as wide as its widest cell; narrower, and fewer, where a terminal of
    /// known width could not show a row on one line otherwise.
    pub fn measure(rows: &[Row<'_>], context: &Context<'_>, wide: bool) -> Self {
        let mut layout = Self {
            columns: Vec::new(),
            cuts: false,
            colour: context.colour,
            now: context.now,
        };
        layout.columns = columns(context, wide);
        layout.widths(rows, context.no_headers);
        let Some(room) = context.width.filter(|room| layout.total() > *room) else {
            return layout;
        };
        // A wide table shows all it has: it is narrowed where that suffices, and else runs over.
        let fewest = if wide { 0 } else { LEFT_OUT.len() };
        let attempts = (0..=fewest.min(2))
            .map(|out| (out, false))
            .chain([(fewest.min(2), true), (fewest, true)]);
        for (left_out, hard) in attempts {
            let mut narrow = layout.clone();
            narrow.columns.retain(|(c, _)| !LEFT_OUT[..left_out].contains(c));
            if narrow.columns.len() < layout.columns.len() {
                // Other columns name what the one that is gone would have named.
                narrow.widths(rows, context.no_headers);
            }
            narrow.narrow(room, hard);
            if narrow.total() <= room || (!wide && left_out == fewest) {
                narrow.cuts = true;
                return narrow;
            }
        }
        layout
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.iter().any(|(c, _)| *c == column)
    }

    /// Makes each column as wide as its widest cell.
    fn widths(&mut self, rows: &[Row<'_>], no_headers: bool) {
        let mut cell = String::new();
        let mut columns = std::mem::take(&mut self.columns);
        for (column, room) in &mut columns {
            *room = if no_headers { 0 } else { width(column.header()) };
        }
        // The cells ask which other columns there are.
        self.columns.clone_from(&columns);
        for row in rows {
            for (column, room) in &mut columns {
                cell.clear();
                column.write(row, self, usize::MAX, &mut cell);
                *room = width(&cell).max(*room);
            }
        }
        self.columns = columns;
    }

    fn total(&self) -> usize {
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        self.columns.iter().map(|(_, room)| room).sum::<usize>() + gaps
    }

    /// Narrows one column after the other until the table fits, or none can be narrowed any more.
    fn narrow(&mut self, room: usize, hard: bool) {
        for (column, soft, least) in NARROWED {
            let over = self.total().saturating_sub(room);
            if let Some((_, have)) = self.columns.iter_mut().find(|(c, _)| c == column) {
                let least = if hard { *least } else { *soft };
                *have = (*have).min(have.saturating_sub(over).max(least));
            }
        }
    }
}

fn columns(context: &Context<'_>, wide: bool) -> Vec<(Column, usize)> {
    let base = [
        Column::Route,
        Column::Host,
        Column::Secret,
        Column::Status,
        Column::Expires,
        Column::Issuer,
        Column::Reason,
    ];
    let more = [
        Column::Serial,
        Column::Algorithm,
        Column::Names,
        Column::Sha256,
        Column::Class,
        Column::Age,
    ];
    let asked = |asked: bool, column| asked.then_some(column);
    asked(context.show_context, Column::Context)
        .into_iter()
        .chain(asked(context.show_namespace, Column::Namespace))
        .chain(base)
        .chain(more.into_iter().filter(|_| wide))
        .chain(asked(context.show_labels, Column::Labels))
        .map(|column| (column, 0))
        .collect()
}
