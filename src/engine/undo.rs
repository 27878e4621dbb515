//! Takes a pair out of a Secret again that was proved not to be served, and puts the former one back from the kept pair.

use super::{
    authority::{Authority, NotNow},
    lease::{self, Lease, LeaseError, Taking},
};
use crate::{
    apply::{
        Api, ApiError, Pair, Permits, RunId, SecretChange, backup,
        events::{self, Reason},
        kept::{self, KeepError, Keeping, Kept, KeptPair},
        pair::PairError,
        secret::{self, Options, Refusal, Target},
    },
    clock::now,
    error::{Blame, Diagnose},
    object::{Key, Seconds, annotation::ROLLED_BACK},
    plan::{
        target::names_of,
        wanted::{last_tenth, rollback_note},
    },
    text::date_time,
    x509::Fingerprint,
};

/// How often the decision is repeated because the Secret was changed meanwhile.
const TRIES: usize = 3;

/// The pair that goes, and the one that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    /// The SHA-256 of the leaf that is not served.
    pub refused: Fingerprint,
    /// The same of the one that was served before.
    pub former: Fingerprint,
}

/// Why the former pair is not put back. The messages fit "the former pair is not put back: ...".
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The Secret holds something else by now.
    #[error("the Secret holds another certificate by now")]
    Changed,
    /// It is not kept any more.
    #[error("it is not kept")]
    NotKept,
    /// This program has revoked it.
    #[error("it was revoked ({0})")]
    Revoked(String),
    /// Its last tenth has begun.
    #[error("less than a tenth of its life is left, which ends at {}", date_time(*.until))]
    Old {
        /// The end of its validity, in seconds since 1970.
        until: Seconds,
    },
    /// It may not be written.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// It is not fit to be stored.
    #[error("it is not fit to be stored: {0}")]
    Pair(#[from] PairError),
    /// Another install keeps the pairs, or they cannot be read or written.
    #[error(transparent)]
    Kept(#[from] KeepError),
    /// Another run works on the Secret.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Another run has taken over the Lease.
    #[error("another run has taken over the Secret")]
    LeaseLost,
    /// This process no longer leads.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// A request to the cluster failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<Refusal> for UndoError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl UndoError {
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Lease(_) | Self::LeaseLost | Self::NotNow(_) | Self::Api(_) | Self::Kept(KeepError::Api(_))
        )
    }
}

impl Diagnose for UndoError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Kept(error) => error.hint(),
            Self::Lease(error) => error.hint(),
            Self::Api(error) => error.hint(),
            _ => None,
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

/// The rights for it.
pub fn permits(secret: &Key, keeping: &Keeping) -> Permits {
    let mut permits = lease::permits(secret);
    permits.extend(secret::permits(secret, true));
    permits.extend(backup::permits(secret));
    permits.extend(keeping.permits(secret));
    permits.extend(events::permits(&secret.namespace));
    permits
}

/// Decides whether the former pair is put back, and returns it judged anew.
///
/// # Errors
///
/// Why it is not.
#[allow(clippy::result_large_err)] // Called once for each certificate.
fn decide(target: &Target, kept: &Kept, options: &Options, both: Both, now: Seconds) -> Result<Pair, UndoError> {
    if target.is_ending() || target.sha256(&options.slots) != Some(both.refused) {
        return Err(UndoError::Changed);
    }
    let former = former_of(kept, both).ok_or(UndoError::NotKept)?;
    if let Some(reason) = kept.revoked(former) {
        return Err(UndoError::Revoked(reason.to_owned()));
    }
    let pair = former.pair(now)?;
    let leaf = pair.leaf();
    if last_tenth(leaf.not_before, leaf.not_after) <= now {
        return Err(UndoError::Old { until: leaf.not_after });
    }
    secret::may_be_written(target, options)?;
    Ok(pair)
}

/// The pair that comes back. Once the kept pair is swapped, and the Secret not yet written, it is the present one.
fn former_of(kept: &Kept, both: Both) -> Option<&KeptPair> {
    let pairs = [Some(&kept.present), kept.former.as_ref()];
    pairs.into_iter().flatten().find(|pair| pair.sha256 == both.former)
}

