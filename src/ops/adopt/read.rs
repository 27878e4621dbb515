//! What is in the cluster of what others keep: the facts for the plan, and each object as it is now, for the way back.

mod programs;
mod proving;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::{OpError, Request, installation::Installation};
use crate::{
    apply::{
        Api, ApiError, Slots, Target,
        adopted::{self, SecretBefore},
        owner::{self, LAST_APPLIED},
        secret::{Options, may_be_written},
    },
    engine::prepare::store_options,
    error::chain,
    inventory::{Inventory, RouteKey},
    k8s::Own as _,
    object::{
        Key, Kind, Seconds, annotation,
        resource::{CERTIFICATE, Resource, SECRET},
    },
    ops::{Front, session::Session, unattended::terms},
    plan::{
        adopt::{CertificateFacts, Decision, Facts, RouteFacts, SecretFacts},
        ca::Issuers,
        target::names_of,
        wanted::{Asked, Need, asks, needed},
        wildcard::Wildcards,
    },
    source::scope::Namespaces,
};
pub(super) use programs::Programs;
use proving::{IssuerObjects, Proving};

/// How many objects are read at once.
const AT_ONCE: usize = 12;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// For the plan.
    pub(super) facts: Facts,
    /// The routes, each with the version of its kind that the cluster serves.
    pub(super) routes: BTreeMap<RouteKey, (Resource, Value)>,
    /// cert-manager's Certificates.
    pub(super) certificates: BTreeMap<Key, Value>,
    /// The Secrets, without their data.
    pub(super) secrets: BTreeMap<Key, SecretBefore>,
    /// What runs.
    pub(super) programs: Programs,
}

/// What everything is judged by.
struct Looking<'a> {
    request: &'a Request,
    installation: &'a Installation,
    inventory: &'a Inventory,
    issuers: Issuers<'a>,
    asked: Asked,
    options: Options,
    theirs: IssuerObjects,
    now: Seconds,
}

/// Reads what others keep in the namespaces of a session.
pub(super) async fn read(
    api: &Api,
    session: &Session,
    request: &Request,
    installation: &Installation,
    front: &dyn Front,
) -> Result<Found, OpError> {
    let inventory = &session.inventory;
    let mut found = Found::default();
    if let Namespaces::Only(names) = &session.scope.namespaces {
        found.facts.namespaces = names.iter().map(ToString::to_string).collect();
    }
    for object in certificates(api, &found.facts.namespaces).await? {
        let key = object.key();
        found.facts.certificates.insert(key.clone(), certificate(&object));
        found.certificates.insert(key, object);
    }
    found.programs = programs::read(api, inventory, &found.facts.namespaces, front).await?;
    found.facts.clocks = found.programs.clock_facts();
    found.facts.legos = found.programs.lego_facts();
    let of_route = secrets_of_routes(inventory);
    let secrets = hanging_together(
        begun_with(&found.facts, &found.programs, inventory, &of_route),
        &of_route,
        &found.facts,
    );
    let looking = Looking {
        request,
        installation,
        inventory,
        issuers: Issuers::of(inventory, installation.ca()),
        asked: Asked {
            install: installation.install.clone().unwrap_or_default(),
            staging: installation.is_staging(),
            wildcards: Wildcards::default(),
            terms: terms(&installation.settings),
        },
        options: store_options(&installation.settings),
        theirs: if found.certificates.is_empty() {
            IssuerObjects::default()
        } else {
            IssuerObjects::read(api, &found.facts.namespaces, front).await?
        },
        now: session.rules.now,
    };
    let mut routes: BTreeSet<RouteKey> = BTreeSet::new();
    for (route, named) in &of_route {
        if !named.is_disjoint(&secrets) {
            routes.insert(route.clone());
        }
    }
    let read = stream::iter(routes).map(|route| async move {
        let object = route_object(api, &route).await;
        (route, object)
    });
    let mut read = read.buffer_unordered(AT_ONCE);
    while let Some((key, object)) = read.next().await {
        // It has gone since it was listed.
        let Some((resource, object)) = object? else { continue };
        found.facts.routes.insert(key.clone(), route(inventory, &key, &object));
        found.routes.insert(key, (resource, object));
    }
    let mut routes_of: BTreeMap<Key, BTreeSet<RouteKey>> = BTreeMap::new();
    for route in found.facts.routes.keys() {
        for secret in of_route.get(route).into_iter().flatten() {
            routes_of.entry(secret.clone()).or_default().insert(route.clone());
        }
    }
    let read = stream::iter(secrets).map(|secret| async move {
        let object = api.get(SECRET, &secret).await;
        (secret, object)
    });
    let mut read = read.buffer_unordered(AT_ONCE);
    while let Some((key, object)) = read.next().await {
        let routes = routes_of.remove(&key).unwrap_or_default();
        let (facts, before) = looking.secret(&key, object, routes, &found);
        found.facts.secrets.insert(key.clone(), facts);
        found.secrets.extend(before.map(|before| (key, before)));
    }
    Ok(found)
}

