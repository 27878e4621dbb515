//! Providers that are a Service of the cluster: which can be, and which rights that takes.

use super::{ProviderConfig, ProviderSpec};
use crate::{
    object::Key,
    plan::permits::{Permits, Verb},
    solve::dns01::service::ServiceUrl,
};

impl ProviderConfig {
    /// The Service that a provider is reached by; `None` if it has another URL, or none.
    pub fn service(&self) -> Option<Key> {
        let url = match self {
            Self::PowerDns(config) => &config.url,
            Self::AcmeDns(config) => &config.url,
            _ => return None,
        };
        let service = ServiceUrl::read(url)?.ok()?.service;
        Some(Key::new(service.namespace, service.name))
    }

    /// The permits to reach a provider that is a Service of the cluster; none for others.
    pub fn permits(&self) -> Permits {
        let (url, verbs): (&str, &[Verb]) = match self {
            Self::PowerDns(config) => (&config.url, &[Verb::Get, Verb::Patch, Verb::Update]),
            Self::AcmeDns(config) => (&config.url, &[Verb::Create]),
            _ => return Permits::none(),
        };
        let url = ServiceUrl::read(url).and_then(Result::ok);
        url.iter().map(|url| url.permit(verbs)).collect()
    }
}

/// Checks the URL of a provider that may be a Service of the cluster.
pub(super) fn reachable(url: &str, has_ca_file: bool) -> Result<(), String> {
    match ServiceUrl::read(url) {
        Some(Err(wrong)) => Err(format!("url: {wrong}")),
        Some(Ok(_)) if has_ca_file => Err(
            "caFile has no effect on a Service: the API server reaches it, and does not check its certificate"
                .to_owned(),
        ),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Refuses the URL of a Service for a provider whose requests the API server does not pass on as they are.
pub(super) fn not_by_service(spec: &ProviderSpec, url: &str) -> Result<(), String> {
    if ServiceUrl::read(url).is_none() {
        return Ok(());
    }
    let why = if spec.word == "plesk" {
        "its client reaches URLs only"
    } else {
        "it needs the header Authorization, which the API server takes for itself"
    };
    Err(format!(
        "{} cannot be reached as a Service: {why}; give a URL that this machine reaches, such as one that `kubectl port-forward` makes",
        spec.label
    ))
}
