//! What each action does.

use ratatui::layout::Position;

use super::{Start, can::refusal, keys, mouse, runs, save};
use crate::{
    object::Kind,
    report::order::Field,
    text::time::DAY,
    tui::{
        command::CommandLine,
        effect::Effect,
        item::Subject,
        keymap::Action,
        model::{
            Detail, Model, Moment, Prompt, SPLIT, View,
            input::Input,
            popup::{About, Ask, Chooses, Menu, Popup, Text, Wanted, Watched},
        },
        order::{Job, RunId},
        rows::{Choice, Sort},
    },
};

/// How many places the history keeps.
const HISTORY: usize = 50;

/// Carries an action out, or says why it cannot be.
// One arm an action: it is a table.
#[allow(clippy::too_many_lines)]
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    // A window takes what scrolls and what leads out; what is of the view behind it waits.
    if !model.popups.is_empty() && !works_over_windows(action) {
        return Vec::new();
    }
    if let Some(why) = refusal(model, action) {
        model.notice(format!("{}: {why}", action.short()), true);
        return Vec::new();
    }
    match action {
        Action::Up => step(model, -1),
        Action::Down => step(model, 1),
        Action::PageUp => step(model, -page(model)),
        Action::PageDown => step(model, page(model)),
        Action::Top => step(model, isize::MIN),
        Action::Bottom => step(model, isize::MAX),
        Action::Open => open(model),
        Action::Back => back(model),
        Action::Earlier => shift_day(model, -1),
        Action::Later => shift_day(model, 1),
        Action::HistoryBack => travel(model, false),
        Action::HistoryForward => travel(model, true),
        Action::Hosts => show(model, View::Hosts),
        Action::Secrets => show(model, View::Secrets),
        Action::Findings => show(model, View::Findings),
        Action::Timeline => show(model, View::Timeline),
        Action::Orders => show(model, View::Orders),
        Action::Namespaces => show(model, View::Namespaces),
        Action::NextView => neighbour(model, 1),
        Action::PreviousView => neighbour(model, View::ALL.len() - 1),
        Action::Filter => {
            model.prompt = Some(Prompt::Filter(Input::new(model.filter.clone())));
            Vec::new()
        }
        Action::Command => {
            model.prompt = Some(Prompt::Command(Input::default()));
            Vec::new()
        }
        Action::ProblemsOnly => {
            let choice = Choice {
                problems_only: !model.rows.choice().problems_only,
                ..model.rows.choice().clone()
            };
            keys::set_choice(model, choice);
            Vec::new()
        }
        Action::Sort => {
            next_sort(model);
            Vec::new()
        }
        Action::SortName => sorted(model, Field::Name),
        Action::SortNamespace => sorted(model, Field::Namespace),
        Action::SortHost => sorted(model, Field::Host),
        Action::SortStatus => sorted(model, Field::Status),
        Action::SortExpiry => sorted(model, Field::Expires),
        Action::SortAge => sorted(model, Field::Age),
        Action::Wide => {
            model.columns.wide = !model.columns.wide;
            model.cursor_mut().widths.clear();
            Vec::new()
        }
        Action::Columns => {
            choose_columns(model);
            Vec::new()
        }
        Action::Mark => mark(model),
        Action::MarkRange => mark_range(model),
        Action::Unmark => {
            model.marks.clear();
            model.last_mark = None;
            Vec::new()
        }
        Action::Renew => runs::renew(model, false),
        Action::Restart => runs::restart(model),
        Action::Probe => probe(model),
        Action::Explain => explain(model),
        Action::Users => text(model, "used by", show_command, Effect::Users),
        Action::Decode => text(model, "certificates of", show_command, Effect::Decode),
        Action::Yaml => text(model, "yaml of", yaml_command, Effect::Yaml),
        Action::Wait => {
            model.ring = !model.ring;
            let told = if model.ring {
                "the bell rings when all renewals have ended"
            } else {
                "the bell does not ring"
            };
            model.notice(told, false);
            Vec::new()
        }
        Action::Confirm => runs::confirm(model),
        Action::Stage => runs::other_stage(model),
        Action::Cancel => runs::cancel(model),
        Action::Copy => copy(model),
        Action::Save => {
            let name = format!("certs-{}.md", model.view.word());
            let help = "the end of the name says how: .md, .json, .yaml or .txt";
            keys::ask_line(model, Wanted::File, "save the view as", help, name);
            Vec::new()
        }
        Action::Reread => {
            model.reading = crate::tui::model::Reading::Going { hosts: 0, secrets: 0 };
            vec![Effect::Read]
        }
        Action::Log => {
            model.unseen = 0;
            if !matches!(model.popups.last(), Some(Popup::Log { .. })) {
                model.popups.push(Popup::Log { scroll: 0 });
            }
            Vec::new()
        }
        Action::Help => {
            if !matches!(model.popups.last(), Some(Popup::Help { .. })) {
                model.popups.push(Popup::Help { scroll: 0 });
            }
            Vec::new()
        }
        Action::Quit => quit(model),
    }
}

