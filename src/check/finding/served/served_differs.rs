use crate::check::{
    finding::prelude::*,
    words::{
        handshake::{handshake, s_client},
        say::{brief, expected, host, list, route, secret},
    },
};

/// How many hexadecimal digits of a fingerprint a message shows to tell two certificates apart.
const DIGITS: usize = 16;

/// An address that serves a certificate other than the stored one, or only a part of the stored chain. In the latter
/// case `missing` has the stored certificates that the leaf needs and that are not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedDiffers {
    pub address: Text,
    pub served_sha256: String,
    pub stored_sha256: String,
    pub missing: Vec<Text>,
}

impl Defect for ServedDiffers {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self { address, missing, .. } if !missing.is_empty() => format!(
                "{} serves the certificate for {} that {} holds without {}, which it needs and which is stored with it: clients \
             that do not have that refuse the connection.",
                brief(address),
                host(row),
                stored(row),
                list(missing)
            ),
            Self {
                address,
                served_sha256,
                stored_sha256,
                ..
            } if stored_sha256.is_empty() => format!(
                "{} serves a certificate for {} that clients accept (SHA-256 {}), but not the one expected of {}: something that was \
             not read provides it.",
                brief(address),
                host(row),
                short(served_sha256),
                route(row)
            ),
            Self {
                address,
                served_sha256,
                stored_sha256,
                ..
            } => format!(
                "{} serves another certificate for {} than {} holds (SHA-256 {} served, {} stored).",
                brief(address),
                host(row),
                stored(row),
                short(served_sha256),
                short(stored_sha256)
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self { address, missing, .. } if !missing.is_empty() => format!(
                "See what is sent with {}, and what is stored with {}: if something in front terminates TLS, give it the \
             whole of tls.crt, not only the first certificate; otherwise the controller has not loaded the Secret as it is now.",
                commands.run(handshake(address, row, " -showcerts")),
                commands.show(row)
            ),
            Self { address, .. } => format!(
                "Compare with {} and {}: the controller has not loaded the Secret (its log shows why; a reload or restart \
             helps), another route takes the host, or a proxy in front terminates TLS.",
                commands.run(s_client(
                    address,
                    row,
                    "-noout -subject -issuer -dates -fingerprint -sha256"
                )),
                commands.show(row)
            ),
        }
    }
}

/// Names the row's Secret: `Secret shop-tls`, or `the Secret`.
fn stored(row: &Row<'_>) -> String {
    expected(row).map_or_else(|| "the Secret".to_owned(), |key| secret(key, row))
}

/// The first digits of a fingerprint.
fn short(sha256: &str) -> String {
    sha256.chars().take(DIGITS).collect()
}
