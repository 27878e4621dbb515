//! The register of findings: one line here and one file for each. The file has the facts of the finding, its words and
//! its severity.
//!
//! A new finding takes a file below the folder of its family, a line here, a page in `docs/findings` and a test. If the
//! finding has its own `check`, that is called at the stage that the line names:
//!
//! - `[certificate]`: for each Secret whose certificate some client gets, and for certificates of files and servers;
//! - `[key]`: the same, and also for Secrets that no route uses;
//! - `[host]`: for a host and the Secret that is served for it.
//!
//! Where one finding excludes another, the file of the family decides both: `src/check/time.rs` and its like.
//!
//! A macro names the files of findings, so that `cargo fmt` does not see them. Format them with `rustfmt
//! src/check/finding/*/*.rs`.

mod defect;
mod facts;

pub(in crate::check) use defect::{Defect, prelude};
pub use facts::{Beside, DueBy, Finding, Instead, Maker, ObjectRef, Seen};

use super::{
    row::Row,
    urgency::Urgency,
    verdict::{CertificateSubject, Collector, Subject},
    words::{commands::Commands, outside::Outside},
};
use crate::{
    check::reason::Severity,
    object::{Key, Seconds},
};

/// Calls a check if its line in the register names the given stage.
macro_rules! at {
    (certificate certificate $($call:tt)*) => { $($call)* };
    (key key $($call:tt)*) => { $($call)* };
    (host host $($call:tt)*) => { $($call)* };
    ($stage:ident $other:ident $($call:tt)*) => {};
}

macro_rules! findings {
    ($($(#[$doc:meta])* $family:ident { $($file:ident::$Name:ident $([$stage:ident])?),* $(,)? })*) => {
        $(
            $(#[$doc])*
            // The names of the fields say what they hold; the documentation of the type explains the rest.
            #[allow(missing_docs)]
            pub mod $family {
                $(
                    mod $file;
                    pub use $file::$Name;
                )*
                use super::{Collector, CertificateSubject, Subject};

                /// Calls the checks that need nothing but the certificate.
                #[allow(dead_code, unused_variables)]
                pub(in crate::check) fn certificate(on: &CertificateSubject<'_>, collector: &mut Collector) {
                    $($(at!($stage certificate $Name::check(on, collector));)?)*
                }

                /// Calls the checks that apply to a Secret whether or not a route uses it.
                #[allow(dead_code, unused_variables)]
                pub(in crate::check) fn key(on: &CertificateSubject<'_>, collector: &mut Collector) {
                    $($(at!($stage key $Name::check(on, collector));)?)*
                }

                /// Calls the checks of the certificate that is served for a host.
                #[allow(dead_code, unused_variables)]
                pub(in crate::check) fn host(subject: &Subject<'_>, on: &CertificateSubject<'_>, collector: &mut Collector) {
                    $($(at!($stage host $Name::check(subject, on, collector));)?)*
                }
            }
            pub use $family::{$($Name),*};
        )*

        /// The name of a kind of finding, in the form that Kubernetes uses for conditions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // `page()` returns the documentation of each.
        pub enum Reason { $($($Name,)*)* }

        impl Reason {
            /// All reasons, in the order of the catalogue.
            pub const ALL: &'static [Reason] = &[$($(Reason::$Name,)*)*];

            /// The name as reports print it.
            pub fn as_str(self) -> &'static str {
                match self { $($(Self::$Name => stringify!($Name),)*)* }
            }

            /// The family of the reason in the catalogue.
            pub fn group(self) -> &'static str {
                match self { $($(Self::$Name => stringify!($family),)*)* }
            }

            /// The usual severity; the facts of a finding may change it.
            pub fn severity(self) -> Severity {
                match self { $($(Self::$Name => <$Name as Defect>::SEVERITY,)*)* }
            }

            /// When clients refuse the certificate, where the finding is a warning.
            pub(in crate::check) fn as_warning(self) -> Urgency {
                match self { $($(Self::$Name => <$Name as Defect>::AS_WARNING,)*)* }
            }

            /// The page that `explain` prints, in Markdown.
            pub fn page(self) -> &'static str {
                match self {
                    $($(Self::$Name => include_str!(concat!("../../../docs/findings/", stringify!($Name), ".md")),)*)*
                }
            }
        }

        /// The facts of a finding, without any wording.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs)] // Each variant is documented as a type.
        pub enum Fact { $($($Name($Name),)*)* }

        impl Fact {
            /// The reason to which these facts belong.
            pub fn reason(&self) -> Reason {
                match self { $($(Self::$Name(_) => Reason::$Name,)*)* }
            }

            pub(in crate::check) fn message(&self, row: &Row<'_>, now: Seconds) -> String {
                match self { $($(Self::$Name(it) => it.message(row, now),)*)* }
            }

            pub(in crate::check) fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
                match self { $($(Self::$Name(it) => it.remedy(row, commands),)*)* }
            }

            pub(in crate::check) fn remedy_outside(
                &self,
                outside: Outside<'_>,
                commands: &mut Commands<'_>,
            ) -> Option<String> {
                match self { $($(Self::$Name(it) => it.remedy_outside(outside, commands),)*)* }
            }

            /// The Secret that the finding is about, where that is not simply the one that is served.
            pub(in crate::check) fn secret(&self) -> Option<&Key> {
                match self { $($(Self::$Name(it) => it.secret(),)*)* }
            }
        }

        $($(
            impl From<$Name> for Fact {
                fn from(facts: $Name) -> Self {
                    Self::$Name(facts)
                }
            }
        )*)*
    };
}

