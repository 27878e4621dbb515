use crate::check::{
    finding::prelude::*,
    words::{
        handshake::s_client,
        say::{brief, host, moment, renew},
    },
};

/// An address that serves an expired certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedExpired {
    pub address: Text,
    pub not_after: Seconds,
}

impl Defect for ServedExpired {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self { address, not_after } = self;
        format!(
            "{} serves a certificate for {} that expired on {}: clients refuse it.",
            brief(address),
            host(row),
            moment(*not_after, now)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { address, .. } = self;
        if row.is_without_secrets() {
            return format!(
                "See it with {}. If it has been renewed already, the controller or a proxy in front has not loaded the new \
                 one: restart it; otherwise renew it. {}",
                commands.run(s_client(address, row, "-noout -dates")),
                renew(row, commands)
            );
        }
        format!(
            "See it with {}. If the Secret holds a newer one ({}), the controller or a proxy in front has not loaded \
             it: restart it; otherwise renew the Secret's certificate. {}",
            commands.run(s_client(address, row, "-noout -dates")),
            commands.show(row),
            renew(row, commands)
        )
    }
}
