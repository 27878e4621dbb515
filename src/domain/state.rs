//! Where a host stands, in one of twelve words, with the reason and the next step in words that help a customer.

mod words;

use serde::{Deserialize, Serialize};

use super::{Access, Looked, Record, Said, Tenant, ToSet, access};
use crate::{event::Method, object::Seconds, text::date_time};

/// Where a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is registered, and the application has not said yes yet.
    Asked,
    /// The application says that it is nobody's.
    Refused,
    /// A DNS record is missing.
    Dns,
    /// The CA looks at the proof.
    Validating,
    /// The certificate is being made.
    Issuing,
    /// The certificate is there.
    Active,
    /// The certificate is there, and the next one is being made.
    Renewing,
    /// Another tenant has asked for it.
    Moved,
    /// Somebody has paused it.
    Paused,
    /// A limit of the CA leaves nothing.
    Limited,
    /// A rule of the platform keeps it from being ordered.
    Blocked,
    /// It has left.
    Released,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Asked,
        Self::Refused,
        Self::Dns,
        Self::Validating,
        Self::Issuing,
        Self::Active,
        Self::Renewing,
        Self::Moved,
        Self::Paused,
        Self::Limited,
        Self::Blocked,
        Self::Released,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Refused => "refused",
            Self::Dns => "dns",
            Self::Validating => "validating",
            Self::Issuing => "issuing",
            Self::Active => "active",
            Self::Renewing => "renewing",
            Self::Moved => "moved",
            Self::Paused => "paused",
            Self::Limited => "limited",
            Self::Blocked => "blocked",
            Self::Released => "released",
        }
    }

    /// The state with this word; `None` if there is none.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a customer is told of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Where it stands.
    pub state: State,
    /// Why, as a sentence.
    pub reason: String,
    /// What the customer or the platform does next, as a sentence.
    pub next: String,
    /// When it goes on by itself, in seconds since 1970; `None` if time alone changes nothing.
    pub until: Option<Seconds>,
    /// The first light: whether there is a certificate that is valid now.
    pub certificate: bool,
    /// The second light: whether it was seen served; `None` if nobody has looked.
    pub served: Option<bool>,
}

/// Whether the controller may order a certificate for the host: the application has said yes, the records that are needed
/// are there, and nothing keeps it.
///
/// A host with a certificate goes on being renewed whatever the application says, until it is released. One that a rule of the
/// platform holds is permitted: otherwise nobody would look whether the rule still does.
pub fn is_permitted(record: &Record) -> bool {
    let is_kept = record.released.is_some() || record.paused.is_some();
    !is_kept && is_wanted(record) && record.dns.as_ref().is_some_and(Looked::is_enough)
}

fn is_wanted(record: &Record) -> bool {
    record.pair.is_some() || record.asked.as_ref().is_some_and(|asked| asked.said == Said::Yes)
}

impl Looked {
    /// How a CA is shown that the name is the customer's; `None` if it cannot be. A record that stays is used wherever it is, because
    /// it needs nothing of anybody; otherwise a host is proved over HTTP as soon as clients are led here.
    pub fn proof(&self) -> Option<Method> {
        match (self.standing, self.traffic, self.challenge) {
            (true, ..) => Some(Method::DnsPersist01),
            (false, true, _) => Some(Method::Http01),
            (false, false, true) => Some(Method::Dns01),
            (false, false, false) => None,
        }
    }

    /// Whether a certificate can be ordered.
    pub fn is_enough(&self) -> bool {
        (self.traffic || self.challenge) && self.ownership != Some(false)
    }
}

/// What the owner of a host is told of it at a moment in seconds since 1970.
pub fn state(record: &Record, now: Seconds) -> Told {
    let certificate = record
        .pair
        .as_ref()
        .is_some_and(|pair| (pair.not_before..=pair.not_after).contains(&now));
    let (state, reason, next, until) = words::stands(record, certificate);
    Told {
        state,
        reason,
        next,
        until: until.filter(|until| *until > now && *until < Seconds::MAX),
        certificate,
        served: record.served.as_ref().map(|served| served.present),
    }
}

/// What a tenant is told of a host that it has asked for: of its own, [`state`]; of another tenant's, when and how it may have
/// it, and nothing else. `proof` is the record by which it shows that it controls the name.
pub fn state_for(record: &Record, tenant: &Tenant, proof: &ToSet, now: Seconds) -> Told {
    let (reason, next, until) = match access(record, tenant, now) {
        Access::Own => return state(record, now),
        Access::Free => (
            "The host was another tenant's, and is free.",
            "Register it again.".to_owned(),
            None,
        ),
        Access::Kept { until: Some(until) } => (
            "The host belongs to another tenant, or did until lately.",
            format!(
                "Set the record {proof} to have it at once, or wait until {}.",
                date_time(until)
            ),
            Some(until),
        ),
        Access::Kept { until: None } => (
            "The host belongs to another tenant.",
            format!("Set the record {proof} to have it at once, or have it released."),
            None,
        ),
    };
    Told {
        state: State::Moved,
        reason: reason.to_owned(),
        next,
        until,
        certificate: false,
        served: None,
    }
}

#[cfg(test)]
mod tests;
