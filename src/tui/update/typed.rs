//! `:`: the command line.

use super::{act, arrange, keys, undo};
use crate::{
    report::order::Field,
    text::{date_time, nearest, nearest_name, parse_time},
    tui::{
        effect::Effect,
        keymap::Action,
        model::{Model, Prompt, Recall, View, input::Input},
        rows::{Choice, Sort},
        views::{Takes, joined},
    },
};

/// The commands, and what follows each: first those that show a view.
pub const COMMANDS: &[(&str, &str)] = &ALL;
const ALL: [(&str, &str); View::COMMANDS.len() + OTHERS.len()] = joined(&[], &View::COMMANDS, OTHERS);

const OTHERS: &[(&str, &str)] = &[
    ("ns", "[NAMESPACE | all]"),
    ("ctx", "[CONTEXT]"),
    ("at", "DATE | now"),
    ("sort", "FIELD [reverse]"),
    ("filter", "[TEXT]"),
    ("problems", ""),
    ("wide", ""),
    ("renew", ""),
    ("restart", ""),
    ("probe", ""),
    ("explain", "[REASON]"),
    ("yaml", ""),
    ("users", ""),
    ("decode", ""),
    ("revoke", "[NAMESPACE/SECRET] [--force]"),
    ("rollback", "[NAMESPACE/SECRET] [--force]"),
    ("copy", ""),
    ("save", "[FILE]"),
    ("read", ""),
    ("log", ""),
    ("help", ""),
    ("q", ""),
];

/// Other names of commands that show no view, as k9s and vi have them.
const ALIASES: &[(&str, &str)] = &[
    ("quit", "q"),
    ("q!", "q"),
    ("qa", "q"),
    ("exit", "q"),
    ("namespace", "ns"),
    ("context", "ctx"),
    ("w", "save"),
    ("reread", "read"),
    ("refresh", "read"),
    ("?", "help"),
    ("h", "help"),
];

const FIELDS: &[(&str, Option<Field>)] = &[
    ("worst", None),
    ("status", Some(Field::Status)),
    ("expires", Some(Field::Expires)),
    ("namespace", Some(Field::Namespace)),
    ("name", Some(Field::Name)),
    ("host", Some(Field::Host)),
    ("issuer", Some(Field::Issuer)),
    ("age", Some(Field::Age)),
];

