//! What is said: a line for a while, and the log.

use super::{LOG, Model};
use crate::tui::{keymap::Action, message::LogLine};

/// A line that is shown for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
    /// Until when, in milliseconds since the start.
    pub until_ms: u64,
    /// What it speaks of: once that is over, it goes before its time.
    pub about: Passing,
}

/// What a notice speaks of that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Nothing that does.
    Nothing,
    /// A word is wanted in the window on top.
    Typing,
    /// The plan of the window on top is being made.
    Making,
    /// Runs are being given up.
    Cancelling,
    /// Runs have not ended.
    Running,
    /// The bell is to ring.
    Ring,
    /// An action cannot be done.
    Refused(Action),
}

impl Model {
    /// Shows a line for a while.
    pub fn notice(&mut self, text: impl Into<String>, bad: bool) {
        self.notice_while(Passing::Nothing, text, bad);
    }

    /// Shows a line for a while, but no longer than what it speaks of lasts.
    pub fn notice_while(&mut self, about: Passing, text: impl Into<String>, bad: bool) {
        self.notice = Some(Notice {
            text: text.into(),
            bad,
            until_ms: self.ms + if bad { 5_000 } else { 3_000 },
            about,
        });
    }

    /// What was said goes with what is done next; what was said of a mistake only with `all`.
    pub fn leave_notice(&mut self, all: bool) {
        let goes =
            |notice: &Notice| matches!(notice.about, Passing::Nothing | Passing::Refused(_)) && (all || !notice.bad);
        if self.notice.as_ref().is_some_and(goes) {
            self.notice = None;
        }
    }

    /// Keeps a line of the log.
    pub fn note(&mut self, line: LogLine) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }
}
