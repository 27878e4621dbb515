//! Checks of the CA and the account.

use super::{Preflight, in_time};
use crate::{
    acme::{AccountKey, AccountStatus, Acme, AcmeError},
    engine::ledger::Ledger,
    plan::preflight::{Check, Topic},
    settings::{
        account::AccountError,
        store::{Kept, StoreError},
    },
};

impl Preflight<'_> {
    /// The account that is stored. The CA is not asked.
    pub(super) async fn kept(&self) -> Result<Option<Kept>, StoreError> {
        self.store.load(&self.settings.chosen.issuer.directory_url).await
    }

    /// The ledger of the account; empty without an account.
    pub(super) async fn ledger(&self, account: Option<&str>) -> Ledger {
        Ledger::of_account(self.store, account, self.settings.chosen.limits, crate::clock::now()).await
    }

    /// Checks the CA, its profile, and the account.
    pub(super) async fn ca(&self, kept: &Result<Option<Kept>, StoreError>) -> Vec<Check> {
        let issuer = &self.settings.chosen.issuer;
        let acme = match self.acme {
            Ok(acme) => acme,
            Err(error) => return vec![Check::because(Topic::Ca, error)],
        };
        let mut checks = vec![Check::ok(Topic::Ca, format!("{} answers", issuer.directory_url))];
        let profiles = &acme.directory().meta.profiles;
        if let Some(profile) = issuer
            .profile
            .as_ref()
            .filter(|profile| !profiles.contains_key(*profile))
        {
            checks.push(Check::because(
                Topic::Ca,
                &AcmeError::UnknownProfile {
                    profile: profile.clone(),
                    known: profiles.keys().cloned().collect(),
                },
            ));
        }
        checks.extend(match kept {
            Err(error) => vec![Check::because(Topic::Account, error)],
            Ok(Some(kept)) if kept.account.url.is_some() => vec![self.account(acme, kept).await],
            Ok(_) => self.new_account(acme).await,
        });
        checks
    }

    /// Checks whether the CA still knows the account.
    async fn account(&self, acme: &Acme, kept: &Kept) -> Check {
        let url = kept.account.url.clone().unwrap_or_default();
        let key = match AccountKey::from_pem(&kept.account.key) {
            Ok(key) => key,
            Err(error) => return Check::because(Topic::Account, &error),
        };
        let client = acme.client(key, url.clone());
        match in_time("the CA", Topic::Account, client.account()).await {
            Err(late) => late,
            Ok(Ok(account)) if account.status == AccountStatus::Valid => {
                Check::ok(Topic::Account, format!("{url} is valid"))
            }
            Ok(Ok(_)) => Check::because(Topic::Account, &AccountError::Ended { url }),
            Ok(Err(error)) if error.is("accountDoesNotExist") => Check::because(
                Topic::Account,
                &AccountError::Lost {
                    issuer: self.settings.chosen.issuer.name.clone(),
                    place: self.store.place(acme.directory_url()),
                },
            ),
            Ok(Err(error)) => Check::because(Topic::Account, &error),
        }
    }

    /// Checks what a new account needs.
    async fn new_account(&self, acme: &Acme) -> Vec<Check> {
        let (chosen, meta) = (&self.settings.chosen, &acme.directory().meta);
        let mut checks = Vec::new();
        match &chosen.eab {
            Some(eab) => {
                match in_time("where the key is kept", Topic::Account, eab.read(self.secrets.as_ref())).await {
                    Err(late) => checks.push(late),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => checks.push(Check::because(Topic::Account, &AccountError::Binding(error))),
                }
            }
            None if meta.external_account_required => checks.push(Check::because(
                Topic::Account,
                &AcmeError::BindingRequired {
                    website: meta.website.clone(),
                },
            )),
            None => {}
        }
        match &meta.terms_of_service {
            Some(url) if !chosen.agree_tos => checks.push(
                Check::warning(
                    Topic::Account,
                    format!("there is none yet, and the terms of service have not been agreed to: {url}"),
                )
                .hint(Some("read them, and agree with --agree-tos")),
            ),
            _ if checks.is_empty() => checks.push(Check::ok(
                Topic::Account,
                "there is none yet: the first order creates one",
            )),
            _ => {}
        }
        checks
    }
}
