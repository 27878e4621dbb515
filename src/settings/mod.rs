//! Combines arguments, environment and files into one validated value.
//!
//! ```text
//! command line ┐
//! environment  │ Layer, Layer, ...
//! file         ├──────────────────→ Settings { chosen: Chosen, certificate, http01, dns01, storing }
//! ConfigMap    │  the first one wins
//! built in     ┘
//! ```
//!
//! The value never contains credentials, only their locations, which are read when a credential is needed.

pub mod account;
pub mod domains;
pub mod env;
mod error;
pub mod example;
pub mod file;
mod idle;
mod issuer;
pub mod keep;
pub mod layer;
pub mod notify;
pub mod policy;
pub mod portable;
pub mod preference;
mod problem;
#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod schema;
mod section;
pub mod source;
pub mod store;
pub mod trust;
pub mod unattended;
pub mod value;
pub mod view;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

pub use error::SettingsError;
pub use issuer::{BUILT_IN, Chosen, EabPlace, name_of, names, problems};
pub use problem::FileError;

use crate::{event::Method, name::Name, solve::dns01::config::DnsEntry};
use file::{CertificateEntry, Dns01Entry, File, Http01Entry, SolverEntry, StoringEntry};
use layer::Layer;
use section::Section as _;
use value::{ChallengeWord, Restart, SelfCheck, SolverKind};

/// The image of this program, if the build sets one, as `plugin/release/run` does. There is no default name, because
/// whoever registered it would run code in the cluster.
pub const IMAGE: Option<&str> = option_env!("KUBECTL_CERTS_BUILD_IMAGE");
/// The default number of certificates to order at once.
pub const CONCURRENCY: u16 = 8;
/// The default limit until a record is on every name server.
pub const PROPAGATION_TIMEOUT: Duration = Duration::from_mins(2);
/// The default limit until a host resolves. external-dns looks at the routes once a minute.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_mins(2);
/// The default limit until the new certificate is served.
pub const WAIT: Duration = Duration::from_mins(1);

/// All settings, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The CA, and the account at it.
    pub chosen: Chosen,
    /// How certificates are ordered.
    pub certificate: CertificateSettings,
    /// How HTTP-01 is answered.
    pub http01: Http01Settings,
    /// How DNS-01 is answered.
    pub dns01: Dns01Settings,
    /// How certificates are stored.
    pub storing: StoringSettings,
    /// Additional CAs that are trusted.
    pub trust: Vec<trust::TrustEntry>,
    /// What the controller keeps renewed besides what routes ask for.
    pub unattended: unattended::UnattendedEntry,
    /// Customers' domains; `None` if there are none.
    pub domains: Option<domains::DomainsSettings>,
    /// Who is told what unattended runs did.
    pub notify: notify::NotifyEntry,
    /// The source that forbids manual production orders, if any does.
    pub denied_by: Option<String>,
    /// Which namespaces may have which names; `None` for all.
    pub names: Option<Arc<crate::policy::NamesPolicy>>,
}

/// How certificates are ordered. The profile and the preferred chain belong to the issuer.
///
/// In this and the other sections, `said` combines all sources, for settings that only have to be read. Settings with a
/// default, or that have to be validated, are fields beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSettings {
    /// The settings of all sources. Without a type of key, the present certificate's type is kept, otherwise it is the
    /// default of [`KeyKind`](crate::apply::KeyKind).
    pub said: CertificateEntry,
    /// How many certificates are ordered at once, at least 1.
    pub concurrency: usize,
    /// Whether to order in spite of an exceeded rate limit.
    pub ignore_rate_limits: bool,
    /// Whether Secrets of other owners are written.
    pub force: bool,
    /// Whether a staging certificate may replace a trusted one.
    pub overwrite_with_staging: bool,
}

/// How HTTP-01 is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http01Settings {
    /// The settings of all sources.
    pub said: Http01Entry,
    /// The settings for the Pod.
    pub pod: SolverEntry,
    /// What answers; `None` means `endpoint` inside a cluster and `pod` outside.
    pub solver: Option<SolverKind>,
    /// The image of the Pod; `None` if neither the settings nor the build name one, in which case it is determined
    /// later.
    pub image: Option<String>,
    /// Nodes that were found to have that image already. Not a setting.
    pub nodes: Vec<String>,
    /// Where the cluster reaches this process, if the solver is `endpoint`.
    pub advertise: Option<SocketAddr>,
    /// How the answer is checked before the CA is told.
    pub self_check: SelfCheck,
    /// How long a host that does not resolve yet is waited for.
    pub resolve_timeout: Duration,
}

/// How DNS-01 is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns01Settings {
    /// The settings of all sources.
    pub said: Dns01Entry,
    /// The providers with their zones. Their names are unique.
    pub providers: Vec<DnsEntry>,
    /// The provider that proves every name (`--dns`); it is one of the providers, or `manual`.
    pub only: Option<String>,
    /// Whether DNS-PERSIST-01 proves every name, instead of a provider.
    pub all_standing: bool,
    /// The domains whose names DNS-PERSIST-01 proves, with all names below them.
    pub standing: Vec<String>,
    /// How names are proved of which the status of a route says that. Not a setting.
    pub led: BTreeMap<Name, Method>,
    /// Name servers for hosts, zones and CAA records; if empty, those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Whether a CNAME of `_acme-challenge` by a wildcard is followed too.
    pub follow_cname: bool,
    /// How long a record may take to be on every name server of the zone.
    pub propagation_timeout: Duration,
    /// How long to wait instead of asking the name servers.
    pub propagation_wait: Option<Duration>,
}