/// Carries a typed command out.
pub(super) fn run(model: &mut Model, typed: &str) -> Vec<Effect> {
    model.leave_notice(true);
    let typed = typed.trim();
    let (word, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rest = rest.trim();
    let view = View::named(word);
    let word = match (view, ALIASES.iter().find(|(alias, _)| *alias == word)) {
        (Some(view), _) => view.word(),
        (None, Some((_, meant))) => meant,
        (None, None) => word,
    };
    if !rest.is_empty() && takes_nothing(word) {
        model.notice(format!(":{word} takes no argument: {rest:?} is too much"), true);
        return Vec::new();
    }
    // What is of the view behind is not done while a window waits for an answer; what is only read goes.
    if !model.popups.is_empty() && !["", "copy", "log", "help", "q"].contains(&word) {
        if !keys::reads_only(model) {
            model.notice(
                format!(":{word} waits until this window is closed; esc closes it"),
                true,
            );
            return Vec::new();
        }
        model.popups.clear();
    }
    match (word, view) {
        ("", _) => Vec::new(),
        (_, Some(view)) if !rest.is_empty() => show(model, view, rest),
        ("explain", _) if !rest.is_empty() => explain(model, rest),
        // `:ns` alone lists them, as k9s does.
        ("ns", _) if rest.is_empty() => act::act(model, View::Namespaces.action()),
        (_, Some(view)) => act::act(model, view.action()),
        ("ns", _) => namespace(model, rest),
        ("ctx", _) => context(model, rest),
        ("at", _) => at(model, rest),
        ("sort", _) => sort(model, rest),
        ("filter", _) => {
            keys::set_filter(model, rest.to_owned());
            Vec::new()
        }
        ("problems", _) => act::act(model, Action::ProblemsOnly),
        ("wide", _) => act::act(model, Action::Wide),
        ("renew", _) => act::act(model, Action::Renew),
        ("restart", _) => act::act(model, Action::Restart),
        ("probe", _) => act::act(model, Action::Probe),
        ("explain", _) => act::act(model, Action::Explain),
        ("yaml", _) => act::act(model, Action::Yaml),
        ("users", _) => act::act(model, Action::Users),
        ("decode", _) => act::act(model, Action::Decode),
        ("revoke", _) => undo::revoke(model, rest),
        ("rollback", _) => undo::rollback(model, rest),
        ("copy", _) => act::act(model, Action::Copy),
        ("save", _) if rest.is_empty() => act::act(model, Action::Save),
        ("save", _) => act::saved(model, rest),
        ("read", _) => act::act(model, Action::Reread),
        ("log", _) => act::act(model, Action::Log),
        ("help", _) => act::act(model, Action::Help),
        ("q", _) => act::act(model, Action::Quit),
        (unknown, _) => {
            let known = COMMANDS.iter().map(|(word, _)| *word);
            let meant = nearest(unknown, known)
                .map_or_else(|| "; :help lists them".to_owned(), |m| format!("; did you mean :{m}?"));
            model.notice(format!("there is no command :{unknown}{meant}"), true);
            Vec::new()
        }
    }
}

/// Whether a command that there is takes nothing after it.
fn takes_nothing(word: &str) -> bool {
    COMMANDS.iter().any(|(known, rest)| *known == word && rest.is_empty())
}

/// `:ing shop`, `:hosts /wiki`: a view, of a namespace, of what a filter chooses.
fn show(model: &mut Model, view: View, rest: &str) -> Vec<Effect> {
    let (name, filter) = match rest.split_once('/') {
        Some((name, filter)) => (name.trim(), Some(filter)),
        None => (rest, None),
    };
    if view.takes() != Takes::NamespaceAndFilter && !name.is_empty() {
        let word = view.word();
        model.notice(
            format!("ns: write :ns {name} for one of them, or :{word} /{name}"),
            true,
        );
        return Vec::new();
    }
    if name.contains(char::is_whitespace) {
        let word = view.word();
        model.notice(
            format!("{word}: one namespace, and a filter after a /: :{word} shop /wiki"),
            true,
        );
        return Vec::new();
    }
    // Where there is nothing to show, what is shown stays.
    if is_unknown(model, name) {
        return namespace(model, name);
    }
    let mut effects = act::act(model, view.action());
    if !name.is_empty() {
        effects.extend(namespace(model, name));
    }
    if let Some(filter) = filter {
        keys::set_filter(model, filter.trim().to_owned());
    }
    effects
}

fn explain(model: &mut Model, name: &str) -> Vec<Effect> {
    match name.parse::<crate::check::Reason>() {
        Ok(reason) => super::texts::explain_reason(model, reason, Vec::new()),
        Err(unknown) => {
            model.notice(format!("explain: {unknown}"), true);
            Vec::new()
        }
    }
}

/// Where the last word of what is typed begins.
fn last_word(typed: &str) -> usize {
    let at = typed.rfind(char::is_whitespace);
    at.map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8))
}

/// The typed text with its last word completed as far as it is certain, or, where that is as it is, by the first word that fits.
fn completed(model: &Model, typed: &str) -> Option<String> {
    let fitting = fitting(model, typed);
    let (first, others) = fitting.split_first()?;
    let mut common: &str = first;
    for other in others {
        let same = common
            .char_indices()
            .zip(other.chars())
            .take_while(|((_, a), b)| a == b);
        let length = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
        common = &common[..length];
    }
    let (head, last) = typed.split_at(last_word(typed));
    let takes_more = head.is_empty() && COMMANDS.iter().any(|(word, rest)| *word == common && !rest.is_empty());
    let space = if others.is_empty() && takes_more { " " } else { "" };
    (common != last || !space.is_empty()).then(|| format!("{head}{common}{space}"))
}

