//! Arguments, environment and file become one validated value.
//!
//! ```text
//! command line ┐
//! environment  │ Layer, Layer, ...
//! file         ├──────────────────→ Settings { chosen: Chosen, certificate, http01, dns01, storing }
//! ConfigMap    │  the first one wins
//! built in     ┘
//! ```
//!
//! Credentials are never in it: only the places they are in, which are read when a credential is used.

pub mod account;
pub mod env;
mod error;
pub mod example;
pub mod file;
mod idle;
mod issuer;
pub mod keep;
pub mod layer;
pub mod policy;
mod problem;
#[cfg(test)]
mod schema;
mod section;
pub mod source;
pub mod store;
pub mod trust;
pub mod value;
pub mod view;

use std::{net::SocketAddr, time::Duration};

pub use error::SettingsError;
pub use issuer::{BUILT_IN, Chosen, EabPlace, name_of, names, problems};
pub use problem::FileError;

use crate::solve::dns01::config::DnsEntry;
use file::{CertificateEntry, Dns01Entry, File, Http01Entry, SolverEntry, StoringEntry};
use layer::Layer;
use section::Section as _;
use value::{Restart, SelfCheck, SolverKind};

/// The image that answers HTTP-01 challenges in the cluster, where the build was told one. A name that nobody owns is not
/// guessed: whoever took it would run in the cluster.
pub const SOLVER_IMAGE: Option<&str> = option_env!("KUBECTL_CERTS_BUILD_IMAGE");
/// How many certificates at once.
pub const CONCURRENCY: u16 = 8;
/// How long a record may take to be on every name server.
pub const PROPAGATION_TIMEOUT: Duration = Duration::from_mins(2);
/// How long the new certificate may take to be served.
pub const WAIT: Duration = Duration::from_mins(1);

/// Everything that is set, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The CA, and the account with it.
    pub chosen: Chosen,
    /// What is ordered.
    pub certificate: CertificateSettings,
    /// How HTTP-01 is answered.
    pub http01: Http01Settings,
    /// How DNS-01 is answered.
    pub dns01: Dns01Settings,
    /// What becomes of the certificate.
    pub storing: StoringSettings,
    /// CAs of one's own that are trusted.
    pub trust: Vec<trust::TrustEntry>,
    /// What denies production by hand, where anything does.
    pub denied_by: Option<String>,
}

/// What is ordered. Profile and preferred chain are the issuer's.
///
/// `said`, here and in the other sections, is what all sources say together, for settings that need no more than to be read; those that have a
/// default or have to be judged are beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSettings {
    /// What is said of it. Without a type of keys the present certificate's is kept, or else it is the default of
    /// [`KeyKind`](crate::apply::KeyKind).
    pub said: CertificateEntry,
    /// How many certificates at once, from 1.
    pub concurrency: usize,
    /// Whether an order that would exceed a rate limit is made all the same.
    pub ignore_rate_limits: bool,
    /// Whether what others own is written.
    pub force: bool,
    /// Whether a staging certificate replaces a trusted one.
    pub overwrite_with_staging: bool,
}

/// How HTTP-01 is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http01Settings {
    /// What is said of it.
    pub said: Http01Entry,
    /// What is said of the Pod.
    pub pod: SolverEntry,
    /// What answers; `None` is `endpoint` inside a cluster and `pod` outside.
    pub solver: Option<SolverKind>,
    /// The Pod's image; `None` when neither the settings nor the build name one: then it is found out.
    pub image: Option<String>,
    /// Nodes that have that image already, where it was found on them; no setting.
    pub nodes: Vec<String>,
    /// Where the cluster reaches this process, where the solver is `endpoint`.
    pub advertise: Option<SocketAddr>,
    /// How the answer is looked at before the CA is told.
    pub self_check: SelfCheck,
}

/// How DNS-01 is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns01Settings {
    /// What is said of it.
    pub said: Dns01Entry,
    /// Which provider serves which zones. Names are unique.
    pub providers: Vec<DnsEntry>,
    /// The one of them that proves every name (`--dns`); it is among the providers, or `manual`.
    pub only: Option<String>,
    /// Name servers that are asked for hosts, zones and CAA records; none: the system's.
    pub resolvers: Vec<SocketAddr>,
    /// How long a record may take to be on every name server of the zone.
    pub propagation_timeout: Duration,
    /// How long is waited instead of asking the name servers.
    pub propagation_wait: Option<Duration>,
}

/// What becomes of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoringSettings {
    /// What is said of it. Without keys of the Secret they are those that it has, and `tls.crt` and `tls.key` in a new one.
    pub said: StoringEntry,
    /// What is restarted.
    pub restart: Restart,
    /// How long the new certificate may take to be served; zero: it is not looked at.
    pub wait: Duration,
}

impl Settings {
    /// Joins the layers, of which the first that says something counts. Reads the chosen issuer's CA file, and nothing else.
    pub fn of(layers: &[Layer]) -> Result<Self, SettingsError> {
        let any = |of: fn(&Layer) -> bool| layers.iter().any(of);
        let File {
            certificate,
            http01,
            solver: pod,
            dns01,
            storing,
            ..
        } = said(layers);
        let http01 = Http01Settings {
            solver: http01.solver.or_else(|| idle::meant(layers)),
            image: pod.image.clone(),
            nodes: Vec::new(),
            advertise: http01.advertise.map(|at| at.0),
            self_check: http01.self_check.unwrap_or_default(),
            said: http01,
            pod,
        };
        if http01.solver == Some(SolverKind::Service) && http01.said.service.is_none() {
            return Err(SettingsError::NoService);
        }
        let dns01 = dns01_of(layers, dns01)?;
        idle::refuse(layers, &http01, &dns01)?;
        let concurrency = certificate.concurrency.unwrap_or(CONCURRENCY);
        if !(1..=256).contains(&concurrency) {
            return Err(SettingsError::Concurrency);
        }
        let restart = Restart::try_from(storing.restart.clone().unwrap_or_default());
        let restart = restart.map_err(|error| SettingsError::Value(error.to_string()))?;
        Ok(Self {
            chosen: issuer::choose(layers)?,
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
        })
    }
}

/// What the layers say together, the strongest first, and what is usual where none says anything.
fn said(layers: &[Layer]) -> File {
    let all = layers
        .iter()
        .fold(File::default(), |all, layer| all.merged(&layer.file));
    all.merged(&File::usual())
}

fn dns01_of(layers: &[Layer], said: Dns01Entry) -> Result<Dns01Settings, SettingsError> {
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
        only,
        resolvers: said.resolvers.iter().flatten().map(|server| server.0).collect(),
        propagation_timeout: said.propagation_timeout.map_or(PROPAGATION_TIMEOUT, |limit| limit.0),
        propagation_wait: said.propagation_wait.map(|wait| wait.0),
        said,
    })
}

#[cfg(test)]
mod tests;
