//! The words of the findings: what is wrong, with its facts, and what to do about it.
//!
//! One file a family of the catalogue holds both for its reasons. Texts from outside go in raw: whoever writes them to a
//! terminal clears them. In commands they are quoted for a shell.

mod chain;
mod commands;
mod names;
mod outside;
mod ownership;
mod parse;
mod reference;
mod say;
mod served;
mod strength;
mod time;

#[cfg(test)]
mod tests;

use commands::Commands;

use crate::{
    check::{Beside, Fact, Finding, Renewer},
    object::{Key, Kind, Seconds},
    report::row::Row,
};

/// `kubectl certs show secret/NAME`, in backquotes, for a Secret of what a row was read from.
pub fn show_secret(row: &Row<'_>, secret: &Key) -> String {
    Commands::of(row).show_secret(secret)
}

/// `kubectl get KIND`, in backquotes: the classes of the cluster that a row was read from.
pub fn list_classes(row: &Row<'_>, kind: Kind) -> String {
    Commands::of(row).kubectl_in("", &format!("get {}", kind.plural()))
}

/// One sentence, or two short ones, that say what is wrong, with its facts. Not cleared for a terminal.
pub fn message(finding: &Finding, row: &Row<'_>, now: Seconds) -> String {
    let Some(beside) = &finding.beside else {
        return (family(&finding.fact).message)(&finding.fact, row, now);
    };
    let said = (family(&finding.fact).message)(&finding.fact, &of_beside(beside, row), now);
    said + say::gets(beside.clients)
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Sentences, with their commands in backquotes. Not cleared for a terminal.
    pub text: String,
    /// Those commands, each one line for a shell, in which what comes from outside is quoted. Words in angle brackets
    /// (`<KEY-FILE>`) stand for what only the reader knows.
    pub commands: Vec<String>,
}

/// What to do, with commands where some do it.
pub fn remedy(finding: &Finding, row: &Row<'_>) -> Remedy {
    let other;
    let row = match &finding.beside {
        None => row,
        Some(beside) => {
            other = of_beside(beside, row);
            &other
        }
    };
    let mut commands = Commands::of(row);
    let remedy = if row.reach.outside.is_empty() {
        family(&finding.fact).remedy
    } else {
        outside::remedy
    };
    let text = remedy(&finding.fact, row, &mut commands);
    Remedy {
        text,
        commands: commands.into_list(),
    }
}

/// The row as a finding about another of its Secrets has it.
fn of_beside<'a>(beside: &'a Beside, row: &Row<'a>) -> Row<'a> {
    Row {
        served: Some(&beside.secret),
        renewer: beside.writer.as_ref().map_or(Renewer::Unknown, Renewer::CertManager),
        // What is known of the certificate is that of the other Secret.
        certificate: None,
        data_keys: None,
        ..*row
    }
}

/// Where the words of a family are.
struct Family {
    message: fn(&Fact, &Row<'_>, Seconds) -> String,
    remedy: fn(&Fact, &Row<'_>, &mut Commands<'_>) -> String,
}

/// The family of a fact. The compiler asks for a new reason's family here, the tests for its words.
fn family(fact: &Fact) -> Family {
    macro_rules! family {
        ($module:ident) => {
            Family {
                message: $module::message,
                remedy: $module::remedy,
            }
        };
    }
    match fact {
        Fact::SecretNotFound { .. }
        | Fact::SecretNameEmpty { .. }
        | Fact::Forbidden(_)
        | Fact::WrongSecretType { .. }
        | Fact::MissingData { .. }
        | Fact::RuleHostWithoutTls { .. }
        | Fact::TlsHostWithoutRule { .. }
        | Fact::RuleWithoutHost { .. }
        | Fact::DefaultBackendOnly
        | Fact::IngressClassNotFound { .. }
        | Fact::InvalidCertificateRef { .. }
        | Fact::RefNotPermitted { .. }
        | Fact::HostnameConflict { .. }
        | Fact::NoMatchingListenerHostname { .. }
        | Fact::OverlappingCertificates { .. }
        | Fact::DuplicateHost { .. }
        | Fact::AmbiguousCertificate { .. }
        | Fact::DefaultStoreConflict { .. }
        | Fact::OrphanSecret { .. }
        | Fact::CertificateElsewhere { .. } => family!(reference),
        Fact::InvalidCertificate { .. }
        | Fact::InvalidKey { .. }
        | Fact::EncryptedKey { .. }
        | Fact::InvalidKeyPair { .. }
        | Fact::LeafNotFirst { .. }
        | Fact::InvalidCaCertificate { .. } => family!(parse),
        Fact::Expired { .. }
        | Fact::NotYetValid { .. }
        | Fact::RenewalDue { .. }
        | Fact::RenewNow { .. }
        | Fact::RenewsTooLate { .. }
        | Fact::ChainExpired { .. }
        | Fact::ChainExpiresFirst { .. }
        | Fact::LifetimeTooLong { .. } => family!(time),
        Fact::HostMismatch { .. }
        | Fact::CommonNameOnly { .. }
        | Fact::WildcardTooBroad { .. }
        | Fact::UnusedNames { .. } => family!(names),
        Fact::MissingIntermediate { .. }
        | Fact::UntrustedIssuer { .. }
        | Fact::WrongOrder
        | Fact::ExtraRoot { .. }
        | Fact::ExtraCertificate { .. }
        | Fact::SelfSigned
        | Fact::StagingIssuer { .. }
        | Fact::TemporaryCertificate
        | Fact::ControllerDefaultCertificate { .. }
        | Fact::ConstraintViolated { .. } => family!(chain),
        Fact::WeakKey { .. }
        | Fact::WeakSignature { .. }
        | Fact::RepeatedKey { .. }
        | Fact::LeafIsCa
        | Fact::RefusedByClients { .. }
        | Fact::MissingServerAuth
        | Fact::ClientAuthLost
        | Fact::MustStaple => family!(strength),
        Fact::CertificateNotReady { .. }
        | Fact::RenewalFailing { .. }
        | Fact::IssuerNotReady { .. }
        | Fact::OrderFailed { .. }
        | Fact::ChallengeStuck { .. }
        | Fact::ConflictingOwners { .. } => family!(ownership),
        Fact::ServedDiffers { .. }
        | Fact::ServedExpired { .. }
        | Fact::ServedWrongHost { .. }
        | Fact::ServedUntrusted { .. }
        | Fact::NotServed { .. }
        | Fact::StalePods { .. }
        | Fact::DnsElsewhere { .. } => family!(served),
    }
}
