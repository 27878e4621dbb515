//! What happens during an issuance, told as it happens. Progress lines, the JSON log and Kubernetes Events are views of it.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{
    name::Name,
    object::{Key, Seconds},
};

/// How bad a line that is told is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Something is left out.
    Warning,
    /// Something failed.
    Error,
}

/// How a name is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By a file that the CA fetches from port 80 (RFC 8555, section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// By a TXT record (RFC 8555, section 8.4).
    #[serde(rename = "dns-01")]
    Dns01,
}

impl Method {
    /// The challenge type as RFC 8555 spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventKind {
    /// It waits for its turn, or for another order that validates one of its hosts.
    Waiting {
        /// For what: a fragment such as "another order of this run validates shop.example".
        reason: String,
    },
    /// Nobody else works on the Secret from here on.
    Leased {
        /// By what: `Lease shop/kubectl-certs-5d1f`.
        place: String,
    },
    /// An order is there.
    Ordered {
        /// The order's URL.
        url: String,
        /// What it is for.
        names: Vec<Name>,
        /// Whether it goes on with an order of an earlier run.
        resumed: bool,
    },
    /// The CA refused to count the order as a renewal, and it was made without that.
    ReplacesRefused {
        /// What the CA said.
        detail: String,
    },
    /// A challenge's answer has been put in place.
    Presented {
        /// The name.
        name: Name,
        /// How.
        method: Method,
        /// Where: a URL, or the record's name and the zone.
        place: String,
    },
    /// The answer has been seen as the CA will see it.
    SelfChecked {
        /// The name.
        name: Name,
        /// How.
        method: Method,
        /// Where it was seen: an address, or name servers.
        seen: Vec<String>,
    },
    /// The CA has been asked to look.
    Asked {
        /// The name.
        name: Name,
    },
    /// The CA accepts the name.
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
        /// Why, in words: what the CA said, what the self-check saw.
        detail: String,
    },
    /// The certificate is here.
    Issued {
        /// SHA-256 of the leaf, in hexadecimal.
        sha256: String,
        /// Until when it is valid.
        not_after: Seconds,
        /// The issuer in short.
        issuer: String,
    },
    /// It has been written.
    Stored {
        /// Where: `Secret shop/shop-tls`, or a file.
        place: String,
    },
    /// A workload has been restarted.
    Restarted {
        /// Which: `deployment/web`.
        workload: String,
    },
    /// A host serves the new certificate.
    Served {
        /// The host.
        host: String,
        /// How long after it was stored.
        after_ms: u64,
    },
    /// What a solver or this run had made is gone.
    CleanedUp {
        /// How many objects and records.
        count: usize,
    },
    /// Something worth knowing that changes nothing.
    Note {
        /// The text.
        text: String,
    },
    /// It has ended well.
    Done,
    /// It has ended well for the other names: these new ones failed, and are not in the certificate.
    LeftOut {
        /// The names.
        names: Vec<Name>,
        /// Why: one line.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It was not begun: others had failed alike before it, and whoever was asked wanted no more.
    NotStarted {
        /// Why: one line.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It has ended badly.
    Failed {
        /// Why: one line.
        error: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl EventKind {
    /// Whether nothing more happens to the certificate after it; and then, whether it was issued as it was meant, or but for some
    /// names.
    pub fn ends(&self) -> Option<bool> {
        match self {
            Self::Done | Self::LeftOut { .. } => Some(true),
            Self::Failed { .. } | Self::NotStarted { .. } => Some(false),
            _ => None,
        }
    }
}

/// What happened, and to which Secret's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The Secret (or the file's Secret) that the certificate is for; `None` for what concerns the whole run.
    pub secret: Option<Key>,
    /// What happened.
    pub kind: EventKind,
}

/// Who wants to know.
pub trait Listen: Send + Sync {
    /// Called for each event, in the order in which they happen to one certificate. Must not block.
    fn hear(&self, event: &Event);
}

/// Tells events of one certificate. Cheap to clone.
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

/// Listens to nothing.
struct Deaf;

impl Listen for Deaf {
    fn hear(&self, _: &Event) {}
}

impl Teller {
    /// Tells `listener`, of no certificate in particular.
    pub fn new(listener: Arc<dyn Listen>) -> Self {
        Self { secret: None, listener }
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(Arc::new(Deaf))
    }

    /// The same listener, told of the certificate of a Secret.
    #[must_use]
    pub fn about(&self, secret: Key) -> Self {
        Self {
            secret: Some(secret),
            listener: Arc::clone(&self.listener),
        }
    }

    /// The Secret whose certificate it is about.
    pub fn secret(&self) -> Option<&Key> {
        self.secret.as_ref()
    }

    /// Tells what happened.
    pub fn tell(&self, kind: EventKind) {
        self.listener.hear(&Event {
            secret: self.secret.clone(),
            kind,
        });
    }
}
