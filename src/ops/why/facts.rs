//! What is known of one host and one Secret, from the cluster alone.

use std::sync::Arc;

use serde_json::Value;

use super::declared::Declared;
use crate::{
    object::{
        Key, Seconds,
        doing::{DoingBy, Installation},
    },
    ops::pause::Told,
    text::parse_time,
};

/// Everything. Moments are in seconds since 1970; texts are not cleared for a terminal.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The moment.
    pub(super) now: Seconds,
    /// The host that was asked for.
    pub(super) host: String,
    /// The routes that have it.
    pub(super) routes: Vec<AskingRoute>,
    /// The Secret that they name for it; `None` if there is none.
    pub(super) secret: Option<Key>,
    /// Whether the certificate comes from something else than a Secret.
    pub(super) elsewhere: bool,
    /// The rule that holds it, in one word and in words.
    pub(super) hold: Option<(String, String)>,
    /// The controllers of the cluster.
    pub(super) controllers: Controllers,
    /// The wildcards that are declared for the Secret.
    pub(super) declared: Vec<Declared>,
    /// What they say that they do with the Secret.
    pub(super) doings: Vec<DoingBy>,
    /// Who holds the Lease of the Secret, so that an order is under way.
    pub(super) under_way: Option<Held>,
    /// When an order began that has left a journal.
    pub(super) journal: Option<Seconds>,
    /// What was said about it as Events.
    pub(super) events: Vec<Said>,
    /// What the Secret holds.
    pub(super) stored: Stored,
    /// The addresses of the host, or why there are none; `Err(None)` if it can have none.
    pub(super) resolves: Result<String, Option<String>>,
    /// What clients get.
    pub(super) served: Stands,
}

/// A route that has the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskingRoute {
    /// `Ingress shop/web`.
    pub(super) name: String,
    /// Its kind, as kubectl takes it.
    pub(super) kind: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// Its own name.
    pub(super) object: String,
    /// Whether it asks by the annotation.
    pub(super) asks: bool,
}

/// The controllers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Controllers {
    /// These, by namespace.
    Found(Vec<Controller>),
    /// They could not be looked for.
    Unread(String),
}

impl Controllers {
    /// The one that is meant: the first.
    pub(super) fn first(&self) -> Option<&Controller> {
        match self {
            Self::Found(all) => all.first(),
            Self::Unread(_) => None,
        }
    }
}

/// A controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Controller {
    /// Its namespace.
    pub(super) namespace: String,
    /// What it says of itself, if it has stored that and it may be read.
    pub(super) says: Option<Arc<Installation>>,
    /// What it was told, or why that is not known.
    pub(super) told: Result<Told, String>,
    /// Who leads, or why that is not known.
    pub(super) leader: Result<Option<Held>, String>,
}

/// Who holds a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Its identity.
    pub(super) who: String,
    /// Since when.
    pub(super) since: Seconds,
    /// When it ends unless it is renewed.
    pub(super) until: Seconds,
}

impl Held {
    /// Reads a Lease; `None` if nobody holds it.
    pub(super) fn of(lease: &Value) -> Option<Self> {
        let spec = &lease["spec"];
        let time = |field: &str| parse_time(spec[field].as_str()?);
        let who = spec["holderIdentity"].as_str().filter(|who| !who.is_empty())?;
        let renewed = time("renewTime")?;
        Some(Self {
            who: who.to_owned(),
            since: time("acquireTime").unwrap_or(renewed),
            until: renewed.saturating_add(spec["leaseDurationSeconds"].as_i64().unwrap_or(40).clamp(1, 3_600)),
        })
    }
}

/// An Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// When it was last said.
    pub(super) at: Seconds,
    /// Its reason.
    pub(super) reason: String,
    /// Its message.
    pub(super) message: String,
    /// How often.
    pub(super) count: u32,
    /// Whether it tells of a failure.
    pub(super) is_failure: bool,
}

/// What a Secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    /// There is no such Secret.
    Absent,
    /// It may not be read.
    Unread(String),
    /// It holds nothing that can be served.
    Unusable(String),
    /// A certificate.
    Certificate {
        /// Its names.
        names: String,
        /// Whether one of them is the host's.
        covers: bool,
        /// Its first second.
        not_before: Seconds,
        /// Its last second.
        not_after: Seconds,
        /// When the controller renews it.
        due_at: Option<Seconds>,
    },
}

impl Stored {
    /// Whether clients can be served with it now.
    pub(super) fn is_good(&self, now: Seconds) -> bool {
        match self {
            Self::Certificate {
                covers,
                not_before,
                not_after,
                ..
            } => *covers && (*not_before..=*not_after).contains(&now),
            _ => false,
        }
    }
}

/// What clients get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stands {
    /// What is stored, at these addresses.
    Good(String),
    /// Something else, or nothing.
    Bad(String),
    /// It could not be asked.
    Unknown(String),
}
