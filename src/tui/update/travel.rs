//! Moves: along the lines, into what they are about, and between the views.

use ratatui::layout::Position;

use super::{arrange, keys, picture, runs, typed};
use crate::tui::{
    effect::Effect,
    keymap::Action,
    model::{
        Model, Moment, SPLIT, View,
        popup::{About, Ask, Popup},
    },
    rows::Choice,
};

/// How many places the history keeps.
const HISTORY: usize = 50;

pub(super) fn page(model: &Model) -> isize {
    let picture = model.detail.as_ref().is_some_and(|detail| detail.focused);
    let lines = match model.popups.last() {
        Some(_) => model.size.1.saturating_sub(8),
        None if picture => model.hits.text.height,
        None => model.hits.lines.height,
    };
    isize::try_from(lines.saturating_sub(1).max(1)).unwrap_or(1)
}

fn moved(at: usize, by: isize, most: usize) -> usize {
    match by {
        isize::MIN => 0,
        isize::MAX => most,
        by => at.saturating_add_signed(by).min(most),
    }
}

/// Moves the cursor, or scrolls what is in front.
pub(super) fn step(model: &mut Model, by: isize) -> Vec<Effect> {
    if let Some(popup) = model.popups.last_mut() {
        // How far it can be scrolled is known where it is drawn, which takes what is too much away.
        if let Some(scroll) = popup.scroll_mut() {
            *scroll = moved(*scroll, by, usize::MAX / 2);
        }
        return Vec::new();
    }
    if let Some(detail) = model.detail.as_mut().filter(|detail| detail.focused) {
        detail.scroll = moved(detail.scroll, by, usize::MAX / 2);
        return Vec::new();
    }
    let last = model.lines().saturating_sub(1);
    let cursor = model.cursor_mut();
    let before = cursor.at;
    cursor.at = moved(cursor.at, by, last);
    if cursor.at == before {
        return Vec::new();
    }
    picture::follow_cursor(model)
}

/// The wheel scrolls what is under it: the picture, or the table.
pub(super) fn wheel(model: &mut Model, by: isize, at: Position) -> Vec<Effect> {
    let over_picture = model.popups.is_empty() && model.hits.text.contains(at);
    if let Some(detail) = model.detail.as_mut().filter(|_| over_picture) {
        detail.scroll = moved(detail.scroll, by, usize::MAX / 2);
        return Vec::new();
    }
    step(model, by)
}

/// Enter.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    model.view.open(model)
}

pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    // Nobody has read it yet: this key was meant for something else.
    if matches!(model.popups.last(), Some(Popup::Ask(ask)) if model.ms < ask.from_ms) {
        return Vec::new();
    }
    if let Some(popup) = model.popups.pop() {
        return match popup {
            Popup::Plan(plan) => runs::drop_plans(model, &plan.runs),
            Popup::Ask(Ask {
                about: About::Run(id), ..
            }) => vec![Effect::Answer { id, yes: false }],
            _ => Vec::new(),
        };
    }
    if let Some(detail) = &mut model.detail {
        if detail.focused && model.size.0 >= SPLIT {
            detail.focused = false;
        } else {
            model.detail = None;
        }
        return Vec::new();
    }
    // What was chosen before a drill-down stays: it is what Esc leads back to.
    let drilled = model.history.last().filter(|moment| moment.drilled).cloned();
    let before = drilled.as_ref().map_or("", |moment| moment.filter.as_str());
    if model.filter != before {
        keys::set_filter(model, before.to_owned());
        return Vec::new();
    }
    let chosen = model.rows.choice();
    let only = drilled.as_ref().is_some_and(|moment| moment.choice.problems_only);
    if chosen.problems_only && !only {
        let choice = Choice {
            problems_only: false,
            ..chosen.clone()
        };
        keys::set_choice(model, choice);
        return Vec::new();
    }
    if drilled.is_some() {
        return travel(model, false);
    }
    if *model.rows.choice() != Choice::default() {
        keys::set_choice(model, Choice::default());
        return Vec::new();
    }
    if !model.marks.is_empty() {
        model.marks.clear();
        return Vec::new();
    }
    if model.at != model.begun_at {
        return arrange::set_day(model, model.begun_at);
    }
    if let Some(begun) = model.begun_in.clone().filter(|begun| *begun != model.place.namespaces) {
        return typed::reread(model, begun);
    }
    if model.view == View::Hosts {
        let key = model.ui.keymap.shown(Action::Quit);
        model.notice(format!("{key} quits"), false);
        return Vec::new();
    }
    show(model, View::Hosts)
}

/// Moves the keys between the table and the picture beside it.
pub(super) fn focus(model: &mut Model) -> Vec<Effect> {
    if let Some(detail) = &mut model.detail {
        detail.focused = !detail.focused;
    }
    Vec::new()
}

/// Goes on from a line to the hosts that it stands for, which are chosen so: Esc leads back to the line.
pub(in crate::tui) fn drill(model: &mut Model, choice: Choice) -> Vec<Effect> {
    let effects = show(model, View::Hosts);
    if let Some(moment) = model.history.last_mut() {
        moment.drilled = true;
    }
    keys::set_choice(model, choice);
    effects
}

/// Shows a view.
pub(super) fn show(model: &mut Model, view: View) -> Vec<Effect> {
    if model.view == view {
        return Vec::new();
    }
    model.history.push(moment(model));
    if model.history.len() > HISTORY {
        model.history.remove(0);
    }
    model.future.clear();
    go(model, view);
    view.entered(model);
    Vec::new()
}

fn go(model: &mut Model, view: View) {
    // Each view keeps its marks: what is done is done to those that are seen.
    let left = (std::mem::take(&mut model.marks), model.last_mark.take());
    model.other_marks[model.view as usize] = left;
    (model.marks, model.last_mark) = std::mem::take(&mut model.other_marks[view as usize]);
    model.view = view;
    if !view.has_rows() {
        model.detail = None;
    }
}

fn moment(model: &Model) -> Moment {
    Moment {
        view: model.view,
        filter: model.filter.clone(),
        choice: model.rows.choice().clone(),
        sort: model.rows.sort(),
        at: model.cursor().at,
        drilled: false,
    }
}

pub(super) fn travel(model: &mut Model, forward: bool) -> Vec<Effect> {
    let here = moment(model);
    let there = if forward {
        model.future.pop()
    } else {
        model.history.pop()
    };
    let Some(there) = there else { return Vec::new() };
    if forward {
        model.history.push(Moment {
            drilled: there.drilled,
            ..here
        });
    } else {
        model.future.push(Moment {
            drilled: there.drilled,
            ..here
        });
    }
    go(model, there.view);
    model.filter = there.filter;
    model.rows.set_sort(there.sort);
    keys::set_choice(model, there.choice);
    model.cursor_mut().at = there.at;
    Vec::new()
}

pub(super) fn neighbour(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = (model.view as usize + by) % View::ALL.len();
    show(model, View::ALL[at])
}
