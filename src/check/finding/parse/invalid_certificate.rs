use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, by_whom, data_keys, secret, trimmed},
    },
    x509::Readers,
};

/// A block of `tls.crt` that cannot be read, or is skipped (`skipped`). `by` names the programs that fail to read or
/// skip the block; it is empty where every program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCertificate {
    pub secret: Key,
    pub position: usize,
    pub by: Readers,
    pub skipped: bool,
    pub why: String,
}

impl Defect for InvalidCertificate {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            secret: key,
            position,
            by,
            skipped,
            why,
        } = self;

        let place = if self.is_alone() {
            String::new()
        } else {
            format!(" in {} of {}", brief(data_keys(row)[0]), secret(key, row))
        };
        let number = position.saturating_add(1);
        let why = trimmed(why);
        if *skipped {
            format!("Block {number}{place} is skipped by {}: {why}.", by.names())
        } else {
            format!("Certificate {number}{place} cannot be read{}: {why}.", by_whom(*by))
        }
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        if self.is_alone() {
            return format!(
                "Rebuild the chain as PEM with nothing else in it, the server's certificate first, then its intermediates: {}.",
                commands.whole_chain()
            );
        }
        format!(
            "Inspect it with {}, then store the chain as PEM with nothing else in it, the server's certificate \
             first, then its intermediates: {}.",
            commands.openssl(
                &self.secret,
                "crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -noout"
            ),
            commands.store(&self.secret)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Rebuild the chain as PEM with nothing else in it, the server's certificate first: {}; then {place}.",
            commands.whole_chain()
        ))
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret).filter(|_| !self.is_alone())
    }
}

impl InvalidCertificate {
    /// Whether the finding is about the certificates of a file or a server, which no Secret holds.
    fn is_alone(&self) -> bool {
        self.secret.name.is_empty()
    }
}
