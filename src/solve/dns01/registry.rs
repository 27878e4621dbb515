//! Chooses the provider for a name, and makes each provider when it is first needed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{
    acmedns::AcmeDns,
    config::{AcmeDnsConfig, DnsEntry, ProviderConfig, Secrets, Setting},
    hook::Hook,
    manual::{Manual, Operator},
    powerdns::PowerDns,
    provider::Provider,
    rfc2136::Rfc2136,
    update::client::Update,
    zone::TxtName,
};
use crate::solve::SolveError;

/// The providers of the settings.
pub(super) struct Registry {
    entries: Vec<ProviderEntry>,
    /// The provider of `--dns NAME`.
    chosen: Option<String>,
    secrets: Arc<dyn Secrets>,
    operator: Arc<dyn Operator>,
}

/// One provider.
pub(super) struct ProviderEntry {
    pub(super) settings: DnsEntry,
    made: OnceCell<Arc<dyn Provider>>,
}

impl std::fmt::Debug for ProviderEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProviderEntry").field(&self.settings).finish()
    }
}

impl Registry {
    /// Makes the registry. It is an error if two entries have the same name, or if the chosen one does not exist.
    pub(super) fn new(
        entries: Vec<DnsEntry>,
        chosen: Option<String>,
        secrets: Arc<dyn Secrets>,
        operator: Arc<dyn Operator>,
    ) -> Result<Self, SolveError> {
        for (number, entry) in entries.iter().enumerate() {
            if entries.iter().take(number).any(|other| other.name == entry.name) {
                return Err(
                    SolveError::new(format!("two DNS providers are called {:?}", entry.name))
                        .hint("give each a `name` of its own"),
                );
            }
        }
        let mut entries = entries;
        // The provider `manual` needs no settings.
        if chosen.as_deref() == Some("manual") && !entries.iter().any(|entry| entry.name == "manual") {
            entries.push(DnsEntry::manual());
        }
        let entries = entries.into_iter().map(|settings| ProviderEntry {
            settings,
            made: OnceCell::new(),
        });
        let registry = Self {
            entries: entries.collect(),
            chosen,
            secrets,
            operator,
        };
        if let Some(name) = &registry.chosen {
            registry.named(name)?;
        }
        Ok(registry)
    }

    /// The entry with this name.
    pub(super) fn named(&self, name: &str) -> Result<&ProviderEntry, SolveError> {
        self.entries
            .iter()
            .find(|entry| entry.settings.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.entries.iter().map(|entry| entry.settings.name.as_str()).collect();
                no_provider(name, &names)
            })
    }

    /// The entry that writes at a place: the chosen one, or the one whose zone is the longest suffix of the name.
    pub(super) fn serving(&self, place: &TxtName) -> Result<&ProviderEntry, SolveError> {
        if let Some(name) = &self.chosen {
            return self.named(name);
        }
        match serving(self.entries.iter().map(|entry| &entry.settings), place) {
            Some(settings) => self.named(&settings.name),
            None => Err(
                SolveError::new(format!("no DNS provider of the settings serves {}", place.name)).hint(format!(
                    "add one with `zones: [{}]` under dns01.providers in the settings, or choose one with --dns",
                    place.zone
                )),
            ),
        }
    }

    /// The entry that proves a domain according to the settings alone, before DNS is asked: see [`foreseen`].
    pub(super) fn foreseen(&self, domain: &str) -> Option<&ProviderEntry> {
        if let Some(name) = &self.chosen {
            return self.named(name).ok();
        }
        let settings = self.entries.iter().map(|entry| &entry.settings);
        foreseen(settings, domain).and_then(|found| self.named(&found.name).ok())
    }

    /// The hook that gets the certificates of a domain: the one that proves it, if it takes any.
    pub(super) fn taking(&self, domain: &str) -> Option<&ProviderEntry> {
        self.foreseen(domain)
            .filter(|entry| matches!(&entry.settings.provider, ProviderConfig::Hook(config) if config.deploy_cert))
    }

    /// The provider of an entry. Reads its credentials.
    pub(super) async fn provider(&self, entry: &ProviderEntry) -> Result<Arc<dyn Provider>, SolveError> {
        let made = entry.made.get_or_try_init(|| self.make(&entry.settings.provider)).await;
        made.cloned().map_err(|error| SolveError {
            message: format!("DNS provider {:?}: {}", entry.settings.name, error.message),
            ..error
        })
    }

    async fn make(&self, config: &ProviderConfig) -> Result<Arc<dyn Provider>, SolveError> {
        let secrets = self.secrets.as_ref();
        Ok(match config {
            ProviderConfig::PowerDns(config) => {
                let key = config.api_key.resolve(secrets).await?;
                Arc::new(PowerDns::new(config, &key, secrets)?)
            }
            ProviderConfig::Rfc2136(config) => {
                let key = match &config.key {
                    Some(key) => Some(key.resolve(secrets).await?),
                    None => None,
                };
                Arc::new(Rfc2136::new(config, key.as_ref())?)
            }
            ProviderConfig::AcmeDns(config) => Arc::new(acme_dns(config, secrets).await?),
            ProviderConfig::Hook(config) => Arc::new(Hook::new(config)),
            ProviderConfig::Manual(_) => Arc::new(Manual::new(Arc::clone(&self.operator))),
            ProviderConfig::Update(config) => Arc::new(Update::new(config, secrets).await?),
        })
    }
}

