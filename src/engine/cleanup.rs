//! Finds the objects that killed runs have left, by their marks, and removes them.
//!
//! A run is alive as long as any of its Leases is held. It takes a Lease before it creates anything, and gives the last
//! one back when nothing else is left. For this reason objects of a run without Leases can be removed. Objects have to
//! be listed before Leases.

mod find;
mod plan;
mod remove;
mod undo;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::{
    find::{Doubt, find, find_answers, look, permits_to_find},
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
    /// Its purpose, according to its label.
    pub purpose: Text,
    /// The run that created it.
    pub run: Option<Text>,
    /// The Secret in its own namespace for whose certificate it was created.
    pub about: Option<Key>,
    /// The Secret for whose certificate it was created, in whichever namespace.
    made_for: Option<Key>,
    uid: String,
    expires: Option<Seconds>,
}

/// An order that was not finished.
#[derive(Debug)]
pub struct Unfinished {
    /// The Secret that holds its journal.
    pub thing: Thing,
    /// The entry of the journal.
    pub found: journal::LeftEntry,
}

/// A run that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// The run.
    pub run: Text,
    /// The namespace of its Lease.
    pub namespace: Text,
    /// The Secret that it works on.
    pub secret: Option<Key>,
    /// The user, machine and process of the run.
    pub holder: String,
    /// When the run took the Lease.
    pub since: Seconds,
}

/// What runs have left.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// The journals of unfinished orders.
    pub journals: Vec<Unfinished>,
    /// Objects that answered challenges, and objects that have expired.
    pub things: Vec<Thing>,
    /// Leases that nobody holds.
    pub leases: Vec<Thing>,
    /// Runs that are alive. Their objects stay.
    pub alive: Vec<Alive>,
    /// How many of these objects are being deleted already, so that nothing has to be done about them.
    pub ending: usize,
    /// What could not be listed.
    pub unread: Vec<ApiError>,
    /// Leases that were observed not to be renewed, with their versions.
    observed: BTreeMap<Key, String>,
}

impl Leftovers {
    fn is_anyone_alive(&self, namespace: &str) -> bool {
        self.alive.iter().any(|alive| alive.namespace == namespace)
    }

    /// Skips orders with records that an operator writes by hand, because the user did not ask to be asked about them.
    pub fn leave_manual(&mut self) {
        let by_hand = |left: &Left| matches!(left, Left::Record(written) if written.provider == undo::MANUAL);
        self.journals
            .retain(|journal| !journal.found.entry.left.iter().any(by_hand));
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.journals.is_empty() && self.things.is_empty() && self.leases.is_empty()
    }

    /// How many objects and records would be removed.
    pub fn count(&self) -> usize {
        let left: usize = self.journals.iter().map(|journal| journal.found.entry.left.len()).sum();
        left + self.journals.len() + self.things.len() + self.leases.len()
    }

    /// The rights that the removal needs. Other writes are refused.
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
            // No run may start with a Secret whose order is being removed.
            permits.extend(journal.thing.about.as_ref().map_or_else(Permits::none, lease::permits));
        }
        permits
    }
}

/// Whether the API server is deleting it already, and only waits for something, such as the containers of a Pod or a
/// finalizer.
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
            // Temporary objects for a Secret of another namespace are not about a Secret of this one.
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
