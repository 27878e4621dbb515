//! `/`, `n` and `N` in a text: finds places in it, and scrolls to them.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::{
    effect::Effect,
    filter::pattern::Pattern,
    keymap::Key,
    model::{
        Model, Prompt, Sought,
        input::{Input, Typed},
        popup::Popup,
    },
    view,
};

/// So many lines stand above the one that was found.
const ABOVE: usize = 2;

/// Asks what is looked for.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    model.sought = None;
    model.prompt = Some(Prompt::Find(Input::default()));
    Vec::new()
}

/// Takes a key while it is typed.
pub(super) fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(Prompt::Find(input)) = &mut model.prompt else {
        return Vec::new();
    };
    let leaves = key.code == KeyCode::Esc || Key::from(key).is_interrupt();
    let empties = key.code == KeyCode::Backspace && input.text().is_empty();
    if leaves || empties {
        let before = model.sought.take().map(|sought| sought.from);
        if let (Some(before), Some(scroll)) = (before, scroll_mut(model)) {
            *scroll = before;
        }
        model.prompt = None;
        return Vec::new();
    }
    if key.code == KeyCode::Enter {
        let typed = input.text().to_owned();
        model.prompt = None;
        match Pattern::of(&typed) {
            _ if typed.is_empty() => model.sought = None,
            Err(why) => model.notice(format!("find: {why}"), true),
            Ok(_) => say(model),
        }
        return Vec::new();
    }
    if input.key(key) == Typed::Changed {
        as_typed(model);
    }
    Vec::new()
}

/// Finds what is typed so far, from where the text was when it began.
pub(super) fn as_typed(model: &mut Model) {
    let Some(Prompt::Find(input)) = &model.prompt else {
        return;
    };
    let typed = input.text().to_owned();
    let now = scroll_mut(model).map_or(0, |scroll| *scroll);
    let from = model.sought.as_ref().map_or(now, |sought| sought.from);
    model.sought = Pattern::of(&typed)
        .ok()
        .filter(|_| !typed.is_empty())
        .map(|pattern| Sought {
            pattern,
            at: None,
            from,
        });
    let lines = found(model);
    go(
        model,
        lines
            .iter()
            .copied()
            .find(|line| *line >= from)
            .or(lines.first().copied()),
        from,
    );
}

/// To the next place, or to the one before; from the last to the first.
pub(super) fn step(model: &mut Model, forward: bool) -> Vec<Effect> {
    let lines = found(model);
    let at = model.sought.as_ref().and_then(|sought| sought.at);
    let next = if forward {
        let after = lines.iter().find(|line| at.is_none_or(|at| **line > at));
        after.or(lines.first())
    } else {
        let before = lines.iter().rev().find(|line| at.is_none_or(|at| **line < at));
        before.or(lines.last())
    };
    let next = next.copied();
    let stays = scroll_mut(model).map_or(0, |scroll| *scroll);
    go(model, next, stays);
    say(model);
    Vec::new()
}

/// The lines in which it is found.
fn found(model: &Model) -> Vec<usize> {
    let Some(sought) = &model.sought else { return Vec::new() };
    let lines = view::text_in_front(model).unwrap_or_default();
    let has = |(at, line): (usize, &String)| sought.pattern.places(line).next().map(|_| at);
    lines.iter().enumerate().filter_map(has).collect()
}

fn go(model: &mut Model, line: Option<usize>, otherwise: usize) {
    if let Some(sought) = &mut model.sought {
        sought.at = line;
    }
    if let Some(scroll) = scroll_mut(model) {
        *scroll = line.map_or(otherwise, |line| line.saturating_sub(ABOVE));
    }
}

/// Says which of how many it is.
fn say(model: &mut Model) {
    let lines = found(model);
    let at = model.sought.as_ref().and_then(|sought| sought.at);
    let number = at.and_then(|at| lines.iter().position(|line| *line == at));
    match number {
        Some(number) => {
            let (next, back) = (
                model.ui.keymap.shown(crate::tui::keymap::Action::FindNext),
                model.ui.keymap.shown(crate::tui::keymap::Action::FindPrevious),
            );
            let told = format!(
                "line {} of {}: {next} and {back} go to the others",
                number + 1,
                lines.len()
            );
            model.notice(told, false);
        }
        None => model.notice("this text has no match", true),
    }
}

fn scroll_mut(model: &mut Model) -> Option<&mut usize> {
    match model.popups.last_mut() {
        Some(popup) => Popup::scroll_mut(popup),
        None => model.detail.as_mut().map(|detail| &mut detail.scroll),
    }
}
