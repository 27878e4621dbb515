//! Windows of text about a line, and the command lines that say the same.

use super::{arrange, runs};
use crate::{
    object::Kind,
    tui::{
        command::CommandLine,
        effect::Effect,
        item::Subject,
        model::{
            Model, View,
            popup::{Chooses, Menu, Popup, Text},
        },
    },
};

pub(super) fn explain(model: &mut Model) -> Vec<Effect> {
    let reason = match model.view {
        View::Findings => model.derived.groups.get(model.cursor().at).map(|group| group.reason),
        _ => model
            .item()
            .and_then(|item| item.findings.first())
            .map(crate::check::Finding::reason),
    };
    let Some(reason) = reason else { return Vec::new() };
    let page = crate::report::explain::explain(reason, false);
    let lines = page
        .lines()
        .map(|line| {
            let heading = !line.starts_with(' ')
                && reason
                    .page()
                    .lines()
                    .any(|l| l.trim_start_matches('#').trim() == line && l.starts_with('#'));
            let tone = if heading && !line.is_empty() {
                crate::report::show::Tone::Strong
            } else {
                crate::report::show::Tone::Plain
            };
            vec![(tone, line.to_owned())]
        })
        .collect();
    model.popups.push(Popup::Text(Text {
        title: reason.to_string(),
        command: Some(format!("kubectl certs explain {reason}")),
        lines: Some(Ok(lines)),
        scroll: 0,
    }));
    Vec::new()
}

/// Opens a window for a text that is asked for.
pub(super) fn text(
    model: &mut Model,
    title: &str,
    command: fn(&Model, &Subject) -> CommandLine,
    effect: fn(Subject) -> Effect,
) -> Vec<Effect> {
    let Some(of) = model.subject() else { return Vec::new() };
    let command = command(model, &of).to_string();
    model.popups.push(Popup::Text(Text {
        title: window_title(title, &of),
        command: Some(command),
        lines: None,
        scroll: 0,
    }));
    vec![effect(of)]
}

/// The title of a window about something: what answers is matched by it.
pub fn window_title(title: &str, of: &Subject) -> String {
    format!("{title} {} in {}", of.word(), of.key.namespace)
}

pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let (item, of) = (model.item().cloned(), model.subject());
    let Some(of) = of else {
        model.notice("copy: there is no line", true);
        return Vec::new();
    };
    let mut entries = vec![('n', "name".to_owned(), format!("{}/{}", of.key.namespace, of.key.name))];
    if let Some(host) = item.as_ref().and_then(|item| item.host.as_ref()) {
        entries.push(('h', "host".to_owned(), host.to_string()));
    }
    if let Some(secret) = item.as_ref().and_then(|item| item.secret()) {
        entries.push(('s', "Secret".to_owned(), secret.to_string()));
        entries.push(('p', "PEM".to_owned(), "the certificates, without the key".to_owned()));
    }
    entries.push(('c', "command".to_owned(), show_command(model, &of).to_string()));
    let chosen = model.chosen();
    if !model.is_manifests()
        && let Some(renew) = runs::of_secrets(model, &chosen).first()
    {
        entries.push(('r', "renewal".to_owned(), renew.to_string()));
    }
    // The certificates are those that the menu names, not those of the route's first Secret.
    let of = match item.as_ref().and_then(|item| item.secret()) {
        Some(secret) => Subject {
            kind: Kind::Secret,
            key: secret.clone(),
        },
        None => of,
    };
    model.popups.push(Popup::Menu(Menu {
        chooses: Chooses::Copy(of),
        title: "copy".to_owned(),
        entries,
        at: 0,
    }));
    Vec::new()
}

/// The command that shows what the picture shows.
pub fn show_command(model: &Model, of: &Subject) -> CommandLine {
    let word = if of.kind == Kind::Ingress {
        of.key.name.to_string()
    } else {
        of.word()
    };
    CommandLine::certs(["show", &word])
        .and(["-n", of.key.namespace.as_str()])
        .and(model.place.flags.clone())
        .and(model.place.ca_flags.clone())
}

pub(super) fn yaml_command(model: &Model, of: &Subject) -> CommandLine {
    let (verb, rest): (_, &[&str]) = match of.kind {
        // kubectl would print the key.
        Kind::Secret => ("describe", &[]),
        _ => ("get", &["-o", "yaml"]),
    };
    CommandLine {
        program: "kubectl",
        words: [verb, &of.word(), "-n", of.key.namespace.as_str()]
            .map(str::to_owned)
            .into(),
    }
    .and(rest.iter().copied())
    .and(model.place.flags.clone())
}

/// The command that prints the table that is looked at.
pub fn status_command(model: &Model) -> CommandLine {
    let choice = model.rows.choice();
    let mut line = CommandLine::certs(["status"]);
    line = match (choice.namespace.as_deref(), model.place.namespaces.as_slice()) {
        (Some(one), _) => line.and(["-n", one]),
        (None, []) if model.is_manifests() => line,
        (None, []) => line.and(["-A"]),
        (None, names) => line.and(names.iter().flat_map(|name| ["-n".to_owned(), name.clone()])),
    };
    let sort = arrange::current_sort(model);
    if let (View::Hosts, Some(by)) = (model.view, sort.by) {
        line = line.and(["--sort-by", by.as_str()]);
    }
    if let Some(at) = model.at {
        line = line.and(["--at", &crate::text::date(at)]);
    }
    if model.columns.wide {
        line = line.and(["-o", "wide"]);
    }
    if let Some(reason) = choice.reason {
        line = line.and(["--reason", reason.as_str()]);
    }
    line.and(model.place.check_flags.clone())
        .and(model.place.flags.clone())
        .and(model.place.ca_flags.clone())
}
