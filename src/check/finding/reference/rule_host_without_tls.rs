use crate::check::{
    finding::prelude::*,
    words::say::{brief, owner_of_route, route},
};

/// A host of a rule that no tls entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHostWithoutTls {
    pub host: Text,
    pub asked_for_acme: bool,
}

impl Defect for RuleHostWithoutTls {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { host, asked_for_acme } = self;
        format!(
            "{} is in a rule of {} but in none of its tls entries{}: it has no certificate of its own.",
            brief(host),
            route(row),
            if *asked_for_acme {
                ", although an annotation asks for a certificate"
            } else {
                ""
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { host, asked_for_acme } = self;
        format!(
            "Add {} to the hosts of a tls entry of {} whose Secret covers it{}; see the entries with {}.",
            brief(host),
            owner_of_route(row),
            if *asked_for_acme {
                ", because certificates are requested per tls entry"
            } else {
                ", or leave it as it is if plain HTTP or the default certificate is intended"
            },
            commands.kubectl_route("describe", row)
        )
    }
}
