//! How a command ends: its exit status, and the words of a failure.

use crate::{error::Blame, ops::OpError, text::Clear};

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

/// How a command ends badly, for standard error: one line, and one for the hint. Cleared for a terminal.
pub fn told(failure: &OpError) -> String {
    let hint = failure
        .hint
        .as_deref()
        .map_or_else(String::new, |hint| format!("\nhint: {}", Clear(hint)));
    format!("error: {}{hint}", Clear(failure.message.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_and_a_hint_whatever_the_server_says() {
        let failure = OpError::new(Blame::Cluster, "the server said \x1b[31mno\nreally").hint("log in again");
        assert_eq!(
            told(&failure),
            "error: the server said \\x1b[31mno\\nreally\nhint: log in again"
        );
    }

    #[test]
    fn what_is_to_blame_is_told_by_the_exit_status() {
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
