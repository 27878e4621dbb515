//! Runs of commands that write: what was planned, what has happened, how it ended.

use std::collections::BTreeMap;

use super::{CommandLine, message::Trouble};
pub use crate::plan::{Plan, Stage};
use crate::{
    event::EventKind,
    object::{Key, Seconds},
    plan::steps::Step,
    report::progress,
};

/// The number of a run in this session.
pub type RunId = u64;

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Certificates are renewed.
    Renew,
    /// A certificate is revoked.
    Revoke,
    /// The pair before is put back.
    Rollback,
    /// What uses these Secrets is restarted.
    Restart(Vec<Key>),
}

impl Job {
    /// The word that the list of orders shows.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Rollback => "rollback",
            Self::Restart(_) => "restart",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As it was meant; in a sentence.
    Good(String),
    /// As it was meant, but for some names.
    Partly {
        /// What came of it, as the command line has it: `renewed, 1 name left out`.
        said: String,
        /// Which names, and why.
        trouble: Trouble,
    },
    /// Otherwise.
    Bad(Trouble),
    /// It was given up before anything was done.
    Dropped,
    /// It was given up while it was under way, and has cleaned up.
    Cancelled,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Its plan is being made.
    Planning,
    /// Its plan waits for an answer.
    Waiting,
    /// It runs.
    Running,
    /// It is being given up, and cleans up.
    Cancelling,
    /// It has ended.
    Ended(Ending),
}

/// The course of one certificate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TargetProgress {
    /// What happened, and when: milliseconds since the program started.
    pub events: Vec<(u64, EventKind)>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// It has not begun.
    Dark,
    /// It is under way.
    Going,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was not done, and will not be.
    Skipped,
    /// It ended, and what came of it is not known.
    Unknown,
}

impl TargetProgress {
    /// Whether it was never begun.
    pub fn is_not_started(&self) -> bool {
        matches!(self.last(), Some(EventKind::NotStarted { .. }))
    }

    /// Whether it has ended, and well.
    pub fn ended(&self) -> Option<bool> {
        self.events.iter().rev().find_map(|(_, kind)| kind.ends())
    }

    /// The last thing that happened.
    pub fn last(&self) -> Option<&EventKind> {
        self.events.last().map(|(_, kind)| kind)
    }

    /// Where each step stands, by what has happened, and how long it took from its own start, in milliseconds.
    pub fn lights(&self, steps: &[Step], began_ms: u64) -> Vec<(Light, Option<u64>)> {
        let ended = self.ended();
        let done = |step: &Step| self.events.iter().find(|(_, kind)| does(step, kind)).map(|(ms, _)| *ms);
        let begun = |step: &Step| {
            self.events
                .iter()
                .find(|(_, kind)| begins(step, kind))
                .map(|(ms, _)| *ms)
        };
        let failed = (ended == Some(false) && !self.is_not_started())
            .then(|| self.failed_step(steps))
            .flatten();
        let mut before = began_ms;
        let mut lights = Vec::with_capacity(steps.len());
        for (number, step) in steps.iter().enumerate() {
            let light = match (done(step), begun(step)) {
                _ if failed == Some(number) || self.is_left_out(step) => Light::Failed,
                (Some(_), _) if matches!(step, Step::Look { .. }) && !self.is_seen() => Light::Unknown,
                (Some(_), _) => Light::Done,
                (None, Some(_)) if ended.is_none() => Light::Going,
                (None, _) if ended.is_some() => Light::Skipped,
                _ => Light::Dark,
            };
            // What says that a step is done ends it; what happened before that has begun it, where nothing else did.
            let start = |at: u64| {
                begun(step)
                    .or_else(|| self.before(step))
                    .unwrap_or(began_ms)
                    .max(before)
                    .min(at)
            };
            let took = done(step)
                .filter(|_| light == Light::Done)
                .map(|at| at.saturating_sub(start(at)));
            // Several steps that one event ends took no time that is known.
            let took = took.filter(|ms| *ms > 0);
            if let Some(at) = done(step) {
                before = before.max(at);
            }
            lights.push((light, took));
        }
        lights
    }

    /// Whether the certificate came to be without the name that a step proves.
    fn is_left_out(&self, step: &Step) -> bool {
        let Step::Prove { name, .. } = step else { return false };
        let without = |kind: &EventKind| matches!(kind, EventKind::LeftOut { names, .. } if names.contains(name));
        self.events.iter().any(|(_, kind)| without(kind))
    }

    /// When the last thing happened before a step was done.
    fn before(&self, step: &Step) -> Option<u64> {
        let at = self.events.iter().position(|(_, kind)| does(step, kind))?;
        self.events.get(at.checked_sub(1)?).map(|(ms, _)| *ms)
    }

    /// Whether somebody saw it served.
    fn is_seen(&self) -> bool {
        self.events
            .iter()
            .any(|(_, kind)| matches!(kind, EventKind::Served { .. }))
    }

    /// The step that a certificate failed at: the name that was refused, else the last one that had begun, else the first that
    /// was not done. Never the clean-up, which comes after.
    fn failed_step(&self, steps: &[Step]) -> Option<usize> {
        let happened =
            |of: fn(&Step, &EventKind) -> bool, step: &Step| self.events.iter().any(|(_, kind)| of(step, kind));
        let open = |step: &Step| !matches!(step, Step::CleanUp) && !happened(does, step);
        let refused = |step: &Step| {
            let Step::Prove { name, .. } = step else { return false };
            let of_name = |kind: &EventKind| matches!(kind, EventKind::ChallengeFailed { name: at, .. } if at == name);
            self.events.iter().any(|(_, kind)| of_name(kind))
        };
        steps
            .iter()
            .position(|step| open(step) && refused(step))
            .or_else(|| steps.iter().rposition(|step| open(step) && happened(begins, step)))
            .or_else(|| steps.iter().position(open))
    }
}

