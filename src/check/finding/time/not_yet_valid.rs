use crate::check::{
    finding::prelude::*,
    time::has_ended,
    words::say::{certificate, moment, renew},
};

/// A certificate whose validity has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYetValid {
    pub not_before: Seconds,
}

impl Defect for NotYetValid {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let it = certificate(row);
        let Self { not_before } = self;

        format!(
            "{it} is valid only from {}: until then clients refuse it.",
            moment(*not_before, now)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Compare the dates with {} and the issuer's clock; wait for that moment, or store the previous \
             certificate or one issued with a correct clock. {}",
            commands.openssl_expected(row, "x509 -noout -dates"),
            renew(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Compare its dates with the issuer's clock; wait for that moment, or {}.",
            place.replacen(" it", " one that is valid now", 1)
        ))
    }
}

impl NotYetValid {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        let (not_before, now) = (on.leaf.not_before, on.rules.now);
        collector.moment(not_before, now);
        if now < not_before && !has_ended(on.leaf.not_after, now) {
            collector.add(Self { not_before });
        }
    }
}
