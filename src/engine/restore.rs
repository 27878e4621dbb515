//! Puts the kept pair of a Secret back where the Secret is absent or unusable, so that nothing is ordered for it.

use super::lease::{self, Lease, LeaseError};
use crate::{
    apply::{
        Api, ApiError, Pair, Permits, RunId, SecretChange,
        kept::{KeepError, Keeping, Kept},
        pair::PairError,
        secret::{self, Options, Refusal, Target},
    },
    check,
    clock::now,
    error::{Blame, Diagnose},
    object::{Key, Seconds},
    text::date_time,
    x509::{Fingerprint, KeyState},
};

/// How often the decision is repeated because the Secret was changed meanwhile.
const TRIES: usize = 3;

/// Why the kept pair is not put back. The messages fit "cannot restore Secret NAMESPACE/NAME: ...".
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No pair of it is kept, or none that can be read.
    #[error("no pair of it is kept")]
    Nothing,
    /// It holds the pair that is kept, or the one before.
    #[error("it holds its own pair")]
    Whole,
    /// It holds a usable pair that this program did not store: that is someone's own.
    #[error("it holds a good pair of someone else's, valid until {}", date_time(*.until))]
    Others {
        /// The end of its validity, in seconds since 1970.
        until: Seconds,
    },
    /// It may not be written.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// It is being deleted.
    #[error("it is being deleted")]
    Ending,
    /// Another install keeps its pairs, or the kept pair cannot be read.
    #[error(transparent)]
    Kept(#[from] KeepError),
    /// This program has revoked the kept certificate.
    #[error("the kept certificate was revoked ({0})")]
    Revoked(String),
    /// The kept certificate has to be renewed.
    #[error("the kept certificate has been due since {}", date_time(*.since))]
    Due {
        /// Since when, in seconds since 1970.
        since: Seconds,
    },
    /// The kept pair is not fit to be stored.
    #[error("the kept pair is not fit to be stored: {0}")]
    Pair(#[from] PairError),
    /// Another run works on the Secret.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Another run has taken over the Lease.
    #[error("another run has taken it over")]
    LeaseLost,
    /// A request to the cluster failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<Refusal> for RestoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Diagnose for RestoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing | Self::Revoked(_) | Self::Due { .. } | Self::Pair(_) => {
                Some("renew issues a new certificate".to_owned())
            }
            Self::Others { .. } => Some("nothing replaces it: remove it, or leave it to its owner".to_owned()),
            Self::Refused(refusal) => refusal.hint(),
            Self::Kept(error) => error.hint(),
            Self::Lease(error) => error.hint(),
            Self::Api(error) => error.hint(),
            Self::Whole | Self::Ending | Self::LeaseLost => None,
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Kept(error) => error.blame(),
            Self::Lease(error) => error.blame(),
            Self::Api(error) => error.blame(),
            _ => Blame::Write,
        }
    }
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The SHA-256 of the leaf.
    pub sha256: Fingerprint,
    /// The end of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// Whether the Secret was created.
    pub created: bool,
}

/// Decides whether the kept pair is put back, and returns it judged anew.
///
/// # Errors
///
/// Why it is not: the Secret holds a usable pair, may not be written or is being deleted; the kept pair is another
/// install's, was revoked, has to be renewed or is not fit to be stored.
pub fn decide(
    target: &Target,
    kept: &Kept,
    keeping: &Keeping,
    options: &Options,
    now: Seconds,
) -> Result<Pair, RestoreError> {
    if kept.claim != keeping.claim {
        return Err(RestoreError::Kept(KeepError::Claimed {
            secret: target.key().clone(),
            claim: kept.claim.clone(),
            at: keeping.key(target.key()),
        }));
    }
    if target.is_ending() {
        return Err(RestoreError::Ending);
    }
    let parsed = target.held(&options.slots);
    if let Some(parsed) = &parsed
        && let Some(leaf) = parsed.bundle.leaf()
        && !is_spoilt(&parsed.bundle.key)
    {
        let ours = [Some(&kept.present), kept.former.as_ref()];
        return Err(if ours.into_iter().flatten().any(|pair| pair.sha256 == leaf.sha256) {
            RestoreError::Whole
        } else {
            RestoreError::Others { until: leaf.not_after }
        });
    }
    secret::may_be_written(target, options)?;
    let revoked = kept
        .revoked(&kept.present)
        .or_else(|| target.revoked(kept.present.sha256));
    if let Some(reason) = revoked {
        return Err(RestoreError::Revoked(reason.to_owned()));
    }
    let pair = kept.present.pair(now)?;
    let since = check::due_by_lifetime(pair.leaf().not_before, pair.leaf().not_after);
    if since <= now {
        return Err(RestoreError::Due { since });
    }
    Ok(pair)
}

/// Whether a key in this state makes its certificate unusable for any server. A key that is encrypted, or that belongs to
/// a certificate which is not the first, is someone's way of doing it.
fn is_spoilt(key: &KeyState) -> bool {
    matches!(key, KeyState::Missing | KeyState::Differs | KeyState::Invalid(_))
}

/// The rights for putting the kept pair of a Secret back.
pub fn permits(secret: &Key, keeping: &Keeping) -> Permits {
    let mut permits = lease::permits(secret);
    permits.extend(secret::permits(secret, true));
    permits.extend(secret::permits(secret, false));
    permits.extend(keeping.permits_to_read(secret));
    permits
}

/// Puts the kept pair of a Secret back under its Lease, if [`decide`] allows it. Nothing of the Secret is kept before:
/// there is no usable pair in it.
///
/// # Errors
///
/// Those of [`decide`]; another run works on the Secret; the cluster refuses a request.
pub async fn restore(
    api: &Api,
    secret: &Key,
    keeping: &Keeping,
    options: &Options,
    run: &RunId,
) -> Result<Restored, RestoreError> {
    let lease = Lease::take(api, secret, run).await?;
    let restored = under_lease(api, secret, keeping, options, &lease).await;
    if let Err(error) = lease.release().await {
        log::debug!("the lease of Secret {secret} ends by itself: {error}");
    }
    restored
}

async fn under_lease(
    api: &Api,
    secret: &Key,
    keeping: &Keeping,
    options: &Options,
    lease: &Lease,
) -> Result<Restored, RestoreError> {
    let mut tries = 0;
    loop {
        let kept = Kept::read(api, keeping, secret).await?.ok_or(RestoreError::Nothing)?;
        let options = Options {
            slots: kept.slots.clone(),
            ..options.clone()
        };
        let target = Target::read(api, secret).await?;
        let pair = decide(&target, &kept, keeping, &options, now())?;
        let change = SecretChange::put_back(&target, &kept.present, &pair, &options, None)?;
        if lease.is_lost() {
            return Err(RestoreError::LeaseLost);
        }
        match change.write(api).await {
            Err(ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } | ApiError::NotFound { .. })
                if tries < TRIES =>
            {
                tries += 1;
            }
            written => {
                return Ok(written.map(|()| Restored {
                    sha256: pair.sha256(),
                    not_after: pair.leaf().not_after,
                    created: change.creates(),
                })?);
            }
        }
    }
}

#[cfg(test)]
mod tests;
