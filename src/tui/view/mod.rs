//! `view(&model, frame)`: what the screen shows. It changes nothing.

pub(super) mod detail;
mod footer;
mod found;
pub(super) mod header;
mod nothing;
mod popup;
pub(super) mod table;

pub(super) use found::text_in_front;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    message::StyledLines,
    model::{Hits, LEAST, Model, SPLIT},
    theme::{Role, Theme},
};
use crate::report::{Status, show::Tone};

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// Where it comes from, and how it stands.
    pub header: Rect,
    /// The table, the timeline, or a picture that takes their place.
    pub body: Rect,
    /// The picture beside the table.
    pub side: Option<Rect>,
    /// What is typed, or a notice.
    pub prompt: Rect,
    /// Key hints.
    pub footer: Rect,
}

/// Where the parts are on a screen of this size.
pub fn areas(model: &Model) -> Areas {
    areas_in(model, Rect::new(0, 0, model.size.0, model.size.1))
}

/// The same for a screen that may have another size already than the model has been told.
fn areas_in(model: &Model, whole: Rect) -> Areas {
    let head = if whole.height < 20 { 2 } else { 3 };
    let [header, middle, prompt, footer] = Layout::vertical([
        Constraint::Length(head),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(whole);
    let beside = model.detail.is_some() && whole.width >= SPLIT;
    let (body, side) = if beside {
        let [body, side] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(middle);
        (body, Some(side))
    } else {
        (middle, None)
    };
    Areas {
        header,
        body,
        side,
        prompt,
        footer,
    }
}

/// Makes ready what is drawn: the lines of the view, where it is scrolled to, how wide its columns are.
pub fn prepare(model: &mut Model) {
    let (view, now) = (model.view, model.now());
    let at = stays(model).then_some(model.cursor().at);
    let sort = model.sorts[view as usize];
    if let Some(position) = model.derived.make(view, &model.rows, sort, now, at) {
        let cursor = model.cursor_mut();
        cursor.top = (cursor.top + position).saturating_sub(cursor.at);
        cursor.at = position;
    }
    let last = model.lines().saturating_sub(1);
    let areas = areas(model);
    let height = usize::from(view.height(model, areas.body));
    let cursor = model.cursor_mut();
    cursor.at = cursor.at.min(last);
    if cursor.at < cursor.top {
        cursor.top = cursor.at;
    } else if height > 0 && cursor.at >= cursor.top + height {
        cursor.top = cursor.at + 1 - height;
    }
    // No room stays empty below while there are lines above.
    cursor.top = cursor.top.min((last + 1).saturating_sub(height));
    table::measure(model, height);
    popup::clamp(model);
    detail::clamp(model, areas);
}

/// Whether the cursor stays on what it is on when lines come and go. At the top it stays at the top, where the worst comes in, unless a
/// picture shows what it is on.
fn stays(model: &Model) -> bool {
    let at = model.cursor().at;
    let shown = || Some(&model.detail.as_ref()?.of.key);
    at > 0 || shown().is_some_and(|shown| model.view.subject(model, at).is_some_and(|of| of.key == *shown))
}

/// Draws everything. What the mouse can press is noted in `hits`.
pub fn draw(model: &Model, frame: &mut Frame<'_>, hits: &mut Hits) {
    *hits = Hits::default();
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(model, area, frame.buffer_mut());
        return;
    }
    let areas = areas_in(model, area);
    let buffer = frame.buffer_mut();
    if let Some(style) = background(&model.ui.theme) {
        buffer.set_style(area, style);
    }
    header::draw(model, areas.header, buffer, hits);
    let full = model.detail.is_some() && areas.side.is_none();
    if full {
        detail::draw(model, areas.body, buffer, hits);
    } else {
        model.view.draw(model, areas.body, buffer, hits);
    }
    if let Some(side) = areas.side {
        detail::draw(model, side, buffer, hits);
    }
    let cursor = footer::draw_prompt(model, areas.prompt, buffer);
    footer::draw_keys(model, areas.footer, buffer, hits);
    let over = popup::draw(model, area, buffer, hits);
    if let Some(at) = over.or(cursor) {
        frame.set_cursor_position(at);
    }
}

/// A theme with colours of its own gives plain text one too.
fn background(theme: &Theme) -> Option<Style> {
    let style = theme.style(Role::Text);
    let style = theme.background().map_or(style, |colour| style.bg(colour));
    (style != Style::new()).then_some(style)
}

fn too_small(model: &Model, area: Rect, buffer: &mut Buffer) {
    let (width, height) = LEAST;
    let text = format!(
        "This terminal has {}x{} cells.\n{width}x{height} are needed.\n{} quits.",
        area.width,
        area.height,
        model.ui.keymap.shown(super::keymap::Action::Quit)
    );
    Paragraph::new(text).render(area, buffer);
}

/// The sign of a status: beside its word, so that it is seen without colour.
pub fn sign(status: Status, ascii: bool) -> &'static str {
    match (status, ascii) {
        (Status::Critical, false) => "✗",
        (Status::Critical, true) => "x",
        (Status::Warning, _) => "!",
        (Status::Unknown, _) => "?",
        (Status::Info, false) => "·",
        (Status::Info, true) => "-",
        (Status::Healthy, false) => "✓",
        (Status::Healthy, true) => "+",
    }
}

/// Text as a terminal of ASCII alone can show it.
pub fn plain(text: &str, ascii: bool) -> String {
    if ascii {
        crate::text::ascii(text).into_owned()
    } else {
        text.to_owned()
    }
}

/// Lines with what they mean, as the screen draws them.
pub fn styled<'a>(lines: &'a StyledLines, theme: &Theme) -> Vec<Line<'a>> {
    lines
        .iter()
        .map(|runs| {
            runs.iter()
                .map(|(tone, text)| Span::styled(text.as_str(), theme.tone(*tone)))
                .collect::<Line<'_>>()
        })
        .collect()
}

/// One line of a tone.
pub fn line_of(tone: Tone, text: impl Into<String>) -> Vec<(Tone, String)> {
    vec![(tone, text.into())]
}

/// Words broken into lines of at most `room` cells, the first after `first`, the others after `rest`.
pub fn wrapped(first: &str, rest: &str, text: &str, room: usize) -> Vec<String> {
    use crate::text::width::{letters, width};
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut filled = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(filled);
        if filled && width(&line) + gap + width(word) > room {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            filled = false;
        }
        if filled {
            line.push(' ');
        }
        // A word that is longer than a line is broken anywhere.
        for (letter, cells) in letters(word) {
            if width(&line) + cells > room && filled {
                lines.push(std::mem::replace(&mut line, rest.to_owned()));
            }
            line.push_str(letter);
            filled = true;
        }
    }
    lines.push(line);
    lines
}
