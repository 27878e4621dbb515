//! From targets and settings to a run: what answers, what may be written, which steps there are.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use super::{
    choose::{Solvers, method_under},
    journal,
    journals::Journals,
    lease,
    restarts::Restarts,
    store::Destination,
};
use crate::{
    acme::Stage,
    apply::{
        Permit, Permits, RunId, Verb, backup, events, file, rollout,
        secret::{self, Slots},
    },
    error::{Blame, Diagnose},
    event::Method,
    inventory::{Controller, Inventory},
    name::Name,
    net::{HostPort, Lookup},
    object::resource::SECRET,
    object::{Key, Kind, Text},
    plan::{Target, steps::Step},
    settings::{
        Dns01Settings, Http01Settings, Settings,
        value::{Label, SolverKind},
    },
    solve::{
        SolveError,
        dns01::{self, Dns01, Operator, Parts, Secrets, Wait},
        http01::{self, Backend, Guard, Http01, Place, PodOptions, Ports, Thumbprint},
    },
    source::cluster::Connection,
};

/// The port of this process where the cluster reaches it by the Pod's own address.
const OWN_PORT: u16 = 8089;
/// How long a solver's objects may live: the cluster removes them then, whatever became of the run.
const LIVES: u32 = 900;

/// What a run is made from.
pub struct Preparing<'a> {
    /// What was read.
    pub inventory: &'a Inventory,
    /// What is to be renewed.
    pub targets: &'a [Target],
    /// How.
    pub settings: &'a Settings,
    /// The cluster; `None` for manifests.
    pub connection: Option<&'a Connection>,
    /// Where manifests go.
    pub directory: Option<PathBuf>,
    /// `--connect`.
    pub connect: Option<HostPort>,
    /// The run.
    pub run: RunId,
}

/// What is known before anything is asked of a CA.
pub struct Prepared {
    /// Where each host's challenge goes, of those that are proved by HTTP.
    places: HashMap<Name, Place>,
    /// Why some have no such place.
    unplaced: HashMap<Name, SolveError>,
    /// What answers HTTP-01.
    pub(super) backend: Backend,
    /// What may be written.
    pub permits: Permits,
    /// What is restarted for each Secret, and what would need it.
    pub restarts: BTreeMap<Key, Restarts>,
}

/// Why a run cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The solver needs a setting.
    #[error("{message}")]
    Setting {
        /// Which.
        message: String,
        /// How to give it.
        hint: String,
    },
    /// A challenge cannot be answered for any name.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The directory for manifests.
    #[error(transparent)]
    File(#[from] file::FileError),
    /// No Secret can have the name.
    #[error("{} is not the name of a Secret", quoted(.0))]
    NotAName(Key),
}

/// What names of Secrets are made of.
pub(super) const NAMES: &str =
    "names are of lower-case letters, digits, - and . (RFC 1123): correct --secret, or the name in the route";

/// Whether a Secret can have this name. Routes are anybody's text, `../../nodes` included.
pub(super) fn is_name(secret: &Key) -> bool {
    crate::settings::value::is_name(&secret.name)
        && (secret.namespace.is_empty() || crate::settings::value::is_name(&secret.namespace))
}

/// A name that is none, within a sentence.
pub(super) fn quoted(secret: &Key) -> String {
    format!("{:?}", crate::text::shorten(&secret.to_string(), 300))
}

impl Diagnose for PrepareError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting { hint, .. } => Some(hint.clone()),
            Self::Solve(error) => error.hint.clone(),
            Self::File(error) => error.hint(),
            Self::NotAName(_) => Some(NAMES.to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Solve(error) => error.blame(),
            Self::Setting { .. } | Self::File(_) | Self::NotAName(_) => Blame::Usage,
        }
    }
}

