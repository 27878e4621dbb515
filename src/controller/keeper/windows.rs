//! When certificates are renewed by what their CA says (RFC 9773).

use std::{collections::BTreeSet, sync::Arc};

use super::{Keeper, WindowAnswer};
use crate::{
    inventory::Inventory,
    object::{Key, Seconds},
    plan::Target,
};

impl Keeper {
    /// Has the CA asked for the window of a certificate that it issued itself.
    pub(super) fn follow_window(&mut self, secret: &Arc<Key>, target: &Target, now: Seconds) {
        match &target.held {
            Some(held) if target.changes_ca.is_none() => {
                let before = self.ari.certificate_of(secret);
                if let Some(before) = before.filter(|before| *before != held.sha256) {
                    self.windows.remove(&before);
                }
                self.ari.keep(secret, held.sha256, now);
            }
            _ => self.forget_window(secret),
        }
    }

    pub(super) fn forget_window(&mut self, secret: &Key) {
        if let Some(certificate) = self.ari.forget(secret) {
            self.windows.remove(&certificate);
        }
    }

    /// Takes note of what the CA has said of the window of a certificate, and looks at its Secret again. Returns whether the CA
    /// wants a certificate replaced at once that was not due: its window has passed already (RFC 9773, section 4.2).
    pub fn window(&mut self, inventory: &Inventory, secret: &Arc<Key>, answer: &WindowAnswer, now: Seconds) -> bool {
        self.ari.answered(secret, answer.certificate, answer.retry_after, now);
        let Some(window) = answer.window else { return false };
        let was_later = self.queue.get(secret).is_some_and(|queued| queued.task.due_at > now);
        self.windows.insert(answer.certificate, window);
        self.look(inventory, &BTreeSet::from([Key::clone(secret)]), now);
        was_later && window.1 <= now
    }
}
