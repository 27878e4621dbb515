//! The plan of a renewal: every step, before anything is done.

use std::collections::BTreeSet;

use super::{Window, command, room};
use crate::{
    plan::{Refused, summary::summary},
    report::{Status, show::Tone},
    text::{clear, first_of},
    tui::{
        keymap::Action,
        message::{StyledLines, Trouble},
        model::{Model, popup::Planned},
        order::{Ending, Job, Run, RunState, Stage},
        update::word_to_type,
        view::{detail::of_trouble, wrapped},
    },
};

/// How many Secrets are named before their plan is there.
const NAMED: usize = 3;

pub(super) fn window(model: &Model, planned: &Planned) -> Window {
    let room = room(model);
    let runs: Vec<&Run> = planned.runs.iter().filter_map(|id| model.run(*id)).collect();
    let mut lines = summed_up(&runs, room);
    for run in &runs {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        of_run(model, run, room, &mut lines);
    }
    let ready = runs.iter().any(|run| run.state == RunState::Waiting);
    let making = runs.iter().any(|run| run.state == RunState::Planning);
    lines.push(Vec::new());
    let mut cursor = None;
    if let Some(typed) = &planned.typed {
        let word = word_to_type(model, &runs).unwrap_or_default();
        let what = if stage(&runs) == Some(Stage::Staging) {
            "Staging certificates are stored, which no client trusts."
        } else {
            "This is production."
        };
        let text = format!("{what} Type {} to continue:", clear(&word));
        for line in wrapped("", "", &text, room) {
            lines.push(vec![(Tone::Of(Status::Critical), line)]);
        }
        let (text, at) = typed.shown(room.saturating_sub(2));
        cursor = Some((lines.len(), 2 + at));
        lines.push(vec![(Tone::Strong, format!("> {text}"))]);
    } else if making {
        lines.push(vec![(Tone::Dim, "the plan is being made ...".to_owned())]);
    } else if ready {
        let stage = stage(&runs);
        let key = |action| model.ui.keymap.shown(action);
        let go = key(Action::Confirm);
        let other = key(Action::Stage);
        let back = key(Action::Back);
        let orders = runs.iter().any(|run| run.job == Job::Renew);
        let (what, toggle) = match stage {
            _ if !orders => ("carries it out", None),
            Some(Stage::Production) => ("carries it out in production", Some("switches to a rehearsal")),
            Some(Stage::Rehearsal) => (
                "rehearses it: nothing that serves traffic is changed",
                Some("switches to production"),
            ),
            Some(Stage::Staging) => (
                "carries it out with staging certificates, which no client trusts",
                Some("switches to production"),
            ),
            None => ("carries it out", None),
        };
        let mut line = vec![(Tone::Strong, go), (Tone::Plain, format!(" {what}   "))];
        if let Some(toggle) = toggle {
            line.push((Tone::Strong, other));
            line.push((Tone::Plain, format!(" {toggle}   ")));
        }
        line.push((Tone::Strong, back));
        line.push((Tone::Plain, " cancels it".to_owned()));
        lines.extend(broken(line, room));
    }
    Window {
        command: command(&runs),
        scroll: planned.scroll,
        cursor,
        ..Window::new(title(&runs), lines)
    }
}

/// What all plans of the window come to.
fn summed_up(runs: &[&Run], room: usize) -> StyledLines {
    let plans = || {
        runs.iter()
            .filter(|run| !run.is_over())
            .filter_map(|run| run.plan.as_ref())
    };
    let left_out: Vec<String> = plans().flat_map(|plan| plan.left_out.iter().cloned()).collect();
    let refused = Refused {
        whole: plans().map(|plan| plan.refused.whole).sum(),
        partly: plans().map(|plan| plan.refused.partly).sum(),
    };
    let summed = summary(plans().flat_map(|plan| &plan.targets), refused, &left_out);
    let mut lines: StyledLines = summed
        .iter()
        .flat_map(|line| wrapped("", "  ", &clear(line), room))
        .map(|line| vec![(Tone::Strong, line)])
        .collect();
    // Nobody has asked for production by its own key.
    let turned = runs
        .iter()
        .find(|run| run.was_rehearsal && !run.is_rehearsal() && !run.is_over());
    if let Some(run) = turned {
        let planned = run.plan.as_ref().map(|plan| plan.issuer.as_str());
        let issuer = planned
            .or_else(|| run.command.value_of("--issuer"))
            .unwrap_or("the issuer");
        let text = format!("No longer a rehearsal: what {issuer} issues is stored in the Secrets.");
        for line in wrapped("", "  ", &clear(&text), room) {
            lines.push(vec![(Tone::Of(Status::Warning), line)]);
        }
    }
    // What stands in the way is read before the steps; a hint that several have is told once.
    let mut hints = BTreeSet::new();
    for refusal in plans().flat_map(|plan| &plan.refusals) {
        let hint = refusal.hint.as_ref().filter(|hint| hints.insert(*hint));
        let trouble = Trouble::new(refusal.what.as_str()).hint_if(hint.cloned());
        lines.extend(of_trouble(&trouble, Status::Warning, room));
    }
    lines
}

