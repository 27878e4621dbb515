use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, host, reissue},
};

/// A certificate without subject alternative names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonNameOnly {
    pub common_name: Text,
}

impl Defect for CommonNameOnly {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { common_name } = self;
        format!(
            "{it} has no subject alternative name, only the common name {}: current clients ignore it and \
             refuse the certificate for {}.",
            brief(common_name),
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again with {} as a subject alternative name (dNSName, or iPAddress for an address); {} shows \
             its names. {}",
            host(row),
            commands.names(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.issue_with_name(commands))
    }
}
