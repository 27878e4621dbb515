//! The picture of one route or Secret: beside the table where there is room, else in its place.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Block, BorderType, Borders, Paragraph, Widget},
};

use super::{Areas, found::highlight, plain, styled, wrapped};
use crate::{
    report::{Status, show::Tone},
    text::{clear, width::cut},
    tui::{
        message::{StyledLines, Trouble},
        model::{Hits, Model},
        theme::Role,
    },
};

/// The lines of a text that was asked for: the text, why there is none, or that it is on its way.
pub(super) fn lines_of(lines: Option<&Result<StyledLines, Trouble>>, room: usize) -> std::borrow::Cow<'_, StyledLines> {
    use std::borrow::Cow;
    match lines {
        Some(Ok(lines)) => Cow::Borrowed(lines),
        None => Cow::Owned(vec![vec![(Tone::Dim, "reading ...".to_owned())]]),
        Some(Err(trouble)) => Cow::Owned(of_trouble(trouble, Status::Critical, room)),
    }
}

/// What went wrong, and what to do, below each other.
pub(super) fn of_trouble(trouble: &Trouble, status: Status, room: usize) -> StyledLines {
    let what = wrapped("", "", &clear(&trouble.what), room).into_iter();
    let hint = trouble
        .hint
        .as_ref()
        .map(|hint| wrapped("hint: ", "      ", &clear(hint), room));
    what.map(|line| vec![(Tone::Of(status), line)])
        .chain(hint.into_iter().flatten().map(|line| vec![(Tone::Plain, line)]))
        .collect()
}

/// The lines of the picture, as they are drawn.
pub(super) fn text(model: &Model, areas: Areas) -> StyledLines {
    let room = usize::from(areas.side.unwrap_or(areas.body).width.saturating_sub(2));
    let lines = model.detail.as_ref().and_then(|detail| detail.lines.as_ref());
    lines_of(lines, room).into_owned()
}

/// Takes away what was scrolled too far.
pub(super) fn clamp(model: &mut Model, areas: Areas) {
    let height = usize::from(areas.side.unwrap_or(areas.body).height.saturating_sub(2));
    if let Some(detail) = &mut model.detail {
        let lines = match &detail.lines {
            Some(Ok(lines)) => lines.len(),
            _ => 1,
        };
        detail.scroll = detail.scroll.min(lines.saturating_sub(height));
    }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
    let Some(detail) = &model.detail else { return };
    let theme = &model.ui.theme;
    let title = format!("{} in {}", detail.of.word(), detail.of.key.namespace);
    let focused = detail.focused && model.is_beside();
    let mark = if focused { "> " } else { "" };
    let title = format!(
        " {mark}{} ",
        cut(&clear(&title), usize::from(area.width.saturating_sub(6)))
    );
    let border = if detail.focused {
        theme.style(Role::Key)
    } else {
        theme.style(Role::Border)
    };
    let mut block = framed(model.ui.ascii);
    // Seen without colour too.
    if focused && !model.ui.ascii {
        block = block.border_type(BorderType::Thick);
    }
    let block = block
        .title(plain(&title, model.ui.ascii))
        .title_style(theme.style(Role::Title))
        .border_style(border);
    let inside = block.inner(area);
    block.render(area, buffer);
    hits.text = inside;
    let lines = lines_of(detail.lines.as_ref(), usize::from(inside.width));
    let shown: StyledLines = lines
        .iter()
        .skip(detail.scroll)
        .take(usize::from(inside.height))
        .map(|runs| {
            runs.iter()
                .map(|(tone, run)| (*tone, plain(run, model.ui.ascii)))
                .collect()
        })
        .collect();
    Paragraph::new(styled(&shown, theme)).render(inside, buffer);
    if model.popups.is_empty() && model.front().is_some() {
        highlight(model, &shown, detail.scroll, inside, buffer);
    }
    more(lines.len(), detail.scroll, inside, area, model, buffer);
}

/// Says in the frame how much is above and below.
pub(super) fn more(total: usize, scroll: usize, inside: Rect, area: Rect, model: &Model, buffer: &mut Buffer) {
    let seen = scroll + usize::from(inside.height);
    if scroll == 0 && total <= seen {
        return;
    }
    let text = format!(" {}-{} of {total} ", (scroll + 1).min(total), seen.min(total));
    let x = area.right().saturating_sub(u16::try_from(text.len()).unwrap_or(0) + 2);
    buffer.set_string(x, area.bottom() - 1, text, model.ui.theme.style(Role::Dim));
}

/// A frame, of ASCII where nothing else can be drawn.
pub(in crate::tui) fn framed(ascii: bool) -> Block<'static> {
    let block = Block::new().borders(Borders::ALL);
    if ascii {
        block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        })
    } else {
        block
    }
}
