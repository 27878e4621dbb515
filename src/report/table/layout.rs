//! Which columns there are, and how wide each is.

use super::cell;
use crate::{
    object::Seconds,
    report::{
        output::Context,
        present::{cell::RowColumn, grid::GAP},
        rows::Rows,
    },
    text::{clear, width::width},
};

/// The columns of a table and their widths, measured for a set of rows.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) columns: Vec<(RowColumn, usize)>,
    /// Whether cells are cut to their column.
    pub(super) cuts: bool,
    pub(super) colour: bool,
    pub(super) now: Seconds,
    /// The labels that have a column each.
    pub(super) labels: Vec<String>,
}

/// The columns that may be narrowed, and how much of a fair share each may have, in tenths.
const NARROWED: &[(RowColumn, usize)] = &[
    (RowColumn::Host, 13),
    (RowColumn::Reason, 10),
    (RowColumn::Controller, 8),
    (RowColumn::Route, 10),
    (RowColumn::Secret, 8),
    (RowColumn::Namespace, 8),
    (RowColumn::Context, 8),
    (RowColumn::Names, 8),
    (RowColumn::Issuer, 6),
    (RowColumn::Labels, 6),
];

/// No column becomes narrower than this.
const LEAST: usize = 6;

/// The columns that are left out of a narrow table, in this order, and the fair share below which each is.
const LEFT_OUT: &[(RowColumn, usize)] = &[(RowColumn::Issuer, 16), (RowColumn::Secret, 14), (RowColumn::Route, 12)];

/// The fair share below which a wide table is not narrowed at all.
const LEAST_WIDE: usize = 12;

impl Layout {
    /// The columns that `context` asks for, each as wide as its widest cell; narrower, and fewer, where a terminal of
    /// known width could not show a row on one line otherwise.
    pub fn measure(rows: &Rows<'_>, context: &Context<'_>, wide: bool) -> Self {
        let mut layout = Self {
            columns: Vec::new(),
            cuts: false,
            colour: context.colour,
            now: context.now,
            labels: context.label_columns.to_vec(),
        };
        layout.columns = columns(context, wide);
        layout.widths(rows, context.no_headers, |_| true);
        let Some(room) = context.width.filter(|room| layout.total() > *room) else {
            return layout;
        };
        layout.cuts = true;
        if wide {
            // It was asked to show all it has: it is narrowed where that leaves something to read, and else runs over.
            let mut narrow = layout.clone();
            let share = narrow.narrow(room);
            layout.cuts = false;
            return if share < LEAST_WIDE { layout } else { narrow };
        }
        for (column, least) in LEFT_OUT {
            let mut narrow = layout.clone();
            if narrow.narrow(room) >= *least {
                return narrow;
            }
            layout.columns.retain(|(c, _)| c != column);
            if *column != RowColumn::Issuer {
                // These name now what the column that is gone would have named.
                layout.widths(rows, context.no_headers, |c| {
                    matches!(c, RowColumn::Route | RowColumn::Host)
                });
            }
        }
        layout.narrow(room);
        layout
    }

    /// Counts ages from another moment: a watch writes rows for hours.
    pub fn at(&mut self, now: Seconds) {
        self.now = now;
    }

    pub(super) fn has(&self, column: RowColumn) -> bool {
        self.columns.iter().any(|(c, _)| *c == column)
    }

    /// Makes each column that is `chosen` as wide as its widest cell.
    fn widths(&mut self, rows: &Rows<'_>, no_headers: bool, chosen: fn(RowColumn) -> bool) {
        let mut columns = std::mem::take(&mut self.columns);
        for (column, room) in columns.iter_mut().filter(|(c, _)| chosen(*c)) {
            *room = if no_headers {
                0
            } else {
                width(&heads(&self.labels, *column))
            };
        }
        // The cells ask which other columns there are.
        self.columns.clone_from(&columns);
        let options = self.options();
        for row in rows.iter() {
            for (column, room) in columns.iter_mut().filter(|(c, _)| chosen(*c)) {
                *room = cell::room(*column, &row, &options).max(*room);
            }
        }
        self.columns = columns;
    }

    /// What stands at the head of a column: of a label what follows its prefix, as kubectl has it.
    pub(super) fn head(&self, column: RowColumn) -> String {
        heads(&self.labels, column)
    }

    fn total(&self) -> usize {
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        self.columns.iter().map(|(_, room)| room).sum::<usize>() + gaps
    }

    /// Narrows the widest columns until the table fits, and returns the fair share that this leaves to each: the columns
    /// that need less than theirs stay whole.
    fn narrow(&mut self, room: usize) -> usize {
        let whole = self.columns.clone();
        let (mut fits, mut over) = (0, room + 1);
        while over - fits > 1 {
            let share = fits + (over - fits) / 2;
            self.share(&whole, share);
            if self.total() <= room {
                fits = share;
            } else {
                over = share;
            }
        }
        self.share(&whole, fits);
        // What rounding left over goes to the most important.
        let mut left = room.saturating_sub(self.total());
        for (column, _) in NARROWED {
            let wanted = whole.iter().find(|(c, _)| c == column).map_or(0, |(_, width)| *width);
            if let Some((_, have)) = self.columns.iter_mut().find(|(c, _)| c == column) {
                let more = wanted.saturating_sub(*have).min(left);
                *have += more;
                left -= more;
            }
        }
        fits
    }

    fn share(&mut self, whole: &[(RowColumn, usize)], share: usize) {
        for ((column, have), (_, wanted)) in self.columns.iter_mut().zip(whole) {
            if let Some((_, tenths)) = NARROWED.iter().find(|(c, _)| c == column) {
                *have = (*wanted).min((share * tenths / 10).max(LEAST));
            }
        }
    }
}

fn heads(labels: &[String], column: RowColumn) -> String {
    match column {
        RowColumn::Label(at) => {
            let label = labels.get(at).map_or("", String::as_str);
            let name = label.rsplit_once('/').map_or(label, |(_, name)| name);
            clear(name).to_ascii_uppercase()
        }
        other => other.head().to_owned(),
    }
}

fn columns(context: &Context<'_>, wide: bool) -> Vec<(RowColumn, usize)> {
    let base = [RowColumn::Route, RowColumn::Host, RowColumn::Secret, RowColumn::Status];
    let about = [RowColumn::Expires, RowColumn::Issuer, RowColumn::Reason];
    let more = [
        RowColumn::Serial,
        RowColumn::Algorithm,
        RowColumn::Names,
        RowColumn::Sha256,
        RowColumn::Class,
        RowColumn::Age,
    ];
    let asked = |asked: bool, column| asked.then_some(column);
    asked(context.show_context, RowColumn::Context)
        .into_iter()
        .chain(asked(context.show_namespace, RowColumn::Namespace))
        .chain(base)
        .chain(asked(context.show_served, RowColumn::Served))
        .chain(about)
        .chain(asked(context.show_doings, RowColumn::Controller))
        .chain(more.into_iter().filter(|_| wide))
        .chain((0..context.label_columns.len()).map(RowColumn::Label))
        .chain(asked(context.show_labels, RowColumn::Labels))
        .map(|column| (column, 0))
        .collect()
}
