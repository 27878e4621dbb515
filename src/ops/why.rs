//! `why`: from annotation to served, where a host stands, and what holds it. The controller is not asked: everything is
//! read from the cluster, so that it works where the controller does not. What only the controller knows, it has stored there.

mod declared;
mod facts;
mod reason;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Checks, Context, OpError, Source, install_id,
    named::{Named, not_found},
    pause::{self, Told},
    session::{Open, Session},
};
use crate::{
    apply::{Api, ApiError, Permits, mark},
    check::{Severity, SharedFindings, words},
    engine::{
        journal::{self, JournalStore},
        lease,
    },
    error::Blame,
    inventory::{BindingId, Stored as StoredSecret, query::usable},
    k8s::{Connection, events},
    net::address::resolve,
    object::{
        Key, Kind, Seconds, annotation,
        resource::{CONFIGMAP, LEASE, SECRET},
    },
    plan::{
        copy::{self, Copying},
        wanted::{Hold, asks, hold, rolled_back},
        why::OfSecret,
    },
    scan::{self, About, evaluate, probe},
    text::first_few,
    x509::names::covered,
};
use declared::{Declared, declared};
use facts::{AskingRoute, Controller, Controllers, Facts, Held, Said, Stands, Stored};

/// When a controller with an install id renews what a Secret holds. That is the controller's rule, and not this module's.
pub type Due = fn(&str, &StoredSecret) -> Option<Seconds>;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The host.
    pub host: Named,
    /// Where routes and Secrets are read from.
    pub source: Source,
    /// How they are judged.
    pub checks: Checks,
    /// How it is asked what is served.
    pub probe: probe::ProbeOptions,
    /// The controller's namespace; `None` to look for it.
    pub controller_namespace: Option<String>,
    /// When a certificate is renewed.
    pub due: Due,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The host.
    pub host: String,
    /// Each Secret that routes name for it; at least one.
    pub found: Vec<OfSecret>,
    /// When it was looked, in seconds since 1970.
    pub now: Seconds,
    /// What is to blame for what could not be read, which was told.
    pub trouble: Option<Blame>,
}

/// Looks where a host stands.
///
/// # Errors
///
/// No route has the host, or the cluster cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let host = request.host.name.as_str();
    let open = Open {
        all_users: true,
        with_doings: true,
        quiet: true,
        ..Open::default()
    };
    let named = [Named::host(host)];
    let session = Session::open(&context.cluster, &request.source, &request.checks, &named, open).await?;
    let ids = bindings(&session, host);
    if ids.is_empty() {
        not_found(&session, &named)?;
        return Err(session.nothing(&format!("no route has {host}")));
    }
    let Some(connection) = session.connection.clone() else {
        return Err(OpError::usage(
            "why a host stands where it does is read from a cluster, and not from manifests (-f)",
        ));
    };
    let api = Api::new(connection, Permits::none());
    let waiting = front.wait(|| "waiting for the cluster, DNS and the host to answer".to_owned());
    let (probed, _) = probe::probe(&session.inventory, &ids, &request.probe, &session.judge).await;
    let mut controllers = controllers(&api, request.controller_namespace.as_deref()).await;
    if let Controllers::Found(all) = &mut controllers {
        let of = |namespace: &str| {
            let mut all = session.inventory.installations().iter();
            all.find(|by| by.namespace == namespace).cloned()
        };
        for controller in all {
            controller.says = of(&controller.namespace);
        }
    }
    let resolves = resolves(host, request.probe.lookup).await;
    let mut of_secret: BTreeMap<Option<Key>, Vec<BindingId>> = BTreeMap::new();
    for id in ids {
        let Some(binding) = session.inventory.bindings().get(id) else {
            continue;
        };
        of_secret.entry(binding.secrets.first().cloned()).or_default().push(id);
    }
    let mut found = Vec::new();
    for (secret, ids) in of_secret {
        let looked = Look {
            session: &session,
            api: &api,
            ids: &ids,
            host,
            due: request.due,
        };
        let mut facts = looked.facts(secret.clone(), &controllers, &resolves).await;
        facts.served = looked.served(&probed);
        found.push(OfSecret {
            secret,
            answer: reason::answer(&facts),
        });
    }
    drop(waiting);
    Ok(Report {
        host: host.to_owned(),
        found,
        now: session.rules.now,
        trouble: session.trouble,
    })
}

/// The bindings of a host: its own, or those of the wildcard that serves it.
fn bindings(session: &Session, host: &str) -> Vec<BindingId> {
    let own = session.inventory.bindings_of_host(host);
    if !own.is_empty() {
        return own.to_vec();
    }
    let wildcard = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    wildcard.map_or_else(Vec::new, |wildcard| {
        session.inventory.bindings_of_host(&wildcard).to_vec()
    })
}

