//! What controllers have stored of what they do with the certificates of Secrets.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::Inventory;
use crate::object::{
    Key, annotation,
    doing::{DoingBy, Doings, Installation, StoredDoings},
};

/// What was said, by Secret.
#[derive(Debug, Default)]
pub(super) struct AllDoings {
    of_secret: HashMap<Key, Vec<DoingBy>>,
    by: Vec<Arc<Installation>>,
}

impl Inventory {
    /// Takes what the controllers of the cluster have stored, in place of what they had stored before. Returns the Secrets of
    /// which something else is said now.
    pub fn set_doings(&mut self, stored: Vec<StoredDoings>) -> BTreeSet<Key> {
        let mut fresh = AllDoings::default();
        for StoredDoings { by, heard, doings } in stored {
            let by = Arc::new(by);
            for doing in doings {
                let of = fresh.of_secret.entry(doing.secret.clone()).or_default();
                let by = Arc::clone(&by);
                of.push(DoingBy { by, heard, doing });
            }
            fresh.by.push(by);
        }
        let before = std::mem::replace(&mut self.doings, fresh);
        let all = before.of_secret.keys().chain(self.doings.of_secret.keys());
        all.filter(|key| before.of_secret.get(*key) != self.doings.of_secret.get(*key))
            .cloned()
            .collect()
    }

    /// What controllers said of a Secret, without those of other installations than the one that has claimed it.
    pub fn doings_of(&self, secret: &Key) -> Doings<'_> {
        let Some(all) = self.doings.of_secret.get(secret) else {
            return Doings::default();
        };
        let stored = self.secrets().get(secret);
        Doings::new(all, stored.and_then(|stored| stored.meta.annotation(annotation::CLAIM)))
    }

    /// The controllers that say what they do, by namespace.
    pub fn installations(&self) -> &[Arc<Installation>] {
        &self.doings.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{good, key, with_annotation},
        object::doing::{Doing, DoingState, Heard},
    };

    fn said(namespace: &str, id: &str, state: DoingState) -> StoredDoings {
        StoredDoings {
            by: Installation {
                namespace: namespace.into(),
                id: id.into(),
                ..Installation::default()
            },
            heard: Heard::Running,
            doings: vec![Doing {
                state,
                ..Doing::of(key("shop", "shop-tls"))
            }],
        }
    }

    #[test]
    fn of_a_claimed_secret_only_its_installation_says_something_and_of_another_each() {
        let mut inventory = Inventory::new("", false);
        let both = || {
            vec![
                said("prod", "a", DoingState::BackOff),
                said("stage", "b", DoingState::Held),
            ]
        };
        let secret = key("shop", "shop-tls");
        let told = |inventory: &Inventory| -> Vec<String> {
            let all = inventory.doings_of(&secret).iter();
            all.map(|one| one.by.namespace.to_string()).collect()
        };
        assert_eq!(inventory.set_doings(both()), BTreeSet::from([secret.clone()]));
        assert_eq!(told(&inventory), ["prod", "stage"]);
        let mut stored = good("shop", "shop-tls", &["shop.example"]);
        stored.meta = with_annotation(stored.meta, annotation::CLAIM, "a");
        inventory.store(stored);
        assert_eq!(told(&inventory), ["prod"]);
        // The same again is no news; that one does not run any more is.
        assert_eq!(inventory.set_doings(both()), BTreeSet::new());
        let mut gone = both();
        gone[0].heard = Heard::Gone { last: None };
        assert_eq!(inventory.set_doings(gone).len(), 1);
        assert_eq!(inventory.set_doings(Vec::new()).len(), 1);
        assert!(inventory.doings_of(&secret).is_empty());
    }
}
