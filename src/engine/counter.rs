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
        // Of a moment that is known to the second, its end: a CA counts in parts of one, and must not be asked before it permits.
        self.ledger.ordered(names, kind, crate::clock::now().saturating_add(1));
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
