//! Which certificate is next: by deadline, fair between namespaces, and not before its time.
//!
//! Values in, values out: the caller says what time it is and how many slots are free, takes tasks with [`Queue::next`]
//! and reports what came of each. A task that is queued is a hint: whether the certificate is still wanted is judged again
//! when it is taken.
//!
//! - Within a namespace the earliest deadline is first; namespaces take turns, so that one with 1,000 names delays
//!   another's one by at most two turns. No namespace has all slots.
//! - Names that fail come back after 1, 10 and 100 minutes and then daily, and have at most a quarter of the slots.
//! - What is not there yet, a limit and a rule are no failures.
//! - A CA that is down stops the orders at its issuer, as one [`Incident`]: one task at a time asks whether it is back.

mod blocked;
mod lane;
mod moves;
mod pauses;
mod task;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use task::{Failure, Queued, Task, TaskKind, TaskState};

use crate::object::{Key, Seconds, Text};
use lane::Lane;

/// The part of the slots that one namespace does not get, and that names which fail get at most.
const PART: usize = 4;
/// How many others are taken from an issuer before one that has failed, while both are ready.
const OTHERS_FIRST: u32 = 3;

/// A CA that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Since when, in seconds since 1970.
    pub since: Seconds,
    /// When it is asked again, in seconds since 1970.
    pub until: Seconds,
    /// How many times it was asked in vain.
    pub probes: u32,
    /// The task that asks now.
    pub probe: Option<Key>,
}

/// The tasks of an issuer that are ready.
#[derive(Debug, Default)]
struct Issuer {
    fresh: Lane,
    failing: Lane,
    /// How many of the first were taken since one of the others.
    others: u32,
    incident: Option<Incident>,
    /// Whether its CA is being asked whether it answers.
    is_asked: bool,
}

impl Issuer {
    /// Whether no task waits for it.
    fn is_idle(&self) -> bool {
        self.fresh.is_empty() && self.failing.is_empty()
    }

    /// Whether nothing may be ordered there now.
    fn is_closed(&self, now: Seconds) -> bool {
        let is_down = |incident: &Incident| incident.probe.is_some() || now < incident.until;
        self.is_asked || self.incident.as_ref().is_some_and(is_down)
    }
}

/// What a task that was taken keeps from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Usual,
    /// One of those for names that fail.
    OfFailing,
    /// None: its certificate is stored.
    GivenBack,
}

/// What is known of a task that was taken, as it was then.
#[derive(Debug)]
struct Run {
    namespace: Text,
    issuer: Text,
    slot: Slot,
    /// Whether the task has been changed since.
    changed: bool,
    /// Whether it is no longer wanted.
    removed: bool,
}

#[derive(Debug)]
struct Entry {
    queued: Queued,
    run: Option<Box<Run>>,
}

/// Certificates that are wanted, in the order in which they are ordered. Each operation costs the logarithm of their
/// number.
#[derive(Debug, Default)]
pub struct Queue {
    /// Boxed, because a tree that is filled in order is half empty.
    entries: BTreeMap<Arc<Key>, Box<Entry>>,
    issuers: BTreeMap<Text, Issuer>,
    /// The tasks that have a moment before which nothing is done.
    later: BTreeSet<(Seconds, Arc<Key>)>,
    /// How many tasks of each namespace have a slot.
    slots: BTreeMap<Text, usize>,
    slots_in_all: usize,
    slots_of_failing: usize,
    /// How many tasks are running whose certificates are stored.
    stored: usize,
    /// The issuer that was served last.
    last: Text,
    paused: bool,
    /// How many entries and turns have been looked at.
    #[cfg(test)]
    work: usize,
}

