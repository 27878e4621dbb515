//! What is done for tasks that cannot be ordered now: while it is asked whether their CA answers, while it is down, and while
//! others have the slots.

use super::{Queue, Run, Slot, TaskState, pauses};
use crate::object::{Key, Seconds, Text};

impl Queue {
    /// Takes nothing from an issuer until it is known whether its CA answers: see [`Self::answered`].
    pub fn ask(&mut self, issuer: &Text) {
        self.issuers.entry(issuer.clone()).or_default().is_asked = true;
    }

    /// Takes note of whether the CA of an issuer has answered. One that has not is down.
    pub fn answered(&mut self, issuer: &Text, answers: bool, now: Seconds) {
        let of = self.issuers.entry(issuer.clone()).or_default();
        of.is_asked = false;
        if answers {
            return;
        }
        match &mut of.incident {
            Some(incident) => incident.asked_in_vain(issuer, now),
            None => of.incident = Some(super::Incident::since(issuer, now)),
        }
    }

    /// Whether a task waits for nothing but a slot, of which there may be none, or its CA, which is down or is being asked.
    pub fn is_blocked(&self, key: &Key, now: Seconds, has_slot: bool) -> bool {
        let Some(entry) = self.entries.get(key).filter(|entry| entry.run.is_none()) else {
            return false;
        };
        let state = &entry.queued.state;
        let is_ready = *state == TaskState::Ready || state.until().is_some_and(|until| until <= now);
        let of = self.issuers.get(&entry.queued.task.issuer);
        let is_closed = of.is_some_and(|issuer| issuer.is_closed(now));
        !self.paused && is_ready && (!has_slot || is_closed)
    }

    /// Takes a task that is blocked, for what needs neither a slot nor the CA. Its result has to be reported.
    pub fn take_blocked(&mut self, key: &Key, now: Seconds) {
        self.displace(key);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.queued.state = TaskState::Running { since: now };
        entry.run = Some(Box::new(Run {
            namespace: entry.queued.task.namespace.clone(),
            issuer: entry.queued.task.issuer.clone(),
            slot: Slot::GivenBack,
            changed: false,
            removed: false,
        }));
        self.stored += 1;
    }

    /// Nothing was done for a task that was taken: it is ready, as it was.
    pub fn put_off(&mut self, key: &Key) {
        let Some(run) = self.end(key) else { return };
        self.settle(key, &run, |_| TaskState::Ready);
    }
}

impl super::Incident {
    pub(super) fn since(issuer: &Text, now: Seconds) -> Self {
        Self {
            since: now,
            until: now.saturating_add(pauses::after_probes(0, issuer)),
            probes: 0,
            probe: None,
        }
    }

    pub(super) fn asked_in_vain(&mut self, issuer: &Text, now: Seconds) {
        self.probes = self.probes.saturating_add(1);
        self.until = now.saturating_add(pauses::after_probes(self.probes, issuer));
    }
}
