//! Finds the leftovers, and sorts them by whether somebody still needs them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::Value;

use super::{Alive, Leftovers, Thing, Unfinished, is_ending};
use crate::{
    apply::{Api, ApiError, Permit, Permits, Purpose, Verb, mark, secret},
    engine::{
        journal::{self, Left},
        lease::{self, Life},
    },
    object::resource::{
        CONFIGMAP, ENDPOINTSLICE, HTTPROUTE, INGRESS, INGRESSROUTE, JOB, LEASE, POD, Resource, SECRET, SERVICE,
    },
    object::{Key, Seconds, Text},
};

/// The kinds of temporary objects that runs create, in the order of removal: routes first, so that none leads to an
/// object that is gone.
const KINDS: [Resource; 9] = [
    INGRESS,
    HTTPROUTE,
    INGRESSROUTE,
    JOB,
    POD,
    SERVICE,
    ENDPOINTSLICE,
    CONFIGMAP,
    SECRET,
];
/// The kinds among them that reveal a leftover solver. Whatever answers the challenges, an object of one of them
/// exists.
const ROUTED: [Resource; 4] = [INGRESS, HTTPROUTE, JOB, SERVICE];
/// How to treat a run whose Lease has ended by this machine's clock alone, or is still held.
pub enum Doubt<'a> {
    /// Observe whether the Lease is renewed. The function is told how many seconds that takes.
    Look(&'a (dyn Fn(Seconds) + Sync)),
    /// Assume that the run is alive.
    Spare,
    /// Treat the objects of every run as leftovers.
    Force,
}

/// Finds everything that runs have left in a namespace (`None`: in all namespaces).
pub async fn find(api: &Api, namespace: Option<&str>, doubt: &Doubt<'_>, now: Seconds) -> Leftovers {
    let mut found = Leftovers::default();
    let selector = mark::selector(None);
    let listed = join_all(KINDS.map(|kind| api.list(kind, namespace, Some(&selector)))).await;
    let mut leases = api.list(LEASE, namespace, Some(&selector)).await;
    if let (Doubt::Look(tell), Ok(leases)) = (doubt, &mut leases) {
        found.observed = observe(api, namespace, leases, *tell, now).await;
    }
    let force = matches!(doubt, Doubt::Force);
    let elsewhere = if force || namespace.is_none() {
        BTreeSet::new()
    } else {
        alive_elsewhere(api, listed.iter().flatten().flatten(), now).await
    };
    let Some(dead) = found.take_leases(leases, elsewhere, force, now) else {
        return found;
    };
    for (kind, objects) in KINDS.into_iter().zip(listed) {
        match objects {
            Ok(objects) => {
                for object in objects {
                    found.sort(kind, object, &dead, now);
                }
            }
            // The cluster does not have the kind.
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => found.unread.push(error),
        }
    }
    found
}

/// Finds what answered challenges of runs that are dead by now, in a namespace (`None`: in all), their journals of orders whose
/// certificate is stored, and Leases that have ended. A run of which that is not known for certain is taken to be alive. Kinds
/// that may not be listed, or that the cluster does not have, are left out. If there is nothing, that takes seven lists.
pub async fn find_answers(api: &Api, namespace: Option<&str>, now: Seconds) -> Leftovers {
    let mut found = Leftovers::default();
    let selector = mark::selector(Some(Purpose::Solver));
    let list = |kind| api.list(kind, namespace, Some(&selector));
    // As a rule there is nothing. What has no Service any more may still have its addresses.
    let of_orders = mark::selector(Some(Purpose::Journal));
    let (first, journals) = tokio::join!(
        join_all(ROUTED.into_iter().chain([ENDPOINTSLICE]).map(list)),
        api.list(SECRET, namespace, Some(&of_orders)),
    );
    let kinds: Vec<Resource> = if first.iter().flatten().flatten().next().is_some() {
        KINDS.into_iter().filter(|kind| *kind != SECRET).collect()
    } else {
        found
            .unread
            .extend(first.into_iter().filter_map(Result::err).filter(ApiError::is_passing));
        Vec::new()
    };
    let listed = join_all(kinds.iter().copied().map(list)).await;
    // After what was made: a run that has begun meanwhile has its Lease, and is taken to be alive. Who was killed while it waited
    // until a certificate is served leaves nothing else.
    let leases = api
        .list(LEASE, namespace, Some(&mark::selector(Some(Purpose::Lease))))
        .await;
    let elsewhere = if namespace.is_none() {
        BTreeSet::new()
    } else {
        alive_elsewhere(api, listed.iter().flatten().flatten(), now).await
    };
    let Some(dead) = found.take_leases(leases, elsewhere, false, now) else {
        return found;
    };
    for (kind, objects) in kinds.into_iter().zip(listed) {
        for object in objects.into_iter().flatten() {
            found.sort(kind, object, &dead, now);
        }
    }
    for object in journals.into_iter().flatten() {
        found.sort(SECRET, object, &dead, now);
    }
    found.keep_ended(api).await;
    found
}

