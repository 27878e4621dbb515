//! What is asked of the runs.

use super::{Model, popup::Popup};
use crate::tui::order::{Ending, Job, Plan, Run, RunId, RunState, Stage};

impl Model {
    /// The run whose issuer and stage the header shows: the gravest of those that have not ended, and of those that a
    /// window shows.
    pub fn gravest(&self) -> Option<&Run> {
        let is_shown = |run: &Run| self.popups.iter().any(|popup| popup.runs().contains(&run.id));
        self.runs
            .iter()
            .filter(|run| !run.is_over() || is_shown(run))
            .filter(|run| run.stage().is_some())
            .max_by_key(|run| run.stage().map(|stage| stage as u8))
    }

    /// The runs that have not ended.
    pub fn active(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.is_over())
    }

    /// A run by its number.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// A run by its number.
    pub fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// The plan that waits for an answer first.
    pub fn waiting(&self) -> Option<(&Run, &Plan)> {
        self.runs
            .iter()
            .filter(|run| run.state == RunState::Waiting)
            .find_map(|run| Some((run, run.plan.as_ref()?)))
    }

    /// The badge of the header: what a window shows, or else what the next renewal is. A run that writes in earnest goes before.
    pub fn stage(&self) -> Stage {
        let stage = self.gravest().and_then(Run::stage);
        stage.unwrap_or(Stage::Rehearsal)
    }

    /// Whether all of these runs have ended, and a renewal among them badly, or without some names.
    pub fn has_failed(&self, ids: &[RunId]) -> bool {
        let runs = || ids.iter().filter_map(|id| self.run(*id));
        let failed = |run: &Run| {
            run.job == Job::Renew && matches!(run.state, RunState::Ended(Ending::Bad(_) | Ending::Partly { .. }))
        };
        runs().all(Run::is_over) && runs().any(failed)
    }

    /// Whether all of these runs were rehearsals, and passed: production comes next.
    pub fn has_passed(&self, ids: &[RunId]) -> bool {
        let passed = |id: &RunId| {
            self.run(*id).is_some_and(|run| {
                run.stage() == Some(Stage::Rehearsal) && matches!(run.state, RunState::Ended(Ending::Good(_)))
            })
        };
        !ids.is_empty() && ids.iter().all(passed)
    }

    /// Whether the window on top has a plan that is being made.
    pub fn is_planning(&self) -> bool {
        let Some(Popup::Plan(window)) = self.popups.last() else {
            return false;
        };
        let making = |id: &RunId| self.run(*id).is_some_and(|run| run.state == RunState::Planning);
        window.runs.iter().any(making)
    }

    /// The run of a line of the orders: the newest is first.
    pub fn run_at(&self, line: usize) -> Option<&Run> {
        self.runs.iter().rev().nth(line)
    }
}
