//! A run: everything that its certificates share, and many of them at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{
    brake::{Brake, GoOn},
    cancel::Cancel,
    choose::Solvers,
    failure::CourseError,
    hosts::Hosts,
    journal,
    journals::Journals,
    lease::{self, Lease},
    ledger::Ledger,
    restarts::Restarts,
    rivals::Rivals,
    store::Destination,
    turns::Turns,
};
use crate::{
    acme::{Client, Issuer},
    apply::{KeyKind, RunId, pair::Roots, secret::Slots},
    error::Diagnose,
    event::{EventKind, Teller},
    name::Name,
    net::HostPort,
    object::{Key, Seconds},
    plan::{
        Target,
        limits::{Limits, Past},
    },
    solve::Solve,
};

/// How many more certificates may be looked at until they are served, for each that is being ordered.
const LOOKED_AT: usize = 8;

/// How certificates are ordered and stored.
#[allow(clippy::struct_excessive_bools)] // Each is a choice of its own.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether nothing that serves traffic is changed.
    pub rehearsal: bool,
    /// The new keys; `None` keeps the present certificate's kind.
    pub key_kind: Option<KeyKind>,
    /// Whether the private key stays.
    pub reuse_key: bool,
    /// How many at once.
    pub concurrency: usize,
    /// The CA's rate limits, where they are known and count.
    pub limits: Option<Limits>,
    /// What others' ownership, staging and keystores do not stop.
    pub force: bool,
    /// Whether a staging certificate replaces a trusted one.
    pub overwrite_with_staging: bool,
    /// The Secret's data keys; `None`: the usual ones.
    pub slots: Slots,
    /// What the chain has to reach.
    pub roots: Roots,
    /// How long the new certificate may take to be served; zero: it is not looked at.
    pub wait: Duration,
    /// Where the routes are reached from here.
    pub connect: Option<HostPort>,
}

/// What all orders with an account share, for as long as a program works with it: runs come and go.
pub struct Standing {
    pub(super) ledger: Ledger,
    /// The orders under way.
    pub(super) journals: Arc<Journals>,
    /// Who has a turn with which host.
    pub(super) hosts: Hosts,
    /// Whose turn it is.
    pub(super) turns: Turns,
}

impl Standing {
    /// For an account: what it has ordered, and how many orders are under way at once.
    pub fn new(ledger: Ledger, concurrency: usize) -> Self {
        Self {
            ledger,
            journals: Arc::default(),
            hosts: Hosts::default(),
            turns: Turns::new(concurrency),
        }
    }

    /// The orders under way.
    pub fn journals(&self) -> &Arc<Journals> {
        &self.journals
    }
}

/// What a run is made of.
pub struct Parts {
    /// What it shares with the other runs of its account.
    pub standing: Arc<Standing>,
    /// Its id, on everything that it makes.
    pub id: RunId,
    /// The account.
    pub client: Client,
    /// The CA.
    pub issuer: Issuer,
    /// Where orders are kept.
    pub journal: journal::JournalStore,
    /// What answers challenges.
    pub solvers: Solvers,
    /// Where certificates go.
    pub destination: Destination,
    /// What the cluster's certificates show of the CA's limits.
    pub seen: Vec<Past>,
    /// What is restarted for each Secret.
    pub restarts: BTreeMap<Key, Restarts>,
    /// Which other routes may take the hosts.
    pub rivals: Rivals,
    /// Who is asked where one after another fails alike.
    pub asks: Arc<dyn GoOn>,
    /// What ends it early.
    pub cancel: Cancel,
    /// Who is told.
    pub tell: Teller,
    /// How certificates are ordered and stored.
    pub options: Options,
}

/// What all certificates of a run share.
pub struct Run {
    pub(super) parts: Parts,
    /// The Lease that was given back last: it is held until what all share is gone too, so that the run is seen to be alive.
    last: tokio::sync::Mutex<Option<Lease>>,
    /// The Leases of the Secrets that what all share was made for: whoever finds those objects asks for them.
    kept: tokio::sync::Mutex<Vec<Lease>>,
    /// Stops it where one after another fails alike.
    brake: Brake,
}

/// What a certificate came to.
#[derive(Debug)]
pub struct Issued {
    /// What it was ordered for.
    pub names: Vec<Name>,
    /// Its last second.
    pub not_after: Seconds,
    /// Where it is stored; `None` after a rehearsal.
    pub place: Option<String>,
}

/// How the course of one certificate ended.
#[derive(Debug)]
pub struct Outcome {
    /// The Secret.
    pub secret: Key,
    /// What the certificate has; what it was to have, where there is none.
    pub names: Vec<Name>,
    /// Who issued the certificate before, and who was to issue this one, where that is another CA.
    pub changes_ca: Option<(String, String)>,
    /// Whether the Secret had no certificate before.
    pub first: bool,
    /// What it came to. With an error, something may be stored all the same: the error says so.
    pub result: Result<Issued, CourseError>,
    /// How long it took.
    pub took: Duration,
}

