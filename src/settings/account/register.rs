//! Registering an account. A key is dropped only when the status of its account is that of one that has ended; what a CA
//! says in words may mean something else.

use super::{AccountError, Agree, Agreement, Ready, find, made_ready, note, rollover::same, usable};
use crate::{
    acme::{AccountKey, Acme, AcmeError, Issuer, Registration, StoredAccount},
    clock::now,
    settings::{
        Chosen,
        store::{Change, Kept, Store, StoreError},
    },
    solve::dns01::config::Secrets,
};

/// What the CA says of the account that is kept.
enum Fate {
    Alive(Box<Ready>),
    /// Its status says that it has ended, and so has its key.
    Ended(Box<Kept>),
    /// The CA says in words that it has ended.
    CalledEnded(Box<Kept>, AcmeError),
    /// The CA does not know it, or does not say why it refuses it.
    Doubtful,
}

/// Whoever has just been asked, and has agreed.
struct Agreed<'a>(&'a dyn Agree);

impl Agree for Agreed<'_> {
    fn agree(&self, _: &Issuer, _: &str) -> bool {
        true
    }

    fn told(&self, text: &str) {
        self.0.told(text);
    }
}

/// Registers an account, or registers the stored key again if the CA does not know it (any more). A key that the CA does not take is put
/// aside, and `agree` is told where, unless the status of its account is that of one that has ended.
pub async fn register_again(
    acme: &Acme,
    chosen: &Chosen,
    store: &Store,
    secrets: &dyn Secrets,
    agree: &dyn Agree,
) -> Result<Ready, AccountError> {
    let kept = store.load(acme.directory_url()).await?;
    let Some(present) = kept.clone().filter(|kept| kept.account.url.is_some()) else {
        return register(acme, chosen, store, secrets, agree, kept).await;
    };
    match fate(acme, chosen, store, present.clone()).await? {
        Fate::Alive(ready) => return Ok(*ready),
        Fate::Ended(gone) => {
            forget(acme, store, &gone).await?;
            return register(acme, chosen, store, secrets, agree, None).await;
        }
        Fate::CalledEnded(gone, error) => {
            put_aside(acme, store, agree, &gone, &error).await?;
            return register(acme, chosen, store, secrets, agree, None).await;
        }
        Fate::Doubtful => {}
    }
    let kept = store.load(acme.directory_url()).await?;
    let bound = chosen.eab.is_some() || chosen.issuer.eab.is_some();
    let present = kept.clone().unwrap_or(present);
    match register(acme, chosen, store, secrets, agree, kept).await {
        // Where a binding was sent, that may be what is refused.
        Err(AccountError::Acme(error)) if refuses_key(&error) && !bound => {
            put_aside(acme, store, agree, &present, &error).await?;
            register(acme, chosen, store, secrets, &Agreed(agree), None).await
        }
        registered => registered,
    }
}

async fn fate(acme: &Acme, chosen: &Chosen, store: &Store, present: Kept) -> Result<Fate, AccountError> {
    let ready = match made_ready(acme, chosen, store, present.clone()).await {
        Ok(ready) => ready,
        Err(AccountError::Lost { .. }) => return Ok(Fate::Doubtful),
        Err(AccountError::Acme(error)) if error.ends_account() => {
            return Ok(Fate::CalledEnded(Box::new(present), error));
        }
        Err(error) => return Err(error),
    };
    match ready.client.account().await {
        Ok(account) if account.status.has_ended() => Ok(Fate::Ended(Box::new(ready.kept))),
        Ok(_) => Ok(Fate::Alive(Box::new(ready))),
        Err(error) if error.ends_account() => Ok(Fate::CalledEnded(Box::new(ready.kept), error)),
        Err(AcmeError::NoAccount { .. }) => Ok(Fate::Doubtful),
        Err(error) if refuses_key(&error) => Ok(Fate::Doubtful),
        Err(error) => Err(error.into()),
    }
}

/// Whether the CA's answer may mean that it does not take the key.
fn refuses_key(error: &AcmeError) -> bool {
    ["unauthorized", "accountDoesNotExist", "badPublicKey"]
        .iter()
        .any(|kind| error.is(kind))
}

