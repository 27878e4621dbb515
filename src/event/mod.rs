//! The events of an issuance, reported as they happen. Progress lines, the JSON log and Kubernetes Events are views of
//! them.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{
    name::Name,
    object::{Key, Seconds},
};

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Something is left out.
    Warning,
    /// Something failed.
    Error,
}

/// The method by which a name is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By a file that the CA fetches from port 80 (RFC 8555, section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// By a TXT record (RFC 8555, section 8.4).
    #[serde(rename = "dns-01")]
    Dns01,
    /// By a TXT record that stays (draft-ietf-acme-dns-persist).
    #[serde(rename = "dns-persist-01")]
    DnsPersist01,
}

impl Method {
    /// The challenge type as ACME spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::DnsPersist01 => "dns-persist-01",
        }
    }

    /// The method that ACME spells so; `None` if it is none of these.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Http01, Self::Dns01, Self::DnsPersist01];
        all.into_iter().find(|method| method.as_str() == word)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventKind {
    /// The certificate waits for its turn, or for another order that validates one of its hosts.
    Waiting {
        /// The reason: a fragment such as "another order of this run validates shop.example".
        reason: String,
    },
    /// The run has locked the Secret, so that no other run works on it.
    Leased {
        /// The lock: `Lease shop/kubectl-certs-5d1f`.
        place: String,
    },
    /// An order was made or continued.
    Ordered {
        /// The URL of the order.
        url: String,
        /// The names of the order.
        names: Vec<Name>,
        /// Whether an order of an earlier run is continued.
        resumed: bool,
    },
    /// The CA refused to count the order as a renewal, and the order was made without that.
    ReplacesRefused {
        /// The message of the CA.
        detail: String,
    },
    /// The answer to a challenge has been put in place.
    Presented {
        /// The name.
        name: Name,
        /// The method.
        method: Method,
        /// The place: a URL, or the name of the record and the zone.
        place: String,
    },
    /// The answer has been seen as the CA will see it.
    SelfChecked {
        /// The name.
        name: Name,
        /// The method.
        method: Method,
        /// Where it was seen: an address, or name servers.
        seen: Vec<String>,
    },
    /// The CA has been asked to validate.
    Asked {
        /// The name.
        name: Name,
    },
    /// The CA has validated the name.
    Validated {
        /// The name.
        name: Name,
        /// Whether it was valid before this run.
        already: bool,
    },
    /// A challenge failed.
    ChallengeFailed {
        /// The name.
        name: Name,
        /// The reason in words: the message of the CA, or the result of the self-check.
        detail: String,
    },
    /// The certificate has been issued.
    Issued {
        /// The SHA-256 of the leaf, in hexadecimal.
        sha256: String,
        /// The end of its validity, in seconds since 1970.
        not_after: Seconds,
        /// The short form of the issuer.
        issuer: String,
    },
    /// The certificate has been stored.
    Stored {
        /// The place: `Secret shop/shop-tls`, or a file.
        place: String,
    },
    /// A workload has been restarted.
    Restarted {
        /// The workload: `deployment/web`.
        workload: String,
    },
    /// A host serves the new certificate.
    Served {
        /// The host.
        host: String,
        /// The time since the certificate was stored, in milliseconds.
        after_ms: u64,
    },
    /// Objects or records that a solver or this run had made have been removed.
    CleanedUp {
        /// The number of objects and records.
        count: usize,
    },
    /// Something worth knowing that changes nothing.
    Note {
        /// The text.
        text: String,
    },
    /// The issuance was successful.
    Done,
    /// The issuance was successful for the other names. These new ones failed, and are not in the certificate.
    LeftOut {
        /// The names.
        names: Vec<Name>,
        /// The reason in one line.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Nothing was ordered: a name does not resolve yet, or others had failed in the same way before, and the user
    /// decided not to continue.
    NotStarted {
        /// The reason in one line.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The issuance failed.
    Failed {
        /// The error in one line.
        error: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl EventKind {
    /// Whether the event is the last one for the certificate. If so, true if the certificate was issued, possibly
    /// without some names.
    pub fn ends(&self) -> Option<bool> {
        match self {
            Self::Done | Self::LeftOut { .. } => Some(true),
            Self::Failed { .. } | Self::NotStarted { .. } => Some(false),
            _ => None,
        }
    }
}

/// What happened, and to the certificate of which Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The Secret (or the Secret in the file) that the certificate is for; `None` for an event of the whole run.
    pub secret: Option<Key>,
    /// What happened.
    pub kind: EventKind,
}

/// A receiver of events.
pub trait Listen: Send + Sync {
    /// Called for each event, in the order in which the events of one certificate happen. Must not block.
    fn hear(&self, event: &Event);
}

/// Sends events of one certificate to a receiver. Cheap to clone.
#[derive(Clone)]
pub struct Teller {
    secret: Option<Key>,
    listener: Arc<dyn Listen>,
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller")
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// Hears some events alone.
struct Only {
    tells: fn(&EventKind) -> bool,
    listener: Arc<dyn Listen>,
}

impl Listen for Only {
    fn hear(&self, event: &Event) {
        if (self.tells)(&event.kind) {
            self.listener.hear(event);
        }
    }
}

/// Ignores all events.
struct Deaf;

impl Listen for Deaf {
    fn hear(&self, _: &Event) {}
}

impl Teller {
    /// Makes a teller for `listener`, without a certificate.
    pub fn new(listener: Arc<dyn Listen>) -> Self {
        Self { secret: None, listener }
    }

    /// Makes a teller without a receiver.
    pub fn silent() -> Self {
        Self::new(Arc::new(Deaf))
    }

    /// Makes a teller for the same receiver and the certificate of a Secret.
    #[must_use]
    pub fn about(&self, secret: Key) -> Self {
        Self {
            secret: Some(secret),
            listener: Arc::clone(&self.listener),
        }
    }

    /// Makes a teller for the same receiver that tells only these events.
    #[must_use]
    pub fn only(&self, tells: fn(&EventKind) -> bool) -> Self {
        let listener = Arc::clone(&self.listener);
        Self {
            secret: self.secret.clone(),
            listener: Arc::new(Only { tells, listener }),
        }
    }

    /// The Secret of the certificate.
    pub fn secret(&self) -> Option<&Key> {
        self.secret.as_ref()
    }

    /// Sends an event.
    pub fn tell(&self, kind: EventKind) {
        self.listener.hear(&Event {
            secret: self.secret.clone(),
            kind,
        });
    }
}
