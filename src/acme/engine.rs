//! What instant-acme makes and signs. It reads no answer: what is sent, [`Exchange`] keeps the answer to.

use std::sync::Mutex;

use instant_acme::{Account, CertificateIdentifier, ChallengeType, Error, Key, NewOrder};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use super::{
    client::{Acme, Client, Sought},
    error::AcmeError,
    http::HttpAnswer,
    key::AccountKey,
    layer::{Exchange, Layer, unsent},
    order::{Challenge, ChallengeKind},
    problem::Problem,
    renewal::CertId,
    revoke::RevocationReason,
};
use crate::name::Name;

/// instant-acme answers a challenge, and finalizes, only from an order that it has read. Where that order is known already it is
/// read from here, and not asked for again.
const KNOWN_ORDER: &str = "https://known.invalid/order";
const KNOWN_AUTHORIZATION: &str = "https://known.invalid/authorization";

/// The one algorithm that instant-acme signs with.
const ALGORITHM: &str = "ES256";

/// What is asked in an account's name.
pub(super) enum Ask<'a> {
    /// A resource as it is now: POST-as-GET (RFC 8555, section 6.3).
    Read(&'a str),
    /// The account as it is now.
    Account,
    /// A certificate.
    Order {
        names: &'a [Name],
        profile: Option<&'a str>,
        replaces: Option<&'a CertId>,
    },
    /// To look at a challenge's answer.
    Look(&'a Challenge),
    /// The certificate of a request (DER), at the order's URL for it.
    Finalize { url: &'a str, csr: &'a [u8] },
    /// Other contacts.
    Contact(&'a [String]),
    /// The account's end.
    Deactivate,
    /// The end of a certificate (DER).
    Revoke {
        certificate: &'a [u8],
        reason: RevocationReason,
    },
}

impl Ask<'_> {
    fn url<'a>(&'a self, client: &'a Client) -> Result<&'a str, AcmeError> {
        let directory = client.acme().directory();
        Ok(match self {
            Self::Read(url) | Self::Finalize { url, .. } => url,
            Self::Order { .. } => directory.new_order()?,
            Self::Look(challenge) => &challenge.url,
            Self::Account | Self::Contact(_) | Self::Deactivate => client.account_url(),
            Self::Revoke { .. } => directory.revoke_cert()?,
        })
    }

    /// Whether it goes to the account's own URL.
    fn is_to_account(&self) -> bool {
        matches!(self, Self::Account | Self::Contact(_) | Self::Deactivate)
    }

    /// What instant-acme reads before that is known.
    fn known(&self) -> Vec<(&'static str, String)> {
        let order = |finalize: &str| {
            let order = json!({"status": "ready", "authorizations": [KNOWN_AUTHORIZATION], "finalize": finalize});
            (KNOWN_ORDER, order.to_string())
        };
        match self {
            Self::Look(challenge) => {
                let authorization = json!({
                    "status": "pending", "identifier": {"type": "dns", "value": ""},
                    "challenges": [{"type": challenge.kind.to_string(), "url": challenge.url, "status": "pending"}],
                });
                vec![order(""), (KNOWN_AUTHORIZATION, authorization.to_string())]
            }
            Self::Finalize { url, .. } => vec![order(url)],
            _ => Vec::new(),
        }
    }

    async fn by(&self, account: Account) -> Result<(), Error> {
        match self {
            Self::Read(url) => account.order((*url).to_owned()).await.map(drop),
            Self::Account => {
                let url = account.id().to_owned();
                account.order(url).await.map(drop)
            }
            Self::Order {
                names,
                profile,
                replaces,
            } => {
                let identifiers: Vec<_> = names.iter().map(identifier).collect();
                let mut order = NewOrder::new(&identifiers);
                if let Some(profile) = profile {
                    order = order.profile(profile);
                }
                if let Some((key, serial)) = replaces.and_then(|id| id.as_str().split_once('.')) {
                    order = order.replaces(CertificateIdentifier {
                        authority_key_identifier: key.into(),
                        serial: serial.into(),
                    });
                }
                account.new_order(&order).await.map(drop)
            }
            Self::Look(challenge) => {
                let mut order = account.order(KNOWN_ORDER.to_owned()).await?;
                let mut authorizations = order.authorizations();
                let known = authorizations.next().await;
                let mut known = known.ok_or(Error::Str("authorization"))??;
                let offered = known.challenge(kind(&challenge.kind));
                offered.ok_or(Error::Str("challenge"))?.set_ready().await
            }
            Self::Finalize { csr, .. } => {
                let mut order = account.order(KNOWN_ORDER.to_owned()).await?;
                order.finalize_csr(csr).await
            }
            Self::Contact(contact) => {
                let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
                account.update_contacts(&contact).await
            }
            Self::Deactivate => account.deactivate().await,
            Self::Revoke { certificate, reason } => {
                let certificate = &CertificateDer::from(*certificate);
                let reason = Some(match reason {
                    RevocationReason::Unspecified => instant_acme::RevocationReason::Unspecified,
                    RevocationReason::KeyCompromise => instant_acme::RevocationReason::KeyCompromise,
                    RevocationReason::Superseded => instant_acme::RevocationReason::Superseded,
                    RevocationReason::CessationOfOperation => instant_acme::RevocationReason::CessationOfOperation,
                });
                let request = instant_acme::RevocationRequest { certificate, reason };
                account.revoke(&request).await
            }
        }
    }
}

fn identifier(name: &Name) -> instant_acme::Identifier {
    match name {
        Name::Ip(address) => instant_acme::Identifier::Ip(*address),
        name => instant_acme::Identifier::Dns(name.to_string()),
    }
}

fn kind(kind: &ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::Dns01 => ChallengeType::Dns01,
        // The crate has no word for it.
        ChallengeKind::DnsPersist01 => ChallengeType::Unknown(kind.to_string()),
        ChallengeKind::Other(kind) => ChallengeType::Unknown(kind.clone()),
    }
}

