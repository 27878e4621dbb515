//! `?`: the keys, made from the one table that is the keymap.

use super::{Window, room};
use crate::{
    report::show::Tone,
    text::width::width,
    tui::{
        keymap::{Action, Scope},
        message::StyledLines,
        model::{Model, popup::Popup},
        update::{COMMANDS, can::refusal},
        view::wrapped,
    },
};

/// The fewest cells of a column.
const COLUMN: usize = 50;
/// The cells between two columns.
const GAP: usize = 2;

pub(super) fn window(model: &Model) -> Window {
    // The window below the help is in front of the view: its keys come first.
    let below = model.popups.iter().rev().nth(1);
    let (here, heading) = match below {
        Some(Popup::Plan(_)) => (Scope::Plan, "In this plan".to_owned()),
        Some(Popup::Run(_)) => (Scope::Orders, "In this run".to_owned()),
        Some(Popup::Text(_) | Popup::Log { .. }) => (Scope::Text, "In this text".to_owned()),
        _ => (model.view_scope(), format!("In this view: {}", model.view.word())),
    };
    let room = room(model);
    let columns = ((room + GAP) / (COLUMN + GAP)).max(1);
    let wide = (room + GAP) / columns - GAP;
    let mut sections: Vec<StyledLines> = Vec::new();
    let mut own = vec![vec![(Tone::Strong, heading)]];
    let of_view = Action::ALL.iter().filter(|action| action.scope() == here);
    own.extend(of_view.flat_map(|action| of_action(model, *action, wide)));
    sections.push(own);
    let mut group = "";
    for action in Action::ALL.iter().filter(|action| action.scope() != here) {
        if action.group() != group {
            group = action.group();
            sections.push(vec![vec![(Tone::Strong, group.to_owned())]]);
        }
        if let Some(section) = sections.last_mut() {
            section.extend(of_action(model, *action, wide));
        }
    }
    let mut commands = vec![vec![(Tone::Strong, "Commands".to_owned())]];
    for (word, rest) in COMMANDS {
        commands.push(vec![(Tone::Plain, format!("  :{word} {rest}").trim_end().to_owned())]);
    }
    sections.push(commands);
    Window {
        share: (90, 90),
        ..Window::new("keys", in_columns(&sections, columns, wide))
    }
}

/// The sections side by side in columns that are about as long as each other, and in their order: down the first column, then
/// down the second. A section may begin in one and end in the next.
fn in_columns(sections: &[StyledLines], columns: usize, wide: usize) -> StyledLines {
    let mut all: StyledLines = Vec::new();
    for section in sections {
        if !all.is_empty() {
            all.push(Vec::new());
        }
        all.extend(section.iter().cloned());
    }
    let high = all.len().div_ceil(columns).max(1);
    let parts: Vec<&[Vec<(Tone, String)>]> = all
        .chunks(high)
        // A column does not begin with the line between two sections.
        .map(|part| {
            if part.first().is_some_and(Vec::is_empty) {
                &part[1..]
            } else {
                part
            }
        })
        .collect();
    let mut lines: StyledLines = Vec::with_capacity(high);
    for at in 0..high {
        let mut line: Vec<(Tone, String)> = Vec::new();
        let mut used = 0;
        for (number, part) in parts.iter().enumerate() {
            let Some(cells) = part.get(at).filter(|runs| !runs.is_empty()) else {
                continue;
            };
            let from = number * (wide + GAP);
            if from > used {
                line.push((Tone::Plain, " ".repeat(from - used)));
                used = from;
            }
            used += cells.iter().map(|(_, text)| width(text)).sum::<usize>();
            line.extend(cells.iter().cloned());
        }
        lines.push(line);
    }
    lines
}

/// An action with its keys. A long line is broken between words.
fn of_action(model: &Model, action: Action, wide: usize) -> StyledLines {
    let keys: Vec<String> = model.ui.keymap.keys(action).iter().map(ToString::to_string).collect();
    let keys = if keys.is_empty() {
        "(no key)".to_owned()
    } else {
        keys.join(", ")
    };
    let first = format!("  {keys:<16} ");
    let mut help = action.help().to_owned();
    // What cannot be used now says why. Only what never changes while the help is read.
    let lasting = model.is_manifests() || model.ui.read_only;
    let why =
        refusal(model, action).filter(|_| lasting && matches!(action, Action::Renew | Action::Restart | Action::Yaml));
    let tone = if why.is_some() { Tone::Dim } else { Tone::Plain };
    if let Some(why) = why {
        help = format!("{help} ({why})");
    }
    let rest = " ".repeat(first.len());
    wrapped(&first, &rest, &help, wide)
        .into_iter()
        .map(|line| vec![(tone, line)])
        .collect()
}
