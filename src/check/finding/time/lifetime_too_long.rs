use crate::{
    check::{
        finding::prelude::*,
        words::say::{certificate, reissue, with_cert_manager},
    },
    text::time::DAY,
    x509::Trust,
};

/// A publicly trusted certificate that is valid for longer than browsers accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifetimeTooLong {
    pub days: u32,
    pub allowed: u32,
}

impl Defect for LifetimeTooLong {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { days, allowed } = self;
        format!(
            "{it} is valid for {days} days, but publicly trusted ones of its date may be valid for at most {allowed}: \
             browsers refuse it."
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { allowed, .. } = self;
        format!(
            "Issue it again for {allowed} days or fewer{}. {}",
            with_cert_manager(row, "set spec.duration of the Certificate"),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!("Issue it again for fewer days, and {place}."))
    }
}

impl LifetimeTooLong {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        let CertificateSubject { stored, leaf, .. } = *on;
        if !matches!(stored.bundle.trust, Trust::Trusted { public: true, .. }) {
            return;
        }
        // Both ends count: 90 days are 90 x 86,400 s, including the last second.
        let seconds = leaf.not_after.saturating_sub(leaf.not_before).saturating_add(1);
        let days = seconds.saturating_add(DAY - 1) / DAY;
        if let Some(allowed) = allowed_days(leaf.not_before).filter(|allowed| days > *allowed) {
            let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
            collector.add(Self {
                days: number(days),
                allowed: number(allowed),
            });
        }
    }
}

/// The longest lifetime in days that browsers accept for a certificate of a public CA, by the day of its issuance
/// (CA/Browser Forum, Baseline Requirements, section 6.3.2).
fn allowed_days(issued: Seconds) -> Option<i64> {
    const STEPS: [(Seconds, i64); 4] = [
        (1_868_227_200, 47),
        (1_805_068_800, 100),
        (1_773_532_800, 200),
        (1_598_918_400, 398),
    ];
    STEPS
        .into_iter()
        .find(|(from, _)| issued >= *from)
        .map(|(_, days)| days)
}
