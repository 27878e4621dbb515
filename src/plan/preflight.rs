//! What has been found out before an order: one check a line, each with what to do.

use serde::Serialize;

use crate::error::{Blame, Diagnose, chain};
use crate::object::Key;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// The CA's directory, and the profile.
    Ca,
    /// The account with it.
    Account,
    /// The names of the order.
    Names,
    /// The Secret, and who owns it.
    Secret,
    /// The rights in the cluster.
    Rights,
    /// The way of a challenge through the cluster.
    Solver,
    /// The host's addresses.
    Dns,
    /// What answers at port 80.
    Port80,
    /// The domain's CAA records.
    Caa,
    /// The DNS provider, and its credentials.
    Provider,
    /// The CA's rate limits.
    Limits,
}

impl Topic {
    /// As it stands at the beginning of a line.
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
            Self::Limits => "limits",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Nothing is in the way.
    Ok,
    /// It may be in the way, or could not be found out from here.
    Warning,
    /// It stops the issuance.
    Fails,
}

impl Grade {
    /// As it stands at the beginning of a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fails => "fails",
        }
    }
}

/// One check. Texts are not cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What it is about.
    #[serde(rename = "check")]
    pub topic: Topic,
    /// The host or object, where it is about one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it ended.
    #[serde(rename = "result")]
    pub grade: Grade,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What is to blame when it fails.
    #[serde(skip)]
    pub blame: Blame,
}

impl Check {
    /// One that found nothing in the way.
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

    /// One that may be in the way.
    pub fn warning(topic: Topic, message: impl Into<String>) -> Self {
        Self {
            grade: Grade::Warning,
            ..Self::ok(topic, message)
        }
    }

    /// One that stops the issuance.
    pub fn fails(topic: Topic, blame: Blame, message: impl Into<String>) -> Self {
        Self {
            grade: Grade::Fails,
            blame,
            ..Self::ok(topic, message)
        }
    }

    /// One that stops the issuance because of an error: with its causes, what to do, and what is to blame, as it says itself.
    pub fn because(topic: Topic, error: &(impl Diagnose + 'static)) -> Self {
        Self::fails(topic, error.blame(), chain(error)).hint(error.hint())
    }

    /// The same about one of several.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// All checks of one certificate, or of what they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The Secret; `None` for the CA and the account.
    pub secret: Option<Key>,
    /// What stands at its head.
    pub title: String,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// How many checks warn and fail, and what the failing ones blame, the worst last.
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
