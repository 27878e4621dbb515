//! What a CA offers and where (RFC 8555, section 7.1.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    error::AcmeError,
    http::Http,
    lenient::{elements, or_default},
};

/// A directory: the URLs of a CA, and what it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Directory {
    #[serde(deserialize_with = "or_default")]
    new_nonce: Option<String>,
    #[serde(deserialize_with = "or_default")]
    new_account: Option<String>,
    #[serde(deserialize_with = "or_default")]
    new_order: Option<String>,
    #[serde(deserialize_with = "or_default")]
    revoke_cert: Option<String>,
    #[serde(deserialize_with = "or_default")]
    key_change: Option<String>,
    /// Where renewal information is (RFC 9773), if the CA has it.
    #[serde(deserialize_with = "or_default")]
    pub renewal_info: Option<String>,
    /// What the CA says of itself.
    #[serde(deserialize_with = "or_default")]
    pub meta: Meta,
}

/// What a CA says of itself. Not cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The URL of the terms of service.
    #[serde(deserialize_with = "or_default")]
    pub terms_of_service: Option<String>,
    /// The URL of the CA's website.
    #[serde(deserialize_with = "or_default")]
    pub website: Option<String>,
    /// What CAA records have to say so that the CA issues.
    #[serde(deserialize_with = "elements")]
    pub caa_identities: Vec<String>,
    /// Whether accounts are made only with an external account binding.
    #[serde(deserialize_with = "or_default")]
    pub external_account_required: bool,
    /// The profiles and what they are (draft-ietf-acme-profiles).
    #[serde(deserialize_with = "profiles")]
    pub profiles: BTreeMap<String, String>,
}

/// The profiles by name; one that is not described counts too.
fn profiles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let all: Map<String, Value> = or_default(deserializer)?;
    let described = |(name, about): (String, Value)| (name, about.as_str().unwrap_or_default().to_owned());
    Ok(all.into_iter().map(described).collect())
}

/// A URL of the directory; the error names what cannot be done without it.
fn needed<'a>(url: Option<&'a String>, what: &'static str) -> Result<&'a str, AcmeError> {
    let url = url.filter(|url| !url.trim().is_empty());
    url.map(String::as_str).ok_or(AcmeError::NotOffered(what))
}

impl Directory {
    /// Fails with [`AcmeError::Malformed`] where there is nothing of a directory in the answer.
    pub(super) async fn fetch(http: &Http, url: &str) -> Result<Self, AcmeError> {
        let directory: Self = http.get(url).await?.json()?;
        let all = [&directory.new_nonce, &directory.new_account, &directory.new_order];
        if all.iter().all(|url| url.is_none()) {
            let reason = "it is not an ACME directory: it has neither newNonce, newAccount nor newOrder";
            return Err(AcmeError::malformed(url, reason));
        }
        Ok(directory)
    }

    /// Where nonces are had. Like all of these, fails with [`AcmeError::NotOffered`].
    pub fn new_nonce(&self) -> Result<&str, AcmeError> {
        needed(self.new_nonce.as_ref(), "nonces: its directory has no newNonce")
    }

    /// Where accounts are made and found.
    pub fn new_account(&self) -> Result<&str, AcmeError> {
        needed(self.new_account.as_ref(), "accounts: its directory has no newAccount")
    }

    /// Where orders are made.
    pub fn new_order(&self) -> Result<&str, AcmeError> {
        needed(self.new_order.as_ref(), "orders: its directory has no newOrder")
    }

    /// Where certificates are revoked.
    pub fn revoke_cert(&self) -> Result<&str, AcmeError> {
        needed(
            self.revoke_cert.as_ref(),
            "revocation over ACME: its directory has no revokeCert",
        )
    }

    /// Where an account gets another key.
    pub fn key_change(&self) -> Result<&str, AcmeError> {
        needed(
            self.key_change.as_ref(),
            "another key for an account: its directory has no keyChange",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Directory {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_a_directory_lacks_is_absent_and_what_is_unknown_is_passed_over() {
        let directory = read(
            r#"{"newNonce": "https://ca.example/n", "newAccount": "https://ca.example/a",
                "newOrder": "https://ca.example/o", "k8TmXt": "https://ca.example/random",
                "meta": {"profiles": {"classic": "90 days"}, "caaIdentities": ["ca.example"], "new": {}}}"#,
        );
        assert_eq!(directory.new_order(), Ok("https://ca.example/o"));
        assert_eq!(directory.renewal_info, None);
        assert_eq!(directory.meta.profiles.keys().collect::<Vec<_>>(), ["classic"]);
        assert!(!directory.meta.external_account_required);
        for (missing, words) in [
            (
                directory.revoke_cert(),
                "the CA does not offer revocation over ACME: its directory has no revokeCert",
            ),
            (
                directory.key_change(),
                "the CA does not offer another key for an account: its directory has no keyChange",
            ),
        ] {
            assert_eq!(missing.unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn null_and_another_form_are_as_good_as_absent() {
        let directory = read(
            r#"{"newNonce": "https://ca.example/n", "newAccount": null, "newOrder": "", "revokeCert": 7,
                "keyChange": null, "renewalInfo": null, "meta": {"termsOfService": null, "website": [],
                "caaIdentities": null, "externalAccountRequired": null, "profiles": {"tls": null}}}"#,
        );
        assert!(directory.new_nonce().is_ok());
        for url in [
            directory.new_account(),
            directory.new_order(),
            directory.revoke_cert(),
            directory.key_change(),
        ] {
            assert!(matches!(url, Err(AcmeError::NotOffered(_))), "{url:?}");
        }
        assert_eq!(
            (&directory.renewal_info, &directory.meta.terms_of_service),
            (&None, &None)
        );
        assert!(directory.meta.profiles.contains_key("tls"));
        assert_eq!(read(r#"{"meta": null}"#), Directory::default());
    }
}