/// Whether an action works while a window is open.
fn works_over_windows(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Back
            | Action::Confirm
            | Action::Stage
            | Action::Cancel
            | Action::Quit
            | Action::Help
            | Action::Log
            | Action::Wait
    )
}

fn page(model: &Model) -> isize {
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
fn step(model: &mut Model, by: isize) -> Vec<Effect> {
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
    follow_cursor(model)
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

/// What is shown beside the table, or in its place, follows the cursor.
pub fn follow_cursor(model: &mut Model) -> Vec<Effect> {
    if model.detail.is_none() {
        return Vec::new();
    }
    let Some(of) = model.subject() else { return Vec::new() };
    let Some(detail) = model.detail.as_mut() else {
        return Vec::new();
    };
    if detail.of == of {
        return Vec::new();
    }
    detail.of = of.clone();
    detail.scroll = 0;
    detail.asked_ms = model.ms;
    let width = picture_width(model);
    vec![Effect::Picture { of, width }]
}

/// How wide a picture may be.
pub fn picture_width(model: &Model) -> u16 {
    let width = if model.size.0 >= SPLIT {
        model.size.0 / 2
    } else {
        model.size.0
    };
    width.saturating_sub(4).max(40)
}

/// Asks for the picture that is shown once more: the size, or what it shows, has changed.
pub fn picture_again(model: &mut Model) -> Vec<Effect> {
    let width = picture_width(model);
    let ms = model.ms;
    let Some(detail) = &mut model.detail else {
        return Vec::new();
    };
    detail.asked_ms = ms;
    vec![Effect::Picture {
        of: detail.of.clone(),
        width,
    }]
}

/// Enter.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match model.view {
        View::Hosts | View::Secrets => {
            let Some(of) = model.subject() else { return Vec::new() };
            if let Some(detail) = model.detail.as_mut().filter(|detail| detail.of == of) {
                detail.focused = true;
                return Vec::new();
            }
            let width = picture_width(model);
            model.detail = Some(Detail {
                of: of.clone(),
                width,
                lines: None,
                scroll: 0,
                asked_ms: model.ms,
                focused: model.size.0 < SPLIT,
            });
            vec![Effect::Picture { of, width }]
        }
        View::Findings => {
            let Some(group) = model.derived.groups.get(model.cursor().at) else {
                return Vec::new();
            };
            let choice = Choice {
                reason: Some(group.reason),
                ..model.rows.choice().clone()
            };
            let effects = show(model, View::Hosts);
            keys::set_choice(model, choice);
            effects
        }
        View::Namespaces => {
            let Some(line) = model.derived.namespaces.get(model.cursor().at) else {
                return Vec::new();
            };
            let choice = Choice {
                namespace: Some(line.name.clone()),
                ..model.rows.choice().clone()
            };
            let effects = show(model, View::Hosts);
            keys::set_choice(model, choice);
            effects
        }
        View::Timeline => {
            let from = model
                .derived
                .timeline
                .buckets
                .get(model.cursor().at)
                .and_then(|bucket| bucket.from);
            let effects = show(model, View::Hosts);
            set_sort(
                model,
                Sort {
                    by: Some(Field::Expires),
                    reverse: false,
                },
            );
            let first = model.rows.iter().position(|item| {
                item.certificate
                    .as_ref()
                    .is_some_and(|certificate| from.is_none_or(|from| certificate.not_after >= from))
            });
            model.cursor_mut().at = first.unwrap_or(0);
            effects
        }
        View::Orders => {
            let Some(id) = model.run_at(model.cursor().at).map(|run| run.id) else {
                return Vec::new();
            };
            runs::watch(model, vec![id]);
            Vec::new()
        }
    }
}

