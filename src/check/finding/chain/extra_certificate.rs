use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, rearrange},
};

/// A chain that includes a certificate which is not part of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraCertificate {
    pub subject: Text,
}

impl Defect for ExtraCertificate {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { subject } = self;
        format!(
            "{it} is followed by {}, which is not part of its chain: it makes each handshake longer.",
            brief(subject)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        rearrange("Leave that certificate out of tls.crt", row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Leave that certificate out when you rebuild the chain, and {place}."
        ))
    }
}