async fn acme_dns(config: &AcmeDnsConfig, secrets: &dyn Secrets) -> Result<AcmeDns, SolveError> {
    use secrecy::ExposeSecret as _;
    let password = config.password.resolve(secrets).await?;
    match &config.username {
        Setting::Plain(username) => AcmeDns::new(config, username, &password, secrets),
        Setting::From(credential) => {
            let username = credential.resolve(secrets).await?;
            AcmeDns::new(config, username.expose_secret(), &password, secrets)
        }
    }
}

/// The error if the settings have no provider with this name, only those in `present`.
pub fn no_provider(name: &str, present: &[&str]) -> SolveError {
    let present = match present {
        [] => "none".to_owned(),
        present => present.join(", "),
    };
    SolveError::new(format!("there is no DNS provider {name:?}")).hint(format!(
        "the settings have {present}: add one called {name} under dns01.providers"
    ))
}

/// The entry that writes at a place if none is chosen: the one that matches best, and among equals the first in the
/// settings.
fn serving<'e>(entries: impl Iterator<Item = &'e DnsEntry>, place: &TxtName) -> Option<&'e DnsEntry> {
    let mut best: Option<((bool, usize), &DnsEntry)> = None;
    for entry in entries {
        if let Some(rank) = rank(entry, place)
            && best.is_none_or(|(known, _)| rank > known)
        {
            best = Some((rank, entry));
        }
    }
    best.map(|(_, entry)| entry)
}

/// The entry that a run will probably use for a domain, according to the settings alone, before DNS is asked whether
/// its `_acme-challenge` is an alias. If no entry serves the domain itself, it has to be an alias of the name that an
/// acme-dns account may write.
pub fn foreseen<'e>(
    entries: impl IntoIterator<Item = &'e DnsEntry, IntoIter: Clone>,
    domain: &str,
) -> Option<&'e DnsEntry> {
    let mut entries = entries.into_iter();
    let place = TxtName {
        name: format!("_acme-challenge.{domain}"),
        zone: domain.to_owned(),
        aliases: Vec::new(),
    };
    let account = |entry: &&DnsEntry| matches!(entry.provider, ProviderConfig::AcmeDns(_)) && entry.zones.is_empty();
    serving(entries.clone(), &place).or_else(|| entries.find(account))
}

/// How well an entry matches: the length of its longest zone that contains the name; 0 for an entry that serves
/// everything. An entry for the place of the record takes precedence over one for the name that leads there, which only
/// matters to hooks and operators, because they follow CNAMEs themselves.
fn rank(entry: &DnsEntry, place: &TxtName) -> Option<(bool, usize)> {
    let longest = |name: &str| {
        let holds = entry.zones.iter().filter(|zone| within(name, zone));
        holds.map(String::len).max()
    };
    if let ProviderConfig::AcmeDns(config) = &entry.provider
        && entry.zones.is_empty()
    {
        // An account has one name, and cannot write others.
        let first = place.name.split('.').next().unwrap_or_default();
        return first
            .eq_ignore_ascii_case(&config.subdomain)
            .then_some((true, place.name.len()));
    }
    if entry.zones.is_empty() {
        return Some((false, 0));
    }
    let own = longest(&place.name).map(|length| (true, length));
    let follows = matches!(entry.provider, ProviderConfig::Hook(_) | ProviderConfig::Manual(_));
    let leading = || {
        let first = place.aliases.first().filter(|_| follows)?;
        longest(first).map(|length| (false, length))
    };
    own.or_else(leading)
}

/// Whether a name is the apex of a zone, or below it; both without a trailing dot.
pub fn within(name: &str, zone: &str) -> bool {
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}
