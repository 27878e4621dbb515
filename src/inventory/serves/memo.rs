//! What many hosts ask for alike, found once and kept until something changes. Without it, thousands of hosts times thousands of
//! routes, stores or Secrets of one name would take their product; and a look at the first few would let one tenant, who makes many,
//! hide another's.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use hashbrown::{HashMap, HashSet};

use crate::{
    inventory::secrets::SecretId,
    object::{Key, Text},
};

use super::{crowd::Crowd, shown::Top, store::StoresInUse};

/// Up to so many of one name are looked at each time: remembering them costs more.
pub(super) const FEW: usize = 8;

/// What is remembered. Reading it finds what is not there yet; several threads may find the same at once, and agree.
#[derive(Debug, Default)]
pub(in crate::inventory) struct Memo {
    /// The routes of a host that has many.
    pub(super) crowds: Remembered<Crowd>,
    /// By a name that many Secrets have: the certificates of Traefik's store that may be shown for it.
    pub(super) tops: Remembered<[Top]>,
    /// By a name that many Secrets have: those that listeners of Gateways with many listeners name.
    pub(in crate::inventory) listed: Remembered<[SecretId]>,
    /// All Secrets that such listeners name.
    pub(in crate::inventory) of_listeners: OnceLock<HashSet<Key>>,
    /// Traefik's stores of the name `default`.
    pub(super) stores: OnceLock<StoresInUse>,
    /// The Secrets that Ingresses with very many tls entries name.
    pub(in crate::inventory) of_long: OnceLock<HashSet<Key>>,
}

impl Memo {
    /// Forgets all: what it rests on may have changed.
    pub(in crate::inventory) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Values by a name.
#[derive(Debug)]
pub(in crate::inventory) struct Remembered<V: ?Sized>(RwLock<HashMap<Text, Arc<V>>>);

impl<V: ?Sized> Default for Remembered<V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<V: ?Sized> Remembered<V> {
    /// The value of a name: the one that is remembered, or the one that is found now.
    pub(in crate::inventory) fn get_or(&self, name: &str, find: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .map(Arc::clone);
        known.unwrap_or_else(|| {
            // Not under the lock: finding may ask for other things that are remembered.
            let found = find();
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(name.into(), Arc::clone(&found));
            found
        })
    }
}
