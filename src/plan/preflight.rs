//! The results of a preflight: one check for each line, with what to do.

use serde::Serialize;

use crate::error::{Blame, Diagnose, chain};
use crate::object::Key;

/// The topic of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// The CA's directory, and the profile.
    Ca,
    /// The account at the CA.
    Account,
    /// The names of the order.
    Names,
    /// The Secret, and its owner.
    Secret,
    /// The rights in the cluster.
    Rights,
    /// The route of a challenge through the cluster.
    Solver,
    /// The addresses of the host.
    Dns,
    /// The answer at port 80.
    Port80,
    /// The CAA records of the domain.
    Caa,
    /// The DNS provider, and its credentials.
    Provider,
    /// The record that stays, by which DNS-PERSIST-01 proves the domain.
    Record,
    /// The CA's rate limits.
    Limits,
}

impl Topic {
    /// The word at the beginning of a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "CA",
            Self::Account => "account",
            Self::Names => "names",
            Self::Secret => "Secret",
            Self::Rights => "rights",
            Self::Solver => "solver",
            Self::Dns => "DNS",
            Self::Port80 => "port 80",
            Self::Caa => "CAA",
            Self::Provider => "provider",
            Self::Record => "record",
            Self::Limits => "limits",
        }
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Nothing stands in the way.
    Ok,
    /// There may be an obstacle, or it could not be determined from here.
    Warning,
    /// It is not there yet, and the issuance waits for it.
    Waiting,
    /// It prevents the issuance.
    Fails,
}

impl Grade {
    /// The word at the beginning of a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Waiting => "waiting",
            Self::Fails => "fails",
        }
    }
}

/// One check. Its texts are not cleared for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The topic.
    #[serde(rename = "check")]
    pub topic: Topic,
    /// The host or object, if the check is about one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The result.
    #[serde(rename = "result")]
    pub grade: Grade,
    /// The finding in words.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What a failure is put down to.
    #[serde(skip)]
    pub blame: Blame,
}

impl Check {
    /// A check that found no obstacle.
    pub fn ok(topic: Topic, message: impl Into<String>) -> Self {
        Self {
            topic,
            subject: None,
            grade: Grade::Ok,
            message: message.into(),
            hint: None,
            blame: Blame::Acme,
        }
    }

    /// A check that found a possible obstacle.
    pub fn warning(topic: Topic, message: impl Into<String>) -> Self {
        Self {
            grade: Grade::Warning,
            ..Self::ok(topic, message)
        }
    }

    /// A check of something that is not there yet.
    pub fn waiting(topic: Topic, message: impl Into<String>) -> Self {
        Self {
            grade: Grade::Waiting,
            ..Self::ok(topic, message)
        }
    }

    /// A check that prevents the issuance.
    pub fn fails(topic: Topic, blame: Blame, message: impl Into<String>) -> Self {
        Self {
            grade: Grade::Fails,
            blame,
            ..Self::ok(topic, message)
        }
    }

    /// A check that prevents the issuance because of an error, with the causes, hint and blame of the error.
    pub fn because(topic: Topic, error: &(impl Diagnose + 'static)) -> Self {
        Self::fails(topic, error.blame(), chain(error)).hint(error.hint())
    }

    /// Sets which one of several hosts or objects the check is about.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// All checks of one certificate, or of what the certificates share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The Secret; `None` for the CA and the account.
    pub secret: Option<Key>,
    /// The heading.
    pub title: String,
    /// The checks in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// How many checks found something that is waited for.
pub fn waiting(reports: &[Report]) -> usize {
    let all = reports.iter().flat_map(|report| &report.checks);
    all.filter(|check| check.grade == Grade::Waiting).count()
}

/// How many checks warn, how many fail, and the worst blame of the failing ones.
pub fn worst(reports: &[Report]) -> (usize, usize, Option<Blame>) {
    let all = || reports.iter().flat_map(|report| &report.checks);
    let count = |grade| all().filter(|check| check.grade == grade).count();
    let failing = all().filter(|check| check.grade == Grade::Fails);
    (
        count(Grade::Warning),
        count(Grade::Fails),
        failing.map(|check| check.blame).max(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the credentials cannot be read")]
    struct Unread(#[source] std::io::Error);

    impl Diagnose for Unread {
        fn hint(&self) -> Option<String> {
            Some("ask for the right".to_owned())
        }

        fn blame(&self) -> Blame {
            Blame::Cluster
        }
    }

    #[test]
    fn a_check_blames_what_its_error_blames() {
        let error = Unread(std::io::Error::other("forbidden"));
        let check = Check::because(Topic::Provider, &error);
        assert_eq!(
            (check.grade, check.blame, check.message.as_str(), check.hint.as_deref()),
            (
                Grade::Fails,
                Blame::Cluster,
                "the credentials cannot be read: forbidden",
                Some("ask for the right")
            )
        );
    }
}
