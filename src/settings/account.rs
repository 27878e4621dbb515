//! The account at a CA: loaded from where it is kept, registered if there is none, given another key, deactivated.
//!
//! A key is stored before the CA learns of it. If a run is killed at any time, the next one continues with that key.

pub mod import;
mod register;
mod rollover;
#[cfg(test)]
mod scene;

use futures_util::future::BoxFuture;

pub use register::register_again;
use register::{copy_aside, forget, register};
use rollover::made_ready;
pub use rollover::rollover;

use super::{
    Chosen,
    store::{Change, Kept, Store, StoreError},
};
use crate::{
    acme::{Account, AccountKey, Acme, AcmeError, Client, Issuer, Moved},
    error::{Blame, Diagnose},
    solve::{SolveError, dns01::config::Secrets},
};

/// Why there is no account, or why it could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The CA refused, or could not be reached.
    #[error(transparent)]
    Acme(#[from] AcmeError),
    /// The account could not be read or stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the external account binding could not be read.
    #[error("the key of the external account binding cannot be found: {0}")]
    Binding(SolveError),
    /// The user has not agreed to the terms of service.
    #[error("the terms of service of {issuer} have not been agreed to: {url}")]
    Terms {
        /// The issuer.
        issuer: String,
        /// The URL of the terms.
        url: String,
    },
    /// There is no account.
    #[error("there is no account with {issuer} in {place}")]
    None {
        /// The issuer.
        issuer: String,
        /// Where it would be stored.
        place: String,
    },
    /// The CA knows none of the stored keys.
    #[error("{issuer} knows no account of the key in {place}")]
    Lost {
        /// The issuer.
        issuer: String,
        /// Where the key is stored.
        place: String,
    },
    /// The CA knows no account of a key that another client has.
    #[error("{issuer} knows no account of this key")]
    Unknown {
        /// The issuer.
        issuer: String,
    },
    /// There is an account already where another is to be kept.
    #[error("there is an account with {issuer} already in {place}")]
    Present {
        /// The issuer.
        issuer: String,
        /// Where it is.
        place: String,
    },
    /// The account has been deactivated.
    #[error("the account {url} has ended")]
    Ended {
        /// Its URL.
        url: String,
    },
}

impl Diagnose for AccountError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Acme(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Binding(error) => error.hint.clone(),
            Self::Terms { .. } => Some("read them, and agree with --agree-tos".to_owned()),
            Self::None { .. } => Some("`kubectl certs account register` creates one".to_owned()),
            Self::Lost { .. } => Some("`kubectl certs account register` registers the key again".to_owned()),
            Self::Unknown { .. } => Some(
                "name the CA with which the key is registered: Let's Encrypt's staging and production, for example, have separate accounts"
                    .to_owned(),
            ),
            Self::Present { .. } => Some(
                "--account-secret NAMESPACE/NAME keeps it elsewhere; `kubectl certs account deactivate` ends the one that is there"
                    .to_owned(),
            ),
            Self::Ended { .. } => Some("`kubectl certs account register` creates a new one".to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Store(error) => error.blame(),
            Self::Binding(error) if error.cluster => Blame::Cluster,
            Self::Acme(_) | Self::Lost { .. } | Self::Unknown { .. } | Self::Ended { .. } => Blame::Acme,
            Self::Binding(_) | Self::Terms { .. } | Self::None { .. } | Self::Present { .. } => Blame::Usage,
        }
    }
}

/// Asks whether the user agrees to terms of service.
pub trait Agree: Send + Sync {
    /// Shows the URL of the terms, and returns whether the user agrees. Called once for each account.
    fn agree(&self, issuer: &Issuer, terms: &str) -> bool;

    /// Says what becomes of a key.
    fn told(&self, _: &str) {}
}

/// Agrees to nothing, for runs without a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Agree for Silent {
    fn agree(&self, _: &Issuer, _: &str) -> bool {
        false
    }
}

/// An account that is ready for use.
#[derive(Debug)]
pub struct Ready {
    /// The client for the account.
    pub client: Client,
    /// What is stored of the account.
    pub kept: Kept,
    /// Whether this run registered it, or found that the CA has it already.
    pub registered: bool,
}

/// The account at the chosen CA, registered if there is none. If a complete account is stored, no request is sent to
/// the CA.
pub async fn ensure(
    acme: &Acme,
    chosen: &Chosen,
    store: &Store,
    secrets: &dyn Secrets,
    agree: &dyn Agree,
) -> Result<Ready, AccountError> {
    let kept = store.load(acme.directory_url()).await?;
    match kept {
        Some(kept) if kept.account.url.is_some() => made_ready(acme, chosen, store, kept).await,
        kept => register(acme, chosen, store, secrets, agree, kept).await,
    }
}