/// Tab: completes what is certain; pressed again, goes through what fits, and from the last to the first.
pub(super) fn complete(model: &mut Model, forward: bool) {
    let Some(Prompt::Command(input)) = &model.prompt else {
        return;
    };
    let text = input.text().to_owned();
    let (typed, at) = match &model.recall {
        Recall::Completed { typed, at } => (typed.clone(), Some(*at)),
        _ => (text.clone(), None),
    };
    if at.is_none()
        && let Some(more) = completed(model, &typed)
    {
        model.prompt = Some(Prompt::Command(Input::new(more)));
        return;
    }
    let fitting = fitting(model, &typed);
    if fitting.len() < 2 {
        return;
    }
    let at = match (at, forward) {
        (None, true) => 0,
        (None, false) => fitting.len() - 1,
        (Some(at), true) => (at + 1) % fitting.len(),
        (Some(at), false) => (at + fitting.len() - 1) % fitting.len(),
    };
    let Some(word) = fitting.get(at) else { return };
    let head = &typed[..last_word(&typed)];
    model.prompt = Some(Prompt::Command(Input::new(format!("{head}{word}"))));
    model.recall = Recall::Completed { typed, at };
}

/// How many commands are remembered.
const REMEMBERED: usize = 100;

/// Remembers a command, for the arrow keys.
pub(super) fn remember(model: &mut Model, typed: &str) {
    let typed = typed.trim();
    if typed.is_empty() {
        return;
    }
    model.commands.retain(|before| before != typed);
    if model.commands.len() >= REMEMBERED {
        model.commands.remove(0);
    }
    model.commands.push(typed.to_owned());
}

/// Goes through the commands before.
pub(super) fn recall(model: &mut Model, earlier: bool) {
    let Some(Prompt::Command(input)) = &model.prompt else {
        return;
    };
    let (back, typed) = match &model.recall {
        Recall::Before { back, typed } => (*back, typed.clone()),
        _ => (0, input.text().to_owned()),
    };
    let back = if earlier {
        (back + 1).min(model.commands.len())
    } else {
        back.saturating_sub(1)
    };
    let text = match back.checked_sub(1) {
        Some(newer) => model.commands.iter().rev().nth(newer).cloned().unwrap_or_default(),
        None => typed.clone(),
    };
    model.prompt = Some(Prompt::Command(Input::new(text)));
    model.recall = Recall::Before { back, typed };
}

/// What may follow `head`, for the completion and the line below what is typed.
fn candidates(model: &Model, head: &str) -> Vec<String> {
    match head {
        "" => COMMANDS.iter().map(|(word, _)| (*word).to_owned()).collect(),
        "ns" | "namespace" => {
            let mut names: Vec<String> = model.rows.everything().map(|item| item.namespace.to_string()).collect();
            names.sort();
            names.dedup();
            names.insert(0, "all".to_owned());
            names
        }
        "ctx" | "context" => model.place.contexts.clone(),
        "explain" => crate::check::Reason::ALL.iter().map(ToString::to_string).collect(),
        "sort" => FIELDS.iter().map(|(word, _)| (*word).to_owned()).collect(),
        "at" => vec!["now".to_owned()],
        "revoke" | "rollback" => vec![undo::FORCE.to_owned()],
        word if View::named(word).is_some_and(|view| view.takes() == Takes::NamespaceAndFilter) => {
            candidates(model, "ns")
        }
        _ => Vec::new(),
    }
}

/// The words that fit what is typed.
pub fn fitting(model: &Model, typed: &str) -> Vec<String> {
    let (head, last) = typed.split_at(last_word(typed));
    candidates(model, head.trim())
        .into_iter()
        .filter(|word| word.starts_with(last))
        .collect()
}

/// Whether a word means all namespaces.
fn is_all(name: &str) -> bool {
    matches!(name, "all" | "*" | "-")
}

/// Whether a namespace was read.
fn is_read(model: &Model, name: &str) -> bool {
    let read = &model.place.namespaces;
    read.is_empty() || read.iter().any(|n| n == name)
}

/// Whether a namespace was read and nothing of it is here: nobody knows whether there is one.
fn is_unknown(model: &Model, name: &str) -> bool {
    let named = !name.is_empty() && !is_all(name) && is_read(model, name);
    named && !model.rows.everything().any(|item| item.namespace == name)
}

/// The namespace with the nearest name, of those that have something.
pub(super) fn nearest_namespace(model: &Model, name: &str) -> Option<String> {
    let names: Vec<String> = candidates(model, "ns");
    let names = names.iter().map(String::as_str).filter(|known| *known != name);
    nearest(name, names).map(str::to_owned)
}

