//! Typed findings: what is wrong, with its facts, before any word is made of it.

use std::borrow::Cow;

use crate::{
    inventory::{Controller, Keeper, MadeBy, Recipients, query::Rivalry},
    object::{Forbidden, Key, Kind, Seconds, Text, Told},
};

use super::{
    reason::{Reason, Severity},
    sample::Sample,
};
use crate::x509::{
    CaFault, Readers,
    trust::{Clients, Found},
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
    pub fn new(fact: Fact) -> Self {
        Self::at(fact.reason().severity(), fact)
    }

    /// A finding whose facts make it more or less severe than usual.
    pub fn at(severity: Severity, fact: Fact) -> Self {
        let beside = None;
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
        match &self.fact {
            Fact::SecretNotFound { secret, .. }
            | Fact::WrongSecretType { secret, .. }
            | Fact::MissingData { secret, .. }
            | Fact::RuleWithoutHost { secret, .. }
            | Fact::RefNotPermitted { secret, .. }
            | Fact::OrphanSecret { secret, .. }
            | Fact::InvalidCertificate { secret, .. }
            | Fact::InvalidKey { secret, .. }
            | Fact::EncryptedKey { secret, .. }
            | Fact::InvalidKeyPair { secret, .. }
            | Fact::LeafNotFirst { secret, .. }
            | Fact::InvalidCaCertificate { secret, .. }
            | Fact::ConflictingOwners { secret, .. }
            | Fact::StalePods { secret, .. } => Some(secret),
            _ => None,
        }
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

/// The facts of a finding: one variant a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // The fields are named by what they hold; the pages of the catalogue say the rest.
pub enum Fact {
    // reference
    SecretNotFound {
        secret: Key,
        instead: Instead,
        among_manifests: bool,
        maker: Option<Box<Maker>>,
    },
    /// `unused`: another tls entry of the Ingress names this one, which would be for the host.
    SecretNameEmpty {
        instead: Instead,
        unused: Option<Key>,
    },
    Forbidden(Forbidden),
    WrongSecretType {
        secret: Key,
        found: Text,
        usable: bool,
    },
    /// `by_version`: it is listed by Traefik's default store, and up to 3.6 the store has no default certificate for it.
    MissingData {
        secret: Key,
        data_key: &'static str,
        empty: bool,
        by_version: bool,
    },
    RuleHostWithoutTls {
        host: Text,
        asked_for_acme: bool,
    },
    /// `taken_by`: the rule that takes the host's requests all the same: a wildcard, or `*` for one without host.
    TlsHostWithoutRule {
        host: Text,
        taken_by: Option<Text>,
        instead: Instead,
        assumed: Option<Controller>,
    },
    /// `instead` is unknown where clients get the Secret's certificate for the names that it has, and another for all others.
    RuleWithoutHost {
        secret: Key,
        instead: Instead,
        assumed: Option<Controller>,
    },
    DefaultBackendOnly,
    /// `class` is empty when the route names none and no class is the default.
    IngressClassNotFound {
        class: Text,
        kind: Kind,
    },
    InvalidCertificateRef {
        group: Text,
        kind: Text,
        name: Text,
        why: &'static str,
    },
    RefNotPermitted {
        secret: Key,
        from: Kind,
        from_namespace: Text,
    },
    HostnameConflict {
        listener: Text,
        other: ObjectRef,
        other_listener: Text,
    },
    /// `others`: some listener takes other hosts of the route.
    NoMatchingListenerHostname {
        route: ObjectRef,
        hostname: Text,
        others: bool,
    },
    OverlappingCertificates {
        other: ObjectRef,
        other_listener: Text,
    },
    DuplicateHost {
        others: Sample<ObjectRef>,
        winner: Option<ObjectRef>,
    },
    /// `latest` is what Traefik's latest versions show, where versions differ.
    AmbiguousCertificate {
        latest: Key,
        other: Key,
        why: Rivalry,
        expired: bool,
    },
    /// `keeps`: the Secret of the route that a store of another name keeps for itself; none where several are called default.
    DefaultStoreConflict {
        stores: Sample<ObjectRef>,
        keeps: Option<Key>,
    },
    OrphanSecret {
        secret: Key,
    },
    CertificateElsewhere {
        by: Keeper,
    },
    // parse
    /// `by`: who cannot read the block, or passes over it (`skipped`); none for everybody.
    InvalidCertificate {
        secret: Key,
        position: usize,
        by: Readers,
        skipped: bool,
        why: String,
    },
    /// `by`: who cannot read it; none for everybody.
    InvalidKey {
        secret: Key,
        by: Readers,
        why: String,
    },
    EncryptedKey {
        secret: Key,
    },
    InvalidKeyPair {
        secret: Key,
    },
    LeafNotFirst {
        secret: Key,
        position: usize,
    },
    InvalidCaCertificate {
        secret: Key,
        why: CaFault,
    },
    // time
    Expired {
        not_after: Seconds,
    },
    NotYetValid {
        not_before: Seconds,
    },
    RenewalDue {
        not_after: Seconds,
        since: Seconds,
        by: DueBy,
    },
    RenewsTooLate {
        certificate: Text,
        planned: Seconds,
        not_after: Seconds,
    },
    RenewNow {
        window_end: Seconds,
    },
    /// `root`: it is the trusted root, which is not sent.
    ChainExpired {
        subject: Text,
        root: bool,
        not_after: Seconds,
        not_before: Seconds,
    },
    ChainExpiresFirst {
        subject: Text,
        root: bool,
        not_after: Seconds,
    },
    LifetimeTooLong {
        days: u32,
        allowed: u32,
    },
    // names
    HostMismatch {
        host: Text,
        names: Sample<Text>,
        instead: Instead,
    },
    CommonNameOnly {
        common_name: Text,
    },
    WildcardTooBroad {
        name: Text,
    },
    UnusedNames {
        names: Sample<Text>,
    },
    // chain
    MissingIntermediate {
        issuer: Text,
        found: Found,
    },
    UntrustedIssuer {
        issuer: Text,
        root_presented: bool,
        namesake: bool,
    },
    WrongOrder,
    ExtraRoot {
        subject: Text,
    },
    ExtraCertificate {
        subject: Text,
    },
    SelfSigned,
    StagingIssuer {
        issuer: Text,
    },
    TemporaryCertificate,
    ControllerDefaultCertificate {
        controller: &'static str,
    },
    ConstraintViolated {
        by: Clients,
        why: String,
    },
    // strength
    WeakKey {
        algorithm: Text,
        bits: u32,
    },
    WeakSignature {
        algorithm: Text,
    },
    RepeatedKey {
        others: Sample<Key>,
    },
    LeafIsCa,
    RefusedByClients {
        by: Readers,
        why: Cow<'static, str>,
    },
    MissingServerAuth,
    ClientAuthLost,
    MustStaple,
    // ownership
    CertificateNotReady {
        certificate: Key,
        reason: Text,
        message: Told,
    },
    /// `message` is empty where cert-manager tries again right now.
    RenewalFailing {
        certificate: Key,
        attempts: u32,
        last: Option<Seconds>,
        message: Told,
    },
    IssuerNotReady {
        kind: Kind,
        issuer: Key,
        missing: bool,
        message: Told,
    },
    OrderFailed {
        order: Key,
        state: Text,
        message: Told,
    },
    ChallengeStuck {
        challenge: Key,
        dns_name: Text,
        challenge_type: Text,
        message: Told,
    },
    ConflictingOwners {
        secret: Key,
        owners: Sample<ObjectRef>,
    },
    // served
    /// `missing`: the leaf is the stored one, and these that are stored beside it, and that it needs, are not served.
    ServedDiffers {
        address: Text,
        served_sha256: String,
        stored_sha256: String,
        missing: Vec<Text>,
    },
    ServedExpired {
        address: Text,
        not_after: Seconds,
    },
    ServedWrongHost {
        address: Text,
        names: Sample<Text>,
    },
    /// `why`: what would be found were the served chain stored.
    ServedUntrusted {
        address: Text,
        why: Box<Fact>,
    },
    NotServed {
        address: Text,
        why: String,
    },
    StalePods {
        secret: Key,
        pods: Sample<Text>,
        changed: Seconds,
    },
    DnsElsewhere {
        resolved: Vec<Text>,
        expected: Vec<Text>,
    },
}

impl Fact {
    /// The reason that these facts belong to.
    pub fn reason(&self) -> Reason {
        macro_rules! table { ($($name:ident)*) => { match self { $(Self::$name { .. } => Reason::$name,)* } } }
        table!(SecretNotFound SecretNameEmpty Forbidden WrongSecretType MissingData RuleHostWithoutTls
            TlsHostWithoutRule RuleWithoutHost DefaultBackendOnly IngressClassNotFound InvalidCertificateRef RefNotPermitted
            HostnameConflict NoMatchingListenerHostname OverlappingCertificates DuplicateHost AmbiguousCertificate
            DefaultStoreConflict OrphanSecret CertificateElsewhere
            InvalidCertificate InvalidKey EncryptedKey InvalidKeyPair LeafNotFirst InvalidCaCertificate Expired NotYetValid RenewalDue
            RenewsTooLate RenewNow ChainExpired ChainExpiresFirst LifetimeTooLong HostMismatch CommonNameOnly WildcardTooBroad
            UnusedNames MissingIntermediate UntrustedIssuer WrongOrder ExtraRoot ExtraCertificate SelfSigned
            StagingIssuer TemporaryCertificate ControllerDefaultCertificate ConstraintViolated WeakKey WeakSignature RepeatedKey LeafIsCa RefusedByClients
            MissingServerAuth ClientAuthLost MustStaple CertificateNotReady RenewalFailing IssuerNotReady OrderFailed ChallengeStuck
            ConflictingOwners ServedDiffers ServedExpired ServedWrongHost ServedUntrusted NotServed StalePods DnsElsewhere)
    }
}
