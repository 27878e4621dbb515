//! One process of an install issues: it holds the leader's Lease (coordination.k8s.io/v1).
//!
//! ```text
//! Elector::run ─→ Leadership ─→ watch: State (Follower | Leader with its Epoch)
//!                      └──────→ permit: Permission, which newOrder, finalize and writes take
//! ```
//!
//! - The Lease is renewed every two seconds. A leader that has not renewed it for ten, by the clock that goes on while a machine
//!   sleeps, has no [`Permission`] any more; others take it once they have seen it unchanged for fifteen, by their own
//!   clocks. What clocks of machines say does not matter.
//! - The Lease is never deleted: it is given back by an empty holder, and each acquisition adds one to its transitions. An
//!   [`Epoch`] is compared for equality alone: a Lease that was deleted, or restored from a backup, makes another one.
//! - A term that has ended does not begin again: the process competes for another.

mod elector;
mod identity;
mod permission;
mod record;

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

pub use elector::{Elector, elector};
pub use identity::Identity;
pub use permission::{Epoch, InTerm, Leadership, NotLeader, Permission, State};

use crate::{
    apply::{Permit, Permits, Verb, mark::MANAGED_BY},
    k8s::{MANAGER, Marked as _, Own as _},
    object::{Key, resource::LEASE},
};

/// The usual name of the leader's Lease.
pub const NAME: &str = "kubectl-certs-controller";

/// How long things take that concern the leader's Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long others see it unchanged before they take it.
    pub lasts: Duration,
    /// How long after its last renewal a leader may act. It is less than [`Self::lasts`] by what a request takes that was
    /// begun in time.
    pub deadline: Duration,
    /// How often the leader renews it, and how often at least others look whether it is free.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lasts: Duration::from_secs(15),
            deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// How long one request may take: a leader has time for three until its deadline.
    fn request(&self) -> Duration {
        self.deadline / 3
    }

    /// The longest pause between two looks of those that do not lead: what is left of [`Self::retry`] is for the requests.
    fn look(&self) -> Duration {
        self.retry * 17 / 20
    }
}

/// The rights that the leader's Lease needs. Deleting it is none of them.
pub fn permits(lease: &Key) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    Permits::none().with(Permit::one(&verbs, LEASE, lease.namespace.clone(), lease.name.clone()))
}

/// The leader's Lease that nobody holds, for the installation: the first leader takes it at once. Where it is absent, it may
/// have been deleted while somebody leads: the first leader begins only after [`Timing::lasts`].
pub fn vacant(lease: &Key) -> Value {
    let mut vacant = Lease {
        metadata: ObjectMeta {
            namespace: Some(lease.namespace.to_string()),
            name: Some(lease.name.to_string()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec::default()),
    };
    vacant.label(MANAGED_BY, MANAGER);
    vacant.json()
}
