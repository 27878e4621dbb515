//! What the names policy says of Secrets that are kept: names that are left out, and how many certificates a namespace may
//! order anew within a day.
//!
//! How many it has ordered is counted here, and after a restart or a change of leader by what is kept beside the account: the
//! cluster is the ledger. Renewals do not count, and are not held.

use std::collections::{BTreeMap, HashMap};

use super::{Hold, Keeper};
use crate::{
    apply::Purpose,
    inventory::{Inventory, Stored},
    object::{Key, Seconds, Text, annotation},
    plan::{Target, limits::OrderKind, wanted::Bounds},
    text::time::DAY,
};

/// The data key that a kept pair has if it replaced another one.
const FORMER: &str = crate::apply::kept::FORMER[0];

/// Within how many seconds a new pair is kept and stored.
const JUST: u64 = 300;

/// What the policy says.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    of: BTreeMap<Key, Bounds>,
    /// What is left out since somebody asked for it.
    denied_now: Vec<(Key, String)>,
    /// When certificates were ordered anew within a day, and for which Secrets, by namespace.
    ordered: HashMap<Text, Vec<(Seconds, Text)>>,
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
        let is_of_day = |at: Seconds| now.saturating_sub(at) < DAY;
        ordered.retain(|(at, _)| is_of_day(*at));
        let mut of_secrets: BTreeMap<&str, Vec<Seconds>> = BTreeMap::new();
        for (at, name) in ordered.iter() {
            of_secrets.entry(name).or_default().push(*at);
        }
        let made = made(inventory, namespace);
        // What this process has ordered is among what is there, as soon as it is stored.
        for (name, at) in made.iter().filter(|(_, at)| is_of_day(**at)) {
            of_secrets.entry(name).or_insert_with(|| vec![*at]);
        }
        let mut times: Vec<Seconds> = of_secrets.into_values().flatten().collect();
        times.sort_unstable();
        if times.len() < most {
            ordered.push((now, secret.name.clone()));
            return false;
        }
        // The one that leaves the day next makes room, of as many as are too many.
        let freed = times.get(times.len() - most.max(1)).copied().unwrap_or(now);
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

/// When the last certificate of each Secret of a namespace was ordered anew, as far as that can be seen. The pairs that are kept
/// beside the account say it, because who may write Secrets in the namespace can neither remove nor make one; of a Secret without
/// one, the moment at which it was made.
fn made(inventory: &Inventory, namespace: &str) -> BTreeMap<Text, Seconds> {
    let (mut kept, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for stored in inventory.secrets().iter() {
        let meta = &stored.meta;
        if meta.namespace == namespace && meta.annotation(annotation::CLAIM).is_some() {
            secrets.extend(meta.created.map(|at| (meta.name.clone(), at)));
        }
        if !inventory.is_home(&meta.namespace) {
            continue;
        }
        // The name is a hash, which is made of those of this namespace alone.
        if let Some(of) = meta.annotation(annotation::MADE_FOR)
            && let Some((_, name)) = of.split_once('/').filter(|(of, _)| *of == namespace)
            && meta.name == Purpose::Kept.name(of)
        {
            kept.insert(Text::from(name), stored);
        }
    }
    let mut made = secrets.clone();
    for (name, stored) in kept {
        let at = ordered_anew(stored, secrets.get(&name).copied());
        match at {
            Some(at) => drop(made.insert(name, at)),
            // It was put back, or renewed.
            None => drop(made.remove(&name)),
        }
    }
    made
}

/// When a kept pair was ordered anew, in seconds since 1970: `None` for one that renews another. `made_at` is the moment at which
/// its Secret was made.
fn ordered_anew(kept: &Stored, made_at: Option<Seconds>) -> Option<Seconds> {
    let first_kept = kept.meta.created?;
    let is_first = !kept.other_keys.iter().any(|key| key == FORMER);
    // What was renewed within the day was new within it, unless it was there before it was kept.
    if is_first || made_at.is_some_and(|at| at.abs_diff(first_kept) < JUST) {
        return Some(first_kept);
    }
    // More names, at a CA whose limits are counted.
    let is_new = kept.meta.annotation(annotation::ISSUED_KIND) == Some(OrderKind::New.as_str());
    kept.leaf().filter(|_| is_new).map(|leaf| leaf.not_before)
}
