//! What runs that were killed have left: found by its marks, and removed.
//!
//! A run is alive while any of its Leases is held. It takes one before it makes anything and gives the last one back when
//! nothing else is left, so what is of a run without Leases can go: objects are listed first, and Leases after them.

mod find;
mod plan;
mod remove;
mod undo;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::{
    find::{Doubt, find, look, permits_to_find},
    plan::Plan,
    remove::Removed,
    undo::{Trouble, Undone, record, undo},
};
use super::{
    journal::{self, Left},
    lease,
};
use crate::{
    apply::{
        ApiError, Permit, Permits, Verb,
        mark::{EXPIRES, FOR, PURPOSE, RUN},
    },
    object::resource::Resource,
    object::{Key, Seconds, Text},
    text::time::parse_time,
};

/// A temporary object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its kind.
    pub resource: Resource,
    /// Its name.
    pub key: Key,
    /// What it is for, as its label says.
    pub purpose: Text,
    /// The run that made it.
    pub run: Option<Text>,
    /// The Secret of its namespace whose certificate it is for.
    pub about: Option<Key>,
    /// The same, whichever namespace it is of.
    made_for: Option<Key>,
    uid: String,
    expires: Option<Seconds>,
}

/// An order that was not finished.
#[derive(Debug)]
pub struct Unfinished {
    /// The Secret that keeps it.
    pub thing: Thing,
    /// What it says.
    pub found: journal::LeftEntry,
}

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// The run.
    pub run: Text,
    /// The namespace.
    pub namespace: Text,
    /// The Secret that it works on.
    pub secret: Option<Key>,
    /// Who.
    pub holder: String,
    /// Since when.
    pub since: Seconds,
}

/// What there is.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Orders that were not finished.
    pub journals: Vec<Unfinished>,
    /// What answered challenges, and what has expired.
    pub things: Vec<Thing>,
    /// Leases that nobody holds.
    pub leases: Vec<Thing>,
    /// Who is at work: what is theirs stays.
    pub alive: Vec<Alive>,
    /// How many of such objects are being deleted already: there is nothing to do about these.
    pub ending: usize,
    /// What could not be listed.
    pub unread: Vec<ApiError>,
    /// The Leases that were seen not to be renewed, with their versions.
    observed: BTreeMap<Key, String>,
}

impl Leftovers {
    fn is_anyone_alive(&self, namespace: &str) -> bool {
        self.alive.iter().any(|alive| alive.namespace == namespace)
    }

    /// Leaves orders with records that an operator writes by hand: nobody has asked to be asked.
    pub fn leave_manual(&mut self) {
        let by_hand = |left: &Left| matches!(left, Left::Record(written) if written.provider == undo::MANUAL);
        self.journals
            .retain(|journal| !journal.found.entry.left.iter().any(by_hand));
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.journals.is_empty() && self.things.is_empty() && self.leases.is_empty()
    }

    /// How many objects and records would go.
    pub fn count(&self) -> usize {
        let left: usize = self.journals.iter().map(|journal| journal.found.entry.left.len()).sum();
        left + self.journals.len() + self.things.len() + self.leases.len()
    }

    /// What is written: for the rights, and against everything else.
    pub fn permits(&self) -> Permits {
        let mut permits = Permits::none();
        let delete = |thing: &Thing| {
            Permit::one(
                &[Verb::Delete],
                thing.resource,
                thing.key.namespace.clone(),
                thing.key.name.clone(),
            )
        };
        for thing in self.things.iter().chain(&self.leases) {
            permits.add(delete(thing));
        }
        for journal in &self.journals {
            permits.add(delete(&journal.thing));
            permits.extend(undo::permits(&journal.found.entry.left));
            // Nobody begins with a Secret whose order is being put away.
            permits.extend(journal.thing.about.as_ref().map_or_else(Permits::none, lease::permits));
        }
        permits
    }
}

/// Whether the API server deletes it already, and only waits for something: a Pod's containers, a finalizer.
fn is_ending(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

impl Thing {
    fn of(resource: Resource, object: &Value) -> Self {
        let meta = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let about = meta["annotations"][FOR].as_str().and_then(|of| of.split_once('/'));
        let about = about.map(|(namespace, name)| Key::new(namespace, name));
        Self {
            resource,
            key: Key::new(text(&meta["namespace"]), text(&meta["name"])),
            purpose: text(&meta["labels"][PURPOSE]).into(),
            run: meta["labels"][RUN].as_str().map(Into::into),
            // Another namespace's Secret has its temporary objects there.
            about: about
                .clone()
                .filter(|key| Some(key.namespace.as_str()) == meta["namespace"].as_str()),
            made_for: about,
            uid: text(&meta["uid"]),
            expires: meta["annotations"][EXPIRES].as_str().and_then(parse_time),
        }
    }
}

impl Thing {
    fn has_expired(&self, now: Seconds) -> bool {
        self.expires.is_some_and(|at| at < now)
    }
}

impl std::fmt::Display for Thing {
    /// `Job shop/kubectl-certs-solver-abc (solver of run def, for Secret shop/shop-tls)`. Not cleared for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({}", self.resource.kind, self.key, self.purpose)?;
        if let Some(run) = &self.run {
            write!(f, " of run {run}")?;
        }
        if let Some(secret) = &self.about {
            write!(f, ", for Secret {secret}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
