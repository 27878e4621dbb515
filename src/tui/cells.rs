//! What stands in each cell of the views that are tables. Cleared for a terminal.

use super::{
    columns::ColumnContent,
    item::Item,
    model::{Model, View},
};
use crate::{
    object::Seconds,
    report::{
        present::{
            self, TableLine,
            cell::{CellOptions, LoneSecret, NOTHING, RowColumn},
        },
        show::Tone,
    },
    text::clear,
};

/// Appends the cell of a line to `out`, and returns what it means.
pub fn cell(model: &Model, view: View, line: usize, what: ColumnContent, out: &mut String) -> Tone {
    let start = out.len();
    let tone = view.cell(model, line, what, out);
    if out.len() == start {
        out.push_str(NOTHING);
        return Tone::Dim;
    }
    tone.unwrap_or(Tone::Plain)
}

pub(in crate::tui) fn put(out: &mut String, text: &str) {
    out.push_str(&clear(text));
}

/// A cell as the table of `status` has it: whole, as the width of its column follows from it.
pub(in crate::tui) fn of_row<'a>(
    line: &impl TableLine<'a>,
    what: ColumnContent,
    now: Seconds,
    out: &mut String,
) -> Tone {
    let ColumnContent::Row(column) = what else {
        return Tone::Plain;
    };
    let options = CellOptions {
        now,
        room: usize::MAX,
        labels: &[],
        lone: LoneSecret::Bare,
        // What has no host gets its name where it is known which columns are drawn.
        has_routes: true,
        has_secrets: true,
    };
    let _ = column.fill(line, &options, out);
    column.tone(line, now)
}

/// What a line of the hosts that has no host is about, unless one of the columns that are `drawn` says it: its route, its Secret, or
/// the right that is missing. No line is without a name, however narrow the table is.
pub fn name_without_host(item: &Item, drawn: &[ColumnContent]) -> Option<String> {
    if item.host.is_some() {
        return None;
    }
    let of = match (&item.route, item.secret()) {
        (None, Some(_)) => ColumnContent::Row(RowColumn::Secret),
        _ => ColumnContent::Row(RowColumn::Route),
    };
    if drawn.contains(&of) {
        return None;
    }
    let mut name = String::new();
    let _ = present::cell::name(&item, &mut name);
    Some(name).filter(|name| !name.is_empty())
}