impl Queue {
    /// Makes an empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task, or changes the one of its Secret. What a task waits for is not changed by that: [`Self::again`] does.
    pub fn upsert(&mut self, mut task: Task) {
        if let Some((key, _)) = self.entries.get_key_value(&*task.secret) {
            task.secret = Arc::clone(key);
        }
        let key = Arc::clone(&task.secret);
        let Some(entry) = self.entries.get_mut(&key) else {
            let queued = Queued::new(task);
            let entry = Box::new(Entry { queued, run: None });
            self.entries.insert(Arc::clone(&key), entry);
            self.place(&key);
            return;
        };
        if let Some(run) = &mut entry.run {
            run.changed |= run.removed || entry.queued.task != task;
            run.removed = false;
            entry.queued.task = task;
            return;
        }
        if entry.queued.task == task {
            return;
        }
        self.displace(&key);
        self.change(&key, |queued| {
            if matches!(queued.state, TaskState::Scheduled { .. } | TaskState::Ready) {
                queued.state = TaskState::Scheduled { at: task.due_at };
            }
            queued.task = task;
        });
        self.place(&key);
    }

    /// Removes the task of a Secret. One that is running is removed once its result is reported.
    pub fn remove(&mut self, key: &Key) {
        if let Some(run) = self.entries.get_mut(key).and_then(|entry| entry.run.as_mut()) {
            run.removed = true;
            return;
        }
        self.displace(key);
        self.entries.remove(key);
    }

    /// Tries a task again as soon as it is due, because what it waited for, failed of or was held by has changed. Its
    /// failures are forgotten.
    pub fn again(&mut self, key: &Key) {
        if self.entries.get(key).is_none_or(|entry| entry.run.is_some()) {
            return;
        }
        self.displace(key);
        self.change(key, Queued::begin_anew);
        self.place(key);
    }

    /// Puts a task where it stood before a restart: with so many failures since a moment, and in a state. A task that was
    /// running then is ready.
    pub fn restore(&mut self, key: &Key, failures: u32, since: Option<Seconds>, state: TaskState) {
        if self.entries.get(key).is_none_or(|entry| entry.run.is_some()) {
            return;
        }
        self.displace(key);
        self.change(key, |queued| {
            queued.failures = failures;
            queued.failing_since = since.filter(|_| failures > 0);
            queued.state = match state {
                TaskState::Running { .. } | TaskState::Ready => TaskState::Scheduled { at: queued.task.due_at },
                state => state,
            };
        });
        self.place(key);
    }

    /// Takes the task that is next at `now` with so many slots free; `None` if there is none. Its result has to be
    /// reported: until then it is not taken again.
    pub fn next(&mut self, now: Seconds, free_slots: usize) -> Option<Key> {
        if self.paused || free_slots == 0 {
            return None;
        }
        self.promote(now);
        let slots = self.slots_in_all.saturating_add(free_slots);
        let issuer = self.turn_of_issuers().into_iter().find_map(|name| {
            let key = self.take_from(&name, now, slots)?;
            Some((name, key))
        });
        let (issuer, key) = issuer?;
        self.last.clone_from(&issuer);
        self.begin(&key, issuer, now);
        Some(key)
    }

    /// When time alone makes something of what [`Self::next`] did not take: `None` if nothing will. Tasks that only wait
    /// for a slot are not counted.
    pub fn next_wake(&self) -> Option<Seconds> {
        if self.paused {
            return None;
        }
        let later = self.later.first().map(|(at, _)| *at);
        let probes = self.issuers.values().filter_map(|issuer| {
            let waits = !(issuer.fresh.is_empty() && issuer.failing.is_empty());
            let incident = issuer.incident.as_ref()?;
            (waits && incident.probe.is_none() && !issuer.is_asked).then_some(incident.until)
        });
        later.into_iter().chain(probes).min()
    }

    /// Whether a task waits for nothing but a slot, or for its CA to be back.
    pub fn has_ready(&self) -> bool {
        !self.paused
            && self
                .issuers
                .values()
                .any(|issuer| !(issuer.fresh.is_empty() && issuer.failing.is_empty()))
    }

