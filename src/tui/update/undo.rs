//! `:revoke` and `:rollback`: of the Secret of the line, or of one that is named.

use std::collections::BTreeSet;

use super::{Start, runs};
use crate::{
    object::{Key, Kind},
    text::nearest,
    tui::{
        CommandLine,
        effect::Effect,
        item::{Item, ItemSubject},
        keymap::Action,
        message::Trouble,
        model::{
            Model,
            popup::{Chooses, Menu, Popup},
        },
        order::Job,
    },
};

/// Does what would be refused: only whoever types it means it.
pub(super) const FORCE: &str = "--force";

/// Asks for the reason, once it is known that there is something to revoke. One Secret at a time: what is revoked stays revoked.
pub(super) fn revoke(model: &mut Model, rest: &str) -> Vec<Effect> {
    let Some((mut keys, force)) = asked(model, "revoke", rest) else {
        return Vec::new();
    };
    if keys.len() > 1 {
        let unmark = model.ui.keymap.shown(Action::Unmark);
        let told = format!(
            "revoke: one Secret at a time, but {} are marked: {unmark} clears the marks",
            keys.len()
        );
        model.notice(told, true);
        return Vec::new();
    }
    let Some(key) = keys.pop() else { return Vec::new() };
    // Whoever is asked for a reason has a Secret: one of which no certificate was read is looked for first.
    if !is_known(model, &key) {
        model.notice(format!("looking for Secret {key} ..."), false);
        model.looked_for = Some((key.clone(), force));
        return vec![Effect::LookForSecret(key)];
    }
    ask_reason(model, key, force);
    Vec::new()
}

/// Whether the certificate of a Secret was read.
fn is_known(model: &Model, key: &Key) -> bool {
    let holds = |item: &Item| item.certificate.is_some() && item.secret() == Some(key);
    model.rows.everything().any(holds)
}

/// It is known whether there is the Secret that was looked for. Whoever has gone on meanwhile wants it no more.
pub(super) fn found(model: &mut Model, key: &Key, is_there: Result<bool, Trouble>) -> Vec<Effect> {
    let looked_for = model.looked_for.take_if(|(looked_for, _)| looked_for == key);
    let Some((key, force)) = looked_for else {
        return Vec::new();
    };
    model.leave_notice(true);
    match is_there {
        Ok(true) if model.popups.is_empty() && model.prompt.is_none() => ask_reason(model, key, force),
        Ok(true) => {}
        Ok(false) => {
            let known: BTreeSet<String> = model
                .rows
                .everything()
                .filter_map(Item::secret)
                .map(Key::to_string)
                .collect();
            let name = key.to_string();
            let known = known.iter().map(String::as_str).filter(|known| *known != name);
            let meant = nearest(&name, known).map(|meant| format!("; did you mean {meant}?"));
            let told = format!("revoke: there is no Secret {key}{}", meant.unwrap_or_default());
            model.notice(told, true);
        }
        Err(trouble) => super::trouble_notice(model, &trouble),
    }
    Vec::new()
}

fn ask_reason(model: &mut Model, key: Key, force: bool) {
    // `j` and `k` move.
    let reasons = [
        ('s', "superseded", "another certificate has taken its place"),
        ('m', "key-compromise", "someone else may have the key"),
        ('c', "cessation-of-operation", "the names are no longer served"),
        ('u', "unspecified", "none of these"),
    ];
    let of = ItemSubject {
        kind: Kind::Secret,
        key,
    };
    model.popups.push(Popup::Menu(Menu {
        title: format!("revoke Secret {}: the reason", of.key),
        chooses: Chooses::Revoke { of, force },
        entries: reasons
            .map(|(key, word, why)| (key, word.to_owned(), why.to_owned()))
            .into(),
        at: 0,
    }));
}

