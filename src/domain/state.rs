//! Where a host stands, in one of twelve words, with the reason and the next step in words that help a customer.

use serde::{Deserialize, Serialize};

use super::{Looked, OrderState, Record, Said};
use crate::{object::Seconds, text::date_time};

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
pub fn is_permitted(record: &Record) -> bool {
    let kept = record.released.is_some() || record.paused.is_some();
    let blocked = matches!(record.order, Some(OrderState::Blocked { .. }));
    !kept && !blocked && is_wanted(record) && record.dns.as_ref().is_some_and(Looked::is_enough)
}

/// Whether the application wants the certificate, as far as is known: no answer at a renewal changes nothing.
fn is_wanted(record: &Record) -> bool {
    match record.asked.as_ref().map(|asked| (&asked.said, asked.renewal)) {
        Some((Said::Yes, _)) => true,
        // A 404 at a renewal only marks.
        Some((Said::NotNow(_) | Said::No, true)) => record.pair.is_some(),
        Some((Said::NotNow(_) | Said::No, false)) | None => false,
    }
}

impl Looked {
    /// Whether a certificate can be ordered.
    pub fn is_enough(&self) -> bool {
        (self.traffic || self.challenge) && self.ownership != Some(false)
    }
}

/// What a customer is told of a host at a moment in seconds since 1970.
pub fn state(record: &Record, now: Seconds) -> Told {
    let certificate = record
        .pair
        .as_ref()
        .is_some_and(|pair| (pair.not_before..=pair.not_after).contains(&now));
    let (state, reason, next, until) = stands(record, now, certificate);
    Told {
        state,
        reason,
        next,
        until,
        certificate,
        served: record.served.as_ref().map(|served| served.present),
    }
}

type Stands = (State, String, String, Option<Seconds>);

fn stands(record: &Record, now: Seconds, certificate: bool) -> Stands {
    if let Some(at) = record.released {
        let reason = format!("It was released at {}.", date_time(at));
        return (
            State::Released,
            reason,
            "Register it again if it is to be served.".to_owned(),
            None,
        );
    }
    let later = |until: Seconds| Some(until).filter(|until| *until > now);
    if record.asked.is_none() {
        let reason = "It is registered, and the application has not been asked yet.".to_owned();
        return (
            State::Asked,
            reason,
            "Nothing has to be done.".to_owned(),
            later(record.due),
        );
    }
    let state = if certificate { State::Active } else { State::Dns };
    (state, String::new(), String::new(), later(record.due))
}
