use crate::check::{
    finding::prelude::*,
    time::has_ended,
    words::say::{certificate, moment, renew},
};

/// A certificate whose validity has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    pub not_after: Seconds,
}

impl Defect for Expired {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let it = certificate(row);
        let Self { not_after } = self;

        format!("{it} expired on {}: clients refuse it.", moment(*not_after, now))
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        renew(row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.renew())
    }
}

impl Expired {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        let (not_after, now) = (on.leaf.not_after, on.rules.now);
        collector.moment(not_after, now);
        if has_ended(not_after, now) {
            collector.add(Self { not_after });
        }
    }
}
