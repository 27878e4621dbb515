//! Chooses what answers challenges, depending on the settings and on where this program runs.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use super::{PrepareError, Prepared, Preparing};
use crate::{
    acme::Client,
    apply::RunId,
    engine::{authority::Authority, choose::Solvers, journals::Fenced, run::Standing, store::Destination},
    net::{HostPort, Lookup, dns::Resolver},
    object::Key,
    settings::{Dns01Settings, Http01Settings, Settings, value::SolverKind},
    solve::{
        SolveError,
        dns_persist01::DnsPersist01,
        dns01::{Dns01, Operator, Parts, Secrets, Wait},
        http01::{self, Backend, Guard, Http01, PodOptions, Ports, Thumbprint},
    },
};

/// The port of this process if the cluster reaches it at the address of its own Pod.
const OWN_PORT: u16 = 8089;
/// How long the objects of a solver may exist, in seconds. The cluster removes them then, whatever happened to the run.
const LIVES: u32 = 900;

impl Preparing<'_> {
    /// What answers HTTP-01, depending on the settings and on where this program runs.
    pub(super) fn backend(&self) -> Result<Backend, PrepareError> {
        let http01 = &self.settings.http01;
        if answers_by_pod(http01) {
            return Ok(Backend::Pod);
        }
        match (http01.solver, &http01.said.service) {
            (Some(SolverKind::Service), Some(service)) => Ok(Backend::Service(service.clone())),
            (Some(SolverKind::Service), None) => Err(PrepareError::Setting {
                message: "--solver service needs the Service that answers".to_owned(),
                hint: "name it with --solver-service NAME:PORT".to_owned(),
            }),
            _ => {
                let advertise = advertised(http01).ok_or_else(|| PrepareError::Setting {
                    message: "--solver endpoint needs the address at which the cluster reaches this machine".to_owned(),
                    hint: "give it with --advertise ADDRESS:PORT, or answer from a Pod: --solver pod".to_owned(),
                })?;
                Ok(Backend::Endpoint {
                    // Listen on no other address of this machine.
                    listen: advertise,
                    advertise,
                })
            }
        }
    }
}

impl Prepared {
    /// The live Ingresses that are changed temporarily to route challenges to the solver.
    pub fn edited(&self, preparing: &Preparing<'_>) -> BTreeSet<Key> {
        let Ok(thumbprint) = any_thumbprint() else {
            return BTreeSet::new();
        };
        let options = self.http01(
            preparing.settings,
            &preparing.run,
            preparing.connect.clone(),
            thumbprint,
        );
        http01::edited(&options, self.places.values())
    }

    /// The options of solver Pods; `None` if no Pods are needed.
    pub fn by_pod(&self, preparing: &Preparing<'_>) -> Option<http01::Options> {
        let wanted = self.backend == Backend::Pod && self.needs_http01();
        let thumbprint = any_thumbprint().ok().filter(|_| wanted)?;
        Some(self.http01(
            preparing.settings,
            &preparing.run,
            preparing.connect.clone(),
            thumbprint,
        ))
    }

    /// The solvers for an account.
    #[allow(clippy::too_many_arguments)]
    pub fn solvers(
        self,
        settings: &Settings,
        run: &RunId,
        connect: Option<HostPort>,
        destination: &Destination,
        client: &Client,
        standing: &Standing,
        authority: Authority,
        secrets: Arc<dyn Secrets>,
        operator: Arc<dyn Operator>,
    ) -> Result<Solvers, PrepareError> {
        let fenced = Arc::new(Fenced::new(Arc::clone(standing.journals()), authority));
        let http01 = match destination {
            Destination::Cluster(api) if self.needs_http01() => {
                let thumbprint: Thumbprint = client
                    .thumbprint()
                    .parse()
                    .map_err(|error: http01::responder::NotAThumbprint| SolveError::new(error.to_string()))?;
                let options = http01::Options {
                    standing: standing.answering.clone(),
                    ..self.http01(settings, run, connect, thumbprint)
                };
                let notes = Arc::clone(&fenced) as Arc<dyn crate::solve::Journal>;
                Some(Arc::new(Http01::new(api.clone(), options, self.places, notes)))
            }
            _ => None,
        };
        let dns01 = dns01(&settings.dns01, &fenced, secrets, operator)?.map(Arc::new);
        let issuers = &client.acme().directory().meta.caa_identities;
        let dns_persist01 = dns_persist01(&settings.dns01, client.account_url(), issuers)?.map(Arc::new);
        Ok(Solvers::new(
            http01,
            dns01,
            dns_persist01,
            &settings.dns01,
            self.unplaced,
        ))
    }

