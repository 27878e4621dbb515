//! Why no certificate was issued, and who is to blame for it.

use std::collections::BTreeMap;

use super::super::{authority::NotNow, authorize::Refused, journal::JournalError};
use crate::{
    acme::AcmeError,
    apply::key::KeyError,
    error::{Blame, Diagnose},
    name::Name,
    plan::limits::Exceeded,
};

/// The hint if nothing else is in the way.
pub(in super::super) const AGAIN: &str = "run the command again";

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum ObtainError {
    /// Names failed that must not be lost, or all names failed.
    #[error("{}", failed_words(.0))]
    Names(BTreeMap<Name, Refused>),
    /// The CA rejected the order.
    #[error("the CA failed the order: {0}")]
    Order(String),
    /// This process no longer leads. Another one may have the order by now.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The order would exceed a limit of the CA.
    #[error("{0}")]
    Limit(Exceeded),
    /// The ACME protocol failed.
    #[error(transparent)]
    Acme(#[from] AcmeError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key of the certificate failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The user pressed Ctrl-C while the CA was issuing the certificate. The order is kept.
    #[error("interrupted while the CA makes the certificate")]
    InterruptedLate,
}

fn failed_words(failed: &BTreeMap<Name, Refused>) -> String {
    let all: Vec<String> = failed.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    all.join("; ")
}

impl Diagnose for ObtainError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Names(failed) => {
                // Prefer the hint for a name without a route: it works whatever the cause of the other failures.
                let unrouted = failed.values().find(|why| matches!(why, Refused::Unrouted(_)));
                unrouted.into_iter().chain(failed.values()).find_map(Diagnose::hint)
            }
            Self::Acme(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Interrupted => Some("nothing is left behind; run the command again".to_owned()),
            Self::InterruptedLate => Some(AGAIN.to_owned()),
            Self::Order(_) | Self::NotNow(_) | Self::Limit(_) | Self::Key(_) => None,
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Interrupted | Self::InterruptedLate => Blame::Interrupted,
            Self::Journal(error) => error.blame(),
            error if error.is_of_cluster() => Blame::Cluster,
            _ => Blame::Acme,
        }
    }
}

impl ObtainError {
    /// Whether nothing has failed: all names that are in the way do not resolve yet, and nothing was ordered.
    pub fn is_waiting(&self) -> bool {
        match self {
            Self::Names(failed) => failed
                .values()
                .all(|why| matches!(why, Refused::Solve(error) if error.waiting)),
            _ => false,
        }
    }

    /// Whether another run has the order by now, so that this one is over.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Taken(_)) | Self::NotNow(_))
    }

    /// Whether the cause is the cluster, and not the CA or a challenge.
    pub fn is_of_cluster(&self) -> bool {
        match self {
            Self::Journal(error) => !matches!(error, JournalError::Taken(_)),
            Self::Names(failed) => failed
                .values()
                .all(|why| matches!(why, Refused::Solve(error) if error.cluster)),
            _ => false,
        }
    }
}