/// Runs that do not fit on one line stand on several.
fn broken(line: Vec<(Tone, String)>, room: usize) -> StyledLines {
    let cells: usize = line.iter().map(|(_, text)| crate::text::width::width(text)).sum();
    if cells <= room {
        return vec![line];
    }
    line.chunks(2).map(<[_]>::to_vec).collect()
}

/// What runs are good for: the gravest of them, as in the badge above.
pub(super) fn stage(runs: &[&Run]) -> Option<Stage> {
    runs.iter()
        .filter_map(|run| run.stage())
        .max_by_key(|stage| *stage as u8)
}

fn title(runs: &[&Run]) -> String {
    let what = runs.first().map_or("plan", |run| run.job.as_str());
    match stage(runs) {
        Some(stage) => format!("{what}: {}", stage.badge()),
        None => what.to_owned(),
    }
}

fn of_run(model: &Model, run: &Run, room: usize, lines: &mut StyledLines) {
    if let RunState::Ended(ending) = &run.state {
        ended(ending, room, lines);
        way_on(model, run, room, lines);
        return;
    }
    let Some(plan) = &run.plan else {
        let of = match &run.job {
            Job::Restart(secrets) => format!("restart of the workloads that use {}", first_of(secrets, NAMED)),
            Job::Renew | Job::Revoke | Job::Rollback => run.command.to_string(),
        };
        for line in wrapped("planning: ", "  ", &clear(&of), room) {
            lines.push(vec![(Tone::Dim, line)]);
        }
        if let Some(words) = run.waits_for() {
            for line in wrapped("  ", "  ", &clear(&words), room) {
                lines.push(vec![(Tone::Of(Status::Info), line)]);
            }
        }
        return;
    };
    for (secret, steps) in &plan.targets {
        lines.push(vec![(Tone::Strong, clear(&format!("Secret {secret}")).into_owned())]);
        for (number, step) in (1..).zip(steps) {
            let text = step.to_string();
            for line in wrapped(&format!("{number:>3}. "), "     ", &clear(&text), room) {
                lines.push(vec![(Tone::Plain, line)]);
            }
        }
    }
    for limit in &plan.limits {
        for line in wrapped("  limits: ", "          ", &clear(limit), room) {
            lines.push(vec![(Tone::Dim, line)]);
        }
    }
    for note in plan.notes.iter().chain(&run.notes) {
        for line in wrapped("  note: ", "        ", &clear(note), room) {
            lines.push(vec![(Tone::Of(Status::Info), line)]);
        }
    }
}

/// What leads on from a revocation or rollback that was refused, in the words of this screen: the hint has those of the command line.
pub(super) fn way_on(model: &Model, run: &Run, room: usize, lines: &mut StyledLines) {
    // Only where it leads on: nothing overrides a CA that is away.
    if !matches!(&run.state, RunState::Ended(Ending::Bad(trouble)) if trouble.yields_to_force) {
        return;
    }
    let key = |action| model.ui.keymap.shown(action);
    let text = match run.job {
        Job::Revoke => format!(
            "{} and then {} renews it first; :revoke NAMESPACE/SECRET takes the pair that a renewal keeps; :revoke --force takes a \
             certificate that is in use",
            key(Action::Back),
            key(Action::Renew)
        ),
        Job::Rollback => ":rollback --force puts it back anyway".to_owned(),
        Job::Renew | Job::Restart(_) => return,
    };
    for line in wrapped("here: ", "      ", &text, room) {
        lines.push(vec![(Tone::Plain, line)]);
    }
}

/// How a run ended, in words.
pub(super) fn ended(ending: &Ending, room: usize, lines: &mut StyledLines) {
    match ending {
        Ending::Good(told) => {
            for line in wrapped("", "", &clear(told), room) {
                lines.push(vec![(Tone::Of(Status::Healthy), line)]);
            }
        }
        Ending::Partly { trouble, .. } | Ending::Bad(trouble) => {
            let status = match ending {
                Ending::Partly { .. } => Status::Warning,
                _ => Status::Critical,
            };
            lines.extend(of_trouble(trouble, status, room));
        }
        Ending::Dropped => lines.push(vec![(Tone::Dim, "nothing was done".to_owned())]),
        Ending::Cancelled => lines.push(vec![(
            Tone::Of(Status::Warning),
            "cancelled; temporary objects have been removed".to_owned(),
        )]),
    }
}
