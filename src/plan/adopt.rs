//! Taking over certificates that others keep: who keeps each, what is changed for it, and what a person has to decide.
//!
//! A route asks for all of its Secrets by one annotation, a `CronJob` writes all of its Secrets or none. So what hangs together by them
//! goes over together (a [`Group`]), or stays.

mod account;
mod clock;
mod decision;
mod facts;
mod solver;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::{inventory::RouteKey, object::Key};

pub use account::{MayUse, users_of};
pub use clock::{mentioned, proves_by_dns, tool_of};
pub use decision::{About, Change, Decision};
pub use facts::{CertificateFacts, ClockFacts, Facts, Former, LegoFacts, RouteFacts, SecretFacts};
pub use solver::{kind_of, provider_of, remedy, solver_of};

/// What goes over together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The Secrets, sorted.
    pub secrets: Vec<Key>,
    /// Who keeps them.
    pub formers: BTreeSet<Former>,
    /// The routes that name them.
    pub routes: Vec<RouteKey>,
    /// The Certificates that write them.
    pub certificates: Vec<Key>,
    /// The `CronJob`s that write them.
    pub clocks: Vec<Key>,
    /// kube-lego's Deployments.
    pub legos: Vec<Key>,
    /// What has to be decided before.
    pub decisions: Vec<(About, Decision)>,
    /// The changes; none if something has to be decided.
    pub changes: Vec<Change>,
    /// What the user should know besides.
    pub notes: Vec<String>,
}

/// What goes over together, and what has to be decided, sorted. `from` are the keepers that were asked for; none is all.
/// With `force`, what other programs write again is taken over too.
pub fn groups(facts: &Facts, from: &[Former], force: bool) -> Vec<Group> {
    let index = Index::of(facts);
    let mut all: Vec<Group> = components(facts)
        .into_iter()
        .filter_map(|group| judged(&group, &index, from, force))
        .collect();
    all.extend(lost_clocks(facts, from));
    all.sort_by(|a, b| a.secrets.cmp(&b.secrets).then_with(|| a.clocks.cmp(&b.clocks)));
    all
}

/// What writes each Secret.
struct Index<'a> {
    facts: &'a Facts,
    certificates: BTreeMap<&'a Key, Vec<(&'a Key, &'a CertificateFacts)>>,
    clocks: BTreeMap<&'a Key, Vec<(&'a Key, &'a ClockFacts)>>,
}

impl<'a> Index<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut index = Self {
            facts,
            certificates: BTreeMap::new(),
            clocks: BTreeMap::new(),
        };
        for (key, certificate) in &facts.certificates {
            if let Some(secret) = &certificate.secret {
                index.certificates.entry(secret).or_default().push((key, certificate));
            }
        }
        for (key, clock) in &facts.clocks {
            for secret in &clock.secrets {
                index.clocks.entry(secret).or_default().push((key, clock));
            }
        }
        index
    }

    fn certificates(&self, secret: &Key) -> &[(&'a Key, &'a CertificateFacts)] {
        self.certificates.get(secret).map_or(&[], Vec::as_slice)
    }

    fn clocks(&self, secret: &Key) -> &[(&'a Key, &'a ClockFacts)] {
        self.clocks.get(secret).map_or(&[], Vec::as_slice)
    }
}

/// The Secrets that hang together by routes and `CronJob`s.
fn components(facts: &Facts) -> Vec<BTreeSet<Key>> {
    let mut of_route: BTreeMap<&RouteKey, BTreeSet<&Key>> = BTreeMap::new();
    for (secret, known) in &facts.secrets {
        for route in &known.routes {
            of_route.entry(route).or_default().insert(secret);
        }
    }
    let mut ties: Vec<BTreeSet<&Key>> = of_route.into_values().collect();
    ties.extend(facts.clocks.values().map(|clock| clock.secrets.iter().collect()));
    let mut neighbours: BTreeMap<&Key, BTreeSet<&Key>> = BTreeMap::new();
    for tie in &ties {
        // One of them is enough to tie the others together.
        let Some(first) = tie.first() else { continue };
        for other in tie {
            neighbours.entry(first).or_default().insert(other);
            neighbours.entry(other).or_default().insert(first);
        }
    }
    let mut seen: BTreeSet<&Key> = BTreeSet::new();
    let mut all = Vec::new();
    for start in facts.secrets.keys() {
        let mut left = vec![start];
        let mut group = BTreeSet::new();
        while let Some(secret) = left.pop() {
            if !seen.insert(secret) {
                continue;
            }
            group.insert(secret.clone());
            left.extend(neighbours.get(secret).into_iter().flatten());
        }
        if !group.is_empty() {
            all.push(group);
        }
    }
    all
}

