use crate::check::{
    finding::{ObjectRef, prelude::*},
    words::say::{brief, object, route},
};

/// A host of a route that no listener accepts. `others`: a listener accepts other hosts of the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoMatchingListenerHostname {
    pub route: ObjectRef,
    pub hostname: Text,
    pub others: bool,
}

impl Defect for NoMatchingListenerHostname {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                route: from,
                hostname,
                others: true,
            } => format!(
                "No listener of {} accepts the host {} of {}: it is not served there, unlike the other hosts of that route.",
                route(row),
                brief(hostname),
                object(from, row)
            ),
            Self {
                route: from, hostname, ..
            } => format!(
                "No listener of {} accepts the host {} of {}, nor any other host of it: the route is not accepted there.",
                route(row),
                brief(hostname),
                object(from, row)
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { route: from, .. } = self;
        format!(
            "Give {} a hostname that the listener's covers, or attach it to another listener by \
             parentRefs[].sectionName; see it with {}.",
            object(from, row),
            commands.kubectl("describe", from.kind, &from.key)
        )
    }
}