async fn resolves(host: &str, patience: Duration) -> Result<String, Option<String>> {
    if host.contains('*') {
        return Err(None);
    }
    match resolve(host, patience).await {
        Ok(addresses) => Ok(first_few(&addresses)),
        Err(error) => Err(Some(crate::error::chain(&error))),
    }
}

/// The controllers of the cluster, or the one of a namespace: those of which there is a `ConfigMap` or a Lease.
async fn controllers(api: &Api, namespace: Option<&str>) -> Controllers {
    let selector = format!("{}={}", mark::MANAGED_BY, mark::MANAGER);
    let mut namespaces: BTreeSet<String> = BTreeSet::new();
    let mut refused = None;
    if let Some(namespace) = namespace {
        namespaces.insert(namespace.to_owned());
    } else {
        for resource in [CONFIGMAP, LEASE] {
            match api.list(resource, None, Some(&selector)).await {
                Ok(found) => namespaces.extend(
                    found
                        .iter()
                        .filter(|object| object["metadata"]["name"] == pause::NAME)
                        .filter_map(|object| Some(object["metadata"]["namespace"].as_str()?.to_owned())),
                ),
                Err(error) => refused = Some(crate::error::chain(&error)),
            }
        }
        // Who may not look everywhere may be allowed to look at the usual place.
        if namespaces.is_empty() && refused.is_some() {
            namespaces.insert(pause::NAMESPACE.to_owned());
        }
    }
    let mut found = Vec::new();
    for namespace in namespaces {
        let told = api.get(CONFIGMAP, &pause::key_of(namespace.as_str())).await;
        let lease = api.get(LEASE, &Key::new(namespace.as_str(), pause::NAME)).await;
        if matches!((&told, &lease), (Ok(None), Ok(None))) {
            continue;
        }
        let words = |error: &ApiError| crate::error::chain(error);
        if refused.is_some() && told.is_err() && lease.is_err() {
            continue;
        }
        found.push(Controller {
            namespace,
            says: None,
            told: told
                .map(|object| object.map_or(Told::Nothing, |object| Told::read(&object["data"], crate::clock::now())))
                .map_err(|error| words(&error)),
            leader: lease
                .map(|lease| lease.as_ref().and_then(Held::of))
                .map_err(|error| words(&error)),
        });
    }
    match refused {
        Some(why) if found.is_empty() => Controllers::Unread(why),
        _ => Controllers::Found(found),
    }
}

/// Looks at one Secret of a host.
struct Look<'a> {
    session: &'a Session,
    api: &'a Api,
    ids: &'a [BindingId],
    host: &'a str,
    due: Due,
}

