//! The Secrets that a binding names: nearly always one.

use std::ops::Deref;

use crate::object::Key;

/// A list of keys, read as a slice. One is kept in place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys(Inner);

#[derive(Clone, Default, PartialEq, Eq)]
enum Inner {
    #[default]
    None,
    One(Key),
    Many(Box<[Key]>),
}

impl Keys {
    /// All of them, in their order.
    pub fn as_slice(&self) -> &[Key] {
        match &self.0 {
            Inner::None => &[],
            Inner::One(key) => std::slice::from_ref(key),
            Inner::Many(keys) => keys,
        }
    }

    /// Adds one, unless it is there.
    pub(super) fn add(&mut self, key: &Key) {
        if !self.contains(key) {
            *self = self.iter().chain([key]).cloned().collect();
        }
    }
}

impl Deref for Keys {
    type Target = [Key];

    fn deref(&self) -> &[Key] {
        self.as_slice()
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        let mut keys = keys.into_iter();
        let Some(first) = keys.next() else {
            return Self::default();
        };
        Self(match keys.next() {
            None => Inner::One(first),
            Some(second) => Inner::Many([first, second].into_iter().chain(keys).collect()),
        })
    }
}

impl<'a> IntoIterator for &'a Keys {
    type Item = &'a Key;
    type IntoIter = std::slice::Iter<'a, Key>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::key;

    #[test]
    fn one_key_takes_no_more_room_than_itself() {
        assert_eq!(size_of::<Option<Keys>>(), size_of::<Key>());
        let mut keys = Keys::default();
        for name in ["a", "a", "b", "c", "b"] {
            keys.add(&key("n", name));
        }
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
