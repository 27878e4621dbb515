//! What runs that were killed have left: found by its marks, and removed.
//!
//! A run is alive while any of its Leases is held. It takes one before it makes anything and gives the last one back when
//! nothing else is left, so what is of a run without Leases can go: objects are listed first, and Leases after them.

mod plan;
mod undo;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream};
use serde_json::Value;

pub use self::{
    plan::Plan,
    undo::{Trouble, Undone, record, undo},
};
use super::{
    journal::{self, Left},
    lease::{self, Lease, LeaseError, Life, Taking},
};
use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, RunId, Verb,
        mark::{self, EXPIRES, FOR, PURPOSE, RUN},
    },
    error::Diagnose,
    object::resource::{
        CONFIGMAP, ENDPOINTSLICE, HTTPROUTE, INGRESS, INGRESSROUTE, JOB, LEASE, POD, Resource, SECRET, SERVICE,
    },
    object::{Key, Seconds, Text},
    solve::dns01::Dns01,
    text::time::parse_time,
};

/// The kinds of which runs make temporary objects, in the order in which they are removed: routes first, so that nothing
/// leads to what is gone.
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
/// Those of them that tell of a solver that was left: one of them is there whatever answers.
const ROUTED: [Resource; 4] = [INGRESS, HTTPROUTE, JOB, SERVICE];
/// How many objects are removed at once.
const AT_ONCE: usize = 8;

/// A temporary object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its kind.
    pub resource: Resource,
    /// Its name.
    pub key: Key,
    /// What it is for, as its label says.
    pub purpose: Text,
    /// The run that made it.
    pub run: Option<Text>,
    /// The Secret of its namespace whose certificate it is for.
    pub about: Option<Key>,
    /// The same, whichever namespace it is of.
    made_for: Option<Key>,
    uid: String,
    expires: Option<Seconds>,
}

/// An order that was not finished.
#[derive(Debug)]
pub struct Unfinished {
    /// The Secret that keeps it.
    pub thing: Thing,
    /// What it says.
    pub found: journal::Found,
}

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// The run.
    pub run: Text,
    /// The namespace.
    pub namespace: Text,
    /// The Secret that it works on.
    pub secret: Option<Key>,
    /// Who.
    pub holder: String,
    /// Since when.
    pub since: Seconds,
}

/// What there is.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Orders that were not finished.
    pub journals: Vec<Unfinished>,
    /// What answered challenges, and what has expired.
    pub things: Vec<Thing>,
    /// Leases that nobody holds.
    pub leases: Vec<Thing>,
    /// Who is at work: what is theirs stays.
    pub alive: Vec<Alive>,
    /// How many of such objects are being deleted already: there is nothing to do about these.
    pub ending: usize,
    /// What could not be listed.
    pub unread: Vec<ApiError>,
    /// The Leases that were seen not to be renewed, with their versions.
    observed: BTreeMap<Key, String>,
}

/// What counts as left by a run whose Lease ended by this machine's clock alone, or is still held.
pub enum Doubt<'a> {
    /// It is seen whether the Lease is renewed; how many seconds that takes is told.
    Look(&'a (dyn Fn(Seconds) + Sync)),
    /// The run is taken to be alive.
    Spare,
    /// What any run has made is left.
    Force,
}

/// Reads what all runs have left in a namespace (in all for `None`).
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
            // A kind that the cluster does not have.
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => found.unread.push(error),
        }
    }
    found
}

/// The lists that [`find`] needs of what a run with these permits makes: without them nobody finds what it leaves when it is killed.
pub fn permits_to_find(made: &Permits) -> Permits {
    let is_kind = |resource: &Resource| KINDS.contains(resource) || *resource == LEASE;
    made.iter()
        .filter(|permit| permit.verbs.contains(&Verb::Create) && is_kind(&permit.resource))
        .map(|permit| Permit::any(&[Verb::List], permit.resource, permit.namespace.clone()))
        .collect()
}

/// What runs that were killed have left in a namespace, where there may be something: asked with a few lists at once when
/// there is nothing. The orders of `own` Secrets, and their Leases, are left to those that go on with them.
pub async fn look(api: &Api, namespace: &str, own: &BTreeSet<Key>, now: Seconds) -> Option<Leftovers> {
    let selector = mark::selector(None);
    let solver = mark::selector(Some(Purpose::Solver));
    let list = |kind, selector| api.list(kind, Some(namespace), Some(selector));
    let (secrets, leases, solvers) = tokio::join!(
        list(SECRET, &selector),
        list(LEASE, &selector),
        // A run that could not clean up has given its Lease back all the same.
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
        thing.purpose != Purpose::Backup.as_str() || thing.has_expired(now)
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
            // The record may be the very one that its order still needs: whoever goes on with it removes it.
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

/// The runs that are alive by a Lease in another namespace: that of a Secret whose route, and so what answers for it, is here.
async fn alive_elsewhere<'o>(api: &Api, objects: impl Iterator<Item = &'o Value>, now: Seconds) -> BTreeSet<Text> {
    let mut asked: BTreeMap<Key, Vec<Thing>> = BTreeMap::new();
    // What kind it is does not matter here.
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
            // Where it may not be read, what has not expired is spared.
            Err(_) => {
                let spared = things.into_iter().filter(|thing| !thing.has_expired(now));
                alive.extend(spared.filter_map(|thing| thing.run));
            }
        }
    }
    alive
}

