//! What providers do besides writing records: hooks of dehydrated's dialect get certificates, a new one when it is stored
//! and one that is not due; name servers tell how their zones are delegated.

use std::collections::BTreeMap;

use super::{
    provider::{CertificateCall, Delegation},
    registry::ProviderEntry,
    solver::Dns01,
};
use crate::{object::Key, solve::SolveError};

impl Dns01 {
    /// The name of the provider that proves a domain according to the settings alone.
    pub fn proving(&self, domain: &str) -> Option<&str> {
        let entry = self.registry.foreseen(domain)?;
        Some(entry.settings.name.as_str())
    }

    /// How the zone of a domain has to be delegated, according to the server that proves it, and the Service by which
    /// that server's API is reached, if it is one; `None` if the provider does not tell.
    pub async fn delegation(&self, domain: &str) -> Result<Option<(Delegation, Option<Key>)>, SolveError> {
        let Some(entry) = self.registry.foreseen(domain) else {
            return Ok(None);
        };
        let provider = self.registry.provider(entry).await?;
        let found = provider.delegation(domain).await?;
        Ok(found.map(|found| (found, entry.settings.provider.service())))
    }

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
