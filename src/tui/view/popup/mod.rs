//! Windows over a view: one file for each that has something to it.

mod ask;
mod help;
mod plan;
mod run;
mod text;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::{Clear, Paragraph, Widget},
};

use super::{
    detail::{framed, more},
    found::highlight,
    plain, styled,
};
use crate::{
    text::{clear, width::cut},
    tui::{
        message::StyledLines,
        model::{Hits, Model, popup::Popup},
        order::Run,
        theme::Role,
    },
};

/// A window, ready to be drawn.
struct Window {
    title: String,
    /// The command that does the same, in the frame below.
    command: Option<String>,
    lines: StyledLines,
    scroll: usize,
    /// The part of the screen that it may take, in percent.
    share: (u16, u16),
    /// Where the cursor is: a line, and cells from the left.
    cursor: Option<(usize, usize)>,
    /// The line that is chosen, and is seen whatever else is.
    chosen: Option<usize>,
}

/// The lines of the screen that no window covers: the badge above, and below what is told and which keys there are.
const ABOVE: u16 = 1;
const BELOW: u16 = 2;

/// Of what a window covers on a narrow screen, fewer columns than these beside it say nothing.
const STRIP: u16 = 12;

impl Window {
    fn new(title: impl Into<String>, lines: StyledLines) -> Self {
        Self {
            title: title.into(),
            command: None,
            lines,
            scroll: 0,
            share: (90, 85),
            cursor: None,
            chosen: None,
        }
    }

    /// Where it is: in the middle, as large as it needs to be, between what always is seen.
    fn area(&self, screen: Rect) -> Rect {
        let most = |all: u16, share: u16| u16::try_from(u32::from(all) * u32::from(share) / 100).unwrap_or(all);
        let widest = self
            .lines
            .iter()
            .map(|runs| {
                runs.iter()
                    .map(|(_, text)| crate::text::width::width(text))
                    .sum::<usize>()
            })
            .max()
            .unwrap_or(0)
            .max(crate::text::width::width(&self.title) + 4)
            .max(self.command.as_deref().map_or(0, crate::text::width::width) + 4);
        let narrow = screen.width < 100;
        let most_wide = if narrow {
            screen.width
        } else {
            most(screen.width, self.share.0)
        };
        let wide = u16::try_from(widest + 4)
            .unwrap_or(u16::MAX)
            .clamp(30, most_wide.max(30))
            .min(screen.width);
        let wide = if narrow && screen.width - wide < STRIP {
            screen.width
        } else {
            wide
        };
        let between = screen.height.saturating_sub(ABOVE + BELOW);
        let most_high = if screen.height < 24 {
            between
        } else {
            most(screen.height, self.share.1).min(between)
        };
        let high = u16::try_from(self.lines.len() + 2)
            .unwrap_or(u16::MAX)
            .clamp(3, most_high.max(3))
            .min(screen.height);
        let lowest = screen.height.saturating_sub(BELOW + high);
        let y = ((screen.height - high) / 2).min(lowest).max(ABOVE.min(lowest));
        Rect::new(screen.x + (screen.width - wide) / 2, screen.y + y, wide, high)
    }

    /// Scrolled so far that the line that is chosen is among the `height` that are seen.
    fn scrolled(&self, height: usize) -> usize {
        let least = self.chosen.map_or(0, |line| (line + 1).saturating_sub(height));
        self.scroll.max(least)
    }
}

/// The command line of runs, for the frame of their window; none where none does the same. What is said of further ones is a comment to
/// a shell.
fn command(runs: &[&Run]) -> Option<String> {
    let mut commands = runs.iter().map(|run| &run.command).filter(|command| !command.is_none());
    let first = commands.next()?;
    Some(match commands.count() {
        0 => first.to_string(),
        more => format!("{first}  # and {more} more"),
    })
}

/// How many cells a window's text may take.
fn room(model: &Model) -> usize {
    crate::tui::model::popup::room(model.size.0)
}

