//! How everything stands at a moment, for metrics, for health checks and for whoever else asks.

use tokio::sync::{mpsc, oneshot, watch};

use super::{keeper::Keeper, overview::Overview};
use crate::{
    inventory::Inventory,
    object::{
        Key, Seconds, Text,
        doing::{Doing, Rehearsal},
    },
    plan::limits::Left,
};

/// What is asked of the loop from beside it.
#[derive(Debug)]
pub enum Ask {
    /// Whether it goes on.
    Alive(oneshot::Sender<()>),
    /// How everything stands.
    Snapshot(oneshot::Sender<Snapshot>),
}

/// How far the controller has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// It reads the cluster.
    #[default]
    Reading,
    /// It waits for an account.
    WithoutAccount,
    /// Its loop goes on, and answers.
    Going,
}

/// Whoever asks the loop.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Takes questions, which are answered from [`Stage::Going`] on.
    pub asks: mpsc::Sender<Ask>,
    /// How far it has come.
    pub stage: watch::Receiver<Stage>,
}

/// What the loop answers.
#[derive(Debug)]
pub struct Inbox {
    /// The questions.
    pub asks: mpsc::Receiver<Ask>,
    /// How far it has come.
    pub stage: watch::Sender<Stage>,
}

/// A connected pair.
pub fn asking() -> (Asking, Inbox) {
    let (ask, asks) = mpsc::channel(16);
    let (tell, stage) = watch::channel(Stage::Reading);
    (Asking { asks: ask, stage }, Inbox { asks, stage: tell })
}

/// How everything stands. Moments are in seconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The moment.
    pub at: Seconds,
    /// Whether this process orders.
    pub leads: bool,
    /// Whether somebody has told it to order, and nobody to pause.
    pub orders: bool,
    /// Since when it is paused; `None` if it is not.
    pub paused_since: Option<Seconds>,
    /// Whether there is an account.
    pub has_account: bool,
    /// The name of the issuer.
    pub issuer: String,
    /// Since when the CA is down; `None` if it is not.
    pub ca_down_since: Option<Seconds>,
    /// The issuers besides that one.
    pub others: Vec<OtherIssuer>,
    /// How many certificates could be ordered at none of them.
    pub bound: usize,
    /// When everything was last judged.
    pub judged_at: Seconds,
    /// The Secrets for which routes ask, in few numbers.
    pub certificates: Overview,
    /// How many certificates have ended without being renewed, since this process began.
    pub missed: u64,
    /// How many orders have ended since this process began, by how.
    pub results: Vec<(&'static str, u64)>,
    /// What is left of the limits of the CA.
    pub limits: Vec<Left>,
}

/// How it stands with an issuer besides the first.
#[derive(Debug, Clone, Default)]
pub struct OtherIssuer {
    /// Its name.
    pub name: String,
    /// Since when its CA is down; `None` if it is not.
    pub down_since: Option<Seconds>,
    /// What came of the last rehearsal of a change to it.
    pub rehearsal: Option<Rehearsal>,
    /// What is left of its limits.
    pub limits: Vec<Left>,
}

/// How it stands with one Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// The Secret.
    pub secret: Key,
    /// The state in one word: `Scheduled`, `Ready`, `Running`, `BackOff`, `Waiting`, `Limited` or `Held`.
    pub state: &'static str,
    /// The reason in one word, for a label: of `Held` the rule.
    pub reason: Text,
    /// The reason in words.
    pub message: Text,
    /// When it goes on; `None` if time alone changes nothing.
    pub until: Option<Seconds>,
    /// The last second of the present certificate; `None` without one.
    pub not_after: Option<Seconds>,
    /// The first second of the present certificate.
    pub not_before: Option<Seconds>,
    /// How many orders have failed in a row.
    pub failures: u32,
    /// What failed after the certificate was stored, if anything did.
    pub after: Option<Text>,
    /// New names without which it was issued, and why.
    pub without: Option<Text>,
    /// The issuer at which it is ordered next, if that is not the first one.
    pub elsewhere: Option<Text>,
}

impl CertificateState {
    fn of(inventory: &Inventory, doing: Doing) -> Self {
        let leaf = inventory.secrets().get(&doing.secret).and_then(|stored| stored.leaf());
        Self {
            state: doing.state.as_str(),
            reason: doing.reason,
            message: doing.message,
            until: doing.until,
            not_after: leaf.map(|leaf| leaf.not_after),
            not_before: leaf.map(|leaf| leaf.not_before),
            failures: doing.failures,
            after: doing.after.map(|after| after.message),
            without: doing.without,
            elsewhere: doing.elsewhere.map(|(issuer, _)| issuer),
            secret: doing.secret,
        }
    }

    /// Which share of its life the present certificate has left, from 0 to 1; `None` without one.
    pub fn life_left(&self, now: Seconds) -> Option<f64> {
        let (begins, ends) = (self.not_before?, self.not_after?);
        let whole = ends.saturating_sub(begins).max(1);
        let left = ends.saturating_sub(now).clamp(0, whole);
        #[allow(clippy::cast_precision_loss)] // A life of 2^53 seconds is none.
        Some(left as f64 / whole as f64)
    }
}

/// How it stands with every Secret for which a route asks.
pub fn certificates<'a>(
    keeper: &'a Keeper,
    inventory: &'a Inventory,
    now: Seconds,
) -> impl Iterator<Item = CertificateState> + 'a {
    let doings = keeper.doings(now, true);
    doings.map(|doing| CertificateState::of(inventory, doing))
}
