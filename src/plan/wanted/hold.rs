//! The rules by which a Secret is left alone.

use crate::{
    check::{asked_of_cert_manager, is_owned, owner},
    inventory::{Inventory, NameDenied, RouteKey, Stored, WhyDenied},
    object::{Key, Seconds, Text, annotation},
    plan::{copy::CopyHold, target::kept},
    text::date_time,
};

/// Why a Secret for which a route asks is left alone. Each is a rule that protects somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// cert-manager writes it.
    #[error("cert-manager's Certificate {0} writes it")]
    CertManager(Key),
    /// A route asks cert-manager for it.
    #[error("{0} asks cert-manager for it")]
    AskedOfCertManager(RouteKey),
    /// cert-manager has marked it, and its Certificate is gone: a write would be refused.
    #[error("it bears cert-manager's marks, although no Certificate writes it: `kubectl certs adopt` takes it over")]
    Marked,
    /// Another program or object writes it.
    #[error("{0} writes it")]
    Owner(String),
    /// Another installation of this program keeps it.
    #[error("another installation ({0}) keeps it")]
    OtherInstall(String),
    /// Its certificate comes from another CA.
    #[error("{from} issued its certificate, and not {to}")]
    OtherCa {
        /// The CA that issued it.
        from: String,
        /// The CA at which it would be ordered.
        to: String,
    },
    /// Nobody knows what it holds.
    #[error("it may not be read, so nobody knows what it holds")]
    Unread,
    /// It holds what another Secret held before a renewal.
    #[error("it holds what another Secret held before a renewal")]
    Backup,
    /// Two certificates for its names were issued within a day, and are not what it holds: somebody else writes it too.
    #[error("two certificates for its names were issued within a day, and a third is wanted: no more before {}", date_time(*.0))]
    TwoADay(Seconds),
    /// Its pair was put back again and again, and somebody else undoes it.
    #[error(
        "its pair was put back {times} times within an hour, and somebody else undoes it: not again before {}",
        date_time(*.until)
    )]
    Undone {
        /// How often, within an hour.
        times: usize,
        /// When it is put back once more, in seconds since 1970.
        until: Seconds,
    },
    /// The pair of its last renewal was proved not to be served, so that the former one was put back.
    #[error(
        "its new certificate was not served where the former one had been, so that the former one was put back: it is not renewed before {}",
        date_time(*.0)
    )]
    RolledBack(Seconds),
    /// No certificate can be ordered for its hosts.
    #[error("no certificate can be ordered for {0}")]
    Impossible(String),
    /// It is to be a copy, which a rule forbids.
    #[error(transparent)]
    Copy(CopyHold),
    /// The names policy does not permit its namespace the names.
    #[error("{0}")]
    NotPermitted(String),
    /// Another namespace has its names.
    #[error("{0}")]
    NameTaken(String),
    /// Its namespace has ordered as many certificates as the names policy permits it within a day.
    #[error(
        "namespace {namespace} may order {most} certificates within a day, and has: no more before {}",
        date_time(*.until)
    )]
    OrdersADay {
        /// The namespace.
        namespace: Text,
        /// How many it may order.
        most: usize,
        /// When it may order again, in seconds since 1970.
        until: Seconds,
    },
}

impl Hold {
    /// The rule in one word, as conditions of Kubernetes have their reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::CertManager(_) | Self::AskedOfCertManager(_) | Self::Marked => "CertManager",
            Self::Owner(_) | Self::Undone { .. } => "OtherOwner",
            Self::OtherInstall(_) => "OtherInstall",
            Self::OtherCa { .. } => "OtherCa",
            Self::Unread => "Forbidden",
            Self::Backup => "Backup",
            Self::TwoADay(_) => "TwoADay",
            Self::RolledBack(_) => "RolledBack",
            Self::Impossible(_) => "ImpossibleName",
            Self::Copy(hold) => hold.reason(),
            Self::NotPermitted(_) => "NameNotPermitted",
            Self::NameTaken(_) => "NameTaken",
            Self::OrdersADay { .. } => "OrdersADay",
        }
    }

    /// When it ends by itself, in seconds since 1970; `None` if time alone changes nothing.
    pub fn until(&self) -> Option<Seconds> {
        match self {
            Self::TwoADay(until)
            | Self::RolledBack(until)
            | Self::Undone { until, .. }
            | Self::OrdersADay { until, .. } => Some(*until),
            _ => None,
        }
    }
}

impl From<NameDenied> for Hold {
    fn from(denied: NameDenied) -> Self {
        let words = denied.to_string();
        match denied.why {
            WhyDenied::Policy(_) => Self::NotPermitted(words),
            WhyDenied::Taken { .. } => Self::NameTaken(words),
        }
    }
}

/// The rule that has an installation leave a Secret alone, whatever its CA is; `None` if there is none.
pub fn hold(inventory: &Inventory, secret: &Key, install: &str) -> Option<Hold> {
    if let Some(certificate) = inventory.certificates_of(secret).next() {
        return Some(Hold::CertManager(certificate.meta.key()));
    }
    if let Some(route) = asked_of_cert_manager(inventory, secret) {
        return Some(Hold::AskedOfCertManager(route.clone()));
    }
    if kept(inventory, secret).is_some() {
        return Some(Hold::Backup);
    }
    let Some(stored) = inventory.secrets().get(secret) else {
        return inventory.is_unread(secret).then_some(Hold::Unread);
    };
    if is_owned(stored) {
        let owner = owner(inventory, secret).unwrap_or_else(|| "another program".to_owned());
        return Some(Hold::Owner(owner));
    }
    if is_marked(stored) {
        return Some(Hold::Marked);
    }
    stored
        .meta
        .annotation(annotation::CLAIM)
        .filter(|claim| *claim != install)
        .map(|claim| Hold::OtherInstall(claim.to_owned()))
}

/// Whether cert-manager has marked a Secret as its own, by what whoever is about to write it looks at too
/// (`apply::owner`). Of the managers of its fields nothing is known here: cert-manager never leaves one without a mark.
fn is_marked(stored: &Stored) -> bool {
    stored.meta.annotation(annotation::CERTIFICATE_NAME).is_some()
        || stored.meta.label(annotation::CERT_MANAGERS) == Some("true")
}
