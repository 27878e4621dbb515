use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, by_whom, data_keys, secret, trimmed},
    },
    x509::Readers,
};

/// A key that cannot be read. `by` names the programs that fail to read it; it is empty where every program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKey {
    pub secret: Key,
    pub by: Readers,
    pub why: String,
}

impl Defect for InvalidKey {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key, by, why } = self;

        format!(
            "{} of {} cannot be read{}: {}.",
            brief(data_keys(row)[1]),
            secret(key, row),
            by_whom(*by),
            trimmed(why)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret, .. } = self;
        format!(
            "Check the key file with {} and store it again, as PEM: {}.",
            commands.check_key(),
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