/// Whether an event says that a step is done.
fn does(step: &Step, kind: &EventKind) -> bool {
    match (step, kind) {
        (Step::Lease { .. } | Step::Journal { .. } | Step::Order { .. }, EventKind::Ordered { .. })
        | (Step::Lease { .. }, EventKind::Leased { .. })
        | (
            Step::Backup { .. } | Step::Write { .. } | Step::File { .. } | Step::PutBack { .. },
            EventKind::Stored { .. },
        )
        | (
            Step::Look { .. } | Step::Rehearse { .. } | Step::Revoke { .. } | Step::Remove { .. },
            EventKind::Done | EventKind::LeftOut { .. },
        )
        | (Step::CleanUp, EventKind::CleanedUp { .. } | EventKind::Done | EventKind::LeftOut { .. }) => true,
        (Step::Prove { name, .. }, EventKind::Validated { name: proved, .. }) => name == proved,
        (Step::Restart { workload }, EventKind::Restarted { workload: restarted }) => workload == restarted,
        _ => false,
    }
}

/// Whether an event says that a step is under way.
fn begins(step: &Step, kind: &EventKind) -> bool {
    match (step, kind) {
        (Step::Lease { .. } | Step::Journal { .. } | Step::Order { .. }, EventKind::Waiting { .. })
        | (
            Step::Backup { .. } | Step::Write { .. } | Step::File { .. } | Step::Rehearse { .. },
            EventKind::Issued { .. },
        )
        | (Step::Backup { .. } | Step::PutBack { .. }, EventKind::Leased { .. })
        | (Step::Look { .. } | Step::Restart { .. }, EventKind::Stored { .. }) => true,
        (
            Step::Prove { name, .. },
            EventKind::Presented { name: at, .. }
            | EventKind::SelfChecked { name: at, .. }
            | EventKind::Asked { name: at }
            | EventKind::ChallengeFailed { name: at, .. },
        ) => name == at,
        _ => false,
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What it is.
    pub job: Job,
    /// The command line that does the same.
    pub command: CommandLine,
    /// When its question was answered, by the clock; until then, when its plan was asked for.
    pub at: Seconds,
    /// The same in milliseconds since the program started.
    pub began_ms: u64,
    /// Whether its question was answered: from then on it runs.
    pub begun: bool,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Where it stands.
    pub state: RunState,
    /// What was planned.
    pub plan: Option<Plan>,
    /// What has happened, by Secret.
    pub progress: BTreeMap<Key, TargetProgress>,
    /// What it has been waiting for so long that one wonders.
    pub waits: BTreeMap<u64, String>,
    /// What else it said.
    pub notes: Vec<String>,
    /// Whether a field made it of a rehearsal, and not the key that turns one into production.
    pub was_rehearsal: bool,
}

impl Run {
    /// What it waits for now, where that takes long: what it said last, or what the only certificate that is under way waits for.
    pub fn waits_for(&self) -> Option<String> {
        if self.is_over() || self.state == RunState::Waiting {
            return None;
        }
        if let Some(words) = self.waits.values().next_back() {
            return Some(words.clone());
        }
        let mut going = self.progress.values().filter(|course| course.ended().is_none());
        match (going.next().and_then(TargetProgress::last), going.next()) {
            (Some(kind @ EventKind::Waiting { .. }), None) => Some(progress::line(kind)),
            _ => None,
        }
    }

    /// What it is good for, as far as that is known: a renewal says it with its plan; everything else writes in earnest.
    pub fn stage(&self) -> Option<Stage> {
        match (&self.job, &self.plan) {
            (Job::Renew, Some(plan)) => plan.stage,
            // Who names an issuer wants no rehearsal; what its certificates are good for is known with the plan.
            (Job::Renew, None) => {
                let earnest = self.command.has("--production") || self.command.has("--issuer");
                earnest.then_some(Stage::Production)
            }
            (Job::Revoke | Job::Rollback | Job::Restart(_), _) => Some(Stage::Production),
        }
    }

    /// Whether nothing that serves traffic is to be changed, by the command line: what no plan says yet.
    pub fn is_rehearsal(&self) -> bool {
        self.job == Job::Renew && self.stage().unwrap_or(Stage::Rehearsal) == Stage::Rehearsal
    }

    /// It begins now. The question after its first part does not begin it again.
    pub fn begin(&mut self, at: Seconds, ms: u64) {
        self.state = RunState::Running;
        if !std::mem::replace(&mut self.begun, true) {
            (self.at, self.began_ms) = (at, ms);
        }
    }

    /// For how long it has run, or ran; `None` before its question is answered.
    pub fn took(&self, now_ms: u64) -> Option<u64> {
        let until = self.ended_ms.unwrap_or(now_ms);
        self.begun.then(|| until.saturating_sub(self.began_ms))
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.state, RunState::Ended(_))
    }

    /// Whether something has been begun that would have to be cleaned up.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Cancelling)
    }
}
