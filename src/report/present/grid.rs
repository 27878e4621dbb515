//! Lines of cells, padded to their columns as kubectl pads them.

use std::fmt::Write as _;

use anstyle::Style;

use crate::text::width::width;

/// What stands between two columns.
pub const GAP: &str = "   ";

/// Makes columns as wide as the cells of a line, where these are wider.
pub fn widen(widths: &mut [usize], cells: &[impl AsRef<str>]) {
    for (room, cell) in widths.iter_mut().zip(cells) {
        *room = width(cell.as_ref()).max(*room);
    }
}

/// Appends one cell. It is padded to the `room` of its column; the last of a line has none, so that it does not end with spaces.
pub fn push(line: &mut String, text: &str, style: Style, room: Option<usize>) {
    if style == Style::new() {
        line.push_str(text);
    } else {
        let _ = write!(line, "{style}{text}{style:#}");
    }
    if let Some(room) = room {
        line.extend(std::iter::repeat_n(' ', room.saturating_sub(width(text))));
        line.push_str(GAP);
    }
}

/// Lines of cells, of which all have as many: each column as wide as its widest cell, without newlines.
pub fn padded<L: AsRef<[String]>>(lines: &[L]) -> impl Iterator<Item = String> {
    let mut widths = vec![0; lines.first().map_or(0, |cells| cells.as_ref().len())];
    for cells in lines {
        widen(&mut widths, cells.as_ref());
    }
    lines.iter().map(move |cells| {
        let cells = cells.as_ref();
        let mut line = String::new();
        for (at, (cell, room)) in cells.iter().zip(&widths).enumerate() {
            push(
                &mut line,
                cell,
                Style::new(),
                Some(*room).filter(|_| at + 1 < cells.len()),
            );
        }
        line
    })
}
