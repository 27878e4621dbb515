//! From targets and settings to a run: what answers challenges, what may be written, and which steps there are.

mod error;
mod solving;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use self::solving::any_thumbprint;
pub use self::{
    error::PrepareError,
    solving::{advertised, dns_persist01, dns01, own_address},
};
pub(super) use self::{
    error::{NAMES, is_name, quoted},
    solving::answers_by_pod,
};
use super::{choose::method_under, journal, lease, restarts::Restarts};
use crate::{
    acme::Stage,
    apply::{
        Folder, Permit, Permits, RunId, Verb, backup, events, rollout,
        secret::{self, Slots},
    },
    event::Method,
    inventory::{Controller, Inventory},
    k8s::Connection,
    name::Name,
    net::HostPort,
    object::resource::SECRET,
    object::{Key, Kind, Text},
    plan::Target,
    settings::{Dns01Settings, Settings, value::ServeWord},
    solve::{
        SolveError,
        dns01::{self, Dns01, TxtName},
        http01::{self, Backend, ChallengeRoute},
    },
};

/// How long DNS may take to say where a record belongs.
const LOCATING: Duration = Duration::from_secs(5);
/// For how many domains it is asked at once.
const LOCATED_AT_ONCE: usize = 32;

/// The parameters from which a run is prepared.
pub struct Preparing<'a> {
    /// The inventory that was read.
    pub inventory: &'a Inventory,
    /// The targets that are to be renewed.
    pub targets: &'a [Target],
    /// The settings of the issuance.
    pub settings: &'a Settings,
    /// The cluster; `None` for manifests.
    pub connection: Option<&'a Connection>,
    /// The directory for manifests.
    pub directory: Option<Folder>,
    /// `--connect` of the command line.
    pub connect: Option<HostPort>,
    /// The id of the run.
    pub run: RunId,
}

/// Everything that can be decided before a CA is asked.
pub struct Prepared {
    /// The challenge route of each host that is proved by HTTP.
    places: HashMap<Name, ChallengeRoute>,
    /// The hosts without a challenge route, with the reasons.
    unplaced: HashMap<Name, SolveError>,
    /// What answers HTTP-01.
    pub(super) backend: Backend,
    /// What the run may write.
    pub permits: Permits,
    /// For each Secret, the workloads that are restarted, and others that would need it.
    pub restarts: BTreeMap<Key, Restarts>,
    /// For each domain that is proved by DNS, the provider and the place of its record, or why there is none, as far as
    /// DNS has been asked.
    served: BTreeMap<String, Result<(String, TxtName), SolveError>>,
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
            served: BTreeMap::new(),
        };
        // With several targets, an invalid name fails only its own, in its turn.
        if let [only] = self.targets
            && !is_name(&only.secret)
        {
            return Err(PrepareError::NotAName(only.secret.clone()));
        }
        for target in self.targets {
            self.place(target, &mut prepared);
            let restarts = Restarts::of(
                self.inventory.consumers_of(&target.secret),
                &target.secret,
                &self.settings.storing.restart,
            );
            prepared.restarts.insert(target.secret.clone(), restarts);
        }
        self.leave_out_unanswerable(&mut prepared)?;
        if let Some(directory) = &self.directory {
            for target in self.targets {
                directory.check(&target.secret, self.settings.certificate.force)?;
            }
        }
        if self.connection.is_some() {
            prepared.permits = self.permits(&prepared, self.settings.chosen.rehearsal)?;
        }
        Ok(prepared)
    }

    /// Finds the challenge routes of a target.
    fn place(&self, target: &Target, prepared: &mut Prepared) {
        if self.connection.is_none() {
            return;
        }
        for name in &target.names.order {
            if method_under(&self.settings.dns01, name) != Method::Http01 || prepared.places.contains_key(name) {
                continue;
            }
            match challenge_route(self.inventory, self.settings, target, name) {
                Ok(place) => drop(prepared.places.insert(name.clone(), place)),
                Err(error) => drop(prepared.unplaced.insert(name.clone(), error)),
            }
        }
    }

    /// Removes routes that cannot carry a challenge. They fail alone, without affecting the other certificates of the
    /// run.
    fn leave_out_unanswerable(&self, prepared: &mut Prepared) -> Result<(), PrepareError> {
        if !prepared.needs_http01() {
            return Ok(());
        }
        let options = prepared.http01(self.settings, &self.run, self.connect.clone(), any_thumbprint()?);
        let refusal = |(name, place): (&Name, &ChallengeRoute)| {
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

    /// What the whole run may write. A rehearsal may write less.
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
        permits.extend(self.credentials(prepared));
        if !prepared.places.is_empty() {
            let options = prepared.http01(self.settings, &self.run, self.connect.clone(), any_thumbprint()?);
            permits.extend(http01::permits(&options, prepared.places.values())?);
        }
        Ok(permits)
    }

    /// The rights to read the Secrets with credentials of the DNS providers that are used, and to reach those that are
    /// Services.
    fn credentials(&self, prepared: &Prepared) -> Permits {
        let settings = &self.settings.dns01;
        let names = self.targets.iter().flat_map(|target| &target.names.order);
        let used: BTreeSet<&str> = names
            .filter(|name| method_under(settings, name) == Method::Dns01)
            .filter_map(|name| prepared.provider(settings, name))
            .collect();
        let entries = settings
            .providers
            .iter()
            .filter(|entry| used.contains(entry.name.as_str()));
        let mut permits = Permits::none();
        for entry in entries {
            for of in entry.provider.secrets() {
                permits.add(Permit::one(
                    &[Verb::Get],
                    SECRET,
                    of.namespace.as_str(),
                    of.name.as_str(),
                ));
            }
            permits.extend(entry.provider.permits());
        }
        permits
    }
}

