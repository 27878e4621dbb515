//! Runs of commands that write, the newest first.

use super::prelude::*;
use crate::{
    object::Key,
    report::{present::cell::more, progress},
    text::time,
    tui::{
        order::{Ending, Job, Run, RunState, Stage},
        update::runs,
    },
};

/// The view.
pub(in crate::tui) struct Orders;

impl ViewKind for Orders {
    const HELP: &'static str = "current and past renewals, with their steps";
    const TAKES: Takes = Takes::Nothing;
    const SCOPES: &'static [Scope] = &[Scope::Orders, Scope::Lists, Scope::Everywhere];
    const HINTS: &'static [Action] = &[
        Action::Open,
        Action::Cancel,
        Action::Wait,
        Action::Save,
        Action::Help,
        Action::Quit,
    ];
    const HINTS_ALL: bool = false;
    const COLUMNS: &'static [Column] = &[
        column(STARTED, "STARTED", 8, 4),
        column(JOB, "WHAT", 7, 0),
        column(STAGE, "STAGE", 9, 3),
        column(STATE, "STATE", 26, 0).least(10),
        column(TOOK, "TOOK", 6, 5),
        column(TARGET, "TARGET", 24, 0).least(16),
        column(LAST, "LAST", 30, 6),
    ];

    fn lines(model: &Model) -> usize {
        model.runs.len()
    }

    fn cell(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
        let run = model.run_at(line)?;
        match what {
            STARTED if run.begun => {
                let at = time::date_time(run.at);
                put(out, at.get(11..19).unwrap_or_default());
            }
            JOB => out.push_str(run.job.as_str()),
            STAGE => {
                out.push_str(run.stage().map(Stage::badge).unwrap_or_default());
            }
            STATE => {
                let (word, tone) = state(run);
                out.push_str(word);
                return Some(tone);
            }
            TOOK => {
                if let Some(ms) = run.took(model.ms) {
                    out.push_str(&progress::duration(ms));
                }
            }
            TARGET => target(run, out),
            LAST => {
                match &run.state {
                    RunState::Ended(Ending::Bad(trouble)) => {
                        put(out, &trouble.what);
                        return Some(Tone::Of(Status::Critical));
                    }
                    RunState::Ended(Ending::Partly { trouble, .. }) => {
                        put(out, &trouble.what);
                        return Some(Tone::Of(Status::Warning));
                    }
                    _ => {}
                }
                if let Some(words) = run.waits_for() {
                    put(out, &words);
                    return Some(Tone::Of(Status::Info));
                }
                let last = run
                    .progress
                    .values()
                    .filter_map(|course| course.events.last())
                    .max_by_key(|(ms, _)| *ms);
                match last {
                    Some((_, kind)) => out.push_str(&progress::line(kind)),
                    None => put(out, run.notes.last().map_or("", String::as_str)),
                }
            }
            _ => {}
        }
        None
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        if let Some(id) = model.run_at(model.cursor().at).map(|run| run.id) {
            runs::watch(model, vec![id]);
        }
        Vec::new()
    }

    /// What the run of the line does; a run is printed while it runs, and by nothing afterwards. `None` where none has run.
    fn command(model: &Model) -> Option<CommandLine> {
        Some(model.run_at(model.cursor().at)?.command.clone())
    }

    fn nothing(model: &Model) -> Option<String> {
        let renew = model.ui.keymap.shown(Action::Renew);
        Some(format!("No renewal has run yet. {renew} on a host plans one."))
    }
}

const STARTED: ColumnContent = ColumnContent::Own("started");
const JOB: ColumnContent = ColumnContent::Own("job");
const STAGE: ColumnContent = ColumnContent::Own("stage");
const STATE: ColumnContent = ColumnContent::Own("state");
const TOOK: ColumnContent = ColumnContent::Own("took");
const TARGET: ColumnContent = ColumnContent::Own("target");
const LAST: ColumnContent = ColumnContent::Own("last");

/// The word for where a run stands.
pub(in crate::tui) fn state(run: &Run) -> (&str, Tone) {
    match &run.state {
        RunState::Planning => ("planning", Tone::Dim),
        RunState::Waiting => ("planned", Tone::Of(Status::Info)),
        RunState::Running => ("running", Tone::Of(Status::Info)),
        RunState::Cancelling => ("cancelling", Tone::Of(Status::Warning)),
        RunState::Ended(Ending::Good(_)) => ("done", Tone::Of(Status::Healthy)),
        RunState::Ended(Ending::Partly { said, .. }) => (said, Tone::Of(Status::Warning)),
        RunState::Ended(Ending::Bad(_)) => ("failed", Tone::Of(Status::Critical)),
        RunState::Ended(Ending::Dropped) => ("dropped", Tone::Dim),
        RunState::Ended(Ending::Cancelled) => ("cancelled", Tone::Of(Status::Warning)),
    }
}

/// The Secrets of a run, or what stands in its command line for them.
fn target(run: &Run, out: &mut String) {
    let planned: Vec<&Key> = match &run.plan {
        Some(plan) => plan.targets.iter().map(|(key, _)| key).collect(),
        None => match &run.job {
            Job::Restart(secrets) => secrets.iter().collect(),
            Job::Renew | Job::Revoke | Job::Rollback => Vec::new(),
        },
    };
    if planned.is_empty() {
        let words: Vec<&str> = run
            .command
            .words
            .iter()
            .skip(1)
            .take_while(|word| !word.starts_with('-'))
            .map(String::as_str)
            .collect();
        put(out, &words.join(" "));
        return;
    }
    for (i, key) in planned.iter().take(2).enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        put(out, &key.to_string());
    }
    let _ = more(planned.len(), 2, out);
}
