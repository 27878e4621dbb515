//! One line of a status: what every format is made from. Borrows from the inventory.

use crate::{
    check::{Fact, Finding, Renewer, Severity, finding},
    object::{Forbidden, Key, Kind, Reach, Seconds, Text},
    x509::{Certificate, Fingerprint},
};

/// The state of a binding: its worst finding that counts, or that it could not be read.
///
/// Ordered by how soon somebody should look: `Healthy < Info < Unknown < Warning < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Nothing is wrong.
    Healthy,
    /// Something is worth knowing.
    Info,
    /// It could not be read.
    Unknown,
    /// Clients will fail, or some do.
    Warning,
    /// Clients fail now.
    Critical,
}

impl Status {
    /// The word that reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl From<Severity> for Status {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// What the Secret that is named holds.
    Stored,
    /// What the controller is known to do where that Secret does not decide: it is missing, or another certificate is served.
    Model,
    /// What an address of the route has served.
    Served,
}

impl Evidence {
    /// The word that reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Model => "model",
            Self::Served => "served",
        }
    }
}

/// How what was served compares with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compared {
    /// Every address serves the certificate that is stored.
    Stored,
    /// Another certificate is served at one address at least.
    Another,
    /// Some addresses serve the one that is stored, and others none.
    Partly,
    /// No address serves a certificate.
    Nothing,
    /// Certificates are served, and what is stored is not known.
    NotCompared,
}

impl Compared {
    /// The word that reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Another => "another",
            Self::Partly => "partly",
            Self::Nothing => "nothing",
            Self::NotCompared => "not-compared",
        }
    }
}

/// What the addresses of a route answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedAnswer {
    /// How it compares.
    pub compared: Compared,
    /// How many addresses were asked.
    pub addresses: usize,
    /// The leaf that the first of them serves: its fingerprint, and when it expires.
    pub leaf: Option<(Fingerprint, Seconds)>,
}

/// The route of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRef<'a> {
    /// A kind of route.
    pub kind: Kind,
    /// Its name.
    pub name: &'a str,
    /// The listener's name, for Gateways and `ListenerSets`.
    pub listener: Option<&'a str>,
}

/// One binding, or one Secret that no route uses, with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The kubeconfig context; empty for manifests.
    pub context: &'a str,
    /// The namespace of the route, or of the Secret where there is no route.
    pub namespace: &'a str,
    /// The route; `None` when the row is about a Secret alone.
    pub route: Option<RouteRef<'a>>,
    /// The host; `None` when the finding belongs to no host. An empty text or `*` is every host.
    pub host: Option<&'a str>,
    /// The Secrets that are named for it, in the order in which its route names them.
    pub secrets: &'a [Key],
    /// Whether its route names that one Secret and no other, for any of its hosts; asked where there is something to say of it.
    pub sole: bool,
    /// The data keys of certificate and key in the first of them, where those are others than `tls.crt` and `tls.key`.
    pub data_keys: Option<&'a [Text; 2]>,
    /// The Secret that is expected to be served, whoever named it; `None` where none that is known is.
    pub served: Option<&'a Key>,
    /// The class of the route, where it has one.
    pub class: Option<&'a str>,
    /// When the route (or the Secret, where there is no route) was created.
    pub created: Option<Seconds>,
    /// The route's labels.
    pub labels: &'a [(Text, Text)],
    /// The leaf that is expected to be served.
    pub certificate: Option<&'a Certificate>,
    /// Who renews that certificate, or makes the one that is missing; known where something is wrong.
    pub renewer: Renewer<'a>,
    /// What commands are given to reach what was read.
    pub reach: &'a Reach,
    /// The findings that count and are chosen, worst first.
    pub findings: &'a [Finding],
    /// Those that are excused.
    pub ignored: &'a [Finding],
    /// The state: what is not chosen counts in it, what is excused does not.
    pub status: Status,
    /// What it rests on; `None` where nothing could be read.
    pub evidence: Option<Evidence>,
    /// What was served; `None` where nobody asked.
    pub answer: Option<ServedAnswer>,
}

impl<'a> Row<'a> {
    /// The Secret that the row is about: the one that is expected to be served, else the first that is named.
    pub fn secret(&self) -> Option<&'a Key> {
        self.served.or_else(|| self.secrets.first())
    }

    /// What the row is about: the kind and name of its route, or of its Secret where there is no route. Of a list that could not be
    /// read, the kind.
    pub fn subject(&self) -> (Kind, &'a str) {
        match (self.route, self.secrets.first()) {
            (Some(route), _) => (route.kind, route.name),
            (None, Some(secret)) => (Kind::Secret, &secret.name),
            (None, None) => (self.unread().map_or(Kind::Secret, |unread| unread.kind), ""),
        }
    }

    /// The list that could not be read for lack of a right, where the row is about that: it is no host, route or Secret.
    pub fn unread(&self) -> Option<&'a Forbidden> {
        match self.findings.first().map(|finding| &finding.fact) {
            Some(Fact::Forbidden(finding::Forbidden(unread))) if self.route.is_none() && self.secrets.is_empty() => {
                Some(unread)
            }
            _ => None,
        }
    }

    /// The same as its finding's words and reports have it: `list ingresses`.
    pub fn unread_right(&self) -> Option<String> {
        self.unread()
            .map(|unread| format!("{} {}", unread.verb, unread.kind.plural()))
    }
}
