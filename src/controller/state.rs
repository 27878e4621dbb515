//! How everything stands at a moment, for metrics, for `why` and for whoever else asks.

use super::{keeper::Keeper, queue::TaskState};
use crate::{
    inventory::Inventory,
    object::{Key, Seconds},
};

/// How everything stands. Moments are in seconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The moment.
    pub at: Seconds,
    /// Whether this process orders.
    pub leads: bool,
    /// Whether somebody has told it to order, and nobody to pause.
    pub orders: bool,
    /// Whether there is an account.
    pub has_account: bool,
    /// The name of the issuer.
    pub issuer: String,
    /// Since when the CA is down; `None` if it is not.
    pub ca_down_since: Option<Seconds>,
    /// When everything was last judged.
    pub judged_at: Seconds,
    /// The Secrets for which routes ask.
    pub certificates: Vec<CertificateState>,
    /// How many certificates were not renewed before they ended, since this process began.
    pub missed: u64,
    /// What is left of the limits of the CA: the name of each and the number.
    pub limits: Vec<(&'static str, i64)>,
}

/// How it stands with one Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// The Secret.
    pub secret: Key,
    /// The state in one word: `Scheduled`, `Ready`, `Running`, `BackOff`, `Waiting`, `Limited` or `Held`.
    pub state: &'static str,
    /// The reason in one word, for a label: of `Held` the rule.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// When it goes on; `None` if time alone changes nothing.
    pub until: Option<Seconds>,
    /// The last second of the present certificate; `None` without one.
    pub not_after: Option<Seconds>,
    /// The first second of the present certificate.
    pub not_before: Option<Seconds>,
    /// How many orders have failed in a row.
    pub failures: u32,
    /// What failed after the certificate was stored, if anything did.
    pub after: Option<String>,
}

impl CertificateState {
    fn of(inventory: &Inventory, secret: &Key) -> Self {
        let leaf = inventory.secrets().get(secret).and_then(|stored| stored.leaf());
        Self {
            secret: secret.clone(),
            state: "Scheduled",
            reason: String::new(),
            message: String::new(),
            until: None,
            not_after: leaf.map(|leaf| leaf.not_after),
            not_before: leaf.map(|leaf| leaf.not_before),
            failures: 0,
            after: None,
        }
    }
}

/// How it stands with every Secret for which a route asks.
pub fn certificates(keeper: &Keeper, inventory: &Inventory) -> Vec<CertificateState> {
    let queued = keeper.queue.iter().map(|queued| {
        let (state, message) = match &queued.state {
            TaskState::Scheduled { .. } => ("Scheduled", String::new()),
            TaskState::Ready => ("Ready", String::new()),
            TaskState::Running { .. } => ("Running", String::new()),
            TaskState::BackOff { reason, .. } => ("BackOff", reason.to_string()),
            TaskState::Waiting { reason, .. } => ("Waiting", reason.to_string()),
            TaskState::Limited { limit, .. } => ("Limited", limit.to_string()),
            TaskState::Held { rule } => ("Held", rule.to_string()),
        };
        let trouble = keeper.trouble().get(&queued.task.secret);
        CertificateState {
            state,
            reason: queued.task.kind.as_str().to_owned(),
            message,
            until: queued.state.until(),
            failures: queued.failures,
            after: trouble.and_then(|trouble| trouble.after.clone().or_else(|| trouble.without.clone())),
            ..CertificateState::of(inventory, &queued.task.secret)
        }
    });
    let held = keeper.held().iter().map(|(secret, hold)| CertificateState {
        state: "Held",
        reason: hold.reason().to_owned(),
        message: hold.to_string(),
        ..CertificateState::of(inventory, secret)
    });
    queued.chain(held).collect()
}
