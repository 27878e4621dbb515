//! At most two certificates a day for the same names of a Secret: where somebody else writes the Secret too, each would be
//! replaced, and ordered again, until the CA refuses.
//!
//! What this process stored is counted, and the certificate that was there when the Secret was first looked at. It is in memory alone: a
//! restart forgets the certificates that did not stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    name::Name,
    object::{Key, Seconds},
    text::time::DAY,
};

/// How many there may be.
const MOST: usize = 2;

/// When certificates were issued, by Secret and names, in the order in which they were.
#[derive(Debug, Default)]
pub struct Twice {
    of: BTreeMap<(Key, Vec<Name>), Vec<Seconds>>,
    looked: BTreeSet<Key>,
}

impl Twice {
    /// Takes note of a certificate that this process stored.
    pub fn stored(&mut self, secret: &Key, names: Vec<Name>, now: Seconds) {
        self.of.retain(|_, at| at.last().is_some_and(|at| now - at < DAY));
        self.add(secret, names, now);
    }

    /// Takes note that a Secret was looked at. Returns whether that was the first time.
    pub fn look(&mut self, secret: &Key) -> bool {
        !self.looked.contains(secret) && self.looked.insert(secret.clone())
    }

    /// Takes note of the certificate that is there when a Secret is first looked at. What comes later is counted as it is stored:
    /// its dates say nothing, because CAs backdate them.
    pub fn seen(&mut self, secret: &Key, mut names: Vec<Name>, not_before: Seconds, now: Seconds) {
        names.sort_unstable();
        if self.look(secret) && now.saturating_sub(not_before) < DAY {
            self.add(secret, names, not_before);
        }
    }

    fn add(&mut self, secret: &Key, names: Vec<Name>, at: Seconds) {
        let all = self.of.entry((secret.clone(), names)).or_default();
        all.push(at);
        all.sort_unstable();
        // Only the last count.
        all.drain(..all.len().saturating_sub(MOST));
    }

    /// Until when there are enough, in seconds since 1970; `None` if another may be ordered. Certificates that usually stay
    /// for less than a day count for less: `within`, in seconds.
    pub fn until(&self, secret: &Key, names: &[Name], within: Seconds, now: Seconds) -> Option<Seconds> {
        let all = self.of.get(&(secret.clone(), names.to_vec()))?;
        let first = all.first().filter(|_| all.len() >= MOST)?;
        let until = first.saturating_add(within);
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::key;

    fn names(of: &[&str]) -> Vec<Name> {
        of.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_third_waits_until_the_first_is_a_day_old() {
        let (mut twice, secret, set) = (Twice::default(), key("shop", "shop-tls"), names(&["a.example"]));
        let t = 10 * DAY;
        twice.stored(&secret, set.clone(), t);
        assert_eq!(twice.until(&secret, &set, DAY, t + 1), None);
        twice.stored(&secret, set.clone(), t + 60);
        assert_eq!(twice.until(&secret, &set, DAY, t + 61), Some(t + DAY));
        assert_eq!(twice.until(&secret, &set, DAY, t + DAY), None);
        // Other names and other Secrets are others; what lives for minutes is renewed within them.
        assert_eq!(twice.until(&secret, &names(&["b.example"]), DAY, t + 61), None);
        assert_eq!(twice.until(&key("shop", "other"), &set, DAY, t + 61), None);
        assert_eq!(twice.until(&secret, &set, 50, t + 61), None);
        twice.stored(&secret, set.clone(), t + DAY);
        assert_eq!(twice.until(&secret, &set, DAY, t + DAY + 1), Some(t + 60 + DAY));
    }

    #[test]
    fn what_was_there_before_counts_once_and_what_is_stored_now_is_not_counted_again() {
        let (mut twice, secret, set) = (Twice::default(), key("shop", "shop-tls"), names(&["a.example"]));
        let t = 10 * DAY;
        for _ in 0..3 {
            twice.seen(&secret, set.clone(), t - 60, t);
        }
        assert_eq!(twice.until(&secret, &set, DAY, t), None);
        twice.stored(&secret, set.clone(), t + 5);
        twice.seen(&secret, set.clone(), t + 4, t + 6);
        assert_eq!(twice.until(&secret, &set, DAY, t + 6), Some(t - 60 + DAY));
        twice.seen(&key("shop", "old"), set.clone(), t - 2 * DAY, t);
        assert_eq!(twice.until(&key("shop", "old"), &set, DAY, t), None);
        // Of a CA that backdates by an hour, and whose certificate is seen before it is known to be stored.
        let new = key("shop", "new");
        twice.look(&new);
        twice.seen(&new, set.clone(), t - 3_600, t);
        twice.stored(&new, set.clone(), t + 5);
        assert_eq!(twice.until(&new, &set, DAY, t + 6), None, "one is one");
    }
}
