//! The lists and objects that could not be read because a right is missing, indexed by kind and place because each
//! missing Secret looks them up.

use hashbrown::{HashMap, HashSet};

use crate::object::{Forbidden, Key, Kind, Text};

/// All missing rights in the order in which they were reported, each once.
#[derive(Debug, Default)]
pub(super) struct AllForbidden {
    list: Vec<Forbidden>,
    places: HashMap<(Kind, Option<Text>, Option<Text>), usize>,
    kinds: HashSet<Kind>,
}

impl AllForbidden {
    pub(super) fn insert(&mut self, forbidden: Forbidden) {
        let place = (forbidden.kind, forbidden.namespace.clone(), forbidden.name.clone());
        self.kinds.insert(forbidden.kind);
        let at = self.list.len();
        match self.places.entry(place) {
            hashbrown::hash_map::Entry::Occupied(there) if self.list.get(*there.get()) == Some(&forbidden) => {}
            there => {
                there.insert(at);
                self.list.push(forbidden);
            }
        }
    }

    pub(super) fn all(&self) -> &[Forbidden] {
        &self.list
    }

    /// Whether an object or list of a kind could not be read.
    pub(super) fn some(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The missing right because of which the lists of a kind lack the objects of a namespace.
    pub(super) fn list(&self, kind: Kind, namespace: &Text) -> Option<&Forbidden> {
        let of = |namespace: Option<Text>| self.list.get(*self.places.get(&(kind, namespace, None))?);
        of(Some(namespace.clone())).or_else(|| of(None))
    }

    /// The missing right because of which one object could not be read: the last one that was tried, which is to get it
    /// by name.
    pub(super) fn one(&self, kind: Kind, key: &Key) -> Option<&Forbidden> {
        let place = (kind, Some(key.namespace.clone()), Some(key.name.clone()));
        let named = self.places.get(&place).and_then(|at| self.list.get(*at));
        named.or_else(|| self.list(kind, &key.namespace))
    }
}
