//! Which copies are to be made or made current, and when what failed is tried again. Values in, values out.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    object::{
        Key, Seconds, Text,
        doing::{Doing, DoingState},
    },
    plan::copy::Copying,
};

/// How many are under way at once.
const AT_ONCE: usize = 8;
/// After how many seconds what failed is tried again: the last counts for all further ones.
const PAUSES: [Seconds; 4] = [10, 60, 600, 3_600];

#[derive(Debug)]
struct One {
    source: Key,
    is_due: bool,
    is_running: bool,
    failures: u32,
    since: Option<Seconds>,
    until: Seconds,
    message: Text,
}

/// The copies for which routes ask.
#[derive(Debug, Default)]
pub struct Copies {
    of: BTreeMap<Key, One>,
}

impl Copies {
    /// Takes note of what is to be done for a copy.
    pub fn set(&mut self, secret: &Key, source: &Key, copying: &Copying) {
        let is_due = *copying == Copying::Write;
        match self.of.get_mut(secret) {
            Some(one) if one.source == *source => {
                one.is_due = is_due;
                if !is_due {
                    (one.failures, one.since, one.until) = (0, None, 0);
                }
            }
            _ => drop(self.of.insert(
                secret.clone(),
                One {
                    source: source.clone(),
                    is_due,
                    is_running: false,
                    failures: 0,
                    since: None,
                    until: 0,
                    message: Text::default(),
                },
            )),
        }
    }

    /// Forgets a Secret that is no copy any more.
    pub fn forget(&mut self, secret: &Key) {
        self.of.remove(secret);
    }

    /// The copies of these Secrets.
    pub fn of_sources(&self, sources: &BTreeSet<Key>) -> Vec<Key> {
        let of = self.of.iter().filter(|(_, one)| sources.contains(&one.source));
        of.map(|(secret, _)| secret.clone()).collect()
    }

    /// Takes those that are to be written now: each Secret with its source.
    pub fn take(&mut self, now: Seconds) -> Vec<(Key, Key)> {
        let free = AT_ONCE.saturating_sub(self.running());
        let due = self
            .of
            .iter_mut()
            .filter(|(_, one)| one.is_due && !one.is_running && one.until <= now);
        let taken = due.take(free).map(|(secret, one)| {
            one.is_running = true;
            (secret.clone(), one.source.clone())
        });
        taken.collect()
    }

    /// How many are under way.
    pub fn running(&self) -> usize {
        self.of.values().filter(|one| one.is_running).count()
    }

    /// Takes note that one was written, or was current.
    pub fn done(&mut self, secret: &Key) {
        if let Some(one) = self.of.get_mut(secret) {
            (one.is_running, one.is_due, one.failures, one.since, one.until) = (false, false, 0, None, 0);
        }
    }

    /// Takes note that one failed. What is passing counts for nothing, and is tried again within seconds.
    pub fn failed(&mut self, secret: &Key, message: &str, is_passing: bool, now: Seconds) {
        let Some(one) = self.of.get_mut(secret) else { return };
        one.is_running = false;
        if is_passing {
            one.until = now.saturating_add(5);
            return;
        }
        let at = usize::try_from(one.failures)
            .unwrap_or(PAUSES.len())
            .min(PAUSES.len() - 1);
        one.until = now.saturating_add(PAUSES[at]);
        one.failures = one.failures.saturating_add(1);
        one.since = one.since.or(Some(now));
        one.message = message.into();
    }

    /// When there may be something to do although nothing changes.
    pub fn next_wake(&self) -> Option<Seconds> {
        let due = self.of.values().filter(|one| one.is_due && !one.is_running);
        due.map(|one| one.until).min()
    }

    /// What there is to say of those that fail.
    pub fn doings(&self) -> impl Iterator<Item = Doing> {
        let failing = self.of.iter().filter(|(_, one)| one.failures > 0);
        failing.map(|(secret, one)| Doing {
            state: DoingState::BackOff,
            reason: "copy".into(),
            message: one.message.clone(),
            since: one.since,
            until: Some(one.until),
            failures: one.failures,
            ..Doing::of(secret.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_taken_once_and_what_fails_is_tried_again_more_and_more_seldom() {
        let (secret, source) = (Key::new("shop", "a"), Key::new("infra", "a"));
        let mut copies = Copies::default();
        copies.set(&secret, &source, &Copying::Current);
        assert!(copies.take(0).is_empty() && copies.next_wake().is_none());
        copies.set(&secret, &source, &Copying::Write);
        assert_eq!(copies.take(0), [(secret.clone(), source.clone())]);
        assert!(copies.take(0).is_empty(), "it is under way");
        copies.failed(&secret, "refused", false, 0);
        assert_eq!(copies.next_wake(), Some(10));
        let said: Vec<Doing> = copies.doings().collect();
        assert_eq!((said[0].state, said[0].failures), (DoingState::BackOff, 1));
        assert_eq!(copies.take(10).len(), 1);
        copies.failed(&secret, "refused", false, 10);
        assert_eq!(copies.next_wake(), Some(70));
        copies.take(70);
        copies.failed(&secret, "busy", true, 70);
        assert_eq!(copies.next_wake(), Some(75), "another run is no failure");
        copies.take(75);
        copies.done(&secret);
        assert_eq!((copies.running(), copies.doings().count()), (0, 0));
        // Its source is renewed.
        copies.set(&secret, &source, &Copying::Write);
        assert_eq!(
            copies.of_sources(&BTreeSet::from([source])),
            std::slice::from_ref(&secret)
        );
        assert_eq!(copies.take(75).len(), 1);
        copies.forget(&secret);
        assert!(copies.next_wake().is_none());
    }
}
