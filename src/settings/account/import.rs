//! The account of another client, taken over: its key signs one rollover to a key of ours.

use super::{
    AccountError, Ready,
    rollover::{rolled_over, same},
    usable,
};
use crate::{
    acme::{Account, AccountKey, Acme, Client, StoredAccount},
    clock::now,
    settings::{
        Chosen,
        store::{Change, Kept, PendingKey, Store},
    },
};

/// The account that another client has.
#[derive(Debug)]
pub struct Foreign {
    client: Client,
    account: Account,
}

impl Foreign {
    /// Its URL.
    pub fn url(&self) -> &str {
        &self.account.url
    }
}

/// Finds the account of another client's key, if it can be kept here. Nothing is changed.
pub async fn find(acme: &Acme, chosen: &Chosen, store: &Store, key: &AccountKey) -> Result<Foreign, AccountError> {
    let Some((client, account)) = acme.find_account(key).await? else {
        return Err(AccountError::Unknown {
            issuer: chosen.issuer.name.clone(),
        });
    };
    usable(&account)?;
    let foreign = Foreign { client, account };
    match store.load(acme.directory_url()).await? {
        Some(kept) if !begun(&kept, &foreign) => Err(present(acme, chosen, store)),
        _ => Ok(foreign),
    }
}

/// Whether what is kept is this account with the other client's key: a run before this one was killed.
fn begun(kept: &Kept, foreign: &Foreign) -> bool {
    let same_key = || {
        let key = AccountKey::from_pem(&kept.account.key);
        key.is_ok_and(|key| key.thumbprint() == foreign.client.thumbprint())
    };
    kept.account.url.as_deref() == Some(foreign.url()) && same_key()
}

/// Whether this is still the new key whose fate is open.
fn sent(kept: &Kept, new: &AccountKey) -> bool {
    kept.pending
        .as_ref()
        .is_some_and(|pending| same(&pending.key, new.pem()))
}

fn present(acme: &Acme, chosen: &Chosen, store: &Store) -> AccountError {
    AccountError::Present {
        issuer: chosen.issuer.name.clone(),
        place: store.place(acme.directory_url()),
    }
}

/// Gives the account a new key, which the other client does not have. Both keys are kept until the CA has said which of them counts.
pub async fn take_over(acme: &Acme, chosen: &Chosen, store: &Store, foreign: &Foreign) -> Result<Ready, AccountError> {
    let directory = acme.directory_url();
    let fresh = AccountKey::generate()?;
    let account = StoredAccount {
        directory: directory.to_owned(),
        url: Some(foreign.url().to_owned()),
        key: foreign.client.key().pem().clone(),
        contact: foreign.account.contact.clone(),
        created: now(),
    };
    let was_empty = store.load(directory).await?.is_none();
    let keep = |present: Option<Kept>| {
        let mut kept = match present {
            None => Kept {
                account: account.clone(),
                pending: None,
                terms: None,
            },
            // The new key of the run before may have reached the CA.
            Some(kept) if begun(&kept, foreign) && kept.pending.is_none() => kept,
            Some(_) => return Change::Leave,
        };
        kept.pending = Some(PendingKey {
            key: fresh.pem().clone(),
            since: now(),
        });
        Change::Keep(Box::new(kept))
    };
    let kept = store.change(directory, &keep).await?;
    let kept = kept.filter(|kept| begun(kept, foreign));
    let Some((pending, kept)) = kept.and_then(|kept| Some((kept.pending.clone()?, kept))) else {
        return Err(present(acme, chosen, store));
    };
    let new = AccountKey::from_pem(&pending.key)?;
    match foreign.client.rollover(&new).await {
        Ok(client) => Ok(Ready {
            kept: rolled_over(store, acme, &client, &kept).await?.unwrap_or(kept),
            client,
            registered: false,
        }),
        Err(failed) => {
            // Otherwise both keys stay, and the next run asks the CA which of them it knows.
            if failed.unchanged {
                let undo = |present: Option<Kept>| match present {
                    Some(mut kept) if begun(&kept, foreign) && sent(&kept, &new) => {
                        kept.pending = None;
                        if was_empty {
                            Change::Remove
                        } else {
                            Change::Keep(Box::new(kept))
                        }
                    }
                    _ => Change::Leave,
                };
                store.change(directory, &undo).await?;
            }
            Err(failed.error.into())
        }
    }
}

#[cfg(test)]
mod tests;
