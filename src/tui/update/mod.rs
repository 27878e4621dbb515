//! `update(model, message) -> effects`: the one place where the model changes.

pub mod act;
pub mod can;
mod keys;
mod mouse;
mod runs;
mod save;
mod typed;

pub use runs::protected_word;
pub use typed::{COMMANDS, fitting};

use super::{
    command::CommandLine,
    effect::Effect,
    message::{Level, Link, LogLine, Message},
    model::{Model, Reading, View, popup::Popup},
    order::Job,
};

/// A command that is carried out once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What it is.
    pub job: Job,
    /// The command line that does the same.
    pub command: CommandLine,
}

/// Changes the model as a message says, and returns what is to be done.
// One arm a message: it is a table.
#[allow(clippy::too_many_lines)]
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    if !matches!(message, Message::Clock { .. }) {
        model.drawn += 1;
    }
    match message {
        Message::Key(key) => keys::key(model, key),
        Message::Mouse(mouse) => mouse::mouse(model, mouse),
        Message::Paste(text) => keys::paste(model, &text),
        Message::Resize(width, height) => {
            model.size = (width, height);
            act::picture_again(model)
        }
        Message::Clock { now, ms } => {
            clock(model, now, ms);
            Vec::new()
        }
        Message::Terminate => vec![Effect::Quit { interrupted: true }],
        Message::Connected(place) => {
            model.place = place;
            Vec::new()
        }
        Message::Progress { hosts, secrets } => {
            if matches!(model.reading, Reading::Going { .. }) {
                model.reading = Reading::Going { hosts, secrets };
            }
            model.fresh_ms = model.ms;
            Vec::new()
        }
        Message::Rows { whole, set, gone } => rows(model, whole, set, &gone),
        Message::Read { live, took_ms } => {
            model.reading = Reading::Done { live, took_ms };
            model.fresh_ms = model.ms;
            model.lost = None;
            Vec::new()
        }
        Message::ReadFailed(trouble) => {
            log(model, Level::Error, &trouble.what);
            if matches!(model.reading, Reading::Done { .. }) {
                model.notice(trouble.what, true);
            } else {
                model.reading = Reading::Failed(trouble);
            }
            Vec::new()
        }
        Message::Link(Link::Up) => {
            model.lost = None;
            model.fresh_ms = model.ms;
            log(model, Level::Note, "connected again: what is shown is current");
            Vec::new()
        }
        Message::Link(Link::Lost(why)) => {
            log(model, Level::Warning, &format!("connection lost, trying again: {why}"));
            if model.lost.is_none() {
                model.fresh_ms = model.ms;
            }
            model.lost = Some(why);
            Vec::new()
        }
        Message::Picture { of, width, lines } => {
            if let Some(detail) = model.detail.as_mut().filter(|detail| detail.of == of) {
                detail.width = width;
                detail.lines = Some(lines);
            }
            Vec::new()
        }
        Message::Text { title, lines } => {
            let open = model.popups.iter_mut().rev().find_map(|popup| match popup {
                Popup::Text(text) if text.title == title => Some(text),
                _ => None,
            });
            if let Some(text) = open {
                text.lines = Some(lines);
            }
            Vec::new()
        }
        Message::Pem(Ok(pem)) => {
            model.notice("the certificates are copied, without the key", false);
            vec![Effect::Copy(pem)]
        }
        Message::Pem(Err(trouble)) | Message::Written(Err(trouble)) => {
            trouble_notice(model, &trouble);
            Vec::new()
        }
        Message::Written(Ok(path)) => {
            model.notice(format!("saved as {path}"), false);
            Vec::new()
        }
        Message::Probed(count) => {
            let hosts = if count == 1 { "host was" } else { "hosts were" };
            model.notice(format!("{count} {hosts} probed"), false);
            act::picture_again(model)
        }
        Message::Planned(id, plan) => runs::planned(model, id, *plan),
        Message::Asked(id, question) => runs::asked(model, id, &question),
        Message::Happened(id, event) => runs::happened(model, id, *event),
        Message::Said(id, text) => runs::said(model, id, text),
        Message::Ended(id, ending) => runs::ended(model, id, ending),
        Message::Log(line) => {
            if line.level > Level::Note {
                model.unseen += 1;
            }
            model.note(line);
            Vec::new()
        }
    }
}

fn clock(model: &mut Model, now: crate::object::Seconds, ms: u64) {
    model.ms = ms;
    // Ages and countdowns are of seconds: less than one changes nothing on the screen.
    if model.clock != now {
        model.clock = now;
        model.drawn += 1;
    }
    if model.notice.as_ref().is_some_and(|notice| notice.until_ms <= ms) {
        model.notice = None;
        model.drawn += 1;
    }
}

fn rows(model: &mut Model, whole: bool, set: Vec<super::item::Item>, gone: &[crate::scan::About]) -> Vec<Effect> {
    model.fresh_ms = model.ms;
    // The cursor stays on what it is on, not on its line; at the top it stays at the top, where the worst comes in.
    let at = model.cursors[View::Hosts as usize].at;
    let held = (at > 0)
        .then(|| model.rows.get(at).map(|item| item.about.clone()))
        .flatten();
    let shown = model.detail.as_ref().map(|detail| detail.of.clone());
    let touched = shown.is_some_and(|of| {
        set.iter()
            .any(|item| item.subject().as_ref() == Some(&of) || item.secret() == Some(&of.key))
    });
    if whole {
        model.rows.set_all(set);
    } else {
        model.rows.change(set, gone);
    }
    model.marks.retain(|about| model.rows.about(about).is_some());
    let again = held.and_then(|about| model.rows.position(&about));
    let last = model.rows.len().saturating_sub(1);
    let cursor = &mut model.cursors[View::Hosts as usize];
    if let Some(position) = again {
        // What is above moved with it.
        cursor.top = (cursor.top + position).saturating_sub(cursor.at);
        cursor.at = position;
    } else {
        cursor.at = cursor.at.min(last);
    }
    if touched { act::picture_again(model) } else { Vec::new() }
}

fn log(model: &mut Model, level: Level, text: &str) {
    if level > Level::Note {
        model.unseen += 1;
    }
    model.note(LogLine {
        at: model.clock,
        level,
        text: text.to_owned(),
    });
}

fn trouble_notice(model: &mut Model, trouble: &super::message::Trouble) {
    log(model, Level::Error, &trouble.what);
    let text = match &trouble.hint {
        Some(hint) => format!("{}; {hint}", trouble.what),
        None => trouble.what.clone(),
    };
    model.notice(text, true);
}
