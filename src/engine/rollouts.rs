//! One restart of a workload for all its certificates: it is restarted once the last of those that are under way is stored, and
//! all of them share what becomes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use crate::{apply::rollout::Workload, object::Key};

/// How long a certificate that is stored waits for others at most: one that takes long, or fails slowly, keeps nobody.
const LONGEST: Duration = Duration::from_secs(90);

/// Why a workload was not restarted, for all who wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRestarted {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether it was only not waited for.
    pub interrupted: bool,
}

/// What became of a restart, once that is known.
type Restarted = Option<Result<(), NotRestarted>>;

#[derive(Debug, Default)]
struct State {
    /// The Secrets under way that a workload is restarted for.
    awaited: BTreeMap<Workload, BTreeSet<Key>>,
    /// What the Secrets that are stored wait for.
    rounds: BTreeMap<Workload, watch::Receiver<Restarted>>,
}

/// The restarts of everything that works with one account.
#[derive(Debug, Default)]
pub struct Rollouts {
    state: Mutex<State>,
    changed: Notify,
    /// For how long others are waited for that are not known yet.
    lingers: Duration,
}

/// Secrets that are under way, until it is dropped.
#[derive(Debug)]
pub struct Expected {
    rollouts: Arc<Rollouts>,
    secrets: Vec<Key>,
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.secrets.iter().for_each(|secret| self.rollouts.leave(secret));
    }
}

impl Rollouts {
    /// Restarts that wait so long for certificates that are not known yet.
    pub fn lingering(lingers: Duration) -> Self {
        Self {
            lingers,
            ..Self::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of Secrets that get certificates, and of the workloads that are restarted for each.
    pub fn expect<'a>(self: &Arc<Self>, all: impl IntoIterator<Item = (&'a Key, &'a [Workload])>) -> Expected {
        let mut secrets = Vec::new();
        let mut state = self.state();
        for (secret, workloads) in all {
            for workload in workloads {
                state
                    .awaited
                    .entry(workload.clone())
                    .or_default()
                    .insert(secret.clone());
            }
            secrets.push(secret.clone());
        }
        drop(state);
        Expected {
            rollouts: Arc::clone(self),
            secrets,
        }
    }

    /// Takes note that a Secret gets no certificate any more, or has it.
    pub fn leave(&self, secret: &Key) {
        self.state().awaited.retain(|_, secrets| {
            secrets.remove(secret);
            !secrets.is_empty()
        });
        self.changed.notify_waiters();
    }

    /// Has a workload restarted for a Secret that is stored: by `act`, or by another's. Returns how that ended.
    pub async fn restart(
        &self,
        secret: &Key,
        workload: &Workload,
        act: impl AsyncFn() -> Result<(), NotRestarted>,
    ) -> Result<(), NotRestarted> {
        let mut act_for_all = None;
        let mut round = {
            let mut state = self.state();
            if let Some(secrets) = state.awaited.get_mut(workload) {
                secrets.remove(secret);
            }
            let round = state.rounds.entry(workload.clone()).or_insert_with(|| {
                let (tell, told) = watch::channel(None);
                act_for_all = Some(tell);
                told
            });
            round.clone()
        };
        self.changed.notify_waiters();
        let Some(tell) = act_for_all else {
            let told = round.wait_for(Option::is_some).await;
            if let Ok(Some(ended)) = told.as_deref() {
                return ended.clone();
            }
            drop(told);
            // Whoever would have done it was cancelled.
            return act().await;
        };
        let round = Round {
            rollouts: self,
            workload,
        };
        self.until_last(workload).await;
        // Who is stored from here on is in the next round.
        drop(round);
        let ended = act().await;
        tell.send_replace(Some(ended.clone()));
        ended
    }

    /// Waits until nobody under way needs a workload, within bounds.
    async fn until_last(&self, workload: &Workload) {
        let end = Instant::now() + LONGEST;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let is_last = self.state().awaited.get(workload).is_none_or(BTreeSet::is_empty);
            let until = if is_last { Instant::now() + self.lingers } else { end };
            if timeout_at(until.min(end), changed).await.is_err() {
                return;
            }
        }
    }
}

/// A round that others may join, until it is dropped.
struct Round<'a> {
    rollouts: &'a Rollouts,
    workload: &'a Workload,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.rollouts.state().rounds.remove(self.workload);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::apply::rollout::WorkloadKind;

    fn web() -> Workload {
        Workload {
            kind: WorkloadKind::Deployment,
            key: Key::new("shop", "web"),
        }
    }

    fn secret(number: u8) -> Key {
        Key::new("shop", format!("s{number}"))
    }

    #[tokio::test]
    async fn a_workload_of_three_certificates_is_restarted_once_after_the_last_and_one_that_fails_keeps_nobody() {
        let (rollouts, workloads, count) = (Arc::new(Rollouts::default()), [web()], AtomicUsize::new(0));
        let secrets = [secret(1), secret(2), secret(3), secret(4)];
        let expected = rollouts.expect(secrets.iter().map(|secret| (secret, &workloads[..])));
        let act = async || {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(())
        };
        let first = rollouts.restart(&secrets[0], &workloads[0], &act);
        let second = rollouts.restart(&secrets[1], &workloads[0], &act);
        tokio::pin!(first, second);
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        // The fourth is not ordered after all.
        rollouts.leave(&secrets[3]);
        assert!(futures_util::poll!(&mut first).is_pending());
        assert_eq!(count.load(Ordering::SeqCst), 0, "the third is under way");
        let third = rollouts.restart(&secrets[2], &workloads[0], &act);
        let all = tokio::join!(first, second, third);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
        // What is stored later is another restart.
        drop(expected);
        let later = rollouts.restart(&secrets[0], &workloads[0], &act).await;
        assert!(later.is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_and_one_who_is_cancelled_leaves_it_to_another() {
        let (rollouts, workloads) = (Arc::new(Rollouts::default()), [web()]);
        let failure = NotRestarted {
            message: "deployment/web does not come back".to_owned(),
            hint: None,
            interrupted: false,
        };
        let fails = async || Err(failure.clone());
        let secrets = [secret(1), secret(2), secret(3)];
        let expected = rollouts.expect(secrets.iter().map(|secret| (secret, &workloads[..])));
        let mut first = Box::pin(rollouts.restart(&secrets[0], &workloads[0], &fails));
        let mut second = Box::pin(rollouts.restart(&secrets[1], &workloads[0], &fails));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, Err(failure.clone()));
        drop(expected);
        let both = tokio::join!(
            rollouts.restart(&secrets[0], &workloads[0], &fails),
            rollouts.restart(&secrets[1], &workloads[0], &fails)
        );
        assert_eq!(both, (Err(failure.clone()), Err(failure)));
    }
}
