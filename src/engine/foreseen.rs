//! What an order in earnest would refuse, found out before anybody agrees to it: by a rehearsal, a dry run and the plan.

use std::fmt;

use futures_util::{StreamExt as _, stream};

use super::{
    choose::{method_under, no_cluster, no_provider},
    course::orderable,
    failure::CourseError,
    ledger::{self, Ledger},
    prepare::{Prepared, Preparing, has_provider, is_name, store_options},
};
use crate::{
    apply::{
        Api, Permits, rights,
        secret::{self, may_be_written},
    },
    error::{Exit, chain},
    event::Method,
    object::Key,
    plan::{
        Target,
        limits::{self, Past, What},
    },
    settings::store::Store,
    solve::http01::rights_hint,
};

/// How many Secrets are read at once.
const AT_ONCE: usize = 16;

/// One reason for which an order in earnest would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The Secret that it is about; `None` where it is about all of them.
    pub secret: Option<Key>,
    /// Whether it stops all of the certificate; else a new name would be left out of it.
    pub stops: bool,
    /// Why, as the order would say it.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// The exit status that it would end with.
    pub exit: Exit,
}

impl fmt::Display for Obstacle {
    /// `Secret shop/shop-tls: ...`. Not cleared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            // Most reasons name it themselves.
            Some(secret) if !self.what.contains(&secret.to_string()) => write!(f, "Secret {secret}: {}", self.what),
            _ => f.write_str(&self.what),
        }
    }
}

/// Everything that is known to stand in the way. `seen` is what the cluster's certificates show of the CA's limits.
pub async fn obstacles(
    preparing: &Preparing<'_>,
    prepared: &Prepared,
    store: &Store,
    seen: Vec<Past>,
) -> Vec<Obstacle> {
    let of_targets = stream::iter(preparing.targets)
        .map(|target| of_target(preparing, prepared, target))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let (of_targets, of_limits, of_rights) = futures_util::future::join3(
        of_targets,
        of_limits(preparing, store, seen),
        of_rights(preparing, prepared),
    )
    .await;
    let mut all: Vec<Obstacle> = of_rights.into_iter().collect();
    all.extend(of_targets.into_iter().flatten());
    all.extend(of_limits);
    all
}

/// The Secret, its owner, and the way of each challenge.
async fn of_target(preparing: &Preparing<'_>, prepared: &Prepared, target: &Target) -> Vec<Obstacle> {
    let about = |what: String, hint: Option<String>, exit: Exit| Obstacle {
        secret: Some(target.secret.clone()),
        stops: true,
        what,
        hint,
        exit,
    };
    let mut found = Vec::new();
    if let Err(error) = orderable(target, &preparing.settings.chosen.issuer) {
        found.push(about(chain(&error), error.hint(), error.exit()));
    }
    let before = found.len();
    let mut loses_one = false;
    for name in &target.names.order {
        let dns01 = &preparing.settings.dns01;
        let error = match method_under(dns01, name) {
            Method::Dns01 if !has_provider(dns01, name) => Some(no_provider(name)),
            Method::Http01 if preparing.connection.is_none() => Some(no_cluster(name)),
            _ => prepared
                .unplaced()
                .find(|(other, _)| *other == name)
                .map(|(_, error)| error.clone()),
        };
        loses_one |= error.is_some() && target.names.present.contains(name);
        found.extend(error.map(|error| about(error.message, error.hint, Exit::Acme)));
    }
    // New names that fail are left out, unless none is left.
    let stops = loses_one || found.len() - before == target.names.order.len();
    found[before..].iter_mut().for_each(|obstacle| obstacle.stops = stops);
    let Some(connection) = preparing.connection.filter(|_| is_name(&target.secret)) else {
        return found;
    };
    let reader = Api::new(connection.clone(), Permits::none());
    match secret::Target::read(&reader, &target.secret).await {
        Err(error) => found.push(about(chain(&error), error.hint(), Exit::Cluster)),
        Ok(present) => {
            if let Err(refusal) = may_be_written(&present, &store_options(preparing.settings)) {
                found.push(about(refusal.to_string(), refusal.hint(), Exit::Write));
            }
        }
    }
    found
}

/// The CA's rate limits, by what its account is known to have ordered; each order counts for those after it.
async fn of_limits(preparing: &Preparing<'_>, store: &Store, seen: Vec<Past>) -> Vec<Obstacle> {
    let chosen = &preparing.settings.chosen;
    let Some(known) = &chosen.ca_limits else {
        return Vec::new();
    };
    if preparing.settings.certificate.ignore_rate_limits {
        return Vec::new();
    }
    let now = super::now();
    let account = store.load(&chosen.ca.directory).await.ok().flatten();
    let ledger = match account.and_then(|kept| kept.account.url) {
        Some(url) => Ledger::open(ledger::Place::beside(store), &url, now).await,
        None => Ledger::open(ledger::Place::Nowhere, "", now).await,
    };
    let mut past = limits::joined(ledger.past(), &seen);
    let mut found = Vec::new();
    for target in preparing.targets {
        // The CA may not count it: the order says so when it is made.
        let held = target.held.as_ref();
        let exempt = held.is_some_and(|held| ledger.issued(&held.sha256.to_string()));
        match limits::exceeded(known, &past, &target.names.order, exempt, now) {
            Some(exceeded) => {
                let error = CourseError::Limit {
                    issuer: chosen.ca.name.clone(),
                    exceeded,
                };
                found.push(Obstacle {
                    secret: Some(target.secret.clone()),
                    stops: true,
                    what: error.to_string(),
                    hint: error.hint(),
                    exit: error.exit(),
                });
            }
            None if exempt => {}
            None => past.extend([What::Ordered, What::Issued].map(|what| Past {
                at: now,
                names: target.names.order.clone(),
                what,
                sha256: None,
            })),
        }
    }
    found
}

/// The rights of an order in earnest. A server that does not say them says them when it is asked to write.
async fn of_rights(preparing: &Preparing<'_>, prepared: &Prepared) -> Option<Obstacle> {
    let connection = preparing.connection?;
    let permits = preparing.permits(prepared, false).ok()?;
    let reviewer = Api::new(connection.clone(), permits.clone());
    let missing = rights::missing(&reviewer, &permits).await.ok()?;
    if missing.is_none() {
        return None;
    }
    Some(Obstacle {
        secret: None,
        stops: true,
        what: missing.to_string(),
        hint: rights_hint(&missing),
        exit: Exit::Cluster,
    })
}
