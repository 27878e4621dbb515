//! The Secrets with their parsed contents, and the bindings that name them.

use hashbrown::HashMap;

use crate::{
    object::{Key, Meta, Seconds, Text, secret::TLS_TYPE},
    x509::{Bundle, CaFault, Certificate, Fingerprint, San},
};

use super::{
    binding::BindingId,
    index::{Few, Index, Shelf},
    table::{Keyed, Table},
};

/// Whether a data key of a Secret exists and has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The data key does not exist.
    Absent,
    /// The data key has an empty value.
    Empty,
    /// The data key has a value.
    Present,
}

impl Presence {
    /// The presence of a data key with these bytes; `None` if it does not exist.
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
    /// The data keys of the certificate and the key, if they differ from `tls.crt` and `tls.key`.
    pub data_keys: Option<Box<[Text; 2]>>,
    /// Whether tls.crt, or the data key used instead, exists.
    pub certificate: Presence,
    /// Whether tls.key, or the data key used instead, exists.
    pub key: Presence,
    /// The names of all other data keys.
    pub other_keys: Vec<Text>,
    /// When its data last changed, in seconds since 1970. It is only read for Secrets that may have stale Pods.
    pub data_changed: Option<Seconds>,
    /// What is wrong with the CA certificates in its ca.crt; `None` if nothing is, or if there is no ca.crt.
    pub ca_fault: Option<CaFault>,
    /// The parsed certificates and key.
    pub bundle: Bundle,
}

impl Stored {
    /// Whether its type is kubernetes.io/tls.
    pub fn is_tls(&self) -> bool {
        self.secret_type == TLS_TYPE
    }

    /// Whether it holds a certificate, whatever its type.
    pub fn holds_certificate(&self) -> bool {
        self.certificate == Presence::Present
    }

    /// Whether it is meant for TLS, according to its type or its contents.
    pub fn is_for_tls(&self) -> bool {
        self.is_tls() || self.holds_certificate()
    }

    /// Whether both the certificate and its key have a value.
    pub fn has_both(&self) -> bool {
        self.certificate == Presence::Present && self.key == Presence::Present
    }

    /// The leaf, if it could be read.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.bundle.leaf().map(AsRef::as_ref)
    }
}

/// The number of a Secret in its inventory.
pub(super) type SecretId = u32;

/// One name of a Secret: its contents, if it exists, and the bindings that name it.
#[derive(Debug)]
struct Slot {
    what: SecretSlot,
    users: Few<BindingId>,
}

#[derive(Debug)]
enum SecretSlot {
    /// A Secret that bindings name and that does not exist.
    Missing(Box<Key>),
    Stored(Box<Stored>),
}

impl Slot {
    fn stored(&self) -> Option<&Stored> {
        match &self.what {
            SecretSlot::Missing(_) => None,
            SecretSlot::Stored(stored) => Some(stored),
        }
    }
}

impl Keyed for Slot {
    fn names(&self) -> (&Text, &Text) {
        match &self.what {
            SecretSlot::Missing(key) => key.names(),
            SecretSlot::Stored(stored) => stored.meta.names(),
        }
    }
}

/// All Secrets, with indexes by public key, by name of the leaf, and of the bindings that name them.
#[derive(Debug, Default)]
pub struct Secrets {
    slots: Table<Slot>,
    /// How many of the slots hold a Secret.
    stored: usize,
    /// How many of those are TLS Secrets or hold a certificate.
    for_tls: usize,
    by_public_key: Index<SecretId>,
    /// Secrets by the names of the leaf; built when a controller first needs it.
    by_name: Option<ByName>,
    /// The bindings of Secrets that several bindings name.
    users: Shelf<BindingId>,
}

/// Secrets by the names of their leaves.
#[derive(Debug, Default)]
struct ByName {
    names: HashMap<Text, Few<SecretId>>,
    shelf: Shelf<SecretId>,
}

impl ByName {
    fn get(&self, name: &str) -> &[SecretId] {
        self.names.get(name).map_or(&[], |few| self.shelf.values(few))
    }

    fn add(&mut self, leaf: &Certificate, id: SecretId) {
        for name in leaf.names.iter().map(text_of) {
            self.shelf.insert(self.names.entry(name).or_default(), id);
        }
    }

    fn remove(&mut self, leaf: &Certificate, id: SecretId) {
        for name in leaf.names.iter().map(text_of) {
            if self.names.get_mut(&name).is_some_and(|few| self.shelf.remove(few, id)) {
                self.names.remove(&name);
            }
        }
    }
}

impl Secrets {
    /// The Secret with a key.
    pub fn get(&self, key: &Key) -> Option<&Stored> {
        self.slots.get(key)?.stored()
    }

