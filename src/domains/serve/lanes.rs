//! A bounded queue that is fair between sources: each has a lane of its own, and they take turns. Pure.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// What waits, by whom it comes from.
#[derive(Debug)]
pub(super) struct Lanes<S, T> {
    by_source: HashMap<S, VecDeque<T>>,
    /// Whose turn it is, in order: each source that has something waiting, once.
    turns: VecDeque<S>,
    waiting: usize,
    most: usize,
}

impl<S: Hash + Eq + Clone, T> Lanes<S, T> {
    /// For at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            by_source: HashMap::new(),
            turns: VecDeque::new(),
            waiting: 0,
            most,
        }
    }

    /// Puts something at the end of a source's lane. If all places are taken, the longest lane loses its last one, unless that
    /// would only change who has too much: what finds no place is returned.
    pub(super) fn push(&mut self, source: &S, item: T) -> Option<T> {
        let mut lost = None;
        if self.waiting >= self.most {
            let own = self.by_source.get(source).map_or(0, VecDeque::len);
            let longest = self.by_source.iter_mut().max_by_key(|(_, lane)| lane.len());
            match longest {
                Some((_, lane)) if lane.len() > own + 1 => {
                    lost = lane.pop_back();
                    self.waiting -= 1;
                }
                _ => return Some(item),
            }
        }
        self.waiting += 1;
        if let Some(lane) = self.by_source.get_mut(source) {
            lane.push_back(item);
        } else {
            self.by_source.insert(source.clone(), VecDeque::from([item]));
            self.turns.push_back(source.clone());
        }
        lost
    }

    /// Takes the first of the source whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let source = self.turns.pop_front()?;
        let lane = self.by_source.get_mut(&source)?;
        let item = lane.pop_front();
        if lane.is_empty() {
            self.by_source.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        self.waiting -= usize::from(item.is_some());
        item
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_source_that_comes_with_one_is_next_however_many_another_has() {
        let mut lanes = Lanes::new(100);
        for n in 0..50 {
            assert_eq!(lanes.push(&'a', n), None);
        }
        assert_eq!(lanes.push(&'b', 1_000), None);
        let first: Vec<i32> = (0..3).filter_map(|_| lanes.pop()).collect();
        assert_eq!(first, [0, 1_000, 1]);
    }

    #[test]
    fn when_all_places_are_taken_whoever_has_most_loses_the_last() {
        let mut lanes = Lanes::new(4);
        for n in 0..4 {
            assert_eq!(lanes.push(&'a', n), None);
        }
        assert_eq!(lanes.push(&'a', 4), Some(4), "one's own place is no reason");
        assert_eq!(lanes.push(&'b', 10), Some(3));
        assert_eq!(lanes.push(&'b', 11), Some(2));
        assert_eq!(lanes.push(&'b', 12), Some(12), "both have the same now");
        let all: Vec<i32> = std::iter::from_fn(|| lanes.pop()).collect();
        assert_eq!(all, [0, 10, 1, 11]);
        assert!(lanes.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_without_being_returned_and_nothing_is_told_twice(
            steps in prop::collection::vec((any::<bool>(), 0_u8..5), 0..300),
            most in 1_usize..20,
        ) {
            let mut lanes = Lanes::new(most);
            let (mut inside, mut next) = (std::collections::BTreeSet::new(), 0);
            for (pushes, source) in steps {
                if pushes {
                    inside.insert(next);
                    if let Some(lost) = lanes.push(&source, next) {
                        prop_assert!(inside.remove(&lost));
                    }
                    next += 1;
                } else {
                    match lanes.pop() {
                        Some(item) => prop_assert!(inside.remove(&item)),
                        None => prop_assert!(inside.is_empty()),
                    }
                }
                prop_assert!(inside.len() <= most);
                prop_assert_eq!(lanes.is_empty(), inside.is_empty());
            }
        }
    }
}
