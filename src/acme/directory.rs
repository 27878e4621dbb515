//! What a CA offers and where (RFC 8555, section 7.1.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{error::AcmeError, http::Http};

/// A directory: the URLs of a CA, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// Where nonces are had.
    pub new_nonce: String,
    /// Where accounts are made and found.
    pub new_account: String,
    /// Where orders are made.
    pub new_order: String,
    /// Where certificates are revoked.
    pub revoke_cert: String,
    /// Where an account gets another key.
    pub key_change: String,
    /// Where renewal information is (RFC 9773), if the CA has it.
    pub renewal_info: Option<String>,
    /// What the CA says of itself.
    #[serde(default)]
    pub meta: Meta,
}

/// What a CA says of itself. Not cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The URL of the terms of service.
    pub terms_of_service: Option<String>,
    /// The URL of the CA's website.
    pub website: Option<String>,
    /// What CAA records have to say so that the CA issues.
    pub caa_identities: Vec<String>,
    /// Whether accounts are made only with an external account binding.
    pub external_account_required: bool,
    /// The profiles and what they are (draft-ietf-acme-profiles).
    pub profiles: BTreeMap<String, String>,
}

impl Directory {
    pub(super) async fn fetch(http: &Http, url: &str) -> Result<Self, AcmeError> {
        http.get(url).await?.json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_directory_lacks_is_absent_and_what_is_unknown_is_passed_over() {
        let directory: Directory = serde_json::from_str(
            r#"{"newNonce": "https://ca.example/n", "newAccount": "https://ca.example/a",
                "newOrder": "https://ca.example/o", "revokeCert": "https://ca.example/r",
                "keyChange": "https://ca.example/k", "k8TmXt": "https://ca.example/random",
                "meta": {"profiles": {"classic": "90 days"}, "caaIdentities": ["ca.example"], "new": {}}}"#,
        )
        .unwrap();
        assert_eq!(directory.renewal_info, None);
        assert_eq!(directory.meta.profiles.keys().collect::<Vec<_>>(), ["classic"]);
        assert!(!directory.meta.external_account_required);
        assert!(serde_json::from_str::<Directory>("{}").is_err());
    }
}
