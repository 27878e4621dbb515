use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, host, reissue, the_certificate},
    },
    x509::trust::Clients,
};

/// A chain that violates a constraint of one of its CAs, or a rule of some clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintViolated {
    pub by: Clients,
    pub why: String,
}

impl Defect for ConstraintViolated {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { by, why } = self;
        format!(
            "The chain of {} breaks a rule of {}: {}. {}",
            the_certificate(row),
            match by {
                Clients::All => "its CAs",
                Clients::Go | Clients::OpenSsl => "some clients",
            },
            brief(why.trim().trim_end_matches('.')),
            match by {
                Clients::All => "Clients refuse it.",
                Clients::Go => "Programs written in Go refuse it, while OpenSSL accepts it.",
                Clients::OpenSsl =>
                    "OpenSSL and programs built on it (curl, Python, Ruby) refuse it, while Go accepts it.",
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again from a CA that may certify {}; {} shows the chain with its constraints. {}",
            host(row),
            commands.show(row),
            reissue(row, commands)
        )
    }
}
