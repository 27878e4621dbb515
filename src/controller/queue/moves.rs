//! How tasks move between the calendar, the lanes and the slots.

use std::{ops::Bound, sync::Arc};

use super::{OTHERS_FIRST, PART, Queue, Queued, Run, Slot, TaskState};
use crate::object::{Key, Seconds, Text};

impl Queue {
    /// Makes ready what has its moment by now.
    pub(super) fn promote(&mut self, now: Seconds) {
        while let Some((at, _)) = self.later.first()
            && *at <= now
            && let Some((_, key)) = self.later.pop_first()
        {
            self.change(&key, |queued| queued.state = TaskState::Ready);
            self.place(&key);
        }
    }

    /// The issuers with tasks that are ready, those first that come after the last.
    pub(super) fn turn_of_issuers(&self) -> Vec<Text> {
        let after = (Bound::Excluded(self.last.clone()), Bound::Unbounded);
        let rest = (Bound::Unbounded, Bound::Included(self.last.clone()));
        let issuers = self.issuers.range(after).chain(self.issuers.range(rest));
        let ready = issuers.filter(|(_, issuer)| !(issuer.fresh.is_empty() && issuer.failing.is_empty()));
        ready.map(|(name, _)| name.clone()).collect()
    }

    /// Takes the next task of an issuer, unless its CA is down and it is not the time to ask whether it is back.
    pub(super) fn take_from(&mut self, name: &Text, now: Seconds, slots: usize) -> Option<Key> {
        let part = if slots < 2 { 0 } else { (slots / PART).max(1) };
        let (taken, taken_by_failing) = (&self.slots, self.slots_of_failing);
        let issuer = self.issuers.get_mut(name)?;
        if issuer.is_closed(now) {
            return None;
        }
        let mut looks = 0;
        let mut may = |namespace: &Text| {
            looks += 1;
            taken.get(namespace).is_none_or(|n| n.saturating_add(part) < slots)
        };
        let failing_may = taken_by_failing < part.max(1);
        let failing_first = failing_may && issuer.others >= OTHERS_FIRST;
        let mut key = None;
        if failing_first {
            key = issuer.failing.take(&mut may);
        }
        if key.is_some() {
            issuer.others = 0;
        } else {
            key = issuer.fresh.take(&mut may);
            issuer.others = issuer.others.saturating_add(u32::from(key.is_some()));
        }
        if key.is_none() && failing_may && !failing_first {
            key = issuer.failing.take(&mut may);
            issuer.others = 0;
        }
        if let (Some(incident), Some(key)) = (&mut issuer.incident, &key) {
            incident.probe = Some(key.clone());
        }
        #[cfg(test)]
        {
            self.work += looks;
        }
        key
    }

    /// Notes that a task was taken, which is in no lane any more.
    pub(super) fn begin(&mut self, key: &Key, issuer: Text, now: Seconds) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.queued.state = TaskState::Running { since: now };
        let run = Run {
            namespace: entry.queued.task.namespace.clone(),
            issuer,
            slot: if entry.queued.is_failing() {
                Slot::OfFailing
            } else {
                Slot::Usual
            },
            changed: false,
            removed: false,
        };
        self.slots_in_all += 1;
        self.slots_of_failing += usize::from(run.slot == Slot::OfFailing);
        *self.slots.entry(run.namespace.clone()).or_default() += 1;
        entry.run = Some(Box::new(run));
    }

    /// Notes that a task has ended; `None` if it was not running.
    pub(super) fn end(&mut self, key: &Key) -> Option<Run> {
        let run = self.entries.get_mut(key)?.run.take()?;
        if run.slot == Slot::GivenBack {
            self.stored -= 1;
        } else {
            self.give_back(&run.namespace, run.slot);
        }
        // Whatever came of it, another may ask now whether the CA is back.
        if let Some(incident) = self.issuers.get_mut(&run.issuer).and_then(|it| it.incident.as_mut())
            && incident.probe.as_ref() == Some(key)
        {
            incident.probe = None;
        }
        Some(*run)
    }

    /// Frees a slot.
    pub(super) fn give_back(&mut self, namespace: &Text, slot: Slot) {
        self.slots_in_all -= 1;
        self.slots_of_failing -= usize::from(slot == Slot::OfFailing);
        if let Some(count) = self.slots.get_mut(namespace) {
            *count -= 1;
            if *count == 0 {
                self.slots.remove(namespace);
            }
        }
    }

    /// Puts a task that has ended where it stands now, or drops it if it is no longer wanted.
    pub(super) fn settle(&mut self, key: &Key, run: &Run, state: impl FnOnce(&mut Queued) -> TaskState) {
        if run.removed {
            self.entries.remove(key);
            return;
        }
        self.change(key, |queued| queued.state = state(queued));
        self.place(key);
    }

    pub(super) fn is_up(&mut self, issuer: &Text) {
        if let Some(issuer) = self.issuers.get_mut(issuer) {
            issuer.incident = None;
        }
    }

    pub(super) fn incident_of(&self, key: &Key) -> Option<&super::Incident> {
        let run = self.entries.get(key)?.run.as_ref()?;
        self.issuers.get(&run.issuer)?.incident.as_ref()
    }

    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Queued)) {
        if let Some(entry) = self.entries.get_mut(key) {
            change(&mut entry.queued);
        }
    }

    /// Puts a task into the lane or the calendar that it belongs into by its state.
    pub(super) fn place(&mut self, key: &Key) {
        self.put(key, true);
    }

    /// Takes a task out of where it is by its state.
    pub(super) fn displace(&mut self, key: &Key) {
        self.put(key, false);
    }

    fn put(&mut self, key: &Key, into: bool) {
        #[cfg(test)]
        {
            self.work += 1;
        }
        let Some((shared, entry)) = self.entries.get_key_value(key) else {
            return;
        };
        let queued = &entry.queued;
        if let Some(at) = queued.state.until() {
            let place = (at, Arc::clone(shared));
            if into {
                self.later.insert(place);
            } else {
                self.later.remove(&place);
            }
        } else if queued.state == TaskState::Ready {
            let task = &queued.task;
            let issuer = self.issuers.entry(task.issuer.clone()).or_default();
            let lane = if queued.is_failing() {
                &mut issuer.failing
            } else {
                &mut issuer.fresh
            };
            if into {
                lane.add(&task.namespace, task.deadline, key.clone());
            } else {
                lane.remove(&task.namespace, task.deadline, key);
            }
        }
    }
}
