//! Orders, authorizations and challenges (RFC 8555, sections 7.1.3 to 7.1.5, 7.4 and 7.5).

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{
    client::Client, engine::Ask, error::AcmeError, http::HttpAnswer, poll::Wish, problem::Problem, renewal::CertId,
};
use crate::{clock::Pauses, name::Name, object::Seconds, text::parse_time};

mod read;

pub use read::Token;

/// How long an order whose authorizations are all valid may take to become ready.
const READY: Duration = Duration::from_secs(10);
/// The waits before an order is finalized again that was refused as not ready although it says that it is.
const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(1);

/// How far an order is (RFC 8555, section 7.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Not all of its names are proved.
    Pending,
    /// It waits for the certificate request.
    Ready,
    /// The CA makes the certificate.
    Processing,
    /// The certificate is there.
    Valid,
    /// It has failed.
    Invalid,
    /// Something that RFC 8555 does not know.
    #[serde(other)]
    Unknown,
}

/// How far an authorization is (RFC 8555, section 7.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationStatus {
    /// The name is not proved yet.
    Pending,
    /// It is: no action is needed.
    Valid,
    /// It failed.
    Invalid,
    /// Its owner has ended it.
    Deactivated,
    /// It is too old.
    Expired,
    /// The CA has ended it.
    Revoked,
    /// Something that RFC 8555 does not know.
    #[serde(other)]
    Unknown,
}

/// How far a challenge is (RFC 8555, section 7.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChallengeStatus {
    /// The CA waits to be told to look.
    Pending,
    /// The CA is looking.
    Processing,
    /// It passed.
    Valid,
    /// It failed.
    Invalid,
    /// Something that RFC 8555 does not know.
    #[serde(other)]
    Unknown,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its URL: what to keep for going on with it.
    pub url: String,
    /// How far it is.
    pub status: OrderStatus,
    /// Until when it may be used.
    pub expires: Option<Seconds>,
    /// What it is for, in the server's order.
    pub names: Vec<Name>,
    /// The URLs of its authorizations.
    pub authorizations: Vec<String>,
    /// Where the certificate request goes; needed until it has been sent.
    pub finalize: Option<String>,
    /// Where the certificate is, once it is valid.
    pub certificate: Option<String>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// The certificate that it says to replace (RFC 9773).
    pub replaces: Option<String>,
    /// Its profile.
    pub profile: Option<String>,
}

/// What an order asks for besides names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderOptions {
    /// A profile of the CA.
    pub profile: Option<String>,
    /// The certificate of this account and this CA that the new one replaces.
    pub replaces: Option<CertId>,
}

/// What proves one name of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Its URL.
    pub url: String,
    /// The name; of a wildcard the bare domain.
    pub name: Name,
    /// Whether it is for the wildcard below the name.
    pub wildcard: bool,
    /// How far it is. A valid one needs no challenge.
    pub status: AuthorizationStatus,
    /// Until when it holds.
    pub expires: Option<Seconds>,
    /// The ways to prove the name; of these, only HTTP-01 and DNS-01 have a token.
    pub challenges: Vec<Challenge>,
}

/// How a challenge is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChallengeKind {
    /// By a file on port 80 (RFC 8555, section 8.3).
    Http01,
    /// By a TXT record (RFC 8555, section 8.4).
    Dns01,
    /// By a TXT record that stays (draft-ietf-acme-dns-persist).
    DnsPersist01,
    /// In another way, which is not answered here.
    Other(String),
}

impl fmt::Display for ChallengeKind {
    /// As ACME spells it; not cleared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::DnsPersist01 => "dns-persist-01",
            Self::Other(kind) => kind,
        })
    }
}

/// One way to prove a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Which way.
    pub kind: ChallengeKind,
    /// Its URL.
    pub url: String,
    /// What the answer begins with, checked. Only HTTP-01 and DNS-01 have one.
    pub token: Option<Token>,
    /// By which domains a record of DNS-PERSIST-01 names the CA; of other kinds none.
    pub issuers: Vec<String>,
    /// How far it is.
    pub status: ChallengeStatus,
    /// Why it failed.
    pub error: Option<Problem>,
}

