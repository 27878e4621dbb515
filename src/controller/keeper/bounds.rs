//! What the names policy says of Secrets that are kept: names that are left out, and how many certificates a namespace may
//! order anew within a day.
//!
//! How many it has ordered is counted here, and after a restart by the Secrets that were made within the day: the cluster
//! is the ledger. Renewals do not count, and are not held.

use std::collections::{BTreeMap, HashMap};

use super::{Hold, Keeper};
use crate::{
    inventory::Inventory,
    object::{Key, Seconds, Text, annotation},
    plan::{Target, wanted::Bounds},
    text::time::DAY,
};

/// What the policy says.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    of: BTreeMap<Key, Bounds>,
    /// What is left out since somebody asked for it.
    denied_now: Vec<(Key, String)>,
    /// When certificates were ordered anew within a day, by namespace.
    ordered: HashMap<Text, Vec<Seconds>>,
}

impl Bounded {
    pub(super) fn set(&mut self, secret: &Key, bounds: Bounds) {
        if bounds == Bounds::default() {
            return self.forget(secret);
        }
        let before = self.denied(secret);
        if let Some(denied) = bounds.denied.as_deref().filter(|denied| before != Some(denied)) {
            self.denied_now.push((secret.clone(), denied.to_owned()));
        }
        self.of.insert(secret.clone(), bounds);
    }

    pub(super) fn forget(&mut self, secret: &Key) {
        self.of.remove(secret);
    }

    /// The names of a Secret that are left out, with the reason.
    pub(super) fn denied(&self, secret: &Key) -> Option<&str> {
        self.of.get(secret)?.denied.as_deref()
    }
}

impl Keeper {
    /// What is known of a namespace: the Secrets that are kept or held.
    pub(super) fn of_namespace(&self, namespace: &Text) -> Vec<Key> {
        let held = self.held.keys().filter(|secret| secret.namespace == *namespace);
        let queued = self.queue.iter().map(|queued| &*queued.task.secret);
        let queued = queued.filter(|secret| secret.namespace == *namespace);
        held.chain(queued).cloned().collect()
    }

    /// The Secrets of which names are left out since this was asked last, and why.
    pub fn take_denied_now(&mut self) -> Vec<(Key, String)> {
        std::mem::take(&mut self.bounded.denied_now)
    }

    /// Whether the namespace of a target that is ordered next has ordered enough for a day. It is held then; otherwise its
    /// order counts. `is_renewal`: it has a certificate for all of its names.
    pub fn is_beyond_day(&mut self, inventory: &Inventory, target: &Target, is_renewal: bool, now: Seconds) -> bool {
        let secret = &target.secret;
        let limit = self.bounded.of.get(secret).and_then(|bounds| bounds.orders_a_day);
        let Some(most) = limit.filter(|_| !is_renewal) else {
            return false;
        };
        let namespace = &secret.namespace;
        let ordered = self.bounded.ordered.entry(namespace.clone()).or_default();
        ordered.retain(|at| now.saturating_sub(*at) < DAY);
        let made = inventory.secrets().iter().filter(|stored| {
            stored.meta.namespace == *namespace && stored.meta.annotation(annotation::CLAIM).is_some()
        });
        let mut made: Vec<Seconds> = made
            .filter_map(|stored| stored.meta.created)
            .filter(|at| now.saturating_sub(*at) < DAY)
            .collect();
        made.sort_unstable();
        let count = ordered.len().max(made.len());
        if count < most {
            ordered.push(now);
            return false;
        }
        // The one that leaves the day next makes room, of as many as are too many.
        let times = if made.len() > ordered.len() { &made } else { &*ordered };
        let freed = times.get(count.saturating_sub(most.max(1))).copied().unwrap_or(now);
        let until = freed.saturating_add(DAY);
        let hold = Hold::OrdersADay {
            namespace: namespace.clone(),
            most,
            until,
        };
        let secret = secret.clone();
        self.hold_for_a_time(&secret, hold, until, now);
        true
    }
}