impl Preparing<'_> {
    /// Decides everything that needs no account.
    pub fn prepare(&self) -> Result<Prepared, PrepareError> {
        let mut prepared = Prepared {
            places: HashMap::new(),
            unplaced: HashMap::new(),
            backend: self.backend()?,
            permits: Permits::none(),
            restarts: BTreeMap::new(),
        };
        // One of several fails alone, when its turn comes.
        if let [only] = self.targets
            && !is_name(&only.secret)
        {
            return Err(PrepareError::NotAName(only.secret.clone()));
        }
        for target in self.targets {
            self.place(target, &mut prepared);
            let restarts = Restarts::of(self.inventory, &target.secret, &self.settings.storing.restart);
            prepared.restarts.insert(target.secret.clone(), restarts);
        }
        self.leave_out_unanswerable(&mut prepared)?;
        if let Some(directory) = &self.directory {
            for target in self.targets {
                file::check(directory, &target.secret, self.settings.certificate.force)?;
            }
        }
        if self.connection.is_some() {
            prepared.permits = self.permits(&prepared, self.settings.chosen.rehearsal)?;
        }
        Ok(prepared)
    }

    /// Where the challenges of a target go.
    fn place(&self, target: &Target, prepared: &mut Prepared) {
        if self.connection.is_none() {
            return;
        }
        for name in &target.names.order {
            if method_under(&self.settings.dns01, name) != Method::Http01 || prepared.places.contains_key(name) {
                continue;
            }
            let place = match target.use_of(name) {
                Some(used) => Place::of(self.inventory, &used.route, &name.to_string()),
                // A route of another Secret may have the host all the same; without any, the default class decides.
                None => Ok(self
                    .inventory
                    .bindings_of_host(&name.to_string())
                    .first()
                    .and_then(|id| self.inventory.bindings().get(*id))
                    .and_then(|binding| Place::of(self.inventory, &binding.route, &name.to_string()).ok())
                    .unwrap_or_else(|| Place::of_class(self.inventory, &target.secret.namespace, None))),
            };
            match place {
                Ok(place) => drop(prepared.places.insert(name.clone(), place)),
                Err(error) => drop(prepared.unplaced.insert(name.clone(), error)),
            }
        }
    }

    /// A route through which nothing can be led fails alone: the other certificates of the run are none the worse.
    fn leave_out_unanswerable(&self, prepared: &mut Prepared) -> Result<(), PrepareError> {
        if !prepared.needs_http01() {
            return Ok(());
        }
        let options = prepared.http01(self.settings, &self.run, self.connect.clone(), any_thumbprint()?);
        let refusal = |(name, place): (&Name, &Place)| {
            let error = http01::refusal(&options, place)?;
            Some((
                name.clone(),
                for_want_of_classes(self.inventory, place).unwrap_or(error),
            ))
        };
        let refused: Vec<(Name, SolveError)> = prepared.places.iter().filter_map(refusal).collect();
        for (name, error) in refused {
            prepared.places.remove(&name);
            prepared.unplaced.insert(name, error);
        }
        Ok(())
    }

    /// What the whole run may write; of a rehearsal, less.
    pub(super) fn permits(&self, prepared: &Prepared, rehearsal: bool) -> Result<Permits, PrepareError> {
        let mut permits = Permits::none();
        for target in self.targets {
            permits.extend(lease::permits(&target.secret));
            permits.extend(journal::permits(&target.secret));
            if rehearsal {
                continue;
            }
            let exists = self.inventory.secrets().get(&target.secret).is_some();
            permits.extend(secret::permits(&target.secret, exists));
            if exists {
                permits.extend(backup::permits(&target.secret));
            }
            for used in &target.uses {
                permits.extend(events::permits(&used.route.key.namespace));
            }
            if let Some(restarts) = prepared.restarts.get(&target.secret) {
                permits.extend(rollout::permits(&restarts.restarted));
            }
        }
        permits.extend(self.credentials());
        if !prepared.places.is_empty() {
            let options = prepared.http01(self.settings, &self.run, self.connect.clone(), any_thumbprint()?);
            permits.extend(http01::permits(&options, prepared.places.values())?);
        }
        Ok(permits)
    }

    /// The Secrets with the credentials of the DNS providers that prove names.
    fn credentials(&self) -> Permits {
        let settings = &self.settings.dns01;
        let names = self.targets.iter().flat_map(|target| &target.names.order);
        let used: BTreeSet<&str> = names
            .filter(|name| method_under(settings, name) == Method::Dns01)
            .filter_map(|name| provider(settings, name))
            .collect();
        let entries = settings
            .providers
            .iter()
            .filter(|entry| used.contains(entry.name.as_str()));
        let refs = entries.flat_map(|entry| entry.provider.secrets());
        refs.map(|of| Permit::one(&[Verb::Get], SECRET, of.namespace.as_str(), of.name.as_str()))
            .collect()
    }

    /// What answers HTTP-01, by the settings and the place where this runs.
    fn backend(&self) -> Result<Backend, PrepareError> {
        let http01 = &self.settings.http01;
        if answers_by_pod(http01) {
            return Ok(Backend::Pod);
        }
        match (http01.solver, &http01.service) {
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
                    // Nothing else of this machine is opened.
                    listen: advertise,
                    advertise,
                })
            }
        }
    }

    /// The steps for one target, as they are shown.
    pub fn steps(&self, target: &Target, prepared: &Prepared) -> Vec<Step> {
        let settings = self.settings;
        let mut steps = Vec::new();
        if self.connection.is_some() {
            steps.push(Step::Lease {
                object: Key::new(target.secret.namespace.clone(), lease::name(&target.secret)),
            });
            steps.push(Step::Journal {
                object: Key::new(target.secret.namespace.clone(), journal::name(&target.secret)),
            });
        }
        let present = self.inventory.secrets().get(&target.secret).and_then(|s| s.leaf());
        let key = settings
            .certificate
            .key_type
            .or_else(|| present.and_then(|leaf| crate::apply::KeyKind::of(&leaf.key)))
            .unwrap_or_default();
        steps.push(Step::Order {
            issuer: settings.chosen.issuer.name.clone(),
            names: target.names.order.clone(),
            profile: settings.chosen.issuer.profile.clone(),
            replaces: false,
            key: key.as_str().to_owned(),
            changes_ca: target.changes_ca.clone(),
        });
        for name in &target.names.order {
            steps.push(Step::Prove {
                name: name.clone(),
                method: method_under(&settings.dns01, name),
                through: self.through(name, prepared),
            });
        }
        if settings.chosen.rehearsal {
            steps.push(Step::Rehearse {
                secret: target.secret.clone(),
            });
        } else if let Some(directory) = &self.directory {
            steps.push(Step::File {
                path: file::path(directory, &target.secret).display().to_string(),
            });
        } else {
            let exists = self.inventory.secrets().get(&target.secret).is_some();
            if target.held.is_some() {
                steps.push(Step::Backup {
                    object: backup::key(&target.secret),
                });
            }
            let slots = slots(settings);
            steps.push(Step::Write {
                secret: target.secret.clone(),
                create: !exists,
                keys: vec![slots.certificate, slots.key],
            });
            let restarted = prepared
                .restarts
                .get(&target.secret)
                .into_iter()
                .flat_map(|r| &r.restarted);
            steps.extend(restarted.map(|workload| Step::Restart {
                workload: workload.to_string(),
            }));
            let hosts: Vec<String> = target
                .uses
                .iter()
                .flat_map(|used| used.hosts.iter().map(|(host, _)| host.to_string()))
                .collect();
            if !hosts.is_empty() && !settings.storing.wait.is_zero() {
                steps.push(Step::Look {
                    hosts,
                    seconds: settings.storing.wait.as_secs(),
                });
            }
        }
        steps.push(Step::CleanUp);
        steps
    }

    /// What leads to the proof of a name, in words.
    pub(super) fn through(&self, name: &Name, prepared: &Prepared) -> String {
        if method_under(&self.settings.dns01, name) == Method::Dns01 {
            return dns_words(&self.settings.dns01, name);
        }
        if let Some(error) = prepared.unplaced.get(name) {
            return format!("impossible: {error}");
        }
        let answers = match &prepared.backend {
            Backend::Pod => self.pod_words(),
            Backend::Endpoint { advertise, .. } => format!("answered by this process at {advertise}"),
            Backend::Service(service) => format!("answered by Service {}", service.name),
        };
        match prepared.places.get(name) {
            Some(place) => match &place.route {
                Some(route) => format!(
                    "through {} {} ({}), {answers}",
                    route.kind.as_str(),
                    route.key,
                    place.controller
                ),
                None => format!(
                    "through an Ingress of the default class in {} ({}), {answers}",
                    place.namespace, place.controller
                ),
            },
            None => answers,
        }
    }
}