impl Authorization {
    /// What it was ordered for: the name, or the wildcard below it.
    pub fn ordered(&self) -> Name {
        match &self.name {
            Name::Dns(base) if self.wildcard => Name::Wildcard(base.clone()),
            name => name.clone(),
        }
    }

    /// The challenge of a kind, if it is offered.
    pub fn challenge(&self, kind: &ChallengeKind) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.kind == *kind)
    }

    /// A challenge as it is in this authorization now.
    pub fn now(&self, challenge: &Challenge) -> Option<&Challenge> {
        let same = |one: &&Challenge| one.kind == challenge.kind && one.url == challenge.url;
        self.challenges
            .iter()
            .find(same)
            .or_else(|| self.challenge(&challenge.kind))
    }

    /// Why it failed: what the CA said of the challenge that it looked at.
    pub fn failure(&self) -> Option<&Problem> {
        let errors = || self.challenges.iter().filter(|c| c.error.is_some());
        let failed = errors().find(|c| c.status == ChallengeStatus::Invalid);
        failed.or_else(|| errors().next())?.error.as_ref()
    }
}

impl Client {
    /// Orders a certificate. Names that a wildcard among them covers have to be left out before.
    ///
    /// The order may be ready or valid already: CAs hand out unfinished orders again. `replaces` is left out at a CA
    /// without renewal information.
    ///
    /// # Errors
    ///
    /// [`AcmeError::ReplacesRefused`] when the CA does not take `replaces`, for whatever reason. Whether to order without
    /// it is for the caller to say, because such an order counts towards more limits.
    pub async fn new_order(&self, names: &[Name], options: &OrderOptions) -> Result<Order, AcmeError> {
        let directory = self.acme().directory();
        if let Some(profile) = &options.profile {
            let known = &directory.meta.profiles;
            if !known.contains_key(profile) {
                return Err(AcmeError::UnknownProfile {
                    profile: profile.clone(),
                    known: known.keys().cloned().collect(),
                });
            }
        }
        let asked = |replaces| Ask::Order {
            names,
            profile: options.profile.as_deref(),
            replaces,
        };
        let replaces = options.replaces.as_ref().filter(|_| directory.renewal_info.is_some());
        if replaces.is_some() {
            match self.ask_unless(&asked(replaces), says_replaces).await {
                Ok(answer) => return ordered(&answer),
                Err(AcmeError::Refused { problem, .. }) if may_be_about_replaces(&problem) => {
                    return Err(AcmeError::ReplacesRefused { problem });
                }
                Err(error) => return Err(error),
            }
        }
        ordered(&self.ask(&asked(None)).await?)
    }

    /// An order as it is now.
    pub async fn order(&self, url: &str) -> Result<Order, AcmeError> {
        Order::of(&self.ask(&Ask::Read(url)).await?, url)
    }

    /// An authorization as it is now.
    pub async fn authorization(&self, url: &str) -> Result<Authorization, AcmeError> {
        Authorization::of(&self.ask(&Ask::Read(url)).await?)
    }

    /// What answers a challenge: its token, a dot, and the thumbprint of the account's key (RFC 8555, section 8.1). It
    /// is published, and no secret.
    pub fn key_authorization(&self, token: &Token) -> String {
        format!("{}.{}", token.as_str(), self.thumbprint())
    }

    /// Tells the CA that a challenge's answer can be looked at (RFC 8555, section 7.5.1).
    pub async fn respond(&self, challenge: &Challenge) -> Result<(), AcmeError> {
        if challenge.url.is_empty() {
            return Err(AcmeError::NotOffered("an answer to this challenge: it has no URL"));
        }
        self.ask(&Ask::Look(challenge)).await.map(drop)
    }

