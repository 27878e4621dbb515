use crate::check::{
    finding::prelude::*,
    words::say::{moment, renew, the_certificate},
};

/// A renewal window that the CA has moved into the past: the certificate may be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewNow {
    pub window_end: Seconds,
}

impl Defect for RenewNow {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self { window_end } = self;
        format!(
            "The CA's renewal window of {} ended on {}, before the certificate was due by its age: it may have been \
             revoked, or may soon be.",
            the_certificate(row),
            moment(*window_end, now)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Renew it now, and look for a revocation notice from the CA. {}",
            renew(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.renew())
    }
}