    /// The certificate of a task is stored, and its CA is up: the slot is another's. The task runs on until its result is
    /// reported, because a proxy with a thousand routes takes its time to serve one more.
    pub fn stored(&mut self, key: &Key) {
        let Some(run) = self.entries.get_mut(key).and_then(|entry| entry.run.as_mut()) else {
            return;
        };
        if run.slot == Slot::GivenBack {
            return;
        }
        let slot = std::mem::replace(&mut run.slot, Slot::GivenBack);
        let (namespace, issuer) = (run.namespace.clone(), run.issuer.clone());
        self.stored += 1;
        self.give_back(&namespace, slot);
        self.is_up(&issuer);
    }

    /// The certificate is there. The task is gone unless it was changed meanwhile.
    pub fn done(&mut self, key: &Key) {
        if let Some(run) = self.end(key) {
            self.is_up(&run.issuer);
            self.is_over(key, &run);
        }
    }

    /// Nothing was ordered, because nothing is to be. The task is gone unless it was changed meanwhile.
    pub fn dropped(&mut self, key: &Key) {
        if let Some(run) = self.end(key) {
            self.is_over(key, &run);
        }
    }

    fn is_over(&mut self, key: &Key, run: &Run) {
        if run.removed || !run.changed {
            self.entries.remove(key);
            return;
        }
        self.change(key, Queued::begin_anew);
        self.place(key);
    }

    /// The task failed, and is tried again after a pause.
    pub fn failed(&mut self, key: &Key, now: Seconds, failure: Failure) {
        let Some(run) = self.end(key) else { return };
        if failure.ca_answered {
            self.is_up(&run.issuer);
        }
        self.settle(key, &run, |queued| {
            queued.failures = queued.failures.saturating_add(1);
            queued.failing_since.get_or_insert(now);
            let pause = pauses::after_failures(queued.failures, &queued.task.secret);
            TaskState::BackOff {
                until: now.saturating_add(pause),
                reason: failure.reason,
            }
        });
    }

    /// Something is not there yet, which is no failure: the task is looked at again at a moment of its own.
    pub fn waiting(&mut self, key: &Key, now: Seconds, until: Seconds, reason: Text) {
        let Some(run) = self.end(key) else { return };
        let until = later_than(now, until);
        self.settle(key, &run, |_| TaskState::Waiting { until, reason });
    }

    /// A limit of the CA permits the task from a moment on only, which is no failure.
    pub fn limited(&mut self, key: &Key, now: Seconds, until: Seconds, limit: Text) {
        let Some(run) = self.end(key) else { return };
        let until = later_than(now, until);
        self.settle(key, &run, |_| TaskState::Limited { until, limit });
    }

    /// A rule forbids the task until [`Self::again`].
    pub fn held(&mut self, key: &Key, rule: Text) {
        let Some(run) = self.end(key) else { return };
        self.settle(key, &run, |_| TaskState::Held { rule });
    }

    /// The CA of the task's issuer is down, which is no failure of the task: it keeps its place, and the issuer has an
    /// incident.
    pub fn ca_down(&mut self, key: &Key, now: Seconds) {
        let is_probe = self.incident_of(key).is_some_and(|it| it.probe.as_ref() == Some(key));
        let Some(run) = self.end(key) else { return };
        let issuer = self.issuers.entry(run.issuer.clone()).or_default();
        let incident = issuer.incident.get_or_insert_with(|| Incident::since(&run.issuer, now));
        if is_probe {
            incident.asked_in_vain(&run.issuer, now);
        }
        self.settle(key, &run, |_| TaskState::Ready);
    }

    /// Has a task that is not running ordered at this issuer, and puts it into a state.
    pub fn redirect(&mut self, key: &Key, issuer: Text, state: TaskState) {
        if self.entries.get(key).is_none_or(|entry| entry.run.is_some()) {
            return;
        }
        self.displace(key);
        self.change(key, |queued| {
            queued.task.issuer = issuer;
            queued.state = state;
        });
        self.place(key);
    }

