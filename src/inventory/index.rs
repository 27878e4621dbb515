//! Reverse indexes: from what a binding depends on to the bindings.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// One value without an allocation, or several. Nearly every host has one route, every Secret one binding.
#[derive(Debug, Clone)]
enum Few<T> {
    One(T),
    Many(Vec<T>),
}

/// From a key to the values that depend on it, in the order of their arrival.
#[derive(Debug, Clone)]
pub(super) struct Index<K, T> {
    map: HashMap<K, Few<T>>,
}

impl<K, T> Default for Index<K, T> {
    fn default() -> Self {
        Self { map: HashMap::new() }
    }
}

impl<K: Hash + Eq, T: Copy + Eq> Index<K, T> {
    /// The values under `key`; none is an empty slice.
    pub(super) fn get<Q>(&self, key: &Q) -> &[T]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.map.get(key) {
            None => &[],
            Some(Few::One(value)) => std::slice::from_ref(value),
            Some(Few::Many(values)) => values,
        }
    }

    /// Makes room for so many more keys.
    pub(super) fn reserve(&mut self, more: usize) {
        self.map.reserve(more);
    }

    /// Adds a value, unless it is there.
    pub(super) fn insert(&mut self, key: K, value: T) {
        match self.map.entry(key) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Few::One(value));
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Few::One(present) if *present == value => {}
                Few::One(present) => {
                    let present = *present;
                    entry.insert(Few::Many(vec![present, value]));
                }
                // A value is added by one owner, right after its last one: a repeat can only be the last.
                Few::Many(values) if values.last() == Some(&value) => {}
                Few::Many(values) => values.push(value),
            },
        }
    }

    /// Takes a value away.
    pub(super) fn remove<Q>(&mut self, key: &Q, value: T)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let empty = match self.map.get_mut(key) {
            None => false,
            Some(Few::One(present)) => *present == value,
            Some(Few::Many(values)) => {
                values.retain(|v| *v != value);
                values.is_empty()
            }
        };
        if empty {
            self.map.remove(key);
        }
    }

    /// Whether there is nothing.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All keys, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.map.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_their_arrival_and_go_one_by_one() {
        let mut index: Index<String, u32> = Index::default();
        for value in [7, 3, 3, 9] {
            index.insert("a".into(), value);
        }
        assert_eq!(index.get("a"), [7, 3, 9]);
        index.remove("a", 3);
        assert_eq!(index.get("a"), [7, 9]);
        index.remove("a", 7);
        index.remove("a", 9);
        index.remove("a", 9);
        assert!(index.get("a").is_empty() && index.is_empty());
    }
}
