//! A run: what its certificates share, and carrying out many of them at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use super::{
    authority::Authority,
    brake::{Brake, GoOn},
    cancel::Cancel,
    choose::Solvers,
    counter::Counter,
    defect,
    failure::TargetError,
    hosts::Hosts,
    journal,
    journals::Journals,
    lease::{self, Lease},
    ledger::Ledger,
    restarts::Restarts,
    rivals::Rivals,
    rollouts::Rollouts,
    store::Destination,
    turns::Turns,
    witness::{Aftermath, Left},
};
use crate::{
    acme::{Client, Issuer},
    apply::{KeyKind, RunId, kept::Keeping, pair::Roots, rows::Rows, secret::Slots},
    error::Diagnose,
    event::{EventKind, Teller},
    name::Name,
    net::HostPort,
    object::{Key, Seconds},
    plan::{
        Target,
        limits::{Limits, Seen},
    },
    solve::{Solve, http01},
};

/// How many certificates are under way at once at most: those that wait for their turn, those that are ordered, and those that
/// are stored and wait until they are served, which takes a proxy with a thousand routes some seconds.
pub const UNDER_WAY: usize = 512;

/// How long a restart waits for certificates that become due at nearly the same moment, where a program goes on.
const LINGERS: Duration = Duration::from_secs(3);

/// How certificates are ordered and stored.
#[allow(clippy::struct_excessive_bools)] // Each is an independent choice.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the run changes nothing that serves traffic.
    pub rehearsal: bool,
    /// The kind of new keys; `None` keeps the kind of the present certificate's key.
    pub key_kind: Option<KeyKind>,
    /// Whether the present private key is used again.
    pub reuse_key: bool,
    /// How many certificates are ordered at once.
    pub concurrency: usize,
    /// The CA's rate limits, if they are known and apply.
    pub limits: Option<Limits>,
    /// Whether other owners, staging certificates and keystores do not stop the run.
    pub force: bool,
    /// Whether a staging certificate may replace a trusted one.
    pub overwrite_with_staging: bool,
    /// The data keys of the Secret; `None` for the usual ones.
    pub slots: Slots,
    /// The installation for which Secrets are claimed, if the run is one of an installation.
    pub claim: Option<String>,
    /// The directories of the CAs whose certificates will do as well as those of this run's, where another run has stored one
    /// meanwhile.
    pub directories: Vec<String>,
    /// The roots that the chain has to reach.
    pub roots: Roots,
    /// How long the new certificate may take to be served; if zero, that is not checked.
    pub wait: Duration,
    /// The address at which the routes are reached from here.
    pub connect: Option<HostPort>,
    /// Who lets the run order and write.
    pub authority: Authority,
    /// Where each pair is kept before it is stored ([`crate::apply::kept`]), for which the destination needs the rights
    /// ([`Keeping::permits`]); `None` if that is not wanted.
    pub kept: Option<Keeping>,
}

/// What all orders of an account share, for as long as a program uses it. Runs come and go meanwhile.
pub struct Standing {
    pub(super) ledger: Ledger,
    /// The journals of the orders in progress.
    pub(super) journals: Arc<Journals>,
    /// Ensures that each host is validated only once at a time.
    pub(super) hosts: Arc<Hosts>,
    /// Limits how many certificates are ordered at once.
    pub(super) turns: Turns,
    /// Has a workload restarted once for all its certificates that are under way.
    pub(super) rollouts: Arc<Rollouts>,
    /// What answers HTTP-01 for as long as the program goes on, if it does.
    pub(super) answering: Option<Arc<http01::standing::Standing>>,
}

impl Standing {
    /// Makes it for an account, with its ledger, the number of orders at once, and what answers HTTP-01 if that goes on
    /// after an order. Accounts of one program do not get into each other's way: they take turns with hosts and workloads, as
    /// one account does.
    pub fn new(
        ledger: Ledger,
        concurrency: usize,
        answering: Option<Arc<http01::standing::Standing>>,
        beside: Option<&Self>,
    ) -> Self {
        // What goes on works for many who do not know of each other.
        let turns = if answering.is_some() {
            Turns::shared(concurrency)
        } else {
            Turns::new(concurrency)
        };
        let lingers = answering.as_ref().map_or(Duration::ZERO, |_| LINGERS);
        Self {
            answering,
            rollouts: beside.map_or_else(
                || Arc::new(Rollouts::lingering(lingers)),
                |other| Arc::clone(&other.rollouts),
            ),
            ledger,
            journals: Arc::default(),
            hosts: beside.map(|other| Arc::clone(&other.hosts)).unwrap_or_default(),
            turns,
        }
    }

    /// The ledger of the account.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The journals of the orders in progress.
    pub fn journals(&self) -> &Arc<Journals> {
        &self.journals
    }
}

/// The components of a run.
pub struct Parts {
    /// What it shares with the other runs of its account.
    pub standing: Arc<Standing>,
    /// Its id, which marks everything that it creates.
    pub id: RunId,
    /// The account.
    pub client: Client,
    /// The CA.
    pub issuer: Issuer,
    /// Where journals are kept.
    pub journal: journal::JournalStore,
    /// The solvers of challenges.
    pub solvers: Solvers,
    /// Where certificates are stored.
    pub destination: Destination,
    /// Where the pairs of some targets are, if they are in no Secret.
    pub rows: Option<Arc<dyn Rows>>,
    /// What the cluster's certificates reveal about the CA's rate limits.
    pub seen: Seen,
    /// The workloads that are restarted for each Secret.
    pub restarts: BTreeMap<Key, Restarts>,
    /// Other routes that may claim the hosts.
    pub rivals: Rivals,
    /// Decides whether to continue after several failures of the same kind.
    pub asks: Arc<dyn GoOn>,
    /// Cancels the run.
    pub cancel: Cancel,
    /// Receives the events.
    pub tell: Teller,
    /// How certificates are ordered and stored.
    pub options: Options,
}

