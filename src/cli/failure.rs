//! Every way in which a command ends badly: its words, its hint, its exit status.

use std::fmt;

use crate::error::{Blame, Diagnose, chain};

/// The exit statuses, as `docs/reference/exit-status.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything was done.
    Ok = 0,
    /// There are findings at or above `--fail-on`.
    Findings = 1,
    /// The command line, the settings or the manifests are wrong.
    Usage = 2,
    /// The cluster could not be reached or read.
    Cluster = 3,
    /// ACME, or a challenge.
    Acme = 4,
    /// The write, the rollout or the verification.
    Write = 5,
    /// Ended by SIGHUP: its terminal has gone.
    HungUp = 129,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Blame> for Exit {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Usage => Self::Usage,
            Blame::Cluster => Self::Cluster,
            Blame::Acme => Self::Acme,
            Blame::Write => Self::Write,
            Blame::Interrupted => Self::Interrupted,
        }
    }
}

/// An error that ends a command: what failed, why, and what to do.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// What failed: a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            hint: None,
        }
    }

    /// A mistake on the command line or in an input file.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A failure with its chain of causes, joined by colons, without a hint.
    pub fn of(exit: Exit, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(exit, chain(error))
    }

    /// What an error says of itself: its causes, what to do, and what is to blame.
    pub fn because(error: &(impl Diagnose + 'static)) -> Self {
        Self {
            hint: error.hint(),
            ..Self::of(error.blame().into(), error)
        }
    }

    /// The same after some words: `nothing was ordered: ...`.
    #[must_use]
    pub fn after(mut self, words: &str) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }

    /// The same with another exit status: whoever asked knows better what is to blame.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
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

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    /// One line, and one for the hint. Cleared for a terminal: causes quote servers and files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", crate::text::Clear(self.message.trim()))?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", crate::text::Clear(hint)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_and_a_hint_whatever_the_server_says() {
        let failure = Failure::new(Exit::Cluster, "the server said \x1b[31mno\nreally").hint("log in again");
        assert_eq!(
            failure.to_string(),
            "error: the server said \\x1b[31mno\\nreally\nhint: log in again"
        );
    }

    #[test]
    fn an_error_says_its_hint_and_its_exit_status_itself() {
        use crate::solve::SolveError;
        let error = SolveError::new("no answer").hint("open port 80");
        let failure = Failure::because(&error).after("nothing was ordered");
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Acme, "nothing was ordered: no answer")
        );
        assert_eq!(failure.hint.as_deref(), Some("open port 80"));
        assert_eq!(Failure::because(&error.of_cluster()).exit, Exit::Cluster);
        for (blame, status) in [
            (Blame::Usage, 2),
            (Blame::Cluster, 3),
            (Blame::Acme, 4),
            (Blame::Write, 5),
            (Blame::Interrupted, 130),
        ] {
            assert_eq!(Exit::from(blame) as u8, status, "{blame:?}");
        }
    }
}