/// Puts the former pair back under the Lease of the Secret, if the Secret still holds the refused one; a backup of that stays, so
/// that `rollback` puts it into service again. Returns the end of the validity of the former one, in seconds since 1970.
///
/// # Errors
///
/// Why it was not put back.
pub async fn undo(
    api: &Api,
    secret: &Key,
    keeping: &Keeping,
    options: &Options,
    both: Both,
    authority: &Authority,
) -> Result<Seconds, UndoError> {
    let run = RunId::random();
    let permitted = authority.permit()?;
    let taking = Taking {
        leading: permitted.leading(),
        ..Taking::default()
    };
    let lease = Lease::take_with(api, secret, &run, &taking).await?;
    let undone = under_lease(api, secret, keeping, options, both, (authority, &lease, &run)).await;
    if let Err(error) = lease.release().await {
        log::debug!("the lease of Secret {secret} ends by itself: {error}");
    }
    undone
}

async fn under_lease(
    api: &Api,
    secret: &Key,
    keeping: &Keeping,
    options: &Options,
    both: Both,
    (authority, lease, run): (&Authority, &Lease, &RunId),
) -> Result<Seconds, UndoError> {
    let mut tries = 0;
    loop {
        let kept = Kept::read(api, keeping, secret).await?.ok_or(UndoError::NotKept)?;
        let options = Options {
            slots: kept.slots.clone(),
            ..options.clone()
        };
        let target = Target::read(api, secret).await?;
        let pair = decide(&target, &kept, &options, both, now())?;
        let held = target.held(&options.slots);
        let names = held
            .as_ref()
            .and_then(|held| held.bundle.leaf())
            .map(|leaf| names_of(leaf));
        let why = rollback_note(both.former, both.refused, &names.unwrap_or_default(), now());
        let former = former_of(&kept, both).ok_or(UndoError::NotKept)?;
        let change = SecretChange::put_back(&target, former, &pair, &options, Some((ROLLED_BACK, why.clone())))?;
        if lease.is_lost() {
            return Err(UndoError::LeaseLost);
        }
        let _permitted = authority.permit()?;
        kept::swap(api, keeping, secret, both.refused, (ROLLED_BACK, &why), run, now()).await?;
        backup::keep(api, &target, &change, run, now()).await?;
        let _permitted = authority.permit()?;
        match change.write(api).await {
            Err(ApiError::Conflict { .. }) if tries < TRIES => tries += 1,
            written => return Ok(written.map(|()| pair.leaf().not_after)?),
        }
    }
}

/// Records on the Secret that its former pair was put back, and why.
pub async fn record(api: &Api, secret: &Key, message: &str) {
    super::aftermath::record_on_secret(api, secret, Reason::RolledBack, message).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        apply::{kept::tests::kept_of, secret::Slots},
        x509::testing::{Authority as Root, Issued},
    };

    const DAY: i64 = 86_400;
    const NOW: Seconds = 1_800_000_000;

    /// A leaf for 90 days, from `age` days before now.
    fn aged(root: &Root, age: i64) -> Issued {
        root.leaf_with("a.example", |params| {
            let day = |days: i64| {
                rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs((days * DAY).unsigned_abs())
            };
            let today = NOW / DAY;
            (params.not_before, params.not_after) = (day(today - age), day(today - age + 90));
        })
    }

    fn holding(leaf: &Issued) -> Target {
        let object = json!({
            "type": "kubernetes.io/tls", "metadata": {"uid": "u", "resourceVersion": "1"},
            "stringData": {"tls.crt": leaf.pem(), "tls.key": leaf.key_pem()},
        });
        Target::of(Key::new("shop", "shop-tls"), Some(object))
    }

    #[test]
    fn the_former_pair_comes_back_only_in_the_place_of_the_refused_one_and_with_more_than_a_tenth_of_its_life() {
        let root = Root::root("Root");
        let new = aged(&root, 0);
        let judge = |former: &Issued, target: &Target| {
            let kept = kept_of(&new, former, "install-1", None);
            let both = Both {
                refused: Fingerprint::of(&new.der),
                former: Fingerprint::of(&former.der),
            };
            let options = Options {
                slots: Slots::default(),
                ..Options::default()
            };
            decide(target, &kept, &options, both, NOW).map(|pair| pair.sha256() == both.former)
        };
        let at_two_thirds = aged(&root, 60);
        assert!(judge(&at_two_thirds, &holding(&new)).unwrap());
        let late = aged(&root, 82);
        assert!(matches!(judge(&late, &holding(&new)), Err(UndoError::Old { .. })));
        // Somebody has changed the Secret meanwhile, or it is gone.
        for other in [holding(&at_two_thirds), Target::of(Key::new("shop", "shop-tls"), None)] {
            assert!(matches!(judge(&at_two_thirds, &other), Err(UndoError::Changed)));
        }
    }
}