    pub(super) fn http01(
        &self,
        settings: &Settings,
        run: &RunId,
        connect: Option<HostPort>,
        thumbprint: Thumbprint,
    ) -> http01::Options {
        let http = &settings.http01;
        let own = self.places.values().flat_map(|place| &place.addresses);
        http01::Options {
            backend: self.backend.clone(),
            in_place: http.solver == Some(SolverKind::InPlace),
            named: http.solver.is_some(),
            pod: PodOptions {
                image: http.image.clone().unwrap_or_else(|| http01::image::PUBLIC.to_owned()),
                nodes: http.nodes.clone(),
                said: http.pod.clone(),
                deadline: LIVES,
            },
            thumbprint,
            standing: None,
            self_check: http.self_check,
            resolve_timeout: http.resolve_timeout,
            limit: None,
            connect,
            lookup: Lookup::of(&settings.dns01.resolvers),
            zones: settings.dns01.zones().map(str::to_owned).collect(),
            guard: Guard {
                own: own.filter_map(|address| address.parse().ok()).collect(),
                allowed: http.said.allow_addresses.clone().unwrap_or_default(),
                cluster: Guard::surroundings(|name| std::env::var(name).ok()),
            },
            ports: Ports::default(),
            run: run.clone(),
            expires: crate::clock::now() + i64::from(LIVES),
        }
    }
}

/// The solver for DNS-01; `None` without a provider.
pub fn dns01(
    settings: &Dns01Settings,
    keep: &Arc<Fenced>,
    secrets: Arc<dyn Secrets>,
    operator: Arc<dyn Operator>,
) -> Result<Option<Dns01>, PrepareError> {
    // The provider `manual` needs no settings.
    if settings.providers.is_empty() && settings.only.as_deref() != Some("manual") {
        return Ok(None);
    }
    let resolver = resolver(settings)?;
    let wait = match settings.propagation_wait {
        Some(Duration::ZERO) => Wait::Off,
        Some(wait) => Wait::Fixed(wait),
        None => Wait::Ask(settings.propagation_timeout),
    };
    Ok(Some(Dns01::new(Parts {
        entries: settings.providers.clone(),
        chosen: settings.only.clone(),
        resolver,
        follow_cname: settings.follow_cname,
        wait,
        secrets,
        keep: Arc::clone(keep) as Arc<dyn crate::solve::dns01::Keep>,
        operator,
    })?))
}

/// Who asks DNS.
fn resolver(settings: &Dns01Settings) -> Result<Resolver, SolveError> {
    Lookup::of(&settings.resolvers)
        .resolver()
        .map_err(|error| SolveError::new(crate::error::chain(&error)).hint("name one with --resolver ADDRESS"))
}

/// The solver for DNS-PERSIST-01, for the URL of an account and the domains that name the CA; `None` if the settings do
/// not use it.
pub fn dns_persist01(
    settings: &Dns01Settings,
    account: &str,
    issuers: &[String],
) -> Result<Option<DnsPersist01>, SolveError> {
    if !settings.uses_standing() {
        return Ok(None);
    }
    Ok(Some(DnsPersist01::new(
        resolver(settings)?,
        settings.zones(),
        account,
        issuers,
    )))
}

/// A stand-in for the thumbprint of the account, which is not known yet. What may be written does not depend on it.
pub(super) fn any_thumbprint() -> Result<Thumbprint, SolveError> {
    "A".repeat(43)
        .parse()
        .map_err(|error: http01::responder::NotAThumbprint| SolveError::new(error.to_string()))
}

/// The address of this process inside a cluster; `None` outside of one.
pub fn own_address() -> Option<std::net::IpAddr> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let server: std::net::IpAddr = host.parse().ok()?;
    if let Some(ip) = std::env::var("POD_IP").ok().and_then(|ip| ip.parse().ok()) {
        return Some(ip);
    }
    // Connecting a datagram socket sends nothing; the kernel only chooses the address.
    let any: SocketAddr = match server {
        std::net::IpAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        std::net::IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    socket.connect((server, 443)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Where the cluster reaches this process, if that is configured.
pub fn advertised(http01: &Http01Settings) -> Option<SocketAddr> {
    let inside = || own_address().map(|ip| SocketAddr::new(ip, OWN_PORT));
    http01.advertise.or_else(inside)
}

/// Whether a Pod answers challenges: the settings ask for it, or they do not say that the cluster reaches this process.
pub(in crate::engine) fn answers_by_pod(http01: &Http01Settings) -> bool {
    match http01.solver {
        Some(SolverKind::Pod) => true,
        Some(SolverKind::Endpoint | SolverKind::Service) => false,
        Some(SolverKind::InPlace) | None => advertised(http01).is_none(),
    }
}
