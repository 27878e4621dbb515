//! What stands where there would be lines: why there is none, and what to do.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Paragraph, Widget as _},
};

use super::{detail::of_trouble, line_of, plain, styled, wrapped};
use crate::{
    report::{Status, show::Tone},
    text::{clear, grouped},
    tui::{
        filter::Filter,
        keymap::Action,
        message::StyledLines,
        model::{Model, Reading},
    },
};

/// The cells before the text, as before the first column of a table.
const MARGIN: u16 = 2;

/// Why there is nothing, and what to do.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let inside = Rect {
        x: area.x.saturating_add(MARGIN),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(MARGIN),
        height: area.height.saturating_sub(1),
    };
    let lines: StyledLines = why(model, usize::from(inside.width))
        .iter()
        .map(|runs| {
            runs.iter()
                .map(|(tone, run)| (*tone, plain(run, model.ui.ascii)))
                .collect()
        })
        .collect();
    Paragraph::new(styled(&lines, &model.ui.theme)).render(inside, buffer);
}

fn why(model: &Model, room: usize) -> StyledLines {
    let key = |action: Action| model.ui.keymap.shown(action);
    let dim = |texts: &[String]| -> StyledLines {
        let lines = texts.iter().flat_map(|text| wrapped("", "", &clear(text), room));
        lines.map(|line| line_of(Tone::Dim, line)).collect()
    };
    if let Some(told) = model.view.nothing(model) {
        return dim(&[told]);
    }
    match &model.reading {
        Reading::Failed(trouble) => {
            let mut lines = of_trouble(trouble, Status::Critical, room);
            lines.push(line_of(Tone::Plain, format!("{} retries.", key(Action::Reread))));
            lines
        }
        Reading::Going { .. } if model.rows.total() == 0 => dim(&["Reading ...".to_owned()]),
        _ => {
            let lines = not_chosen(model).or_else(|| not_started_with(model));
            dim(&lines.unwrap_or_else(|| nothing_there(model)))
        }
    }
}

/// What chooses, in the order in which Esc takes it away.
fn choosing(model: &Model) -> Vec<String> {
    let choice = model.rows.choice();
    let mut all = Vec::new();
    if choice.filter != Filter::Everything {
        all.push(format!("the filter /{}", model.filter.trim()));
    }
    if choice.problems_only {
        all.push("problems only".to_owned());
    }
    all.extend(choice.reason.map(|reason| format!("reason {reason}")));
    all.extend(choice.between.map(|period| format!("between {period}")));
    all.extend(choice.namespace.as_ref().map(|name| format!("namespace {name}")));
    all
}

/// What chooses none of the lines that there are, and which key takes it away; `None` where all are chosen.
fn not_chosen(model: &Model) -> Option<Vec<String>> {
    let (count, noun) = model.view.chosen_from(model)?;
    let choosing = choosing(model);
    if count == 0 || choosing.is_empty() {
        return None;
    }
    let key = model.ui.keymap.shown(Action::Back);
    let clears = match choosing.len() {
        1 => format!("{key} clears it."),
        _ => format!("{key} clears the first of these, pressed again the next."),
    };
    let count = grouped(count);
    let told = format!("None of {count} {noun} is chosen by {}.", choosing.join(", "));
    Some(vec![told, clears])
}

/// The flags with which the program was started and which leave nothing.
fn not_started_with(model: &Model) -> Option<Vec<String>> {
    if model.rows.total() > 0 {
        return None;
    }
    let given = |names: &[&str]| {
        let flags = model.place.check_flags.chunks(2);
        let given: Vec<String> = flags
            .filter(|flag| flag.first().is_some_and(|name| names.contains(&name.as_str())))
            .map(|flag| flag.join(" "))
            .collect();
        (!given.is_empty()).then(|| given.join(" "))
    };
    if model.left_out > 0 {
        let flags = given(&["--reason", "--min-severity"])?;
        let count = grouped(model.left_out);
        return Some(vec![format!(
            "None of {count} rows is chosen by {flags}, with which the program was started."
        )]);
    }
    let flags = given(&["--selector", "--field-selector"])?;
    Some(vec![format!(
        "No route that {flags} chooses is served over TLS; the program was started with that."
    )])
}

fn nothing_there(model: &Model) -> Vec<String> {
    let place = match model.place.namespaces.as_slice() {
        [] => "here".to_owned(),
        names => format!("in namespace {}", names.join(", ")),
    };
    let lacks = model.view.lacks().filter(|_| model.rows.total() > 0);
    let mut lines = vec![format!("Nothing {place} {}.", lacks.unwrap_or("is served over TLS"))];
    if !model.place.namespaces.is_empty() {
        lines.push(":ns all shows all namespaces.".to_owned());
    }
    lines
}
