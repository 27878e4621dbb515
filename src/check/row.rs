//! One row of a status, which every output format is made from. A row borrows from the inventory.

use crate::{
    check::{Fact, Finding, Renewer, Severity, finding},
    object::{Forbidden, Key, Kind, Reach, Seconds, Text, doing::Doings},
    x509::{Certificate, Fingerprint},
};

/// The state of a binding: the severity of its worst finding that counts, or `Unknown` if it could not be read.
///
/// Ordered by urgency: `Healthy < Info < Unknown < Warning < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// There is no finding that counts.
    Healthy,
    /// There is something worth knowing; no client fails.
    Info,
    /// Something that the status needs could not be read.
    Unknown,
    /// Some clients fail now, or clients will fail.
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

/// What a verdict is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The contents of the named Secret.
    Stored,
    /// The known behaviour of the controller, where the named Secret does not decide because it is missing or another
    /// certificate is served.
    Model,
    /// The certificate that an address of the route has served.
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

/// How the served certificates compare with the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compared {
    /// Every address serves the stored certificate.
    Stored,
    /// At least one address serves another certificate.
    Another,
    /// Some addresses serve the stored certificate, the others serve none.
    Partly,
    /// No address serves a certificate.
    Nothing,
    /// Addresses serve certificates, but the stored certificate is not known, or was not read by choice.
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

/// The combined answer of the addresses of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedAnswer {
    /// How the served certificates compare with the stored one.
    pub compared: Compared,
    /// The number of addresses that were probed.
    pub addresses: usize,
    /// The leaf that the first address serves: its fingerprint, and when it expires. Where no Secret was read by choice,
    /// the certificate of the row.
    pub leaf: Option<(Fingerprint, Seconds)>,
}

/// The route of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRef<'a> {
    /// The kind of the route.
    pub kind: Kind,
    /// The name of the route.
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
    /// The host; `None` when the row belongs to no host. An empty text or `*` stands for every host.
    pub host: Option<&'a str>,
    /// The Secrets that are named for the host, in the order in which the route names them.
    pub secrets: &'a [Key],
    /// Whether the route names exactly one Secret for all of its hosts. Determined only for rows with findings.
    pub sole: bool,
    /// The data keys of the certificate and the key in the first Secret, where they differ from `tls.crt` and
    /// `tls.key`.
    pub data_keys: Option<&'a [Text; 2]>,
    /// The Secret that is expected to be served, whichever route named it; `None` if no known Secret is.
    pub served: Option<&'a Key>,
    /// The class of the route, if it has one.
    pub class: Option<&'a str>,
    /// When the route (or the Secret, where there is no route) was created.
    pub created: Option<Seconds>,
    /// The route's labels.
    pub labels: &'a [(Text, Text)],
    /// The leaf that is expected to be served; where no Secret was read by choice, the served one that ends first.
    pub certificate: Option<&'a Certificate>,
    /// Who renews that certificate, or creates the missing one. Determined only where something is wrong.
    pub renewer: Renewer<'a>,
    /// The arguments that commands need to reach the cluster or the manifests that were read.
    pub reach: &'a Reach,
    /// The findings that count and are selected, worst first.
    pub findings: &'a [Finding],
    /// The findings that are excused.
    pub ignored: &'a [Finding],
    /// The status. Findings that are not selected count, findings that are excused do not.
    pub status: Status,
    /// What the status is based on; `None` where nothing could be read, or where no Secret was read by choice and nothing is
    /// served.
    pub evidence: Option<Evidence>,
    /// What the addresses served; `None` where they were not probed.
    pub answer: Option<ServedAnswer>,
    /// What controllers do with the certificate of its Secret.
    pub doings: Doings<'a>,
}

impl<'a> Row<'a> {
    /// A row about a certificate that belongs to no object, such as one of a file, for one host if it is given. Its
    /// status is that of no findings.
    pub fn of_certificate(
        certificate: impl Into<Option<&'a Certificate>>,
        host: Option<&'a str>,
        reach: &'a Reach,
    ) -> Self {
        Self {
            context: "",
            namespace: "",
            route: None,
            host,
            secrets: &[],
            sole: false,
            data_keys: None,
            served: None,
            class: None,
            created: None,
            labels: &[],
            certificate: certificate.into(),
            renewer: Renewer::Unknown,
            reach,
            findings: &[],
            ignored: &[],
            status: Status::Healthy,
            evidence: Some(Evidence::Stored),
            answer: None,
            doings: Doings::default(),
        }
    }

    /// The Secret that the row is about: the one that is expected to be served, otherwise the first one that is named.
    pub fn secret(&self) -> Option<&'a Key> {
        self.served.or_else(|| self.secrets.first())
    }

    /// What the row is about: the kind and name of its route, or of its Secret where there is no route. For a list that
    /// could not be read, the kind and an empty name.
    pub fn subject(&self) -> (Kind, &'a str) {
        match (self.route, self.secrets.first()) {
            (Some(route), _) => (route.kind, route.name),
            (None, Some(secret)) => (Kind::Secret, &secret.name),
            (None, None) => (self.unread().map_or(Kind::Secret, |unread| unread.kind), ""),
        }
    }

    /// Whether no Secret was read by choice, so that what is known of the certificate is what is served.
    pub fn is_without_secrets(&self) -> bool {
        self.reach.without_secrets
    }

    /// The missing right, where the row is about a list that could not be read and so has no host, route or Secret.
    pub fn unread(&self) -> Option<&'a Forbidden> {
        match self.findings.first().map(|finding| &finding.fact) {
            Some(Fact::Forbidden(finding::Forbidden(unread))) if self.route.is_none() && self.secrets.is_empty() => {
                Some(unread)
            }
            _ => None,
        }
    }

    /// The missing right in the words of findings and reports: `list ingresses`.
    pub fn unread_right(&self) -> Option<String> {
        self.unread()
            .map(|unread| format!("{} {}", unread.verb, unread.kind.plural()))
    }
}