/// A run: what all its certificates share.
pub struct Run {
    pub(super) parts: Parts,
    /// Counts its orders towards the limits of the CA.
    pub(super) counter: Counter,
    /// The Lease of the certificate that ended last. It is held until shared objects are removed too, so that the run
    /// is recognized as alive.
    last: tokio::sync::Mutex<Option<Lease>>,
    /// The Leases of the Secrets for which shared objects were created. Whoever finds the objects checks these Leases.
    kept: tokio::sync::Mutex<Vec<Lease>>,
    /// Stops the run if one certificate after another fails in the same way.
    brake: Brake,
    /// What is needed to go on with the certificates that are stored.
    aftermaths: Mutex<BTreeMap<Key, Aftermath>>,
}

/// A certificate that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The names that it was ordered for.
    pub names: Vec<Name>,
    /// The last second of its validity.
    pub not_after: Seconds,
    /// Where it is stored; `None` after a rehearsal.
    pub place: Option<String>,
}

/// How the course of one certificate ended.
#[derive(Debug)]
pub struct Outcome {
    /// The Secret.
    pub secret: Key,
    /// The names of the certificate, or those that were intended if there is no certificate.
    pub names: Vec<Name>,
    /// The previous issuing CA and the new one, if they differ.
    pub changes_ca: Option<(String, String)>,
    /// Whether the Secret had no certificate before.
    pub first: bool,
    /// The result. Even with an error a certificate may be stored; the error tells.
    pub result: Result<Issued, TargetError>,
    /// How long it took.
    pub took: Duration,
    /// What is needed to go on with the certificate; `None` if none was stored in a Secret.
    pub aftermath: Option<Aftermath>,
}

impl Run {
    /// Makes a run that has not begun.
    pub fn new(mut parts: Parts) -> Self {
        let seen = std::mem::take(&mut parts.seen);
        Self {
            counter: Counter::new(parts.standing.ledger.clone(), seen),
            brake: Brake::new(Arc::clone(&parts.asks)),
            last: tokio::sync::Mutex::default(),
            kept: tokio::sync::Mutex::default(),
            aftermaths: Mutex::default(),
            parts,
        }
    }

    /// Carries out all targets, several at once. A failure does not stop the others. After Ctrl-C, targets in progress
    /// are abandoned and cleaned up, and no others are started.
    pub async fn all(&self, targets: &[Target]) -> Vec<Outcome> {
        self.all_telling(targets, |_| {}).await
    }

    /// The same; `ended` is called with each outcome as soon as it is known.
    pub async fn all_telling(&self, targets: &[Target], ended: impl Fn(&Outcome)) -> Vec<Outcome> {
        let ended = &ended;
        self.parts.cancel.begin();
        self.brake.expect(targets.len());
        let _expected = self.parts.standing.rollouts.expect(targets.iter().filter_map(|target| {
            let restarts = self.parts.restarts.get(&target.secret)?;
            Some((&target.secret, &restarts.restarted[..]))
        }));
        // In the order in which they end: a slow target must not keep others from starting.
        let mut outcomes: Vec<(usize, Outcome)> = stream::iter(targets.iter().enumerate())
            .map(|(at, target)| async move {
                let outcome = Box::pin(self.one(target)).await;
                ended(&outcome);
                (at, outcome)
            })
            .buffer_unordered(UNDER_WAY)
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
            Err(TargetError::Interrupted)
        } else if !self.brake.may_begin().await {
            Err(TargetError::Stopped)
        } else {
            defect::caught(Box::pin(self.issue_target(target, &tell))).await
        };
        self.parts.standing.rollouts.leave(&target.secret);
        self.brake.ended(target, result.as_ref().err()).await;
        self.parts.standing.turns.give_back(&target.secret);
        let mut names = target.names.order.clone();
        if let Err(error) = &result {
            names.retain(|name| !error.left_out().contains(name));
        }
        tell.tell(match &result {
            Ok(_) => EventKind::Done,
            Err(TargetError::LeftOut { left_out, why, hint }) => EventKind::LeftOut {
                names: left_out.clone(),
                why: why.clone(),
                hint: hint.clone(),
            },
            Err(error) if error.is_waiting() || error.is_done_elsewhere() || matches!(error, TargetError::Stopped) => {
                EventKind::NotStarted {
                    why: crate::error::chain(error),
                    hint: error.hint(),
                }
            }
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
            aftermath: self.aftermaths().remove(&target.secret),
        }
    }

    fn aftermaths(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Aftermath>> {
        self.aftermaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the pair of a target is that is in no Secret.
    pub(super) fn rows_of(&self, secret: &Key) -> Option<&dyn Rows> {
        self.parts.rows.as_deref().filter(|rows| rows.has(secret))
    }

    /// Takes note of a certificate that was stored.
    pub(super) fn stored(&self, secret: &Key, aftermath: Aftermath) {
        self.aftermaths().insert(secret.clone(), aftermath);
    }

    /// Takes note of what was not done after a certificate was stored.
    pub(super) fn left(&self, secret: &Key, left: Left) {
        if let Some(aftermath) = self.aftermaths().get_mut(secret) {
            aftermath.left = left;
        }
    }

    /// Takes note that a certificate is seen served at every address, now.
    pub(super) fn served(&self, secret: &Key) {
        if let Some(aftermath) = self.aftermaths().get_mut(secret) {
            aftermath.served_at = Some(crate::clock::now());
        }
    }

    /// Gives back a Lease as soon as another one stands for the run.
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

    /// Removes what the certificates shared, and waits until everything is in the ledger.
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