/// Keeps the key of an account elsewhere, so that another one can take its place.
async fn put_aside(
    acme: &Acme,
    store: &Store,
    agree: &dyn Agree,
    present: &Kept,
    error: &AcmeError,
) -> Result<(), AccountError> {
    let account = present.account.url.as_deref().map(|url| format!("the account {url}"));
    let account = account.as_deref().unwrap_or("an account that was begun");
    let why = if error.ends_account() {
        "says that the account has ended, but shows no status that does"
    } else {
        "does not say that the account has ended"
    };
    for place in copy_aside(acme, store, present).await? {
        agree.told(&format!(
            "the CA does not take the key of {account} ({error}), and {why}: its key is kept in {place}"
        ));
    }
    forget(acme, store, present).await?;
    Ok(())
}

/// Keeps the keys of an account elsewhere as well, and returns where.
pub(super) async fn copy_aside(acme: &Acme, store: &Store, kept: &Kept) -> Result<Vec<String>, AccountError> {
    let pending = kept.pending.as_ref().map(|pending| &pending.key);
    let mut places = Vec::new();
    for pem in [Some(&kept.account.key), pending].into_iter().flatten() {
        let key = AccountKey::from_pem(pem)?;
        places.push(store.keep_aside(acme.directory_url(), &key).await?);
    }
    Ok(places)
}

/// Removes what is kept, if it is still this account with these keys, and returns what is kept now.
pub(super) async fn forget(acme: &Acme, store: &Store, gone: &Kept) -> Result<Option<Kept>, StoreError> {
    let same_pending = |kept: &Kept| match (&kept.pending, &gone.pending) {
        (Some(one), Some(other)) => same(&one.key, &other.key),
        (None, None) => true,
        _ => false,
    };
    let change = |present: Option<Kept>| match present {
        Some(kept)
            if kept.account.url.is_some() == gone.account.url.is_some()
                && same(&kept.account.key, &gone.account.key)
                && same_pending(&kept) =>
        {
            Change::Remove
        }
        _ => Change::Leave,
    };
    store.change(acme.directory_url(), &change).await
}

/// Registers the stored key, or a new one, which is stored first.
pub(super) async fn register(
    acme: &Acme,
    chosen: &Chosen,
    store: &Store,
    secrets: &dyn Secrets,
    agree: &dyn Agree,
    kept: Option<Kept>,
) -> Result<Ready, AccountError> {
    let issuer = &chosen.issuer;
    if let Some(kept) = kept {
        // A run that was killed may have registered it.
        match find(acme, chosen, store, kept.clone()).await {
            Err(AccountError::Ended { .. }) => {
                forget(acme, store, &kept).await?;
            }
            Err(AccountError::Acme(error)) if error.ends_account() => {
                put_aside(acme, store, agree, &kept, &error).await?;
            }
            // Some CAs want a binding, or agreement, even to say whether they know a key: registering it again asks the same.
            Err(AccountError::Lost { .. } | AccountError::Acme(AcmeError::Refused { .. })) => {}
            found => return found,
        }
    }
    let terms = acme.directory().meta.terms_of_service.clone();
    if let Some(url) = &terms
        && !chosen.agree_tos
        && !agree.agree(issuer, url)
    {
        return Err(AccountError::Terms {
            issuer: issuer.name.clone(),
            url: url.clone(),
        });
    }
    let eab = match &chosen.eab {
        Some(place) => Some(place.read(secrets).await.map_err(AccountError::Binding)?),
        None => issuer.eab.clone(),
    };
    if eab.is_none() && acme.directory().meta.external_account_required {
        let website = acme.directory().meta.website.clone();
        return Err(AcmeError::BindingRequired { website }.into());
    }
    let fresh = AccountKey::generate()?;
    let begun = Kept {
        account: StoredAccount {
            directory: acme.directory_url().to_owned(),
            url: None,
            key: fresh.pem().clone(),
            contact: issuer.contact.clone(),
            created: now(),
        },
        pending: None,
        terms: terms.clone(),
    };
    // If two runs do this at once, one of them stores its key, and both register that key: the CA returns the same
    // account to the second.
    let kept = store
        .change(acme.directory_url(), &|present| match present {
            Some(_) => Change::Leave,
            None => Change::Keep(Box::new(begun.clone())),
        })
        .await?
        .unwrap_or_else(|| begun.clone());
    let registration = Registration {
        contact: issuer.contact.clone(),
        agree_to_terms: true,
        eab,
    };
    let key = AccountKey::from_pem(&kept.account.key)?;
    let (client, account) = acme.register(&key, &registration).await?;
    usable(&account)?;
    let agreed = Agreement {
        contact: &registration.contact,
        terms: terms.as_deref(),
    };
    let kept = note(store, acme, &account, Some(&agreed)).await?.unwrap_or(kept);
    Ok(Ready {
        client,
        kept,
        registered: true,
    })
}

#[cfg(test)]
mod tests;