/// The stored account. It is an error if there is none.
pub async fn existing(acme: &Acme, chosen: &Chosen, store: &Store) -> Result<Ready, AccountError> {
    match store.load(acme.directory_url()).await? {
        Some(kept) if kept.account.url.is_some() => made_ready(acme, chosen, store, kept).await,
        Some(kept) => find(acme, chosen, store, kept).await,
        None => Err(AccountError::None {
            issuer: chosen.issuer.name.clone(),
            place: store.place(acme.directory_url()),
        }),
    }
}

/// The account of the stored key, according to the CA.
async fn find(acme: &Acme, chosen: &Chosen, store: &Store, kept: Kept) -> Result<Ready, AccountError> {
    let key = AccountKey::from_pem(&kept.account.key)?;
    let Some((client, account)) = acme.find_account(&key).await? else {
        return Err(lost(acme, chosen, store));
    };
    usable(&account)?;
    let kept = note(store, acme, &account, None).await?.unwrap_or(kept);
    Ok(Ready {
        client,
        kept,
        registered: true,
    })
}

fn lost(acme: &Acme, chosen: &Chosen, store: &Store) -> AccountError {
    AccountError::Lost {
        issuer: chosen.issuer.name.clone(),
        place: store.place(acme.directory_url()),
    }
}

fn usable(account: &Account) -> Result<(), AccountError> {
    if account.status.has_ended() {
        return Err(AccountError::Ended {
            url: account.url.clone(),
        });
    }
    Ok(())
}

/// What an account has been registered with.
struct Agreement<'a> {
    contact: &'a [String],
    terms: Option<&'a str>,
}

/// Stores the URL of the account beside its key, and what it has been registered with, if it just was.
async fn note(
    store: &Store,
    acme: &Acme,
    account: &Account,
    agreed: Option<&Agreement<'_>>,
) -> Result<Option<Kept>, StoreError> {
    let change = |present: Option<Kept>| match present {
        Some(mut kept) => {
            kept.account.url = Some(account.url.clone());
            if let Some(agreed) = agreed {
                kept.account.contact = agreed.contact.to_vec();
            }
            if let Some(terms) = agreed.and_then(|agreed| agreed.terms) {
                kept.terms = Some(terms.to_owned());
            }
            Change::Keep(Box::new(kept))
        }
        None => Change::Leave,
    };
    store.change(acme.directory_url(), &change).await
}

fn client(acme: &Acme, store: &Store, kept: &Kept) -> Result<Client, AcmeError> {
    let key = AccountKey::from_pem(&kept.account.key)?;
    let url = kept.account.url.clone().unwrap_or_default();
    let keeping = Keeping {
        store: store.clone(),
        directory: acme.directory_url().to_owned(),
        before: url.clone(),
    };
    Ok(acme.client_of(key, url, Some(Box::new(keeping))))
}

/// Keeps where the CA has an account that it no longer knows by the URL that is kept.
struct Keeping {
    store: Store,
    directory: String,
    before: String,
}

impl Moved for Keeping {
    fn moved<'a>(&'a self, url: &'a str) -> BoxFuture<'a, ()> {
        let change = move |present: Option<Kept>| match present {
            Some(mut kept) if kept.account.url.as_ref() == Some(&self.before) => {
                kept.account.url = Some(url.to_owned());
                Change::Keep(Box::new(kept))
            }
            _ => Change::Leave,
        };
        Box::pin(async move {
            // If it cannot be kept, the next run finds it again.
            let _ = self.store.change(&self.directory, &change).await;
        })
    }
}

/// Changes the contacts at the CA to these `mailto:` URLs; an empty list removes them.
pub async fn update(
    acme: &Acme,
    chosen: &Chosen,
    store: &Store,
    contact: &[String],
) -> Result<(Ready, Account), AccountError> {
    let mut ready = existing(acme, chosen, store).await?;
    let account = ready.client.update_contact(contact).await?;
    let change = |present: Option<Kept>| match present {
        Some(mut kept) => {
            kept.account.contact = contact.to_vec();
            Change::Keep(Box::new(kept))
        }
        None => Change::Leave,
    };
    if let Some(kept) = store.change(acme.directory_url(), &change).await? {
        ready.kept = kept;
    }
    Ok((ready, account))
}

/// An account that has been deactivated.
#[derive(Debug)]
pub struct Deactivated {
    /// The account.
    pub account: Account,
    /// Where its keys are still kept, because the CA shows no status by which the account has ended.
    pub aside: Vec<String>,
    /// Whether another run has stored another key meanwhile, which stays.
    pub replaced: bool,
}

/// Deactivates the account for good, and removes its key.
pub async fn deactivate(acme: &Acme, store: &Store, ready: &Ready) -> Result<Deactivated, AccountError> {
    let ended = ready.client.deactivate().await?;
    let aside = if ended.certain {
        Vec::new()
    } else {
        copy_aside(acme, store, &ready.kept).await?
    };
    let left = forget(acme, store, &ready.kept).await?;
    Ok(Deactivated {
        account: ended.account,
        aside,
        replaced: left.is_some(),
    })
}

#[cfg(test)]
mod tests;
