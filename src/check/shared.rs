//! What is the same for every binding of a Secret, judged once for all of them: a Secret may have tens of thousands of bindings and
//! thousands of owners.

use std::collections::HashMap;

use crate::{inventory::Inventory, object::Key};

use super::{
    finding::StalePods,
    ownership,
    verdict::{Collector, Rules},
};

/// From so many bindings on, what is said of a Secret is kept.
const SHARED: usize = 16;

/// What is said of the Secrets that many bindings name. It holds as long as the inventory and the rules stay as they are.
#[derive(Debug, Default)]
pub struct SharedFindings(HashMap<Key, SecretFindings>);

/// What is said of one Secret.
#[derive(Debug)]
struct SecretFindings {
    /// By those who write it.
    owners: Collector,
    /// By those who use it.
    pods: Collector,
}

impl SharedFindings {
    /// Judges the Secrets that many bindings name.
    pub fn new(inventory: &Inventory, rules: &Rules) -> Self {
        let shared = inventory.secrets().named_by(SHARED);
        let said = shared.map(|secret| {
            let mut said = SecretFindings {
                owners: Collector::default(),
                pods: Collector::default(),
            };
            ownership::judge(inventory, &secret, rules, &mut said.owners);
            StalePods::check(inventory, inventory.secrets().get(&secret), &mut said.pods);
            (secret, said)
        });
        Self(said.collect())
    }

    /// Adds what those who write a Secret say.
    pub(super) fn owners(&self, inventory: &Inventory, secret: &Key, rules: &Rules, collector: &mut Collector) {
        match self.0.get(secret) {
            Some(said) => collector.add_all(&said.owners),
            None => ownership::judge(inventory, secret, rules, collector),
        }
    }

    /// Adds what those who use a Secret say.
    pub(super) fn pods(&self, inventory: &Inventory, secret: &Key, collector: &mut Collector) {
        match self.0.get(secret) {
            Some(said) => collector.add_all(&said.pods),
            None => StalePods::check(inventory, inventory.secrets().get(secret), collector),
        }
    }
}
