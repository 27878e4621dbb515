//! A Service, as far as it says which Pods answer to its names.

use super::{Meta, Text};

/// What is read of a Service.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Its metadata.
    pub meta: Meta,
    /// spec.selector; empty where somebody else says which Pods are its.
    pub selector: Box<[(Text, Text)]>,
}

impl Service {
    /// Whether Pods with these labels are its own.
    pub fn selects(&self, labels: &[(Text, Text)]) -> bool {
        !self.selector.is_empty() && self.selector.iter().all(|wanted| labels.contains(wanted))
    }

    /// The name that clients in other namespaces use, and that certificates have: `NAME.NAMESPACE.svc`.
    pub fn host(&self) -> Text {
        compact_str::format_compact!("{}.{}.svc", self.meta.name, self.meta.namespace)
    }
}
