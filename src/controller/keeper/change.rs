//! At which issuer each certificate is ordered, where there is more than one ([`choice`]).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        choice::{self, Choice, Obstacle, Other},
        queue::{Queued, TaskKind, TaskState},
        twice::set_of,
    },
    Keeper, wanted,
};
use crate::{
    engine::preflight::change::Change,
    inventory::Inventory,
    name::Name,
    object::{Key, Seconds, Text},
    plan::{
        Target,
        ca::Issuers,
        wanted::{Asked, Wanted},
    },
    settings::preference,
    text::date_time,
};

/// What is known of changes.
#[derive(Debug, Default)]
pub struct Changes {
    /// The Secrets whose next certificate is ordered at another issuer than the first, and why.
    away: BTreeMap<Key, (Text, Text)>,
    /// The limits of issuers that Secrets wait for.
    limits: BTreeMap<Key, Vec<Limit>>,
    /// What was found out beforehand.
    checked: BTreeMap<Key, Checked>,
    /// What was not looked at yet, or was before its names changed.
    unchecked: BTreeSet<Key>,
    /// The Secrets of which it was said that no other issuer would do, although one is needed.
    stuck: BTreeSet<Key>,
    /// When time alone changes a choice, in seconds since 1970.
    next: Option<Seconds>,
}

/// A limit of an issuer.
#[derive(Debug, Clone)]
struct Limit {
    issuer: Text,
    until: Seconds,
    words: Text,
}

/// Whether other issuers would issue for a Secret.
#[derive(Debug, Clone)]
struct Checked {
    /// The names for which that was found out.
    set: Text,
    /// The issuers, the preferred one first, and why each would not.
    of: Vec<(Text, Option<Text>)>,
}

/// A Secret whose change is looked at beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToCheck {
    /// The Secret.
    pub secret: Key,
    /// The names that would be ordered.
    pub names: Vec<Name>,
    /// The issuers that it could change to, the preferred one first.
    pub others: Vec<Text>,
}

/// What is to be told of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The next certificate is ordered at this issuer, for this reason.
    To(Key, Text, Text),
    /// It would have to be ordered elsewhere, and no other issuer would do, for this reason.
    Stuck(Key, Text),
}

impl Keeper {
    /// Whether there is another issuer for anything.
    pub fn has_others(&self) -> bool {
        !self.keeping.others.is_empty()
    }

    /// The issuer at which a certificate is ordered next, or is being ordered.
    pub fn issuer_of(&self, secret: &Key) -> Text {
        self.queue
            .issuer_of(secret)
            .unwrap_or_else(|| self.keeping.issuer.clone())
    }

    /// When time alone changes a choice, in seconds since 1970.
    pub fn next_choice(&self) -> Option<Seconds> {
        self.changes.next
    }

    /// The issuer for the next task of a Secret.
    pub(super) fn next_issuer(&self, secret: &Key) -> Text {
        let away = self.changes.away.get(secret);
        away.map_or_else(|| self.keeping.issuer.clone(), |(issuer, _)| issuer.clone())
    }

    /// At which other issuer a certificate is ordered next, and why; `None` if it is the first.
    pub(super) fn away(&self, secret: &Key) -> Option<&(Text, Text)> {
        self.changes.away.get(secret)
    }

    /// Why no other issuer would do for a Secret; `None` if one would, or if that is not known.
    pub fn bound(&self, secret: &Key) -> Option<&Text> {
        let of = &self.changes.checked.get(secret)?.of;
        if of.iter().any(|(_, why)| why.is_none()) {
            return None;
        }
        of.first()?.1.as_ref()
    }

    /// The Secrets for which no other issuer would do, and why.
    pub fn bound_ones(&self) -> impl Iterator<Item = (&Key, &Text)> {
        let all = self.changes.checked.keys();
        all.filter_map(|secret| Some((secret, self.bound(secret)?)))
    }

