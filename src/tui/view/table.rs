//! The one table: it is handed the lines of the window that is seen, and no others.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::sign;
use crate::{
    report::{Status, present::cell::RowColumn, show::Tone},
    text::width::{cut, width},
    tui::{
        cells::cell,
        columns::{Column, ColumnContent, Columns},
        model::{Hits, Model},
        theme::Role,
        update::arrange::current_sort,
    },
};

/// What stands between two columns.
const GAP: u16 = 2;
/// The marks before the first column.
const MARGIN: u16 = 2;

/// How many lines are seen in an area.
pub(in crate::tui) fn height(area: Rect) -> u16 {
    area.height.saturating_sub(1)
}

/// Makes each column as wide as the widest cell that has been seen in it: columns do not jump while one scrolls.
pub(super) fn measure(model: &mut Model, lines: usize) {
    let view = model.view;
    let columns = Columns::all(view);
    let mut widths = std::mem::take(&mut model.cursor_mut().widths);
    if widths.len() != columns.len() {
        widths = columns.iter().map(|column| cells_of(column.head)).collect();
    }
    let top = model.cursor().top;
    let last = model.lines().min(top + lines);
    let mut text = String::new();
    for (column, room) in columns.iter().zip(&mut widths) {
        if !model.columns.has(view, column) {
            continue;
        }
        for line in top..last {
            text.clear();
            cell(model, view, line, column.what, &mut text);
            name(model, line, column.what, &[], &mut text);
            let signs = if column.what == ColumnContent::Row(RowColumn::Status) {
                2
            } else {
                0
            };
            let cells = cells_of(&text).saturating_add(signs);
            *room = (*room).max(cells);
        }
    }
    model.cursor_mut().widths = widths;
}

fn cells_of(text: &str) -> u16 {
    u16::try_from(width(text)).unwrap_or(u16::MAX)
}

/// The sign of how it is sorted, beside the head.
const ARROW: u16 = 2;