/// The rights to list what a run with these permits creates. Without them nobody finds what the run leaves when it is
/// killed.
pub fn permits_to_find(made: &Permits) -> Permits {
    let is_kind = |resource: &Resource| KINDS.contains(resource) || *resource == LEASE;
    made.iter()
        .filter(|permit| permit.verbs.contains(&Verb::Create) && is_kind(&permit.resource))
        .map(|permit| Permit::any(&[Verb::List], permit.resource, permit.namespace.clone()))
        .collect()
}

/// Finds what killed runs have left in a namespace. If there is nothing, that takes only a few lists at once. The
/// orders of `own` Secrets and their Leases are left to the run that continues them.
pub async fn look(api: &Api, namespace: &str, own: &BTreeSet<Key>, now: Seconds) -> Option<Leftovers> {
    let selector = mark::selector(None);
    let solver = mark::selector(Some(Purpose::Solver));
    let list = |kind, selector| api.list(kind, Some(namespace), Some(selector));
    let (secrets, leases, solvers) = tokio::join!(
        list(SECRET, &selector),
        list(LEASE, &selector),
        // A run that could not clean up has given back its Lease nevertheless.
        join_all(ROUTED.map(|kind| list(kind, &solver))),
    );
    let (secrets, leases) = match (secrets, leases) {
        (Ok(secrets), Ok(leases)) => (secrets, leases),
        (Err(error), _) | (_, Err(error)) => {
            return Some(Leftovers {
                unread: vec![error],
                ..Leftovers::default()
            });
        }
    };
    let left = |secret: &Value| {
        let thing = Thing::of(SECRET, secret);
        let stays = match thing.purpose.as_str() {
            "kept" => true,
            "backup" => !thing.has_expired(now),
            _ => false,
        };
        !stays
    };
    let free = |lease: &Value| lease::judge(lease, now) == Life::Free;
    let no_solver = solvers.iter().flatten().flatten().all(is_ending);
    if !secrets.iter().any(left) && !leases.iter().any(free) && no_solver {
        return None;
    }
    let mut found = find(api, Some(namespace), &Doubt::Spare, now).await;
    let theirs = |thing: &Thing| thing.about.as_ref().is_none_or(|secret| !own.contains(secret));
    found.leases.retain(theirs);
    for journal in &mut found.journals {
        if !theirs(&journal.thing) {
            // The record may be the one that its order still needs. The run that continues the order removes it.
            journal
                .found
                .entry
                .left
                .retain(|left| matches!(left, Left::Change { .. }));
        }
    }
    found
        .journals
        .retain(|journal| theirs(&journal.thing) || !journal.found.entry.left.is_empty());
    Some(found)
}

/// The runs that are alive according to a Lease in another namespace: that of a Secret whose route, and so the solver,
/// is in this one.
async fn alive_elsewhere<'o>(api: &Api, objects: impl Iterator<Item = &'o Value>, now: Seconds) -> BTreeSet<Text> {
    let mut asked: BTreeMap<Key, Vec<Thing>> = BTreeMap::new();
    // The kind of the object does not matter here.
    for thing in objects.map(|object| Thing::of(LEASE, object)) {
        if let (Some(secret), None) = (&thing.made_for, &thing.about) {
            asked.entry(lease::key_of(secret)).or_default().push(thing);
        }
    }
    let mut alive = BTreeSet::new();
    for (key, things) in asked {
        match api.get(LEASE, &key).await {
            Ok(Some(lease)) if lease::judge(&lease, now) != Life::Free => {
                alive.extend(mark::run_of(&lease).map(Text::from));
            }
            Ok(_) => {}
            // If the Lease may not be read, objects that have not expired are spared.
            Err(_) => {
                let spared = things.into_iter().filter(|thing| !thing.has_expired(now));
                alive.extend(spared.filter_map(|thing| thing.run));
            }
        }
    }
    alive
}