    /// Has a Secret looked at, if its names are others than when it was.
    pub(super) fn note_names(&mut self, secret: &Key, names: &[Name]) {
        if !self.has_others() {
            return;
        }
        let is_same = |checked: &Checked| checked.set == set_of(names);
        if !self.changes.checked.get(secret).is_some_and(is_same) {
            self.changes.unchecked.insert(secret.clone());
        }
    }

    /// Forgets a Secret that is not wanted any more.
    pub(super) fn forget_change(&mut self, secret: &Key) {
        let changes = &mut self.changes;
        changes.away.remove(secret);
        changes.limits.remove(secret);
        changes.checked.remove(secret);
        changes.unchecked.remove(secret);
        changes.stuck.remove(secret);
    }

    /// Ends what was known about an order that is stored, or that waits for something else than an issuer.
    pub(super) fn forget_way(&mut self, secret: &Key) {
        self.changes.away.remove(secret);
        self.changes.limits.remove(secret);
        self.changes.stuck.remove(secret);
    }

    /// Has the next certificate of a Secret ordered at the first issuer, unless that is decided anew.
    pub(super) fn comes_back(&mut self, secret: &Key) {
        if self.has_others() {
            self.forget_way(secret);
            self.queue.next_at(secret, self.keeping.issuer.clone());
        }
    }

    /// Takes note of a limit of an issuer, which another might not have.
    pub(super) fn note_limit(&mut self, secret: &Key, issuer: Text, until: Seconds, limit: Text) {
        if !self.has_others() {
            return;
        }
        let all = self.changes.limits.entry(secret.clone()).or_default();
        all.retain(|of| of.issuer != issuer);
        all.push(Limit {
            issuer,
            until,
            words: limit,
        });
    }

    /// Whether there is something that was not looked at yet.
    pub fn has_unchecked(&self) -> bool {
        !self.changes.unchecked.is_empty()
    }

    /// What is to be looked at: all, or what was not yet.
    pub fn to_check(&mut self, inventory: &Inventory, all: bool) -> Vec<ToCheck> {
        let unchecked = std::mem::take(&mut self.changes.unchecked);
        let secrets: Vec<Key> = if all {
            self.queue
                .iter()
                .map(|queued| Key::clone(&queued.task.secret))
                .collect()
        } else {
            unchecked.into_iter().collect()
        };
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        let mut checks = Vec::new();
        for secret in secrets {
            let kept = wanted::wanted(inventory, &secret, &self.keeping.asked, &issuers);
            let Some(Wanted::Keep { target, .. }) = kept else {
                self.changes.checked.remove(&secret);
                continue;
            };
            let others = preference::others(&self.keeping.classes, &secret, &target.names.order);
            if others.is_empty() {
                // It stays at the first, whatever happens, because the settings say so.
                let set = set_of(&target.names.order);
                self.changes.checked.insert(secret, Checked { set, of: Vec::new() });
                continue;
            }
            let names = target.names.order;
            let may = |issuer: &&Text| self.permitted_at(inventory, &secret, issuer, &names, &issuers);
            let permitted: Vec<Text> = others.iter().filter(may).cloned().collect();
            if permitted.is_empty() {
                let why = |issuer: &Text| format!("{issuer}: policy.names does not permit it for all of these names");
                let of = others.iter().map(|issuer| (issuer.clone(), Some(why(issuer).into())));
                let (set, of) = (set_of(&names), of.collect());
                self.changes.checked.insert(secret, Checked { set, of });
                continue;
            }
            checks.push(ToCheck {
                secret,
                names,
                others: permitted,
            });
        }
        checks
    }

    /// Whether the names policy permits these names at another issuer, too.
    fn permitted_at(
        &self,
        inventory: &Inventory,
        secret: &Key,
        issuer: &Text,
        names: &[Name],
        issuers: &Issuers<'_>,
    ) -> bool {
        if inventory.policy().is_none() {
            return true;
        }
        let Some(terms) = self.keeping.other_terms.iter().find(|terms| terms.issuer == **issuer) else {
            return false;
        };
        let asked = Asked {
            terms: terms.clone(),
            ..self.keeping.asked.clone()
        };
        match wanted::wanted(inventory, secret, &asked, issuers) {
            Some(Wanted::Keep { target, .. }) => set_of(&target.names.order) == set_of(names),
            _ => false,
        }
    }

