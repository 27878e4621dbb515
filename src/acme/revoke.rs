//! Revocation (RFC 8555, section 7.6).

use std::{fmt, str::FromStr};

use serde_json::json;

use super::{
    client::{Acme, Client},
    engine::Ask,
    error::AcmeError,
    http::HttpAnswer,
    jws::{Signer, SigningKey, base64url},
};

/// Why a certificate is revoked: the reasons of RFC 5280, section 5.3.1, that CAs take from subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RevocationReason {
    /// No reason is given.
    #[default]
    Unspecified = 0,
    /// Somebody else has, or may have, the private key.
    KeyCompromise = 1,
    /// Another certificate is used in its place.
    Superseded = 4,
    /// The names are no longer served.
    CessationOfOperation = 5,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::Superseded,
        Self::CessationOfOperation,
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
        }
    }

    /// Its number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RevocationReason {
    type Err = String;

    /// Reads a name in any spelling (`key-compromise`, `keyCompromise`) or a number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|reason| plain(reason.as_str()) == plain(text) || text == reason.code().to_string())
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                format!("{text:?} is not a reason that CAs accept: {names}")
            })
    }
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// It is revoked now.
    Now,
    /// It was revoked before.
    Already,
}

impl Client {
    /// Revokes a certificate (DER) in the account's name: the account that ordered it, or one that has proved all its
    /// names.
    pub async fn revoke(&self, certificate: &[u8], reason: RevocationReason) -> Result<Revoked, AcmeError> {
        revoked(self.ask(&Ask::Revoke { certificate, reason }).await)
    }
}

impl Acme {
    /// Revokes a certificate (DER) with its own private key: needs no account.
    pub async fn revoke_with_key(
        &self,
        key: &SigningKey,
        certificate: &[u8],
        reason: RevocationReason,
    ) -> Result<Revoked, AcmeError> {
        let payload = json!({"certificate": base64url(certificate), "reason": reason.code()});
        let url = self.directory().revoke_cert()?;
        revoked(self.post(Signer::Jwk(key), url, &payload.to_string()).await)
    }
}

fn revoked(answered: Result<HttpAnswer, AcmeError>) -> Result<Revoked, AcmeError> {
    match answered {
        Ok(_) => Ok(Revoked::Now),
        Err(error) if error.is("alreadyRevoked") => Ok(Revoked::Already),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_in_any_spelling_and_by_number() {
        for text in ["key-compromise", "keyCompromise", "KEY_COMPROMISE", "1"] {
            assert_eq!(text.parse(), Ok(RevocationReason::KeyCompromise), "{text}");
        }
        let error = "removeFromCRL".parse::<RevocationReason>().unwrap_err();
        assert!(
            error.contains("unspecified, key-compromise, superseded, cessation-of-operation"),
            "{error}"
        );
    }
}
