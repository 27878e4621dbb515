use crate::check::{
    finding::prelude::*,
    words::say::{owner_of_route, route},
};

/// An Ingress with tls entries and no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultBackendOnly;

impl Defect for DefaultBackendOnly {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        format!(
            "{} has tls entries and no rule, only a default backend: most controllers ignore its tls entries.",
            route(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Add a rule with a host that the certificate covers to {}, or set the certificate as the controller's default \
             one; see the Ingress with {}.",
            owner_of_route(row),
            commands.kubectl_route("describe", row)
        )
    }
}
