//! Findings as types: the facts of a defect, without any wording.

use std::sync::Arc;

use super::{Fact, Reason};
use crate::{
    check::{reason::Severity, sample::Sample},
    inventory::{MadeBy, Recipients, RouteKey},
    object::{Key, Kind, Text},
    x509::Certificate,
};

/// One defect of one binding or one Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity in this case.
    pub severity: Severity,
    /// What is wrong.
    pub fact: Fact,
    /// The Secret that the finding is about, where most clients of the row get another one. Boxed, because it is rarely
    /// set.
    pub beside: Option<Box<Beside>>,
    /// The served certificate that the finding is about, where no Secret was read. Boxed, because it is rarely set.
    pub seen: Option<Box<Seen>>,
}

/// A Secret that some clients get instead of the one that most clients get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The Secret.
    pub secret: Key,
    /// The name of the Certificate that writes it, in the same namespace, where there is one.
    pub writer: Option<Text>,
    /// Which clients get it.
    pub clients: Recipients,
}

/// A certificate that was seen to be served, where no Secret was read by choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The certificate.
    pub leaf: Arc<Certificate>,
    /// The addresses that serve it, with their ports.
    pub addresses: Sample<Text>,
    /// Whether the route has no other addresses.
    pub everywhere: bool,
}

impl Finding {
    /// Makes a finding with the usual severity of its reason.
    pub fn new(fact: impl Into<Fact>) -> Self {
        let fact = fact.into();
        Self::at(fact.reason().severity(), fact)
    }

    /// Makes a finding whose facts make it more or less severe than usual.
    pub fn at(severity: Severity, fact: impl Into<Fact>) -> Self {
        Self {
            severity,
            fact: fact.into(),
            beside: None,
            seen: None,
        }
    }

    /// The reason of the finding.
    pub fn reason(&self) -> Reason {
        self.fact.reason()
    }

    /// The Secret that the finding is about, where that is not simply the one that is served.
    pub fn secret(&self) -> Option<&Key> {
        if let Some(beside) = &self.beside {
            return Some(&beside.secret);
        }
        self.fact.secret()
    }
}

/// What a client gets instead of the intended certificate, as far as the controller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instead {
    /// The controller's default certificate.
    DefaultCertificate,
    /// The connection is refused or reset: the listener is not programmed.
    NoConnection,
    /// Another certificate that covers the host: another route provides it, or a certificate resolver of Traefik issues
    /// it.
    AnotherCertificate,
    /// A Secret that Traefik's default store lists is missing: since 3.7 the host gets the expected certificate all the
    /// same, up to 3.6 Traefik's self-signed one.
    OwnUpTo36,
    /// Since 3.7 Traefik passes TLS through to the server behind the Ingress; up to 3.6 it ignores the whole Ingress.
    LeftOutUpTo36,
    /// The controller is not known, so messages say nothing about it.
    Unknown,
}

/// The rule that makes a renewal due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueBy {
    /// The CA's renewal window (RFC 9773).
    Window,
    /// Two thirds of the lifetime are over, or half of a lifetime of ten days or less.
    Lifetime,
    /// cert-manager's own renewal time has passed.
    CertManager,
    /// `--expiring-within` of the command line.
    Asked,
}

/// What creates a Secret that does not exist, or is not among the manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// cert-manager, because of the Certificate of this name.
    Certificate(Text),
    /// cert-manager, because an annotation of the route asks it to.
    Annotation,
    /// Nothing: an annotation asks cert-manager, which refuses for this reason.
    Refused(&'static str),
    /// Another object among the manifests, or a program that they configure.
    Object(MadeBy),
    /// Unknown: with `--assume-secrets` the Secret is assumed to exist.
    Assumed,
}

/// A route or another object that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
}

impl From<&RouteKey> for ObjectRef {
    fn from(route: &RouteKey) -> Self {
        Self {
            kind: route.kind,
            key: route.key.clone(),
        }
    }
}
