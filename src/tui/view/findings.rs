//! Below the findings: what the chosen one says of its worst host, and what to do about it.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    widgets::{Paragraph, Widget},
};

use super::{detail::framed, plain, styled, wrapped};
use crate::{
    check::words,
    report::{Status, show::Tone},
    text::clear,
    tui::{
        message::StyledLines,
        model::{Model, View},
        theme::Role,
    },
};

/// The table's part of an area, and that of the remedy where there is one.
pub(super) fn split(model: &Model, area: Rect) -> (Rect, Option<Rect>) {
    if model.view != View::Findings || area.height < 16 || model.derived.groups.is_empty() {
        return (area, None);
    }
    let [table, below] =
        Layout::vertical([Constraint::Min(6), Constraint::Length((area.height / 3).max(7))]).areas(area);
    (table, Some(below))
}

/// Draws what the chosen finding says.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.ui.theme;
    let Some(group) = model.derived.groups.get(model.cursor().at) else {
        return;
    };
    let Some(item) = model.rows.about(&group.example) else {
        return;
    };
    let row = item.row(&model.place.context);
    let ascii = model.ui.ascii;
    let host = item
        .host
        .as_deref()
        .filter(|host| !host.is_empty())
        .unwrap_or("every host");
    let title = format!(" {} at {host} in {} ", group.reason, item.namespace);
    let block = framed(ascii)
        .title(plain(&clear(&title), ascii))
        .title_style(theme.style(Role::Title))
        .border_style(theme.style(Role::Border));
    let inside = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inside.width);
    let mut lines: StyledLines = Vec::new();
    let of_reason = item.findings.iter().filter(|finding| finding.reason() == group.reason);
    for finding in of_reason {
        let message = words::message(finding, &row, model.now());
        let remedy = words::remedy(finding, &row).text;
        let tone = Tone::Of(Status::from(finding.severity));
        lines.extend(
            wrapped("", "", &clear(&message), room)
                .into_iter()
                .map(|line| vec![(tone, line)]),
        );
        lines.extend(
            wrapped("→ ", "  ", &clear(&remedy), room)
                .into_iter()
                .map(|line| vec![(Tone::Plain, line)]),
        );
    }
    let lines: StyledLines = lines
        .into_iter()
        .map(|runs| {
            runs.into_iter()
                .map(|(tone, text)| (tone, plain(&text, ascii)))
                .collect()
        })
        .collect();
    Paragraph::new(styled(&lines, theme)).render(inside, buffer);
}
