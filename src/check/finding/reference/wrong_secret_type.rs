use crate::check::{
    finding::prelude::*,
    words::say::{brief, owner_of_route, secret, secret_field},
};

/// A Secret of a type other than kubernetes.io/tls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongSecretType {
    pub secret: Key,
    pub found: Text,
    pub usable: bool,
}

impl Defect for WrongSecretType {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            secret: key,
            found,
            usable,
        } = self;
        format!(
            "{} has the type {}, not kubernetes.io/tls{}.",
            secret(key, row),
            if found.is_empty() {
                "Opaque".into()
            } else {
                brief(found)
            },
            if *usable {
                ": it holds tls.crt and tls.key, which some controllers use and others ignore"
            } else {
                ", and lacks the pair of tls.crt and tls.key: no certificate can be served from it"
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret: key, .. } = self;
        format!(
            "A Secret's type cannot be changed: create another one with {} and name it in {} of {}.",
            commands.create(key, &format!("{}-2", key.name)),
            secret_field(row),
            owner_of_route(row)
        )
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
