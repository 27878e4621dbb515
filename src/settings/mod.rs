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
pub mod source;
pub mod store;
pub mod trust;
pub mod value;
pub mod view;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

pub use error::SettingsError;
pub use issuer::{BUILT_IN, Chosen, EabPlace, name_of, names, problems};
pub use problem::FileError;

use crate::{
    apply::KeyKind,
    solve::{dns01::config::DnsEntry, http01::Network},
};
pub use file::Resources;

use file::File;
use layer::Layer;
use value::{Restart, SecretKeys, SelfCheck, ServicePort, SolverKind, Toleration};

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
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSettings {
    /// The type of new keys; `None` keeps the present certificate's, and is [`KeyKind::default`] where there is none.
    pub key_type: Option<KeyKind>,
    /// Whether a renewal keeps the private key.
    pub reuse_key: bool,
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
    /// What answers; `None` is `endpoint` inside a cluster and `pod` outside.
    pub solver: Option<SolverKind>,
    /// The Pod's image; `None` when neither the settings nor the build name one: then it is found out.
    pub image: Option<String>,
    /// Nodes that have that image already, where it was found on them; no setting.
    pub nodes: Vec<String>,
    /// The Pod's resources, as a container has them; `None` for the usual ones.
    pub resources: Option<Resources>,
    /// The Pod's priority class.
    pub priority_class: Option<String>,
    /// Secrets in the route's namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// Labels of the nodes that the Pod may run on.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that it tolerates.
    pub tolerations: Vec<Toleration>,
    /// The Service that answers, where the solver is `service`.
    pub service: Option<ServicePort>,
    /// Where the cluster reaches this process, where the solver is `endpoint`.
    pub advertise: Option<SocketAddr>,
    /// How the answer is looked at before the CA is told.
    pub self_check: SelfCheck,
    /// Loopback, link-local and cluster addresses that may be asked all the same.
    pub allow_addresses: Vec<Network>,
}

/// How DNS-01 is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns01Settings {
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
    /// The Secret's keys; `None`: those that it has, and `tls.crt` and `tls.key` in a new one.
    pub secret_keys: Option<SecretKeys>,
    /// What is restarted.
    pub restart: Restart,
    /// How long the new certificate may take to be served; zero: it is not looked at.
    pub wait: Duration,
    /// PEM files with roots to trust.
    pub ca_files: Vec<PathBuf>,
}

impl Settings {
    /// Joins the layers, of which the first that says something counts. Reads the chosen issuer's CA file, and nothing else.
    pub fn of(layers: &[Layer]) -> Result<Self, SettingsError> {
        let (file, layer) = (Said(layers), layers);
        let any = |of: fn(&Layer) -> bool| layer.iter().any(of);
        let http01 = Http01Settings {
            solver: file.first(|f| f.http01.solver).or_else(|| idle::meant(layers)),
            image: file
                .first(|f| f.solver.image.clone())
                .or_else(|| SOLVER_IMAGE.map(str::to_owned)),
            nodes: Vec::new(),
            resources: file.first(|f| f.solver.resources.clone()),
            priority_class: file.first(|f| f.solver.priority_class_name.clone()),
            pull_secrets: file.first(|f| f.solver.image_pull_secrets.clone()).unwrap_or_default(),
            node_selector: file.first(|f| f.solver.node_selector.clone()).unwrap_or_default(),
            tolerations: file.first(|f| f.solver.tolerations.clone()).unwrap_or_default(),
            service: file.first(|f| f.http01.service.clone()),
            advertise: file.first(|f| f.http01.advertise).map(|at| at.0),
            self_check: file.first(|f| f.http01.self_check).unwrap_or_default(),
            allow_addresses: file.first(|f| f.http01.allow_addresses.clone()).unwrap_or_default(),
        };
        if http01.solver == Some(SolverKind::Service) && http01.service.is_none() {
            return Err(SettingsError::NoService);
        }
        let dns01 = dns01(layers)?;
        idle::refuse(layers, &http01, &dns01)?;
        let concurrency = file.first(|f| f.certificate.concurrency).unwrap_or(CONCURRENCY);
        if !(1..=256).contains(&concurrency) {
            return Err(SettingsError::Concurrency);
        }
        let restart = file.first(|f| f.storing.restart.clone()).unwrap_or_default();
        let restart = Restart::try_from(restart).map_err(|error| SettingsError::Value(error.to_string()))?;
        Ok(Self {
            chosen: issuer::choose(layers)?,
            certificate: CertificateSettings {
                key_type: file.first(|f| f.certificate.key_type),
                reuse_key: file.first(|f| f.certificate.reuse_key).unwrap_or_default(),
                concurrency: concurrency.into(),
                ignore_rate_limits: any(|l| l.ignore_rate_limits),
                force: any(|l| l.force),
                overwrite_with_staging: any(|l| l.overwrite_with_staging),
            },
            http01,
            dns01,
            storing: StoringSettings {
                secret_keys: file.first(|f| f.storing.secret_keys.clone()),
                restart,
                wait: file.first(|f| f.storing.wait).map_or(WAIT, |wait| wait.0),
                ca_files: file.first(|f| f.storing.ca_files.clone()).unwrap_or_default(),
            },
            trust: trust::entries(layers).to_vec(),
            denied_by: policy::denied_by(layers),
        })
    }
}

fn dns01(layers: &[Layer]) -> Result<Dns01Settings, SettingsError> {
    let file = Said(layers);
    let providers: Vec<DnsEntry> = file
        .first(|f| Some(f.dns01.providers.clone()).filter(|list| !list.is_empty()))
        .unwrap_or_default();
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
    let resolvers = file.first(|f| f.dns01.resolvers.clone()).unwrap_or_default();
    Ok(Dns01Settings {
        providers,
        only,
        resolvers: resolvers.iter().map(|server| server.0).collect(),
        propagation_timeout: file
            .first(|f| f.dns01.propagation_timeout)
            .map_or(PROPAGATION_TIMEOUT, |limit| limit.0),
        propagation_wait: file.first(|f| f.dns01.propagation_wait).map(|wait| wait.0),
    })
}

/// What the layers say, the strongest first.
struct Said<'a>(&'a [Layer]);

impl Said<'_> {
    fn first<T>(&self, of: impl Fn(&File) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|layer| of(&layer.file))
    }
}

#[cfg(test)]
mod tests;
