//! Tells people what unattended runs did, held back or failed at: by a webhook in Slack's form, or as alerts of an
//! Alertmanager.
//!
//! ```text
//! ops::notify       a run ┐  Notice                ┌→ slack         {"text", "blocks"}
//! controller::news  loop  ┴────────→ Receiver::tell ┴→ alertmanager  [{"labels", "annotations", "startsAt", "endsAt"}]
//! ```
//!
//! The forms are pure. A message that cannot be delivered changes nothing but a line of the log.

mod alertmanager;
mod deliver;
pub mod outbox;
mod slack;

use crate::{
    object::{Key, Seconds},
    text,
};

pub use deliver::{NotifyError, Receiver};

/// So many characters of a message are told: the log has the rest.
const LONGEST: usize = 600;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// An order failed, and nothing was stored.
    RenewalFailed,
    /// A rule, another owner or a limit keeps the certificate from being renewed.
    Held,
    /// The former pair was put back, because the new one was not served.
    RolledBack,
    /// The last tenth of the certificate's life has begun, and it is not being renewed.
    Ends,
    /// The certificate is stored, and a restart or the look at what is served failed.
    NotServed,
    /// The certificate was issued without new names that failed.
    WithoutNames,
    /// The CA does not answer, so that nothing is ordered.
    CaDown,
    /// Certificates could be ordered at no other CA, if the first one did not answer.
    NoOtherCa,
    /// The last rehearsal of a change to another CA failed.
    RehearsalFailed,
    /// There is no account, so that nothing is ordered.
    AccountMissing,
    /// A run ended before anything was ordered.
    RunFailed,
    /// A certificate was renewed.
    Renewed,
    /// So many customers' domains were disowned at once that none is released.
    ReleasesFrozen,
}

impl Topic {
    /// The name of the alert: where a rule of `plugin/alerts` means the same, it has the same name.
    pub fn alert(self) -> &'static str {
        match self {
            Self::RenewalFailed => "KubectlCertsRenewalFailed",
            Self::Held => "KubectlCertsRenewalHeld",
            Self::RolledBack => "KubectlCertsRolledBack",
            Self::Ends => "KubectlCertsCertificateEnds",
            Self::NotServed => "KubectlCertsNotServed",
            Self::WithoutNames => "KubectlCertsIssuedWithoutNames",
            Self::CaDown => "KubectlCertsCertificateAuthorityDown",
            Self::NoOtherCa => "KubectlCertsNoOtherCertificateAuthority",
            Self::RehearsalFailed => "KubectlCertsChangeRehearsalFailed",
            Self::AccountMissing => "KubectlCertsAccountMissing",
            Self::RunFailed => "KubectlCertsRunFailed",
            Self::Renewed => "KubectlCertsCertificateRenewed",
            Self::ReleasesFrozen => "KubectlCertsDomainReleasesFrozen",
        }
    }

    /// How bad it is. It is the same for every notice of the topic, because an alert is known again by its labels.
    pub fn severity(self) -> &'static str {
        match self {
            Self::Ends | Self::RolledBack | Self::AccountMissing => "critical",
            Self::ReleasesFrozen
            | Self::RenewalFailed
            | Self::NotServed
            | Self::WithoutNames
            | Self::CaDown
            | Self::NoOtherCa
            | Self::RehearsalFailed
            | Self::RunFailed => "warning",
            Self::Held | Self::Renewed => "info",
        }
    }

    /// What it says of a certificate, before the name of its Secret.
    fn words(self) -> &'static str {
        match self {
            Self::RenewalFailed => "not renewed",
            Self::Held => "held",
            Self::RolledBack => "rolled back",
            Self::Ends => "ends",
            Self::NotServed => "not served",
            Self::WithoutNames => "issued without new names",
            Self::CaDown => "CA down",
            Self::NoOtherCa => "no other CA",
            Self::RehearsalFailed => "rehearsal failed",
            Self::AccountMissing => "account missing",
            Self::RunFailed => "run failed",
            Self::Renewed => "renewed",
            Self::ReleasesFrozen => "releases frozen",
        }
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// The Secret of the certificate; `None` if it is about no single one.
    pub secret: Option<Key>,
    /// What happened, in words. Not cleared for a terminal.
    pub message: String,
    /// Whether it is over.
    pub is_over: bool,
    /// When it happened, in seconds since 1970.
    pub at: Seconds,
}

/// What all notices of a message have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// The cluster, as the kubeconfig or the installation calls it; empty if it has no name.
    pub cluster: String,
    /// How long an alert lasts of which nothing more is heard, in seconds.
    pub lasts: Seconds,
}

impl Notice {
    /// `Secret shop/shop-tls`; what is about no single one has no subject.
    fn subject(&self) -> Option<String> {
        self.secret.as_ref().map(|secret| format!("Secret {secret}"))
    }

    /// One line: `not renewed: Secret shop/shop-tls: a challenge failed`.
    fn line(&self) -> String {
        let mut words = Vec::new();
        if self.is_over {
            words.push("over".to_owned());
        }
        words.push(self.topic.words().to_owned());
        words.extend(self.subject());
        if !self.message.is_empty() {
            words.push(self.short());
        }
        text::clear(&words.join(": ")).into_owned()
    }

    /// The message on one line, cut where it is long.
    fn short(&self) -> String {
        text::clear(&text::shorten(&self.message, LONGEST)).into_owned()
    }
}

#[cfg(test)]
pub(crate) fn example() -> Vec<Notice> {
    let notice = |topic, secret: &str, message: &str| Notice {
        topic,
        secret: Some(Key::new("shop", secret)),
        message: message.to_owned(),
        is_over: false,
        at: 1_796_083_200,
    };
    vec![
        notice(
            Topic::RenewalFailed,
            "shop-tls",
            "shop.example: <!channel> 404 & \u{1b}[31m\"not found\"",
        ),
        Notice {
            is_over: true,
            ..notice(Topic::Ends, "blog-tls", "")
        },
    ]
}
