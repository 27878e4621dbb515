//! Reverse indexes: from a property of bindings or Secrets to those that have it.
//!
//! The keys are not stored: an index asks the first value under a key for it. Values are numbers, so that an entry
//! takes nine bytes.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// No value, one value in place, or several values on a [`Shelf`]. Nearly every host has one route, and nearly every
/// Secret one binding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Few<T> {
    /// No value.
    #[default]
    None,
    /// One value.
    One(T),
    /// Several values, by their place on the shelf.
    Many(u32),
}

/// The storage for lists of several values.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    places: Vec<Vec<T>>,
    free: Vec<u32>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T: Copy + Eq> Shelf<T> {
    /// All values in the order in which they were added.
    pub(super) fn values<'a>(&'a self, few: &'a Few<T>) -> &'a [T] {
        match few {
            Few::None => &[],
            Few::One(value) => std::slice::from_ref(value),
            Few::Many(place) => self.places.get(*place as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Stores a list of values in the smallest form.
    fn put(&mut self, values: Vec<T>) -> Few<T> {
        match values.as_slice() {
            [] => Few::None,
            [value] => Few::One(*value),
            _ => {
                if let Some(free) = self.free.pop() {
                    self.places[free as usize] = values;
                    return Few::Many(free);
                }
                self.places.push(values);
                Few::Many(u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX))
            }
        }
    }

    /// Removes the values from the shelf and returns them.
    fn take(&mut self, few: Few<T>) -> Vec<T> {
        match few {
            Few::None => Vec::new(),
            Few::One(value) => vec![value],
            Few::Many(place) => {
                self.free.push(place);
                self.places
                    .get_mut(place as usize)
                    .map(std::mem::take)
                    .unwrap_or_default()
            }
        }
    }

    /// Adds a value unless it is the last one already.
    pub(super) fn insert(&mut self, few: &mut Few<T>, value: T) {
        match few {
            Few::None => *few = Few::One(value),
            Few::One(present) if *present == value => {}
            Few::One(present) => *few = self.put(vec![*present, value]),
            Few::Many(place) => {
                if let Some(values) = self.places.get_mut(*place as usize)
                    // One owner adds a value several times in a row, so that a repetition can only equal the last
                    // value.
                    && values.last() != Some(&value)
                {
                    values.push(value);
                }
            }
        }
    }

    /// Removes a value. Returns whether none is left.
    pub(super) fn remove(&mut self, few: &mut Few<T>, value: T) -> bool {
        match few {
            Few::One(present) if *present == value => *few = Few::None,
            Few::None | Few::One(_) => {}
            Few::Many(place) => {
                let values = self.places.get_mut(*place as usize);
                let left = values.map_or(0, |values| {
                    values.retain(|v| *v != value);
                    values.len()
                });
                if left < 2 {
                    let left = self.take(*few);
                    *few = self.put(left);
                }
            }
        }
        matches!(few, Few::None)
    }
}

/// Maps a key to the values that have it, in the order in which they were added.
///
/// Every method takes `key_of`, which returns the key of a value that is in the index. For this reason a value must be
/// removed before the object that it stands for is dropped or changed.
#[derive(Debug)]
pub(super) struct Index<T> {
    table: HashTable<Few<T>>,
    shelf: Shelf<T>,
    hashes: DefaultHashBuilder,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            shelf: Shelf::default(),
            hashes: DefaultHashBuilder::default(),
        }
    }
}

impl<T: Copy + Eq> Index<T> {
    /// The values under `key`; an empty slice if there are none.
    pub(super) fn get<'k, K>(&self, key: &K, key_of: impl Fn(T) -> Option<&'k K>) -> &[T]
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        let found = self.table.find(hash, has(&self.shelf, key, &key_of));
        found.map_or(&[], |few| self.shelf.values(few))
    }

    /// Reserves room for this many more keys.
    pub(super) fn reserve<'k, K>(&mut self, more: usize, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash_of = hash_of(&self.shelf, &self.hashes, &key_of);
        self.table.reserve(more, hash_of);
    }

    /// Adds a value unless it is there.
    pub(super) fn insert<'k, K>(&mut self, key: &K, value: T, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        if let Some(few) = self.table.find_mut(hash, has(&self.shelf, key, &key_of)) {
            self.shelf.insert(few, value);
            return;
        }
        let hash_of = hash_of(&self.shelf, &self.hashes, &key_of);
        self.table.insert_unique(hash, Few::One(value), hash_of);
    }

    /// Sets the values of a key that has none.
    pub(super) fn put<'k, K>(&mut self, key: &K, values: Vec<T>, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        if values.is_empty() {
            return;
        }
        let hash = self.hashes.hash_one(key);
        let few = self.shelf.put(values);
        let hash_of = hash_of(&self.shelf, &self.hashes, &key_of);
        self.table.insert_unique(hash, few, hash_of);
    }

    /// Removes all values of a key, and returns them.
    pub(super) fn take<'k, K>(&mut self, key: &K, key_of: impl Fn(T) -> Option<&'k K>) -> Vec<T>
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        match self.table.find_entry(hash, has(&self.shelf, key, &key_of)) {
            Ok(entry) => self.shelf.take(entry.remove().0),
            Err(_) => Vec::new(),
        }
    }

    /// Removes a value from a key.
    pub(super) fn remove<'k, K>(&mut self, key: &K, value: T, key_of: impl Fn(T) -> Option<&'k K>)
    where
        K: Hash + Eq + ?Sized + 'k,
    {
        let hash = self.hashes.hash_one(key);
        let found = self.table.find_entry(hash, has(&self.shelf, key, &key_of));
        if let Ok(mut entry) = found
            && self.shelf.remove(entry.get_mut(), value)
        {
            entry.remove();
        }
    }

    /// Whether the index has no keys.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Whether these are the values of `key`.
fn has<'k, T: Copy + Eq, K: Eq + ?Sized + 'k>(
    shelf: &Shelf<T>,
    key: &K,
    key_of: &impl Fn(T) -> Option<&'k K>,
) -> impl Fn(&Few<T>) -> bool {
    move |few| shelf.values(few).first().and_then(|first| key_of(*first)) == Some(key)
}

/// The hash of the key of these values.
fn hash_of<'k, T: Copy + Eq, K: Hash + ?Sized + 'k>(
    shelf: &Shelf<T>,
    hashes: &DefaultHashBuilder,
    key_of: &impl Fn(T) -> Option<&'k K>,
) -> impl Fn(&Few<T>) -> u64 {
    move |few| {
        let key = shelf.values(few).first().and_then(|first| key_of(*first));
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
        assert_eq!(index.take("b", key_of), [5]);
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
        assert_eq!(index.take("k7", key_of), [14, 15]);
        assert!(index.get("k7", key_of).is_empty());
        index.put("k7", vec![14, 15], key_of);
        assert_eq!(index.get("k7", key_of), [14, 15]);
        assert_eq!(index.shelf.places.len(), 500, "a place is used again");
    }
}
