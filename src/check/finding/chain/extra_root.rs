use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, rearrange},
};

/// A chain that includes its root, which clients have anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraRoot {
    pub subject: Text,
}

impl Defect for ExtraRoot {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { subject } = self;
        format!(
            "{it} is followed by the root {}, which clients already have or do not trust: it only makes each handshake longer.",
            brief(subject)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        rearrange("Leave the root out of tls.crt (it belongs in ca.crt)", row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!("Leave the root out when you rebuild the chain, and {place}."))
    }
}
