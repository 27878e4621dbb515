//! The mouse: the wheel, a click on a line, on a column's head, on a key hint.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{act, arrange, picture, travel};
use crate::tui::{columns::Columns, effect::Effect, model::Model, rows::Sort};

/// How many lines one notch of the wheel moves.
const NOTCH: isize = 3;

pub(super) fn mouse(model: &mut Model, mouse: MouseEvent) -> Vec<Effect> {
    let at = Position::new(mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::ScrollUp => travel::wheel(model, -NOTCH, at),
        MouseEventKind::ScrollDown => travel::wheel(model, NOTCH, at),
        MouseEventKind::Down(MouseButton::Left) => click(model, at),
        _ => Vec::new(),
    }
}

fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    let action = model
        .hits
        .actions
        .iter()
        .find(|(area, _)| area.contains(at))
        .map(|hit| hit.1);
    if let Some(action) = action {
        return act::act(model, action);
    }
    if !model.popups.is_empty() {
        return Vec::new();
    }
    let head = model
        .hits
        .heads
        .iter()
        .find(|(area, _)| area.contains(at))
        .map(|hit| hit.1);
    if let Some(column) = head {
        let field = Columns::all(model.view).get(column).and_then(|column| column.sort);
        if let Some(field) = field {
            arrange::sort_by(model, field);
        }
        return Vec::new();
    }
    if model.hits.lines.contains(at) {
        let line = model.cursor().top + usize::from(at.y - model.hits.lines.y);
        if line < model.lines() {
            // A second click opens what the first has chosen.
            let again = model.cursor().at == line && model.view.click_opens();
            model.cursor_mut().at = line;
            if again {
                return travel::open(model);
            }
            return picture::follow_cursor(model);
        }
    }
    Vec::new()
}

/// What a press on the head of a column makes of a sort.
pub(super) fn turned(sort: Sort, field: crate::report::order::Field) -> Sort {
    if sort.by == Some(field) {
        Sort {
            by: Some(field),
            reverse: !sort.reverse,
        }
    } else {
        Sort {
            by: Some(field),
            reverse: false,
        }
    }
}