    /// Waits until an authorization is no longer pending, and returns it as it is then: look at its status. Asks at
    /// once, and then more and more seldom. Fails with [`AcmeError::StillWaiting`] after `limit`. What the CA wishes for meanwhile is in
    /// `wish`.
    pub async fn wait_authorization(
        &self,
        url: &str,
        limit: Duration,
        wish: &Wish,
    ) -> Result<Authorization, AcmeError> {
        self.poll("authorization", url, limit, wish, |answer| {
            let authorization = Authorization::of(answer)?;
            let waits = authorization.status == AuthorizationStatus::Pending;
            Ok((authorization, waits.then(|| "pending".to_owned())))
        })
        .await
    }

    /// Waits until an order is no longer pending: its names have been proved, or one of them failed.
    pub async fn wait_ready(&self, url: &str, limit: Duration, wish: &Wish) -> Result<Order, AcmeError> {
        self.wait_while(url, limit, wish, OrderStatus::Pending, "pending").await
    }

    /// Waits until an order is no longer processing: it is valid then, or invalid. Fails with
    /// [`AcmeError::StillWaiting`] after `limit`.
    pub async fn wait_order(&self, url: &str, limit: Duration, wish: &Wish) -> Result<Order, AcmeError> {
        self.wait_while(url, limit, wish, OrderStatus::Processing, "processing")
            .await
    }

    /// Sends the certificate request (DER, PKCS #10) of an order that is ready (RFC 8555, section 7.4), and returns the
    /// order as it is then: processing, valid or invalid.
    ///
    /// When the CA says that it is not ready, the order is fetched again: it may have been finalized by a request whose
    /// answer was lost, or by an earlier run, or be ready in a moment. Some CAs call it ready before it can be finalized.
    pub async fn finalize(&self, order: &Order, csr_der: &[u8]) -> Result<Order, AcmeError> {
        let Some(url) = &order.finalize else {
            let reason = "it does not say where the certificate request goes (finalize)";
            return Err(AcmeError::malformed(&order.url, reason));
        };
        let ask = Ask::Finalize { url, csr: csr_der };
        let began = Instant::now();
        for refused in 0.. {
            let not_ready = match self.ask(&ask).await {
                Ok(answer) => return Order::of(&answer, &order.url),
                Err(error) if error.is("orderNotReady") => error,
                Err(error) => return Err(error),
            };
            if began.elapsed() >= READY {
                return Err(not_ready);
            }
            if refused > 0 {
                sleep(Pauses::doubling(SOON, LATER).nth(refused)).await;
            }
            let now = self.wait_ready(&order.url, READY, &Wish::default()).await?;
            if now.status != OrderStatus::Ready {
                return Ok(now);
            }
        }
        self.order(&order.url).await
    }

    async fn wait_while(
        &self,
        url: &str,
        limit: Duration,
        wish: &Wish,
        status: OrderStatus,
        word: &'static str,
    ) -> Result<Order, AcmeError> {
        self.poll("order", url, limit, wish, |answer| {
            let order = Order::of(answer, url)?;
            let waits = order.status == status;
            Ok((order, waits.then(|| word.to_owned())))
        })
        .await
    }
}

fn ordered(answer: &HttpAnswer) -> Result<Order, AcmeError> {
    let Some(url) = &answer.location else {
        return Err(AcmeError::malformed(&answer.url, "it does not say where the order is"));
    };
    Order::of(answer, url)
}

/// Some CAs (Pebble) say with a 500 that they do not know what is to be replaced: asking again does not help.
fn says_replaces(problem: &Problem) -> bool {
    let about = ["certificate", "replace", "existing order"];
    problem.is("serverInternal") && about.iter().any(|word| problem.detail.contains(word))
}

/// CAs refuse `replaces` with several types of error; these are the ones that cannot be about the names or the account.
fn may_be_about_replaces(problem: &Problem) -> bool {
    let by_type = [
        "alreadyReplaced",
        "malformed",
        "unauthorized",
        "conflict",
        "serverInternal",
    ];
    problem.subproblems.is_empty() && (by_type.contains(&problem.short()) || problem.detail.contains("replace"))
}

fn time(text: Option<&str>) -> Option<Seconds> {
    text.and_then(parse_time)
}

#[cfg(test)]
mod tests;
