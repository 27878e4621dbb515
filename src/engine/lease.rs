//! One Secret, one run: a Lease for each, renewed while the run lasts (coordination.k8s.io/v1).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use k8s_openapi::{
    api::coordination::v1::{self as coordination, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use serde::Deserialize as _;
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
    k8s::{Believed, Edit, Marked as _, Own as _, Updated, micro_time},
    object::resource::LEASE,
    object::{Key, Seconds},
    text::{Clear, time},
};

/// How long a lease lasts that is not renewed, in seconds. A cluster that is away for less interrupts nothing.
const LASTS: Seconds = 40;
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(10);
/// How far clocks may be apart: a lease that ended longer ago than this has ended by any clock.
const SKEW: Seconds = 300;
/// How often one is looked at that may have ended.
const LOOK: Duration = Duration::from_secs(2);
/// How often that is done before the holder counts as alive.
const LOOKS: usize = 3;
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
        let mut observed = taking.observed.map(Value::from);
        let mut looks = 0;
        let taken = loop {
            let take = |present: Option<&Value>| {
                if let Some(present) = present {
                    match judge(present, now()) {
                        Life::Held(holder) => return Err(Refused::Lease(holder.of(secret))),
                        Life::Doubtful(holder) if Some(version(present)) != observed.as_ref() => {
                            return Err(Refused::Doubtful(holder, present.clone()));
                        }
                        Life::Doubtful(_) | Life::Free => {}
                    }
                }
                Ok(Edit::Whole(lease(&key, secret, run, now()).json()))
            };
            // Most often there is none: that it is there costs a request, that it is not costs none.
            match api.update(LEASE, &key, Believed::Absent, take).await {
                Ok(Updated::Written(taken) | Updated::Kept(taken)) => break taken,
                Err(Refused::Doubtful(holder, present)) => {
                    looks += 1;
                    if looks > LOOKS || !unchanged(api, &key, &present, &holder, taking).await? {
                        return Err(holder.of(secret));
                    }
                    observed = Some(version(&present).clone());
                }
                Err(Refused::Lease(error)) => return Err(error),
                // Others were faster each time.
                Ok(Updated::Absent) | Err(Refused::Overtaken) => {
                    return Err(LeaseError::Held {
                        secret: secret.clone(),
                        holder: "another run".to_owned(),
                        since: now(),
                        until: now() + LASTS,
                    });
                }
            }
        };
        let lost = Arc::new(AtomicBool::new(false));
        let uid = taken["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let renewal = tokio::spawn(renew(api.clone(), key.clone(), taken, Arc::clone(&lost)));
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

/// Why a lease is not taken, as far as one look tells.
enum Refused {
    Lease(LeaseError),
    /// Whether it is still renewed tells.
    Doubtful(Holder, Value),
    Overtaken,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } => Self::Overtaken,
            error => Self::Lease(error.into()),
        }
    }
}

/// Why a lease is not renewed.
enum Unrenewed {
    Lost,
    /// The cluster is away: the lease lasts a while.
    Away,
}

impl From<ApiError> for Unrenewed {
    fn from(_: ApiError) -> Self {
        Self::Away
    }
}

/// Renews until it is aborted, or until the lease is another's.
async fn renew(api: Api, key: Key, mut held: Value, lost: Arc<AtomicBool>) {
    let run = mark::run_of(&held).map(str::to_owned);
    loop {
        tokio::time::sleep(RENEWED).await;
        // A renewal whose answer was lost changed the version.
        let renewed = api.update(LEASE, &key, Believed::There(held.clone()), |present| {
            let ours = present.filter(|present| mark::run_of(present) == run.as_deref());
            let renewed = ours.map(|lease| renewed(lease, now()));
            renewed.map(Edit::Whole).ok_or(Unrenewed::Lost)
        });
        match renewed.await {
            Ok(Updated::Written(renewed) | Updated::Kept(renewed)) => held = renewed,
            Ok(Updated::Absent) | Err(Unrenewed::Lost) => {
                lost.store(true, Ordering::Release);
                return;
            }
            Err(Unrenewed::Away) => {}
        }
    }
}