/// `CronJob`s of which nobody knows what they write.
fn lost_clocks<'a>(facts: &'a Facts, from: &'a [Former]) -> impl Iterator<Item = Group> + 'a {
    let is_lost = |clock: &ClockFacts| clock.secrets.is_empty() && !clock.is_suspended;
    facts
        .clocks
        .iter()
        .filter(move |(_, clock)| is_lost(clock) && (from.is_empty() || from.contains(&clock.former)))
        .map(|(key, clock)| Group {
            formers: BTreeSet::from([clock.former]),
            clocks: vec![key.clone()],
            decisions: vec![(About::Clock(key.clone()), Decision::UnknownSecret)],
            ..Group::default()
        })
}

/// A group with what is to be done; `None` if nobody who was asked for keeps any of it.
fn judged(secrets: &BTreeSet<Key>, index: &Index<'_>, from: &[Former], force: bool) -> Option<Group> {
    let facts = index.facts;
    let mut group = Group {
        secrets: secrets.iter().cloned().collect(),
        ..Group::default()
    };
    let written: BTreeSet<&Key> = secrets
        .iter()
        .flat_map(|secret| index.certificates(secret).iter().map(|(key, _)| *key))
        .collect();
    group.certificates = written.into_iter().cloned().collect();
    let clocks: BTreeSet<&Key> = secrets
        .iter()
        .flat_map(|secret| index.clocks(secret).iter().map(|(key, _)| *key))
        .collect();
    group.clocks = clocks.into_iter().cloned().collect();
    let routes: BTreeSet<&RouteKey> = secrets
        .iter()
        .filter_map(|secret| facts.secrets.get(secret))
        .flat_map(|known| &known.routes)
        .collect();
    group.routes = routes.into_iter().cloned().collect();
    let mut of: BTreeMap<&Key, BTreeSet<Former>> = BTreeMap::new();
    for secret in secrets {
        let formers = formers_of(secret, index);
        if !formers.is_empty() {
            of.insert(secret, formers);
        }
    }
    group.formers = of.values().flatten().copied().collect();
    let is_asked = |former: &Former| from.is_empty() || from.contains(former);
    if !group.formers.iter().any(is_asked) {
        return None;
    }
    if group.formers.contains(&Former::KubeLego) {
        group.legos = legos_of(&group, facts);
    }
    for secret in &group.secrets {
        let formers = of.get(secret);
        let mut decisions = against(secret, index, &group);
        let others = formers.into_iter().flatten().filter(|former| !is_asked(former));
        decisions.extend(others.map(|former| Decision::OtherFormer(*former)));
        decisions.sort();
        decisions.dedup();
        decisions.retain(|decision| !(force && decision.yields_to_force()));
        let about = decisions
            .into_iter()
            .map(|decision| (About::Secret(secret.clone()), decision));
        group.decisions.extend(about);
    }
    group.notes = notes(&group, facts);
    if group.decisions.is_empty() {
        group.changes = changes(&group, facts);
    }
    // It is this installation's already.
    let is_done = group.decisions.is_empty() && group.changes.is_empty();
    (!is_done).then_some(group)
}

/// Who keeps a Secret.
fn formers_of(secret: &Key, index: &Index<'_>) -> BTreeSet<Former> {
    let facts = index.facts;
    let mut all = BTreeSet::new();
    let Some(known) = facts.secrets.get(secret) else {
        return all;
    };
    let is_written = !index.certificates(secret).is_empty();
    let routes = || known.routes.iter().filter_map(|route| facts.routes.get(route));
    let is_asked_for = routes().any(|route| !route.asks_cert_manager.is_empty());
    if is_written || is_asked_for || known.is_cert_managers {
        all.insert(Former::CertManager);
    }
    let clocks = index.clocks(secret).iter();
    let on = clocks.filter(|(_, clock)| !clock.is_suspended);
    all.extend(on.map(|(_, clock)| clock.former));
    let programs = known.against.iter().filter_map(|decision| match decision {
        Decision::Program(_, former) => Some(*former),
        _ => None,
    });
    all.extend(programs);
    // kube-lego leaves no mark but its annotation on routes.
    if all.is_empty() && !known.is_claimed && routes().any(|route| route.asks) {
        all.insert(Former::KubeLego);
    }
    all
}

/// kube-lego's Deployments that work for the namespaces of a group.
fn legos_of(group: &Group, facts: &Facts) -> Vec<Key> {
    let is_for = |lego: &&LegoFacts| {
        let mut namespaces = group.secrets.iter().map(|secret| secret.namespace.as_str());
        lego.watches
            .as_deref()
            .is_none_or(|watched| namespaces.any(|namespace| namespace == watched))
    };
    facts.legos.iter().filter(is_for).map(|lego| lego.key.clone()).collect()
}

