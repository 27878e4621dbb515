//! The two lines at the bottom: what is typed or was said, and which keys there are.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use super::plain;
use crate::{
    report::Status,
    text::{
        clear,
        width::{cut, width},
    },
    tui::{
        filter::Filter,
        keymap::Action,
        model::{Hits, Model, Prompt, Recall, popup::Popup},
        theme::Role,
        update::{can::refusal, fitting, printed::view_command, texts::show_command},
    },
};

/// Draws what is typed, a notice, or the command that shows the same. Returns where the cursor is.
pub(super) fn draw_prompt(model: &Model, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let theme = &model.ui.theme;
    let room = usize::from(area.width);
    let mut put = |text: &str, style: Style| {
        let text = plain(&cut(&clear(text), room), model.ui.ascii);
        buffer.set_stringn(area.x, area.y, text, room, style);
    };
    match &model.prompt {
        Some(Prompt::Filter(input) | Prompt::Find(input)) => {
            let (text, cells) = input.shown(room.saturating_sub(1));
            put(&format!("/{text}"), theme.style(Role::Key));
            let at = u16::try_from(cells).unwrap_or(u16::MAX);
            return Some(Position::new(
                area.x.saturating_add(1).saturating_add(at).min(area.right() - 1),
                area.y,
            ));
        }
        Some(Prompt::Command(input)) => {
            let (text, cells) = input.shown(room.saturating_sub(1));
            let typed = format!(":{text}");
            let shown = words_that_fit(model, input.text(), room.saturating_sub(typed.len() + 4));
            put(&format!("{typed}    {shown}"), theme.style(Role::Dim));
            put_over(buffer, area, &typed, theme.style(Role::Key), model.ui.ascii);
            let at = u16::try_from(cells).unwrap_or(u16::MAX);
            return Some(Position::new(
                area.x.saturating_add(1).saturating_add(at).min(area.right() - 1),
                area.y,
            ));
        }
        None => {}
    }
    if let Some(notice) = &model.notice {
        let style = if notice.bad {
            theme.status(Status::Warning)
        } else {
            theme.status(Status::Info)
        };
        put(&notice.text, style);
    } else if let Some(detail) = &model.detail {
        put(&show_command(model, &detail.of).to_string(), theme.style(Role::Dim));
    } else if let Some(lost) = &model.lost {
        put(&format!("connection lost: {lost}"), theme.status(Status::Warning));
    } else if let Some(command) = view_command(model) {
        put(&command.to_string(), theme.style(Role::Dim));
    }
    None
}