impl Preparing<'_> {
    fn pod_words(&self) -> String {
        let http = &self.settings.http01;
        match (&http.image, http.nodes.as_slice()) {
            (Some(image), []) => format!("answered by a Pod ({image})"),
            (Some(image), [node]) => format!("answered by a Pod ({image}, which node {node} has)"),
            (Some(image), nodes) => format!("answered by a Pod ({image}, which {} nodes have)", nodes.len()),
            (None, _) => format!("answered by a Pod ({}, which is pulled)", http01::image::PUBLIC),
        }
    }
}

/// The provider that proves a name, by what it is called.
fn provider<'s>(settings: &'s Dns01Settings, name: &Name) -> Option<&'s str> {
    let foreseen = || dns01::foreseen(&settings.providers, name.base().unwrap_or_default());
    settings.only.as_deref().or_else(|| Some(foreseen()?.name.as_str()))
}

fn dns_words(settings: &Dns01Settings, name: &Name) -> String {
    let base = name.base().unwrap_or_default();
    match provider(settings, name) {
        Some(provider) => format!("a record at _acme-challenge.{base}, by provider {provider}"),
        None if settings.providers.is_empty() => "impossible: no DNS provider is configured for it".to_owned(),
        // A CNAME may lead into a zone that one serves: DNS is asked before the order.
        None => format!("a record where _acme-challenge.{base} leads, by the provider of that zone"),
    }
}

