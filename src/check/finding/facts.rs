//! Typed findings: what is wrong, with its facts, before any word is made of it.

use super::{Fact, Reason};
use crate::{
    check::reason::Severity,
    inventory::{MadeBy, Recipients, RouteKey},
    object::{Key, Kind, Text},
};

/// One defect of one binding or Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is here.
    pub severity: Severity,
    /// What is wrong.
    pub fact: Fact,
    /// The Secret that it is about, where that is another than the one that most clients of the row get. Boxed: few have
    /// one.
    pub beside: Option<Box<Beside>>,
}

/// A Secret that is served beside the one that most clients get, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The Secret.
    pub secret: Key,
    /// The name of the Certificate in its namespace that writes it, where there is one.
    pub writer: Option<Text>,
    /// Who gets it.
    pub clients: Recipients,
}

impl Finding {
    /// A finding with the usual severity of its reason.
    pub fn new(fact: impl Into<Fact>) -> Self {
        let fact = fact.into();
        Self::at(fact.reason().severity(), fact)
    }

    /// A finding whose facts make it more or less severe than usual.
    pub fn at(severity: Severity, fact: impl Into<Fact>) -> Self {
        let (fact, beside) = (fact.into(), None);
        Self { severity, fact, beside }
    }

    /// Its reason.
    pub fn reason(&self) -> Reason {
        self.fact.reason()
    }

    /// The Secret that it is about, where that is not simply the one that is served.
    pub fn secret(&self) -> Option<&Key> {
        if let Some(beside) = &self.beside {
            return Some(&beside.secret);
        }
        self.fact.secret()
    }
}

/// What a client gets in place of the certificate that was meant, as far as the controller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instead {
    /// The controller's default certificate.
    DefaultCertificate,
    /// The connection is refused or reset: the listener is not programmed.
    NoConnection,
    /// Another certificate that is for the host: brought by another route, or issued by a resolver of Traefik.
    AnotherCertificate,
    /// Traefik's own certificate up to 3.6, and what is expected since 3.7: a certificate that its default store lists is lacking.
    OwnUpTo36,
    /// The server behind answers since Traefik 3.7; up to 3.6 the whole Ingress is left out.
    LeftOutUpTo36,
    /// The controller is not known, so nothing is said.
    Unknown,
}

/// Which rule makes a renewal due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueBy {
    /// The CA's renewal window (RFC 9773).
    Window,
    /// Two thirds of the lifetime are gone (half, where it is ten days or less).
    Lifetime,
    /// cert-manager has set itself a date, and let it pass.
    CertManager,
    /// `--expiring-within`.
    Asked,
}

/// What makes a Secret that is not there, or not among the manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// cert-manager, for the Certificate of this name.
    Certificate(Text),
    /// cert-manager, which the route asks by annotation.
    Annotation,
    /// cert-manager is asked by annotation, and makes none: why.
    Refused(&'static str),
    /// Another object, or a program, among the manifests.
    Object(MadeBy),
    /// Nobody knows: `--assume-secrets` takes it to be there.
    Assumed,
}

/// A route or other object, for a message.
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
