//! Rows while the lists arrive.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::UnboundedSender;

use super::ReadingParts;
use crate::{
    check::{Reason, Rules, Select, SharedFindings},
    clock::now,
    inventory::{BindingId, Inventory},
    object::{Kind, Seconds},
    scan::evaluate,
    tui::{Message, item::Item},
};

/// While lists arrive, rows are told about so often.
const LOOK: Duration = Duration::from_millis(80);

/// Rows before everything has been read: of what is complete already, as far as that can be told.
pub(super) struct Early {
    sink: UnboundedSender<Message>,
    rules: Rules,
    select: Select,
    told: HashSet<BindingId>,
    /// Whether rows are told before all has been read.
    pub(super) tells: bool,
    last: Instant,
}

impl Early {
    pub(super) fn new(reader: &ReadingParts) -> Self {
        let check = &reader.args.check;
        Self {
            sink: reader.sink.clone(),
            rules: Rules {
                now: reader.at.unwrap_or_else(now),
                expiring_within: check.expiring_within.and_then(|d| Seconds::try_from(d.as_secs()).ok()),
            },
            select: Select {
                min_severity: check.min_severity.map(Into::into),
                only: check.reason.iter().copied().collect(),
                ignored: check.ignore.iter().copied().collect(),
                unread: [Reason::OrphanSecret, Reason::StalePods].into(),
            },
            told: HashSet::new(),
            tells: true,
            last: Instant::now(),
        }
    }

    pub(super) fn look(&mut self, inventory: &mut Inventory) {
        if self.last.elapsed() < LOOK {
            return;
        }
        inventory.derive();
        let mut set = Vec::new();
        // Until the classes are there, nobody knows which controller serves a route.
        if self.tells && inventory.knows_all(Kind::IngressClass) {
            let inventory = &*inventory;
            let shared = SharedFindings::default();
            for (id, binding) in inventory.bindings().iter() {
                let there = !binding.secrets.is_empty()
                    && binding.secrets.iter().all(|key| inventory.secrets().get(key).is_some());
                if !there || !self.told.insert(id) {
                    continue;
                }
                let judged = evaluate::binding(inventory, id, self.rules, &self.select, None, &shared);
                let judged = judged.filter(|one| one.chosen);
                set.extend(judged.and_then(|judged| Item::new(inventory, &judged)));
            }
        }
        let _ = self.sink.send(Message::Progress {
            hosts: inventory.bindings().iter().count(),
            secrets: inventory.secrets().len(),
        });
        if !set.is_empty() {
            let _ = self.sink.send(Message::Rows {
                whole: false,
                set,
                gone: Vec::new(),
            });
        }
        self.last = Instant::now();
    }
}