    /// Takes note of what was found out, for each of the issuers in their order. What could not be found out now is as it was, and
    /// speaks against nothing if it was never found out.
    pub fn checked(&mut self, of: &ToCheck, found: Vec<Change>) {
        if self.queue.get(&of.secret).is_none() {
            return;
        }
        let set = set_of(&of.names);
        let before = self.changes.checked.remove(&of.secret);
        let before = before.filter(|before| before.set == set).map(|before| before.of);
        let was = |issuer: &Text| {
            let of = before.iter().flatten().find(|(name, _)| name == issuer);
            of.and_then(|(_, why)| why.clone())
        };
        let judge = |(issuer, change): (&Text, Change)| {
            let why = match change {
                Change::Possible => None,
                Change::Refused(why) => Some(format!("{issuer}: {why}").as_str().into()),
                Change::Unknown(_) => was(issuer),
            };
            (issuer.clone(), why)
        };
        let of_issuers = of.others.iter().zip(found).map(judge).collect();
        let checked = Checked { set, of: of_issuers };
        self.changes.checked.insert(of.secret.clone(), checked);
    }

    /// A certificate to rehearse a change to an issuer with: one that could change, and that is not due before this moment, in
    /// seconds since 1970. `turn` says which of them.
    pub fn for_rehearsal(
        &self,
        inventory: &Inventory,
        issuer: &Text,
        turn: usize,
        quiet_until: Seconds,
    ) -> Option<Target> {
        let may = |queued: &&Queued| {
            let checked = self.changes.checked.get(&*queued.task.secret);
            matches!(queued.state, TaskState::Scheduled { at } if at > quiet_until)
                && checked.is_some_and(|checked| checked.of.iter().any(|(name, why)| name == issuer && why.is_none()))
        };
        let all: Vec<&Queued> = self.queue.iter().filter(may).collect();
        let queued = all.get(turn.checked_rem(all.len())?)?;
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        match wanted::wanted(inventory, &queued.task.secret, &self.keeping.asked, &issuers) {
            Some(Wanted::Keep { target, .. }) => Some(*target),
            _ => None,
        }
    }

    /// Decides anew at which issuer certificates are ordered that are due, where the first one does not answer or has a limit.
    /// Returns what is to be told.
    pub fn choose(&mut self, inventory: &Inventory, now: Seconds) -> Vec<Moved> {
        self.changes.next = None;
        if !self.has_others() {
            return Vec::new();
        }
        let down: BTreeMap<Text, Seconds> = self
            .queue
            .incidents()
            .map(|(issuer, incident)| (issuer.clone(), incident.since))
            .collect();
        let candidates: Vec<Queued> = if down.contains_key(&self.keeping.issuer) {
            self.queue
                .iter()
                .filter(|queued| is_open(queued, now))
                .cloned()
                .collect()
        } else {
            let some: BTreeSet<&Key> = self.changes.limits.keys().chain(self.changes.away.keys()).collect();
            let queued = some.into_iter().filter_map(|secret| self.queue.get(secret));
            queued.filter(|queued| is_open(queued, now)).cloned().collect()
        };
        let mut told = Vec::new();
        for queued in candidates {
            self.choose_one(inventory, &queued, &down, now, &mut told);
        }
        told
    }

