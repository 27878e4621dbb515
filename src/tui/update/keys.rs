//! Keys: into what is typed, into the window on top, or into the view.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{act, ask, fields, find, runs, save, typed};
use crate::tui::{
    effect::Effect,
    filter::{
        Filter,
        pasted::{Refused, pasted},
    },
    keymap::{Action, Key},
    model::{
        Model, Prompt, Recall,
        input::{Input, Typed},
        popup::{self, InputPurpose, Popup},
    },
    rows::Choice,
};

/// Takes a key.
pub(super) fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let before = model.question();
    let front = model.front();
    // What was said is in the way of the command below the view: it goes with the next key. Who moves about may read a mistake.
    if !model.is_typing() {
        let moves = model.action(Key::from(key)).is_some_and(act::moves);
        model.leave_notice(!moves);
    }
    model.looked_for = None;
    let effects = pressed(model, key);
    if model.front() != front {
        model.sought = None;
    }
    // A question that waited behind something else is on the screen only now.
    let from_ms = model.ms + runs::UNREAD_MS;
    if model.question() != before
        && let Some(Popup::Ask(ask)) = model.popups.last_mut()
        && ask.of_run().is_some()
    {
        ask.from_ms = from_ms;
    }
    effects
}

fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    // Always leads out, whatever is typed.
    let pressed = Key::from(key);
    if model.prompt.is_some() {
        return prompt(model, key);
    }
    if model.popups.last().is_some_and(Popup::is_typing) {
        return typing(model, key);
    }
    if let Some(Popup::Menu(_)) = model.popups.last()
        && let Some(effects) = menu(model, key)
    {
        return effects;
    }
    if let Some(Popup::Ask(ask)) = model.popups.last() {
        let answer = match key.code {
            KeyCode::Char('y' | 'Y') => Some(true),
            KeyCode::Char('n' | 'N') => Some(false),
            _ => None,
        };
        match answer {
            Some(_) if model.ms < ask.from_ms => {
                model.notice("the question has only just come: press the key again".to_owned(), true);
                return Vec::new();
            }
            Some(yes) => return ask::answer(model, yes),
            None => {}
        }
    }
    if let Some(effects) = runs::early(model, pressed) {
        return effects;
    }
    match model.action(pressed) {
        // What is in front is left first; one key leads out at once.
        // A digit is its view from every window in which nothing waits for an answer.
        Some(action @ Action::Show(_)) if reads_only(model) => {
            model.popups.clear();
            act::act(model, action)
        }
        Some(Action::Quit) if !pressed.is_interrupt() && ask::closes_first(model) => act::act(model, Action::Back),
        Some(action) if act::waits(model, action) => act::refuse(model, action, &pressed.to_string()),
        Some(action) => act::act(model, action),
        None => unknown(model, pressed),
    }
}

/// Whether all windows are there to be read, and none waits for an answer.
pub(super) fn reads_only(model: &Model) -> bool {
    let reads = |popup: &Popup| {
        matches!(
            popup,
            Popup::Help { .. } | Popup::Text(_) | Popup::Log { .. } | Popup::Run(_)
        )
    };
    model.popups.iter().all(reads)
}

/// How many keys are remembered of which it was said that they mean nothing.
const UNKNOWN: usize = 100;

/// A key that means nothing here says so, once.
fn unknown(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.unknown_keys.contains(&key) || model.unknown_keys.len() >= UNKNOWN {
        return Vec::new();
    }
    model.unknown_keys.push(key);
    let told = act::nothing_here(model, &key.to_string());
    model.notice(told, false);
    Vec::new()
}

/// Takes pasted text.
pub(super) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    // Terminals send a carriage return for the end of a line, as the Enter key does.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    // Over a list it is looked for: what was copied elsewhere finds its row.
    let lists = model.view.has_rows() && model.popups.is_empty() && model.front().is_none();
    if model.prompt.is_none() && lists {
        set_filter(model, String::new());
        model.prompt = Some(Prompt::Filter(Input::default()));
    }
    if matches!(model.prompt, Some(Prompt::Filter(_))) {
        match pasted(text) {
            Ok(text) => {
                if let Some(Prompt::Filter(input)) = &mut model.prompt {
                    input.insert(&text);
                }
                filter_as_typed(model);
            }
            Err(Refused::PrivateKey) => model.notice("a private key was pasted: nothing of it is kept", true),
            Err(Refused::NoCertificate) => model.notice("the pasted text holds no readable certificate", true),
        }
        return Vec::new();
    }
    let text = text.lines().next().unwrap_or_default();
    match &mut model.prompt {
        Some(Prompt::Find(input)) => {
            input.insert(text);
            find::as_typed(model);
            return Vec::new();
        }
        Some(Prompt::Command(input)) => {
            input.insert(text);
            return Vec::new();
        }
        _ => {}
    }
    // A name that has to be typed is not pasted: typing is the point of it.
    if let Some(Popup::Line(line)) = model.popups.last_mut() {
        line.input.insert(text);
    }
    Vec::new()
}

