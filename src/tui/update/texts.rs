//! Windows of text about a line, and the command lines that say the same.

use super::{arrange, printed::view_command, runs};
use crate::{
    check::{Reason, words},
    object::Kind,
    report::{Status, show::Tone},
    text::clear,
    tui::{
        CommandLine,
        effect::Effect,
        item::{Item, ItemSubject},
        message::StyledLines,
        model::{
            Model,
            popup::{Chooses, Menu, Popup, Text, TextOf},
        },
        order::RunId,
    },
};

/// Explains what is worst about the line, with its own names before what the reason means.
pub(super) fn explain(model: &mut Model) -> Vec<Effect> {
    let of_line = model.view.reason(model, model.cursor().at);
    let Some(item) = model.item() else { return Vec::new() };
    let Some(reason) = of_line.or_else(|| item.findings.first().map(crate::check::Finding::reason)) else {
        return Vec::new();
    };
    let row = item.row(&model.place.context);
    let mut own: StyledLines = Vec::new();
    for finding in item.findings.iter().filter(|finding| finding.reason() == reason) {
        let tone = Tone::Of(Status::from(finding.severity));
        let message = words::message(finding, &row, model.now());
        own.push(vec![(tone, clear(&message).into_owned())]);
        let remedy = words::remedy(finding, &row).text;
        own.push(vec![(Tone::Plain, format!("→ {}", clear(&remedy)))]);
    }
    let mut others: Vec<String> = Vec::new();
    for finding in &item.findings {
        let other = finding.reason().to_string();
        if finding.reason() != reason && !others.contains(&other) {
            others.push(other);
        }
    }
    if !others.is_empty() {
        let told = format!("Also: {}. `:explain REASON` explains each.", others.join(", "));
        own.push(vec![(Tone::Dim, told)]);
    }
    explain_reason(model, reason, own)
}

/// Opens the page of a reason, after what was found.
pub(super) fn explain_reason(model: &mut Model, reason: Reason, found: StyledLines) -> Vec<Effect> {
    let room = crate::tui::model::popup::room(model.size.0);
    let page = crate::report::explain::explain(reason, false, Some(room));
    let mut lines = found;
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.extend(page.lines().map(|line| {
        let heading = !line.starts_with(' ')
            && reason
                .page()
                .lines()
                .any(|l| l.trim_start_matches('#').trim() == line && l.starts_with('#'));
        let tone = if heading && !line.is_empty() {
            Tone::Strong
        } else {
            Tone::Plain
        };
        vec![(tone, line.to_owned())]
    }));
    let id = model.new_window();
    model.popups.push(Popup::Text(Text {
        id,
        title: reason.to_string(),
        command: Some(format!("kubectl certs explain {reason}")),
        lines: Some(Ok(lines)),
        scroll: 0,
    }));
    Vec::new()
}

/// Opens a window for a text that is asked for.
pub(super) fn text(model: &mut Model, what: TextOf) -> Vec<Effect> {
    let Some(of) = model.subject() else { return Vec::new() };
    let command = match what {
        TextOf::Yaml => yaml_command(model, &of),
        TextOf::Certificates | TextOf::Users => show_command(model, &of),
    };
    let window = model.new_window();
    model.popups.push(Popup::Text(Text {
        id: window,
        title: what.title(&of),
        command: Some(command.to_string()),
        lines: None,
        scroll: 0,
    }));
    vec![Effect::Text { window, what, of }]
}

/// Copies the command that does the same as the window in front: several, of several namespaces, follow one another.
fn copy_command(model: &mut Model) -> Vec<Effect> {
    let of_runs = |runs: &[RunId]| {
        let commands = runs.iter().filter_map(|id| model.run(*id)).map(|run| &run.command);
        let commands = each(commands.filter(|command| !command.is_none()).map(ToString::to_string));
        (!commands.is_empty()).then(|| commands.join(" && "))
    };
    let command = match model.popups.last() {
        Some(Popup::Plan(window)) => of_runs(&window.runs),
        Some(Popup::Run(window)) => of_runs(&window.runs),
        Some(Popup::Text(text)) => text.command.clone(),
        _ => None,
    };
    let Some(command) = command else {
        model.notice("copy: no command does the same as this window", true);
        return Vec::new();
    };
    // One line, whatever a manifest says: it may be pasted into a shell.
    let command = crate::text::clear(&command).into_owned();
    model.notice(format!("copied: {command}"), false);
    vec![Effect::Copy(command)]
}

