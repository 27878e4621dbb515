//! When clients are refused because of a finding: what parts rows of one severity.

use super::{Finding, Reason, Severity};

/// When clients are refused. Ordered: what is refused now comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Some are refused now.
    Now,
    /// Some will be, unless something is done.
    Later,
    /// Nobody is refused: it is untidy.
    #[default]
    Never,
}

impl Urgency {
    /// Of everything that was found about one row.
    pub fn of(findings: &[Finding]) -> Self {
        // No route uses it, so no client gets it.
        if findings.iter().any(|finding| finding.reason() == Reason::OrphanSecret) {
            return Self::Never;
        }
        let each = findings
            .iter()
            .map(|finding| Self::at(finding.severity, finding.reason()));
        each.min().unwrap_or_default()
    }

    /// Of one reason, as severe as it is where it was found.
    pub fn at(severity: Severity, reason: Reason) -> Self {
        match severity {
            Severity::Critical => Self::Now,
            Severity::Warning => Self::of_warning(reason),
            Severity::Info => Self::Never,
        }
    }

    fn of_warning(reason: Reason) -> Self {
        match reason {
            // Some clients refuse the certificate that they get, or get none for the host.
            Reason::Expired
            | Reason::NotYetValid
            | Reason::ChainExpired
            | Reason::HostMismatch
            | Reason::CommonNameOnly
            | Reason::WildcardTooBroad
            | Reason::LifetimeTooLong
            | Reason::LeafNotFirst
            | Reason::MissingIntermediate
            | Reason::UntrustedIssuer
            | Reason::SelfSigned
            | Reason::StagingIssuer
            | Reason::TemporaryCertificate
            | Reason::ControllerDefaultCertificate
            | Reason::ConstraintViolated
            | Reason::WeakKey
            | Reason::WeakSignature
            | Reason::LeafIsCa
            | Reason::RefusedByClients
            | Reason::MissingServerAuth
            | Reason::MustStaple
            | Reason::HostnameConflict
            | Reason::NoMatchingListenerHostname
            | Reason::ServedExpired
            | Reason::ServedWrongHost
            | Reason::ServedUntrusted
            | Reason::NotServed => Self::Now,
            // It runs out, nobody renews it, or what it would take is not known.
            Reason::Forbidden
            | Reason::SecretNotFound
            | Reason::WrongSecretType
            | Reason::MissingData
            | Reason::InvalidCertificate
            | Reason::InvalidKey
            | Reason::EncryptedKey
            | Reason::InvalidKeyPair
            | Reason::InvalidCaCertificate
            | Reason::InvalidCertificateRef
            | Reason::RefNotPermitted
            | Reason::DefaultStoreConflict
            | Reason::AmbiguousCertificate
            | Reason::RenewalDue
            | Reason::RenewsTooLate
            | Reason::RenewNow
            | Reason::ChainExpiresFirst
            | Reason::CertificateNotReady
            | Reason::RenewalFailing
            | Reason::IssuerNotReady
            | Reason::OrderFailed
            | Reason::ChallengeStuck
            | Reason::ConflictingOwners
            | Reason::ServedDiffers
            | Reason::StalePods => Self::Later,
            Reason::SecretNameEmpty
            | Reason::RuleHostWithoutTls
            | Reason::TlsHostWithoutRule
            | Reason::RuleWithoutHost
            | Reason::DefaultBackendOnly
            | Reason::IngressClassNotFound
            | Reason::OverlappingCertificates
            | Reason::DuplicateHost
            | Reason::OrphanSecret
            | Reason::CertificateElsewhere
            | Reason::UnusedNames
            | Reason::WrongOrder
            | Reason::ExtraRoot
            | Reason::ExtraCertificate
            | Reason::RepeatedKey
            | Reason::ClientAuthLost
            | Reason::DnsElsewhere => Self::Never,
        }
    }
}
