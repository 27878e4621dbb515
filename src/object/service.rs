//! Services, as far as they say which Pods answer to their names.

use super::{Meta, Text};

/// The fields of a Service that are read.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Its metadata.
    pub meta: Meta,
    /// spec.selector; empty if the Pods are assigned in another way.
    pub selector: Box<[(Text, Text)]>,
}

impl Service {
    /// Whether it selects Pods with these labels.
    pub fn selects(&self, labels: &[(Text, Text)]) -> bool {
        !self.selector.is_empty() && self.selector.iter().all(|wanted| labels.contains(wanted))
    }

    /// The name `NAME.NAMESPACE.svc`, which clients in other namespaces use and certificates contain.
    pub fn host(&self) -> Text {
        compact_str::format_compact!("{}.{}.svc", self.meta.name, self.meta.namespace)
    }
}
