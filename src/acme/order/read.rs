//! From JSON to orders and authorizations. What is not known is passed over; what would be used is checked.

use std::fmt;

use serde::Deserialize;

use super::{Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order, OrderStatus, time};
use crate::{
    acme::{
        error::AcmeError,
        http::HttpAnswer,
        lenient::{elements, or_default},
        problem::{Identifier, Problem},
    },
    name::Name,
};

/// The longest token that is taken. Those of CAs have 43 characters.
const LONGEST_TOKEN: usize = 200;
/// The most domains that may name a CA in a record of DNS-PERSIST-01 (draft-ietf-acme-dns-persist, "Challenge Object"):
/// a challenge with more is malformed, as is one with none.
const MOST_ISSUERS: usize = 10;

/// A challenge's token: base64url and nothing else (RFC 8555, section 8.1), so that it is safe in a path, a file's name
/// and a label (CVE-2026-40611).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// Checks a token: 1 to 200 characters of base64url.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=LONGEST_TOKEN).contains(&text.len());
        let clean = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (fits && clean).then(|| Self(text.to_owned()))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOrder {
    status: OrderStatus,
    #[serde(default, deserialize_with = "or_default")]
    expires: Option<String>,
    #[serde(default, deserialize_with = "elements")]
    identifiers: Vec<Identifier>,
    #[serde(default, deserialize_with = "elements")]
    authorizations: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    finalize: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    certificate: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    error: Option<Problem>,
    #[serde(default, deserialize_with = "or_default")]
    replaces: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    profile: Option<String>,
}

#[derive(Deserialize)]
struct RawAuthorization {
    status: AuthorizationStatus,
    identifier: Identifier,
    #[serde(default, deserialize_with = "or_default")]
    expires: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    wildcard: bool,
    #[serde(default, deserialize_with = "elements")]
    challenges: Vec<RawChallenge>,
}

#[derive(Deserialize)]
struct RawChallenge {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    url: String,
    #[serde(default, deserialize_with = "or_default")]
    status: Option<ChallengeStatus>,
    #[serde(default, deserialize_with = "or_default")]
    token: Option<String>,
    #[serde(default, rename = "issuer-domain-names", deserialize_with = "or_default")]
    issuers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    error: Option<Problem>,
}

fn name(identifier: &Identifier, answer: &HttpAnswer) -> Result<Name, AcmeError> {
    identifier
        .name()
        .ok_or_else(|| AcmeError::malformed(&answer.url, format!("{:?} is not a name", identifier.value)))
}

impl Order {
    pub(super) fn of(answer: &HttpAnswer, url: &str) -> Result<Self, AcmeError> {
        let raw: RawOrder = answer.json()?;
        let names = raw.identifiers.iter().map(|identifier| name(identifier, answer));
        Ok(Self {
            url: url.to_owned(),
            status: raw.status,
            expires: time(raw.expires.as_deref()),
            names: names.collect::<Result<_, _>>()?,
            authorizations: raw.authorizations,
            finalize: raw.finalize,
            certificate: raw.certificate,
            error: raw.error,
            replaces: raw.replaces,
            profile: raw.profile,
        })
    }
}

impl Authorization {
    pub(in crate::acme) fn of(answer: &HttpAnswer) -> Result<Self, AcmeError> {
        let raw: RawAuthorization = answer.json()?;
        // The name is the bare domain; some servers write the star nevertheless.
        let (name, wildcard) = match name(&raw.identifier, answer)? {
            Name::Wildcard(base) => (Name::Dns(base), true),
            name => (name, raw.wildcard),
        };
        let challenges = raw.challenges.into_iter().map(|raw| challenge(raw, answer));
        Ok(Self {
            url: answer.url.clone(),
            name,
            wildcard,
            status: raw.status,
            expires: time(raw.expires.as_deref()),
            challenges: challenges.collect::<Result<_, _>>()?,
        })
    }
}

fn challenge(raw: RawChallenge, answer: &HttpAnswer) -> Result<Challenge, AcmeError> {
    let kind = match raw.kind.as_str() {
        "http-01" => ChallengeKind::Http01,
        "dns-01" => ChallengeKind::Dns01,
        "dns-persist-01" => ChallengeKind::DnsPersist01,
        _ => ChallengeKind::Other(raw.kind),
    };
    let token = match (&kind, &raw.token) {
        (ChallengeKind::DnsPersist01 | ChallengeKind::Other(_), _) | (_, None) => None,
        (_, Some(text)) => {
            let token = Token::new(text);
            Some(token.ok_or_else(|| AcmeError::malformed(&answer.url, "a challenge's token is not base64url"))?)
        }
    };
    let issuers = if kind == ChallengeKind::DnsPersist01 {
        issuers(raw.issuers.unwrap_or_default())
    } else {
        Vec::new()
    };
    Ok(Challenge {
        kind,
        url: raw.url,
        token,
        issuers,
        status: raw.status.unwrap_or(ChallengeStatus::Pending),
        error: raw.error,
    })
}

/// The domains that may name the CA in a record. A list that is empty or too long is malformed, and names nobody: that
/// concerns this challenge, and none of the others that are offered beside it.
fn issuers(said: Vec<String>) -> Vec<String> {
    let is_domain = |name: &String| {
        let fits = (1..=253).contains(&name.len());
        fits && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    if said.len() > MOST_ISSUERS || !said.iter().all(is_domain) {
        return Vec::new();
    }
    said
}
