//! Competes for the leader's Lease, renews it, and gives it back.

use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    Epoch, Identity, Leadership, State, Timing,
    permission::{Clock, Current, Term},
    permits,
    record::{self, Free, Holding, Observation, Verdict},
};
use crate::{
    clock::{since_epoch, spread},
    engine::{cancel::Cancel, lease::Leading},
    k8s::{Api, ApiError, Believed, Connection, Edit, Updated},
    object::{Key, Text, resource::LEASE},
    system::since_boot,
    text::Clear,
};

/// A process that competes for the leader's Lease.
pub struct Elector {
    api: Api,
    lease: Key,
    install: Text,
    identity: Identity,
    timing: Timing,
    clock: Clock,
    began: Instant,
    observation: Observation,
    /// The most transitions of a term of this process.
    transitions: i64,
    held: Option<(Arc<Term>, Holding)>,
    /// What failed last, so that a failure that goes on is logged once.
    trouble: Option<String>,
    states: watch::Sender<State>,
    current: Current,
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("lease", &self.lease)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Makes a process that competes for the leader's Lease of an install, and what says whether it leads.
pub fn elector(
    connection: &Connection,
    lease: Key,
    install: Text,
    identity: Identity,
    timing: Timing,
) -> (Elector, Leadership) {
    with_clock(connection, lease, install, identity, timing, Arc::new(since_boot))
}

pub(super) fn with_clock(
    connection: &Connection,
    lease: Key,
    install: Text,
    identity: Identity,
    timing: Timing,
    clock: Clock,
) -> (Elector, Leadership) {
    let (states, watch) = watch::channel(State::Follower { holder: None });
    let current = Current::default();
    let elector = Elector {
        // Requests of others may take all connections for minutes.
        api: Api::new(connection.apart(timing.request()), permits(&lease)),
        lease,
        install,
        identity,
        timing,
        clock,
        began: Instant::now(),
        observation: Observation::default(),
        transitions: 0,
        held: None,
        trouble: None,
        states,
        current: Arc::clone(&current),
    };
    (elector, Leadership::new(watch, current))
}

/// Why a Lease is neither taken nor renewed.
enum Stop {
    /// Somebody holds it.
    Held(Option<Text>),
    /// It is no longer the one that this process held.
    Lost,
    Api(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl Elector {
    /// Competes, leads, and competes again, until it is cancelled; then it gives the Lease back, for which it takes no
    /// longer than one and a half times [`Timing::retry`]. Whatever needs a permission should have ended before: from the moment of the
    /// cancellation there is none.
    pub async fn run(mut self, cancel: Cancel) {
        while !cancel.is_cancelled() {
            if self.held.is_some() {
                self.lead(&cancel).await;
            } else {
                self.follow(&cancel).await;
            }
        }
        self.give_back().await;
    }

    /// Looks once whether the Lease is free, takes it if so, and otherwise waits for the next look.
    async fn follow(&mut self, cancel: &Cancel) {
        let (asked, asked_boot) = (self.began.elapsed(), (self.clock)());
        let mut free = None;
        let (began, timing, key) = (self.began, self.timing, self.lease.clone());
        let (observation, own, before) = (&mut self.observation, self.identity.as_str(), self.transitions);
        let update = self.api.update(LEASE, &key, Believed::Unknown, |present| {
            match observation.judge(present, own, (asked, began.elapsed()), &timing) {
                Verdict::Held(holder) => Err(Stop::Held(holder)),
                Verdict::Absent => {
                    free = None;
                    Ok(Edit::Whole(record::anew(&key, since_epoch())))
                }
                Verdict::Free(how) => {
                    free = Some(how);
                    let lease = record::taken(present, &key, own, before, &timing, since_epoch());
                    Ok(Edit::Whole(lease))
                }
            }
        });
        let outcome = unless_cancelled(cancel, timing.deadline / 2, timing.retry / 2, update).await;
        match outcome {
            Some(Ok(Updated::Written(lease))) => {
                self.trouble = None;
                if let Some(free) = free {
                    return self.begin(lease, free, asked_boot);
                }
            }
            Some(Err(Stop::Held(holder))) => {
                self.trouble = None;
                self.publish(State::Follower {
                    holder: holder.map(|who| Clear(&who).to_string().into()),
                });
            }
            Some(Err(Stop::Api(error))) => self.note(&error.to_string()),
            Some(Ok(_) | Err(Stop::Lost)) => {}
            None => self.note("the API server does not answer in time"),
        }
        pause(cancel, spread(timing.look())).await;
    }

    /// Begins a term that was asked for at a moment of the clock.
    fn begin(&mut self, lease: Value, free: Free, asked: Duration) {
        let holding = Holding::new(lease);
        let record = holding.record();
        let epoch = Epoch {
            lease: record.uid.clone(),
            transitions: record.transitions,
            identity: self.identity.text(),
        };
        self.transitions = self.transitions.max(record.transitions);
        let leading = Leading {
            install: self.install.clone(),
            identity: self.identity.text(),
            is_alone: free == Free::Unrenewed,
        };
        let until = asked.saturating_add(self.timing.deadline);
        let term = Arc::new(Term::new(epoch.clone(), leading, Arc::clone(&self.clock), until));
        log::info!("leads {} from now on: {epoch} ({free:?})", self.lease);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&term));
        self.held = Some((term, holding));
        self.publish(State::Leader { epoch });
    }

