//! What could not be read for lack of a right: found by kind and place, as each Secret that is missing asks.

use hashbrown::{HashMap, HashSet};

use crate::object::{Forbidden, Key, Kind, Text};

/// All of it, in the order in which it was told, each once.
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

    /// Whether something of a kind could not be read.
    pub(super) fn some(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// What kept the lists of a kind from holding what is in a namespace.
    pub(super) fn list(&self, kind: Kind, namespace: &Text) -> Option<&Forbidden> {
        let of = |namespace: Option<Text>| self.list.get(*self.places.get(&(kind, namespace, None))?);
        of(Some(namespace.clone())).or_else(|| of(None))
    }

    /// What kept one object from being read: the last that was tried, to read it by its name.
    pub(super) fn one(&self, kind: Kind, key: &Key) -> Option<&Forbidden> {
        let place = (kind, Some(key.namespace.clone()), Some(key.name.clone()));
        let named = self.places.get(&place).and_then(|at| self.list.get(*at));
        named.or_else(|| self.list(kind, &key.namespace))
    }
}
