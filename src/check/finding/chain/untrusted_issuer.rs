use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, reissue},
};

/// A chain that ends at a root that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrustedIssuer {
    pub issuer: Text,
    pub root_presented: bool,
    pub namesake: bool,
}

impl Defect for UntrustedIssuer {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        match self {
            Self {
                issuer, namesake: true, ..
            } => format!(
                "{it} leads to {}, which has the name of a trusted root, but another key. Clients that do not have that root refuse \
             the connection.",
                brief(issuer)
            ),
            Self {
                issuer, root_presented, ..
            } => format!(
                "{it} leads to {}, which is not a trusted root{}: clients that do not have that root refuse it.",
                brief(issuer),
                if *root_presented {
                    ", although the server sends it"
                } else {
                    ""
                }
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self { namesake: true, .. } => format!(
                "If the CA was recreated under its old name, give the new root to the clients, and to {}; otherwise issue the \
             certificate with the trusted CA. {}",
                commands.status_with("--ca-file <CA-FILE>", row),
                reissue(row, commands)
            ),
            Self { .. } => format!(
                "If a private CA is intended, give its root to the clients, and to {}; otherwise issue the certificate with a \
             publicly trusted CA. {}",
                commands.status_with("--ca-file <CA-FILE>", row),
                reissue(row, commands)
            ),
        }
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.trust_root(commands))
    }
}
