//! Every way in which the program ends badly: its words, its hint, its exit status.

use std::fmt;

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

    /// A failure with its chain of causes, joined by colons.
    pub fn of(exit: Exit, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(exit, chain(error))
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error and its causes on one line; a cause that its error already quotes is left out.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
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
}
