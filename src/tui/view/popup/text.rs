//! Windows of text: what was asked for, and the log.

use super::{Window, room};
use crate::{
    report::{Status, show::Tone},
    text::{
        clear, time,
        width::{letters, width},
    },
    tui::{
        message::{Level, StyledLines},
        model::{Model, popup::Text},
        view::{detail::lines_of, wrapped},
    },
};

pub(super) fn text(model: &Model, text: &Text) -> Window {
    let room = room(model);
    let lines = lines_of(text.lines.as_ref(), room);
    let mut fitted: StyledLines = Vec::new();
    for runs in lines.iter() {
        match runs.as_slice() {
            [(tone, line)] if width(line) > room => {
                let indent = line.len() - line.trim_start().len();
                let indent = " ".repeat(indent.min(room / 2));
                let parts = wrapped(&indent, &indent, line.trim_start(), room);
                fitted.extend(parts.into_iter().map(|part| vec![(*tone, part)]));
            }
            runs => fitted.extend(broken(runs, room)),
        }
    }
    Window {
        scroll: text.scroll,
        command: text.command.clone(),
        ..Window::new(text.title.clone(), fitted)
    }
}

/// A line of several runs, broken where it is full: what follows stands below, moved in as far as its beginning is.
fn broken(runs: &[(Tone, String)], room: usize) -> StyledLines {
    let first = runs.iter().find(|(_, text)| !text.trim().is_empty());
    let indent = runs
        .first()
        .zip(first)
        .map_or(0, |((_, text), _)| text.len() - text.trim_start().len());
    let indent = (indent + 2).min(room / 2);
    let mut lines: StyledLines = vec![Vec::new()];
    let mut used = 0;
    for (tone, text) in runs {
        let mut part = String::new();
        for (letter, cells) in letters(text) {
            if used + cells > room {
                if let Some(line) = lines.last_mut() {
                    line.push((*tone, std::mem::take(&mut part)));
                }
                lines.push(vec![(Tone::Plain, " ".repeat(indent))]);
                used = indent;
            }
            part.push_str(letter);
            used += cells;
        }
        if let Some(line) = lines.last_mut() {
            line.push((*tone, part));
        }
    }
    lines
}

pub(super) fn log(model: &Model, scroll: usize) -> Window {
    let room = room(model);
    let mut lines: StyledLines = Vec::new();
    // The newest is what one looks for: it is first.
    for line in model.log.iter().rev() {
        let at = time::date_time(line.at);
        let at = at.get(11..19).unwrap_or_default();
        let tone = match line.level {
            Level::Note => Tone::Plain,
            Level::Warning => Tone::Of(Status::Warning),
            Level::Error => Tone::Of(Status::Critical),
        };
        let word = match line.level {
            Level::Note => "",
            Level::Warning => "warning: ",
            Level::Error => "error: ",
        };
        let text = wrapped(&format!("{at} {word}"), "         ", &clear(&line.text), room);
        lines.extend(text.into_iter().map(|text| vec![(tone, text)]));
    }
    if lines.is_empty() {
        lines.push(vec![(Tone::Dim, "the log is empty".to_owned())]);
    }
    Window {
        scroll,
        ..Window::new("log, newest first", lines)
    }
}
