//! Runs: started, planned, confirmed, followed, cancelled, ended.

use std::collections::BTreeMap;

use super::{Start, act, can, log};
use crate::{
    event::Event,
    object::Kind,
    plan::MANY_ORDERS,
    scan::About as Row,
    tui::{
        CommandLine,
        effect::Effect,
        keymap::{Action, Key},
        message::Level,
        model::{
            Model, Passing,
            input::Input,
            popup::{About, Ask, Planned, Popup},
        },
        order::{Ending, Job, Plan, Run, RunId, RunState, Stage},
    },
};

/// Nobody has read a question before so many milliseconds.
pub(super) const UNREAD_MS: u64 = 400;
/// How many runs are remembered.
const KEPT: usize = 200;

/// The commands about items: one a namespace.
pub(super) fn of_items(model: &Model, words: &[&str], chosen: &[Row]) -> Vec<CommandLine> {
    let mut by_namespace: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in chosen.iter().filter_map(|about| model.rows.about(about)) {
        let Some(of) = item.subject() else { continue };
        let words = by_namespace.entry(of.key.namespace.to_string()).or_default();
        let word = if of.kind == Kind::Ingress {
            of.key.name.to_string()
        } else {
            of.word()
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    lines(model, words, by_namespace)
}

/// The commands that renew the Secrets of items: one a namespace. A Secret of another namespace than its route's is
/// renewed by the route, so that the route is read too.
pub(super) fn of_secrets(model: &Model, chosen: &[Row]) -> Vec<CommandLine> {
    let mut by_namespace: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in chosen.iter().filter_map(|about| model.rows.about(about)) {
        let Some(secret) = item.secret() else { continue };
        let word = match &item.route {
            Some((kind, name, _)) if secret.namespace != item.namespace => {
                format!("{}/{name}", kind.as_str().to_ascii_lowercase())
            }
            _ => format!("secret/{}", secret.name),
        };
        let words = by_namespace.entry(item.namespace.to_string()).or_default();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    lines(model, &["renew"], by_namespace)
        .into_iter()
        .map(|line| line.and(model.ui.renew_flags.clone()))
        .collect()
}

fn lines(model: &Model, words: &[&str], by_namespace: BTreeMap<String, Vec<String>>) -> Vec<CommandLine> {
    by_namespace
        .into_iter()
        .map(|(namespace, targets)| {
            CommandLine::certs(words.iter().copied())
                .and(targets)
                .and(["-n".to_owned(), namespace])
                .and(model.place.flags.clone())
                .and(model.place.ca_flags.clone())
                .and(model.place.config_flags.clone())
        })
        .collect()
}

/// Plans the renewal of what is chosen.
pub(super) fn renew(model: &mut Model, production: bool) -> Vec<Effect> {
    let commands = of_secrets(model, &model.chosen());
    let commands = commands.into_iter().map(|command| {
        if production {
            command.and(["--production"])
        } else {
            command
        }
    });
    let starts = commands.map(|command| Start::new(Job::Renew, command));
    plan(model, starts.collect())
}

/// Plans restarts of what uses the Secrets that are chosen.
pub(super) fn restart(model: &mut Model) -> Vec<Effect> {
    let mut secrets: Vec<_> = model
        .chosen()
        .iter()
        .filter_map(|about| model.rows.about(about)?.secret().cloned())
        .collect();
    secrets.sort();
    secrets.dedup();
    // Which ones is found out with the plan, and the command line with them.
    plan(model, vec![Start::new(Job::Restart(secrets), CommandLine::none())])
}

pub(super) fn plan(model: &mut Model, starts: Vec<Start>) -> Vec<Effect> {
    let (ids, effects): (Vec<RunId>, Vec<Effect>) = starts.into_iter().map(|start| add(model, start)).unzip();
    if ids.is_empty() {
        return Vec::new();
    }
    model.popups.push(Popup::Plan(Planned {
        runs: ids,
        scroll: 0,
        typed: None,
        early: false,
    }));
    effects
}

fn add(model: &mut Model, start: Start) -> (RunId, Effect) {
    let id = model.next_run;
    model.next_run += 1;
    if model.runs.len() >= KEPT
        && let Some(old) = model.runs.iter().position(Run::is_over)
    {
        model.runs.remove(old);
    }
    model.runs.push(Run {
        id,
        job: start.job.clone(),
        command: start.command.clone(),
        at: model.clock,
        began_ms: model.ms,
        begun: false,
        ended_ms: None,
        state: RunState::Planning,
        plan: None,
        progress: BTreeMap::new(),
        waits: BTreeMap::new(),
        notes: start.notes,
        was_rehearsal: start.was_rehearsal,
    });
    let effect = Effect::Run {
        id,
        job: start.job,
        command: start.command,
    };
    (id, effect)
}

/// Opens the window of runs.
pub(in crate::tui) fn watch(model: &mut Model, runs: Vec<RunId>) {
    model.popups.push(act::watch_popup(runs));
}

/// A plan is there.
pub(super) fn planned(model: &mut Model, id: RunId, plan: Plan) -> Vec<Effect> {
    match model.run_mut(id) {
        Some(run) if matches!(run.state, RunState::Planning | RunState::Running) => {
            if let Some(command) = &plan.command {
                run.command = command.clone();
            }
            run.plan = Some(plan);
            // Where some are cert-manager's and others are not, the second part has a plan of its own.
            let is_second = run.state == RunState::Running;
            run.state = RunState::Waiting;
            if is_second {
                let window = Popup::Plan(Planned {
                    runs: vec![id],
                    scroll: 0,
                    typed: None,
                    early: false,
                });
                below_typing(model, window);
            }
            for popup in &mut model.popups {
                if let Popup::Plan(window) = popup {
                    window.early = false;
                }
            }
            Vec::new()
        }
        // It was dropped meanwhile.
        _ => vec![Effect::Answer { id, yes: false }],
    }
}

/// Carries the plans of the window on top out. What writes in earnest wants the name of a protected context first.
pub(super) fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Plan(window)) = model.popups.last() else {
        return Vec::new();
    };
    let ids = window.runs.clone();
    let runs: Vec<&Run> = ids.iter().filter_map(|id| model.run(*id)).collect();
    if runs.iter().any(|run| run.state == RunState::Planning) {
        return drop_early(model, "Enter");
    }
    let ready: Vec<RunId> = runs
        .iter()
        .filter(|run| run.state == RunState::Waiting)
        .map(|run| run.id)
        .collect();
    if ready.is_empty() {
        return act::act(model, Action::Back);
    }
    if let Some(word) = word_to_type(model, &runs) {
        let typed = window.typed.as_ref().map(|input| input.text() == word);
        match typed {
            Some(true) => {}
            Some(false) => {
                let told = format!("type {word:?}, or press Esc to cancel");
                model.notice_while(Passing::Typing, told, true);
                return Vec::new();
            }
            None => {
                if let Some(Popup::Plan(window)) = model.popups.last_mut() {
                    window.typed = Some(Input::default());
                }
                return Vec::new();
            }
        }
    }
    model.popups.pop();
    let (at, ms) = (model.clock, model.ms);
    for run in model.runs.iter_mut().filter(|run| ready.contains(&run.id)) {
        run.begin(at, ms);
    }
    // After a rehearsal the same ones are meant again.
    let is_rehearsal = |id: &RunId| model.run(*id).and_then(Run::stage) == Some(Stage::Rehearsal);
    if !ids.iter().all(is_rehearsal) {
        model.marks.clear();
    }
    watch(model, ids);
    ready.into_iter().map(|id| Effect::Answer { id, yes: true }).collect()
}

/// What has to be typed before these runs are carried out, where one of them writes in earnest: the name of a protected context,
/// of very many Secrets their number, and of a certificate that is revoked, which nothing undoes, its Secret's name. `None` where
/// a key is enough.
pub fn word_to_type(model: &Model, runs: &[&Run]) -> Option<String> {
    let earnest = |run: &&&Run| run.stage().is_some_and(|stage| stage != Stage::Rehearsal);
    let mut earnest = runs.iter().filter(earnest).peekable();
    earnest.peek()?;
    let name = if model.place.context.is_empty() {
        "production"
    } else {
        &model.place.context
    };
    let mut words = Vec::new();
    if model.is_protected() {
        words.push(name.to_owned());
    }
    let secrets: usize = runs
        .iter()
        .filter_map(|run| Some(run.plan.as_ref()?.targets.len()))
        .sum();
    if secrets > MANY_ORDERS {
        words.push(secrets.to_string());
    }
    let revoked = earnest.filter(|run| run.job == Job::Revoke);
    let revoked = revoked.filter_map(|run| Some(run.plan.as_ref()?.targets.first()?.0.name.to_string()));
    words.extend(revoked);
    (!words.is_empty()).then(|| words.join(" "))
}

/// What is typed while the plan is being made answers a question that nobody has read: it is dropped, and so is the rest of it.
/// `None` for the keys that work meanwhile.
pub(super) fn early(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    let Some(Popup::Plan(window)) = model.popups.last().filter(|_| model.is_planning()) else {
        return None;
    };
    let action = model.action(key);
    let leads_out = action == Some(Action::Back) || key.is_interrupt();
    let works = !window.early
        && matches!(
            action,
            Some(
                Action::Stage
                    | Action::Quit
                    | Action::Help
                    | Action::Log
                    | Action::Up
                    | Action::Down
                    | Action::PageUp
                    | Action::PageDown
                    | Action::Top
                    | Action::Bottom
            )
        );
    (!leads_out && !works).then(|| drop_early(model, &key.to_string()))
}

fn drop_early(model: &mut Model, key: &str) -> Vec<Effect> {
    if let Some(Popup::Plan(window)) = model.popups.last_mut() {
        window.early = true;
    }
    let back = model.ui.keymap.shown(Action::Back);
    let told = format!("the plan is being made: {key} works once it is there; {back} cancels it");
    model.notice_while(Passing::Making, told, true);
    Vec::new()
}

/// Between rehearsal and production: the plans are made anew.
pub(super) fn other_stage(model: &mut Model) -> Vec<Effect> {
    // A rehearsal that has passed leads on to production, from its own window.
    let ids = model
        .popups
        .last()
        .map(|window| window.runs().to_vec())
        .unwrap_or_default();
    let starts: Vec<Start> = ids
        .iter()
        .filter_map(|id| model.run(*id))
        .filter(|run| run.job == Job::Renew)
        .map(|run| {
            let mut command = run.command.clone();
            super::fields::turned(&mut command);
            Start::new(Job::Renew, command)
        })
        .collect();
    if starts.is_empty() {
        return Vec::new();
    }
    model.popups.pop();
    let mut effects = drop_plans(model, &ids);
    effects.extend(plan(model, starts));
    effects
}

/// Lets go of plans that nobody wants any more.
pub(super) fn drop_plans(model: &mut Model, ids: &[RunId]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for id in ids {
        let Some(run) = model.run(*id) else { continue };
        match run.state {
            RunState::Waiting if run.progress.is_empty() => effects.push(Effect::Answer { id: *id, yes: false }),
            // Its first part was carried out: it ends by itself, and stays among the orders.
            RunState::Waiting => {
                effects.push(Effect::Answer { id: *id, yes: false });
                if let Some(run) = model.run_mut(*id) {
                    run.state = RunState::Running;
                }
                continue;
            }
            RunState::Planning => effects.push(Effect::Cancel(*id)),
            _ => continue,
        }
        model.runs.retain(|run| run.id != *id);
    }
    effects
}

/// Gives up what the window on top shows, or the line under the cursor.
pub(super) fn cancel(model: &mut Model) -> Vec<Effect> {
    let ids: Vec<RunId> = match model.popups.last() {
        Some(Popup::Run(window)) => window.runs.clone(),
        _ => model.run_at(model.cursor().at).map(|run| run.id).into_iter().collect(),
    };
    let mut effects = Vec::new();
    for run in model.runs.iter_mut().filter(|run| ids.contains(&run.id)) {
        if can::can_cancel(run) {
            run.state = RunState::Cancelling;
            effects.push(Effect::Cancel(run.id));
        }
    }
    if !effects.is_empty() {
        let told = "cancelling: temporary objects are being removed";
        model.notice_while(Passing::Cancelling, told, false);
    }
    effects
}

/// A run asks.
pub(super) fn asked(model: &mut Model, id: RunId, question: &str) -> Vec<Effect> {
    let from_ms = model.ms + UNREAD_MS;
    let window = Popup::Ask(Ask {
        lines: question.lines().map(str::to_owned).collect(),
        about: About::Run(id),
        scroll: 0,
        from_ms,
    });
    below_typing(model, window);
    Vec::new()
}

/// Opens a window that comes by itself: behind one in which somebody types, whose keys it would take.
fn below_typing(model: &mut Model, window: Popup) {
    let typing = model.popups.last().is_some_and(Popup::is_typing);
    let at = model.popups.len() - usize::from(typing);
    model.popups.insert(at, window);
}

/// Something happened.
pub(super) fn happened(model: &mut Model, id: RunId, event: Event) -> Vec<Effect> {
    let ms = model.ms;
    if let Some(run) = model.run_mut(id) {
        match event.secret {
            Some(secret) => run.progress.entry(secret).or_default().events.push((ms, event.kind)),
            None => run.notes.push(crate::report::progress::line(&event.kind)),
        }
    }
    Vec::new()
}

/// A run waits for something, or no longer.
pub(super) fn waits(model: &mut Model, id: RunId, number: u64, words: Option<String>) {
    if let Some(run) = model.run_mut(id).filter(|run| !run.is_over()) {
        match words {
            Some(words) => drop(run.waits.insert(number, words)),
            None => drop(run.waits.remove(&number)),
        }
    }
}

/// A run says something.
pub(super) fn said(model: &mut Model, id: RunId, text: String) -> Vec<Effect> {
    log(model, Level::Note, &text);
    if let Some(run) = model.run_mut(id) {
        run.notes.push(text);
    }
    Vec::new()
}

/// The explanation of a run that did not end as it was meant opens by itself, unless something else is being read or typed.
fn explain(model: &mut Model, id: RunId, watched: bool, told: String) {
    if !watched && model.popups.is_empty() && model.prompt.is_none() {
        watch(model, vec![id]);
    } else if !watched {
        model.notice(told, true);
    }
}

/// A run has ended.
pub(super) fn ended(model: &mut Model, id: RunId, ending: Ending) -> Vec<Effect> {
    let ms = model.ms;
    let Some(run) = model.run_mut(id) else {
        return Vec::new();
    };
    run.state = RunState::Ended(ending.clone());
    run.ended_ms = Some(ms);
    let job = run.job.as_str();
    // Nobody waits for an answer any more.
    model
        .popups
        .retain(|popup| !matches!(popup, Popup::Ask(ask) if ask.of_run() == Some(id)));
    super::ask::quit_anew(model);
    let well = matches!(ending, Ending::Good(_));
    let watched = model.popups.iter_mut().any(|popup| match popup {
        Popup::Run(window) if window.runs.contains(&id) => {
            // Why it ended so stands at the top.
            window.scroll = if well { window.scroll } else { 0 };
            true
        }
        Popup::Plan(window) => window.runs.contains(&id),
        _ => false,
    });
    match ending {
        Ending::Good(told) => {
            log(model, Level::Note, &told);
            if !watched {
                model.notice(format!("{job}: {told}"), false);
            }
        }
        Ending::Partly { said, trouble } => {
            log(model, Level::Warning, &trouble.what);
            explain(model, id, watched, format!("{said}: {}", trouble.what));
        }
        Ending::Bad(trouble) => {
            log(model, Level::Error, &trouble.what);
            explain(model, id, watched, format!("{job} failed: {}", trouble.what));
        }
        Ending::Cancelled => {
            log(model, Level::Note, &format!("{job}: cancelled"));
            if !watched {
                model.notice(format!("{job}: cancelled; temporary objects have been removed"), false);
            }
        }
        Ending::Dropped => {}
    }
    let mut effects = Vec::new();
    if model.ring && model.active().next().is_none() {
        model.ring = false;
        effects.push(Effect::Bell);
    }
    effects
}