/// Looks at the Leases that ended by this machine's clock until it is known whether they are renewed, and frees those that are
/// not. Returns these, with their versions.
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
    /// Takes the Lease of a Secret, which may have been looked at long enough already.
    async fn take(&self, api: &Api, secret: &Key, run: &RunId) -> Result<Lease, LeaseError> {
        let taking = Taking {
            observed: self.observed.get(&lease::key_of(secret)).map(String::as_str),
            ..Taking::default()
        };
        Lease::take_with(api, secret, run, &taking).await
    }

    /// Who is alive, and which Leases nobody holds. Returns how to tell the dead; `None` when that cannot be known.
    fn take_leases(
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

    fn sort(&mut self, kind: Resource, object: Value, dead: &impl Fn(&Thing) -> bool, now: Seconds) {
        let thing = Thing::of(kind, &object);
        let (expired, ending) = (thing.has_expired(now), is_ending(&object));
        // Answers of all runs are in one ConfigMap.
        let shared = kind == CONFIGMAP && self.is_anyone_alive(&thing.key.namespace);
        match thing.purpose.as_str() {
            "journal" if kind == SECRET && dead(&thing) => {
                let found = journal::read(object);
                // What is noted in it stays to be undone.
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

    fn add(&mut self, thing: Thing, ending: bool) {
        if ending {
            self.ending += 1;
        } else {
            self.things.push(thing);
        }
    }

    fn is_anyone_alive(&self, namespace: &str) -> bool {
        self.alive.iter().any(|alive| alive.namespace == namespace)
    }

    /// Leaves orders with records that an operator writes by hand: nobody has asked to be asked.
    pub fn leave_manual(&mut self) {
        let by_hand = |left: &Left| matches!(left, Left::Record(written) if written.provider == undo::MANUAL);
        self.journals
            .retain(|journal| !journal.found.entry.left.iter().any(by_hand));
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.journals.is_empty() && self.things.is_empty() && self.leases.is_empty()
    }

    /// How many objects and records would go.
    pub fn count(&self) -> usize {
        let left: usize = self.journals.iter().map(|journal| journal.found.entry.left.len()).sum();
        left + self.journals.len() + self.things.len() + self.leases.len()
    }

    /// What is written: for the rights, and against everything else.
    pub fn permits(&self) -> Permits {
        let mut permits = Permits::none();
        let delete = |thing: &Thing| {
            Permit::one(
                &[Verb::Delete],
                thing.resource,
                thing.key.namespace.clone(),
                thing.key.name.clone(),
            )
        };
        for thing in self.things.iter().chain(&self.leases) {
            permits.add(delete(thing));
        }
        for journal in &self.journals {
            permits.add(delete(&journal.thing));
            permits.extend(undo::permits(&journal.found.entry.left));
            // Nobody begins with a Secret whose order is being put away.
            permits.extend(journal.thing.about.as_ref().map_or_else(Permits::none, lease::permits));
        }
        permits
    }

    /// Removes it: what was changed and written for orders first, then what answered challenges, then the orders and the
    /// Leases. `own` orders stay, without the changes that were undone. What cannot be removed is in the result, and what it is
    /// noted in stays.
    pub async fn remove(&self, api: &Api, dns: Option<&Dns01>, run: &RunId, own: &BTreeSet<Key>) -> Removed {
        let mut removed = Removed::default();
        let mut put_away = Vec::new();
        for journal in &self.journals {
            let own = journal.thing.about.as_ref().is_some_and(|secret| own.contains(secret));
            // One that is alive is only here by force.
            let forced = self.alive.iter().any(|alive| alive.secret == journal.thing.about);
            let lease = match &journal.thing.about {
                Some(secret) if !forced => match self.take(api, secret, run).await {
                    Ok(lease) => Some(lease),
                    Err(error) => {
                        removed.trouble.push(Trouble {
                            hint: error.hint(),
                            text: crate::error::chain(&error),
                        });
                        continue;
                    }
                },
                _ => None,
            };
            let undone = self.undo(api, dns, &journal.found.entry.left).await;
            removed.count += undone.count;
            let clean = undone.trouble.is_empty();
            removed.trouble.extend(undone.trouble);
            put_away.push((journal, lease, clean && !own));
        }
        removed.delete(api, &self.things).await;
        let ended: Vec<Thing> = put_away
            .iter()
            .filter(|(_, _, ended)| *ended)
            .map(|(journal, ..)| journal.thing.clone())
            .collect();
        removed.delete(api, &ended).await;
        let mut taken = BTreeSet::new();
        for (_, lease, _) in put_away {
            let Some(lease) = lease else { continue };
            taken.insert(lease.key().clone());
            match lease.release().await {
                Ok(()) => removed.count += 1,
                Err(error) => removed.failed(&error),
            }
        }
        let untaken = self.leases.iter().filter(|lease| !taken.contains(&lease.key));
        self.give_back(&mut removed, api, run, untaken).await;
        removed
    }

    /// Leases are taken over before they are removed: between the look and now, a run may have begun with one.
    async fn give_back(&self, removed: &mut Removed, api: &Api, run: &RunId, leases: impl Iterator<Item = &Thing>) {
        for thing in leases {
            let secret = thing
                .about
                .as_ref()
                .filter(|secret| lease::name(secret) == thing.key.name);
            let forced = self.alive.iter().any(|alive| alive.secret == thing.about);
            let Some(secret) = secret.filter(|_| !forced) else {
                removed.delete(api, std::slice::from_ref(thing)).await;
                continue;
            };
            let Ok(lease) = self.take(&api.with_permits(lease::permits(secret)), secret, run).await else {
                continue;
            };
            match lease.release().await {
                Ok(()) => removed.count += 1,
                Err(error) => removed.failed(&error),
            }
        }
    }

    /// Whoever is alive may have answers in the same Ingress: it is left until then.
    async fn undo(&self, api: &Api, dns: Option<&Dns01>, left: &[Left]) -> Undone {
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for left in left {
            match self.waits(left) {
                Some(trouble) => later.push(trouble),
                None => now.push(left.clone()),
            }
        }
        let mut undone = undo(api, dns, &now).await;
        undone.trouble.extend(later);
        undone
    }

    /// Why a change has to stay for now.
    fn waits(&self, left: &Left) -> Option<Trouble> {
        match left {
            Left::Change { namespace, .. } if self.is_anyone_alive(namespace) => Some(Trouble {
                text: format!("{} stay: another run is in progress", undo::words(left)),
                hint: Some("try again when that run has ended".to_owned()),
            }),
            _ => None,
        }
    }
}

/// Whether the API server deletes it already, and only waits for something: a Pod's containers, a finalizer.
fn is_ending(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Removed {
    /// How many objects and records are gone.
    pub count: usize,
    /// What is left, and why.
    pub trouble: Vec<Trouble>,
}

impl Removed {
    async fn delete(&mut self, api: &Api, things: &[Thing]) {
        let mut results = stream::iter(things)
            .map(|thing| api.delete(thing.resource, &thing.key, Some(&thing.uid)))
            .buffered(AT_ONCE);
        while let Some(result) = results.next().await {
            match result {
                Ok(gone) => self.count += usize::from(gone),
                Err(error) => self.failed(&error),
            }
        }
    }

    fn failed(&mut self, error: &ApiError) {
        self.trouble.push(Trouble {
            text: crate::error::chain(error),
            hint: error.hint(),
        });
    }
}

impl Thing {
    fn of(resource: Resource, object: &Value) -> Self {
        let meta = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let about = meta["annotations"][FOR].as_str().and_then(|of| of.split_once('/'));
        let about = about.map(|(namespace, name)| Key::new(namespace, name));
        Self {
            resource,
            key: Key::new(text(&meta["namespace"]), text(&meta["name"])),
            purpose: text(&meta["labels"][PURPOSE]).into(),
            run: meta["labels"][RUN].as_str().map(Into::into),
            // Another namespace's Secret has its temporary objects there.
            about: about
                .clone()
                .filter(|key| Some(key.namespace.as_str()) == meta["namespace"].as_str()),
            made_for: about,
            uid: text(&meta["uid"]),
            expires: meta["annotations"][EXPIRES].as_str().and_then(parse_time),
        }
    }
}

impl Thing {
    fn has_expired(&self, now: Seconds) -> bool {
        self.expires.is_some_and(|at| at < now)
    }
}

impl std::fmt::Display for Thing {
    /// `Job shop/kubectl-certs-solver-abc (solver of run def, for Secret shop/shop-tls)`. Not cleared for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({}", self.resource.kind, self.key, self.purpose)?;
        if let Some(run) = &self.run {
            write!(f, " of run {run}")?;
        }
        if let Some(secret) = &self.about {
            write!(f, ", for Secret {secret}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
