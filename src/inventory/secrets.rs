//! The Secrets, with what their bytes turned out to hold.

use std::collections::HashMap;

use crate::{
    object::{Key, Meta, Seconds, Text, secret::TLS_TYPE},
    x509::{Bundle, Certificate, Fingerprint},
};

use super::{index::Index, settle::MANY};

/// Whether a data key of a Secret holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The data key is not there.
    Absent,
    /// It is there, with nothing in it.
    Empty,
    /// It holds something.
    Present,
}

impl Presence {
    /// Of a data key's bytes.
    pub fn of(bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => Self::Absent,
            Some([]) => Self::Empty,
            Some(_) => Self::Present,
        }
    }
}

/// A Secret as the inventory keeps it: parsed, without its bytes.
#[derive(Debug)]
pub struct Stored {
    /// Its metadata.
    pub meta: Meta,
    /// Its type.
    pub secret_type: Text,
    /// Whether tls.crt is there.
    pub certificate: Presence,
    /// Whether tls.key is there.
    pub key: Presence,
    /// The names of its other data keys.
    pub other_keys: Vec<Text>,
    /// When its data last changed; known of suspects alone.
    pub data_changed: Option<Seconds>,
    /// What its bytes hold.
    pub bundle: Bundle,
}

impl Stored {
    /// Whether it is of the type that is made for TLS.
    pub fn is_tls(&self) -> bool {
        self.secret_type == TLS_TYPE
    }

    /// Whether it holds a certificate, whatever its type.
    pub fn holds_certificate(&self) -> bool {
        self.certificate == Presence::Present
    }

    /// The leaf, when it could be read.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.bundle.leaf().map(AsRef::as_ref)
    }
}

/// The number of a Secret in its inventory.
pub(super) type SecretId = u32;

/// All Secrets, and those that share a public key.
#[derive(Debug, Default)]
pub struct Secrets {
    slots: Vec<Option<Box<Stored>>>,
    ids: HashMap<Key, SecretId>,
    free: Vec<SecretId>,
    /// By the first eight bytes of the leaf's public key's digest; compared whole when read.
    by_public_key: Index<u64, SecretId>,
    /// By the names of the leaf; built when a controller first asks for it.
    by_name: Option<Index<Text, SecretId>>,
}

impl Secrets {
    /// The Secret of a key.
    pub fn get(&self, key: &Key) -> Option<&Stored> {
        self.slots.get(*self.ids.get(key)? as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Stored> {
        self.slots.get_mut(*self.ids.get(key)? as usize)?.as_deref_mut()
    }

    /// All of them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.slots.iter().flatten().map(AsRef::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Puts a Secret in, and gives back the one that it replaces.
    pub(super) fn set(&mut self, stored: Stored) -> Option<Stored> {
        let key = stored.meta.key();
        let old = self.remove(&key);
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(leaf) = stored.leaf() {
            self.by_public_key.insert(short(leaf.key_sha256), id);
            if let Some(by_name) = &mut self.by_name {
                leaf.names
                    .iter()
                    .for_each(|san| by_name.insert(compact_str::format_compact!("{san}"), id));
            }
        }
        self.slots[id as usize] = Some(Box::new(stored));
        self.ids.insert(key, id);
        old
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let id = self.ids.remove(key)?;
        let gone = *self.slots.get_mut(id as usize)?.take()?;
        self.free.push(id);
        if let Some(leaf) = gone.leaf() {
            self.by_public_key.remove(&short(leaf.key_sha256), id);
            if let Some(by_name) = &mut self.by_name {
                leaf.names
                    .iter()
                    .for_each(|san| by_name.remove(&compact_str::format_compact!("{san}"), id));
            }
        }
        Some(gone)
    }

    /// The other Secrets whose leaf has the same public key.
    pub fn with_public_key(&self, public_key: Fingerprint) -> impl Iterator<Item = &Stored> {
        let ids = self.by_public_key.get(&short(public_key));
        ids.iter()
            .filter_map(|id| self.slots.get(*id as usize)?.as_deref())
            .filter(move |s| s.leaf().is_some_and(|leaf| leaf.key_sha256 == public_key))
    }

    /// Keeps an index of names from now on: some controller chooses among all certificates by server name.
    pub(super) fn index_names(&mut self) {
        if self.by_name.is_some() {
            return;
        }
        let mut by_name = Index::default();
        for (id, slot) in (0u32..).zip(&self.slots) {
            for san in slot
                .iter()
                .filter_map(|stored| stored.leaf())
                .flat_map(|leaf| &leaf.names)
            {
                by_name.insert(compact_str::format_compact!("{san}"), id);
            }
        }
        self.by_name = Some(by_name);
    }

    /// The Secrets whose leaf names the host, itself or by a wildcard. None unless names are indexed.
    pub fn naming(&self, host: &str) -> impl Iterator<Item = &Stored> {
        let wildcard = host
            .split_once('.')
            .map(|(_, parent)| format!("*.{parent}"))
            .unwrap_or_default();
        let by_name = self.by_name.as_ref();
        let exact = by_name.map_or(&[][..], |index| index.get(host));
        let wide = by_name.map_or(&[][..], |index| index.get(wildcard.as_str()));
        exact
            .iter()
            .take(MANY)
            .chain(wide.iter().take(MANY))
            .filter_map(|id| self.slots.get(*id as usize)?.as_deref())
    }
}

/// Enough of a digest for an index.
fn short(digest: Fingerprint) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.0[..8]);
    u64::from_be_bytes(bytes)
}
