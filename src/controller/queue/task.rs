//! What is queued: a certificate that is wanted, and where it stands.

use std::sync::Arc;

use crate::object::{Key, Seconds, Text};

/// Why a certificate is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskKind {
    /// There is none that serves.
    New,
    /// The names that it has to cover are others.
    Changed,
    /// It is due for renewal.
    Renewal,
}

impl TaskKind {
    /// The word for logs and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Renewal => "renewal",
        }
    }
}

/// A certificate that is wanted. Moments are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The Secret that it belongs into; shared with whoever else keeps something of it, because there are many.
    pub secret: Arc<Key>,
    /// The namespace to which it counts: that of the route, where the Secret is elsewhere.
    pub namespace: Text,
    /// The issuer of the settings that it is ordered from.
    pub issuer: Text,
    /// Until when it has to be there. Within a namespace the earliest is first.
    pub deadline: Seconds,
    /// From when it may be ordered.
    pub due_at: Seconds,
    /// Why it is wanted.
    pub kind: TaskKind,
}

/// Where a task stands. Moments are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It is not due.
    Scheduled {
        /// From when it is.
        at: Seconds,
    },
    /// It is its turn as soon as there is a slot, and unless its CA is down.
    Ready,
    /// It has been taken, and its result is awaited.
    Running {
        /// Since when.
        since: Seconds,
    },
    /// It has failed, and is tried again.
    BackOff {
        /// Not before this moment.
        until: Seconds,
        /// What failed.
        reason: Text,
    },
    /// Something is not there yet, which is no failure: a DNS record that is still to be made, another run that works on
    /// the Secret.
    Waiting {
        /// When it is looked at again.
        until: Seconds,
        /// What it waits for.
        reason: Text,
    },
    /// A limit of the CA leaves nothing.
    Limited {
        /// When the limit permits it.
        until: Seconds,
        /// The limit.
        limit: Text,
    },
    /// A rule forbids it until something changes.
    Held {
        /// The name of the rule.
        rule: Text,
    },
}

impl TaskState {
    /// Before which moment nothing is done; `None` if time alone changes nothing.
    pub fn until(&self) -> Option<Seconds> {
        match self {
            Self::Scheduled { at: until }
            | Self::BackOff { until, .. }
            | Self::Waiting { until, .. }
            | Self::Limited { until, .. } => Some(*until),
            Self::Ready | Self::Running { .. } | Self::Held { .. } => None,
        }
    }
}

/// A task in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The task.
    pub task: Task,
    /// Where it stands.
    pub state: TaskState,
    /// How many times it has failed in a row.
    pub failures: u32,
    /// When the first of these failures was, in seconds since 1970.
    pub failing_since: Option<Seconds>,
}

impl Queued {
    pub(super) fn new(task: Task) -> Self {
        Self {
            state: TaskState::Scheduled { at: task.due_at },
            task,
            failures: 0,
            failing_since: None,
        }
    }

    /// Forgets its failures, and tries it as soon as it is due.
    pub(super) fn begin_anew(&mut self) {
        self.failures = 0;
        self.failing_since = None;
        self.state = TaskState::Scheduled { at: self.task.due_at };
    }

    /// Whether its last try failed, so that it has a part of the slots only.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

/// Why a task that was taken did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, for people.
    pub reason: Text,
    /// Whether the CA answered meanwhile, so that it is not down.
    pub ca_answered: bool,
}
