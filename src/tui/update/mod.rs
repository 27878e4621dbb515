//! `update(model, message) -> effects`: the one place where the model changes.

pub mod act;
pub mod arrange;
mod ask;
pub mod can;
pub mod fields;
mod find;
pub(super) mod keys;
mod mouse;
pub mod picture;
pub mod printed;
pub(super) mod runs;
pub(super) mod save;
pub mod texts;
pub(super) mod travel;
mod typed;
mod undo;

pub use runs::word_to_type;
pub use typed::{COMMANDS, fitting};

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::{
    CommandLine,
    effect::Effect,
    item::{Identity, Item},
    message::{Level, Link, LogLine, Message},
    model::{Model, Passing, Reading, View, popup::Popup},
    order::{Job, RunState},
    rows::Rows,
};
use crate::scan::About;

/// A command that is carried out once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What it is.
    pub job: Job,
    /// The command line that does the same.
    pub command: CommandLine,
    /// What the screen knows of it that its plan does not say.
    pub notes: Vec<String>,
    /// Whether it takes the place of a plan that was a rehearsal, by another field than the one that says so.
    pub was_rehearsal: bool,
}

impl Start {
    /// Without notes.
    pub fn new(job: Job, command: CommandLine) -> Self {
        Self {
            job,
            command,
            notes: Vec::new(),
            was_rehearsal: false,
        }
    }
}

/// Changes the model as a message says, and returns what is to be done.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let effects = take(model, message);
    if model.notice.as_ref().is_some_and(|notice| is_over(model, notice.about)) {
        model.notice = None;
        model.drawn += 1;
    }
    effects
}

/// Whether what a notice speaks of is over.
fn is_over(model: &Model, about: Passing) -> bool {
    match about {
        Passing::Nothing => false,
        Passing::Typing => !model.popups.last().is_some_and(Popup::is_typing),
        Passing::Making => !model.is_planning(),
        Passing::Cancelling => !model.runs.iter().any(|run| run.state == RunState::Cancelling),
        Passing::Running => model.active().next().is_none(),
        Passing::Ring => !model.ring,
        Passing::Refused(action) => !act::waits(model, action) && can::refusal(model, action).is_none(),
    }
}

