//! One Secret, one run: a Lease for each, renewed while the run lasts (coordination.k8s.io/v1).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{cancel::Cancel, process::Process};
use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, RunId, Verb,
        mark::{self, mark},
    },
    clock::now,
    error::{Blame, Diagnose},
    event::{EventKind, Teller},
    object::resource::LEASE,
    object::{Key, Seconds},
    text::{
        Clear,
        time::{self, parse_time},
    },
};

/// How long a lease lasts that is not renewed, in seconds. A cluster that is away for less interrupts nothing.
const LASTS: Seconds = 40;
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(10);
/// How far clocks may be apart: a lease that ended longer ago than this has ended by any clock.
const SKEW: Seconds = 300;
/// How often one is looked at that may have ended.
const LOOK: Duration = Duration::from_secs(2);
/// Which process holds the lease.
const PROCESS: &str = "kubectl-certs.io/process";

/// Why a lease was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else is at it.
    #[error("{holder} has been working on Secret {secret} since {}", time::date_time(*.since))]
    Held {
        /// The Secret.
        secret: Key,
        /// Who: user, machine, process.
        holder: String,
        /// Since when.
        since: Seconds,
        /// When the lease ends unless it is renewed.
        until: Seconds,
    },
    /// The cluster.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl Diagnose for LeaseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Held { until, .. } => Some(format!(
                "wait for that run to end; if it was killed, its lease ends at {}",
                time::date_time(*until)
            )),
            Self::Api(error) => error.hint(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Held { .. } => Blame::Write,
            Self::Api(error) => error.blame(),
        }
    }
}

/// The lease of one Secret, held by this run.
#[derive(Debug)]
pub struct Lease {
    api: Api,
    key: Key,
    uid: String,
    lost: Arc<AtomicBool>,
    renewal: JoinHandle<()>,
}

/// What is known of a lease's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// It is alive.
    Held(Holder),
    /// It ended by this machine's clock, which may be ahead of the holder's: whether it is still renewed tells.
    Doubtful(Holder),
    /// Nobody has it.
    Free,
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// User, machine, process.
    pub(super) who: String,
    /// Since when.
    pub(super) since: Seconds,
    /// Until when, unless it is renewed.
    pub(super) until: Seconds,
}

/// How a lease is taken.
#[derive(Default)]
pub(super) struct Taking<'a> {
    /// Who gives up waiting.
    pub(super) cancel: Option<&'a Cancel>,
    /// Who is told what is waited for.
    pub(super) tell: Option<&'a Teller>,
    /// The version of the lease that has been seen unchanged for as long as it lasts.
    pub(super) observed: Option<&'a str>,
}

/// What is written, to be asked for beforehand.
pub fn permits(secret: &Key) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update, Verb::Delete];
    Permits::none().with(Permit::one(&verbs, LEASE, secret.namespace.clone(), name(secret)))
}

/// The Lease of a Secret.
pub fn key_of(secret: &Key) -> Key {
    Key::new(secret.namespace.clone(), name(secret))
}

/// The name of the Lease of a Secret.
pub fn name(secret: &Key) -> crate::object::Text {
    Purpose::Lease.name(&secret.to_string())
}

impl Lease {
    /// Takes the lease of a Secret, if nobody else's run holds it. One whose process has ended on this machine, or that is seen
    /// not to be renewed, is taken over.
    pub async fn take(api: &Api, secret: &Key, run: &RunId) -> Result<Self, LeaseError> {
        Self::take_with(api, secret, run, &Taking::default()).await
    }

