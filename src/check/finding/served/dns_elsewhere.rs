use crate::check::{
    finding::prelude::*,
    words::say::{host, list, route},
};

/// A host that resolves to addresses other than those of the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsElsewhere {
    pub resolved: Vec<Text>,
    pub expected: Vec<Text>,
}

impl Defect for DnsElsewhere {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { resolved, expected } = self;
        format!(
            "{} resolves to {}, and {} is at {}: clients reach something else.",
            host(row),
            list(resolved),
            route(row),
            list(expected)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Point the host's record at the route's address, unless its target (a CDN, a NAT) is meant to be in front of \
             it: {} shows the record, {} the route's address.",
            commands.dig(row),
            commands.kubectl_route("get", row)
        )
    }
}
