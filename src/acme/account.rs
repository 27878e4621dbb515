//! Accounts (RFC 8555, section 7.3) and their keys.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    client::{Acme, Client},
    engine::Ask,
    error::{AcmeError, shown},
    http::HttpAnswer,
    issuer::Eab,
    jws::{Signer, binding},
    key::AccountKey,
    lenient::{elements, or_default},
};
use crate::object::Seconds;

/// Whether an account may be used (RFC 8555, section 7.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It may.
    Valid,
    /// Its owner has ended it.
    Deactivated,
    /// The CA has ended it.
    Revoked,
    /// Something that RFC 8555 does not know, or nothing.
    #[default]
    #[serde(other)]
    Unknown,
}

impl AccountStatus {
    /// Whether the account is of no use any more, for good.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Deactivated | Self::Revoked)
    }
}

/// An account as the CA shows it. Texts are not cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its URL: what CAA's `accounturi` names.
    pub url: String,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// Where the CA may write to. Let's Encrypt keeps and shows none.
    pub contact: Vec<String>,
}

impl Account {
    fn of(answer: &HttpAnswer, url: &str) -> Result<Self, AcmeError> {
        #[derive(Default, Deserialize)]
        struct Raw {
            #[serde(default, deserialize_with = "or_default")]
            status: AccountStatus,
            #[serde(default, deserialize_with = "elements")]
            contact: Vec<String>,
        }
        // The URL is what counts, and it is in a header.
        let raw: Raw = if answer.body.trim_ascii().is_empty() {
            Raw::default()
        } else {
            answer.json()?
        };
        Ok(Self {
            url: url.to_owned(),
            status: raw.status,
            contact: raw.contact,
        })
    }
}

/// An account with its key, as it is kept between runs. Serializing it writes the key; `Debug` does not show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredAccount {
    /// The directory that it belongs to.
    pub directory: String,
    /// Its URL; `None` while it is not known whether the registration has reached the CA.
    #[serde(default)]
    pub url: Option<String>,
    /// The private key in PEM.
    #[serde(serialize_with = "expose", deserialize_with = "conceal")]
    pub key: SecretString,
    /// Where the CA may write to.
    #[serde(default)]
    pub contact: Vec<String>,
    /// When it was made.
    pub created: Seconds,
}

fn expose<S: Serializer>(key: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose_secret())
}

fn conceal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// An account that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The account.
    pub account: Account,
    /// Whether its status says so, or the CA knows no account of its key. Otherwise there are only the words of refusals,
    /// which may mean something else.
    pub certain: bool,
}

/// Why an account has no other key, or why that is not known.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct RolloverError {
    /// What went wrong.
    pub error: AcmeError,
    /// Whether the account certainly has its old key: nothing was sent, or the CA has refused and does not know the new
    /// key. Otherwise either may be the account's.
    pub unchanged: bool,
}

/// What a new account is made with.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// Where the CA may write to: `mailto:` URLs.
    pub contact: Vec<String>,
    /// Whether the terms of service are agreed to.
    pub agree_to_terms: bool,
    /// The external account binding.
    pub eab: Option<Eab>,
}

impl Acme {
    /// Makes an account for a key, or finds the one that the key has already: keep the key before, and it can be called
    /// again after a crash. Fails with [`AcmeError::TermsNotAgreed`] and [`AcmeError::BindingRequired`] before anything
    /// is sent.
    pub async fn register(
        &self,
        key: &AccountKey,
        registration: &Registration,
    ) -> Result<(Client, Account), AcmeError> {
        let (meta, url) = (&self.directory().meta, self.directory().new_account()?);
        if let Some(terms) = meta
            .terms_of_service
            .as_deref()
            .filter(|_| !registration.agree_to_terms)
        {
            return Err(AcmeError::TermsNotAgreed { url: shown(terms) });
        }
        let binding = match &registration.eab {
            Some(eab) => Some(binding(key.signing(), &eab.kid, &mac_key(eab)?, url)?),
            None if meta.external_account_required => {
                return Err(AcmeError::BindingRequired {
                    website: meta.website.as_deref().map(shown),
                });
            }
            None => None,
        };
        if binding.is_none()
            && registration.contact.is_empty()
            && let Some(answered) = self.new_account(key, false).await
        {
            return self.account_of(key, &answered?);
        }
        let mut payload = json!({"termsOfServiceAgreed": true});
        if !registration.contact.is_empty() {
            payload["contact"] = json!(registration.contact);
        }
        if let Some(signed) = binding {
            payload["externalAccountBinding"] = serde_json::from_str::<Value>(&signed).unwrap_or_default();
        }
        let signer = Signer::Jwk(key.signing());
        self.account_of(key, &self.post(signer, url, &payload.to_string()).await?)
    }

