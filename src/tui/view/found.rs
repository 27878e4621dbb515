//! What is looked for in a text: its lines as they are drawn, and the places in them.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{areas, detail, plain, popup};
use crate::{
    text::width::width,
    tui::{
        message::StyledLines,
        model::{Front, Model},
    },
};

/// The lines of the text in front, as they are drawn; `None` where there is none.
pub(in crate::tui) fn text_in_front(model: &Model) -> Option<Vec<String>> {
    let lines = match model.front()? {
        Front::Picture(_) => detail::text(model, areas(model)),
        Front::Help | Front::Log | Front::Text(_) => popup::text(model)?,
    };
    let ascii = model.ui.ascii;
    Some(lines.iter().map(|runs| joined(runs, ascii)).collect())
}

fn joined<T>(runs: &[(T, String)], ascii: bool) -> String {
    runs.iter().map(|(_, run)| plain(run, ascii)).collect()
}

/// Marks what is looked for in the lines that are shown, of which `first` is the number of the first.
pub(super) fn highlight(model: &Model, shown: &StyledLines, first: usize, area: Rect, buffer: &mut Buffer) {
    let Some(sought) = &model.sought else { return };
    for (line, y) in shown.iter().zip(area.y..area.bottom()) {
        let text = joined(line, model.ui.ascii);
        let at = first + usize::from(y - area.y);
        let modifier = if sought.at == Some(at) {
            Modifier::REVERSED | Modifier::BOLD
        } else {
            Modifier::REVERSED
        };
        for range in sought.pattern.places(&text) {
            let cells = |text: &str| u16::try_from(width(text)).unwrap_or(u16::MAX);
            let (Some(before), Some(place)) = (text.get(..range.start), text.get(range)) else {
                continue;
            };
            let x = area.x.saturating_add(cells(before));
            let place = Rect::new(x, y, cells(place), 1).intersection(area);
            buffer.set_style(place, Style::new().add_modifier(modifier));
        }
    }
}
