//! One run for each Secret: a Lease that is renewed while the run lasts (coordination.k8s.io/v1).

mod leading;

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

pub use leading::Leading;

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
    object::{Key, Seconds, annotation::PROCESS, resource::LEASE},
    text::{Clear, time},
};

/// How long a Lease lasts without being renewed, in seconds. A cluster that is unreachable for less interrupts nothing.
const LASTS: Seconds = 40;
/// How often a Lease is renewed.
const RENEWED: Duration = Duration::from_secs(10);
/// How far clocks may differ, in seconds: a Lease that ended longer ago than this has ended by any clock.
const SKEW: Seconds = 300;
/// How often a Lease that may have ended is read again.
const LOOK: Duration = Duration::from_secs(2);
/// How often a doubtful Lease is observed before its holder is taken to be alive.
const LOOKS: usize = 3;

/// Why a Lease could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another run holds the Lease.
    #[error("{holder} has been working on Secret {secret} since {}", time::date_time(*.since))]
    Held {
        /// The Secret.
        secret: Key,
        /// The holder: user, machine, process.
        holder: String,
        /// Since when it is held, in seconds since 1970.
        since: Seconds,
        /// When the Lease ends unless it is renewed.
        until: Seconds,
    },
    /// A request to the cluster failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl LeaseError {
    /// Whether another run of this very process holds the Lease: one of its Leases stands for a run until the run has ended.
    pub(crate) fn is_held_here(&self) -> bool {
        matches!(self, Self::Held { holder, .. } if *holder == identity())
    }
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

/// The Lease of one Secret, held by this run.
#[derive(Debug)]
pub struct Lease {
    api: Api,
    key: Key,
    uid: String,
    lost: Arc<AtomicBool>,
    renewal: JoinHandle<()>,
}

/// Whether the holder of a Lease is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// The holder is alive.
    Held(Holder),
    /// The Lease has ended by this machine's clock, which may be ahead of the holder's. Whether it is still renewed
    /// will tell.
    Doubtful(Holder),
    /// Nobody holds it.
    Free,
}

/// The holder of a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// User, machine, process.
    pub(super) who: String,
    /// Since when it is held, in seconds since 1970.
    pub(super) since: Seconds,
    /// When it ends unless it is renewed.
    pub(super) until: Seconds,
}

/// How a Lease is taken.
#[derive(Default)]
pub(super) struct Taking<'a> {
    /// Cancels waiting for it.
    pub(super) cancel: Option<&'a Cancel>,
    /// Receives a note about what is being waited for.
    pub(super) tell: Option<&'a Teller>,
    /// The version of the Lease that has been observed unchanged for as long as it lasts.
    pub(super) observed: Option<&'a str>,
    /// The leading controller that takes it; `None` for a command line.
    pub(super) leading: Option<&'a Leading>,
}

/// The rights that taking the Lease of a Secret needs.
pub fn permits(secret: &Key) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update, Verb::Delete];
    Permits::none().with(Permit::one(&verbs, LEASE, secret.namespace.clone(), name(secret)))
}

/// The key of the Lease of a Secret.
pub fn key_of(secret: &Key) -> Key {
    Key::new(secret.namespace.clone(), name(secret))
}

/// The name of the Lease of a Secret.
pub fn name(secret: &Key) -> crate::object::Text {
    Purpose::Lease.name(&secret.to_string())
}

impl Lease {
    /// Takes the Lease of a Secret unless another run holds it. If the holder's process has ended on this machine, or
    /// the Lease is observed not to be renewed, it is taken over.
    pub async fn take(api: &Api, secret: &Key, run: &RunId) -> Result<Self, LeaseError> {
        Self::take_with(api, secret, run, &Taking::default()).await
    }

    /// Like [`Self::take`], with a cancellation and a receiver of notes.
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
                if let Some(present) = present
                    && !taking.leading.is_some_and(|leading| leading.supersedes(present))
                {
                    match judge(present, now()) {
                        Life::Held(holder) => return Err(Refused::Lease(holder.of(secret))),
                        Life::Doubtful(holder) if Some(version(present)) != observed.as_ref() => {
                            return Err(Refused::Doubtful(holder, present.clone()));
                        }
                        Life::Doubtful(_) | Life::Free => {}
                    }
                }
                let mut lease = lease(&key, secret, run, now());
                if let Some(leading) = taking.leading {
                    leading.note(&mut lease);
                }
                Ok(Edit::Whole(lease.json()))
            };
            // There is usually no Lease. Assuming so costs a request if there is one, and saves one if there is none.
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
                // Other runs were faster each time.
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

    /// Whether another run has the Lease by now, so that nothing may be written any more.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// The key of the Lease.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Gives the Lease back.
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

/// Why a Lease is not taken, as far as a single look shows.
enum Refused {
    Lease(LeaseError),
    /// Whether the Lease is still renewed will tell.
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

/// Why a Lease is not renewed.
enum Unrenewed {
    Lost,
    /// The cluster is unreachable, but the Lease lasts a while.
    Away,
}

impl From<ApiError> for Unrenewed {
    fn from(_: ApiError) -> Self {
        Self::Away
    }
}

/// Gives the Lease up if its renewal panics: nobody else would notice that it is not renewed any more.
struct LostByPanic(Arc<AtomicBool>);

impl Drop for LostByPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// Renews the Lease until the task is aborted, or until another run has the Lease.
async fn renew(api: Api, key: Key, mut held: Value, lost: Arc<AtomicBool>) {
    let run = mark::run_of(&held).map(str::to_owned);
    let _lost_by_panic = LostByPanic(Arc::clone(&lost));
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

/// The spec of a Lease; empty if it cannot be read.
fn spec(lease: &Value) -> LeaseSpec {
    LeaseSpec::deserialize(&lease["spec"]).unwrap_or_default()
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

/// How long a Lease lasts, in seconds.
pub(super) fn lasts(lease: &Value) -> Seconds {
    lasts_by(&spec(lease))
}

fn lasts_by(spec: &LeaseSpec) -> Seconds {
    spec.lease_duration_seconds.map_or(LASTS, Seconds::from).clamp(1, 3_600)
}

/// Whether a Lease is held, as far as a single look shows.
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

/// Observes whether a Lease is not renewed for as long as it lasts. Clocks that differ do not matter for this.
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

/// Describes this process: `operator@laptop (process 4711)`.
fn identity() -> String {
    // The last is that of Windows.
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let host = crate::system::host().unwrap_or_default();
    let (user, host) = (user.unwrap_or_else(|| "somebody".to_owned()), host.trim().to_owned());
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

    #[tokio::test]
    async fn a_lease_whose_renewal_panics_is_lost() {
        for (panics, lost_by_it) in [(true, true), (false, false)] {
            let lost = Arc::new(AtomicBool::new(false));
            let renewal = LostByPanic(Arc::clone(&lost));
            let task = tokio::spawn(async move {
                let _renewal = renewal;
                assert!(!panics, "planted");
            });
            assert_eq!(task.await.is_err(), panics);
            assert_eq!(lost.load(Ordering::Acquire), lost_by_it);
        }
    }

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
