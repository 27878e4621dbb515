use std::borrow::Cow;

use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, certificate, host, reissue},
    },
    x509::Readers,
};

/// A certificate whose form some clients refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedByClients {
    pub by: Readers,
    pub why: Cow<'static, str>,
}

impl Defect for RefusedByClients {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { by, why } = self;

        format!("{it} is refused by {} for {}: {}.", by.names(), host(row), brief(why))
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "If such clients are expected, issue it again in a form that all of them accept: an ECDSA P-256 key, or RSA of 2048 to \
             4096 bits, digital signature among its key usage, and a few names; {} shows it. {}",
            commands.certificate_text(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "If such clients are expected, issue it again in a form that all of them accept (an ECDSA P-256 key, or RSA of 2048 to 4096 \
             bits, and a few names), and {place}."
        ))
    }
}
