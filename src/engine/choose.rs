//! How each name is proved: by DNS if a provider serves its zone, if it is a wildcard, or if the settings say so;
//! otherwise by HTTP.

use std::{collections::HashMap, sync::Arc};

use super::authorize::Choose;
use crate::{
    event::Method,
    name::Name,
    settings::Dns01Settings,
    solve::{
        Solve, SolveError,
        dns01::{Dns01, within},
        http01::Http01,
    },
};

/// The solvers of a run.
#[derive(Debug, Clone, Default)]
pub struct Solvers {
    /// Solves HTTP-01 challenges; `None` without a cluster.
    pub http01: Option<Arc<Http01>>,
    /// Solves DNS-01 challenges; `None` without a provider.
    pub dns01: Option<Arc<Dns01>>,
    /// Whether every name is proved by DNS (`--dns`).
    only_dns: bool,
    /// The domains for which the settings name a provider.
    zones: Vec<String>,
    /// Names that no challenge route can be found for, with the reasons.
    unplaced: HashMap<Name, SolveError>,
}

impl Solvers {
    /// Makes a choice between the two solvers, according to the settings.
    pub fn new(
        http01: Option<Arc<Http01>>,
        dns01: Option<Arc<Dns01>>,
        settings: &Dns01Settings,
        unplaced: HashMap<Name, SolveError>,
    ) -> Self {
        Self {
            http01,
            dns01,
            only_dns: settings.only.is_some(),
            zones: zones(settings),
            unplaced,
        }
    }

    /// The method by which a name is proved.
    pub fn method(&self, name: &Name) -> Method {
        method(name, self.only_dns, &self.zones)
    }
}

/// The domains for which providers are named, without a trailing dot.
fn zones(settings: &Dns01Settings) -> Vec<String> {
    let zones = settings.providers.iter().flat_map(|entry| &entry.zones);
    zones
        .map(|zone| zone.trim_end_matches('.').to_ascii_lowercase())
        .collect()
}

/// The method by which a name is proved with these settings.
pub fn method_under(settings: &Dns01Settings, name: &Name) -> Method {
    method(name, settings.only.is_some(), &zones(settings))
}

fn method(name: &Name, only_dns: bool, zones: &[String]) -> Method {
    match name {
        Name::Wildcard(_) => Method::Dns01,
        Name::Dns(base) if only_dns || zones.iter().any(|zone| within(base, zone)) => Method::Dns01,
        // RFC 8738, section 4: IP addresses cannot be proved by DNS.
        Name::Ip(_) | Name::Dns(_) => Method::Http01,
    }
}

/// The error for a name that has no provider.
pub(super) fn no_provider(name: &Name) -> SolveError {
    SolveError::new(format!(
        "{name} can be validated by DNS-01 only, and no DNS provider is configured"
    ))
    .hint("name one in the settings (`kubectl certs config example`), or write the record yourself with --dns manual")
}

/// The error for a name that only a cluster could prove.
pub(super) fn no_cluster(name: &Name) -> SolveError {
    SolveError::new(format!(
        "{name} is validated by HTTP-01 through a cluster, and there is none here"
    ))
    .hint("name a DNS provider for its zone in the settings, or give --dns NAME")
}

impl Choose for Solvers {
    fn solver(&self, name: &Name) -> Result<Arc<dyn Solve>, SolveError> {
        if let Some(error) = self.unplaced.get(name) {
            return Err(error.clone());
        }
        match self.method(name) {
            Method::Dns01 => match &self.dns01 {
                Some(solver) => Ok(Arc::clone(solver) as Arc<dyn Solve>),
                None => Err(no_provider(name)),
            },
            Method::Http01 => match &self.http01 {
                Some(solver) => Ok(Arc::clone(solver) as Arc<dyn Solve>),
                None => Err(no_cluster(name)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_with_a_provider_is_proved_by_dns_and_so_is_every_wildcard() {
        let zones = ["internal.example".to_owned()];
        for (name, only, expected) in [
            ("internal.example", false, Method::Dns01),
            ("a.b.internal.example", false, Method::Dns01),
            ("notinternal.example", false, Method::Http01),
            ("shop.example", false, Method::Http01),
            ("*.shop.example", false, Method::Dns01),
            ("shop.example", true, Method::Dns01),
            ("192.0.2.1", true, Method::Http01),
        ] {
            assert_eq!(method(&name.parse().unwrap(), only, &zones), expected, "{name}");
        }
    }
}
