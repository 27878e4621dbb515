//! The key of another client's account, in the Secret in which that client keeps it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use zeroize::Zeroizing;

use super::OpError;
use crate::{
    acme::{AccountKey, AcmeError},
    apply::Api,
    object::{Key, resource::SECRET},
};

/// Where cert-manager and kube-lego have it in their Secrets.
const USUAL: &str = "tls.key";

/// A key, and where it was found.
pub struct FoundKey {
    /// The key.
    pub key: AccountKey,
    /// Where it is, in words.
    pub place: String,
}

/// The key in a Secret.
///
/// # Errors
///
/// There is no such Secret, it cannot be read, or it does not hold one key.
pub async fn key_of_secret(api: &Api, key: &Key) -> Result<FoundKey, OpError> {
    let secret = api.get(SECRET, key).await.map_err(|error| OpError::because(&error))?;
    let Some(secret) = secret else {
        return Err(OpError::usage(format!("there is no Secret {key}"))
            .hint("-n chooses the namespace; a file begins with ./ or /"));
    };
    within(&secret, &format!("Secret {key}"))
}

/// The account's key in a Secret: where cert-manager and kube-lego have it, or in the one datum that is a key.
fn within(secret: &Value, place: &str) -> Result<FoundKey, OpError> {
    let data = secret["data"].as_object().into_iter().flatten();
    let mut read: Vec<(&str, Result<AccountKey, AcmeError>)> = data
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .map(|(name, value)| {
            let text = BASE64_STANDARD.decode(value).map(Zeroizing::new).unwrap_or_default();
            (name, AccountKey::of_other_client(&text))
        })
        .collect();
    let usual = read.iter().position(|(name, _)| *name == USUAL);
    let keys = || read.iter().filter(|(_, key)| key.is_ok()).count();
    let only = || read.iter().position(|(_, key)| key.is_ok()).filter(|_| keys() == 1);
    if let Some(at) = usual.or_else(only) {
        let (name, key) = read.swap_remove(at);
        let place = format!("{name} of {place}");
        return Ok(FoundKey {
            key: key.map_err(|error| unusable(&place, &error))?,
            place,
        });
    }
    let count = if keys() == 0 { "no key" } else { "more than one key" };
    let names: Vec<&str> = read.iter().map(|(name, _)| *name).collect();
    Err(OpError::usage(format!(
        "there is {count} of an account in {place}; its data: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    ))
    .hint("cert-manager's Secret is that of privateKeySecretRef in its ClusterIssuer or Issuer; write one key to a file, and name ./FILE"))
}

/// The failure of a key that cannot be used.
pub fn unusable(place: &str, error: &AcmeError) -> OpError {
    let why = match error {
        AcmeError::Key(why) => why.clone(),
        other => other.to_string(),
    };
    OpError::usage(format!("{place} holds no key that can be used: {why}")).hint(
        "it is the account's private key as PEM, not encrypted, or certbot's private_key.json; `openssl pkey -in FILE` decrypts one",
    )
}

#[cfg(test)]
mod tests;