/// All words that fit what is typed, from the one that Tab has put in place on, and how many more there are than fit here.
fn words_that_fit(model: &Model, text: &str, room: usize) -> String {
    let (typed, at) = match &model.recall {
        Recall::Completed { typed, at } => (typed.as_str(), *at),
        _ => (text, 0),
    };
    let mut words = fitting(model, typed);
    let first = at.min(words.len());
    words.rotate_left(first);
    let mut out = String::new();
    for (number, word) in words.iter().enumerate() {
        let more = format!(" +{}", words.len() - number);
        let last = number + 1 == words.len();
        if width(&out) + 1 + width(word) + if last { 0 } else { more.len() } > room {
            out.push_str(&more);
            break;
        }
        if number > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn put_over(buffer: &mut Buffer, area: Rect, text: &str, style: Style, ascii: bool) {
    let room = usize::from(area.width);
    buffer.set_stringn(area.x, area.y, plain(&cut(&clear(text), room), ascii), room, style);
}

/// The actions that the footer shows, the most wanted first: on a narrow screen the others have no room. In a window those that
/// decide come first.
// One arm a window: a list, and no course of things.
#[allow(clippy::too_many_lines)]
fn shown(model: &Model) -> &'static [Action] {
    match model.popups.last() {
        Some(Popup::Plan(_)) => &[
            Action::Confirm,
            Action::Back,
            Action::Stage,
            Action::Issuer,
            Action::Solver,
            Action::Advertise,
            Action::Flags,
            Action::Keep,
            Action::Help,
        ],
        Some(Popup::Run(window)) if model.has_passed(&window.runs) => &[
            Action::Stage,
            Action::Back,
            Action::Issuer,
            Action::Solver,
            Action::Advertise,
            Action::Flags,
            Action::Keep,
            Action::Down,
            Action::Help,
        ],
        Some(Popup::Run(window)) if model.has_failed(&window.runs) => &[
            Action::Back,
            Action::Issuer,
            Action::Solver,
            Action::Advertise,
            Action::Flags,
            Action::Stage,
            Action::Keep,
            Action::Down,
            Action::Help,
        ],
        Some(Popup::Run(_)) => &[Action::Back, Action::Cancel, Action::Wait, Action::Down, Action::Help],
        Some(Popup::Help { .. } | Popup::Log { .. } | Popup::Text(_)) if model.sought.is_some() => &[
            Action::Back,
            Action::FindNext,
            Action::FindPrevious,
            Action::Find,
            Action::Down,
            Action::Help,
        ],
        Some(Popup::Help { .. } | Popup::Log { .. } | Popup::Text(_)) => {
            &[Action::Back, Action::Find, Action::Down, Action::PageDown, Action::Help]
        }
        Some(Popup::Menu(_)) => &[Action::Back, Action::Down, Action::Help],
        Some(_) => &[Action::Back, Action::Down, Action::PageDown, Action::Help],
        None if model.is_beside() => {
            if model.detail.as_ref().is_some_and(|detail| detail.focused) {
                &[
                    Action::Focus,
                    Action::Down,
                    Action::PageDown,
                    Action::Explain,
                    Action::Back,
                    Action::Renew,
                    Action::Copy,
                    Action::Help,
                    Action::Quit,
                ]
            } else {
                &[
                    Action::Focus,
                    Action::Renew,
                    Action::Filter,
                    Action::Explain,
                    Action::Probe,
                    Action::Mark,
                    Action::Yaml,
                    Action::Back,
                    Action::Copy,
                    Action::Help,
                    Action::Quit,
                ]
            }
        }
        None => model.view.hints(),
    }
}

/// Draws key hints: those that cannot be used now are dim.
pub(super) fn draw_keys(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
    let theme = &model.ui.theme;
    if model.is_typing() {
        let text = match &model.prompt {
            Some(Prompt::Filter(_)) => match &model.rows.choice().filter {
                Filter::Wrong(why) => &format!("re: {why}"),
                _ => "enter keeps it   esc clears it   !text without   -f fuzzy   -l labels   re:expression",
            },
            Some(Prompt::Find(_)) => "enter keeps it, n and N go on   esc clears it   re:expression",
            Some(Prompt::Command(_)) => "enter runs it   tab completes, again for the next   up recalls   esc cancels",
            None => "enter continues   esc cancels",
        };
        // What is typed stands where notices do.
        let (text, style) = match &model.notice {
            Some(notice) if notice.bad && model.prompt.is_some() => {
                (notice.text.as_str(), theme.status(Status::Warning))
            }
            _ => (text, theme.style(Role::Dim)),
        };
        let text = plain(&cut(&clear(text), area.width.into()), model.ui.ascii);
        buffer.set_stringn(area.x, area.y, text, area.width.into(), style);
        return;
    }
    let mut x = area.x;
    // The keys of a question and of a menu are no actions.
    let answers: &[(&str, &str)] = match model.popups.last() {
        Some(Popup::Ask(_)) => &[("y", "yes"), ("n", "no")],
        Some(Popup::Menu(_)) => &[("enter", "choose")],
        _ => &[],
    };
    for (key, word) in answers {
        (x, _) = buffer.set_stringn(x, area.y, key, usize::from(area.width), theme.style(Role::Key));
        (x, _) = buffer.set_stringn(x + 1, area.y, word, usize::from(area.width), theme.style(Role::Text));
        x += 2;
    }
    // Help and quit have their place whatever else fits.
    let all = shown(model);
    let fixed: u16 = all.iter().filter(|a| is_fixed(**a)).map(|a| cells(model, *a)).sum();
    let mut end = area.right().saturating_sub(fixed);
    for action in all {
        let key = model.ui.keymap.shown(*action);
        if key.is_empty() || !acts(model, *action) {
            continue;
        }
        if is_fixed(*action) {
            end = area.right() + 2;
        }
        let needed = cells(model, *action);
        if x + needed > end {
            continue;
        }
        let refused = refusal(model, *action).is_some();
        let (of_key, of_word) = if refused {
            (theme.style(Role::Dim), theme.style(Role::Dim))
        } else {
            (theme.style(Role::Key), theme.style(Role::Text))
        };
        let from = x;
        (x, _) = buffer.set_stringn(x, area.y, &key, usize::from(area.width), of_key);
        (x, _) = buffer.set_stringn(x + 1, area.y, action.short(), usize::from(area.width), of_word);
        hits.actions.push((Rect::new(from, area.y, x - from, 1), *action));
        x += 2;
    }
}

/// Whether a key is offered: windows, and some views, offer only those that do something now.
fn acts(model: &Model, action: Action) -> bool {
    let scrolls = matches!(action, Action::Down | Action::PageDown);
    let menu = matches!(model.popups.last(), Some(Popup::Menu(_)));
    let list = model.popups.is_empty();
    if list && model.view.hints_all() {
        return true;
    }
    refusal(model, action).is_none() && (list || !scrolls || menu || super::popup::scrolls(model))
}

fn is_fixed(action: Action) -> bool {
    matches!(action, Action::Help | Action::Quit)
}

fn cells(model: &Model, action: Action) -> u16 {
    let cells = width(&model.ui.keymap.shown(action)) + 1 + width(action.short()) + 2;
    u16::try_from(cells).unwrap_or(u16::MAX)
}