/// What may be written does not depend on the account, which is not known yet.
fn any_thumbprint() -> Result<Thumbprint, SolveError> {
    "A".repeat(43)
        .parse()
        .map_err(|error: http01::responder::NotAThumbprint| SolveError::new(error.to_string()))
}

/// This process's address inside of a cluster; `None` outside.
pub fn own_address() -> Option<std::net::IpAddr> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let server: std::net::IpAddr = host.parse().ok()?;
    if let Some(ip) = std::env::var("POD_IP").ok().and_then(|ip| ip.parse().ok()) {
        return Some(ip);
    }
    // Connecting a datagram socket sends nothing: the kernel only chooses the address.
    let any: SocketAddr = match server {
        std::net::IpAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        std::net::IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    socket.connect((server, 443)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The Secret's data keys.
pub fn slots(settings: &Settings) -> Slots {
    settings
        .storing
        .secret_keys
        .as_ref()
        .map_or_else(Slots::default, |keys| Slots {
            certificate: keys.certificate.clone(),
            key: keys.key.clone(),
        })
}

/// Where the cluster reaches this process, where that is known.
fn advertised(http01: &Http01Settings) -> Option<SocketAddr> {
    let inside = || own_address().map(|ip| SocketAddr::new(ip, OWN_PORT));
    http01.advertise.or_else(inside)
}

/// Whether a Pod answers: it is asked to, or nobody says that the cluster reaches this process.
pub(super) fn answers_by_pod(http01: &Http01Settings) -> bool {
    match http01.solver {
        Some(SolverKind::Pod) => true,
        Some(SolverKind::Endpoint | SolverKind::Service) => false,
        Some(SolverKind::InPlace) | None => advertised(http01).is_none(),
    }
}

/// How a Secret is written, as far as the settings say it.
pub(super) fn store_options(settings: &Settings) -> secret::Options {
    let (chosen, order) = (&settings.chosen, &settings.certificate);
    secret::Options {
        slots: slots(settings),
        // A rehearsal's certificate is not stored.
        staging: chosen.issuer.stage == Stage::Staging && !chosen.rehearsal,
        overwrite_with_staging: order.overwrite_with_staging,
        force: order.force,
    }
}

impl Prepared {
    /// Whether any name is proved by HTTP.
    pub fn needs_http01(&self) -> bool {
        !self.places.is_empty()
    }

    /// The live Ingresses that are edited for a moment, to lead challenges to what answers.
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

    /// How challenges are answered, where Pods do; `None` where none is needed.
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

    /// The namespaces in which challenges are answered.
    pub fn namespaces(&self) -> BTreeSet<Text> {
        self.places.values().map(|place| place.namespace.clone()).collect()
    }

    /// The names whose challenges are led through the cluster.
    pub(super) fn placed(&self) -> impl Iterator<Item = &Name> {
        self.places.keys()
    }

    /// The names whose challenges would be led through the cluster, and why they cannot be.
    pub(super) fn unplaced(&self) -> impl Iterator<Item = (&Name, &SolveError)> {
        self.unplaced.iter()
    }

    /// The addresses of the route that leads a name's challenge.
    pub(super) fn addresses_of(&self, name: &Name) -> Option<&[Text]> {
        Some(&self.places.get(name)?.addresses)
    }

    /// What answers challenges for an account's thumbprint.
    #[allow(clippy::too_many_arguments)]
    pub fn solvers(
        self,
        settings: &Settings,
        run: &RunId,
        connect: Option<HostPort>,
        destination: &Destination,
        thumbprint: &str,
        journals: &Arc<Journals>,
        secrets: Arc<dyn Secrets>,
        operator: Arc<dyn Operator>,
    ) -> Result<Solvers, PrepareError> {
        let http01 = match destination {
            Destination::Cluster(api) if self.needs_http01() => {
                let thumbprint: Thumbprint = thumbprint
                    .parse()
                    .map_err(|error: http01::responder::NotAThumbprint| SolveError::new(error.to_string()))?;
                let options = self.http01(settings, run, connect, thumbprint);
                let notes = Arc::clone(journals) as Arc<dyn crate::solve::Journal>;
                Some(Arc::new(Http01::new(api.clone(), options, self.places, notes)))
            }
            _ => None,
        };
        let dns01 = dns01(&settings.dns01, journals, secrets, operator)?.map(Arc::new);
        Ok(Solvers::new(http01, dns01, &settings.dns01, self.unplaced))
    }

    fn http01(
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
                resources: http
                    .resources
                    .as_ref()
                    .map(|resources| serde_json::json!({"requests": resources.requests, "limits": resources.limits})),
                priority_class: http.priority_class.clone(),
                pull_secrets: http.pull_secrets.clone(),
                node_selector: http
                    .node_selector
                    .iter()
                    .map(|(key, value)| Label {
                        key: key.clone(),
                        value: value.clone(),
                    })
                    .collect(),
                tolerations: http.tolerations.clone(),
                deadline: LIVES,
            },
            thumbprint,
            self_check: http.self_check,
            limit: None,
            connect,
            lookup: Lookup::of(&settings.dns01.resolvers),
            guard: Guard {
                own: own.filter_map(|address| address.parse().ok()).collect(),
                allowed: http.allow_addresses.clone(),
                cluster: Guard::surroundings(|name| std::env::var(name).ok()),
            },
            ports: Ports::default(),
            run: run.clone(),
            expires: crate::clock::now() + i64::from(LIVES),
        }
    }
}

