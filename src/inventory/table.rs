//! Objects by namespace and name, in slots with permanent numbers. A name is stored only once, in the object itself.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::object::{Certificate, CertificateRequest, Challenge, Ingress, Key, Meta, Order, Text};

/// An object with a namespace and a name.
pub(super) trait Keyed {
    /// Its namespace and its name.
    fn names(&self) -> (&Text, &Text);
}

impl<V: Keyed> Keyed for Box<V> {
    fn names(&self) -> (&Text, &Text) {
        self.as_ref().names()
    }
}

impl Keyed for Meta {
    fn names(&self) -> (&Text, &Text) {
        (&self.namespace, &self.name)
    }
}

impl Keyed for Key {
    fn names(&self) -> (&Text, &Text) {
        (&self.namespace, &self.name)
    }
}

macro_rules! named_by_meta {
    ($($kind:ty),*) => {$(
        impl Keyed for $kind {
            fn names(&self) -> (&Text, &Text) {
                self.meta.names()
            }
        }
    )*};
}

named_by_meta!(Ingress, Certificate, CertificateRequest, Order, Challenge);

/// Objects by namespace and name. `V` should be a box for large objects, because a part of a growing vector is unused.
#[derive(Debug)]
pub(super) struct Table<V> {
    slots: Vec<Option<V>>,
    positions: HashTable<u32>,
    free: Vec<u32>,
    hashes: DefaultHashBuilder,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            positions: HashTable::new(),
            free: Vec::new(),
            hashes: DefaultHashBuilder::default(),
        }
    }
}

impl<V: Keyed> Table<V> {
    /// The position of the object with these names.
    pub(super) fn position(&self, key: &impl Keyed) -> Option<u32> {
        let names = key.names();
        let same = |at: &u32| self.at(*at).is_some_and(|value| same(value.names(), names));
        self.positions.find(self.hash(names), same).copied()
    }

    /// The object with these names.
    pub(super) fn get(&self, key: &impl Keyed) -> Option<&V> {
        self.at(self.position(key)?)
    }

    /// The object at a position.
    pub(super) fn at(&self, position: u32) -> Option<&V> {
        self.slots.get(position as usize)?.as_ref()
    }

    /// The object at a position, for changes. Its names must stay the same.
    pub(super) fn at_mut(&mut self, position: u32) -> Option<&mut V> {
        self.slots.get_mut(position as usize)?.as_mut()
    }

    /// The object with these names. It is looked for at its last known position first, and anywhere else if it has
    /// moved.
    pub(super) fn get_near(&self, position: u32, key: &impl Keyed) -> Option<&V> {
        let near = self.at(position).filter(|value| same(value.names(), key.names()));
        near.or_else(|| self.get(key))
    }

    /// Stores an object, in place of one with the same names, and returns its position.
    pub(super) fn insert(&mut self, value: V) -> u32 {
        if let Some(position) = self.position(&Names(value.names())) {
            self.slots[position as usize] = Some(value);
            return position;
        }
        let hash = self.hash(value.names());
        let position = if let Some(free) = self.free.pop() {
            self.slots[free as usize] = Some(value);
            free
        } else {
            let position = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            push(&mut self.slots, Some(value));
            position
        };
        let Self {
            slots,
            positions,
            hashes,
            ..
        } = self;
        positions.insert_unique(hash, position, |at| {
            let value = slots.get(*at as usize).and_then(Option::as_ref);
            value.map_or(0, |value| hash_of(hashes, value.names()))
        });
        position
    }

    /// Removes and returns the object with these names.
    pub(super) fn remove(&mut self, key: &impl Keyed) -> Option<V> {
        let names = key.names();
        let hash = self.hash(names);
        let slots = &self.slots;
        let here = |at: &u32| {
            let value = slots.get(*at as usize).and_then(Option::as_ref);
            value.is_some_and(|value| same(value.names(), names))
        };
        let (position, _) = self.positions.find_entry(hash, here).ok()?.remove();
        self.free.push(position);
        self.slots.get_mut(position as usize)?.take()
    }

    /// All objects with their positions, in the order of positions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &V)> {
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(position, slot)| Some((position, slot.as_ref()?)))
    }

    /// All objects in the order of their positions.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter().flatten()
    }

    fn hash(&self, names: (&Text, &Text)) -> u64 {
        hash_of(&self.hashes, names)
    }
}

/// A borrowed pair of namespace and name.
struct Names<'a>((&'a Text, &'a Text));

impl Keyed for Names<'_> {
    fn names(&self) -> (&Text, &Text) {
        self.0
    }
}

fn same(one: (&Text, &Text), two: (&Text, &Text)) -> bool {
    // Names differ more often than namespaces.
    one.1 == two.1 && one.0 == two.0
}

fn hash_of(hashes: &DefaultHashBuilder, (namespace, name): (&Text, &Text)) -> u64 {
    hashes.hash_one((namespace.as_str(), name.as_str()))
}

/// Appends to a vector that grows by a quarter. Doubling would leave up to half of a large one unused.
pub(super) fn push<T>(values: &mut Vec<T>, value: T) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 16);
    }
    values.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::{key, meta};

    #[test]
    fn things_are_found_by_their_names_and_keep_their_position() {
        let mut table: Table<Box<Meta>> = Table::default();
        for n in 0..500 {
            assert_eq!(table.insert(Box::new(meta("a", &format!("m{n}")))), n);
        }
        let mut again = meta("a", "m7");
        again.created = Some(1);
        assert_eq!(table.insert(Box::new(again)), 7, "what it replaces had that number");
        assert_eq!(table.get(&key("a", "m7")).and_then(|m| m.created), Some(1));
        assert!(table.get(&key("b", "m7")).is_none());
        assert!(table.remove(&key("a", "m9")).is_some() && table.remove(&key("a", "m9")).is_none());
        assert_eq!(table.values().count(), 499);
        assert_eq!(table.insert(Box::new(meta("b", "m9"))), 9, "a number is used again");
        assert!(
            table.get_near(9, &key("a", "m9")).is_none(),
            "another one stands there now"
        );
        assert!(table.get_near(3, &key("a", "m4")).is_some_and(|m| m.name == "m4"));
    }
}