fn prompt(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if matches!(model.prompt, Some(Prompt::Find(_))) {
        return find::key(model, key);
    }
    let is_filter = matches!(model.prompt, Some(Prompt::Filter(_)));
    let leaves = key.code == KeyCode::Esc || Key::from(key).to_string() == "ctrl-c";
    match key.code {
        _ if leaves => {
            model.prompt = None;
            if is_filter {
                set_filter(model, String::new());
                measure_anew(model);
            }
            Vec::new()
        }
        KeyCode::Enter => {
            if let Some(Prompt::Command(input)) = model.prompt.take() {
                typed::remember(model, input.text());
                model.recall = Recall::None;
                return typed::run(model, input.text());
            }
            measure_anew(model);
            if let Filter::Wrong(why) = &model.rows.choice().filter {
                model.notice(format!("filter: {why}"), true);
            }
            Vec::new()
        }
        KeyCode::Tab | KeyCode::BackTab if !is_filter => {
            typed::complete(model, key.code == KeyCode::Tab);
            Vec::new()
        }
        KeyCode::Up | KeyCode::Down if !is_filter => {
            typed::recall(model, key.code == KeyCode::Up);
            Vec::new()
        }
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown if is_filter => {
            let pressed = Key::from(key);
            match model
                .ui
                .keymap
                .action(pressed, &[crate::tui::keymap::Scope::Everywhere])
            {
                Some(action) => act::act(model, action),
                None => Vec::new(),
            }
        }
        KeyCode::Backspace if model.prompt.as_ref().is_some_and(is_empty) => {
            model.prompt = None;
            Vec::new()
        }
        _ => {
            let changed = match &mut model.prompt {
                Some(Prompt::Filter(input) | Prompt::Command(input)) => input.key(key),
                Some(Prompt::Find(_)) | None => Typed::NotMine,
            };
            if changed == Typed::Changed {
                model.recall = Recall::None;
                filter_as_typed(model);
            }
            Vec::new()
        }
    }
}

fn is_empty(prompt: &Prompt) -> bool {
    let (Prompt::Filter(input) | Prompt::Command(input) | Prompt::Find(input)) = prompt;
    input.text().is_empty()
}

fn filter_as_typed(model: &mut Model) {
    if let Some(Prompt::Filter(input)) = &model.prompt {
        let text = input.text().to_owned();
        set_filter(model, text);
    }
}

/// Chooses the rows by what was typed.
pub(in crate::tui) fn set_filter(model: &mut Model, text: String) {
    let choice = Choice {
        filter: Filter::parse(&text),
        ..model.rows.choice().clone()
    };
    model.filter = text;
    choose(model, choice);
}

/// Chooses the rows.
pub(in crate::tui) fn set_choice(model: &mut Model, choice: Choice) {
    if *model.rows.choice() != choice {
        choose(model, choice);
        measure_anew(model);
    }
}

/// Columns stay as wide as they were: they do not jump while somebody types.
fn choose(model: &mut Model, choice: Choice) {
    if *model.rows.choice() != choice {
        model.rows.set_choice(choice);
        for cursor in &mut model.cursors {
            (cursor.at, cursor.top) = (0, 0);
        }
    }
}

/// Columns become as wide as what is shown now needs.
pub(super) fn measure_anew(model: &mut Model) {
    for cursor in &mut model.cursors {
        cursor.widths.clear();
    }
}

/// A window in which text is typed.
fn typing(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Esc || Key::from(key).to_string() == "ctrl-c" {
        return act::act(model, Action::Back);
    }
    let enter = key.code == KeyCode::Enter;
    match model.popups.last_mut() {
        Some(Popup::Line(line)) => {
            if enter {
                let (wanted, text) = (line.wanted, line.input.text().to_owned());
                model.popups.pop();
                return match wanted {
                    InputPurpose::File => save::save(model, &text),
                    InputPurpose::Field(field) => fields::take(model, field, &text),
                };
            }
            line.input.key(key);
            Vec::new()
        }
        Some(Popup::Plan(plan)) => {
            let typed = plan.typed.as_mut();
            if enter {
                return runs::confirm(model);
            }
            if let Some(typed) = typed {
                typed.key(key);
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// A menu. `None` when the key is none of it.
fn menu(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    let Some(Popup::Menu(menu)) = model.popups.last_mut() else {
        return None;
    };
    // `ctrl-c` is no letter.
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    let last = menu.entries.len().saturating_sub(1);
    // The letter of an entry goes before what it means elsewhere.
    let lettered = menu
        .entries
        .iter()
        .position(|(letter, ..)| key.code == KeyCode::Char(*letter));
    if let Some(at) = lettered {
        menu.at = at;
        return Some(ask::choose(model));
    }
    match key.code {
        KeyCode::Enter | KeyCode::Char(' ') => return Some(ask::choose(model)),
        KeyCode::Up | KeyCode::Char('k') => menu.at = menu.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => menu.at = (menu.at + 1).min(last),
        _ => return None,
    }
    Some(Vec::new())
}

/// Opens a window for a line of text.
pub(super) fn ask_line(model: &mut Model, wanted: InputPurpose, title: &str, help: &str, text: String) {
    model.popups.push(Popup::Line(popup::InputLine {
        wanted,
        title: title.to_owned(),
        help: help.to_owned(),
        input: Input::new(text),
    }));
}