/// The data keys of the Secret.
pub fn slots(settings: &Settings) -> Slots {
    settings
        .storing
        .said
        .secret_keys
        .as_ref()
        .map_or_else(Slots::default, |keys| Slots {
            certificate: keys.certificate.clone(),
            key: keys.key.clone(),
        })
}

/// How a Secret is written, as far as the settings decide it.
pub fn store_options(settings: &Settings) -> secret::Options {
    let (chosen, order) = (&settings.chosen, &settings.certificate);
    secret::Options {
        slots: slots(settings),
        // The certificate of a rehearsal is not stored.
        staging: chosen.issuer.stage == Stage::Staging && !chosen.rehearsal,
        overwrite_with_staging: order.overwrite_with_staging,
        force: order.force,
        copies: false,
    }
}

impl Prepared {
    /// Asks DNS where the records of challenges belong, and chooses the provider of each as the run does: a CNAME may
    /// lead into the zone of another one than the settings alone suggest. What DNS does not answer in time is left open.
    pub async fn locate(&mut self, preparing: &Preparing<'_>, dns01: &Dns01) -> Result<(), PrepareError> {
        let settings = &preparing.settings.dns01;
        let names = preparing.targets.iter().flat_map(|target| &target.names.order);
        let domains: BTreeSet<&str> = names
            .filter(|name| method_under(settings, name) == Method::Dns01)
            .filter_map(Name::base)
            .collect();
        let found = stream::iter(domains).map(|domain| async move {
            let served = tokio::time::timeout(LOCATING, dns01.serving(domain)).await;
            Some((domain.to_owned(), served.ok()?))
        });
        let found: Vec<_> = found.buffer_unordered(LOCATED_AT_ONCE).collect().await;
        self.served.extend(found.into_iter().flatten());
        if preparing.connection.is_some() {
            self.permits = preparing.permits(self, preparing.settings.chosen.rehearsal)?;
        }
        Ok(())
    }

    /// The name of the provider that proves a name. Before DNS has been asked, according to the settings alone.
    fn provider<'s>(&'s self, settings: &'s Dns01Settings, name: &Name) -> Option<&'s str> {
        let domain = name.base().unwrap_or_default();
        if let Some(served) = self.served.get(domain) {
            return served.as_ref().ok().map(|(provider, _)| provider.as_str());
        }
        let foreseen = || dns01::foreseen(&settings.providers, domain);
        settings.only.as_deref().or_else(|| Some(foreseen()?.name.as_str()))
    }

    /// Whether any name is proved by HTTP.
    pub fn needs_http01(&self) -> bool {
        !self.places.is_empty()
    }

    /// The namespaces in which challenges are answered.
    pub fn namespaces(&self) -> BTreeSet<Text> {
        self.places.values().map(|place| place.namespace.clone()).collect()
    }

    /// The names whose challenges are routed through the cluster.
    pub(super) fn placed(&self) -> impl Iterator<Item = &Name> {
        self.places.keys()
    }

    /// The names whose challenges should be routed through the cluster but cannot, with the reasons.
    pub(super) fn unplaced(&self) -> impl Iterator<Item = (&Name, &SolveError)> {
        self.unplaced.iter()
    }

    /// The addresses of the route that carries the challenge of a name.
    pub(super) fn addresses_of(&self, name: &Name) -> Option<&[Text]> {
        Some(&self.places.get(name)?.addresses)
    }
}

/// Where the challenge of a name of a target is answered by HTTP.
pub(super) fn challenge_route(
    inventory: &Inventory,
    settings: &Settings,
    target: &Target,
    name: &Name,
) -> Result<ChallengeRoute, SolveError> {
    let host = name.to_string();
    if let Some(used) = target.use_of(name) {
        let place = ChallengeRoute::of(inventory, &used.route, &host);
        // A host of the certificate source has no route of ours, and its Domain leads no requests.
        let domains = settings.domains.as_ref();
        let by_proxy =
            used.route.kind == Kind::Domain && domains.is_some_and(|domains| domains.serve == ServeWord::Source);
        return if by_proxy {
            place.map(ChallengeRoute::by_proxy)
        } else {
            place
        };
    }
    // A route of another Secret may have the host as well; otherwise the default class decides.
    let first = inventory.bindings_of_host(&host).first();
    Ok(first
        .and_then(|id| inventory.bindings().get(*id))
        .and_then(|binding| ChallengeRoute::of(inventory, &binding.route, &host).ok())
        .unwrap_or_else(|| ChallengeRoute::of_class(inventory, &target.secret.namespace, None)))
}

/// The error if the challenge route is unknown because `IngressClasses` could not be read.
fn for_want_of_classes(inventory: &Inventory, place: &ChallengeRoute) -> Option<SolveError> {
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
        error::{Blame, Diagnose as _},
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
            inventory.derive();
            for_want_of_classes(&inventory, &ChallengeRoute::of_class(&inventory, "shop", Some(class)))
        };
        let error = refused("web", true).unwrap();
        assert!(error.message.contains("ingressclasses"), "{error}");
        assert_eq!(error.blame(), Blame::Cluster);
        assert!(error.hint.unwrap().contains("rights --for reader"));
        // A class name that one controller alone uses is enough, and an unknown controller does not depend on rights.
        assert!(refused("traefik", true).is_none() && refused("web", false).is_none());
    }
}