impl Look<'_> {
    async fn facts(
        &self,
        secret: Option<Key>,
        controllers: &Controllers,
        resolves: &Result<String, Option<String>>,
    ) -> Facts {
        let inventory = &self.session.inventory;
        let bindings: Vec<_> = self.ids.iter().filter_map(|id| inventory.bindings().get(*id)).collect();
        let mut routes: Vec<AskingRoute> = bindings
            .iter()
            .map(|binding| AskingRoute {
                name: binding.route.to_string(),
                kind: binding.route.kind.as_str().to_ascii_lowercase(),
                namespace: binding.route.key.namespace.to_string(),
                object: binding.route.key.name.to_string(),
                // A route asks for Secrets of its own namespace alone.
                asks: asks(inventory, &binding.route)
                    && !copy::asks(inventory, &binding.route)
                    && secret
                        .as_ref()
                        .is_none_or(|secret| secret.namespace == binding.route.key.namespace),
            })
            .collect();
        routes.dedup();
        let mut facts = Facts {
            now: self.session.rules.now,
            host: self.host.to_owned(),
            elsewhere: bindings.iter().all(|binding| binding.elsewhere),
            secret: secret.clone(),
            hold: None,
            controllers: controllers.clone(),
            doings: secret
                .as_ref()
                .map(|secret| inventory.doings_of(secret).iter().cloned().collect())
                .unwrap_or_default(),
            declared: Vec::new(),
            under_way: None,
            journal: None,
            events: self.events(&routes, secret.as_ref()).await,
            routes,
            stored: Stored::Absent,
            resolves: resolves.clone(),
            served: Stands::Unknown(String::new()),
        };
        let Some(secret) = secret else { return facts };
        facts.declared = declared(self.api, inventory.installations(), &secret).await;
        let stored = inventory.secrets().get(&secret);
        let claim = stored.and_then(|stored| stored.meta.annotation(annotation::CLAIM));
        // Without a claim nobody's id is needed: nothing is another installation's.
        let install = match (claim, controllers.first()) {
            (Some(claim), Some(controller)) => self
                .install(&controller.namespace)
                .await
                .unwrap_or_else(|| claim.to_owned()),
            _ => claim.unwrap_or_default().to_owned(),
        };
        let rolled_back = || {
            let until = rolled_back(stored?, None)?;
            (until > facts.now).then_some(Hold::RolledBack(until))
        };
        let held = match copy::asked(inventory, &secret) {
            Some((route, source)) => {
                facts.declared.push(Declared {
                    names: vec![source.as_ref().map_or_else(
                        |_| "a copy".to_owned(),
                        |source| format!("that it is a copy of Secret {source}"),
                    )],
                    by: format!("the annotation {} of {route}", annotation::COPY_OF),
                });
                let copying = source.map(|source| copy::judge(inventory, &secret, &source, &install));
                match copying {
                    Ok(Copying::Held(hold)) | Err(hold) => Some(Hold::Copy(hold)),
                    Ok(Copying::Write | Copying::Current) => None,
                }
            }
            None => hold(inventory, &secret, &install).or_else(rolled_back),
        };
        facts.hold = held.map(|hold| (hold.reason().to_owned(), hold.to_string()));
        facts.stored = self.stored(&secret, stored, &install);
        let lease = self.api.get(LEASE, &lease::key_of(&secret)).await.ok().flatten();
        facts.under_way = lease.as_ref().and_then(Held::of);
        let journal = journal::find(&JournalStore::Cluster(self.api.clone()), &secret)
            .await
            .ok()
            .flatten();
        facts.journal = journal
            .filter(|left| left.entry.order.is_some())
            .map(|left| left.entry.started);
        facts
    }

    /// The id of the installation in a namespace: the one that is noted beside its account. `None` if it cannot be read.
    async fn install(&self, namespace: &str) -> Option<String> {
        let selector = format!("{}={}", mark::MANAGED_BY, mark::MANAGER);
        let secrets = self.api.list(SECRET, Some(namespace), Some(&selector)).await.ok()?;
        secrets.iter().find_map(install_id::noted)
    }

    fn stored(&self, secret: &Key, stored: Option<&StoredSecret>, install: &str) -> Stored {
        let inventory = &self.session.inventory;
        if inventory.is_unread(secret) {
            return Stored::Unread("the right is missing".to_owned());
        }
        let Some(stored) = stored else { return Stored::Absent };
        let Some(leaf) = stored.leaf() else {
            return Stored::Unusable("it holds no certificate".to_owned());
        };
        if !usable(stored) {
            return Stored::Unusable("its key does not belong to its certificate, or is missing".to_owned());
        }
        Stored::Certificate {
            names: first_few(&leaf.names),
            covers: covered(self.host, &leaf.names),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            due_at: Some(install)
                .filter(|install| !install.is_empty())
                .and_then(|install| (self.due)(install, stored)),
        }
    }

    /// What was said about the Secret and its routes.
    async fn events(&self, routes: &[AskingRoute], secret: Option<&Key>) -> Vec<Said> {
        let connection: &Connection = self.api.connection();
        let inventory = &self.session.inventory;
        let of_routes = self.ids.iter().filter_map(|id| inventory.bindings().get(*id));
        let mut about: Vec<(Kind, Key)> = of_routes
            .map(|binding| (binding.route.kind, binding.route.key.clone()))
            .collect();
        about.extend(secret.map(|secret| (Kind::Secret, secret.clone())));
        about.truncate(routes.len() + 1);
        let mut all = Vec::new();
        for (kind, key) in about {
            // They are an extra: without the right to read them, there are none.
            let found = events(connection, &key.namespace, kind, &key.name)
                .await
                .unwrap_or_default();
            all.extend(found.into_iter().filter_map(|event| {
                let is_failure = ["CertificateFailed", "ChallengeFailed"].contains(&event.reason.as_str());
                let is_ours = is_failure || ["CertificateIssued", "CertificateServed"].contains(&event.reason.as_str());
                is_ours.then(|| Said {
                    at: event.when,
                    reason: event.reason.to_string(),
                    message: event.message,
                    count: event.count,
                    is_failure,
                })
            }));
        }
        all
    }

    /// What clients get, as `show --probe` judges it.
    fn served(&self, probed: &BTreeMap<BindingId, crate::check::Probed>) -> Stands {
        let session = self.session;
        let shared = SharedFindings::default();
        let mut at = Vec::new();
        for id in self.ids {
            let Some(found) = probed.get(id) else { continue };
            at.extend(found.at.iter().map(|at| at.address.to_string()));
            let judged = evaluate::binding(
                &session.inventory,
                *id,
                session.rules,
                &session.select,
                Some(found),
                &shared,
            );
            let Some(judged) = judged.filter(|judged| matches!(judged.about, About::Binding(_))) else {
                continue;
            };
            let Some(row) = scan::row(&session.inventory, &judged) else {
                continue;
            };
            if let Some(worst) = row
                .findings
                .iter()
                .find(|finding| finding.severity == Severity::Critical)
            {
                return Stands::Bad(words::message(worst, &row, session.rules.now));
            }
        }
        at.sort();
        at.dedup();
        if at.is_empty() {
            return Stands::Unknown("the route has no address to ask at".to_owned());
        }
        Stands::Good(first_few(&at))
    }
}
