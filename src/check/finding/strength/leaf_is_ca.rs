use crate::check::{
    finding::prelude::*,
    words::say::{certificate, host, reissue, with_cert_manager},
};

/// A server's certificate that is marked as a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafIsCa;

impl Defect for LeafIsCa {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        format!(
            "{it} is marked as a CA and serves {} itself: some clients refuse it, and whoever gets its key can issue \
             certificates.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue a server certificate from it and serve that{}. {}",
            with_cert_manager(row, "leave isCA out of the Certificate"),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!("Issue a server certificate from it, and {place}."))
    }
}

impl LeafIsCa {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        // A self-signed certificate that was made by hand for a server nearly always has the CA flag. SelfSigned covers
        // that case.
        if on.leaf.is_ca && !on.leaf.self_signed {
            collector.add(Self);
        }
    }
}
