//! Makes a Secret a copy of another one, under its Lease: everything is judged again by what both are then.

use super::{
    authority::{Authority, NotNow},
    lease::{self, Lease, LeaseError, Taking},
};
use crate::{
    apply::{
        Api, ApiError, Pair, Permit, Permits, RunId, SecretChange, Verb,
        pair::{PairError, Roots},
        secret::{self, Options, Refusal, Target},
    },
    clock::now,
    error::{Blame, Diagnose},
    object::{
        Key, Seconds,
        annotation::{CLAIM, COPIED_FROM, COPY_TO},
        resource::SECRET,
    },
    plan::copy::{CopyHold, grants},
    x509::Fingerprint,
};

/// How often the decision is repeated because a Secret was changed meanwhile.
const TRIES: usize = 3;

/// Why a copy is not made. The messages fit "the copy is not made: ...".
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A rule forbids it.
    #[error(transparent)]
    Held(#[from] CopyHold),
    /// It is being deleted.
    #[error("it is being deleted")]
    Ending,
    /// The pair of the source is not fit to be stored.
    #[error("the pair of Secret {source_key} is not fit to be stored: {error}")]
    Pair {
        /// The source.
        source_key: Key,
        /// Why.
        error: PairError,
    },
    /// It may not be written.
    #[error(transparent)]
    Refused(Box<Refusal>),
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

impl From<Refusal> for CopyError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Diagnose for CopyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Pair { error, .. } => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            Self::Lease(error) => error.hint(),
            Self::Api(error) => error.hint(),
            Self::Held(_) | Self::Ending | Self::LeaseLost | Self::NotNow(_) => None,
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Lease(error) => error.blame(),
            Self::Api(error) => error.blame(),
            _ => Blame::Write,
        }
    }
}

impl CopyError {
    /// Whether it is tried again at once, because somebody else was at work.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Lease(_) | Self::LeaseLost | Self::NotNow(_) | Self::Ending)
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The SHA-256 of the leaf.
    pub sha256: Fingerprint,
    /// The end of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// Whether the Secret was made.
    pub created: bool,
}

/// What is copied where, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The Secret that is a copy.
    pub secret: Key,
    /// The one that is copied.
    pub source: Key,
    /// The id of the installation.
    pub claim: String,
}

/// The rights for a copy.
pub fn permits(copy: &Copy) -> Permits {
    let mut permits = lease::permits(&copy.secret);
    permits.extend(secret::permits(&copy.secret, true));
    permits.extend(secret::permits(&copy.secret, false));
    let source = &copy.source;
    permits.extend(Permits::none().with(Permit::one(
        &[Verb::Get],
        SECRET,
        source.namespace.clone(),
        source.name.clone(),
    )));
    permits
}

/// Judges the copy by both Secrets, and returns the pair to write; `None` if it is there.
fn decide(
    copy: &Copy,
    source: &Target,
    target: &Target,
    options: &Options,
    now: Seconds,
) -> Result<Option<Pair>, CopyError> {
    if !source.exists() {
        return Err(CopyHold::NoSource(copy.source.clone()).into());
    }
    if source.annotation(COPIED_FROM).is_some() {
        return Err(CopyHold::OfCopy(copy.source.clone()).into());
    }
    if !grants(source.annotation(COPY_TO), &copy.secret.namespace) {
        return Err(CopyHold::NotGranted {
            source_key: copy.source.clone(),
            namespace: copy.secret.namespace.to_string(),
        }
        .into());
    }
    if target.is_ending() {
        return Err(CopyError::Ending);
    }
    if target.exists() && target.annotation(CLAIM) != Some(copy.claim.as_str()) {
        return Err(CopyHold::NotOurs.into());
    }
    let unusable = || CopyError::from(CopyHold::Unusable(copy.source.clone()));
    let key = source.private_key(&options.slots).ok_or_else(unusable)?;
    let chain = source.chain(&options.slots).ok_or_else(unusable)?;
    let pair = Pair::check(key, chain, &[], now, &Roots::Any).map_err(|error| CopyError::Pair {
        source_key: copy.source.clone(),
        error,
    })?;
    let is_same = target.sha256(&options.slots) == Some(pair.sha256());
    let is_noted = target.annotation(COPIED_FROM) == Some(copy.source.to_string().as_str());
    let is_whole = target
        .held(&options.slots)
        .is_some_and(|held| matches!(held.bundle.key, crate::x509::KeyState::Matches));
    Ok((!(is_same && is_noted && is_whole)).then_some(pair))
}

/// Makes the Secret a copy, or makes it current. `None` if it was.
///
/// # Errors
///
/// Why it was not.
pub async fn copy(
    api: &Api,
    copy: &Copy,
    options: &Options,
    authority: &Authority,
) -> Result<Option<Copied>, CopyError> {
    let run = RunId::random();
    let permitted = authority.permit()?;
    let taking = Taking {
        leading: permitted.leading(),
        ..Taking::default()
    };
    let lease = Lease::take_with(api, &copy.secret, &run, &taking).await?;
    let copied = under_lease(api, copy, options, authority, &lease).await;
    if let Err(error) = lease.release().await {
        log::debug!("the lease of Secret {} ends by itself: {error}", copy.secret);
    }
    copied
}

async fn under_lease(
    api: &Api,
    copy: &Copy,
    options: &Options,
    authority: &Authority,
    lease: &Lease,
) -> Result<Option<Copied>, CopyError> {
    let mut tries = 0;
    loop {
        let source = Target::read(api, &copy.source).await?;
        let target = Target::read(api, &copy.secret).await?;
        let Some(pair) = decide(copy, &source, &target, options, now())? else {
            return Ok(None);
        };
        let change = SecretChange::copy(&target, &pair, options, &copy.source, &copy.claim)?;
        if lease.is_lost() {
            return Err(CopyError::LeaseLost);
        }
        let _permitted = authority.permit()?;
        match change.write(api).await {
            Err(ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } | ApiError::NotFound { .. })
                if tries < TRIES =>
            {
                tries += 1;
            }
            written => {
                return Ok(written.map(|()| {
                    Some(Copied {
                        sha256: pair.sha256(),
                        not_after: pair.leaf().not_after,
                        created: change.creates(),
                    })
                })?);
            }
        }
    }
}
