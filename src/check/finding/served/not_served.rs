use crate::check::{
    finding::prelude::*,
    words::{
        handshake::handshake,
        say::{brief, host},
    },
};

/// An address that completes no TLS handshake. `asked` is false where the address could not be probed at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotServed {
    pub address: Text,
    pub why: String,
    pub asked: bool,
}

impl Defect for NotServed {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { address, why, asked } = self;
        let why = brief(why.trim().trim_end_matches('.'));
        if !asked {
            return format!("Whether {} is served is not known: {why}.", host(row));
        }
        format!(
            "{} does not complete a TLS handshake for {}: {why}.",
            brief(address),
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        if !self.asked {
            return format!(
                "See what DNS says with {}, and try again when it answers; --connect HOST:PORT names the address meanwhile.",
                commands.dig(row)
            );
        }
        format!(
            "Try it with {}; check that the address is reachable from here, that the port is open and that the controller \
             accepts the route ({}).",
            commands.run(handshake(&self.address, row, "")),
            commands.kubectl_route("describe", row)
        )
    }
}
