use crate::check::{
    Renewer,
    finding::{DueBy, prelude::*},
    words::say::{certificate, describe, moment, renew},
};

/// A certificate whose renewal is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalDue {
    pub not_after: Seconds,
    pub since: Seconds,
    pub by: DueBy,
}

impl Defect for RenewalDue {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let it = certificate(row);
        let Self { not_after, since, by } = self;

        let ends = moment(*not_after, now);
        match by {
            DueBy::CertManager => format!(
                "{it} expires on {ends}, and cert-manager, which was to renew it on {}, has not.",
                moment(*since, now)
            ),
            DueBy::Asked => format!("{it} expires on {ends}: within the time given by --expiring-within."),
            DueBy::Window => format!(
                "{it} expires on {ends}, and the CA's renewal window has been open since {}.",
                moment(*since, now)
            ),
            DueBy::Lifetime => format!(
                "{it} expires on {ends}, and by its lifetime it has been due for renewal since {}.",
                moment(*since, now)
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let see = match (self.by, row.renewer) {
            (DueBy::CertManager, Renewer::CertManager(certificate)) => {
                format!("See what holds it up with {}. ", describe(certificate, row, commands))
            }
            _ => String::new(),
        };
        format!("{see}{}", renew(row, commands))
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.renew())
    }
}