/// The account of a key as instant-acme has it. A key that it cannot sign with is stood in for by one that is never shown to the CA:
/// [`Exchange`] signs anew what it has made.
pub(super) async fn account(layer: Layer, key: &AccountKey, url: &str, directory: &str) -> Result<Account, AcmeError> {
    let own = key.signing().for_crate();
    let stand_in = if own.is_none() {
        AccountKey::generate()?.signing().for_crate()
    } else {
        None
    };
    let Some(pkcs8) = own.or(stand_in) else {
        return Err(AcmeError::Key("it cannot be written as PKCS#8".to_owned()));
    };
    Account::builder_with_http(Box::new(layer))
        .from_parts(
            url.to_owned(),
            PrivatePkcs8KeyDer::from(pkcs8.as_ref()),
            directory.to_owned(),
        )
        .await
        .map_err(|error| unsent(Some(error), directory))
}

impl Client {
    /// Asks until there is an answer that stands.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<HttpAnswer, AcmeError> {
        self.ask_unless(ask, |_| false).await
    }

    /// The same; a problem of which `stands` says so is not asked about again, whatever its status. When the CA does not know the
    /// account by its URL, the account is looked for by its key, and asked for again where it is.
    pub(super) async fn ask_unless(
        &self,
        ask: &Ask<'_>,
        stands: impl Fn(&Problem) -> bool,
    ) -> Result<HttpAnswer, AcmeError> {
        let before = self.account_url();
        let error = match self.until_it_stands(ask, &stands).await {
            Err(error) if error.problem().is_some_and(&stands) => return Err(error),
            Err(error) if error.may_be_about_account() || (ask.is_to_account() && error.leads_nowhere()) => error,
            answered => return answered,
        };
        match self.look_for_account(before).await {
            Sought::Elsewhere => self.until_it_stands(ask, &stands).await,
            Sought::Nowhere => Err(AcmeError::NoAccount {
                said: error.to_string(),
            }),
            Sought::NothingNew => Err(error),
        }
    }

    async fn until_it_stands(&self, ask: &Ask<'_>, stands: impl Fn(&Problem) -> bool) -> Result<HttpAnswer, AcmeError> {
        let once = |nonce| self.once(ask, nonce);
        self.acme().call(ask.url(self)?, once, stands).await
    }

    async fn once(&self, ask: &Ask<'_>, nonce: String) -> Result<HttpAnswer, AcmeError> {
        let account = self.account_of_crate().await?.clone();
        let foreign = self.key().algorithm() != ALGORITHM;
        let exchange = Exchange {
            url: ask.url(self)?.to_owned(),
            nonce,
            known: ask.known(),
            signer: foreign.then(|| (self.key().clone(), self.account_url().to_owned())),
            outcome: Mutex::default(),
        };
        exchange.of(Box::pin(ask.by(account))).await
    }
}

impl Acme {
    /// Makes the account of a key, or finds the one that it has; without contacts and bindings, which instant-acme cannot say of a key
    /// that it has not made. `None` where it cannot sign with this key.
    pub(super) async fn new_account(
        &self,
        key: &AccountKey,
        only_existing: bool,
    ) -> Option<Result<HttpAnswer, AcmeError>> {
        if key.algorithm() != ALGORITHM {
            return None;
        }
        let url = match self.directory().new_account() {
            Ok(url) => url,
            Err(error) => return Some(Err(error)),
        };
        let once = |nonce| self.new_account_once(key, url, only_existing, nonce);
        Some(self.call(url, once, |_| false).await)
    }

    async fn new_account_once(
        &self,
        key: &AccountKey,
        url: &str,
        only_existing: bool,
        nonce: String,
    ) -> Result<HttpAnswer, AcmeError> {
        let pkcs8 = key.signing().for_crate();
        let exchange = Exchange {
            url: url.to_owned(),
            nonce,
            known: Vec::new(),
            signer: None,
            outcome: Mutex::default(),
        };
        let work = Box::pin(async {
            let pkcs8 = pkcs8.as_ref().map(AsRef::as_ref).unwrap_or_default();
            let key = Key::from_pkcs8_der(PrivatePkcs8KeyDer::from(pkcs8))?;
            // The bytes go into credentials that nobody gets: none are left about.
            let key = (key, PrivateKeyDer::from(PrivatePkcs8KeyDer::from(Vec::new())));
            let builder = Account::builder_with_http(Box::new(self.layer().clone()));
            let directory = self.directory_url().to_owned();
            if only_existing {
                builder.from_key(key, directory).await.map(drop)
            } else {
                builder.create_from_key(key, directory).await.map(drop)
            }
        });
        exchange.of(work).await
    }
}
