//! Secrets that something in the cluster makes out of what is among the manifests.

use hashbrown::HashMap;

use crate::object::{Key, Made, Text, annotation};

use super::{Inventory, secrets::Stored};

/// What makes a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MadeBy {
    /// The kind of the object, or the program.
    pub kind: Text,
    /// The name of the object.
    pub name: Text,
}

/// Who makes which Secret.
#[derive(Debug, Default)]
pub(super) struct Makers {
    by_secret: HashMap<Key, MadeBy>,
    /// Those that are made in namespaces that nobody lists.
    by_name: HashMap<Text, MadeBy>,
}

impl Inventory {
    /// Notes an object that makes Secrets.
    pub(super) fn set_made(&mut self, made: Made) {
        let by = MadeBy {
            kind: made.kind,
            name: made.by.name,
        };
        for secret in made.secrets {
            match secret.namespace {
                Some(namespace) => self
                    .makers
                    .by_secret
                    .insert(Key::new(namespace, secret.name), by.clone()),
                None => self.makers.by_name.insert(secret.name, by.clone()),
            };
        }
    }

    /// Notes that a Secret of the manifests is copied into other namespaces, where its annotations say so.
    pub(super) fn note_copies(&mut self, stored: &Stored) {
        let copied = stored
            .meta
            .annotations()
            .iter()
            .find(|(key, value)| annotation::is_copied(key, value));
        if let Some((key, _)) = copied {
            self.note_copy(key, stored.meta.name.clone());
        }
    }

    /// Notes that Secrets of a name are copied into other namespaces, by what an annotation is for.
    pub(super) fn note_copy(&mut self, annotation: &str, name: Text) {
        let kind = match annotation {
            annotation::REFLECTOR_COPIES => "Reflector",
            annotation::REPLICATOR_COPIES => "Replicator",
            _ => "Config Syncer",
        };
        let by = MadeBy {
            kind: kind.into(),
            name: "".into(),
        };
        self.makers.by_name.insert(name, by);
    }

    /// What among the manifests makes a Secret, besides cert-manager.
    pub fn made_by(&self, secret: &Key) -> Option<&MadeBy> {
        let makers = &self.makers;
        makers
            .by_secret
            .get(secret)
            .or_else(|| makers.by_name.get(&secret.name))
    }
}
