//! Reverse indexes: from what a binding or a Secret has to those that have it.
//!
//! No key is stored: the first value under a key has it, and is asked for it. Values are numbers, so an entry takes 17 bytes.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

/// No value or one without an allocation, or several. Nearly every host has one route, every Secret one binding.
#[derive(Debug, Clone, Default)]
pub(super) enum Few<T> {
    /// None.
    #[default]
    None,
    /// One.
    One(T),
    /// Several. Boxed, so that one costs 16 bytes.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<T>>),
}

impl<T: Copy + Eq> Few<T> {
    /// All of them, in the order of their arrival.
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Adds a value, unless it is there.
    pub(super) fn insert(&mut self, value: T) {
        match self {
            Self::None => *self = Self::One(value),
            Self::One(present) if *present == value => {}
            Self::One(present) => *self = Self::Many(Box::new(vec![*present, value])),
            // A value is added by one owner, right after its last one: a repeat can only be the last.
            Self::Many(values) if values.last() == Some(&value) => {}
            Self::Many(values) => values.push(value),
        }
    }

    /// Takes a value away.
    pub(super) fn remove(&mut self, value: T) {
        match self {
            Self::One(present) if *present == value => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(values) => values.retain(|v| *v != value),
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut values: Vec<T>) -> Self {
        match (values.pop(), values.is_empty()) {
            (None, _) => Self::None,
            (Some(value), true) => Self::One(value),
            (Some(value), false) => {
                values.push(value);
                Self::Many(Box::new(values))
            }
        }
    }
}

/// From a key to the values that have it, in the order of their arrival.
///
/// Every method is given `key_of`, which says the key of a value that is in the index: a value must be taken out before
/// what it stands for is dropped or changed.
#[derive(Debug)]
pub(super) struct Index<T> {
    table: HashTable<Few<T>>,
    hashes: DefaultHashBuilder,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            hashes: DefaultHashBuilder::default(),
        }
    }
}

impl<T: Copy + Eq> Index<T> {
    /// The values under `key`; none is an empty slice.
    pub(super) fn get<'k, K>(&self, key: &K, key_of: impl Fn(T) -> Option<&'k K>) -> &[T]
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let found = self.table.find(self.hashes.hash_one(key), has(key, &key_of));
        found.map_or(&[], Few::as_slice)
    }

    /// Makes room for so many more keys.
    pub(super) fn reserve<'k, K>(&mut self, more: usize, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        self.table.reserve(more, hash_of(&self.hashes, &key_of));
    }

    /// Adds a value, unless it is there.
    pub(super) fn insert<'k, K>(&mut self, key: &K, value: T, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        match self
            .table
            .entry(hash, has(key, &key_of), hash_of(&self.hashes, &key_of))
        {
            Entry::Occupied(entry) => entry.into_mut().insert(value),
            Entry::Vacant(entry) => drop(entry.insert(Few::One(value))),
        }
    }

    /// Puts values under a key that has none.
    pub(super) fn put<'k, K>(&mut self, key: &K, values: Vec<T>, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        if !values.is_empty() {
            let hash = self.hashes.hash_one(key);
            self.table
                .insert_unique(hash, values.into(), hash_of(&self.hashes, &key_of));
        }
    }

    /// Takes all values of a key away, and gives them.
    pub(super) fn take<'k, K>(&mut self, key: &K, key_of: impl Fn(T) -> Option<&'k K>) -> Few<T>
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        match self.table.find_entry(hash, has(key, &key_of)) {
            Ok(entry) => entry.remove().0,
            Err(_) => Few::None,
        }
    }

    /// Takes a value away.
    pub(super) fn remove<'k, K>(&mut self, key: &K, value: T, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        if let Ok(mut entry) = self.table.find_entry(hash, has(key, &key_of)) {
            entry.get_mut().remove(value);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    /// Whether there is nothing.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Whether values are those of `key`.
fn has<'k, T: Copy + Eq, K: Eq + ?Sized + 'k>(
    key: &K,
    key_of: &impl Fn(T) -> Option<&'k K>,
) -> impl Fn(&Few<T>) -> bool {
    move |few| few.as_slice().first().and_then(|first| key_of(*first)) == Some(key)
}

/// The hash of the key of values.
fn hash_of<'k, T: Copy + Eq, K: Hash + ?Sized + 'k>(
    hashes: &DefaultHashBuilder,
    key_of: &impl Fn(T) -> Option<&'k K>,
) -> impl Fn(&Few<T>) -> u64 {
    move |few| {
        let key = few.as_slice().first().and_then(|first| key_of(*first));
        key.map_or(0, |key| hashes.hash_one(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_their_arrival_and_go_one_by_one() {
        let mut index: Index<u32> = Index::default();
        let key_of = |value: u32| Some(if value == 5 { "b" } else { "a" });
        for value in [7, 3, 3, 9] {
            index.insert("a", value, key_of);
        }
        index.insert("b", 5, key_of);
        assert_eq!(index.get("a", key_of), [7, 3, 9]);
        index.remove("a", 7, key_of);
        assert_eq!(
            index.get("a", key_of),
            [3, 9],
            "the first one stands for the key no more"
        );
        index.remove("a", 3, key_of);
        index.remove("a", 9, key_of);
        index.remove("a", 9, key_of);
        assert!(index.get("a", key_of).is_empty());
        assert_eq!(index.take("b", key_of).as_slice(), [5]);
        assert!(index.is_empty());
    }

    #[test]
    fn keys_are_found_after_the_table_has_grown() {
        let keys: Vec<String> = (0..1000).map(|n| format!("k{}", n / 2)).collect();
        let key_of = |value: usize| keys.get(value).map(String::as_str);
        let mut index: Index<usize> = Index::default();
        for (value, key) in keys.iter().enumerate() {
            index.insert(key.as_str(), value, key_of);
        }
        assert_eq!(index.get("k499", key_of), [998, 999]);
        index.put("k1000", vec![], key_of);
        assert!(index.get("k1000", key_of).is_empty());
    }
}