impl Run {
    /// A run that has not begun.
    pub fn new(parts: Parts) -> Self {
        Self {
            brake: Brake::new(Arc::clone(&parts.asks)),
            last: tokio::sync::Mutex::default(),
            kept: tokio::sync::Mutex::default(),
            parts,
        }
    }

    /// Carries all out, several at once. One that fails stops no other. After Ctrl-C what is under way is given up and
    /// cleaned up, and what has not begun is not begun.
    pub async fn all(&self, targets: &[Target]) -> Vec<Outcome> {
        self.parts.cancel.begin();
        self.brake.expect(targets.len());
        // In the order in which they end: one that takes long must not keep others from beginning.
        let mut outcomes: Vec<(usize, Outcome)> = stream::iter(targets.iter().enumerate())
            .map(|(at, target)| async move { (at, Box::pin(self.one(target)).await) })
            .buffer_unordered(self.parts.options.concurrency.max(1).saturating_mul(1 + LOOKED_AT))
            .collect()
            .await;
        self.finish().await;
        outcomes.sort_unstable_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn one(&self, target: &Target) -> Outcome {
        self.parts.standing.turns.take(&target.secret).await;
        let began = tokio::time::Instant::now();
        let tell = self.parts.tell.about(target.secret.clone());
        let result = if self.parts.cancel.is_cancelled() {
            Err(CourseError::Interrupted)
        } else if !self.brake.may_begin().await {
            Err(CourseError::Stopped)
        } else {
            Box::pin(self.course(target, &tell)).await
        };
        self.brake.ended(target, result.as_ref().err()).await;
        self.parts.standing.turns.give_back(&target.secret);
        let mut names = target.names.order.clone();
        if let Err(error) = &result {
            names.retain(|name| !error.left_out().contains(name));
        }
        tell.tell(match &result {
            Ok(_) => EventKind::Done,
            Err(CourseError::LeftOut { left_out, why, hint }) => EventKind::LeftOut {
                names: left_out.clone(),
                why: why.clone(),
                hint: hint.clone(),
            },
            Err(error @ CourseError::Stopped) => EventKind::NotStarted {
                why: error.to_string(),
                hint: error.hint(),
            },
            Err(error) => EventKind::Failed {
                error: crate::error::chain(error),
                hint: error.hint(),
            },
        });
        Outcome {
            secret: target.secret.clone(),
            names,
            changes_ca: target.changes_ca.clone(),
            first: target.held.is_none(),
            result,
            took: began.elapsed(),
        }
    }

    /// Gives a Lease back as soon as another stands for the run.
    pub(super) async fn give_back(&self, lease: Option<Lease>) {
        let shared = self
            .parts
            .solvers
            .http01
            .as_ref()
            .map(|http01| http01.made_for())
            .unwrap_or_default();
        let lease = match lease {
            Some(lease) if shared.iter().any(|secret| lease::key_of(secret) == *lease.key()) => {
                self.kept.lock().await.push(lease);
                return;
            }
            other => other,
        };
        let former = std::mem::replace(&mut *self.last.lock().await, lease);
        if let Some(former) = former {
            self.release(former).await;
        }
    }

    async fn release(&self, lease: Lease) {
        if let Err(error) = lease.release().await {
            self.parts.tell.tell(EventKind::Note {
                text: format!("the lease ends by itself in a minute: {}", crate::error::chain(&error)),
            });
        }
    }

    /// Takes away what the certificates shared, and keeps the ledger.
    async fn finish(&self) {
        let http01 = self
            .parts
            .solvers
            .http01
            .as_ref()
            .map(|s| Arc::clone(s) as Arc<dyn Solve>);
        let dns01 = self
            .parts
            .solvers
            .dns01
            .as_ref()
            .map(|s| Arc::clone(s) as Arc<dyn Solve>);
        for solver in http01.into_iter().chain(dns01) {
            match solver.finish().await {
                Ok(0) => {}
                Ok(count) => self.parts.tell.tell(EventKind::CleanedUp { count }),
                Err(error) => self.parts.tell.tell(EventKind::Note {
                    text: format!("could not clean up: {error}; `kubectl certs cleanup` does"),
                }),
            }
        }
        self.give_back(None).await;
        for lease in std::mem::take(&mut *self.kept.lock().await) {
            self.release(lease).await;
        }
        if let Err(error) = self.parts.standing.ledger.keep().await {
            self.parts.tell.tell(EventKind::Note {
                text: format!(
                    "the order could not be counted beside the account: {}",
                    crate::error::chain(&error)
                ),
            });
        }
    }
}