/// cert-manager's Certificates; none where it is not installed.
async fn certificates(api: &Api, namespaces: &[String]) -> Result<Vec<Value>, OpError> {
    match in_namespaces(api, CERTIFICATE, namespaces).await {
        Ok(all) => Ok(all),
        Err(error) if error.is_absent() => Ok(Vec::new()),
        Err(error) => Err(OpError::because(&error)),
    }
}

/// The objects of a kind in these namespaces; none of them is all.
pub(super) async fn in_namespaces(
    api: &Api,
    resource: Resource,
    namespaces: &[String],
) -> Result<Vec<Value>, ApiError> {
    if namespaces.is_empty() {
        return api.list(resource, None, None).await;
    }
    let mut all = Vec::new();
    for namespace in namespaces {
        all.extend(api.list(resource, Some(namespace), None).await?);
    }
    Ok(all)
}

fn certificate(object: &Value) -> CertificateFacts {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = spec["issuerRef"]["kind"].as_str().filter(|kind| !kind.is_empty());
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    CertificateFacts {
        secret: spec["secretName"]
            .as_str()
            .map(|name| Key::new(object.key().namespace, name)),
        issuer: format!("{} {}", kind.unwrap_or("Issuer"), text(&spec["issuerRef"]["name"])),
        is_issuing: conditions
            .into_iter()
            .any(|one| one["type"] == "Issuing" && one["status"] == "True"),
        owner: rewriter(object),
    }
}

/// Who writes a Certificate again. cert-manager makes one of a route's annotation, with the route's labels: then it is the route's.
fn rewriter(object: &Value) -> Option<String> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let mut controllers = owners.filter(|one| one["controller"] == true);
    let is_of_route = controllers.any(|one| {
        let of = |field: &str| one[field].as_str().unwrap_or_default();
        Kind::of_manifest(of("apiVersion"), of("kind")).is_some_and(Kind::is_route)
    });
    if is_of_route {
        return None;
    }
    owner::of_route(object).map(|owner| owner.who)
}

/// The Secrets of its own namespace that each route names.
fn secrets_of_routes(inventory: &Inventory) -> BTreeMap<RouteKey, BTreeSet<Key>> {
    let mut all: BTreeMap<RouteKey, BTreeSet<Key>> = BTreeMap::new();
    for (_, binding) in inventory.bindings().iter().filter(|(_, binding)| !binding.elsewhere) {
        let own = binding.secrets.iter();
        let own = own.filter(|secret| secret.namespace == binding.route.key.namespace);
        all.entry(binding.route.clone()).or_default().extend(own.cloned());
    }
    all
}

