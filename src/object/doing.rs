//! What a controller does with a certificate, as it has stored it for everybody to see.

use std::sync::Arc;

use super::{Key, Seconds, Text};

/// The labels of the `ConfigMap`s in which controllers store it, as a selector.
pub const STORED: &str = "app.kubernetes.io/managed-by=kubectl-certs,kubectl-certs.io/purpose=state";

/// Where a certificate stands with a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DoingState {
    /// It is not due.
    Scheduled,
    /// It is next, as soon as there is room.
    Ready,
    /// It is being ordered.
    Running,
    /// It failed, and is tried again.
    BackOff,
    /// Something is not there yet.
    Waiting,
    /// A limit leaves nothing.
    Limited,
    /// A rule keeps the controller from it.
    Held,
}

impl DoingState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Ready,
        Self::Running,
        Self::BackOff,
        Self::Waiting,
        Self::Limited,
        Self::Held,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::BackOff => "BackOff",
            Self::Waiting => "Waiting",
            Self::Limited => "Limited",
            Self::Held => "Held",
        }
    }

    /// The state with this word; `None` if there is none.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Something that happened after a certificate was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterStoring {
    /// When, in seconds since 1970: when the certificate was stored, if that is known.
    pub at: Seconds,
    /// What.
    pub message: Text,
    /// Whether workloads are still to be restarted for it.
    pub is_unrestarted: bool,
}

/// What a controller does with one certificate. Moments are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// The Secret.
    pub secret: Key,
    /// Where it stands.
    pub state: DoingState,
    /// Why it is wanted (`new`, `changed`, `renewal`); of [`DoingState::Held`] the rule.
    pub reason: Text,
    /// What failed, what is waited for, the limit, or the rule in words.
    pub message: Text,
    /// Since when it is being ordered, or has been failing.
    pub since: Option<Seconds>,
    /// When it goes on by itself; `None` if time alone changes nothing.
    pub until: Option<Seconds>,
    /// How many times it has failed in a row.
    pub failures: u32,
    /// What failed after the certificate was stored: a restart, or that it is served.
    pub after: Option<AfterStoring>,
    /// New names without which it was issued, and why.
    pub without: Option<Text>,
    /// When a certificate was first asked for that is not there; `None` for a renewal.
    pub asked: Option<Seconds>,
    /// The hash of the names that were ordered last, by which a controller knows whether others are wanted now.
    pub names: Option<Text>,
    /// When certificates for its names were issued within the last day, as far as that counts.
    pub issued: Vec<Seconds>,
    /// The issuer at which it is ordered in place of the controller's first one, and why.
    pub elsewhere: Option<(Text, Text)>,
    /// Why it could be ordered at no other issuer, if the first one were away; `None` if it could, or if there is no other.
    pub bound: Option<Text>,
}

impl Doing {
    /// Of a Secret of which there is nothing to say.
    pub fn of(secret: Key) -> Self {
        Self {
            secret,
            state: DoingState::Scheduled,
            reason: Text::default(),
            message: Text::default(),
            since: None,
            until: None,
            failures: 0,
            after: None,
            without: None,
            asked: None,
            names: None,
            issued: Vec::new(),
            elsewhere: None,
            bound: None,
        }
    }
}

/// Whether a controller orders at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Orders {
    /// It does.
    Allowed,
    /// Somebody has paused it.
    Paused {
        /// Since when, in seconds since 1970.
        since: Seconds,
        /// Why.
        reason: Text,
    },
    /// Nobody has told it to.
    #[default]
    Untold,
}

/// A controller, as it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// Its namespace.
    pub namespace: Text,
    /// Its id, which is on the Secrets that it claims.
    pub id: Text,
    /// The name of its issuer.
    pub issuer: Text,
    /// Whether it orders.
    pub orders: Orders,
    /// Since when its CA has been down, in seconds since 1970; `None` if it is not.
    pub ca_down_since: Option<Seconds>,
    /// The namespaces that it follows; `None` for all.
    pub follows: Option<Vec<Text>>,
    /// The rules for wildcards that it was told: the labels of the namespaces, the name and the Secret of each.
    pub wildcards: Vec<[Text; 3]>,
    /// What came of the last rehearsals of a change to other issuers.
    pub rehearsals: Vec<Rehearsal>,
    /// How many certificates there was no room for.
    pub left_out: usize,
}

/// What came of the last rehearsal of a change to another issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// The issuer.
    pub issuer: Text,
    /// When it was, in seconds since 1970.
    pub at: Seconds,
    /// Why it failed; `None` if it passed.
    pub failed: Option<Text>,
}

/// Whether a controller runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Heard {
    /// It does.
    Running,
    /// It does not.
    Gone {
        /// When it was last heard of, in seconds since 1970, if that is known.
        last: Option<Seconds>,
    },
    /// That may not be read.
    #[default]
    Unknown,
}

/// What one controller has stored of all certificates that are not healthy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredDoings {
    /// The controller.
    pub by: Installation,
    /// Whether it runs.
    pub heard: Heard,
    /// What it does, sorted by Secret.
    pub doings: Vec<Doing>,
}

/// What one controller does with one certificate, and whether it still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoingBy {
    /// The controller.
    pub by: Arc<Installation>,
    /// Whether it runs.
    pub heard: Heard,
    /// What it does.
    pub doing: Doing,
}

impl DoingBy {
    /// Whether the controller has anything to say of a Secret with this claim: of what another installation has claimed it
    /// has not.
    pub fn may_speak(&self, claim: Option<&str>) -> bool {
        claim.is_none_or(|claim| claim == self.by.id)
    }
}

/// What the controllers of a cluster have said of one Secret, as far as it concerns them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doings<'a> {
    all: &'a [DoingBy],
    claim: Option<&'a str>,
}

impl<'a> Doings<'a> {
    /// Of all that was said of a Secret, what those may say who have a claim to it.
    pub fn new(all: &'a [DoingBy], claim: Option<&'a str>) -> Self {
        Self { all, claim }
    }

    /// Each of them, by the namespaces of the controllers.
    pub fn iter(self) -> impl Iterator<Item = &'a DoingBy> {
        let claim = self.claim;
        self.all.iter().filter(move |one| one.may_speak(claim))
    }

    /// Whether nothing was said.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}
