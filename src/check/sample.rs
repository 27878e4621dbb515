//! Samples of lists in findings: the first few items and the number of the others. There is a finding for each host, so
//! that whole lists, which grow with the cluster, would take memory in proportion to the product of both.

use std::ops::Deref;

/// How many items a sample keeps: more than a message shows.
pub(super) const KEPT: usize = 8;

/// The first items of a list, which a [`Sample`] dereferences to, and the number of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<T> {
    first: Box<[T]>,
    more: usize,
}

impl<T> Sample<T> {
    /// Takes a sample of `all`, and calls `make` only for the items that it keeps.
    pub(super) fn of<U>(all: &[U], make: impl FnMut(&U) -> T) -> Self {
        let first: Box<[T]> = all.iter().take(KEPT).map(make).collect();
        let more = all.len() - first.len();
        Self { first, more }
    }

    /// How many items of the list are not in the sample.
    pub fn more(&self) -> usize {
        self.more
    }

    /// How many items the list has.
    pub fn count(&self) -> usize {
        self.first.len() + self.more
    }
}

impl<T> Deref for Sample<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.first
    }
}

impl<T> FromIterator<T> for Sample<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter();
        let first = items.by_ref().take(KEPT).collect();
        let more = items.count();
        Self { first, more }
    }
}

impl<T> From<Vec<T>> for Sample<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_counted() {
        for (all, first, more) in [
            (0, 0, 0),
            (1, 1, 0),
            (KEPT, KEPT, 0),
            (KEPT + 1, KEPT, 1),
            (5000, KEPT, 5000 - KEPT),
        ] {
            let sample: Sample<usize> = (0..all).collect();
            assert_eq!((sample.len(), sample.more(), sample.count()), (first, more, all));
            let numbers: Vec<usize> = (0..all).collect();
            assert_eq!(Sample::of(&numbers, |n| *n), sample);
        }
    }
}
