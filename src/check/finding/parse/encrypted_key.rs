use crate::check::{
    finding::prelude::*,
    words::say::{brief, data_keys, secret},
};

/// A key that is encrypted with a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedKey {
    pub secret: Key,
}

impl Defect for EncryptedKey {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key } = self;
        format!(
            "{} of {} is encrypted with a passphrase, which no controller has: its certificate cannot be served.",
            brief(data_keys(row)[1]),
            secret(key, row)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret } = self;
        format!(
            "Decrypt the key with {}, store it, and remove the file: {}.",
            commands.run("openssl pkey -in <ENCRYPTED-FILE> -out <KEY-FILE>"),
            commands.store(secret)
        )
    }

    fn remedy_outside(&self, _outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(format!("Inspect the key with {}.", commands.check_key()))
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