/// Plans the revocation, as the command line does: without [`FORCE`], a certificate that is in use is not revoked.
pub(super) fn revoke_for(model: &mut Model, of: &Key, reason: &str, force: bool) -> Vec<Effect> {
    let used = model.rows.hosts_of(of);
    let command = CommandLine::certs(["revoke", of.name.as_str(), "--reason", reason])
        .and(["-n", of.namespace.as_str()])
        .and(model.place.flags.clone())
        .and(model.place.config_flags.clone())
        .and(force.then_some(FORCE));
    let users = match used {
        0 => "no route that was read uses it".to_owned(),
        1 => "1 host is served with it, and browsers may then refuse it: renew first (R)".to_owned(),
        n => format!("{n} hosts are served with it, and browsers may then refuse them: renew first (R)"),
    };
    let start = Start {
        notes: vec!["a revocation cannot be undone".to_owned(), users],
        ..Start::new(Job::Revoke, command)
    };
    runs::plan(model, vec![start])
}

/// Plans it for all that are marked, each a run of its own: both pairs are shown, and it is asked as before a renewal.
pub(super) fn rollback(model: &mut Model, rest: &str) -> Vec<Effect> {
    let Some((keys, force)) = asked(model, "rollback", rest) else {
        return Vec::new();
    };
    let starts: Vec<Start> = keys
        .iter()
        .map(|key| {
            let command = CommandLine::certs(["rollback", key.name.as_str(), "-n", key.namespace.as_str()]);
            let flags = model.place.flags.iter().chain(&model.place.config_flags);
            Start::new(Job::Rollback, command.and(flags.cloned()).and(force.then_some(FORCE)))
        })
        .collect();
    runs::plan(model, starts)
}

/// The Secrets that a command is about, and whether it is forced; what is wrong is said.
fn asked(model: &mut Model, word: &str, rest: &str) -> Option<(Vec<Key>, bool)> {
    let found = refused(model)
        .map_or(Ok(()), |why| Err(why.to_owned()))
        .and_then(|()| read(model, rest));
    match found {
        Ok(found) => Some(found),
        Err(why) => {
            model.notice(format!("{word}: {why}"), true);
            None
        }
    }
}

/// Why nothing can be written now.
fn refused(model: &Model) -> Option<&'static str> {
    if model.is_manifests() {
        Some("needs a cluster: these are manifests")
    } else if model.ui.read_only {
        Some("the program is read-only")
    } else {
        super::can::between(model)
    }
}

/// Reads what follows the command: a Secret, and [`FORCE`]. Without a Secret it is that of the line, or those of the marked lines.
fn read(model: &Model, rest: &str) -> Result<(Vec<Key>, bool), String> {
    let (force, named): (Vec<&str>, Vec<&str>) = rest.split_whitespace().partition(|word| *word == FORCE);
    let keys = match named.as_slice() {
        [] => of_lines(model)?,
        [one] => {
            let parts = one
                .split_once('/')
                .filter(|(before, name)| !before.is_empty() && !name.is_empty() && !name.contains('/'));
            let (before, name) =
                parts.ok_or_else(|| format!("{one:?} is no Secret: write NAMESPACE/NAME, secret/NAME or {FORCE}"))?;
            // As on the command line, where a kind's name is no namespace.
            match Kind::named(before) {
                None => vec![Key::new(before, name)],
                Some(Kind::Secret) => match model.place.namespaces.as_slice() {
                    [namespace] => vec![Key::new(namespace.as_str(), name)],
                    _ => return Err(format!("{one:?} is in which namespace? write NAMESPACE/NAME")),
                },
                Some(_) => return Err(format!("{one:?} is no Secret")),
            }
        }
        [_, more, ..] => return Err(format!("one Secret at a time: {more:?} is too much")),
    };
    Ok((keys, !force.is_empty()))
}

fn of_lines(model: &Model) -> Result<Vec<Key>, String> {
    let view = model.view;
    if let Some(why) = view.gathers().filter(|_| model.marks.is_empty()) {
        return Err(why.to_owned());
    }
    let mut keys: Vec<Key> = if model.marks.is_empty() {
        view.secret(model, model.cursor().at).cloned().into_iter().collect()
    } else {
        let chosen = model.chosen();
        chosen
            .iter()
            .filter_map(|about| model.rows.about(about)?.secret().cloned())
            .collect()
    };
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return Err("the line names no Secret: write NAMESPACE/NAME after it".to_owned());
    }
    Ok(keys)
}
