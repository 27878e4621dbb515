//! Hooks of dehydrated's dialect get certificates too: a new one when it is stored, and one that is not due.

use std::collections::BTreeMap;

use super::{provider::CertificateCall, registry::ProviderEntry, solver::Dns01};
use crate::solve::SolveError;

impl Dns01 {
    /// Whether a hook takes the certificates of one of these domains.
    pub fn takes_certificates(&self, domains: &[&str]) -> bool {
        domains.iter().any(|domain| self.registry.taking(domain).is_some())
    }

    /// Hands a certificate to the hooks that prove its domains, to each once. Returns what failed.
    pub async fn hand_over(&self, domains: &[&str], call: &CertificateCall<'_>) -> Vec<SolveError> {
        let hooks: BTreeMap<&str, &ProviderEntry> = domains
            .iter()
            .filter_map(|domain| self.registry.taking(domain))
            .map(|entry| (entry.settings.name.as_str(), entry))
            .collect();
        let mut failed = Vec::new();
        for entry in hooks.into_values() {
            let handed = match self.registry.provider(entry).await {
                Ok(provider) => provider.certificate(call).await,
                Err(error) => Err(error),
            };
            failed.extend(handed.err());
        }
        failed
    }
}