/// What answers DNS-01; `None` without a provider.
pub fn dns01(
    settings: &Dns01Settings,
    journals: &Arc<Journals>,
    secrets: Arc<dyn Secrets>,
    operator: Arc<dyn Operator>,
) -> Result<Option<Dns01>, PrepareError> {
    // The operator needs no settings.
    if settings.providers.is_empty() && settings.only.as_deref() != Some("manual") {
        return Ok(None);
    }
    let resolver = Lookup::of(&settings.resolvers)
        .resolver()
        .map_err(|error| SolveError::new(crate::error::chain(&error)).hint("name one with --resolver ADDRESS"))?;
    let wait = match settings.propagation_wait {
        Some(Duration::ZERO) => Wait::Off,
        Some(wait) => Wait::Fixed(wait),
        None => Wait::Ask(settings.propagation_timeout),
    };
    Ok(Some(Dns01::new(Parts {
        entries: settings.providers.clone(),
        chosen: settings.only.clone(),
        resolver,
        wait,
        secrets,
        keep: Arc::clone(journals) as Arc<dyn crate::solve::dns01::Keep>,
        operator,
    })?))
}

/// Why the way of a challenge is not known, where that is because `IngressClasses` could not be read.
fn for_want_of_classes(inventory: &Inventory, place: &Place) -> Option<SolveError> {
    let is_unread = place.controller == Controller::Unknown
        && place.kind == Kind::Ingress
        && inventory.some_forbidden(Kind::IngressClass);
    is_unread.then(|| {
        SolveError::new(
            "it is not known which controller serves the route: the right to list ingressclasses in all of the cluster is missing",
        )
        .of_cluster()
        .hint(
            "ask for the right: `kubectl certs rights --for reader` prints a ClusterRole that has it; or use DNS-01 (--dns), or choose how \
             with --solver pod, endpoint, in-place or service",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::ingress,
        object::{Change, Forbidden, Object},
    };

    #[test]
    fn where_classes_may_not_be_read_their_right_is_named_and_not_the_solver() {
        let refused = |class: &str, forbidden: bool| {
            let mut inventory = Inventory::new("", false);
            let mut web = ingress("shop", "web", &[(&["shop.example"], "shop-tls")]);
            web.class = Some(class.into());
            inventory.apply(Change::Set(Object::Ingress(web)));
            if forbidden {
                inventory.apply(Change::Forbidden(Forbidden {
                    kind: Kind::IngressClass,
                    namespace: None,
                    name: None,
                    verb: "list",
                }));
            }
            inventory.settle();
            for_want_of_classes(&inventory, &Place::of_class(&inventory, "shop", Some(class)))
        };
        let error = refused("web", true).unwrap();
        assert!(error.message.contains("ingressclasses"), "{error}");
        assert_eq!(error.blame(), Blame::Cluster);
        assert!(error.hint.unwrap().contains("rights --for reader"));
        // A name that one controller alone uses tells enough, and an unknown controller is no question of rights.
        assert!(refused("traefik", true).is_none() && refused("web", false).is_none());
    }
}
