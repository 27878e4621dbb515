//! Questions and menus, and what their answers do.

use super::undo;
use crate::tui::{
    effect::Effect,
    model::{
        Model,
        popup::{About, Ask, Chooses, Popup},
    },
};

/// Whether something is in front that is closed before anything is quit: a window, or a picture that has the keys.
pub(super) fn closes_first(model: &Model) -> bool {
    !model.popups.is_empty() || model.detail.as_ref().is_some_and(|detail| detail.focused)
}

/// Quits, unless something is under way that would be left half done.
pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    let asks = |popup: &Popup| matches!(popup, Popup::Ask(ask) if ask.about == About::Quit);
    let Some(lines) = quitting(model).filter(|_| !model.popups.last().is_some_and(asks)) else {
        return vec![Effect::Quit { by: None }];
    };
    model.popups.push(Popup::Ask(Ask {
        lines,
        about: About::Quit,
        scroll: 0,
        from_ms: 0,
    }));
    Vec::new()
}

/// The question before quitting; `None` where nothing is under way.
fn quitting(model: &Model) -> Option<Vec<String>> {
    let runs = match model.runs.iter().filter(|run| run.is_under_way()).count() {
        0 => return None,
        1 => "1 renewal is".to_owned(),
        many => format!("{many} renewals are"),
    };
    Some(vec![
        format!("{runs} in progress."),
        "Quitting cancels and cleans up first, which takes a few seconds.".to_owned(),
        "Quit?".to_owned(),
    ])
}

/// A run has ended while it was asked whether to quit: the question goes with the last one, and what it hid is seen.
pub(super) fn quit_anew(model: &mut Model) {
    let lines = quitting(model);
    model.popups.retain_mut(|popup| match popup {
        Popup::Ask(ask) if ask.about == About::Quit => {
            if let Some(lines) = &lines {
                ask.lines.clone_from(lines);
            }
            lines.is_some()
        }
        _ => true,
    });
}

/// Answers the question on top.
pub(super) fn answer(model: &mut Model, yes: bool) -> Vec<Effect> {
    let Some(Popup::Ask(ask)) = model.popups.pop() else {
        return Vec::new();
    };
    match ask.about {
        About::Quit if yes => vec![Effect::Quit { by: None }],
        About::Run(id) => vec![Effect::Answer { id, yes }],
        About::Keep { settings, lines } if yes => vec![Effect::Keep {
            settings,
            agreed: Some(lines),
        }],
        About::Quit | About::Keep { .. } => Vec::new(),
    }
}

/// Takes what the menu on top has chosen.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Menu(menu)) = model.popups.last() else {
        return Vec::new();
    };
    let Some((key, word, value)) = menu.entries.get(menu.at).cloned() else {
        return Vec::new();
    };
    match menu.chooses.clone() {
        Chooses::Columns => {
            let column = crate::tui::columns::Columns::all(model.view)
                .iter()
                .find(|column| column.head == word);
            if let Some(column) = column {
                let view = model.view;
                model.columns.toggle(view, column.what);
                model.cursor_mut().widths.clear();
            }
            Vec::new()
        }
        Chooses::Copy(of) => {
            model.popups.pop();
            if let (Some(of), 'p') = (of, key) {
                return vec![Effect::Pem(of)];
            }
            // One line, whatever a manifest says: it may be pasted into a shell.
            let value = crate::text::clear(&value).into_owned();
            model.notice(format!("copied: {value}"), false);
            vec![Effect::Copy(value)]
        }
        Chooses::Revoke { of, force } => {
            model.popups.pop();
            undo::revoke_for(model, &of.key, &word, force)
        }
    }
}
