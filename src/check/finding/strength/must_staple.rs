use crate::check::{
    finding::prelude::*,
    words::say::{certificate, host, reissue},
};

/// A certificate that requires a stapled OCSP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MustStaple;

impl Defect for MustStaple {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        format!(
            "{it} demands a stapled OCSP response (must-staple), which most servers do not send: clients that enforce it \
             refuse {}.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again without must-staple, which public CAs are giving up together with OCSP; {} shows it as TLS \
             Feature. {}",
            commands.certificate_text(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!("Issue it again without must-staple, and {place}."))
    }
}

impl MustStaple {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        if on.leaf.must_staple {
            collector.add(Self);
        }
    }
}