    fn choose_one(
        &mut self,
        inventory: &Inventory,
        queued: &Queued,
        down: &BTreeMap<Text, Seconds>,
        now: Seconds,
        told: &mut Vec<Moved>,
    ) {
        let secret = &*queued.task.secret;
        let limits = self.changes.limits.get(secret).cloned().unwrap_or_default();
        if matches!(queued.state, TaskState::Limited { .. }) && limits.is_empty() {
            // Of failures, or a rule of ours: it would be the same elsewhere.
            return;
        }
        let obstacle = |issuer: &Text| {
            let limit = limits.iter().find(|limit| limit.issuer == *issuer && limit.until > now);
            match (down.get(issuer), limit) {
                (Some(since), _) => Obstacle::Down(*since),
                (None, Some(limit)) => Obstacle::Limited(limit.until),
                (None, None) => Obstacle::None,
            }
        };
        let Some(checked) = self.changes.checked.get(secret) else {
            return;
        };
        let others: Vec<Other> = checked
            .of
            .iter()
            .map(|(name, why)| Other {
                name: name.clone(),
                obstacle: obstacle(name),
                may: why.is_none(),
            })
            .collect();
        let first = obstacle(&self.keeping.issuer);
        let wanted = needs(inventory, queued);
        // What has no certificate because of a failure of its own comes late everywhere.
        let choice = if queued.is_failing() && wanted.life.is_none() {
            Choice::First(None)
        } else {
            choice::choose(&wanted, &first, &others, now)
        };
        let to = match choice {
            Choice::First(at) => {
                let next = self.changes.next;
                self.changes.next = next.into_iter().chain(at).min();
                None
            }
            Choice::NoOther => {
                if self.changes.stuck.insert(secret.clone())
                    && let Some(why) = self.bound(secret)
                {
                    told.push(Moved::Stuck(secret.clone(), why.clone()));
                }
                None
            }
            Choice::Other(at) => others.get(at).map(|other| other.name.clone()),
        };
        let issuer = to.clone().unwrap_or_else(|| self.keeping.issuer.clone());
        if queued.task.issuer == issuer {
            return;
        }
        let limit = limits.iter().find(|limit| limit.issuer == issuer && limit.until > now);
        let state = match limit {
            Some(limit) => TaskState::Limited {
                until: limit.until,
                limit: limit.words.clone(),
            },
            None => TaskState::Scheduled { at: queued.task.due_at },
        };
        let why = self.why(&first, &limits);
        match &to {
            Some(other) => {
                let away = (other.clone(), why.clone());
                self.changes.away.insert(secret.clone(), away);
            }
            None => drop(self.changes.away.remove(secret)),
        }
        self.queue.redirect(secret, issuer.clone(), state);
        told.push(Moved::To(secret.clone(), issuer, why));
    }

    fn why(&self, first: &Obstacle, limits: &[Limit]) -> Text {
        let name = &self.keeping.issuer;
        let why = match first {
            Obstacle::None => format!("{name} takes orders again"),
            Obstacle::Down(since) => format!("{name} has not answered since {}", date_time(*since)),
            Obstacle::Limited(until) => {
                let of_first = limits.iter().find(|limit| limit.issuer == *name);
                let limit = of_first.map_or("a limit", |limit| limit.words.as_str());
                format!("{name} permits it from {} on: {limit}", date_time(*until))
            }
        };
        why.as_str().into()
    }
}

/// Whether a task waits for nothing but its turn, its issuer, or a limit.
fn is_open(queued: &Queued, now: Seconds) -> bool {
    match &queued.state {
        TaskState::Ready | TaskState::Limited { .. } => true,
        TaskState::Scheduled { at } => *at <= now,
        _ => false,
    }
}

/// By when a certificate has to be there.
fn needs(inventory: &Inventory, queued: &Queued) -> choice::Wanted {
    let stored = inventory.secrets().get(&queued.task.secret);
    let leaf = stored.and_then(|stored| stored.leaf());
    match leaf.filter(|_| queued.task.kind == TaskKind::Renewal) {
        Some(leaf) => choice::Wanted::renewal(leaf.not_before, leaf.not_after),
        None => choice::Wanted {
            deadline: queued.task.deadline,
            life: None,
        },
    }
}
