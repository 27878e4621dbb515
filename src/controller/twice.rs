//! At most two certificates a day for the same names of a Secret: where somebody else writes the Secret too, each would be
//! replaced, and ordered again, until the CA refuses.
//!
//! What this process stored is counted, and the certificate that was there when the Secret was first looked at. After a restart,
//! what was remembered of a Secret is counted in place of that ([`Twice::restore`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    apply::mark::short_hash,
    name::Name,
    object::{Key, Seconds, Text},
    text::time::DAY,
};

/// How many there may be.
const MOST: usize = crate::plan::target::ENOUGH;

/// What stands for a set of names: the same for the same names, in whatever order, and short enough to be stored.
pub fn set_of(names: &[Name]) -> Text {
    let mut all: Vec<String> = names.iter().map(ToString::to_string).collect();
    all.sort_unstable();
    short_hash(&all.join(" ")).into()
}

/// When certificates were issued, by Secret and set of names, in the order in which they were.
#[derive(Debug, Default)]
pub struct Twice {
    of: BTreeMap<(Key, Text), Vec<Seconds>>,
    looked: BTreeSet<Arc<Key>>,
    /// Those of which all is known that was stored before this process began.
    restored: BTreeSet<(Key, Text)>,
}

impl Twice {
    /// Takes note of a certificate that this process stored.
    pub fn stored(&mut self, secret: &Key, set: Text, now: Seconds) {
        self.of.retain(|_, at| at.last().is_some_and(|at| now - at < DAY));
        let kept = &self.of;
        self.restored.retain(|of| kept.contains_key(of));
        self.add((secret.clone(), set), now);
    }

    /// Takes note that a Secret was looked at. Returns whether that was the first time.
    pub fn look(&mut self, secret: &Arc<Key>) -> bool {
        !self.looked.contains(secret) && self.looked.insert(Arc::clone(secret))
    }

    /// Takes note of the certificate that is there when a Secret is first looked at. What comes later is counted as it is stored:
    /// its dates say nothing, because CAs backdate them.
    pub fn seen(&mut self, secret: &Arc<Key>, names: &[Name], not_before: Seconds, now: Seconds) {
        if !self.look(secret) || now.saturating_sub(not_before) >= DAY {
            return;
        }
        let of = (Key::clone(secret), set_of(names));
        if !self.restored.contains(&of) {
            self.add(of, not_before);
        }
    }

    fn add(&mut self, of: (Key, Text), at: Seconds) {
        let all = self.of.entry(of).or_default();
        all.push(at);
        all.sort_unstable();
        // Only the last count.
        all.drain(..all.len().saturating_sub(MOST));
    }

    /// When certificates for these names were issued within the last day, as far as that counts.
    pub fn issued(&self, secret: &Key, set: &Text, now: Seconds) -> Vec<Seconds> {
        let all = self.of.get(&(secret.clone(), set.clone())).into_iter().flatten();
        all.copied().filter(|at| now.saturating_sub(*at) < DAY).collect()
    }

    /// Takes over what was remembered before a restart. What is there is among it.
    pub fn restore(&mut self, secret: &Key, set: &Text, issued: &[Seconds], now: Seconds) {
        let of = (secret.clone(), set.clone());
        self.of.remove(&of);
        // A clock that was wrong must not count for ever.
        for at in issued.iter().filter(|at| **at <= now && now - **at < DAY) {
            self.add(of.clone(), *at);
        }
        self.restored.insert(of);
    }

    /// Until when there are enough, in seconds since 1970; `None` if another may be ordered. Certificates that usually stay
    /// for less than a day count for less: `within`, in seconds.
    pub fn until(&self, secret: &Key, set: &Text, within: Seconds, now: Seconds) -> Option<Seconds> {
        let all = self.of.get(&(secret.clone(), set.clone()))?;
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
        let (mut twice, secret, set) = (
            Twice::default(),
            key("shop", "shop-tls"),
            set_of(&names(&["a.example"])),
        );
        let t = 10 * DAY;
        twice.stored(&secret, set.clone(), t);
        assert_eq!(twice.until(&secret, &set, DAY, t + 1), None);
        twice.stored(&secret, set.clone(), t + 60);
        assert_eq!(twice.until(&secret, &set, DAY, t + 61), Some(t + DAY));
        assert_eq!(twice.until(&secret, &set, DAY, t + DAY), None);
        // Other names and other Secrets are others; what lives for minutes is renewed within them.
        assert_eq!(twice.until(&secret, &set_of(&names(&["b.example"])), DAY, t + 61), None);
        assert_eq!(twice.until(&key("shop", "other"), &set, DAY, t + 61), None);
        assert_eq!(twice.until(&secret, &set, 50, t + 61), None);
        twice.stored(&secret, set.clone(), t + DAY);
        assert_eq!(twice.until(&secret, &set, DAY, t + DAY + 1), Some(t + 60 + DAY));
    }

    #[test]
    fn what_was_there_before_counts_once_and_what_is_stored_now_is_not_counted_again() {
        let all = names(&["a.example"]);
        let (mut twice, secret, set) = (Twice::default(), Arc::new(key("shop", "shop-tls")), set_of(&all));
        let t = 10 * DAY;
        for _ in 0..3 {
            twice.seen(&secret, &all, t - 60, t);
        }
        assert_eq!(twice.until(&secret, &set, DAY, t), None);
        twice.stored(&secret, set.clone(), t + 5);
        twice.seen(&secret, &all, t + 4, t + 6);
        assert_eq!(twice.until(&secret, &set, DAY, t + 6), Some(t - 60 + DAY));
        twice.seen(&Arc::new(key("shop", "old")), &all, t - 2 * DAY, t);
        assert_eq!(twice.until(&key("shop", "old"), &set, DAY, t), None);
        // Of a CA that backdates by an hour, and whose certificate is seen before it is known to be stored.
        let new = Arc::new(key("shop", "new"));
        twice.look(&new);
        twice.seen(&new, &all, t - 3_600, t);
        twice.stored(&new, set.clone(), t + 5);
        assert_eq!(twice.until(&new, &set, DAY, t + 6), None, "one is one");
    }

    #[test]
    fn a_restart_counts_neither_less_nor_more() {
        let all = names(&["b.example", "a.example"]);
        let (secret, set) = (key("shop", "shop-tls"), set_of(&all));
        assert_eq!(set, set_of(&names(&["a.example", "b.example"])));
        let t = 10 * DAY;
        let mut before = Twice::default();
        before.stored(&secret, set.clone(), t);
        before.stored(&secret, set.clone(), t + 60);
        let issued = before.issued(&secret, &set, t + 61);
        let mut after = Twice::default();
        // The CA dates back: the present certificate is the second, and not a third.
        after.seen(&Arc::new(secret.clone()), &all, t - 3_540, t + 100);
        after.restore(&secret, &set, &issued, t + 100);
        after.seen(&Arc::new(secret.clone()), &all, t - 3_540, t + 101);
        assert_eq!(after.until(&secret, &set, DAY, t + 101), Some(t + DAY));
        assert_eq!(after.issued(&secret, &set, t + DAY), [t + 60]);
        // Nothing of the future.
        after.restore(&secret, &set, &[t + 9 * DAY, t + 8 * DAY], t + 101);
        assert_eq!(after.until(&secret, &set, DAY, t + 101), None);
    }
}
