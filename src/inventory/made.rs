//! Secrets that a program in the cluster creates from objects that are among the manifests.

use hashbrown::HashMap;

use crate::object::{Key, Made, Text, annotation};

use super::{Inventory, secrets::Stored};

/// The object or program that creates a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MadeBy {
    /// The kind of the object, or the name of the program.
    pub kind: Text,
    /// The name of the object.
    pub name: Text,
}

/// Which object creates which Secret.
#[derive(Debug, Default)]
pub(super) struct Makers {
    by_secret: HashMap<Key, MadeBy>,
    /// The makers of Secrets in namespaces that are not known, by the name of the Secret.
    by_name: HashMap<Text, MadeBy>,
}

impl Inventory {
    /// Records an object that creates Secrets.
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

    /// Records that a Secret of the manifests is copied into other namespaces, if its annotations say so.
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

    /// Records that Secrets with this name are copied into other namespaces by the program that reads the annotation.
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

    /// The object among the manifests that creates a Secret, cert-manager's objects excepted.
    pub fn made_by(&self, secret: &Key) -> Option<&MadeBy> {
        let makers = &self.makers;
        makers
            .by_secret
            .get(secret)
            .or_else(|| makers.by_name.get(&secret.name))
    }
}
