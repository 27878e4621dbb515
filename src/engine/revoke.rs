//! Revokes a certificate, unless clients still get it.

mod uses;

use std::fmt;

pub use self::uses::{ByName, LOOKUP, Use, bindings, is_replaced, looked_up, served, until_replaced, uses};
use crate::{
    acme::{Acme, AcmeError, Client, RevocationReason, Revoked, SigningKey},
    error::{Blame, Diagnose},
};

/// The key that signs a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The account's key.
    Account,
    /// The certificate's own key.
    Certificate,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "the account's key",
            Self::Certificate => "the certificate's key",
        })
    }
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Clients still get it.
    #[error("the certificate is in use: {}", words(.0))]
    InUse(Vec<Use>),
    /// There is neither an account nor a key that could sign.
    #[error("there is neither an account with the CA nor the certificate's key for the signature")]
    NoKey,
    /// The CA refused the revocation.
    #[error(transparent)]
    Acme(#[from] AcmeError),
}

/// How many places a sentence names.
const NAMED: usize = 3;
/// How many places are listed, one line each.
const LISTED: usize = 20;

fn words(uses: &[Use]) -> String {
    first(uses, NAMED).join("; ")
}

/// The places where the certificate is in use, one line each. If there are very many, only the first.
pub fn listed(uses: &[Use]) -> Vec<String> {
    first(uses, LISTED)
}

fn first(uses: &[Use], most: usize) -> Vec<String> {
    let mut all: Vec<String> = uses.iter().take(most).map(ToString::to_string).collect();
    if let Some(more) = uses.len().checked_sub(most).filter(|more| *more > 0) {
        let places = if more == 1 { "place" } else { "places" };
        all.push(format!("and in {more} more {places}"));
    }
    all
}

impl Diagnose for RevokeError {
    fn yields_to_force(&self) -> bool {
        matches!(self, Self::InUse(_))
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InUse(_) => {
                "renew it first, so that clients get another (`kubectl certs renew`), then revoke the old one from a \
                 file; --force revokes it anyway"
                    .to_owned()
            }
            Self::NoKey => {
                "--key-file FILE signs with the certificate's key; --account-secret names where the account is"
                    .to_owned()
            }
            Self::Acme(error) if error.is("unauthorized") => {
                "the account has not ordered it: --key-file FILE signs with the certificate's key".to_owned()
            }
            Self::Acme(error) => return error.hint(),
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::InUse(_) | Self::NoKey => Blame::Usage,
            Self::Acme(error) => error.blame(),
        }
    }
}

/// Revokes a certificate (DER). The account signs. The certificate's own key signs if there is no account, or if the CA
/// answers that the certificate does not belong to the account. For a compromised key, the key itself signs first: that
/// proves the compromise, so that a CA blocks the key for others too (RFC 8555, section 7.6).
pub async fn revoke(
    acme: &Acme,
    account: Option<&Client>,
    key: Option<&SigningKey>,
    certificate: &[u8],
    reason: RevocationReason,
) -> Result<(Revoked, Signed), RevokeError> {
    let by_key = async |key: &SigningKey| {
        let revoked = acme.revoke_with_key(key, certificate, reason).await?;
        Ok((revoked, Signed::Certificate))
    };
    let by_account = async |client: &Client| {
        client
            .revoke(certificate, reason)
            .await
            .map(|revoked| (revoked, Signed::Account))
    };
    match (account, key) {
        (None, None) => Err(RevokeError::NoKey),
        (None, Some(key)) => by_key(key).await,
        (Some(_), Some(key)) if reason == RevocationReason::KeyCompromise => by_key(key).await,
        (Some(client), key) => match (by_account(client).await, key) {
            (Err(error), Some(key)) if is_not_its(&error) => by_key(key).await,
            (result, _) => Ok(result?),
        },
    }
}

/// Whether the CA answers that the certificate does not belong to the account, or that there is no such account.
fn is_not_its(error: &AcmeError) -> bool {
    error.is("unauthorized") || error.is("accountDoesNotExist")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Key;

    #[test]
    fn what_is_in_use_is_named_and_the_rest_counted() {
        let served = |n: u8| Use::Served {
            host: "shop.example".into(),
            address: format!("192.0.2.{n}:443").into(),
        };
        let stored = Use::Stored {
            secret: Key::new("shop", "shop-tls"),
            route: "Ingress shop/web".into(),
            host: "shop.example".into(),
        };
        let error = RevokeError::InUse(vec![stored, served(1), served(2), served(3), served(4)]);
        assert_eq!(
            error.to_string(),
            "the certificate is in use: it is in Secret shop/shop-tls, which Ingress shop/web uses for shop.example; \
             192.0.2.1:443 serves it for shop.example; 192.0.2.2:443 serves it for shop.example; and in 2 more places"
        );
        assert!(error.yields_to_force() && error.hint().unwrap().contains("--force"));
        let RevokeError::InUse(uses) = error else {
            unreachable!()
        };
        assert_eq!(listed(&uses).len(), 5, "by --force each has its line");
        let many: Vec<Use> = (0..=u8::try_from(LISTED).unwrap()).map(served).collect();
        assert_eq!(listed(&many).last().unwrap(), "and in 1 more place");
    }
}
