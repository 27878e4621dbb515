//! Giving an account another key. Both keys are kept until the CA has said which of them counts.

use secrecy::{ExposeSecret as _, SecretString};

use super::{AccountError, Ready, client, existing, lost, note, register::copy_aside};
use crate::{
    acme::{AccountKey, Acme, Client},
    clock::now,
    object::Seconds,
    settings::{
        Chosen,
        store::{Change, Kept, PendingKey, Store, StoreError},
    },
};

/// The age in seconds from which on a new key that was stored is no longer being sent to the CA.
const STALE: Seconds = 600;

/// The account that is kept, without a request; or which key it has, if the outcome of a rollover is not known.
pub(super) async fn made_ready(acme: &Acme, chosen: &Chosen, store: &Store, kept: Kept) -> Result<Ready, AccountError> {
    let Some(PendingKey { key: pending, since }) = kept.pending.clone() else {
        return Ok(Ready {
            client: client(acme, store, &kept)?,
            kept,
            registered: false,
        });
    };
    for (pem, replaced) in [(&pending, true), (&kept.account.key, false)] {
        let key = AccountKey::from_pem(pem)?;
        if let Some((client, account)) = acme.find_account(&key).await? {
            // A CA that has moved has it elsewhere.
            if kept.account.url.as_ref() != Some(&account.url) {
                note(store, acme, &account, None).await?;
            }
            // A key that was just generated may be on its way to the CA in another run, so it stays.
            let stale = now() > since + STALE;
            let ended = if replaced {
                rolled_over(store, acme, &client, &kept).await?
            } else if stale {
                not_rolled_over(store, acme, &pending).await?
            } else {
                None
            };
            let kept = ended.unwrap_or_else(|| kept.clone());
            return Ok(Ready {
                client,
                kept,
                registered: false,
            });
        }
    }
    Err(lost(acme, chosen, store))
}

/// Stores that the CA has taken the key of this client for the account that was kept `before`, and returns what is kept
/// now. What another run has made of the account since then stays.
pub(super) async fn rolled_over(
    store: &Store,
    acme: &Acme,
    client: &Client,
    before: &Kept,
) -> Result<Option<Kept>, AccountError> {
    // A CA that makes accounts although it is asked only for those that there are may have made one just now.
    if before.account.url.as_deref() != Some(client.account_url()) {
        copy_aside(acme, store, before).await?;
    }
    let (new, old) = (client.key().pem(), &before.account.key);
    let change = |present: Option<Kept>| match present {
        Some(mut kept) if same(&kept.account.key, old) || same(&kept.account.key, new) => {
            kept.account.key = new.clone();
            kept.account.url = Some(client.account_url().to_owned());
            kept.pending = kept.pending.filter(|pending| !same(&pending.key, new));
            Change::Keep(Box::new(kept))
        }
        _ => Change::Leave,
    };
    Ok(store.change(acme.directory_url(), &change).await?)
}

/// Stores that the CA has not taken this new key, and returns what is kept now. What another run has made of the account
/// since then stays.
async fn not_rolled_over(store: &Store, acme: &Acme, sent: &SecretString) -> Result<Option<Kept>, StoreError> {
    let change = |present: Option<Kept>| match present {
        Some(mut kept) if kept.pending.as_ref().is_some_and(|pending| same(&pending.key, sent)) => {
            kept.pending = None;
            Change::Keep(Box::new(kept))
        }
        _ => Change::Leave,
    };
    store.change(acme.directory_url(), &change).await
}

/// Whether two stored keys are the same: a stored key is never written in another form.
pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// Gives the account a new key. The new key is stored beside the old one until it is known which of them is valid.
pub async fn rollover(acme: &Acme, chosen: &Chosen, store: &Store) -> Result<Ready, AccountError> {
    let ready = existing(acme, chosen, store).await?;
    // The account may be elsewhere by now. A CA that does not show it may change its key nevertheless.
    let _ = ready.client.account().await;
    let new = AccountKey::generate()?;
    let add_key = |present: Option<Kept>| match present {
        Some(mut kept) if kept.pending.is_none() => {
            kept.pending = Some(PendingKey {
                key: new.pem().clone(),
                since: now(),
            });
            Change::Keep(Box::new(kept))
        }
        _ => Change::Leave,
    };
    let begun = store
        .change(acme.directory_url(), &add_key)
        .await?
        .unwrap_or(ready.kept);
    // Another run may have begun a rollover meanwhile; then its key is the new one.
    let new = match &begun.pending {
        Some(pending) => AccountKey::from_pem(&pending.key)?,
        None => new,
    };
    match ready.client.rollover(&new).await {
        Ok(client) => Ok(Ready {
            kept: rolled_over(store, acme, &client, &begun).await?.unwrap_or(begun),
            client,
            registered: false,
        }),
        Err(failed) => {
            // Otherwise both keys stay, and the next run asks the CA which of them it knows.
            if failed.unchanged {
                not_rolled_over(store, acme, new.pem()).await?;
            }
            Err(failed.error.into())
        }
    }
}

#[cfg(test)]
mod tests;