fn back(model: &mut Model) -> Vec<Effect> {
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
    if !model.filter.is_empty() {
        keys::set_filter(model, String::new());
        return Vec::new();
    }
    if *model.rows.choice() != Choice::default() {
        keys::set_choice(model, Choice::default());
        return Vec::new();
    }
    if !model.marks.is_empty() {
        model.marks.clear();
        return Vec::new();
    }
    if model.at.is_some() {
        return set_day(model, None);
    }
    if model.view == View::Hosts {
        let key = model.ui.keymap.shown(Action::Quit);
        model.notice(format!("{key} quits"), false);
        return Vec::new();
    }
    show(model, View::Hosts)
}

/// Quits, unless something is under way that would be left half done.
fn quit(model: &mut Model) -> Vec<Effect> {
    let asks = |popup: &Popup| matches!(popup, Popup::Ask(ask) if ask.about == About::Quit);
    let under_way = model.runs.iter().filter(|run| run.is_under_way()).count();
    if under_way == 0 || model.popups.last().is_some_and(asks) {
        return vec![Effect::Quit { interrupted: false }];
    }
    let renewals = if under_way == 1 {
        "1 renewal is"
    } else {
        &format!("{under_way} renewals are")
    };
    model.popups.push(Popup::Ask(Ask {
        lines: vec![
            format!("{renewals} under way."),
            "Quitting cancels and cleans up first, which takes some seconds.".to_owned(),
            "Quit?".to_owned(),
        ],
        about: About::Quit,
        typed: None,
        from_ms: 0,
    }));
    Vec::new()
}

/// Answers the question on top.
pub(super) fn answer(model: &mut Model, yes: bool) -> Vec<Effect> {
    let Some(Popup::Ask(ask)) = model.popups.pop() else {
        return Vec::new();
    };
    match ask.about {
        About::Quit if yes => vec![Effect::Quit { interrupted: false }],
        About::Run(id) => vec![Effect::Answer { id, yes }],
        About::Start(start) if yes => runs::start(model, *start),
        About::Quit | About::Start(_) => Vec::new(),
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
            if key == 'p' {
                return vec![Effect::Pem(of)];
            }
            model.notice(format!("copied: {value}"), false);
            vec![Effect::Copy(value)]
        }
        Chooses::Revoke(of) => {
            model.popups.pop();
            let command = CommandLine::certs(["revoke", of.key.name.as_str(), "--reason", &word])
                .and(["-n", of.key.namespace.as_str()])
                .and(model.place.flags.clone())
                .and(["--force", "--yes"]);
            model.popups.push(Popup::Ask(Ask {
                lines: vec![
                    format!("Revoke the certificate of Secret {}, reason {word}.", of.key),
                    "It cannot be taken back. Whoever still gets it may be refused: renew first (R).".to_owned(),
                    format!("{command}"),
                    "Type the Secret's name:".to_owned(),
                ],
                about: About::Start(Box::new(Start {
                    job: Job::Revoke,
                    command,
                })),
                typed: Some((of.key.name.to_string(), Input::default())),
                from_ms: 0,
            }));
            Vec::new()
        }
    }
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
    Vec::new()
}

fn go(model: &mut Model, view: View) {
    model.view = view;
    if !matches!(view, View::Hosts | View::Secrets) {
        model.detail = None;
    }
    model.marks.clear();
}

fn moment(model: &Model) -> Moment {
    Moment {
        view: model.view,
        filter: model.filter.clone(),
        choice: model.rows.choice().clone(),
        at: model.cursor().at,
    }
}

fn travel(model: &mut Model, forward: bool) -> Vec<Effect> {
    let here = moment(model);
    let there = if forward {
        model.future.pop()
    } else {
        model.history.pop()
    };
    let Some(there) = there else { return Vec::new() };
    if forward {
        model.history.push(here);
    } else {
        model.future.push(here);
    }
    go(model, there.view);
    model.filter = there.filter;
    keys::set_choice(model, there.choice);
    model.cursor_mut().at = there.at;
    Vec::new()
}

fn neighbour(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = (model.view as usize + by) % View::ALL.len();
    show(model, View::ALL[at])
}

/// Sorts by a field; by the same one again, the other way round.
pub(super) fn sort_by(model: &mut Model, field: Field) {
    let sort = mouse::turned(current_sort(model), field);
    set_sort(model, sort);
}

fn sorted(model: &mut Model, field: Field) -> Vec<Effect> {
    sort_by(model, field);
    Vec::new()
}

/// How the view is sorted.
pub fn current_sort(model: &Model) -> Sort {
    match model.view {
        View::Hosts => model.rows.sort(),
        view => model.sorts[view as usize],
    }
}

