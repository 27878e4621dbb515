//! Findings that are the same for every binding of a Secret, judged once for all of them: a Secret may have tens of
//! thousands of bindings and thousands of owners.

use std::collections::HashMap;

use crate::{inventory::Inventory, object::Key};

use super::{
    finding::StalePods,
    ownership,
    verdict::{Collector, Rules},
};

/// The number of bindings from which on the findings of a Secret are kept.
const SHARED: usize = 16;

/// The findings of Secrets that many bindings name. They are valid as long as the inventory and the rules stay the
/// same.
#[derive(Debug, Default)]
pub struct SharedFindings(HashMap<Key, SecretFindings>);

/// The findings of one Secret.
#[derive(Debug)]
struct SecretFindings {
    /// Findings about the owners that write it.
    owners: Collector,
    /// Findings about the Pods that use it.
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

    /// Adds the findings about the owners that write a Secret.
    pub(super) fn owners(&self, inventory: &Inventory, secret: &Key, rules: &Rules, collector: &mut Collector) {
        match self.0.get(secret) {
            Some(said) => collector.add_all(&said.owners),
            None => ownership::judge(inventory, secret, rules, collector),
        }
    }

    /// Adds the findings about the Pods that use a Secret.
    pub(super) fn pods(&self, inventory: &Inventory, secret: &Key, collector: &mut Collector) {
        match self.0.get(secret) {
            Some(said) => collector.add_all(&said.pods),
            None => StalePods::check(inventory, inventory.secrets().get(secret), collector),
        }
    }
}