    /// Applies `change` to a Secret. Returns `false` if there is no Secret with that key.
    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Stored)) -> bool {
        let slot = self.slots.position(key).and_then(|id| self.slots.at_mut(id));
        let Some(SecretSlot::Stored(stored)) = slot.map(|slot| &mut slot.what) else {
            return false;
        };
        change(stored);
        true
    }

    /// All Secrets, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.slots.values().filter_map(Slot::stored)
    }

    /// How many Secrets there are.
    pub fn len(&self) -> usize {
        self.stored
    }

    /// Whether there are no Secrets.
    pub fn is_empty(&self) -> bool {
        self.stored == 0
    }

    /// Whether no Secret is a TLS Secret or holds a certificate.
    pub fn have_no_certificate(&self) -> bool {
        self.for_tls == 0
    }

    /// Stores a Secret, and returns the one that it replaces.
    pub(super) fn set(&mut self, stored: Stored) -> Option<Stored> {
        self.for_tls += usize::from(stored.is_for_tls());
        let position = self.slots.position(&stored.meta);
        let what = SecretSlot::Stored(Box::new(stored));
        let mut old = None;
        let id = if let Some(id) = position {
            self.unindex(id);
            if let Some(slot) = self.slots.at_mut(id) {
                old = Some(std::mem::replace(&mut slot.what, what));
            }
            id
        } else {
            let users = Few::None;
            self.slots.insert(Slot { what, users })
        };
        self.index(id);
        if let Some(SecretSlot::Stored(old)) = old {
            self.for_tls -= usize::from(old.is_for_tls());
            return Some(*old);
        }
        self.stored += 1;
        None
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let id = self.slots.position(key)?;
        self.unindex(id);
        let missing = SecretSlot::Missing(Box::new(key.clone()));
        let slot = self.slots.at_mut(id)?;
        let gone = std::mem::replace(&mut slot.what, missing);
        if matches!(slot.users, Few::None) {
            self.slots.remove(key);
        }
        let SecretSlot::Stored(gone) = gone else { return None };
        self.stored -= 1;
        self.for_tls -= usize::from(gone.is_for_tls());
        Some(*gone)
    }

    /// The bindings that name a Secret, whether or not it exists.
    pub(super) fn users(&self, key: &Key) -> &[BindingId] {
        self.slots.get(key).map_or(&[], |slot| self.users.values(&slot.users))
    }

    /// The keys of all Secrets that bindings name, in no particular order.
    pub(super) fn named(&self) -> impl Iterator<Item = Key> {
        let named = self.slots.values().filter(|slot| !matches!(slot.users, Few::None));
        named.map(|slot| {
            let (namespace, name) = slot.names();
            Key::new(namespace.clone(), name.clone())
        })
    }

    /// The keys of the Secrets that at least this many bindings name, in no particular order.
    pub fn named_by(&self, least: usize) -> impl Iterator<Item = Key> {
        let named = self
            .slots
            .values()
            .filter(move |slot| self.users.values(&slot.users).len() >= least);
        named.map(|slot| {
            let (namespace, name) = slot.names();
            Key::new(namespace.clone(), name.clone())
        })
    }

    /// Records that a binding names a Secret.
    pub(super) fn add_user(&mut self, key: &Key, user: BindingId) {
        let id = self.slots.position(key).unwrap_or_else(|| {
            self.slots.insert(Slot {
                what: SecretSlot::Missing(Box::new(key.clone())),
                users: Few::None,
            })
        });
        if let Some(slot) = self.slots.at_mut(id) {
            self.users.insert(&mut slot.users, user);
        }
    }

    /// Records that a binding no longer names a Secret.
    pub(super) fn remove_user(&mut self, key: &Key, user: BindingId) {
        let slot = self.slots.position(key).and_then(|id| self.slots.at_mut(id));
        let Some(slot) = slot else { return };
        let unused = self.users.remove(&mut slot.users, user);
        if unused && matches!(slot.what, SecretSlot::Missing(_)) {
            self.slots.remove(key);
        }
    }

    /// Adds a Secret to the indexes by its leaf.
    fn index(&mut self, id: SecretId) {
        let Some(leaf) = self.slots.at(id).and_then(leaf) else {
            return;
        };
        let slots = &self.slots;
        let key_of = |id| Some(&leaf_at(slots, id)?.key_sha256);
        self.by_public_key.insert(&leaf.key_sha256, id, key_of);
        if let Some(by_name) = &mut self.by_name {
            by_name.add(leaf, id);
        }
    }

    /// Removes a Secret from the indexes by its leaf. The Secret still has to exist.
    fn unindex(&mut self, id: SecretId) {
        let Some(leaf) = self.slots.at(id).and_then(leaf) else {
            return;
        };
        let slots = &self.slots;
        let key_of = |id| Some(&leaf_at(slots, id)?.key_sha256);
        self.by_public_key.remove(&leaf.key_sha256, id, key_of);
        if let Some(by_name) = &mut self.by_name {
            by_name.remove(leaf, id);
        }
    }

    /// The Secrets whose leaf has this public key.
    pub fn with_public_key(&self, public_key: Fingerprint) -> impl Iterator<Item = &Stored> {
        let key_of = |id| Some(&leaf_at(&self.slots, id)?.key_sha256);
        let ids = self.by_public_key.get(&public_key, key_of);
        ids.iter().filter_map(|id| self.slots.at(*id)?.stored())
    }

    /// Starts an index of names, for controllers that choose by server name among the certificates of all routes.
    pub(super) fn index_names(&mut self) {
        if self.by_name.is_some() {
            return;
        }
        let mut by_name = ByName::default();
        for (id, slot) in self.slots.iter() {
            if let Some(leaf) = leaf(slot) {
                by_name.add(leaf, id);
            }
        }
        self.by_name = Some(by_name);
    }

    /// The Secrets whose leaf has a name, in the order in which they were added. Empty unless names are indexed.
    pub(super) fn ids_with_name(&self, name: &str) -> &[SecretId] {
        self.by_name.as_ref().map_or(&[][..], |by_name| by_name.get(name))
    }

    /// The Secret with a number.
    pub(super) fn at(&self, id: SecretId) -> Option<&Stored> {
        self.slots.at(id)?.stored()
    }
}

fn leaf(slot: &Slot) -> Option<&Certificate> {
    slot.stored()?.leaf()
}

fn leaf_at(slots: &Table<Slot>, id: SecretId) -> Option<&Certificate> {
    leaf(slots.at(id)?)
}

fn text_of(san: &San) -> Text {
    compact_str::format_compact!("{san}")
}
