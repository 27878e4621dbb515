//! The plan of a clean-up: what it would remove, and what it could not.

use super::{
    Leftovers, Trouble,
    undo::{known_to_stay, words},
};
use crate::{engine::journal::Left, solve::dns01::Dns01};

/// The plan for the leftovers that were found. Not cleared for a terminal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What would be removed, one line each, in the order of removal.
    pub goes: Vec<String>,
    /// What would stay, and why.
    pub stays: Vec<Trouble>,
}

impl Leftovers {
    /// What [`Leftovers::remove`] would do, as far as that is known without asking a DNS provider.
    pub async fn plan(&self, dns: Option<&Dns01>) -> Plan {
        let mut plan = Plan::default();
        let mut orders = Vec::new();
        for journal in &self.journals {
            let before = plan.stays.len();
            for left in &journal.found.entry.left {
                let stays = match left {
                    Left::Record(written) => known_to_stay(dns, written).await,
                    Left::Change { .. } => self.waits(left),
                };
                match stays {
                    Some(trouble) => plan.stays.push(trouble),
                    None => plan.goes.push(words(left)),
                }
            }
            if plan.stays.len() == before {
                orders.push(journal.thing.to_string());
            } else {
                // The journal records the leftovers.
                plan.stays.push(Trouble {
                    text: format!("{} stays: it notes what stays", journal.thing),
                    hint: None,
                });
            }
        }
        plan.goes.extend(self.things.iter().map(ToString::to_string));
        plan.goes.extend(orders);
        plan.goes.extend(self.leases.iter().map(ToString::to_string));
        plan
    }
}
