use crate::check::{
    finding::{Fact, prelude::*},
    words::{
        handshake::handshake,
        say::{brief, host, route},
    },
};

/// An address that serves a chain that clients refuse. `why` has the findings that the chain would have if it were
/// stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedUntrusted {
    pub address: Text,
    pub why: Box<Fact>,
}

impl Defect for ServedUntrusted {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self { address, why } = self;
        format!(
            "{} serves certificates for {} that clients refuse. {}",
            brief(address),
            host(row),
            why.message(&of_server(row), now)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { address, .. } = self;
        format!(
            "See it with {}. Put a certificate that the clients trust, followed by its intermediates, where {} takes \
             it from ({}); if a private CA is intended, give its root to {}.",
            commands.run(handshake(address, row, " -showcerts")),
            route(row),
            commands.show(row),
            commands.status_with("--ca-file <CA-FILE>", row)
        )
    }
}

/// The row without its Secret, because no Secret is known to hold what the server sent.
fn of_server<'a>(row: &Row<'a>) -> Row<'a> {
    Row {
        secrets: &[],
        served: None,
        certificate: None,
        ..*row
    }
}
