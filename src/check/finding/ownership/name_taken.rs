use crate::check::{
    finding::{ObjectRef, prelude::*},
    words::say::{host, object},
};

/// A host that another namespace has first, under a names policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTaken {
    pub asker: ObjectRef,
    pub by: ObjectRef,
    /// Whether it is known that the other was the first: manifests do not say.
    pub is_first: bool,
}

impl Defect for NameTaken {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { asker, by, is_first } = self;
        let (host, by_object) = (host(row), object(by, row));
        if *is_first {
            format!(
                "Namespace {} had {host} first, by {by_object}, and the names policy leaves it to that: namespace {} gets no \
                 certificate for it.",
                by.key.namespace, asker.key.namespace
            )
        } else {
            format!(
                "Namespace {} asks for {host} too, by {by_object}, and manifests do not say which was the first: the names policy \
                 leaves it to one of them.",
                by.key.namespace
            )
        }
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { asker, by, .. } = self;
        format!(
            "Take the host out of one of the routes ({} or {}); where both are to have it, the rule of policy.names that permits it has `shared: true`.",
            commands.kubectl("edit", asker.kind, &asker.key),
            commands.kubectl("edit", by.kind, &by.key)
        )
    }
}