fn window(model: &Model, popup: &Popup) -> Window {
    match popup {
        Popup::Help { scroll } => Window {
            scroll: *scroll,
            ..help::window(model)
        },
        Popup::Text(text) => text::text(model, text),
        Popup::Log { scroll } => text::log(model, *scroll),
        Popup::Plan(planned) => plan::window(model, planned),
        Popup::Run(watched) => run::window(model, watched),
        Popup::Ask(ask) => ask::ask(model, ask),
        Popup::Line(line) => ask::line(model, line),
        Popup::Menu(menu) => ask::menu(model, menu),
    }
}

/// The lines of the window on top, as they are drawn.
pub(super) fn text(model: &Model) -> Option<StyledLines> {
    Some(window(model, model.popups.last()?).lines)
}

/// Whether the window on top has more lines than fit.
pub(super) fn scrolls(model: &Model) -> bool {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let Some(popup) = model.popups.last() else { return false };
    let window = window(model, popup);
    window.lines.len() > usize::from(window.area(screen).height.saturating_sub(2))
}

/// Takes away what was scrolled too far.
pub(super) fn clamp(model: &mut Model) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let Some(popup) = model.popups.last() else { return };
    let window = window(model, popup);
    let height = usize::from(window.area(screen).height.saturating_sub(2));
    let most = window.lines.len().saturating_sub(height);
    // Who types sees what is typed.
    let least = window.cursor.map_or(0, |(line, _)| (line + 1).saturating_sub(height));
    if let Some(scroll) = model.popups.last_mut().and_then(Popup::scroll_mut) {
        *scroll = (*scroll).clamp(least.min(most), most);
    }
}

/// Draws the window on top. Returns where the cursor is in it.
pub(super) fn draw(model: &Model, screen: Rect, buffer: &mut Buffer, hits: &mut Hits) -> Option<Position> {
    let popup = model.popups.last()?;
    if model.prompt.is_some() && matches!(popup, Popup::Ask(ask) if ask.of_run().is_some()) {
        return None;
    }
    let mut window = window(model, popup);
    let theme = &model.ui.theme;
    let area = window.area(screen);
    window.scroll = window.scrolled(usize::from(area.height.saturating_sub(2)));
    Clear.render(area, buffer);
    if let Some(style) = super::background(theme) {
        buffer.set_style(area, style);
    }
    // What it covers cannot be pressed.
    hits.actions.retain(|(covered, _)| !covered.intersects(area));
    let ascii = model.ui.ascii;
    let room = usize::from(area.width.saturating_sub(4));
    let title = format!(" {} ", cut(&clear(&window.title), room));
    let mut block = framed(ascii)
        .title(plain(&title, ascii))
        .title_style(theme.style(Role::Title))
        .border_style(theme.style(Role::Key));
    if let Some(command) = &window.command {
        let command = format!(" {} ", cut(&clear(command), room));
        block = block.title_bottom(plain(&command, ascii));
    }
    let inside = block.inner(area);
    block.render(area, buffer);
    // A cell of air on both sides.
    let text = Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    };
    let shown: StyledLines = window
        .lines
        .iter()
        .skip(window.scroll)
        .take(usize::from(text.height))
        .map(|runs| runs.iter().map(|(tone, run)| (*tone, plain(run, ascii))).collect())
        .collect();
    Paragraph::new(styled(&shown, theme)).render(text, buffer);
    if model.front().is_some() {
        highlight(model, &shown, window.scroll, text, buffer);
    }
    // Where the command stands below, how much there is stands above.
    let edge = if window.command.is_some() {
        Rect { height: 1, ..area }
    } else {
        area
    };
    more(window.lines.len(), window.scroll, text, edge, model, buffer);
    hits.text = text;
    let (line, cells) = window.cursor?;
    let y = u16::try_from(line.checked_sub(window.scroll)?).ok()?;
    let x = u16::try_from(cells)
        .unwrap_or(u16::MAX)
        .min(text.width.saturating_sub(1));
    (y < text.height).then(|| Position::new(text.x + x, text.y + y))
}
