use crate::check::{
    finding::prelude::*,
    words::say::{certificate, host, reissue},
};

/// A certificate that signs itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfSigned;

impl Defect for SelfSigned {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        format!(
            "{it} is self-signed, not issued by a CA: clients refuse it for {}.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it with a CA that the clients trust; if clients pin this exact certificate, give it to {}. {}",
            commands.status_with("--ca-file <CERTIFICATE-FILE>", row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.trust_root(commands))
    }
}