    /// Waits for the next renewal, and makes it, or ends the term.
    async fn lead(&mut self, cancel: &Cancel) {
        let Some((term, holding)) = &mut self.held else { return };
        let left = term.until().saturating_sub((self.clock)());
        pause(cancel, self.timing.retry.min(left)).await;
        if cancel.is_cancelled() {
            return;
        }
        let asked = (self.clock)();
        let left = term.until().saturating_sub(asked);
        if left.is_zero() {
            // Asleep, or without the API server for too long: others may lead by now.
            self.end("the Lease was not renewed in time");
            return;
        }
        let believed = Believed::There(holding.lease.clone());
        let update = self.api.update(LEASE, &self.lease, believed, |present| {
            let renewal = holding.renewal(present, since_epoch());
            renewal.map(Edit::Whole).ok_or(Stop::Lost)
        });
        let outcome = unless_cancelled(cancel, left, self.timing.retry / 2, update).await;
        match outcome {
            Some(Ok(Updated::Written(lease))) if holding.keep(lease.clone()) => {
                term.extend(asked.saturating_add(self.timing.deadline));
                self.trouble = None;
            }
            Some(Ok(_) | Err(Stop::Lost | Stop::Held(_))) => self.end("the Lease is another by now"),
            Some(Err(Stop::Api(error))) => self.note(&error.to_string()),
            None => self.note("the API server does not answer in time"),
        }
    }

    /// Ends the term, and every permission of it.
    fn end(&mut self, why: &str) {
        let Some((term, _)) = self.held.take() else { return };
        term.end();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
        log::warn!("no longer leads {}: {} has ended, {why}", self.lease, term.epoch());
        self.observation = Observation::default();
        self.publish(State::Follower { holder: None });
    }

    /// Gives the Lease back where this process is its holder, also by a request whose answer did not come.
    async fn give_back(&mut self) {
        self.end("the process stops");
        let own = self.identity.as_str();
        let update = self.api.update(LEASE, &self.lease, Believed::Unknown, |present| {
            let ours = present.filter(|lease| record::Record::of(lease).holder == own);
            let lease = ours.map(|lease| Edit::Whole(record::given_back(lease, since_epoch())));
            Ok::<_, ApiError>(lease.unwrap_or(Edit::Nothing))
        });
        match timeout(self.timing.retry, update).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => log::warn!("the leader's Lease is not given back: {error}"),
            Err(_) => log::warn!("the leader's Lease is not given back: the API server does not answer in time"),
        }
    }

    fn publish(&self, state: State) {
        self.states.send_if_modified(|present| {
            let is_new = *present != state;
            *present = state;
            is_new
        });
    }

    fn note(&mut self, trouble: &str) {
        if self.trouble.as_deref() != Some(trouble) {
            log::warn!("the leader's Lease {}: {trouble}", self.lease);
            self.trouble = Some(trouble.to_owned());
        }
    }
}

impl Drop for Elector {
    /// Without it nobody renews the Lease.
    fn drop(&mut self) {
        if let Some((term, _)) = &self.held {
            term.end();
        }
    }
}

/// Waits, but not after the cancellation.
async fn pause(cancel: &Cancel, time: Duration) {
    tokio::select! {
        () = sleep(time) => {}
        () = cancel.cancelled() => {}
    }
}

/// What comes of a request within its time; `None` if nothing did. After the cancellation it has a little longer: it is
/// better known whether it was done.
async fn unless_cancelled<T>(
    cancel: &Cancel,
    time: Duration,
    longer: Duration,
    request: impl Future<Output = T>,
) -> Option<T> {
    let mut request = pin!(timeout(time, request));
    tokio::select! {
        biased;
        done = &mut request => done.ok(),
        () = cancel.cancelled() => timeout(longer, request).await.ok()?.ok(),
    }
}

#[cfg(test)]
mod tests;
