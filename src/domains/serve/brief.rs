//! What is remembered for a short while: so many at most, and what came first goes first.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

#[derive(Debug)]
struct Noted<K, V> {
    all: HashMap<K, (Instant, V)>,
    /// In the order in which they end. One that was noted again or forgotten since is in it still.
    order: VecDeque<(Instant, K)>,
}

/// A memory that ends by itself.
#[derive(Debug)]
pub(super) struct Brief<K, V> {
    noted: Mutex<Noted<K, V>>,
    lasts: Duration,
    most: usize,
}

impl<K: Hash + Eq + Clone + Debug, V: Clone> Brief<K, V> {
    /// For so long, and at most so many.
    pub(super) fn new(lasts: Duration, most: usize) -> Self {
        let noted = Noted {
            all: HashMap::new(),
            order: VecDeque::new(),
        };
        Self {
            noted: Mutex::new(noted),
            lasts,
            most,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Noted<K, V>) -> T) -> T {
        act(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was noted of it.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let now = Instant::now();
        self.with(|noted| {
            noted
                .all
                .get(key)
                .filter(|(until, _)| *until > now)
                .map(|(_, value)| value.clone())
        })
    }

    /// Notes something.
    pub(super) fn note(&self, key: K, value: V) {
        let now = Instant::now();
        let until = now + self.lasts;
        self.with(|noted| {
            noted.all.insert(key.clone(), (until, value));
            noted.order.push_back((until, key));
            let is_over = |first: &(Instant, K)| first.0 <= now;
            while noted.order.len() > self.most || noted.order.front().is_some_and(is_over) {
                let Some((until, key)) = noted.order.pop_front() else {
                    break;
                };
                if noted.all.get(&key).is_some_and(|(at, _)| *at == until) {
                    noted.all.remove(&key);
                }
            }
        });
    }

    /// Forgets it.
    pub(super) fn forget(&self, key: &K) {
        self.with(|noted| noted.all.remove(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_remembered_and_the_first_ones_go() {
        let brief = Brief::new(Duration::from_mins(1), 100);
        (0..110).for_each(|n| brief.note(n, n));
        brief.note(100, 7);
        assert_eq!(
            [5, 20, 100, 200].map(|n| brief.get(&n)),
            [None, Some(20), Some(7), None]
        );
        brief.forget(&20);
        assert_eq!(brief.get(&20), None);
        let noted = brief.noted.lock().unwrap();
        assert!(noted.order.len() <= 100 && noted.all.len() <= 100);
    }

    #[test]
    fn what_is_over_is_no_longer_told() {
        let brief = Brief::new(Duration::ZERO, 100);
        brief.note(1, ());
        assert_eq!(brief.get(&1), None);
        brief.note(2, ());
        assert!(brief.noted.lock().unwrap().all.len() <= 1);
    }
}
