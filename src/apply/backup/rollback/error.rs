//! Why a replaced certificate and key are not restored.

use super::super::COMPROMISED;
use crate::{
    apply::{ApiError, owner::Owner},
    error::{Blame, Diagnose},
    object::{Key, Seconds},
};

/// Why a certificate and key are not restored. The messages fit "cannot roll back: ...".
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// There is no backup.
    #[error("no earlier pair of Secret {key} is kept")]
    None {
        /// The Secret.
        key: Key,
    },
    /// The Secret no longer exists.
    #[error("Secret {key} no longer exists")]
    Gone {
        /// The Secret.
        key: Key,
    },
    /// The certificate has been restored already.
    #[error("Secret {key} already holds the earlier pair ({sha256})")]
    Already {
        /// The Secret.
        key: Key,
        /// The SHA-256 of its leaf.
        sha256: String,
    },
    /// The Secret holds neither the earlier certificate nor the one that replaced it.
    #[error(
        "Secret {key} has been changed by someone else since: it holds neither the earlier pair nor the one that replaced it"
    )]
    Changed {
        /// The Secret.
        key: Key,
    },
    /// Someone else owns the Secret.
    #[error("Secret {key} is {owner}")]
    Owned {
        /// The Secret.
        key: Key,
        /// The owner.
        owner: Owner,
    },
    /// The earlier certificate has expired.
    #[error("the earlier certificate of Secret {key} expired on {}", crate::text::date(*.not_after))]
    Expired {
        /// The Secret.
        key: Key,
        /// When it expired, in seconds since 1970.
        not_after: Seconds,
    },
    /// This program has revoked the earlier certificate.
    #[error("the earlier certificate of Secret {key} was revoked ({reason})")]
    Revoked {
        /// The Secret.
        key: Key,
        /// The reason for the revocation.
        reason: String,
    },
    /// The earlier certificate is self-signed.
    #[error("the earlier certificate of Secret {key} is self-signed: clients refuse it")]
    SelfSigned {
        /// The Secret.
        key: Key,
    },
    /// The backup cannot be read.
    #[error("the pair kept for Secret {key} cannot be read")]
    Unreadable {
        /// The Secret.
        key: Key,
    },
    /// A request to the cluster failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl Diagnose for RollbackError {
    fn yields_to_force(&self) -> bool {
        match self {
            Self::Revoked { reason, .. } => reason != COMPROMISED,
            Self::Changed { .. } | Self::Expired { .. } | Self::SelfSigned { .. } | Self::Owned { .. } => true,
            Self::None { .. } | Self::Gone { .. } | Self::Already { .. } | Self::Unreadable { .. } | Self::Api(_) => {
                false
            }
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None { .. } => {
                "the pair that a renewal replaces is kept for at least 30 days; renew issues a new one".into()
            }
            Self::Gone { .. } => "issue makes a new one".into(),
            Self::Already { .. } => return None,
            Self::Revoked { reason, .. } if reason == COMPROMISED => {
                "others may know its key, so it cannot be put back; renew issues a new one".into()
            }
            Self::Changed { .. } | Self::Expired { .. } | Self::SelfSigned { .. } | Self::Revoked { .. } => {
                "--force puts it back anyway; renew issues a new one".into()
            }
            Self::Owned { owner, .. } => format!("{}; --force writes it anyway", owner.change),
            Self::Unreadable { .. } => "renew issues a new one".into(),
            Self::Api(error) => return error.hint(),
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Api(error) => error.blame(),
            _ => Blame::Usage,
        }
    }
}