/// The annotations by which a route asks cert-manager, with their values.
fn asks_cert_manager(inventory: &Inventory, route: &RouteKey) -> BTreeMap<String, String> {
    if !route.kind.route().is_some_and(|facts| facts.shimmed) {
        return BTreeMap::new();
    }
    let meta = inventory.route_meta(route);
    let of = |name: &str| Some((name.to_owned(), meta?.annotation(name)?.to_owned()));
    [annotation::CLUSTER_ISSUER, annotation::ISSUER]
        .into_iter()
        .filter_map(of)
        .collect()
}

/// The Secrets that somebody keeps, by Certificates, by programs or for routes that ask.
fn begun_with(
    facts: &Facts,
    programs: &Programs,
    inventory: &Inventory,
    of_route: &BTreeMap<RouteKey, BTreeSet<Key>>,
) -> BTreeSet<Key> {
    let mut all: BTreeSet<Key> = facts
        .certificates
        .values()
        .filter_map(|one| one.secret.clone())
        .collect();
    all.extend(facts.clocks.values().flat_map(|clock| clock.secrets.iter().cloned()));
    all.extend(programs.named().cloned());
    for (route, named) in of_route {
        if asks(inventory, route) || !asks_cert_manager(inventory, route).is_empty() {
            all.extend(named.iter().cloned());
        }
    }
    let marked = inventory.secrets().iter().filter(|stored| {
        stored.meta.annotation(annotation::CERTIFICATE_NAME).is_some()
            || stored.meta.label(annotation::CERT_MANAGERS).is_some()
    });
    // A Secret with the next key of a Certificate is cert-manager's own business.
    all.extend(
        marked
            .filter(|stored| stored.holds_certificate())
            .map(|stored| stored.meta.key()),
    );
    all
}

/// These Secrets, and all that share a route or a `CronJob` with one of them.
fn hanging_together(
    mut secrets: BTreeSet<Key>,
    of_route: &BTreeMap<RouteKey, BTreeSet<Key>>,
    facts: &Facts,
) -> BTreeSet<Key> {
    let mut ties: Vec<&BTreeSet<Key>> = of_route.values().collect();
    ties.extend(facts.clocks.values().map(|clock| &clock.secrets));
    loop {
        let before = secrets.len();
        for tie in &ties {
            if !tie.is_disjoint(&secrets) {
                secrets.extend(tie.iter().cloned());
            }
        }
        if secrets.len() == before {
            return secrets;
        }
    }
}

/// A route as the cluster has it, in the first version that it serves.
async fn route_object(api: &Api, route: &RouteKey) -> Result<Option<(Resource, Value)>, OpError> {
    for resource in route.kind.row().resources() {
        let object = api.get(resource, &route.key).await;
        if let Some(object) = object.map_err(|error| OpError::because(&error))? {
            return Ok(Some((resource, object)));
        }
    }
    Ok(None)
}

fn route(inventory: &Inventory, key: &RouteKey, object: &Value) -> RouteFacts {
    let asked = asks_cert_manager(inventory, key);
    let applied = object["metadata"]["annotations"][LAST_APPLIED]
        .as_str()
        .unwrap_or_default();
    RouteFacts {
        is_applied: asked.keys().any(|name| applied.contains(&format!("{name:?}"))),
        asks: asks(inventory, key),
        owner: owner::of_route(object).map(|owner| owner.who),
        asks_cert_manager: asked,
    }
}