/// Offers what can be copied of the line, or of all that are marked: several stand on one line, with blanks between; and the
/// command that prints the view.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    if !model.popups.is_empty() {
        return copy_command(model);
    }
    let chosen = model.chosen();
    let items: Vec<&Item> = chosen.iter().filter_map(|about| model.rows.about(about)).collect();
    let of: Vec<ItemSubject> = if model.marks.is_empty() {
        model.subject().into_iter().collect()
    } else {
        items.iter().filter_map(|item| model.view.subject_of(item)).collect()
    };
    let view = view_command(model).map(|command| ('v', "view".to_owned(), command.to_string()));
    let Some(first) = of.first().cloned() else {
        if let Some(view) = view {
            offer(model, None, vec![view]);
        } else {
            model.notice("copy: there is no line", true);
        }
        return Vec::new();
    };
    let names = each(of.iter().map(|of| format!("{}/{}", of.key.namespace, of.key.name)));
    let mut entries = vec![('n', "name".to_owned(), names.join(" "))];
    let hosts = each(
        items
            .iter()
            .filter_map(|item| item.host.as_ref())
            .map(ToString::to_string),
    );
    if !hosts.is_empty() {
        entries.push(('h', "host".to_owned(), hosts.join(" ")));
    }
    let secrets = each(items.iter().filter_map(|item| item.secret()).map(ToString::to_string));
    if !secrets.is_empty() {
        entries.push(('s', "Secret".to_owned(), secrets.join(" ")));
    }
    if secrets.len() == 1 {
        entries.push(('p', "PEM".to_owned(), "the certificates, without the key".to_owned()));
    }
    let commands = each(of.iter().map(|of| show_command(model, of).to_string()));
    entries.push(('c', "command".to_owned(), commands.join(" && ")));
    if !model.is_manifests() {
        let renewals = each(runs::of_secrets(model, &chosen).iter().map(ToString::to_string));
        if !renewals.is_empty() {
            entries.push(('r', "renewal".to_owned(), renewals.join(" && ")));
        }
    }
    entries.extend(view);
    // The certificates are those that the menu names, not those of the route's first Secret.
    let of = match items.first().and_then(|item| item.secret()) {
        Some(secret) => ItemSubject {
            kind: Kind::Secret,
            key: secret.clone(),
        },
        None => first,
    };
    offer(model, Some(of), entries);
    Vec::new()
}

/// Opens the menu of what can be copied.
fn offer(model: &mut Model, of: Option<ItemSubject>, entries: Vec<(char, String, String)>) {
    model.popups.push(Popup::Menu(Menu {
        chooses: Chooses::Copy(of),
        title: "copy".to_owned(),
        entries,
        at: 0,
    }));
}

/// Each once, in the order in which they come.
fn each(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

/// The command that shows what the picture shows.
pub fn show_command(model: &Model, of: &ItemSubject) -> CommandLine {
    let word = if of.kind == Kind::Ingress {
        of.key.name.to_string()
    } else {
        of.word()
    };
    CommandLine::certs(["show", &word])
        .and(["-n", of.key.namespace.as_str()])
        .and(at_flag(model))
        .and(model.place.flags.clone())
        .and(model.place.ca_flags.clone())
        .and(model.place.config_flags.clone())
}

pub(super) fn yaml_command(model: &Model, of: &ItemSubject) -> CommandLine {
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

/// The command that prints the rows that are looked at.
pub fn status_command(model: &Model) -> CommandLine {
    status_with(model, &[])
}

/// The same, with words of its own before what chooses.
pub(in crate::tui) fn status_with(model: &Model, own: &[&str]) -> CommandLine {
    let choice = model.rows.choice();
    let mut line = CommandLine::certs(["status"]);
    line = match (choice.namespace.as_deref(), model.place.namespaces.as_slice()) {
        (Some(one), _) => line.and(["-n", one]),
        (None, []) if model.is_manifests() => line,
        (None, []) => line.and(["-A"]),
        (None, names) => line.and(names.iter().flat_map(|name| ["-n".to_owned(), name.clone()])),
    };
    line = line.and(own.iter().copied());
    let sort = arrange::current_sort(model);
    let is_status = model.view.is_status();
    if let (true, Some(by)) = (is_status, sort.by) {
        line = line.and(["--sort-by", by.as_str()]);
    }
    if is_status && sort.reverse {
        line = line.and(["--reverse"]);
    }
    line = line.and(at_flag(model));
    if model.columns.wide {
        line = line.and(["-o", "wide"]);
    }
    if !model.filter.trim().is_empty() {
        line = line.and([format!("--filter={}", model.filter.trim())]);
    }
    let mut given = model.place.check_flags.clone();
    if let Some(reason) = choice.reason {
        // Several would choose the rows of each of them.
        without(&mut given, "--reason");
        line = line.and(["--reason", reason.as_str()]);
    }
    if let Some(period) = choice.between {
        line = line.and([format!("--between={period}")]);
    }
    if choice.problems_only && !given.iter().any(|flag| flag == "--min-severity") {
        line = line.and(["--min-severity", "info"]);
    }
    line.and(given)
        .and(model.place.flags.clone())
        .and(model.place.ca_flags.clone())
        .and(model.place.config_flags.clone())
}

/// The day for which it is judged, where that is not now.
fn at_flag(model: &Model) -> Vec<String> {
    let at = |at: crate::object::Seconds| {
        let whole = at.rem_euclid(crate::text::time::DAY) == 0;
        let said = if whole {
            crate::text::date(at)
        } else {
            crate::text::time::date_time(at)
        };
        vec!["--at".to_owned(), said]
    };
    model.at.map(at).unwrap_or_default()
}

/// Takes a flag away, with its value.
fn without(flags: &mut Vec<String>, name: &str) {
    while let Some(at) = flags.iter().position(|flag| flag == name) {
        flags.drain(at..flags.len().min(at + 2));
    }
}
