//! Every way in which a use case ends badly: its words, its hint, what is to blame.

use std::fmt;

use crate::error::{Blame, Diagnose, chain};

/// An error that ends a use case: what failed, why, and what to do. Not cleared for a terminal: causes quote servers and files.
#[derive(Debug, Clone)]
pub struct OpError {
    /// What is to blame.
    pub blame: Blame,
    /// What failed: a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether `--force` does it all the same.
    pub yields_to_force: bool,
}

impl OpError {
    /// An error without a hint.
    pub fn new(blame: Blame, message: impl fmt::Display) -> Self {
        Self {
            blame,
            message: message.to_string(),
            hint: None,
            yields_to_force: false,
        }
    }

    /// A mistake in what was asked for, or in an input file.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Blame::Usage, message)
    }

    /// An error with its chain of causes, joined by colons, without a hint.
    pub fn of(blame: Blame, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(blame, chain(error))
    }

    /// What an error says of itself: its causes, what to do, and what is to blame.
    pub fn because(error: &(impl Diagnose + 'static)) -> Self {
        Self {
            hint: error.hint(),
            yields_to_force: error.yields_to_force(),
            ..Self::of(error.blame(), error)
        }
    }

    /// The same after some words: `nothing was ordered: ...`.
    #[must_use]
    pub fn after(mut self, words: &str) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }

    /// The same with something else to blame: whoever asked knows better.
    #[must_use]
    pub fn blame(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }

    /// The same with a hint, where there is one.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::error::Error for OpError {}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_hint_and_what_is_to_blame_itself() {
        use crate::solve::SolveError;
        let error = SolveError::new("no answer").hint("open port 80");
        let failure = OpError::because(&error).after("nothing was ordered");
        assert_eq!(
            (failure.blame, failure.message.as_str()),
            (Blame::Acme, "nothing was ordered: no answer")
        );
        assert_eq!(failure.hint.as_deref(), Some("open port 80"));
        assert_eq!(OpError::because(&error.of_cluster()).blame, Blame::Cluster);
    }
}