impl Looking<'_> {
    fn secret(
        &self,
        key: &Key,
        read: Result<Option<Value>, ApiError>,
        routes: BTreeSet<RouteKey>,
        found: &Found,
    ) -> (SecretFacts, Option<SecretBefore>) {
        let certificates = self.inventory.certificates_of(key);
        let mut facts = SecretFacts {
            names: certificates
                .flat_map(|one| one.dns_names.iter().map(ToString::to_string))
                .collect(),
            routes,
            ..SecretFacts::default()
        };
        facts.against.extend(found.programs.against(key));
        if !self.installation.follows(&key.namespace) {
            facts.against.push(Decision::NotFollowed);
        }
        let (target, need) = needed(self.inventory, key, &self.asked, &self.issuers);
        let object = match read {
            Ok(Some(object)) => object,
            Ok(None) => {
                facts
                    .against
                    .push(Decision::Ordered("there is no such Secret".to_owned()));
                return (facts, None);
            }
            Err(error) => {
                facts.against.push(Decision::Refused(chain(&error)));
                return (facts, None);
            }
        };
        let stored = self.inventory.secrets().get(key);
        if let Some(leaf) = stored.and_then(|stored| stored.leaf()) {
            facts.names = names_of(leaf).iter().map(ToString::to_string).collect();
        }
        let ordered_at = self.ordered_at(key);
        facts.against.extend(need.why().map(Decision::Ordered));
        if let Some((from, to)) = target
            .changes_ca
            .clone()
            .filter(|_| ordered_at.is_none() && need == Need::Renewal)
        {
            facts.against.push(Decision::OtherCa { from, to });
        }
        let install = self.installation.install.as_deref().unwrap_or_default();
        facts.due = stored.and_then(|stored| (self.request.due)(install, stored));
        if let Some(due) = facts.due.filter(|due| need == Need::Renewal && *due <= self.now) {
            facts.against.push(Decision::Due(due));
        }
        let claim = object["metadata"]["annotations"][annotation::CLAIM].as_str();
        facts.is_claimed = claim.is_some() && claim == self.installation.install.as_deref();
        if let Some(claim) = claim.filter(|_| !facts.is_claimed) {
            facts.against.push(Decision::OtherInstall(claim.to_owned()));
        }
        // What is this installation's already is no question of taking it over.
        if !facts.is_claimed {
            let proving = Proving {
                installation: self.installation,
                inventory: self.inventory,
                issuers: &self.theirs,
                certificates: &found.certificates,
                programs: &found.programs,
            };
            facts.against.extend(proving.against(&target));
        }
        self.judge(key, &object, ordered_at, facts)
    }

    /// What speaks against the Secret itself: what would be refused when it is written, once its keeper has let it go.
    fn judge(
        &self,
        key: &Key,
        object: &Value,
        ordered_at: Option<(String, String)>,
        mut facts: SecretFacts,
    ) -> (SecretFacts, Option<SecretBefore>) {
        let slots: &Slots = &self.options.slots;
        let meta = &object["metadata"];
        let is_marked = !meta["annotations"][annotation::CERTIFICATE_NAME].is_null()
            || !meta["labels"][annotation::CERT_MANAGERS].is_null();
        let is_written = self.inventory.certificates_of(key).next().is_some();
        let is_of_program = !is_written && !is_marked;
        facts.is_cert_managers = is_marked;
        // What is ours already has no keeper whose marks could be taken.
        if !facts.is_claimed || is_marked || is_written {
            facts.marks = adopted::marks(object, slots, is_of_program);
        }
        let before = SecretBefore::of(object, ordered_at, is_of_program);
        let taken = adopted::taken(object, slots, is_of_program);
        if let Err(refusal) = may_be_written(&Target::of(key.clone(), Some(taken)), &self.options) {
            facts.against.push(Decision::Refused(chain(&refusal)));
        }
        (facts, Some(before))
    }

    /// The leaf of a Secret and the directory of the installation, if its Certificate's issuer orders there too: nothing in a certificate
    /// says which private CA it is from.
    fn ordered_at(&self, key: &Key) -> Option<(String, String)> {
        let certificate = self.inventory.certificates_of(key).next()?;
        let (_, _, issuer) = self.inventory.issuer_of(certificate)?;
        let directory = &self.installation.settings.chosen.issuer.directory_url;
        let leaf = self.inventory.secrets().get(key)?.leaf()?;
        (issuer?.acme_server.as_deref() == Some(directory.as_str()))
            .then(|| (leaf.sha256.to_string(), directory.clone()))
    }
}
