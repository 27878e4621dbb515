//! Short lists, such as the hosts of an entry or the Secrets of a binding. Nearly all hold one item, which is stored in
//! place.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A list that dereferences to a slice. A single item takes no more room than the item itself; several are stored
/// apart, and copies of the list share them.
///
/// A list is made at once and never grows.
#[derive(Clone, PartialEq, Eq)]
pub struct List<T>(Inner<T>);

#[derive(Clone, PartialEq, Eq)]
enum Inner<T> {
    None,
    One(T),
    Many(Arc<[T]>),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Inner::None)
    }
}

impl<T> List<T> {
    /// All items in order.
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Inner::None => &[],
            Inner::One(thing) => std::slice::from_ref(thing),
            Inner::Many(things) => things,
        }
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Clone> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Inner::None => &mut [],
            Inner::One(thing) => std::slice::from_mut(thing),
            Inner::Many(things) => Arc::make_mut(things),
        }
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(mut things: Vec<T>) -> Self {
        Self(match things.len() {
            0 => Inner::None,
            1 => things.pop().map_or(Inner::None, Inner::One),
            _ => Inner::Many(things.into()),
        })
    }
}

impl<T: Clone> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Self {
        match list.0 {
            Inner::None => Vec::new(),
            Inner::One(thing) => vec![thing],
            Inner::Many(things) => things.to_vec(),
        }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        let mut things = things.into_iter();
        let Some(first) = things.next() else {
            return Self::default();
        };
        Self(match things.next() {
            None => Inner::One(first),
            Some(second) => Inner::Many([first, second].into_iter().chain(things).collect()),
        })
    }
}

impl<T: Clone> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self).into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<[U; N]> for List<T> {
    fn eq(&self, other: &[U; N]) -> bool {
        self.as_slice() == other
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Key, Text, ingress::IngressTls};

    #[test]
    fn one_thing_takes_no_more_room_than_itself() {
        assert_eq!(size_of::<List<Text>>(), size_of::<Text>());
        assert_eq!(size_of::<List<Key>>(), size_of::<Key>());
        assert_eq!(size_of::<List<IngressTls>>(), size_of::<IngressTls>());
    }

    #[test]
    fn however_it_is_made_it_holds_the_same() {
        for things in [vec![], vec![1], vec![1, 2], vec![1, 2, 3]] {
            let list: List<i32> = things.iter().copied().collect();
            assert_eq!(list, List::from(things.clone()));
            assert_eq!(list.as_slice(), things);
            assert_eq!(format!("{list:?}"), format!("{things:?}"));
            assert_eq!(list.into_iter().collect::<Vec<_>>(), things);
        }
    }
}
