//! A run as it happens: its steps light up, several certificates side by side.

use super::{
    Window, command,
    plan::{ended, stage, way_on},
    room,
};
use crate::{
    event::EventKind,
    object::Key,
    plan::steps::Step,
    report::{Status, progress, show::Tone},
    text::clear,
    tui::{
        keymap::Action,
        message::StyledLines,
        model::{Model, popup::Watched},
        order::{Ending, Light, Run, RunState, TargetProgress},
        view::wrapped,
        views::orders::state,
    },
};

/// Above so many certificates each has one line.
const WHOLE: usize = 4;

pub(super) fn window(model: &Model, watched: &Watched) -> Window {
    let room = room(model);
    let mut runs: Vec<&Run> = watched.runs.iter().filter_map(|id| model.run(*id)).collect();
    // What went wrong is read first.
    runs.sort_by_key(|run| !matches!(run.state, RunState::Ended(Ending::Bad(_) | Ending::Partly { .. })));
    let mut lines: StyledLines = Vec::new();
    for run in &runs {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        of_run(model, run, room, &mut lines);
    }
    if model.has_passed(&watched.runs) {
        let key = model.ui.keymap.shown(Action::Stage);
        lines.push(Vec::new());
        lines.push(vec![
            (Tone::Strong, key),
            (Tone::Plain, " plans the same in production".to_owned()),
        ]);
    }
    let title = match runs.first() {
        Some(run) => {
            let stage = stage(&runs).map(|stage| format!(" {}", stage.badge()));
            format!("{}{}", run.job.as_str(), stage.unwrap_or_default())
        }
        None => "it no longer exists".to_owned(),
    };
    Window {
        command: command(&runs),
        scroll: watched.scroll,
        ..Window::new(title, lines)
    }
}

fn of_run(model: &Model, run: &Run, room: usize, lines: &mut StyledLines) {
    let (word, tone) = state(run);
    let mut head = vec![(tone, word.to_owned())];
    if let Some(ms) = run.took(model.ms) {
        head.push((Tone::Dim, format!("  {}", progress::duration(ms))));
    }
    lines.push(head);
    if let Some(words) = run.waits_for() {
        for line in wrapped("", "  ", &clear(&words), room) {
            lines.push(vec![(Tone::Of(Status::Info), line)]);
        }
    }
    // How it ended stands above its steps: they may be more than a page.
    if let RunState::Ended(ending) = &run.state {
        ended(ending, room, lines);
        way_on(model, run, room, lines);
        lines.push(Vec::new());
    }
    let none = TargetProgress::default();
    let planned = |secret: &Key| {
        let targets = run.plan.as_ref().map(|plan| &plan.targets);
        targets.is_some_and(|targets| targets.iter().any(|(target, _)| target == secret))
    };
    if let Some(plan) = &run.plan {
        let many = plan.targets.len() > WHOLE;
        for (secret, steps) in &plan.targets {
            let course = run.progress.get(secret).unwrap_or(&none);
            if many {
                lines.push(short(secret, course, model.ui.ascii));
            } else {
                whole(run, secret, steps, course, model.ui.ascii, room, lines);
            }
        }
    }
    // What has no steps of its own tells what happens: cert-manager's part, a revocation.
    for (secret, course) in &run.progress {
        if !planned(secret) {
            for (ms, kind) in &course.events {
                let at = progress::duration(ms.saturating_sub(run.began_ms));
                let text = format!("{secret}: {}", progress::line(kind));
                for line in wrapped(&format!("{at:>8}  "), "          ", &clear(&text), room) {
                    lines.push(vec![(Tone::Plain, line)]);
                }
            }
        }
    }
    // What it ended with is its last words as well.
    let last = match &run.state {
        RunState::Ended(Ending::Good(told)) => Some(told),
        _ => None,
    };
    for note in run.notes.iter().filter(|note| Some(*note) != last) {
        for line in wrapped("  ", "  ", &clear(note), room) {
            lines.push(vec![(Tone::Dim, line)]);
        }
    }
}

fn light(light: Light, ascii: bool) -> (&'static str, Tone) {
    match (light, ascii) {
        (Light::Dark, false) => ("○", Tone::Dim),
        (Light::Dark, true) => (".", Tone::Dim),
        (Light::Going, false) => ("◐", Tone::Of(Status::Info)),
        (Light::Going, true) => ("~", Tone::Of(Status::Info)),
        (Light::Done, false) => ("✓", Tone::Of(Status::Healthy)),
        (Light::Done, true) => ("+", Tone::Of(Status::Healthy)),
        (Light::Skipped, _) => ("-", Tone::Dim),
        (Light::Unknown, _) => ("?", Tone::Of(Status::Unknown)),
        (Light::Failed, false) => ("✗", Tone::Of(Status::Critical)),
        (Light::Failed, true) => ("x", Tone::Of(Status::Critical)),
    }
}

/// One line for a certificate among many.
fn short(secret: &Key, course: &TargetProgress, ascii: bool) -> Vec<(Tone, String)> {
    let stands = match course.ended() {
        Some(true) => Light::Done,
        Some(false) if course.is_not_started() => Light::Skipped,
        Some(false) => Light::Failed,
        None if course.events.is_empty() => Light::Dark,
        None => Light::Going,
    };
    let (sign, tone) = light(stands, ascii);
    let last = course.last().and_then(progress::stage).unwrap_or_default();
    vec![
        (tone, format!("{sign} ")),
        (Tone::Plain, clear(&secret.to_string()).into_owned()),
        (Tone::Dim, format!("  {last}")),
    ]
}

fn whole(
    run: &Run,
    secret: &Key,
    steps: &[Step],
    course: &TargetProgress,
    ascii: bool,
    room: usize,
    lines: &mut StyledLines,
) {
    lines.push(vec![(Tone::Strong, clear(&format!("Secret {secret}")).into_owned())]);
    for (step, (stands, took)) in steps.iter().zip(course.lights(steps, run.began_ms)) {
        let (sign, tone) = light(stands, ascii);
        let text = step.to_string();
        let after = match (stands, took) {
            (Light::Skipped, _) => " (skipped)".to_owned(),
            (Light::Unknown, _) => " (not known)".to_owned(),
            (_, Some(ms)) => format!(" ({})", progress::duration(ms)),
            (_, None) => String::new(),
        };
        let text = format!("{}{after}", clear(&text));
        let of_text = match stands {
            Light::Dark | Light::Skipped => Tone::Dim,
            _ => Tone::Plain,
        };
        for (i, line) in wrapped("", "", &text, room.saturating_sub(4)).into_iter().enumerate() {
            let sign = if i == 0 { sign } else { " " };
            lines.push(vec![(tone, format!("  {sign} ")), (of_text, line)]);
        }
    }
    // What was said on the way, where it is more than a step.
    for (_, kind) in &course.events {
        let tone = match kind {
            EventKind::ChallengeFailed { .. } | EventKind::Failed { .. } => Tone::Of(Status::Critical),
            EventKind::LeftOut { .. } | EventKind::NotStarted { .. } => Tone::Of(Status::Warning),
            EventKind::Note { .. } | EventKind::Served { .. } | EventKind::Waiting { .. } => Tone::Dim,
            _ => continue,
        };
        for line in wrapped("    ", "    ", &progress::line(kind), room) {
            lines.push(vec![(tone, line)]);
        }
    }
}
