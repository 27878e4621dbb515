//! Accounts (RFC 8555, section 7.3) and their keys.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
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
    error::{AcmeError, shown},
    http::HttpAnswer,
    issuer::Eab,
    jws::{Signer, SigningKey, binding, jwk_value},
};
use crate::object::Seconds;

/// An account's private key. Cheap to clone; `Debug` shows the algorithm alone.
#[derive(Clone)]
pub struct AccountKey {
    signing: Arc<SigningKey>,
    pem: SecretString,
}

impl AccountKey {
    /// A new key: ECDSA P-256.
    pub fn generate() -> Result<Self, AcmeError> {
        let failed = |_| AcmeError::Key("none can be generated".to_owned());
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let der = pair.to_pkcs8v1().map_err(failed)?;
        let body = Zeroizing::new(BASE64_STANDARD.encode(der.as_ref()));
        let mut pem = Zeroizing::new(String::with_capacity(body.len() + 128));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Self::from_pem(&SecretString::from(pem.as_str()))
    }

    /// Reads a key from PEM: what [`SigningKey::from_pem`] reads, so an RSA account of another client is taken over.
    pub fn from_pem(pem: &SecretString) -> Result<Self, AcmeError> {
        Ok(Self {
            signing: Arc::new(SigningKey::from_pem(pem.expose_secret().as_bytes())?),
            pem: pem.clone(),
        })
    }

    /// The key in PEM: PKCS#8 when it was made here, otherwise as it was read.
    pub fn pem(&self) -> &SecretString {
        &self.pem
    }

    /// The thumbprint of its public half (RFC 7638), in base64url: what every key authorization ends with.
    pub fn thumbprint(&self) -> String {
        self.signing.thumbprint()
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.signing
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.signing.algorithm())
    }
}

/// Whether an account may be used (RFC 8555, section 7.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It may.
    Valid,
    /// Its owner has ended it.
    Deactivated,
    /// The CA has ended it.
    Revoked,
    /// Something that RFC 8555 does not know.
    #[serde(other)]
    Unknown,
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
        #[derive(Deserialize)]
        struct Raw {
            status: AccountStatus,
            #[serde(default)]
            contact: Option<Vec<String>>,
        }
        let raw: Raw = answer.json()?;
        Ok(Self {
            url: url.to_owned(),
            status: raw.status,
            contact: raw.contact.unwrap_or_default(),
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
        let (meta, url) = (&self.directory().meta, &self.directory().new_account);
        if let Some(terms) = meta
            .terms_of_service
            .as_deref()
            .filter(|_| !registration.agree_to_terms)
        {
            return Err(AcmeError::TermsNotAgreed { url: shown(terms) });
        }
        let mut payload = json!({"termsOfServiceAgreed": true});
        if !registration.contact.is_empty() {
            payload["contact"] = json!(registration.contact);
        }
        match &registration.eab {
            Some(eab) => {
                let signed = binding(key.signing(), &eab.kid, &mac_key(eab)?, url)?;
                payload["externalAccountBinding"] = serde_json::from_str::<Value>(&signed).unwrap_or_default();
            }
            None if meta.external_account_required => {
                return Err(AcmeError::BindingRequired {
                    website: meta.website.as_deref().map(shown),
                });
            }
            None => {}
        }
        self.new_account(key, &payload).await
    }

    /// Finds the account of a key (RFC 8555, section 7.3.1); `None` when the CA knows none.
    pub async fn find_account(&self, key: &AccountKey) -> Result<Option<(Client, Account)>, AcmeError> {
        match self.new_account(key, &json!({"onlyReturnExisting": true})).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is("accountDoesNotExist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn new_account(&self, key: &AccountKey, payload: &Value) -> Result<(Client, Account), AcmeError> {
        let url = &self.directory().new_account;
        let answer = self.post(Signer::Jwk(key.signing()), url, &payload.to_string()).await?;
        let Some(account) = &answer.location else {
            return Err(AcmeError::malformed(url, "it does not say where the account is"));
        };
        Ok((
            self.client(key.clone(), account.clone()),
            Account::of(&answer, account)?,
        ))
    }
}

impl Client {
    /// The account as the CA shows it now.
    pub async fn account(&self) -> Result<Account, AcmeError> {
        self.read_account("").await
    }

    /// Changes where the CA may write to; nothing is none.
    pub async fn update_contact(&self, contact: &[String]) -> Result<Account, AcmeError> {
        self.read_account(&json!({"contact": contact}).to_string()).await
    }

    /// Ends the account for good. An account that turns out to have ended already is one that has ended.
    pub async fn deactivate(&self) -> Result<Account, AcmeError> {
        let payload = json!({"status": "deactivated"}).to_string();
        let account = match self.read_account(&payload).await {
            // An answer was lost, or somebody was faster.
            Err(AcmeError::Refused { problem, .. })
                if problem.is("unauthorized") && problem.detail.contains("deactivated") =>
            {
                Account {
                    url: self.account_url().to_owned(),
                    status: AccountStatus::Deactivated,
                    contact: Vec::new(),
                }
            }
            answered => answered?,
        };
        if account.status == AccountStatus::Deactivated {
            return Ok(account);
        }
        let reason = format!("the account is {:?} after it was to be deactivated", account.status);
        Err(AcmeError::malformed(self.account_url(), reason))
    }

    /// Gives the account another key (RFC 8555, section 7.3.5) and returns the account with it. Keep the new key
    /// before, and the old one until this returns: when the answer was lost, the CA is asked which of them it knows.
    pub async fn rollover(&self, new: &AccountKey) -> Result<Self, AcmeError> {
        let url = &self.acme().directory().key_change;
        let change = json!({"account": self.account_url(), "oldKey": jwk_value(self.key().signing())?});
        let inner = Signer::Jwk(new.signing()).sign(url, None, &change.to_string())?;
        match self.post(url, &inner).await {
            Ok(_) => Ok(self.acme().client(new.clone(), self.account_url().to_owned())),
            Err(error) => match self.acme().find_account(new).await {
                Ok(Some((client, account))) if account.url == self.account_url() => Ok(client),
                _ => Err(error),
            },
        }
    }

    async fn read_account(&self, payload: &str) -> Result<Account, AcmeError> {
        let answer = self.post(self.account_url(), payload).await?;
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