/// How certificates are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoringSettings {
    /// The settings of all sources. Without data keys, those that the Secret has are used, and `tls.crt` and `tls.key`
    /// in a new one.
    pub said: StoringEntry,
    /// What is restarted.
    pub restart: Restart,
    /// How long the new certificate may take to be served; if zero, that is not checked.
    pub wait: Duration,
}

impl Dns01Settings {
    /// Whether DNS-PERSIST-01 proves any name.
    pub fn uses_standing(&self) -> bool {
        self.all_standing || !self.standing.is_empty()
    }

    /// The zones of the providers. They exist, also where only the resolver of this network knows them.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().flat_map(|entry| &entry.zones).map(String::as_str)
    }
}

impl Settings {
    /// The same for another issuer.
    #[must_use]
    pub fn at(&self, chosen: Chosen) -> Self {
        let all_standing = chosen.challenge == Some(ChallengeWord::DnsPersist01) && self.dns01.only.is_none();
        let mut settings = self.clone();
        settings.dns01.all_standing = all_standing;
        settings.chosen = chosen;
        settings
    }

    /// Combines the layers. The first one with a value counts. Reads the CA file of the chosen issuer, and no other
    /// file.
    pub fn of(layers: &[Layer]) -> Result<Self, SettingsError> {
        let any = |of: fn(&Layer) -> bool| layers.iter().any(of);
        let File {
            certificate,
            http01,
            solver: pod,
            dns01,
            storing,
            unattended,
            domains,
            notify,
            policy: said_policy,
            ..
        } = said(layers);
        let http01 = Http01Settings {
            solver: http01.solver.or_else(|| idle::meant(layers)),
            image: pod.image.clone(),
            nodes: Vec::new(),
            advertise: http01.advertise.map(|at| at.0),
            self_check: http01.self_check.unwrap_or_default(),
            resolve_timeout: http01.resolve_timeout.map_or(RESOLVE_TIMEOUT, |limit| limit.0),
            said: http01,
            pod,
        };
        if http01.solver == Some(SolverKind::Service) && http01.said.service.is_none() {
            return Err(SettingsError::NoService);
        }
        let chosen = issuer::choose(layers)?;
        let dns01 = dns01_of(layers, dns01, &chosen)?;
        idle::refuse(layers, &http01, &dns01)?;
        let concurrency = certificate.concurrency.unwrap_or(CONCURRENCY);
        if !(1..=256).contains(&concurrency) {
            return Err(SettingsError::Concurrency);
        }
        let restart = Restart::try_from(storing.restart.clone().unwrap_or_default());
        let restart = restart.map_err(|error| SettingsError::Value(error.to_string()))?;
        Ok(Self {
            unattended,
            domains: domains.settings().map_err(SettingsError::Value)?,
            notify,
            chosen,
            certificate: CertificateSettings {
                said: certificate,
                concurrency: concurrency.into(),
                ignore_rate_limits: any(|l| l.ignore_rate_limits),
                force: any(|l| l.force),
                overwrite_with_staging: any(|l| l.overwrite_with_staging),
            },
            http01,
            dns01,
            storing: StoringSettings {
                restart,
                wait: storing.wait.map_or(WAIT, |wait| wait.0),
                said: storing,
            },
            trust: trust::entries(layers).to_vec(),
            denied_by: policy::denied_by(layers),
            names: policy::names_of(&said_policy).map_err(SettingsError::Value)?,
        })
    }
}

/// Who is told what unattended runs did, by the layers. Nothing else of them is validated.
pub fn notify_of(layers: &[Layer]) -> notify::NotifyEntry {
    said(layers).notify
}

/// The combined settings of the layers, the strongest first, with the default where no layer has a value.
fn said(layers: &[Layer]) -> File {
    let all = layers
        .iter()
        .fold(File::default(), |all, layer| all.merged(&layer.file));
    all.merged(&File::usual())
}

fn dns01_of(layers: &[Layer], said: Dns01Entry, chosen: &Chosen) -> Result<Dns01Settings, SettingsError> {
    let providers = said.providers.clone().unwrap_or_default();
    for (position, entry) in providers.iter().enumerate() {
        if providers[..position].iter().any(|other| other.name == entry.name) {
            return Err(SettingsError::TwoProviders(entry.name.clone()));
        }
    }
    let only = layers.iter().find_map(|layer| layer.dns.clone());
    if let Some(name) = &only
        && name != "manual"
        && !providers.iter().any(|entry| entry.name == *name)
    {
        return Err(SettingsError::NoProvider {
            name: name.clone(),
            known: providers.iter().map(|entry| entry.name.clone()).collect(),
        });
    }
    Ok(Dns01Settings {
        providers,
        // Who names a provider for every name on this occasion means that.
        all_standing: chosen.challenge == Some(ChallengeWord::DnsPersist01) && only.is_none(),
        standing: said.standing.iter().flatten().map(|domain| domain.0.clone()).collect(),
        only,
        led: BTreeMap::new(),
        resolvers: said.resolvers.iter().flatten().map(|server| server.0).collect(),
        follow_cname: said.follow_cname.unwrap_or_default(),
        propagation_timeout: said.propagation_timeout.map_or(PROPAGATION_TIMEOUT, |limit| limit.0),
        propagation_wait: said.propagation_wait.map(|wait| wait.0),
        said,
    })
}

#[cfg(test)]
mod tests;