/// Sorts the view.
pub(super) fn set_sort(model: &mut Model, sort: Sort) {
    match model.view {
        View::Hosts => {
            let held = model.rows.get(model.cursor().at).map(|item| item.about.clone());
            model.rows.set_sort(sort);
            let at = held.and_then(|about| model.rows.position(&about)).unwrap_or(0);
            model.cursor_mut().at = at;
        }
        view => model.sorts[view as usize] = sort,
    }
}

/// The next column that can be sorted by, and after the last one worst first again.
fn next_sort(model: &mut Model) {
    let fields: Vec<Field> = crate::tui::columns::Columns::all(model.view)
        .iter()
        .filter_map(|column| column.sort)
        .collect();
    let now = current_sort(model).by;
    let at = now.and_then(|field| fields.iter().position(|f| *f == field));
    let next = match (now, at) {
        (None, _) => fields.first().copied(),
        (Some(_), Some(at)) => fields.get(at + 1).copied(),
        (Some(_), None) => None,
    };
    set_sort(
        model,
        Sort {
            by: next,
            reverse: false,
        },
    );
}

fn choose_columns(model: &mut Model) {
    let entries = crate::tui::columns::Columns::all(model.view)
        .iter()
        // Those move, and leave.
        .zip(('a'..='z').filter(|key| !matches!(key, 'j' | 'k' | 'q')))
        .map(|(column, key)| (key, column.head.to_owned(), String::new()))
        .collect();
    model.popups.push(Popup::Menu(Menu {
        chooses: Chooses::Columns,
        title: "columns".to_owned(),
        entries,
        at: 0,
    }));
}

fn mark(model: &mut Model) -> Vec<Effect> {
    let Some(about) = model.item().map(|item| item.about.clone()) else {
        return Vec::new();
    };
    if !model.marks.remove(&about) {
        model.marks.insert(about.clone());
        model.last_mark = Some(about);
    }
    step(model, 1)
}

fn mark_range(model: &mut Model) -> Vec<Effect> {
    let position = |model: &Model, about: &crate::scan::About| match model.view {
        View::Secrets => model.derived.secrets.iter().position(|line| line.about == *about),
        _ => model.rows.position(about),
    };
    let here = model.cursor().at;
    let from = model
        .last_mark
        .as_ref()
        .and_then(|about| position(model, about))
        .unwrap_or(here);
    for at in from.min(here)..=from.max(here) {
        let about = match model.view {
            View::Secrets => model.derived.secrets.get(at).map(|line| line.about.clone()),
            _ => model.rows.get(at).map(|item| item.about.clone()),
        };
        model.marks.extend(about);
    }
    model.last_mark = model.item().map(|item| item.about.clone());
    Vec::new()
}

fn probe(model: &mut Model) -> Vec<Effect> {
    let chosen = model.chosen();
    let count = chosen.len();
    let command = runs::of_items(model, &["probe"], &chosen).into_iter().next();
    let told = command.map(|command| format!("  {command}")).unwrap_or_default();
    let hosts = if count == 1 {
        "1 host"
    } else {
        &format!("{count} hosts")
    };
    model.notice(format!("probing {hosts}{told}"), false);
    vec![Effect::Probe(chosen)]
}

fn explain(model: &mut Model) -> Vec<Effect> {
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
fn text(
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

fn copy(model: &mut Model) -> Vec<Effect> {
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

fn yaml_command(model: &Model, of: &Subject) -> CommandLine {
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
    let sort = current_sort(model);
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

fn shift_day(model: &mut Model, by: i64) -> Vec<Effect> {
    let at = model.now() + by * DAY;
    // A day is shown from its first second on; today is now.
    let day = at.div_euclid(DAY) * DAY;
    let today = model.clock.div_euclid(DAY) * DAY;
    set_day(model, (day != today).then_some(day))
}

/// Judges as of another day.
pub(super) fn set_day(model: &mut Model, at: Option<i64>) -> Vec<Effect> {
    if model.at == at {
        return Vec::new();
    }
    model.at = at;
    vec![Effect::At(at)]
}

/// Opens the window of runs.
pub(super) fn watch_popup(runs: Vec<RunId>) -> Popup {
    Popup::Run(Watched { runs, scroll: 0 })
}

/// Writes the view to a file, in the form that the end of its name says.
pub fn saved(model: &mut Model, path: &str) -> Vec<Effect> {
    save::save(model, path)
}