/// Observes the Leases that have ended by this machine's clock until it is known whether they are renewed, and frees
/// those that are not. Returns the freed Leases with their versions.
async fn observe(
    api: &Api,
    namespace: Option<&str>,
    leases: &mut [Value],
    tell: &(dyn Fn(Seconds) + Sync),
    now: Seconds,
) -> BTreeMap<Key, String> {
    let mut observed = BTreeMap::new();
    let doubtful = |lease: &&mut Value| matches!(lease::judge(lease, now), Life::Doubtful(_));
    let Some(longest) = leases
        .iter_mut()
        .filter(doubtful)
        .map(|lease| lease::lasts(lease))
        .max()
    else {
        return observed;
    };
    tell(longest);
    tokio::time::sleep(Duration::from_secs(longest.unsigned_abs())).await;
    let selector = mark::selector(Some(Purpose::Lease));
    let Ok(later) = api.list(LEASE, namespace, Some(&selector)).await else {
        return observed;
    };
    for lease in leases.iter_mut().filter(doubtful) {
        let meta = &lease["metadata"];
        let (uid, version) = (&meta["uid"], &meta["resourceVersion"]);
        let changed = |other: &Value| {
            let meta = &other["metadata"];
            meta["uid"] == *uid && meta["resourceVersion"] != *version
        };
        if !later.iter().any(changed) {
            let version = version.as_str().unwrap_or_default().to_owned();
            observed.insert(Thing::of(LEASE, lease).key, version);
            lease["spec"]["renewTime"] = Value::Null;
        }
    }
    observed
}

impl Leftovers {
    /// Sorts the Leases into runs that are alive and Leases that nobody holds. Returns how to recognize dead runs;
    /// `None` if that cannot be known.
    pub(super) fn take_leases(
        &mut self,
        leases: Result<Vec<Value>, ApiError>,
        elsewhere: BTreeSet<Text>,
        force: bool,
        now: Seconds,
    ) -> Option<impl Fn(&Thing) -> bool + use<>> {
        let leases = match leases {
            Ok(leases) => leases,
            Err(error) => {
                self.unread.push(error);
                return None;
            }
        };
        let mut held = elsewhere;
        let mut free = Vec::new();
        for object in leases {
            let thing = Thing::of(LEASE, &object);
            match lease::judge(&object, now) {
                Life::Held(holder) | Life::Doubtful(holder) => {
                    held.extend(thing.run.clone());
                    self.alive.push(Alive {
                        run: thing.run.clone().unwrap_or_default(),
                        namespace: thing.key.namespace.clone(),
                        secret: thing.about.clone(),
                        holder: holder.who,
                        since: holder.since,
                    });
                    if force {
                        free.push((thing, is_ending(&object)));
                    }
                }
                Life::Free => free.push((thing, is_ending(&object))),
            }
        }
        let (ending, free): (Vec<_>, Vec<_>) = free.into_iter().partition(|(_, ending)| *ending);
        self.ending += ending.len();
        let free = free.into_iter().map(|(thing, _)| thing).collect();
        self.leases = free;
        Some(move |thing: &Thing| force || thing.run.as_ref().is_none_or(|run| !held.contains(run)))
    }

    pub(super) fn sort(&mut self, kind: Resource, object: Value, dead: &impl Fn(&Thing) -> bool, now: Seconds) {
        let thing = Thing::of(kind, &object);
        let (expired, ending) = (thing.has_expired(now), is_ending(&object));
        // The answers of all runs are in one ConfigMap.
        let shared = kind == CONFIGMAP && self.is_anyone_alive(&thing.key.namespace);
        match thing.purpose.as_str() {
            "journal" if kind == SECRET && dead(&thing) => {
                let found = journal::read(object);
                // Changes that the journal records still have to be undone.
                if ending && found.entry.left.is_empty() {
                    self.ending += 1;
                } else {
                    self.journals.push(Unfinished { thing, found });
                }
            }
            "solver" if kind != SECRET && dead(&thing) && !shared => self.add(thing, ending),
            "backup" if kind == SECRET && expired => self.add(thing, ending),
            _ => {}
        }
    }

    /// Keeps the journals of orders that nobody continues, because their certificate is stored: the run was killed before it could
    /// remove them. The others belong to the next run for their Secret.
    async fn keep_ended(&mut self, api: &Api) {
        let mut ended = Vec::new();
        for journal in std::mem::take(&mut self.journals) {
            let entry = &journal.found.entry;
            let (Some(secret), Some(order)) = (&journal.thing.about, &entry.order) else {
                continue;
            };
            if !entry.left.is_empty() {
                continue;
            }
            match api.get(SECRET, secret).await {
                Ok(Some(stored)) if stored["metadata"]["annotations"][secret::ORDER] == order.as_str() => {
                    ended.push(journal);
                }
                Ok(_) => {}
                Err(error) => self.unread.push(error),
            }
        }
        self.journals = ended;
    }

    fn add(&mut self, thing: Thing, ending: bool) {
        if ending {
            self.ending += 1;
        } else {
            self.things.push(thing);
        }
    }
}