/// A column that is drawn: its number among all of the view, and how many cells it has.
type Drawn = (usize, &'static Column, u16);

/// The columns that fit. What cannot be read well is left out, that of least use first; what tells lines apart and says what is
/// wrong is left out only where the rest would say nothing any more. Then the widest are narrowed.
fn fit(model: &Model, room: u16) -> Vec<Drawn> {
    let all = Columns::all(model.view);
    let (wanted, sort) = (&model.cursor().widths, current_sort(model));
    let mut columns: Vec<Drawn> = all
        .iter()
        .enumerate()
        .filter(|(_, column)| model.columns.has(model.view, column) && says_something(model, column.what))
        .map(|(i, column)| {
            let sorted = column.sort.is_some() && column.sort == sort.by;
            let head = cells_of(column.head) + if sorted { ARROW } else { 0 };
            (i, column, wanted.get(i).copied().unwrap_or(column.good).max(head))
        })
        .collect();
    let left = model.cursor().left;
    if left > 0 {
        sideways(&mut columns, left, room);
    }
    // Two lines of one name differ by their namespaces alone.
    let tells_apart =
        |column: &Column| column.what == ColumnContent::Row(RowColumn::Namespace) && is_of_many_namespaces(model);
    let may_go = |column: &Column| column.rank > 2 && !tells_apart(column);
    leave_out(&mut columns, room, |column| column.good, may_go);
    leave_out(&mut columns, room, |column| column.least, |column| column.rank > 0);
    narrow(&mut columns, room);
    columns
}

/// Whether lines of several namespaces stand in the table, or may.
fn is_of_many_namespaces(model: &Model) -> bool {
    let one = match (
        model.rows.choice().namespace.as_deref(),
        model.place.namespaces.as_slice(),
    ) {
        (Some(one), _) => one,
        (None, [one]) => one.as_str(),
        _ => return true,
    };
    model.view.reaches_beyond(model, one)
}

/// Whether a column says anything that the header does not: the one namespace of all lines stands there.
pub(super) fn says_something(model: &Model, what: ColumnContent) -> bool {
    what != ColumnContent::Row(RowColumn::Namespace) || is_of_many_namespaces(model)
}

/// How many cells columns take with what stands between them.
fn total(columns: &[Drawn], cells: impl Fn(&Drawn) -> u16) -> u16 {
    let gaps = GAP.saturating_mul(u16::try_from(columns.len().saturating_sub(1)).unwrap_or(u16::MAX));
    columns.iter().map(cells).fold(gaps, u16::saturating_add)
}

/// Leaves columns out until the others have the cells that they want, of `cells` at most.
fn leave_out(columns: &mut Vec<Drawn>, room: u16, cells: fn(&Column) -> u16, may_go: impl Fn(&Column) -> bool) {
    while columns.len() > 1 && total(columns, |(_, column, wanted)| (*wanted).min(cells(column))) > room {
        let worst = columns
            .iter()
            .enumerate()
            .filter(|(_, (_, column, _))| may_go(column))
            .max_by_key(|(at, (_, column, _))| (column.rank, *at))
            .map(|(at, _)| at);
        let Some(worst) = worst else { break };
        columns.remove(worst);
    }
}

/// Takes cells from the widest columns until all have room. What a line is about gives after the others, and a word for how bad
/// it is, or a date, gives none while others can: cut it says nothing.
fn narrow(columns: &mut [Drawn], room: u16) {
    let floors: [fn(&Column) -> u16; 6] = [
        |column| if column.rank > 0 { column.good } else { u16::MAX },
        // Of two namespaces that begin alike, the ends differ.
        |column| match column.what {
            ColumnContent::Row(RowColumn::Namespace) => u16::MAX,
            _ if column.rank > 0 => column.least,
            _ => u16::MAX,
        },
        |column| if column.rank > 0 { u16::MAX } else { column.good },
        |column| if column.rank > 0 { column.least } else { u16::MAX },
        |column| column.least,
        |_| 1,
    ];
    for floor in floors {
        while total(columns, |(_, _, width)| *width) > room {
            let most = columns
                .iter_mut()
                .filter(|(_, column, width)| *width > floor(column))
                .max_by_key(|(_, column, width)| u32::from(*width) * 1_000 / u32::from(column.good.max(1)));
            let Some((_, _, width)) = most else { break };
            *width -= 1;
        }
    }
}

/// Leaves what a line is about, how bad it is, and as many of the other columns from the first that is wanted on as there is room for.
fn sideways(columns: &mut Vec<Drawn>, left: usize, room: u16) {
    let is_fixed = |what: ColumnContent| {
        matches!(
            what,
            ColumnContent::Row(RowColumn::Status | RowColumn::Host) | ColumnContent::Name
        )
    };
    let fixed = columns.iter().filter(|(_, column, _)| is_fixed(column.what));
    let mut used: u16 = fixed.map(|(_, column, width)| (*width).min(column.good) + GAP).sum();
    let mut number = 0;
    columns.retain(|(_, column, width)| {
        if is_fixed(column.what) {
            return true;
        }
        number += 1;
        let cells = (*width).min(column.good) + GAP;
        let fits = number >= left && used + cells <= room + GAP;
        if fits {
            used += cells;
        }
        fits
    });
}

/// The columns that are drawn in an area so wide: the others have no room.
pub(in crate::tui) fn drawn(model: &Model, width: u16) -> Vec<ColumnContent> {
    let columns = fit(model, width.saturating_sub(MARGIN));
    columns.into_iter().map(|(_, column, _)| column.what).collect()
}

/// Draws the view's lines.
pub(in crate::tui) fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
    if model.lines() == 0 {
        super::nothing::draw(model, area, buffer);
        return;
    }
    let theme = &model.ui.theme;
    let room = area.width.saturating_sub(MARGIN);
    let columns = fit(model, room);
    let sort = current_sort(model);
    let mut x = area.x + MARGIN;
    for (number, column, width) in &columns {
        let sorted = sort.by.is_some() && column.sort == sort.by;
        let arrow = match (sorted, sort.reverse, model.ui.ascii) {
            (false, ..) => "",
            (true, false, false) => " ↑",
            (true, true, false) => " ↓",
            (true, false, true) => " ^",
            (true, true, true) => " v",
        };
        let head = format!("{}{arrow}", column.head);
        let text = super::plain(&cut(&head, usize::from(*width)), model.ui.ascii);
        buffer.set_stringn(x, area.y, &text, usize::from(*width), theme.style(Role::Title));
        hits.heads.push((Rect::new(x, area.y, *width, 1), *number));
        x = x.saturating_add(*width).saturating_add(GAP);
    }
    let lines = Rect {
        y: area.y + 1,
        height: height(area),
        ..area
    };
    hits.lines = lines;
    let top = model.cursor().top;
    let drawn: Vec<ColumnContent> = columns.iter().map(|(_, column, _)| column.what).collect();
    let mut text = String::new();
    for (offset, y) in (lines.y..lines.y + lines.height).enumerate() {
        let line = top + offset;
        if line >= model.lines() {
            break;
        }
        let selected = line == model.cursor().at && model.detail.as_ref().is_none_or(|detail| !detail.focused);
        if is_marked(model, line) {
            buffer.set_string(
                area.x,
                y,
                if model.ui.ascii { "*" } else { "●" },
                theme.style(Role::Key),
            );
        } else if has_changed(model, line) {
            let sign = if model.ui.ascii { "~" } else { "•" };
            buffer.set_string(area.x, y, sign, theme.status(Status::Info));
        }
        let mut x = area.x + MARGIN;
        for (_, column, room) in &columns {
            text.clear();
            let mut tone = cell(model, model.view, line, column.what, &mut text);
            if name(model, line, column.what, &drawn, &mut text) {
                tone = Tone::Plain;
            }
            let mut cells = usize::from(*room);
            let mut at = x;
            if column.what == ColumnContent::Row(RowColumn::Status) {
                let status = match tone {
                    Tone::Of(status) => status,
                    _ => Status::Unknown,
                };
                buffer.set_string(at, y, sign(status, model.ui.ascii), theme.tone(tone));
                at += 2;
                cells = cells.saturating_sub(2);
            }
            if column.what == ColumnContent::Row(RowColumn::Reason) {
                whole_reasons(&mut text, cells);
            }
            let shown = super::plain(&cut(&text, cells), model.ui.ascii);
            buffer.set_stringn(at, y, shown, cells, theme.tone(tone));
            x = x.saturating_add(*room).saturating_add(GAP);
        }
        if line == model.cursor().at {
            let whole = Rect::new(area.x, y, area.width, 1);
            let style = if selected {
                theme.selected()
            } else {
                Style::new().add_modifier(Modifier::UNDERLINED)
            };
            buffer.set_style(whole, style);
        }
    }
}

