//! Results that many hosts need, computed once and kept until something changes. Without them, the time would grow with
//! the product of hosts and routes, stores or Secrets with one name. Examining only the first few instead would let one
//! tenant, who creates many, hide another's.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use hashbrown::{HashMap, HashSet};

use crate::{
    inventory::secrets::SecretId,
    object::{Key, Text},
};

use super::{crowd::Crowd, shown::Top, store::StoresInUse};

/// The largest number of items with one name that are examined each time, because remembering the result would cost
/// more.
pub(super) const FEW: usize = 8;

/// The remembered results. A read computes a missing result; several threads may compute the same one at once, and
/// agree.
#[derive(Debug, Default)]
pub(in crate::inventory) struct Memo {
    /// The routes of hosts that have many.
    pub(super) crowds: Remembered<Crowd>,
    /// For names that many Secrets have: the certificates of Traefik's store that may be served for the name.
    pub(super) tops: Remembered<[Top]>,
    /// For names that many Secrets have: the Secrets that listeners of Gateways with many listeners name.
    pub(in crate::inventory) listed: Remembered<[SecretId]>,
    /// All Secrets that such listeners name.
    pub(in crate::inventory) of_listeners: OnceLock<HashSet<Key>>,
    /// Traefik's stores called `default`.
    pub(super) stores: OnceLock<StoresInUse>,
    /// The Secrets that Ingresses with very many tls entries name.
    pub(in crate::inventory) of_long: OnceLock<HashSet<Key>>,
}

impl Memo {
    /// Forgets all results, because the objects that they depend on may have changed.
    pub(in crate::inventory) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Results by name.
#[derive(Debug)]
pub(in crate::inventory) struct Remembered<V: ?Sized>(RwLock<HashMap<Text, Arc<V>>>);

impl<V: ?Sized> Default for Remembered<V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<V: ?Sized> Remembered<V> {
    /// The result for a name, either remembered or computed by `find`.
    pub(in crate::inventory) fn get_or(&self, name: &str, find: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .map(Arc::clone);
        known.unwrap_or_else(|| {
            // `find` runs without the lock, because it may ask for other results.
            let found = find();
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(name.into(), Arc::clone(&found));
            found
        })
    }
}
