use crate::check::{
    finding::prelude::*,
    words::say::{brief, route},
};

/// A Secret in another namespace that no ReferenceGrant permits a listener to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefNotPermitted {
    pub secret: Key,
    pub from: Kind,
    pub from_namespace: Text,
}

impl Defect for RefNotPermitted {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            secret: key,
            from,
            from_namespace,
        } = self;
        format!(
            "No ReferenceGrant in namespace {} permits a {} of namespace {} to use Secret {}: {} has no certificate from \
             it.",
            brief(&key.namespace),
            from.as_str(),
            brief(from_namespace),
            brief(&key.name),
            route(row)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self {
            secret: key,
            from,
            from_namespace,
        } = self;
        format!(
            "Create a ReferenceGrant in namespace {} with spec `{{from: [{{group: gateway.networking.k8s.io, kind: {}, \
             namespace: {}}}], to: [{{group: \"\", kind: Secret, name: {}}}]}}`, or keep the Secret in the namespace of \
             the {}; {} shows the existing ones.",
            brief(&key.namespace),
            from.as_str(),
            brief(from_namespace),
            brief(&key.name),
            from.as_str(),
            commands.kubectl_in(&key.namespace, "get referencegrant -o yaml")
        )
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