findings! {
    /// Does each object that a route names exist, may the route use it, and do the hosts of tls entries and rules
    /// agree?
    reference {
        secret_not_found::SecretNotFound,
        secret_name_empty::SecretNameEmpty,
        forbidden::Forbidden,
        wrong_secret_type::WrongSecretType,
        missing_data::MissingData,
        rule_host_without_tls::RuleHostWithoutTls,
        tls_host_without_rule::TlsHostWithoutRule,
        rule_without_host::RuleWithoutHost,
        default_backend_only::DefaultBackendOnly,
        ingress_class_not_found::IngressClassNotFound,
        invalid_certificate_ref::InvalidCertificateRef,
        ref_not_permitted::RefNotPermitted,
        hostname_conflict::HostnameConflict,
        no_matching_listener_hostname::NoMatchingListenerHostname,
        overlapping_certificates::OverlappingCertificates,
        duplicate_host::DuplicateHost,
        ambiguous_certificate::AmbiguousCertificate,
        default_store_conflict::DefaultStoreConflict,
        orphan_secret::OrphanSecret,
        certificate_elsewhere::CertificateElsewhere,
    }
    /// Can the certificate and the key be read, and do they belong together?
    parse {
        invalid_certificate::InvalidCertificate,
        invalid_key::InvalidKey,
        encrypted_key::EncryptedKey,
        invalid_key_pair::InvalidKeyPair,
        leaf_not_first::LeafNotFirst,
        invalid_ca_certificate::InvalidCaCertificate,
    }
    /// Validity: expired, not yet valid, due.
    time {
        expired::Expired [certificate],
        not_yet_valid::NotYetValid [certificate],
        renewal_due::RenewalDue,
        renews_too_late::RenewsTooLate,
        renew_now::RenewNow,
        chain_expired::ChainExpired,
        chain_expires_first::ChainExpiresFirst,
        lifetime_too_long::LifetimeTooLong [certificate],
    }
    /// Names of certificates against hosts (RFC 9525).
    names {
        host_mismatch::HostMismatch,
        common_name_only::CommonNameOnly,
        wildcard_too_broad::WildcardTooBroad [host],
        unused_names::UnusedNames [host],
    }
    /// The path from the leaf to a trusted root.
    chain {
        missing_intermediate::MissingIntermediate,
        untrusted_issuer::UntrustedIssuer,
        wrong_order::WrongOrder,
        extra_root::ExtraRoot,
        extra_certificate::ExtraCertificate,
        self_signed::SelfSigned,
        staging_issuer::StagingIssuer,
        temporary_certificate::TemporaryCertificate,
        controller_default_certificate::ControllerDefaultCertificate,
        constraint_violated::ConstraintViolated,
    }
    /// Keys, signatures and usages.
    strength {
        weak_key::WeakKey [key],
        weak_signature::WeakSignature [key],
        repeated_key::RepeatedKey [key],
        leaf_is_ca::LeafIsCa [certificate],
        refused_by_clients::RefusedByClients,
        missing_server_auth::MissingServerAuth [certificate],
        client_auth_lost::ClientAuthLost [certificate],
        must_staple::MustStaple [certificate],
    }
    /// cert-manager's objects, who else writes a Secret, and whose a name is.
    ownership {
        certificate_not_ready::CertificateNotReady,
        renewal_failing::RenewalFailing,
        issuer_not_ready::IssuerNotReady,
        order_failed::OrderFailed,
        challenge_stuck::ChallengeStuck,
        conflicting_owners::ConflictingOwners,
        name_not_permitted::NameNotPermitted,
        name_taken::NameTaken,
    }
    /// What is served, compared with what is stored.
    served {
        served_differs::ServedDiffers,
        served_expired::ServedExpired,
        served_wrong_host::ServedWrongHost,
        served_untrusted::ServedUntrusted,
        not_served::NotServed,
        stale_pods::StalePods,
        dns_elsewhere::DnsElsewhere,
    }
}
