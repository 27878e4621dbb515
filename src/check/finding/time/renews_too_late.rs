use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, describe, moment, the_certificate},
    },
    text::age,
};

/// A renewal that cert-manager has scheduled too close to the end of the validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewsTooLate {
    pub certificate: Text,
    pub planned: Seconds,
    pub not_after: Seconds,
}

impl Defect for RenewsTooLate {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self {
            certificate,
            planned,
            not_after,
        } = self;
        format!(
            "cert-manager is to renew {} for Certificate {} on {}, only {} before it expires: that leaves little time to repeat a \
             failed attempt.",
            the_certificate(row),
            brief(certificate),
            moment(*planned, now),
            age(not_after.saturating_sub(*planned).max(0))
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { certificate, .. } = self;
        format!(
            "Remove spec.renewBefore and spec.renewBeforePercentage from Certificate {}, so that it is renewed when a third of its \
             lifetime is left; {} shows its dates.",
            brief(certificate),
            describe(certificate, row, commands)
        )
    }
}