    /// Has the next try of a task ordered at this issuer, whether the present one has ended or not.
    pub fn next_at(&mut self, key: &Key, issuer: Text) {
        match self.entries.get_mut(key) {
            Some(entry) if entry.run.is_some() => entry.queued.task.issuer = issuer,
            Some(entry) => {
                let state = entry.queued.state.clone();
                self.redirect(key, issuer, state);
            }
            None => {}
        }
    }

    /// The issuer at which a task is ordered, or is being ordered.
    pub fn issuer_of(&self, key: &Key) -> Option<Text> {
        let entry = self.entries.get(key)?;
        let run = entry.run.as_ref().map(|run| &run.issuer);
        Some(run.unwrap_or(&entry.queued.task.issuer).clone())
    }

    /// The issuers whose CA is to be asked whether it is back, because no task of theirs does.
    pub fn to_probe(&self, now: Seconds) -> impl Iterator<Item = &Text> {
        let unasked = self
            .issuers
            .iter()
            .filter(|(_, issuer)| issuer.is_idle() && !issuer.is_asked);
        unasked.filter_map(move |(name, issuer)| {
            let incident = issuer.incident.as_ref()?;
            (incident.probe.is_none() && incident.until <= now).then_some(name)
        })
    }

    /// When the next of them is to be asked, in seconds since 1970.
    pub fn next_probe(&self) -> Option<Seconds> {
        let idle = self
            .issuers
            .values()
            .filter(|issuer| issuer.is_idle() && !issuer.is_asked);
        let incidents = idle.filter_map(|issuer| issuer.incident.as_ref());
        incidents
            .filter(|incident| incident.probe.is_none())
            .map(|incident| incident.until)
            .min()
    }

    /// Takes note of whether a CA that was asked is back.
    pub fn probed(&mut self, issuer: &Text, is_back: bool, now: Seconds) {
        if is_back {
            self.is_up(issuer);
        } else if let Some(incident) = self.issuers.get_mut(issuer).and_then(|it| it.incident.as_mut()) {
            incident.asked_in_vain(issuer, now);
        }
    }

    /// Pauses everything, or goes on. What is running is not interrupted.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether everything is paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The task of a Secret, and where it stands.
    pub fn get(&self, key: &Key) -> Option<&Queued> {
        let entry = self.entries.get(key)?;
        let is_wanted = entry.run.as_ref().is_none_or(|run| !run.removed);
        is_wanted.then_some(&entry.queued)
    }

    /// Where the task of a Secret stands. What is paused or waits for its CA is [`TaskState::Ready`].
    pub fn state(&self, key: &Key) -> Option<&TaskState> {
        Some(&self.get(key)?.state)
    }

    /// All tasks, by their Secrets.
    pub fn iter(&self) -> impl Iterator<Item = &Queued> {
        let wanted = |entry: &&Entry| entry.run.as_ref().is_none_or(|run| !run.removed);
        let all = self.entries.values().map(|entry| &**entry);
        all.filter(wanted).map(|entry| &entry.queued)
    }

    /// How many tasks there are, those included that are no longer wanted and still run.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many tasks are running, those included that are no longer wanted.
    pub fn running(&self) -> usize {
        self.slots_in_all + self.stored
    }

    /// How many of them have a slot: all whose certificates are not stored yet.
    pub fn slots(&self) -> usize {
        self.slots_in_all
    }

    /// The CAs that are down, by the names of their issuers.
    pub fn incidents(&self) -> impl Iterator<Item = (&Text, &Incident)> {
        self.issuers
            .iter()
            .filter_map(|(name, issuer)| Some((name, issuer.incident.as_ref()?)))
    }
}

/// A moment that is not now, so that nobody looks again and again.
fn later_than(now: Seconds, until: Seconds) -> Seconds {
    until.max(now.saturating_add(1))
}

#[cfg(test)]
mod tests;
