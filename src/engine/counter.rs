//! Counts the orders of a run towards the limits of its CA, in the ledger of the account and beside what the certificates
//! of the cluster show.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ledger::Ledger;
use crate::{
    name::Name,
    object::Seconds,
    plan::limits::{self, Exceeded, Limits, OrderKind, Seen, set_of},
};

/// Counts the orders of one run.
pub(super) struct Counter {
    ledger: Ledger,
    seen: Mutex<Seen>,
}

impl Counter {
    /// Counts in a ledger, given what certificates show.
    pub(super) fn new(ledger: Ledger, seen: Seen) -> Self {
        Self {
            ledger,
            seen: Mutex::new(seen),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an order for these names counts towards. `in_window` says that it names the certificate which it replaces,
    /// within the window of that certificate.
    pub(super) fn kind(&self, names: &[Name], in_window: bool) -> OrderKind {
        let Some(limits) = self.ledger.limits() else {
            return OrderKind::New;
        };
        OrderKind::of(limits, is_known(&self.seen(), &self.ledger, names), in_window)
    }

    /// The limit among `limits` that one more order would exceed.
    pub(super) fn exceeded(&self, limits: &Limits, names: &[Name], in_window: bool, now: Seconds) -> Option<Exceeded> {
        let kind = self.kind(names, in_window);
        let seen = self.seen();
        self.ledger
            .look(|own| limits::exceeded(limits, &[own, seen.buckets()], names, kind, now))
    }

    /// Counts an order for these names that the CA took.
    pub(super) fn ordered(&self, names: &[Name], kind: OrderKind) {
        self.ledger.ordered(names, kind, crate::clock::now());
    }

    /// Counts a certificate that the CA issued.
    pub(super) fn issued(&self, names: &[Name], kind: OrderKind) {
        let now = crate::clock::now();
        self.ledger.issued(names, kind, now);
        if let Some(limits) = self.ledger.limits() {
            self.seen().issued(limits, names, kind, now);
        }
    }

    /// Counts a name whose validation failed.
    pub(super) fn failed(&self, name: &Name) {
        self.ledger.failed(name, crate::clock::now());
    }
}

/// Whether there has been a certificate for exactly these names, according to the certificates of the cluster or to the
/// ledger, which remembers one for as long as it counts.
pub(super) fn is_known(seen: &Seen, ledger: &Ledger, names: &[Name]) -> bool {
    seen.knows(names) || ledger.look(|own| own.sets.contains_key(&set_of(names)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ledger::LedgerStore;

    #[tokio::test]
    async fn an_order_takes_one_of_those_that_are_left_from_the_very_second_in_which_it_is_made() {
        let limits = Limits::of([2, 0, 0, 0], true);
        let names = ["shop.example".parse().unwrap()];
        let exceeded = |counter: &Counter, now| counter.exceeded(&limits, &names, false, now);
        let open = || Ledger::open(LedgerStore::Nowhere, "https://ca.example/acct/1", Some(limits), 0);
        let counter = Counter::new(open().await, Seen::default());
        let before = crate::clock::now();
        counter.ordered(&names, OrderKind::New);
        assert_eq!(exceeded(&counter, before), None);
        counter.ordered(&names, OrderKind::New);
        let refused = exceeded(&counter, before).unwrap();
        assert_eq!(refused.left, 0);
        assert!((5_400..=5_402).contains(&(refused.possible_at - before)), "{refused}");
    }
}