    /// Finds the account of a key (RFC 8555, section 7.3.1); `None` when the CA knows none.
    pub async fn find_account(&self, key: &AccountKey) -> Result<Option<(Client, Account)>, AcmeError> {
        let answered = if let Some(answered) = self.new_account(key, true).await {
            answered
        } else {
            let payload = json!({"onlyReturnExisting": true}).to_string();
            let url = self.directory().new_account()?;
            self.post(Signer::Jwk(key.signing()), url, &payload).await
        };
        match answered {
            Ok(answer) => self.account_of(key, &answer).map(Some),
            Err(error) if error.is("accountDoesNotExist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn account_of(&self, key: &AccountKey, answer: &HttpAnswer) -> Result<(Client, Account), AcmeError> {
        let Some(account) = &answer.location else {
            return Err(AcmeError::malformed(
                &answer.url,
                "it does not say where the account is",
            ));
        };
        Ok((self.client(key.clone(), account.clone()), Account::of(answer, account)?))
    }
}

impl Client {
    /// The account as the CA shows it now.
    pub async fn account(&self) -> Result<Account, AcmeError> {
        self.read_account(&Ask::Account).await
    }

    /// Changes where the CA may write to; nothing is none.
    pub async fn update_contact(&self, contact: &[String]) -> Result<Account, AcmeError> {
        self.read_account(&Ask::Contact(contact)).await
    }

    /// Ends the account for good. An account that turns out to have ended already, because an answer was lost or somebody
    /// was faster, is one that has ended: when a refusal says so, the CA is asked for the account of the key.
    pub async fn deactivate(&self) -> Result<Ended, AcmeError> {
        let refused = match self.read_account(&Ask::Deactivate).await {
            Ok(account) if account.status == AccountStatus::Deactivated => {
                return Ok(Ended { account, certain: true });
            }
            Ok(account) => {
                let reason = format!("the account is {:?} after it was to be deactivated", account.status);
                return Err(AcmeError::malformed(self.account_url(), reason));
            }
            Err(error) if error.ends_account() => error,
            Err(error) => return Err(error),
        };
        let unseen = |certain| Ended {
            account: Account {
                url: self.account_url().to_owned(),
                status: AccountStatus::Deactivated,
                contact: Vec::new(),
            },
            certain,
        };
        match self.acme().find_account(self.key()).await {
            Ok(None) => Ok(unseen(true)),
            Ok(Some((_, account))) if account.status.has_ended() => Ok(Ended { account, certain: true }),
            Ok(Some(_)) => Err(refused),
            // Boulder and Pebble show no account that has been deactivated.
            Err(error) if error.ends_account() => Ok(unseen(false)),
            Err(error) => Err(error),
        }
    }

    /// Gives the account another key (RFC 8555, section 7.3.5) and returns the account with it, at the URL where the
    /// CA has it. Keep the new key before, and the old one until this returns: when the answer was lost, the CA is asked
    /// whether it knows the new key, and only its denial says that the old key is still the account's.
    pub async fn rollover(&self, new: &AccountKey) -> Result<Self, RolloverError> {
        let (url, inner) = self
            .key_change(new)
            .map_err(|error| RolloverError { error, unchanged: true })?;
        let signer = Signer::Kid(self.key().signing(), self.account_url());
        let Err(error) = self.acme().post(signer, url, &inner).await else {
            return Ok(self.acme().client(new.clone(), self.account_url().to_owned()));
        };
        match self.acme().find_account(new).await {
            Ok(Some((client, _))) => Ok(client),
            // A request that nobody has answered may still reach the CA.
            Ok(None) => Err(RolloverError {
                unchanged: matches!(error, AcmeError::Refused { .. }),
                error,
            }),
            Err(error) => Err(RolloverError {
                error,
                unchanged: false,
            }),
        }
    }

    /// The URL for a change of the key, and what the new key has signed of it.
    fn key_change(&self, new: &AccountKey) -> Result<(&str, String), AcmeError> {
        let url = self.acme().directory().key_change()?;
        let change = json!({"account": self.account_url(), "oldKey": self.key().signing().jwk()});
        let inner = Signer::Jwk(new.signing()).sign(url, None, &change.to_string())?;
        Ok((url, inner))
    }

    async fn read_account(&self, ask: &Ask<'_>) -> Result<Account, AcmeError> {
        let answer = self.ask(ask).await?;
        Account::of(&answer, self.account_url())
    }
}

/// The MAC key of an external account binding, decoded.
fn mac_key(eab: &Eab) -> Result<Zeroizing<Vec<u8>>, AcmeError> {
    let text = eab.key.expose_secret().trim();
    let engines = [
        BASE64_URL_SAFE_NO_PAD,
        BASE64_URL_SAFE,
        BASE64_STANDARD,
        BASE64_STANDARD_NO_PAD,
    ];
    engines
        .iter()
        .find_map(|engine| engine.decode(text).ok())
        .filter(|key| !key.is_empty())
        .map(Zeroizing::new)
        .ok_or_else(|| AcmeError::Settings("the EAB key is not base64url".to_owned()))
}

#[cfg(test)]
mod tests;
