use crate::check::{
    finding::{ObjectRef, prelude::*},
    words::say::{brief, object},
};

/// Two listeners with the same port and hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostnameConflict {
    pub listener: Text,
    pub other: ObjectRef,
    pub other_listener: Text,
}

impl Defect for HostnameConflict {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            listener,
            other,
            other_listener,
        } = self;
        format!(
            "Listener {} has the port and the hostname of listener {} of {}: at most one of the two is served.",
            brief(listener),
            brief(other_listener),
            object(other, row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Give the two listeners different hostnames or ports, or keep one of them; {} shows which one is marked \
             Conflicted.",
            commands.kubectl_route("describe", row)
        )
    }
}
