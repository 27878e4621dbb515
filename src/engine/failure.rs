//! How the course of one certificate ends badly.

use super::{
    journal::JournalError,
    lease::LeaseError,
    obtain::{AGAIN, ObtainError},
};
use crate::{
    apply::{ApiError, key::KeyError, pair::PairError, secret::Refusal},
    error::{Blame, Diagnose},
    name::{Name, NameError},
    object::Key,
    plan::limits::Exceeded,
};

/// Why a certificate was not renewed, or not to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CourseError {
    /// Somebody else works on it, or the cluster does not say.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// It may not be written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The CA would refuse.
    #[error("a rate limit of {issuer} would be exceeded, by this tool's estimate: {exceeded}")]
    Limit {
        /// The issuer.
        issuer: String,
        /// Which limit.
        exceeded: Exceeded,
    },
    /// No Secret can have the name.
    #[error("{} is not the name of a Secret", super::prepare::quoted(.0))]
    NotAName(Key),
    /// There is nothing to order.
    #[error("no route gives Secret {0} a host, and it holds no certificate")]
    NoNames(Key),
    /// More names than the CA takes.
    #[error("{count} names are more than the {most} that {profile} allows")]
    TooManyNames {
        /// How many.
        count: usize,
        /// How many it takes.
        most: usize,
        /// The profile: `profile shortlived of letsencrypt`, `letsencrypt`.
        profile: String,
    },
    /// A host that nobody can certify.
    #[error("the route's host cannot be ordered: {}", list(.0))]
    Impossible(Vec<(String, NameError)>),
    /// There is no certificate.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What was kept of the order.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The CA issued something that is not stored.
    #[error("the new certificate is not stored: {0}")]
    Pair(#[from] PairError),
    /// The cluster, before anything was written.
    #[error(transparent)]
    Api(ApiError),
    /// The write.
    #[error("the new certificate is not stored: {0}")]
    Write(ApiError),
    /// Another has changed the Secret meanwhile.
    #[error("the new certificate is not stored: Secret {0} was changed by someone else since it was read")]
    Changed(Key),
    /// The lease went to another.
    #[error("the new certificate is not stored: another run has taken over Secret {0}")]
    LeaseLost(Key),
    /// The file.
    #[error("the new certificate is not written: {message}")]
    File {
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is stored, and a workload did not come back.
    #[error("the new certificate is stored, but {message}")]
    Restart {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is stored, and not served.
    #[error("the new certificate is stored, but not served: {message}")]
    NotServed {
        /// What is served instead.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// cert-manager did not renew it.
    #[error("cert-manager has not renewed it: {message}")]
    CertManager {
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It was named with others, and is somebody else's to renew.
    #[error("{message}")]
    NotOurs {
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is renewed, and new names are not in it.
    #[error("it is renewed without {}: {why}", names(.left_out))]
    LeftOut {
        /// The new names that failed.
        left_out: Vec<Name>,
        /// Why.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is stored without new names, and what follows the write failed.
    #[error("{message}")]
    StoredWithout {
        /// The new names that failed.
        left_out: Vec<Name>,
        /// What happened after the write, and why the names are not in it.
        message: String,
        /// What to do.
        hint: Option<String>,
        /// What is to blame for what happened after the write.
        blame: Blame,
    },
    /// Others failed alike before it.
    #[error("others failed in the same way before it")]
    Stopped,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Ctrl-C before the new certificate could be written: the order is kept.
    #[error("interrupted before the new certificate was stored")]
    NotStored,
    /// The same, with an order that is kept.
    #[error("{}", crate::error::chain(.error))]
    Kept {
        /// What happened.
        error: Box<CourseError>,
        /// What the next run does.
        next: Next,
    },
    /// Ctrl-C between storing and the end of the restarts.
    #[error("interrupted: the new certificate is stored, and {0} is not known to have come back")]
    NotRestarted(String),
}

/// What the same command would do with an order that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It finishes it.
    GoesOn,
    /// It is refused, until something else is done.
    Refused {
        /// Why.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Next {
    /// What to do, after `first`.
    fn hint(&self, first: Option<String>) -> String {
        const KEPT: &str = "it continues with the same order, and makes no second one";
        let again = match first {
            Some(first) if first.ends_with(AGAIN) => first,
            Some(first) => format!("{first}; then {AGAIN}"),
            None => AGAIN.to_owned(),
        };
        match self {
            Self::GoesOn => format!("{again}: {KEPT}"),
            Self::Refused { why, hint } => {
                let hint = hint.as_deref().map_or_else(String::new, |hint| format!(" ({hint})"));
                format!("{again}, which is refused as long as {why}{hint}; then {KEPT}")
            }
        }
    }
}

fn list(all: &[(String, NameError)]) -> String {
    let all: Vec<String> = all.iter().map(|(_, why)| why.to_string()).collect();
    all.join("; ")
}

pub(super) fn names(all: &[Name]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

impl CourseError {
    /// The new names that are not in the certificate that was issued.
    pub fn left_out(&self) -> &[Name] {
        match self {
            Self::LeftOut { left_out, .. } | Self::StoredWithout { left_out, .. } => left_out,
            _ => &[],
        }
    }

    /// Whether the certificate is stored all the same.
    pub fn is_after_storing(&self) -> bool {
        matches!(
            self,
            Self::Restart { .. } | Self::NotRestarted(_) | Self::NotServed { .. } | Self::StoredWithout { .. }
        )
    }
}

impl Diagnose for CourseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Lease(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            Self::Limit { .. } => Some("wait until then, or order anyway with --ignore-rate-limits".to_owned()),
            Self::NoNames(key) => Some(format!(
                "`kubectl certs issue -n {} --secret {} -d HOST` orders one",
                key.namespace, key.name
            )),
            Self::TooManyNames { .. } => {
                Some("give some of the hosts a Secret of their own, or use a wildcard".to_owned())
            }
            Self::NotAName(_) => Some(super::prepare::NAMES.to_owned()),
            Self::Impossible(_) => Some("correct the host in the route".to_owned()),
            Self::Obtain(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Pair(error) => error.hint(),
            Self::Api(error) | Self::Write(error) => error.hint(),
            Self::Changed(_) => Some(format!("look at the Secret, then {AGAIN}")),
            Self::LeaseLost(_) => Some("wait for the end of that run, and look at the Secret".to_owned()),
            Self::Kept { error, next } => Some(next.hint(error.hint())),
            Self::File { hint, .. }
            | Self::Restart { hint, .. }
            | Self::NotServed { hint, .. }
            | Self::CertManager { hint, .. }
            | Self::NotOurs { hint, .. }
            | Self::StoredWithout { hint, .. }
            | Self::LeftOut { hint, .. } => hint.clone(),
            Self::Stopped => Some("fix the cause that the failures name, and run the command again".to_owned()),
            Self::Interrupted => Some("nothing is left behind; run the command again".to_owned()),
            Self::NotStored => Some(AGAIN.to_owned()),
            Self::NotRestarted(workload) => Some(format!("`kubectl rollout status {workload}` follows it")),
            Self::Key(_) => None,
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Kept { error, .. } => error.blame(),
            Self::StoredWithout { blame, .. } => *blame,
            Self::Interrupted | Self::NotStored | Self::NotRestarted(_) => Blame::Interrupted,
            Self::Lease(error) => error.blame(),
            Self::Obtain(error) => error.blame(),
            Self::Journal(error) => error.blame(),
            Self::Api(error) => error.blame(),
            Self::Limit { .. }
            | Self::Stopped
            | Self::LeftOut { .. }
            | Self::NotOurs { .. }
            | Self::CertManager { .. } => Blame::Acme,
            Self::NotAName(_) | Self::NoNames(_) | Self::TooManyNames { .. } | Self::Impossible(_) => Blame::Usage,
            Self::Refused(_)
            | Self::Key(_)
            | Self::Pair(_)
            | Self::Write(_)
            | Self::Changed(_)
            | Self::LeaseLost(_)
            | Self::File { .. }
            | Self::Restart { .. }
            | Self::NotServed { .. } => Blame::Write,
        }
    }
}