// One arm a message: it is a table.
#[allow(clippy::too_many_lines)]
fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    if !matches!(message, Message::Clock { .. }) {
        model.drawn += 1;
    }
    match message {
        Message::Key(key) => keys::key(model, key),
        Message::Mouse(mouse) => mouse::mouse(model, mouse),
        Message::Paste(text) => keys::paste(model, &text),
        Message::Resize(width, height) => {
            model.size = (width, height);
            picture::picture_again(model)
        }
        Message::Clock { now, ms } => clock(model, now, ms),
        Message::Terminate(by) => vec![Effect::Quit { by: Some(by) }],
        Message::Connected(place) => {
            let context = place.context.clone();
            model.place = place;
            model.begun_in = None;
            forget(model);
            vec![Effect::RunsIn(context)]
        }
        Message::Unwatched(kind) => {
            model.unwatched.insert(kind);
            log(
                model,
                Level::Warning,
                &format!("the right to watch {kind} is missing: their changes are not seen; read again to see them"),
            );
            Vec::new()
        }
        Message::LeftOut(rows) => {
            model.left_out = rows;
            Vec::new()
        }
        Message::NotJudged(found) => {
            // What was told before is not told again.
            if model.not_judged != found
                && let Some(line) = crate::report::apart::not_judged(&found, true)
            {
                log(model, Level::Warning, &line);
            }
            model.not_judged = found;
            Vec::new()
        }
        Message::Progress { hosts, secrets } => {
            if matches!(model.reading, Reading::Going { .. }) {
                model.reading = Reading::Going { hosts, secrets };
            }
            Vec::new()
        }
        Message::Rows { whole, set, gone } => rows(model, whole, set, &gone),
        Message::Read { live, took_ms } => {
            model.reading = Reading::Done { live, took_ms };
            model.before = None;
            model.elsewhere = None;
            model.fresh_ms = model.ms;
            model.lost = None;
            Vec::new()
        }
        Message::NoNamespace { name, meant } => {
            if let Some((reading, namespaces)) = model.elsewhere.take() {
                model.reading = reading;
                model.place.namespaces = namespaces;
            }
            let meant = meant.or_else(|| typed::nearest_namespace(model, &name));
            let meant = meant
                .map(|meant| format!("; did you mean {meant}?"))
                .unwrap_or_default();
            model.notice(format!("there is no namespace {name}{meant}"), true);
            Vec::new()
        }
        Message::NothingIn(name) => {
            typed::nothing_in(model, &name);
            Vec::new()
        }
        Message::Secret { key, is_there } => undo::found(model, &key, is_there),
        Message::ReadFailed(trouble) => {
            failed(model, trouble);
            Vec::new()
        }
        Message::Link(Link::Up) => {
            model.lost = None;
            model.fresh_ms = model.ms;
            log(model, Level::Note, "connected again: the view is current");
            Vec::new()
        }
        Message::Link(Link::Lost(why)) => {
            log(model, Level::Warning, &format!("connection lost, retrying: {why}"));
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
        Message::Text { window, lines } => {
            let open = model.popups.iter_mut().rev().find_map(|popup| match popup {
                Popup::Text(text) if text.id == window => Some(text),
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
        Message::Pem(Err(trouble)) | Message::Written(Err(trouble)) | Message::Kept(Err(trouble)) => {
            trouble_notice(model, &trouble);
            Vec::new()
        }
        Message::Written(Ok(path)) => {
            model.notice(format!("saved as {path}"), false);
            Vec::new()
        }
        Message::Kept(Ok(path)) => {
            model.notice(format!("kept in {path}"), false);
            Vec::new()
        }
        Message::Keeps { settings, file, lines } => fields::keeps(model, settings, &file, lines),
        Message::Probed(count) => {
            let hosts = if count == 1 { "host was" } else { "hosts were" };
            model.notice(format!("{count} {hosts} probed"), false);
            picture::picture_again(model)
        }
        Message::Planned(id, plan) => runs::planned(model, id, *plan),
        Message::Asked(id, question) => runs::asked(model, id, &question),
        Message::Happened(id, event) => runs::happened(model, id, *event),
        Message::Waits(id, number, words) => {
            runs::waits(model, id, number, words);
            Vec::new()
        }
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

/// After so long a picture is drawn anew: the times in it count down.
const PICTURE_MS: u64 = 60_000;

fn clock(model: &mut Model, now: crate::object::Seconds, ms: u64) -> Vec<Effect> {
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
    if !model.changed.is_empty() {
        let before = model.changed.len();
        model.changed.retain(|_, at| *at + super::model::FRESH_MS > ms);
        model.drawn += u64::from(model.changed.len() != before);
    }
    let old = |detail: &super::model::Detail| detail.asked_ms + PICTURE_MS <= ms;
    if model.detail.as_ref().is_some_and(old) {
        picture::picture_again(model)
    } else {
        Vec::new()
    }
}

/// Nothing is left of another cluster.
fn forget(model: &mut Model) {
    model.before = None;
    model.elsewhere = None;
    model.reading = Reading::Going { hosts: 0, secrets: 0 };
    model.lost = None;
    model.unwatched.clear();
    model.left_out = 0;
    model.not_judged.clear();
    model.rows.set_all(Vec::new());
    model.marks.clear();
    model.last_mark = None;
    model.other_marks = Default::default();
    model.detail = None;
    let choice = super::rows::Choice {
        namespace: None,
        ..model.rows.choice().clone()
    };
    keys::set_choice(model, choice);
    model.history.clear();
    model.future.clear();
}

/// It could not be read: what is there already stays, and says how old it is.
fn failed(model: &mut Model, trouble: super::message::Trouble) {
    log(model, Level::Error, &trouble.what);
    let known = model.rows.total() > 0;
    match model.before.take() {
        // Another context could not be connected to: this one goes on.
        Some(before @ Reading::Done { .. }) => {
            model.reading = before;
            model.notice(trouble.what, true);
        }
        _ if known => {
            model.reading = Reading::Done { live: true, took_ms: 0 };
            model.lost = Some(trouble.what.clone());
            model.notice(trouble.what, true);
        }
        _ => model.reading = Reading::Failed(trouble),
    }
}

fn rows(model: &mut Model, whole: bool, set: Vec<Item>, gone: &[crate::scan::About]) -> Vec<Effect> {
    if model.lost.is_none() {
        model.fresh_ms = model.ms;
    }
    // The cursor stays on what it is on, not on its line; at the top it stays at the top, where the worst comes in.
    let at = model.cursors[View::Hosts as usize].at;
    let shown = model.detail.as_ref().map(|detail| detail.of.clone());
    let is_shown = |item: &Item| {
        let of = shown.as_ref();
        of.is_some_and(|of| item.subject().as_ref() == Some(of) || item.secret() == Some(&of.key))
    };
    let touched = set.iter().any(is_shown) || gone.iter().filter_map(|about| model.rows.about(about)).any(is_shown);
    note_changes(model, whole, &set);
    let held = model.rows.get(at).filter(|item| at > 0 || is_shown(item));
    let again = if whole {
        let held = held.map(Item::identity);
        let marked: Vec<HashSet<Identity>> = all_marks(model).map(|marks| identities(&model.rows, marks)).collect();
        model.rows.set_all(set);
        let same = |wanted: &Identity| model.rows.everything().find(|item| item.identity() == *wanted);
        let again = held.and_then(|held| model.rows.position(&same(&held)?.about));
        // Another reading numbers bindings anew: what was marked is known by its names.
        let mut again_marked = marked.iter().map(|marked| {
            if marked.is_empty() {
                return BTreeSet::new();
            }
            let is_marked = |item: &&Item| marked.contains(&item.identity());
            let items = model.rows.everything().filter(is_marked);
            items.map(|item| item.about.clone()).collect()
        });
        model.marks = again_marked.next().unwrap_or_default();
        model.last_mark = None;
        for (other, marks) in model.other_marks.iter_mut().zip(again_marked) {
            *other = (marks, None);
        }
        keys::measure_anew(model);
        again
    } else {
        let held = held.map(|item| item.about.clone());
        model.rows.change(set, gone);
        let rows = &model.rows;
        model.marks.retain(|about| rows.about(about).is_some());
        for (marks, _) in &mut model.other_marks {
            marks.retain(|about| rows.about(about).is_some());
        }
        held.and_then(|about| model.rows.position(&about))
    };
    let last = model.rows.len().saturating_sub(1);
    let cursor = &mut model.cursors[View::Hosts as usize];
    if let Some(position) = again {
        // What is above moved with it.
        cursor.top = (cursor.top + position).saturating_sub(cursor.at);
        cursor.at = position;
    } else {
        cursor.at = cursor.at.min(last);
    }
    if touched {
        picture::picture_again(model)
    } else {
        Vec::new()
    }
}

/// The marks of the view, and those of all others.
fn all_marks(model: &Model) -> impl Iterator<Item = &BTreeSet<About>> {
    std::iter::once(&model.marks).chain(model.other_marks.iter().map(|(marks, _)| marks))
}

/// What is marked, by its names.
fn identities(rows: &Rows, marks: &BTreeSet<About>) -> HashSet<Identity> {
    let items = marks.iter().filter_map(|about| rows.about(about));
    items.map(Item::identity).collect()
}

/// More is no news of single lines any more.
const MOST_CHANGED: usize = 10_000;

/// Notes what is different from what is there, once all has been read: a glance shows what has just happened.
fn note_changes(model: &mut Model, whole: bool, set: &[Item]) {
    if whole {
        model.changed.clear();
        return;
    }
    if !matches!(model.reading, Reading::Done { .. }) || set.len() + model.changed.len() > MOST_CHANGED {
        return;
    }
    for item in set {
        if model.rows.about(&item.about) != Some(item) {
            model.changed.insert(item.about.clone(), model.ms);
        }
    }
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
