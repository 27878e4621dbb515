use crate::check::{
    finding::{Instead, prelude::*},
    words::say::{instead, secret},
};

/// A Secret without its certificate or its key. `by_version`: Traefik's default store lists it, and for that reason the
/// store has no default certificate in versions up to 3.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingData {
    pub secret: Key,
    pub data_key: &'static str,
    pub empty: bool,
    pub by_version: bool,
}

impl Defect for MissingData {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            secret: key,
            data_key,
            empty,
            by_version,
        } = self;

        let it = secret(key, row);
        let so = if *by_version {
            let differs = instead(Instead::OwnUpTo36, ": ");
            format!("its certificate cannot be served. The TLSStore called default lists it{differs}")
        } else {
            "its certificate cannot be served".to_owned()
        };
        if *empty {
            format!("{data_key} of {it} is empty: {so}.")
        } else {
            format!("{it} has no {data_key}: {so}.")
        }
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret: key, .. } = self;
        format!(
            "Store certificate and key together: {}. If something else fills the Secret, find out who with {}.",
            commands.store(key),
            commands.kubectl("describe", Kind::Secret, key)
        )
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