/// Says that nothing in a namespace is served.
pub(super) fn nothing_in(model: &mut Model, name: &str) {
    let meant = nearest_namespace(model, name).map_or_else(
        || "; see :namespaces".to_owned(),
        |meant| format!("; did you mean {meant}?"),
    );
    model.notice(format!("nothing in namespace {name} is served over TLS{meant}"), true);
}

fn namespace(model: &mut Model, name: &str) -> Vec<Effect> {
    if is_all(name) {
        let choice = Choice {
            namespace: None,
            ..model.rows.choice().clone()
        };
        keys::set_choice(model, choice);
        if model.place.namespaces.is_empty() || model.is_manifests() {
            return Vec::new();
        }
        return reread(model, Vec::new());
    }
    if is_read(model, name) {
        if is_unknown(model, name) {
            // Manifests have the namespaces that they name.
            if model.is_manifests() {
                nothing_in(model, name);
                return Vec::new();
            }
            return vec![Effect::LookForNamespace(name.to_owned())];
        }
        let choice = Choice {
            namespace: Some(name.into()),
            ..model.rows.choice().clone()
        };
        keys::set_choice(model, choice);
        return Vec::new();
    }
    reread(model, vec![name.to_owned()])
}

/// Reads other namespaces; none is all.
pub(super) fn reread(model: &mut Model, namespaces: Vec<String>) -> Vec<Effect> {
    let choice = Choice {
        namespace: None,
        ..model.rows.choice().clone()
    };
    keys::set_choice(model, choice);
    let going = crate::tui::model::Reading::Going { hosts: 0, secrets: 0 };
    let reading = std::mem::replace(&mut model.reading, going);
    let before = std::mem::replace(&mut model.place.namespaces, namespaces.clone());
    model.begun_in.get_or_insert_with(|| before.clone());
    // What is not there is told, and what is shown stays.
    model.elsewhere.get_or_insert((reading, before));
    vec![Effect::Namespaces(namespaces)]
}

fn context(model: &mut Model, name: &str) -> Vec<Effect> {
    if model.is_manifests() {
        model.notice("ctx: needs a cluster: these are manifests", true);
        return Vec::new();
    }
    if name.is_empty() {
        let all = model.place.contexts.join(", ");
        model.notice(format!("contexts: {all}"), false);
        return Vec::new();
    }
    if !model.place.contexts.iter().any(|context| context == name) {
        let meant = nearest_name(name, model.place.contexts.iter().map(String::as_str));
        let meant = meant.map(|m| format!("; did you mean {m}?")).unwrap_or_default();
        model.notice(format!("the kubeconfig has no context {name}{meant}"), true);
        return Vec::new();
    }
    if model.active().next().is_some() {
        let told = "ctx: a renewal is running: wait for it, or cancel it first";
        model.notice_while(crate::tui::model::Passing::Running, told, true);
        return Vec::new();
    }
    let going = crate::tui::model::Reading::Going { hosts: 0, secrets: 0 };
    model.before = Some(std::mem::replace(&mut model.reading, going));
    model.detail = None;
    vec![Effect::Context(name.to_owned())]
}

fn at(model: &mut Model, date: &str) -> Vec<Effect> {
    if date.is_empty() {
        let day = model.at.map_or_else(|| "now".to_owned(), date_time);
        model.notice(
            format!("the view is as of {day}: write :at 2027-01-31 for another day, or :at now"),
            false,
        );
        return Vec::new();
    }
    if matches!(date, "now" | "today") {
        return arrange::set_day(model, None);
    }
    if let Some(at) = parse_time(date) {
        return arrange::set_day(model, Some(at));
    }
    model.notice(
        format!("{date:?} is not a date: write :at 2027-01-31, or :at now"),
        true,
    );
    Vec::new()
}

fn sort(model: &mut Model, rest: &str) -> Vec<Effect> {
    let (word, way) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let Some((_, by)) = FIELDS.iter().find(|(name, _)| *name == word) else {
        let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        model.notice(format!("sort by one of {}", names.join(", ")), true);
        return Vec::new();
    };
    let reverse = matches!(way.trim(), "reverse" | "desc" | "-r");
    arrange::set_sort(model, Sort { by: *by, reverse });
    Vec::new()
}
