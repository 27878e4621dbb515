//! Obstacles to a production order, found before the user agrees to it: by a rehearsal, a dry run and the plan.

use std::{fmt, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream};

use super::{
    choose::{method_under, no_account, no_cluster, no_provider},
    counter::is_known,
    due::is_in_window,
    failure::TargetError,
    issue_target::orderable,
    ledger::Ledger,
    prepare::{self, Prepared, Preparing, is_name, store_options},
};
use crate::{
    acme::Acme,
    apply::{
        Api, Permits, rights,
        secret::{self, may_be_written},
    },
    error::{Blame, Diagnose, chain},
    event::Method,
    inventory::Inventory,
    name::Name,
    object::Key,
    plan::{
        Target,
        limits::{self, OrderKind, Seen, belongs_to},
        names::UNROUTED,
    },
    settings::{Settings, store::Store},
    solve::{
        Solve, SolveError,
        dns_persist01::DnsPersist01,
        dns01::{self, Dns01},
        http01::rights_hint,
    },
};

/// How many Secrets are read at once.
const AT_ONCE: usize = 16;
/// How long DNS may take to answer where a record belongs.
const PATIENCE: Duration = Duration::from_secs(5);

/// One reason for which a production order would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The Secret concerned; `None` if the reason concerns all of them.
    pub secret: Option<Key>,
    /// Whether it prevents the whole certificate. Otherwise a new name would be left out.
    pub stops: bool,
    /// The reason, in the words of the order.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// What the obstacle is put down to.
    pub blame: Blame,
}

impl fmt::Display for Obstacle {
    /// Writes `Secret shop/shop-tls: ...`, not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            // Most reasons name the Secret themselves.
            Some(secret) if !self.what.contains(&secret.to_string()) => write!(f, "Secret {secret}: {}", self.what),
            _ => f.write_str(&self.what),
        }
    }
}

/// The sources that may be asked.
pub struct Askable<'a> {
    /// Where accounts and their ledgers are kept.
    pub store: &'a Store,
    /// What the cluster's certificates reveal about the CA's rate limits.
    pub seen: Seen,
    /// The CA, if it may be asked.
    pub acme: Option<&'a Acme>,
    /// The solver for DNS-01; `None` without a provider.
    pub dns01: Option<&'a Dns01>,
}

/// All known obstacles.
pub async fn obstacles(preparing: &Preparing<'_>, prepared: &Prepared, asked: Askable<'_>) -> Vec<Obstacle> {
    let records = standing(preparing, &asked).await;
    let by_dns = ByDns {
        dns01: asked.dns01,
        records: records.as_ref(),
    };
    let of_targets = stream::iter(preparing.targets)
        .map(|target| of_target(preparing, prepared, target, by_dns))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let (of_targets, of_limits, of_rights) =
        futures_util::future::join3(of_targets, of_limits(preparing, asked), of_rights(preparing, prepared)).await;
    let mut all: Vec<Obstacle> = of_rights.into_iter().collect();
    all.extend(of_targets.into_iter().flatten());
    all.extend(of_limits);
    all
}

/// The solvers that need no cluster.
#[derive(Clone, Copy)]
struct ByDns<'a> {
    dns01: Option<&'a Dns01>,
    /// Who looks for records that stay; `None` if nothing can be said of them.
    records: Option<&'a Result<DnsPersist01, SolveError>>,
}

/// Who looks for records that stay as the order would; the error if they cannot be there yet. `None` if the settings do
/// not use them, and for a rehearsal: the records for the production CA name another account, and are not its matter.
async fn standing(preparing: &Preparing<'_>, asked: &Askable<'_>) -> Option<Result<DnsPersist01, SolveError>> {
    let (settings, chosen) = (&preparing.settings.dns01, &preparing.settings.chosen);
    if chosen.rehearsal || !settings.uses_standing() {
        return None;
    }
    let kept = asked.store.load(&chosen.issuer.directory_url).await.ok()?;
    let Some(account) = kept.and_then(|kept| kept.account.url) else {
        return Some(Err(no_account(&chosen.issuer.name)));
    };
    let issuers = asked.acme.map(|acme| acme.directory().meta.caa_identities.clone());
    prepare::dns_persist01(settings, &account, &issuers.unwrap_or_default()).transpose()
}

/// Obstacles for one target: the Secret, its owner, and the challenge route of each host.
async fn of_target(
    preparing: &Preparing<'_>,
    prepared: &Prepared,
    target: &Target,
    by_dns: ByDns<'_>,
) -> Vec<Obstacle> {
    let about = |what: String, hint: Option<String>, blame: Blame| Obstacle {
        secret: Some(target.secret.clone()),
        stops: true,
        what,
        hint,
        blame,
    };
    let mut found = Vec::new();
    if let Err(error) = orderable(target, &preparing.settings.chosen.issuer) {
        found.push(about(chain(&error), error.hint(), error.blame()));
    }
    let before = found.len();
    let mut loses_one = false;
    let names = &target.names.order;
    let judged = join_all(names.iter().map(|name| of_name(preparing, prepared, name, by_dns))).await;
    for (name, error) in names.iter().zip(judged) {
        loses_one |= error.is_some() && target.names.present.contains(name);
        let unrouted = target.names.unrouted.contains(name).then(|| UNROUTED.to_owned());
        found.extend(error.map(|error| about(error.message, unrouted.or(error.hint), Blame::Acme)));
    }
    // New names that fail are left out, unless no name remains.
    let stops = loses_one || found.len() - before == target.names.order.len();
    found[before..].iter_mut().for_each(|obstacle| obstacle.stops = stops);
    let Some(connection) = preparing.connection.filter(|_| is_name(&target.secret)) else {
        return found;
    };
    let reader = Api::new(connection.clone(), Permits::none());
    match secret::Target::read(&reader, &target.secret).await {
        Err(error) => found.push(about(chain(&error), error.hint(), error.blame())),
        Ok(present) => {
            if let Err(refusal) = may_be_written(&present, &store_options(preparing.settings)) {
                found.push(about(refusal.to_string(), refusal.hint(), refusal.blame()));
            }
        }
    }
    found
}

