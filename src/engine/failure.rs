//! Errors of the course of one certificate.

use super::{
    authority::NotNow,
    journal::JournalError,
    lease::LeaseError,
    obtain::{AGAIN, ObtainError},
};
use crate::{
    apply::{ApiError, kept::KeepError, key::KeyError, pair::PairError, secret::Refusal},
    error::{Blame, Diagnose},
    name::{Name, NameError},
    object::{Key, Seconds},
    plan::limits::Exceeded,
    text::date_time,
};

/// Why a certificate was not renewed, or not completely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Another run works on the Secret, or the cluster does not answer.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The Secret may not be written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The CA would refuse the order because of a rate limit.
    #[error("a rate limit of {issuer} would be exceeded, by this tool's estimate: {exceeded}")]
    Limit {
        /// The issuer.
        issuer: String,
        /// The limit that would be exceeded.
        exceeded: Exceeded,
    },
    /// The name is not a valid name of a Secret.
    #[error("{} is not the name of a Secret", super::prepare::quoted(.0))]
    NotAName(Key),
    /// There are no names to order a certificate for.
    #[error("no route gives Secret {0} a host, and it holds no certificate")]
    NoNames(Key),
    /// There are more names than the CA accepts.
    #[error("{count} names are more than the {most} that {profile} allows")]
    TooManyNames {
        /// The number of names.
        count: usize,
        /// The number of names that the CA accepts.
        most: usize,
        /// The profile in words: `profile shortlived of letsencrypt`, `letsencrypt`.
        profile: String,
    },
    /// No CA can certify these hosts.
    #[error("the route's host cannot be ordered: {}", list(.0))]
    Impossible(Vec<(String, NameError)>),
    /// No certificate was issued.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// The private key could not be generated or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal of the order could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The CA issued a certificate that is not fit to be stored.
    #[error("the new certificate is not stored: {0}")]
    Pair(#[from] PairError),
    /// A request to the cluster failed before anything was written.
    #[error(transparent)]
    Api(ApiError),
    /// Writing the Secret failed.
    #[error("the new certificate is not stored: {0}")]
    Write(ApiError),
    /// The Secret was changed by another program meanwhile.
    #[error("the new certificate is not stored: Secret {0} was changed by someone else since it was read")]
    Changed(Key),
    /// Another run has taken over the lease.
    #[error("the new certificate is not stored: another run has taken over Secret {0}")]
    LeaseLost(Key),
    /// The order of an earlier run led to a certificate that is not newer than the one that the Secret holds by now.
    #[error(
        "the new certificate is not stored: it is of {}, and Secret {secret} holds one of {}",
        date_time(*.not_before), date_time(*.present)
    )]
    Older {
        /// The Secret.
        secret: Key,
        /// The start of the validity of the certificate that is not stored, in seconds since 1970.
        not_before: Seconds,
        /// The same of the one that the Secret holds.
        present: Seconds,
    },
    /// Nothing was ordered: the Secret holds another certificate than the one for which its renewal was decided, and that
    /// one will do.
    #[error("Secret {secret} was renewed by another run meanwhile, until {}", date_time(*.until))]
    RenewedMeanwhile {
        /// The Secret.
        secret: Key,
        /// The end of the validity of the certificate that it holds, in seconds since 1970.
        until: Seconds,
    },
    /// Nothing was ordered: the Secret holds a certificate with more names than those for which its renewal was planned.
    #[error("nothing was ordered: Secret {secret} holds a certificate for {} too by now", list_of(.names))]
    MoreNames {
        /// The Secret.
        secret: Key,
        /// The names that would be lost.
        names: Vec<Name>,
    },
    /// This process no longer leads, so that it orders and writes nothing.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The pair of a customer's domain could not be read or written.
    #[error("{0}")]
    Row(String),
    /// The kept pair could not be written, which comes before the Secret.
    #[error("the new certificate is not stored: {0}")]
    Keep(#[from] KeepError),
    /// A panic, which ended the task of this certificate alone.
    #[error("a defect in this program: {0}")]
    Defect(String),
    /// Writing the file failed.
    #[error("the new certificate is not written: {message}")]
    File {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The certificate is stored, but a workload did not become ready after its restart.
    #[error("the new certificate is stored, but {message}")]
    Restart {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The certificate is stored, but a hook that is told of it failed.
    #[error("the new certificate is stored, but {message}")]
    Hook {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The certificate is stored, but not served.
    #[error("the new certificate is stored, but not served: {message}")]
    NotServed {
        /// What is served instead.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// cert-manager did not renew the certificate.
    #[error("cert-manager has not renewed it: {message}")]
    CertManager {
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The Secret was selected together with others, and another program renews it.
    #[error("{message}")]
    NotOurs {
        /// Who renews it.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The certificate is renewed, but without some new names.
    #[error("it is renewed without {}: {why}", list_of(.left_out))]
    LeftOut {
        /// The new names that failed.
        left_out: Vec<Name>,
        /// Why they failed.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The certificate is stored without some new names, and a step after the write failed.
    #[error("{message}")]
    StoredWithout {
        /// The new names that failed.
        left_out: Vec<Name>,
        /// What happened after the write, and why the names are missing.
        message: String,
        /// What to do.
        hint: Option<String>,
        /// What the failure after the write is put down to.
        blame: Blame,
    },
    /// Not started, because others failed in the same way before.
    #[error("others failed in the same way before it")]
    Stopped,
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The user pressed Ctrl-C before the new certificate could be written. The order is kept.
    #[error("interrupted before the new certificate was stored")]
    NotStored,
    /// An error after which the order is kept.
    #[error("{}", crate::error::chain(.error))]
    Kept {
        /// The error itself.
        error: Box<TargetError>,
        /// What the next run does with the order.
        next: Next,
    },
    /// The user pressed Ctrl-C after the certificate was stored and before the restarts ended.
    #[error("interrupted: the new certificate is stored, and {0} is not known to have come back")]
    NotRestarted(String),
}

/// What the same command would do with an order that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It would continue the order.
    GoesOn,
    /// It would be refused until the user does something else.
    Refused {
        /// Why it would be refused.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Next {
    /// The hint, preceded by the hint `first`.
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

pub(super) fn list_of(all: &[Name]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

impl TargetError {
    /// The new names that are missing from the issued certificate.
    pub fn left_out(&self) -> &[Name] {
        match self {
            Self::LeftOut { left_out, .. } | Self::StoredWithout { left_out, .. } => left_out,
            _ => &[],
        }
    }

    /// Whether nothing has failed: its names do not resolve yet, and nothing was ordered.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Obtain(error) if error.is_waiting())
    }

    /// Whether nothing has failed, and nothing is left to do: another run has renewed the certificate.
    pub fn is_done_elsewhere(&self) -> bool {
        matches!(self, Self::RenewedMeanwhile { .. })
    }

    /// Whether everything about the order is another run's by now.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::LeaseLost(_) | Self::Journal(JournalError::Taken(_)) | Self::NotNow(_) => true,
            Self::Obtain(error) => error.is_taken(),
            _ => false,
        }
    }

    /// Whether the certificate is stored in spite of the error.
    pub fn is_after_storing(&self) -> bool {
        matches!(
            self,
            Self::Restart { .. }
                | Self::NotRestarted(_)
                | Self::NotServed { .. }
                | Self::Hook { .. }
                | Self::StoredWithout { .. }
        )
    }
}

impl Diagnose for TargetError {
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
            Self::Older { .. } => Some(format!("{AGAIN}, which makes an order of its own")),
            Self::RenewedMeanwhile { secret, .. } => Some(format!(
                "`kubectl certs renew secret/{} -n {}` renews it all the same",
                secret.name, secret.namespace
            )),
            Self::MoreNames { .. } => Some(format!("{AGAIN}, which orders them too")),
            Self::Row(_) => Some("look at `domains.databaseUrl` in the settings, and at the database".to_owned()),
            Self::Keep(error) => error.hint(),
            Self::Defect(_) => Some("report it, with the line that says where it panicked".to_owned()),
            Self::LeaseLost(_) => Some("wait for the end of that run, and look at the Secret".to_owned()),
            Self::Kept { error, next } => Some(next.hint(error.hint())),
            Self::File { hint, .. }
            | Self::Restart { hint, .. }
            | Self::NotServed { hint, .. }
            | Self::Hook { hint, .. }
            | Self::CertManager { hint, .. }
            | Self::NotOurs { hint, .. }
            | Self::StoredWithout { hint, .. }
            | Self::LeftOut { hint, .. } => hint.clone(),
            Self::Stopped => Some("fix the cause that the failures name, and run the command again".to_owned()),
            Self::Interrupted => Some("nothing is left behind; run the command again".to_owned()),
            Self::NotStored => Some(AGAIN.to_owned()),
            Self::NotRestarted(workload) if workload.starts_with("replicationcontroller/") => {
                Some(format!("`kubectl describe {workload}` shows it"))
            }
            Self::NotRestarted(workload) => Some(format!("`kubectl rollout status {workload}` follows it")),
            Self::Key(_) | Self::NotNow(_) => None,
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
            Self::Row(_) => Blame::Cluster,
            Self::Keep(error) => error.blame(),
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
            | Self::Older { .. }
            | Self::RenewedMeanwhile { .. }
            | Self::MoreNames { .. }
            | Self::Defect(_)
            | Self::NotNow(_)
            | Self::File { .. }
            | Self::Restart { .. }
            | Self::Hook { .. }
            | Self::NotServed { .. } => Blame::Write,
        }
    }
}
