//! What can be done now, and why not.

use crate::tui::{
    columns::Columns,
    keymap::Action,
    model::{Model, Reading, popup::Popup},
    order::{Job, Run, RunState},
};

/// Why nothing is written while another context is being connected to: the header names the one before.
pub(super) fn between(model: &Model) -> Option<&'static str> {
    model
        .before
        .is_some()
        .then_some("wait for the connection to the other context")
}

/// Why an action cannot be done now, in words that follow its name; `None` when it can.
pub fn refusal(model: &Model, action: Action) -> Option<&'static str> {
    let rows = model.view.has_rows();
    let cluster = || model.is_manifests().then_some("needs a cluster: these are manifests");
    let line = || (rows && model.item().is_none()).then_some("there is no line");
    let secret = || {
        let none = model
            .chosen()
            .iter()
            .all(|about| model.rows.about(about).is_none_or(|item| item.secrets.is_empty()));
        none.then_some("the line names no Secret")
    };
    // The example is not what is meant by a line that gathers several.
    let grouped = || {
        let gathers = model.view.gathers();
        gathers.filter(|_| model.marks.is_empty())
    };
    match action {
        Action::Renew => cluster()
            .or(model.ui.read_only.then_some("the program is read-only"))
            .or(between(model))
            .or_else(line)
            .or_else(grouped)
            .or_else(secret)
            .or(model
                .at
                .map(|_| "another day is shown: `:at now` returns to the present")),
        Action::Restart => cluster()
            .or(model.ui.read_only.then_some("the program is read-only"))
            .or(between(model))
            .or_else(line)
            .or_else(grouped)
            .or_else(secret),
        Action::Probe if matches!(model.reading, Reading::Going { .. }) => Some("wait until everything has been read"),
        Action::Probe => line().or_else(grouped).or_else(|| {
            let none = model
                .chosen()
                .iter()
                .all(|about| model.rows.about(about).is_none_or(|item| item.host.is_none()));
            none.then_some("the line has no host")
        }),
        Action::Yaml => cluster().or_else(line),
        Action::Users | Action::Decode => line().or_else(secret),
        Action::Mark | Action::MarkRange => line(),
        Action::Open => (model.lines() == 0).then_some("there is no line"),
        Action::Explain => {
            let none = model.item().is_none_or(|item| item.findings.is_empty());
            none.then_some("nothing is wrong there")
        }
        Action::Columns | Action::Wide | Action::Sort | Action::ScrollLeft | Action::ScrollRight => {
            Columns::all(model.view).is_empty().then_some("there are no columns")
        }
        Action::SortName
        | Action::SortNamespace
        | Action::SortHost
        | Action::SortStatus
        | Action::SortExpiry
        | Action::SortAge => {
            let field = action.field();
            let there = Columns::all(model.view).iter().any(|c| c.sort == field);
            (!there).then_some("this view has no such column")
        }
        Action::Stage => of_renewals(model),
        Action::Issuer | Action::Solver | Action::Advertise | Action::Flags => {
            of_renewals(model).or(model.is_planning().then_some(BEING_MADE))
        }
        Action::Keep => of_renewals(model).or_else(|| super::fields::kept(model).err()),
        Action::Cancel => {
            if let Some(Popup::Run(watched)) = model.popups.last() {
                let none = watched
                    .runs
                    .iter()
                    .all(|id| model.run(*id).is_none_or(|run| !can_cancel(run)));
                none.then_some(NOT_CANCELLED)
            } else {
                let run = model.run_at(model.cursor().at);
                run.is_none_or(|run| !can_cancel(run)).then_some(NOT_CANCELLED)
            }
        }
        Action::Confirm if !model.has_plan() => Some(NOTHING_PLANNED),
        Action::Confirm => model.is_planning().then_some(BEING_MADE),
        Action::FindNext | Action::FindPrevious => {
            model.sought.is_none().then_some("there is nothing to find yet: / asks")
        }
        Action::Wait => model.active().next().is_none().then_some("no renewal is running"),
        Action::HistoryBack => model.history.is_empty().then_some("there is no previous view"),
        Action::HistoryForward => model.future.is_empty().then_some("there is no next view"),
        Action::Unmark => model.marks.is_empty().then_some("nothing is marked"),
        _ => None,
    }
}

const BEING_MADE: &str = "the plan is being made";
const NOTHING_PLANNED: &str = "there is no plan to carry out";
const NOT_CANCELLED: &str = "it has ended, or can no longer be cancelled";

/// Why the window on top has nothing that could be planned anew: no renewal, or one that has not ended.
fn of_renewals(model: &Model) -> Option<&'static str> {
    let (ids, ended) = match model.popups.last() {
        Some(Popup::Plan(window)) => (&window.runs, false),
        Some(Popup::Run(window)) => (&window.runs, true),
        _ => return Some("there is no plan"),
    };
    let runs = || ids.iter().filter_map(|id| model.run(*id));
    if !runs().any(|run| run.job == Job::Renew) {
        return Some("nothing is ordered here");
    }
    (ended && !runs().all(Run::is_over)).then_some("it has not ended yet")
}

/// Whether a run can be given up: one call that cannot be taken back is not, once it runs.
pub(super) fn can_cancel(run: &Run) -> bool {
    match run.state {
        RunState::Planning | RunState::Waiting => true,
        RunState::Running => matches!(run.job, Job::Renew | Job::Restart(_)),
        RunState::Cancelling | RunState::Ended(_) => false,
    }
}
