//! Lists of names in findings: the first few, and how many there are. A finding is made for each host, so a list that grows with the
//! cluster would take the product of both.

use std::ops::Deref;

/// How many are kept: more than a message lists.
pub(super) const KEPT: usize = 8;

/// The first of a list, read as a slice, and how many more the list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<T> {
    first: Box<[T]>,
    more: usize,
}

impl<T> Sample<T> {
    /// Of a list of which only those that are kept are made.
    pub(super) fn of<U>(all: &[U], make: impl FnMut(&U) -> T) -> Self {
        let first: Box<[T]> = all.iter().take(KEPT).map(make).collect();
        let more = all.len() - first.len();
        Self { first, more }
    }

    /// How many of the list are not kept.
    pub fn more(&self) -> usize {
        self.more
    }

    /// How many the list has.
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