/// Puts what a line is about in the place of the host that it has not, where no column that is `drawn` says it.
fn name(model: &Model, line: usize, what: ColumnContent, drawn: &[ColumnContent], text: &mut String) -> bool {
    if what != ColumnContent::Row(RowColumn::Host) {
        return false;
    }
    let name = model.view.name(model, line, drawn);
    let named = name.is_some();
    if let Some(name) = name {
        *text = name;
    }
    named
}

/// Leaves out whole reasons at the end, and says how many, where not all of them fit.
fn whole_reasons(text: &mut String, room: usize) {
    if text.len() <= room {
        return;
    }
    let reasons: Vec<&str> = text.split(',').collect();
    let (named, more) = match reasons
        .last()
        .and_then(|last| last.strip_prefix('+')?.parse::<usize>().ok())
    {
        Some(more) => (&reasons[..reasons.len() - 1], more),
        None => (reasons.as_slice(), 0),
    };
    for shown in (1..named.len()).rev() {
        let fits = format!("{},+{}", named[..shown].join(","), named.len() - shown + more);
        if fits.len() <= room || shown == 1 {
            *text = fits;
            return;
        }
    }
}

fn is_marked(model: &Model, line: usize) -> bool {
    if model.marks.is_empty() {
        return false;
    }
    let about = model.view.about(model, line);
    about.is_some_and(|about| model.marks.contains(about))
}

/// Whether a line has changed in the last minute.
fn has_changed(model: &Model, line: usize) -> bool {
    if model.changed.is_empty() {
        return false;
    }
    let about = model.view.about(model, line);
    about.is_some_and(|about| model.changed.contains_key(about))
}
