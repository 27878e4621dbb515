//! Arranges the lines: sorted, marked, with which columns, as of which day.

use super::{mouse, travel};
use crate::{
    report::order::Field,
    text::time::DAY,
    tui::{
        effect::Effect,
        model::{
            Model,
            popup::{Chooses, Menu, Popup},
        },
        rows::Sort,
    },
};

/// Sorts by a field; by the same one again, the other way round.
pub(super) fn sort_by(model: &mut Model, field: Field) {
    let sort = mouse::turned(current_sort(model), field);
    set_sort(model, sort);
}

/// How the view is sorted.
pub fn current_sort(model: &Model) -> Sort {
    model.view.sort(model)
}

/// Sorts the view.
pub(in crate::tui) fn set_sort(model: &mut Model, sort: Sort) {
    model.view.set_sort(model, sort);
    // Whoever sorts wants to see what is first.
    let cursor = model.cursor_mut();
    (cursor.at, cursor.top) = (0, 0);
}

/// The next column that can be sorted by, and after the last one worst first again.
pub(super) fn next_sort(model: &mut Model) {
    let fields: Vec<Field> = crate::tui::columns::Columns::all(model.view)
        .iter()
        .filter_map(|column| column.sort)
        .collect();
    let now = current_sort(model).by;
    let at = now.and_then(|field| fields.iter().position(|f| *f == field));
    let next = match (now, at) {
        (None, _) => fields.first().copied(),
        (Some(_), Some(at)) => fields.get(at + 1).copied(),
        (Some(_), None) => None,
    };
    set_sort(
        model,
        Sort {
            by: next,
            reverse: false,
        },
    );
}

/// Moves sideways: at the left edge stand the columns that have room, the most wanted ones.
pub(super) fn scroll_columns(model: &mut Model, by: isize) -> Vec<Effect> {
    let columns = crate::tui::columns::Columns::all(model.view).iter();
    let drawn = columns.filter(|column| model.columns.has(model.view, column)).count();
    let cursor = model.cursor_mut();
    cursor.left = cursor.left.saturating_add_signed(by).min(drawn.saturating_sub(2));
    Vec::new()
}

pub(super) fn choose_columns(model: &mut Model) {
    let entries = crate::tui::columns::Columns::all(model.view)
        .iter()
        // Those move, and leave.
        .zip(('a'..='z').filter(|key| !matches!(key, 'j' | 'k' | 'q')))
        .map(|(column, key)| (key, column.head.to_owned(), String::new()))
        .collect();
    model.popups.push(Popup::Menu(Menu {
        chooses: Chooses::Columns,
        title: "columns".to_owned(),
        entries,
        at: 0,
    }));
}

pub(super) fn mark(model: &mut Model) -> Vec<Effect> {
    let Some(about) = model.item().map(|item| item.about.clone()) else {
        return Vec::new();
    };
    if !model.marks.remove(&about) {
        model.marks.insert(about.clone());
        model.last_mark = Some(about);
    }
    travel::step(model, 1)
}

pub(super) fn mark_range(model: &mut Model) -> Vec<Effect> {
    let (view, here) = (model.view, model.cursor().at);
    let last = model.last_mark.as_ref();
    let from = last.and_then(|about| view.position(model, about)).unwrap_or(here);
    for at in from.min(here)..=from.max(here) {
        let about = view.about(model, at).cloned();
        model.marks.extend(about);
    }
    model.last_mark = model.item().map(|item| item.about.clone());
    Vec::new()
}

pub(super) fn shift_day(model: &mut Model, by: i64) -> Vec<Effect> {
    let at = model.now() + by * DAY;
    // A day is shown from its first second on; today is now.
    let day = at.div_euclid(DAY) * DAY;
    let today = model.clock.div_euclid(DAY) * DAY;
    set_day(model, (day != today).then_some(day))
}

/// Judges as of another day.
pub(super) fn set_day(model: &mut Model, at: Option<i64>) -> Vec<Effect> {
    if model.at == at {
        return Vec::new();
    }
    model.at = at;
    vec![Effect::At(at)]
}