fn renewed(lease: &Value, now: Seconds) -> Value {
    let spec = LeaseSpec {
        renew_time: micro_time(now),
        ..spec(lease)
    };
    let mut lease = lease.clone();
    lease["spec"] = json!(spec);
    lease
}

fn lease(key: &Key, secret: &Key, run: &RunId, now: Seconds) -> coordination::Lease {
    let mut lease = coordination::Lease {
        metadata: ObjectMeta {
            namespace: Some(key.namespace.to_string()),
            name: Some(key.name.to_string()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(identity()),
            lease_duration_seconds: i32::try_from(LASTS).ok(),
            acquire_time: micro_time(now),
            renew_time: micro_time(now),
            ..LeaseSpec::default()
        }),
    };
    lease.annotate(PROCESS, &Process::this().to_string());
    mark(&mut lease, run, Purpose::Lease, now + LASTS, secret);
    lease
}

/// What a Lease says; nothing where it cannot be read.
fn spec(lease: &Value) -> LeaseSpec {
    LeaseSpec::deserialize(&lease["spec"]).unwrap_or_default()
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

/// How long a lease lasts, in seconds.
pub(super) fn lasts(lease: &Value) -> Seconds {
    lasts_by(&spec(lease))
}

fn lasts_by(spec: &LeaseSpec) -> Seconds {
    spec.lease_duration_seconds.map_or(LASTS, Seconds::from).clamp(1, 3_600)
}

/// Whether anybody holds a lease, as far as one look tells.
pub(super) fn judge(lease: &Value, now: Seconds) -> Life {
    let spec = spec(lease);
    let at = |time: &Option<MicroTime>| time.as_ref().map(|time| time.0.as_second());
    let who = spec.holder_identity.as_deref().filter(|h| !h.is_empty());
    let (Some(renewed), Some(who)) = (at(&spec.renew_time), who) else {
        return Life::Free;
    };
    let until = renewed.saturating_add(lasts_by(&spec));
    let process = lease["metadata"]["annotations"][PROCESS]
        .as_str()
        .and_then(Process::parse);
    if until.saturating_add(SKEW) < now || process.is_some_and(|process| process.has_ended()) {
        return Life::Free;
    }
    let holder = Holder {
        who: Clear(who).to_string(),
        since: at(&spec.acquire_time).unwrap_or(renewed),
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
    let version = version(lease);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_it_ends_or_its_process_does() {
        let (secret, run) = (Key::new("shop", "shop-tls"), RunId::random());
        let key = Key::new("shop", name(&secret));
        let held = lease(&key, &secret, &run, 1_000_000).json();
        let Life::Held(holder) = judge(&held, 1_000_010) else {
            panic!("held")
        };
        assert!(holder.who.contains("process"), "{holder:?}");
        assert_eq!((holder.since, holder.until), (1_000_000, 1_000_000 + LASTS));
        // This machine's clock may be ahead of the holder's.
        assert_eq!(judge(&held, holder.until + 1), Life::Doubtful(holder.clone()));
        assert_eq!(judge(&held, holder.until + SKEW), Life::Doubtful(holder.clone()));
        assert_eq!(judge(&held, holder.until + SKEW + 1), Life::Free);
        assert_eq!(held["spec"]["renewTime"], "1970-01-12T13:46:40.000000Z");
        let again = renewed(&held, 1_000_030);
        assert_eq!(again["metadata"], held["metadata"]);
        let Life::Held(longer) = judge(&again, 1_000_035) else {
            panic!("held")
        };
        assert_eq!((longer.since, longer.until), (1_000_000, 1_000_030 + LASTS));
        let mut dead = held;
        dead["metadata"]["annotations"][PROCESS] = Process::this()
            .to_string()
            .replace(&format!(" {} ", std::process::id()), " 4000000 ")
            .into();
        assert_eq!(judge(&dead, 1_000_010), Life::Free);
    }
}
