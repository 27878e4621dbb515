use crate::check::{
    finding::prelude::*,
    words::say::{brief, route},
};

/// A certificateRef of a listener that cannot refer to a Secret with a certificate and a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCertificateRef {
    pub group: Text,
    pub kind: Text,
    pub name: Text,
    pub why: &'static str,
}

impl Defect for InvalidCertificateRef {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { group, kind, name, why } = self;

        let dot = if group.is_empty() { "" } else { "." };
        format!(
            "The certificateRef {}{dot}{}/{} of {} cannot be used ({why}): the listener has no certificate from it.",
            brief(kind),
            brief(group),
            brief(name),
            route(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Let the certificateRef name a kubernetes.io/tls Secret (group \"\", kind Secret) that exists and holds a \
             matching pair; {} shows the listener's conditions.",
            commands.kubectl_route("describe", row)
        )
    }
}