/// What speaks against taking a Secret over.
fn against(secret: &Key, index: &Index<'_>, group: &Group) -> Vec<Decision> {
    let facts = index.facts;
    let Some(known) = facts.secrets.get(secret) else {
        return Vec::new();
    };
    let mut all = known.against.clone();
    if known.routes.is_empty() {
        all.push(Decision::NoRoute);
    }
    let written = index.certificates(secret);
    if written.len() > 1 {
        all.push(Decision::Several(
            written.iter().map(|(key, _)| (*key).clone()).collect(),
        ));
    }
    for (key, certificate) in written.iter().copied() {
        if certificate.is_issuing {
            all.push(Decision::Issuing(key.clone()));
        }
        if let Some(owner) = &certificate.owner {
            all.push(Decision::Rewritten(format!("Certificate {key}"), owner.clone()));
        }
    }
    for route in &known.routes {
        let Some(one) = facts.routes.get(route) else { continue };
        let is_changed = !one.asks_cert_manager.is_empty() || !one.asks;
        if let Some(owner) = one.owner.as_ref().filter(|_| is_changed) {
            all.push(Decision::Rewritten(route.to_string(), owner.clone()));
        }
    }
    let clocks = index.clocks(secret).iter().copied();
    let clocks: Vec<(&Key, &ClockFacts)> = clocks.filter(|(_, clock)| !clock.is_suspended).collect();
    if clocks.len() > 1 {
        all.push(Decision::SeveralClocks(
            clocks.iter().map(|(key, _)| (*key).clone()).collect(),
        ));
    }
    for (key, clock) in clocks {
        if clock.is_running {
            all.push(Decision::Runs(key.clone()));
        }
        if let Some(owner) = &clock.owner {
            all.push(Decision::Rewritten(format!("CronJob {key}"), owner.clone()));
        }
    }
    for lego in facts.legos.iter().filter(|lego| group.legos.contains(&lego.key)) {
        let is_looked_at = match &lego.watches {
            Some(watched) => facts.namespaces.is_empty() || facts.namespaces.contains(watched),
            None => facts.namespaces.is_empty(),
        };
        if !is_looked_at {
            all.push(Decision::LegoElsewhere(lego.key.clone()));
        }
        if let Some(owner) = &lego.owner {
            all.push(Decision::Rewritten(format!("Deployment {}", lego.key), owner.clone()));
        }
    }
    all
}

/// The changes, in an order that never leaves two keepers: the former one lets go, then this program takes it.
fn changes(group: &Group, facts: &Facts) -> Vec<Change> {
    let mut all = Vec::new();
    for key in &group.routes {
        let Some(route) = facts.routes.get(key) else { continue };
        all.extend(route.asks_cert_manager.iter().map(|(annotation, value)| Change::Unask {
            route: key.clone(),
            annotation: annotation.clone(),
            value: value.clone(),
        }));
    }
    let is_on = |key: &&Key| facts.clocks.get(*key).is_some_and(|clock| !clock.is_suspended);
    all.extend(group.clocks.iter().filter(is_on).cloned().map(Change::Suspend));
    let legos = facts.legos.iter().filter(|lego| group.legos.contains(&lego.key));
    all.extend(legos.map(|lego| Change::Stop {
        key: lego.key.clone(),
        replicas: lego.replicas,
    }));
    all.extend(group.certificates.iter().map(|key| {
        Change::Delete {
            key: key.clone(),
            issuer: facts
                .certificates
                .get(key)
                .map(|one| one.issuer.clone())
                .unwrap_or_default(),
        }
    }));
    let known = |secret: &Key| facts.secrets.get(secret).cloned().unwrap_or_default();
    for secret in &group.secrets {
        let marks = known(secret).marks;
        if !marks.is_empty() {
            all.push(Change::Unmark {
                secret: secret.clone(),
                marks,
            });
        }
    }
    let unclaimed = group.secrets.iter().filter(|secret| !known(secret).is_claimed);
    all.extend(unclaimed.cloned().map(Change::Claim));
    let silent = |key: &&RouteKey| facts.routes.get(*key).is_some_and(|route| !route.asks);
    all.extend(group.routes.iter().filter(silent).cloned().map(Change::Ask));
    all
}

fn notes(group: &Group, facts: &Facts) -> Vec<String> {
    let is_applied = |key: &&RouteKey| facts.routes.get(*key).is_some_and(|route| route.is_applied);
    let applied = group.routes.iter().filter(is_applied);
    applied
        .map(|route| format!("{route} was applied from a manifest that asks cert-manager: change the manifest too"))
        .collect()
}

#[cfg(test)]
mod tests;
