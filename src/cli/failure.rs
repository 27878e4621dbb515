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

impl Exit {
    /// All exit statuses, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Findings,
        Self::Usage,
        Self::Cluster,
        Self::Acme,
        Self::Write,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// What it means, in one sentence for a man page.
    pub fn about(self) -> &'static str {
        match self {
            Self::Ok => "Everything was done. Findings alone do not change it.",
            Self::Findings => "With `--fail-on`: a finding is that severe or worse.",
            Self::Usage => "The command line, the settings or the manifests are wrong.",
            Self::Cluster => "The cluster cannot be reached or read.",
            Self::Acme => "The CA cannot be reached or refuses, or a challenge failed.",
            Self::Write => "A write, a rollout or the verification failed, or the Secret is someone else's.",
            Self::HungUp => "Ended by SIGHUP.",
            Self::Interrupted => "Interrupted by Ctrl-C.",
            Self::Terminated => "Ended by SIGTERM.",
        }
    }

    /// The word for it in the reference.
    #[cfg(test)]
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Findings => "findings",
            Self::Usage => "usage",
            Self::Cluster => "cluster",
            Self::Acme => "acme",
            Self::Write => "write",
            Self::HungUp => "hung up",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// All that leads to it, in Markdown for the reference.
    #[cfg(test)]
    fn causes(self) -> &'static str {
        match self {
            Self::Ok => {
                "The report is complete, or incomplete without `--fail-on`. Findings alone do not change it: `--fail-on` does."
            }
            Self::Findings => {
                "With `--fail-on SEVERITY`: at least one finding that counts is that severe or worse. `proof`: a certificate expired \
                 while it was kept, or a line does not have the hash of the one before it."
            }
            Self::Usage => {
                "A flag, name, date or selector that cannot be read; an unknown reason; a file that cannot be opened; input \
                 that holds no manifest at all, such as the pipe of a command that failed; a manifest document that cannot be \
                 read (the others are still reported)."
            }
            Self::Cluster => {
                "No usable kubeconfig or context; the API server cannot be reached, or refuses the credentials; with \
                 `--fail-on`, anything that could not be read (`Forbidden`, a list that broke off); with `--strict`, objects \
                 that serve hosts and are of kinds that are not read."
            }
            Self::Acme => "The CA cannot be reached or refuses the order, or a challenge failed.",
            Self::Write => {
                "The certificate was issued but not stored; or it is stored, but a workload did not come back or the hosts do \
                 not serve it; or someone else owns the Secret, is working on it or has taken over its order; or a defect of \
                 this program ended a certificate."
            }
            Self::HungUp => {
                "SIGHUP: the terminal is gone; the terminal UI too ends this way. `renew` and `issue` clean up first, as after \
                 Ctrl-C. Under `nohup` they continue."
            }
            Self::Interrupted => {
                "Ctrl-C. `-w` ends this way; in the terminal UI Ctrl-C is a key, which leaves it with 0. `renew` and `issue` \
                 clean up first; pressed twice, it stops them at once."
            }
            Self::Terminated => "SIGTERM, of the terminal UI too. `renew` and `issue` clean up first, as after Ctrl-C.",
        }
    }
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
    fn renewed_table_of_exit_statuses() {
        use std::fmt::Write as _;

        let mut rows = "\n| status | means | causes |\n| --- | --- | --- |\n".to_owned();
        for exit in Exit::ALL {
            let _ = writeln!(rows, "| {} | {} | {} |", exit as u8, exit.word(), exit.causes());
        }
        rows.push('\n');
        crate::renewed::part("docs/reference/exit-status.md", "statuses", &rows);
    }

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
