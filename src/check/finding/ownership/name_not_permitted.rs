use crate::{
    check::{
        finding::{ObjectRef, prelude::*},
        words::say::{host, object},
    },
    policy::Denial,
};

/// A host that the names policy does not permit the namespace that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameNotPermitted {
    pub asker: ObjectRef,
    pub denial: Denial,
}

impl Defect for NameNotPermitted {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { asker, denial } = self;
        format!(
            "The names policy does not permit namespace {} the name {}, which {} has: {denial}.",
            asker.key.namespace,
            host(row),
            object(asker, row),
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { asker, .. } = self;
        format!(
            "Take the host out of the route ({}), or have whoever keeps policy.names in the controller's settings permit it: no certificate is \
             ordered for it until then.",
            commands.kubectl("edit", asker.kind, &asker.key)
        )
    }
}
