use crate::check::{
    Sample,
    finding::prelude::*,
    words::{
        handshake::s_client,
        say::{brief, host, list_of},
    },
};

/// An address that serves a certificate for other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedWrongHost {
    pub address: Text,
    pub names: Sample<Text>,
}

impl Defect for ServedWrongHost {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { address, names } = self;
        format!(
            "{} serves a certificate that does not cover {} (it names {}): clients refuse it.",
            brief(address),
            host(row),
            list_of(names)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { address, .. } = self;
        format!(
            "See it with {}: if it is the controller's default one, the route's Secret is missing, unreadable or does \
             not cover the host ({}{}); if it belongs to something else, find out what serves that address.",
            commands.run(s_client(address, row, "-noout -subject -ext subjectAltName")),
            commands.certs_with_secrets("status", row),
            if row.is_without_secrets() {
                " tells somebody who may read Secrets which"
            } else {
                ""
            }
        )
    }
}
