use crate::check::{
    finding::prelude::*,
    words::{
        handshake::handshake,
        say::{brief, host},
    },
};

/// An address that completes no TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotServed {
    pub address: Text,
    pub why: String,
}

impl Defect for NotServed {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { address, why } = self;
        format!(
            "{} does not complete a TLS handshake for {}: {}.",
            brief(address),
            host(row),
            brief(why.trim().trim_end_matches('.'))
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { address, .. } = self;
        format!(
            "Try it with {}; check that the address is reachable from here, that the port is open and that the controller \
             accepts the route ({}).",
            commands.run(handshake(address, row, "")),
            commands.kubectl_route("describe", row)
        )
    }
}