    /// The same, with who is told and who gives up.
    pub(super) async fn take_with(
        api: &Api,
        secret: &Key,
        run: &RunId,
        taking: &Taking<'_>,
    ) -> Result<Self, LeaseError> {
        let key = key_of(secret);
        let mut taken = None;
        for _ in 0..3 {
            let object = lease(&key, secret, run, now());
            match api.create(LEASE, &object).await {
                Ok(created) => {
                    taken = Some(created);
                    break;
                }
                Err(ApiError::AlreadyExists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let Some(present) = api.get(LEASE, &key).await? else {
                continue;
            };
            match judge(&present, now()) {
                Life::Held(holder) => return Err(holder.of(secret)),
                Life::Doubtful(holder) => {
                    if !unchanged(api, &key, &present, &holder, taking).await? {
                        return Err(holder.of(secret));
                    }
                }
                Life::Free => {}
            }
            let mut object = object;
            object["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
            object["metadata"]["uid"] = present["metadata"]["uid"].clone();
            match api.replace(LEASE, &object).await {
                Ok(replaced) => {
                    taken = Some(replaced);
                    break;
                }
                // Somebody was faster: who, the next look tells.
                Err(ApiError::Conflict { .. } | ApiError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let taken = taken.ok_or_else(|| LeaseError::Held {
            secret: secret.clone(),
            holder: "another run".to_owned(),
            since: now(),
            until: now() + LASTS,
        })?;
        let lost = Arc::new(AtomicBool::new(false));
        let uid = taken["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let renewal = tokio::spawn(renew(api.clone(), taken, Arc::clone(&lost)));
        Ok(Self {
            api: api.clone(),
            key,
            uid,
            lost,
            renewal,
        })
    }

    /// Whether somebody else has it by now: nothing may be written any more.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// The Lease object.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Gives it back.
    pub async fn release(self) -> Result<(), ApiError> {
        self.renewal.abort();
        if self.is_lost() {
            return Ok(());
        }
        self.api.delete(LEASE, &self.key, Some(&self.uid)).await.map(drop)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews until it is aborted, or until the lease is another's.
async fn renew(api: Api, mut held: Value, lost: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(RENEWED).await;
        held["spec"]["renewTime"] = micro(now()).into();
        match api.replace(LEASE, &held).await {
            Ok(renewed) => held = renewed,
            Err(ApiError::Conflict { .. } | ApiError::NotFound { .. }) => {
                let key = Key::new(
                    held["metadata"]["namespace"].as_str().unwrap_or_default(),
                    held["metadata"]["name"].as_str().unwrap_or_default(),
                );
                // A renewal whose answer was lost changed the version.
                match api.get(LEASE, &key).await {
                    Ok(Some(present)) if mark::run_of(&present) == mark::run_of(&held) => held = present,
                    Ok(_) => {
                        lost.store(true, Ordering::Release);
                        return;
                    }
                    Err(_) => {}
                }
            }
            // The cluster is away: the lease lasts a while.
            Err(_) => {}
        }
    }
}

fn lease(key: &Key, secret: &Key, run: &RunId, now: Seconds) -> Value {
    let mut object = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"namespace": key.namespace, "name": key.name, "annotations": {PROCESS: Process::this().to_string()}},
        "spec": {
            "holderIdentity": identity(),
            "leaseDurationSeconds": LASTS,
            "acquireTime": micro(now),
            "renewTime": micro(now),
        },
    });
    mark(&mut object, run, Purpose::Lease, now + LASTS, secret);
    object
}

/// How long a lease lasts, in seconds.
pub(super) fn lasts(lease: &Value) -> Seconds {
    let said = lease["spec"]["leaseDurationSeconds"].as_i64();
    said.unwrap_or(LASTS).clamp(1, 3_600)
}

/// Whether anybody holds a lease, as far as one look tells.
pub(super) fn judge(lease: &Value, now: Seconds) -> Life {
    let spec = &lease["spec"];
    let at = |field: &str| spec[field].as_str().and_then(parse_time);
    let who = spec["holderIdentity"].as_str().filter(|h| !h.is_empty());
    let (Some(renewed), Some(who)) = (at("renewTime"), who) else {
        return Life::Free;
    };
    let until = renewed.saturating_add(lasts(lease));
    let process = lease["metadata"]["annotations"][PROCESS]
        .as_str()
        .and_then(Process::parse);
    if until.saturating_add(SKEW) < now || process.is_some_and(|process| process.has_ended()) {
        return Life::Free;
    }
    let holder = Holder {
        who: Clear(who).to_string(),
        since: at("acquireTime").unwrap_or(renewed),
        until,
    };
    if until < now {
        Life::Doubtful(holder)
    } else {
        Life::Held(holder)
    }
}

impl Holder {
    fn of(self, secret: &Key) -> LeaseError {
        LeaseError::Held {
            secret: secret.clone(),
            holder: self.who,
            since: self.since,
            until: self.until,
        }
    }
}

/// Whether a lease is seen not to be renewed for as long as it lasts: clocks that differ change nothing then.
async fn unchanged(
    api: &Api,
    key: &Key,
    lease: &Value,
    holder: &Holder,
    taking: &Taking<'_>,
) -> Result<bool, LeaseError> {
    let version = &lease["metadata"]["resourceVersion"];
    if taking.observed.is_some_and(|observed| version == observed) {
        return Ok(true);
    }
    if let Some(tell) = taking.tell {
        tell.tell(EventKind::Waiting {
            reason: format!("whether {} is still at work, {} s", holder.who, lasts(lease)),
        });
    }
    let end = tokio::time::Instant::now() + Duration::from_secs(lasts(lease).unsigned_abs());
    while tokio::time::Instant::now() < end {
        if taking.cancel.is_some_and(Cancel::is_cancelled) {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
        let now = api.get(LEASE, key).await?;
        if now.is_some_and(|now| now["metadata"]["resourceVersion"] != *version) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `operator@laptop (process 4711)`.
fn identity() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default();
    let (user, host) = (user.unwrap_or_else(|_| "somebody".to_owned()), host.trim().to_owned());
    let at = if host.is_empty() {
        String::new()
    } else {
        format!("@{host}")
    };
    format!("{user}{at} (process {})", std::process::id())
}

/// A `MicroTime` of Kubernetes.
fn micro(at: Seconds) -> String {
    let text = time::date_time(at);
    text.strip_suffix('Z')
        .map_or(text.clone(), |bare| format!("{bare}.000000Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_it_ends_or_its_process_does() {
        let (secret, run) = (Key::new("shop", "shop-tls"), RunId::random());
        let key = Key::new("shop", name(&secret));
        let held = lease(&key, &secret, &run, 1_000_000);
        let Life::Held(holder) = judge(&held, 1_000_010) else {
            panic!("held")
        };
        assert!(holder.who.contains("process"), "{holder:?}");
        assert_eq!((holder.since, holder.until), (1_000_000, 1_000_000 + LASTS));
        // This machine's clock may be ahead of the holder's.
        assert_eq!(judge(&held, holder.until + 1), Life::Doubtful(holder.clone()));
        assert_eq!(judge(&held, holder.until + SKEW), Life::Doubtful(holder.clone()));
        assert_eq!(judge(&held, holder.until + SKEW + 1), Life::Free);
        let mut dead = held;
        dead["metadata"]["annotations"][PROCESS] = Process::this()
            .to_string()
            .replace(&format!(" {} ", std::process::id()), " 4000000 ")
            .into();
        assert_eq!(judge(&dead, 1_000_010), Life::Free);
    }
}