/// Why the CA would refuse a name, whoever answers for it.
fn refused_by_ca(settings: &Settings, name: &Name) -> Option<SolveError> {
    let chosen = &settings.chosen;
    let (message, hint) = chosen.ca.refuses(name, chosen.issuer.profile.as_deref())?;
    Some(SolveError::new(format!("{name}: {message}")).hint(hint))
}

/// How a name of a target would be proved in a cluster, as far as settings and routes tell: no credential is read, and DNS is not asked.
///
/// # Errors
///
/// The CA refuses the name, no provider serves it, or nothing leads its challenge through the cluster.
pub fn method_of(
    settings: &Settings,
    inventory: &Inventory,
    target: &Target,
    name: &Name,
) -> Result<Method, SolveError> {
    if let Some(error) = refused_by_ca(settings, name) {
        return Err(error);
    }
    let method = method_under(&settings.dns01, name);
    match method {
        Method::Dns01 => {
            let domain = name.base().unwrap_or_default();
            // Where a route says so, a CNAME leads into the zone of a provider.
            let is_led = settings.dns01.led.contains_key(name) && !settings.dns01.providers.is_empty();
            let is_served =
                is_led || settings.dns01.only.is_some() || dns01::foreseen(&settings.dns01.providers, domain).is_some();
            is_served.then_some(method).ok_or_else(|| no_provider(name))
        }
        Method::Http01 => prepare::challenge_route(inventory, settings, target, name).map(|_| method),
        Method::DnsPersist01 => Ok(method),
    }
}

/// Why no solver could answer for a name. A DNS server that does not answer at once is not a reason, because the run
/// waits longer.
async fn of_name(preparing: &Preparing<'_>, prepared: &Prepared, name: &Name, by_dns: ByDns<'_>) -> Option<SolveError> {
    if let Some(error) = refused_by_ca(preparing.settings, name) {
        return Some(error);
    }
    let solver: &dyn Solve = match method_under(&preparing.settings.dns01, name) {
        Method::Dns01 => match by_dns.dns01 {
            Some(dns01) => dns01,
            None => return Some(no_provider(name)),
        },
        Method::DnsPersist01 => match by_dns.records? {
            Ok(records) => records,
            Err(error) => return Some(error.clone()),
        },
        Method::Http01 if preparing.connection.is_none() => return Some(no_cluster(name)),
        Method::Http01 => {
            let mut unplaced = prepared.unplaced();
            return unplaced
                .find(|(other, _)| *other == name)
                .map(|(_, error)| error.clone());
        }
    };
    let judged = tokio::time::timeout(PATIENCE, solver.can_answer(name)).await;
    judged.ok()?.err().map(|error| SolveError {
        message: format!("{name}: {}", error.message),
        ..error
    })
}

/// Obstacles by rate limits of the CA, according to the account's ledger. Each order counts for those after it.
async fn of_limits(preparing: &Preparing<'_>, asked: Askable<'_>) -> Vec<Obstacle> {
    let Askable {
        store, mut seen, acme, ..
    } = asked;
    let chosen = &preparing.settings.chosen;
    let Some(known) = &chosen.ca_limits else {
        return Vec::new();
    };
    if preparing.settings.certificate.ignore_rate_limits {
        return Vec::new();
    }
    let now = crate::clock::now();
    let account = store.load(&chosen.ca.directory).await.ok().flatten();
    let account = account.and_then(|kept| kept.account.url);
    let ledger = Ledger::of_account(store, account.as_deref(), Some(*known), now).await;
    let mut own = ledger.look(Clone::clone);
    let mut found = Vec::new();
    for target in preparing.targets {
        let is_ours = account
            .as_deref()
            .is_some_and(|url| is_of(preparing.inventory, target, url));
        let names = &target.names.order;
        let before = is_known(&seen, &ledger, names);
        let kind = |in_window| OrderKind::of(known, before, in_window);
        let judge = |in_window| limits::exceeded(known, &[&own, seen.buckets()], names, kind(in_window), now);
        // The CA does not count a renewal within its window. It is only asked if that makes a difference.
        let mut in_window = is_ours && is_in_window(None, preparing.inventory, target).await;
        if is_ours && !in_window && acme.is_some() && judge(false).is_some() {
            in_window = is_in_window(acme, preparing.inventory, target).await;
        }
        if let Some(exceeded) = judge(in_window) {
            let error = TargetError::Limit {
                issuer: chosen.ca.name.clone(),
                exceeded,
            };
            found.push(Obstacle {
                secret: Some(target.secret.clone()),
                stops: true,
                what: error.to_string(),
                hint: error.hint(),
                blame: error.blame(),
            });
        } else {
            let kind = kind(in_window);
            own.ordered(known, kind, now);
            own.issued(known, names, kind, now);
            seen.issued(known, names, kind, now);
        }
    }
    found
}

/// Whether the certificate of a target belongs to the account with this URL.
pub(super) fn is_of(inventory: &Inventory, target: &Target, account: &str) -> bool {
    let Some(stored) = inventory.secrets().get(&target.secret) else {
        return false;
    };
    let noted = |key: &str| stored.meta.annotation(key);
    stored
        .leaf()
        .is_some_and(|leaf| belongs_to(noted, &leaf.sha256, account))
}

/// The rights that a production order needs. If the server does not report them, the write will show.
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
        blame: Blame::Cluster,
    })
}
