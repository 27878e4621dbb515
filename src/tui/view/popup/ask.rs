//! Questions, lines that are typed, and menus.

use super::{Window, room};
use crate::{
    report::show::Tone,
    text::{clear, width::cut},
    tui::{
        columns::Columns,
        keymap::Action,
        message::StyledLines,
        model::{
            Model,
            popup::{Ask, Chooses, InputLine, Menu},
        },
        view::{areas, table, wrapped},
    },
};

pub(super) fn ask(model: &Model, ask: &Ask) -> Window {
    let room = room(model);
    let mut lines: StyledLines = Vec::new();
    for line in &ask.lines {
        // How far a line of a file is indented says something.
        let line = clear(line);
        let indent = line.find(|c| !" +-".contains(c)).unwrap_or(0).min(room / 2);
        let (first, text) = line.split_at(indent);
        lines.extend(
            wrapped(first, &" ".repeat(indent), text, room)
                .into_iter()
                .map(|line| vec![(Tone::Plain, line)]),
        );
    }
    lines.push(Vec::new());
    lines.push(vec![
        (Tone::Strong, "y".to_owned()),
        (Tone::Plain, " yes   ".to_owned()),
        (Tone::Strong, "n".to_owned()),
        (Tone::Plain, " no".to_owned()),
    ]);
    Window {
        scroll: ask.scroll,
        ..Window::new("are you sure?", lines)
    }
}

pub(super) fn line(model: &Model, line: &InputLine) -> Window {
    let room = room(model);
    let (shown, at) = line.input.shown(room.saturating_sub(2));
    let mut lines = vec![vec![(Tone::Strong, format!("> {shown}"))]];
    for help in wrapped("", "", &line.help, room) {
        lines.push(vec![(Tone::Dim, help)]);
    }
    Window {
        cursor: Some((0, 2 + at)),
        ..Window::new(line.title.clone(), lines)
    }
}

pub(super) fn menu(model: &Model, menu: &Menu) -> Window {
    let room = room(model);
    let drawn = table::drawn(model, areas(model).body.width);
    let widest = menu.entries.iter().map(|(_, word, _)| word.len()).max().unwrap_or(0);
    let lines = menu
        .entries
        .iter()
        .enumerate()
        .map(|(at, (key, word, value))| {
            let chosen = if at == menu.at { ">" } else { " " };
            let value = match menu.chooses {
                Chooses::Columns => {
                    let column = Columns::all(model.view).iter().find(|column| column.head == word);
                    let wanted = column.is_some_and(|column| model.columns.has(model.view, column));
                    let drawn = column.is_some_and(|column| drawn.contains(&column.what));
                    match (wanted, drawn) {
                        (true, true) => "shown".to_owned(),
                        (true, false) if column.is_some_and(|column| !table::says_something(model, column.what)) => {
                            "all lines are of one, which stands above".to_owned()
                        }
                        (true, false) => {
                            let right = model.ui.keymap.shown(Action::ScrollRight);
                            format!("no room: {right} goes to it")
                        }
                        (false, _) => "hidden".to_owned(),
                    }
                }
                _ => cut(&clear(value), room.saturating_sub(widest + 7)).into_owned(),
            };
            vec![
                (Tone::Strong, format!("{chosen} {key}  ")),
                (Tone::Plain, format!("{word:<widest$}  ")),
                (Tone::Dim, value),
            ]
        })
        .collect();
    Window {
        chosen: Some(menu.at),
        ..Window::new(menu.title.clone(), lines)
    }
}
