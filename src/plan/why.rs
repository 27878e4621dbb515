//! Why a host stands where it does: the chain from annotation to served, and what it means.

use crate::object::{Key, Seconds};

/// How a step of the chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is as it should be.
    Done,
    /// It goes on by itself.
    Waiting,
    /// It does not work.
    Failing,
    /// A rule keeps it from going on, or somebody.
    Held,
    /// It could not be found out, or is not needed.
    Unknown,
}

impl Mark {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Failing => "failing",
            Self::Held => "held",
            Self::Unknown => "unknown",
        }
    }
}

/// One step of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which step, in one word.
    pub step: &'static str,
    /// How it stands.
    pub mark: Mark,
    /// What was found. Not cleared for a terminal.
    pub text: String,
    /// Since when it is so; `None` if that is not known.
    pub since: Option<Seconds>,
    /// Until when it stays so by itself; `None` if time alone changes nothing.
    pub until: Option<Seconds>,
}

/// What it all means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The chain, from annotation to served.
    pub lines: Vec<Line>,
    /// Whether clients get what they should.
    pub is_good: bool,
    /// The one sentence. Not cleared for a terminal.
    pub why: String,
    /// What to do next; `None` if there is nothing to do.
    pub next: Option<String>,
}

/// The answer about one Secret of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfSecret {
    /// The Secret; `None` if the routes of the host name none.
    pub secret: Option<Key>,
    /// What was found.
    pub answer: Answer,
}
