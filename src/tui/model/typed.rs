//! What is typed at the bottom, and what waits for that.

use super::{Model, input::Input, popup::Popup};
use crate::tui::order::RunId;

/// What is typed at the bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A filter, which counts as it is typed.
    Filter(Input),
    /// A command.
    Command(Input),
    /// What is looked for in the text in front.
    Find(Input),
}

/// What the last key did to a command that is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recall {
    /// It was typed.
    #[default]
    None,
    /// A word of those that fit was put in place of what was typed; the next key takes the next one.
    Completed {
        /// What was typed.
        typed: String,
        /// The number of the word.
        at: usize,
    },
    /// It is an earlier one: so many before the newest, and what was typed before.
    Before {
        /// How many.
        back: usize,
        /// What was typed.
        typed: String,
    },
}

impl Model {
    /// Whether text is typed, so that letters are no keys.
    pub fn is_typing(&self) -> bool {
        self.prompt.is_some() || self.popups.last().is_some_and(Popup::is_typing)
    }

    /// The run whose question is on the screen.
    pub fn question(&self) -> Option<RunId> {
        match self.popups.last() {
            Some(Popup::Ask(ask)) if self.prompt.is_none() => ask.of_run(),
            _ => None,
        }
    }

    /// Whether a run's question waits until what is typed is finished: its keys would go to the line.
    pub fn has_hidden_question(&self) -> bool {
        let is_question = |popup: &Popup| matches!(popup, Popup::Ask(ask) if ask.of_run().is_some());
        self.is_typing() && self.popups.iter().any(is_question)
    }
}
