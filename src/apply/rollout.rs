//! Restarts workloads that do not notice a changed Secret, because the change never reaches a container by subPath or
//! environment variables.

mod budget;
mod one_by_one;
mod state;

use std::{collections::BTreeSet, fmt, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Api, ApiError, Patch};
use crate::{
    clock::Pauses,
    error::{Blame, Diagnose},
    event::{EventKind, Teller},
    object::resource::{DAEMONSET, DEPLOYMENT, POD, PODDISRUPTIONBUDGET, REPLICATIONCONTROLLER, Resource, STATEFULSET},
    object::{Consumer, Key, Kind, Seconds, consumer::How},
    plan::permits::{Permit, Permits, Verb},
    text::{date_time, parse_time},
};
pub use budget::Tight;
use state::State;

/// The annotation of the Pod template that starts a new rollout, like kubectl's `restartedAt`.
pub use crate::object::annotation::RESTARTED_AT;
/// The default limit for restarting one workload; the limit of a Deployment itself is ten minutes.
pub const LIMIT: Duration = Duration::from_mins(15);
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(200), Duration::from_secs(2));

/// A kind of workload that can be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
    /// A `DaemonSet`.
    DaemonSet,
    /// A `ReplicationController`. It has no rollouts: its Pods are replaced one by one.
    ReplicationController,
}

impl WorkloadKind {
    /// The resource in the API.
    pub fn resource(self) -> Resource {
        match self {
            Self::Deployment => DEPLOYMENT,
            Self::StatefulSet => STATEFULSET,
            Self::DaemonSet => DAEMONSET,
            Self::ReplicationController => REPLICATIONCONTROLLER,
        }
    }

    /// The name that kubectl accepts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::ReplicationController => "replicationcontroller",
        }
    }

    /// The kind of workload with rollouts for a kind of object; `None` if it has none.
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Deployment => Some(Self::Deployment),
            Kind::StatefulSet => Some(Self::StatefulSet),
            Kind::DaemonSet => Some(Self::DaemonSet),
            _ => None,
        }
    }
}

/// A workload.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Namespace and name.
    pub key: Key,
}

impl fmt::Display for Workload {
    /// Writes `deployment/web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.key.name)
    }
}

/// What keeps the old certificate until it is restarted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Workloads that can be restarted, sorted by kind and name.
    pub workloads: Vec<(Workload, How)>,
    /// Pods, Jobs and `CronJob`s without rollouts, which only their owner can create again.
    pub others: Vec<(Kind, Key)>,
}

impl Needs {
    /// Whether nothing needs a restart.
    pub fn is_none(&self) -> bool {
        self.workloads.is_empty() && self.others.is_empty()
    }
}

/// Finds the consumers of a namespace that read the Secret in a way that never follows its changes.
pub fn needs<'a>(consumers: impl IntoIterator<Item = &'a Consumer>, secret: &Key) -> Needs {
    let mut workloads = BTreeSet::new();
    let mut found = Needs::default();
    for consumer in consumers {
        if consumer.meta.namespace != secret.namespace || consumer.ended {
            continue;
        }
        let uses = consumer.uses.iter().filter(|one| one.name == secret.name);
        let Some(how) = uses
            .map(|one| one.how)
            .find(|how| matches!(how, How::SubPath | How::Environment))
        else {
            continue;
        };
        let key = consumer.meta.key();
        if let Some(kind) = WorkloadKind::of(consumer.kind) {
            if workloads.insert((kind, key.clone())) {
                found.workloads.push((Workload { kind, key }, how));
            }
            continue;
        }
        // The Pod of a workload belongs to the workload, whose template has been examined.
        let owned = consumer.meta.owners().iter().any(|owner| owner.controller);
        if !owned && consumer.kind != Kind::CronJob {
            found.others.push((consumer.kind, key));
        }
    }
    found.workloads.sort_by(|a, b| a.0.cmp(&b.0));
    found.others.sort();
    found.others.dedup();
    found
}

/// The rights for restarting these workloads, for the plan.
pub fn permits(workloads: &[Workload]) -> Permits {
    let mut permits = Permits::none();
    for one in workloads {
        let (resource, namespace, name) = (one.kind.resource(), one.key.namespace.clone(), one.key.name.clone());
        if one.kind == WorkloadKind::ReplicationController {
            permits.add(Permit::one(&[Verb::Get], resource, namespace, name));
            permits.extend(one_by_one::permits(&one.key.namespace));
        } else {
            permits.add(Permit::one(
                &[Verb::Get, Verb::Patch],
                resource,
                namespace.clone(),
                name,
            ));
            permits.add(Permit::any(&[Verb::List], PODDISRUPTIONBUDGET, namespace));
        }
    }
    permits
}

/// Why a restart failed. The messages fit "cannot restart deployment/web: ...".
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The workload does not exist.
    #[error("{0} does not exist")]
    Absent(Workload),
    /// The workload cannot be restarted without an outage, or not at all.
    #[error("{workload} is not restarted: {why}")]
    NotRolling {
        /// Which.
        workload: Workload,
        /// Why.
        why: &'static str,
    },
    /// Its rollout would take away more Pods than a budget allows.
    #[error(
        "{workload} is not restarted: its rollout may take {} of its {} Pods away at once, and PodDisruptionBudget {} allows {}",
        .tight.away, .tight.of, .tight.budget, .tight.allowed
    )]
    Budget {
        /// Which.
        workload: Workload,
        /// The budget.
        tight: Tight,
    },
    /// The workload did not become ready in time.
    #[error("{workload} has not come back within {}: {why}", humantime::format_duration(*.after))]
    Late {
        /// Which.
        workload: Workload,
        /// How long it was waited for.
        after: Duration,
        /// What it is waiting for.
        why: String,
    },
    /// The cluster reports that the rollout does not complete.
    #[error("{workload} does not come back: {why}")]
    Failed {
        /// Which.
        workload: Workload,
        /// The message of the cluster.
        why: String,
    },
    /// Waiting for it was cancelled.
    #[error("{0} was not waited for")]
    Interrupted(Workload),
    /// A request to the cluster failed.
    #[error("{workload} cannot be restarted: {source}")]
    Api {
        /// Which.
        workload: Workload,
        /// The error.
        source: ApiError,
    },
}

impl Diagnose for RolloutError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Absent(_) => "name it as KIND/NAME; it has to be in the Secret's namespace".into(),
            Self::Budget { workload, tight } => match workload.kind {
                WorkloadKind::StatefulSet => format!(
                    "its Pods are replaced one at a time at least: let PodDisruptionBudget {} allow {}, or restart it yourself",
                    tight.budget, tight.away
                ),
                _ => format!(
                    "give its strategy maxUnavailable: {} and maxSurge: 1, let PodDisruptionBudget {} allow {}, or restart it yourself",
                    tight.allowed, tight.budget, tight.away
                ),
            },
            Self::NotRolling { .. } => "restart it yourself at a time that suits it".into(),
            Self::Late { workload, .. } | Self::Failed { workload, .. } | Self::Interrupted(workload)
                if workload.kind == WorkloadKind::ReplicationController =>
            {
                format!(
                    "`kubectl describe {workload} -n {}` shows it; its other Pods are as they were, and the new \
                     certificate stays stored",
                    workload.key.namespace
                )
            }
            Self::Late { workload, .. } | Self::Failed { workload, .. } => format!(
                "`kubectl rollout status {workload} -n {ns}` follows it, `kubectl rollout undo {workload} -n {ns}` undoes \
                 it; the new certificate stays stored",
                ns = workload.key.namespace
            ),
            Self::Interrupted(workload) => format!(
                "`kubectl rollout status {workload} -n {}` follows it",
                workload.key.namespace
            ),
            Self::Api { source, .. } => return source.hint(),
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Api { source, .. } => source.blame(),
            _ => Blame::Write,
        }
    }
}

/// The result of restarts.
#[derive(Debug)]
pub struct Restarted {
    /// The workloads that are ready again.
    pub done: Vec<Workload>,
    /// Why the following ones were not restarted; `None` if all are ready.
    pub stopped: Option<RolloutError>,
}

/// Checks whether each workload may be restarted, without restarting any, before anything is ordered. Returns what the
/// user should know of a restart beforehand.
pub async fn check(api: &Api, workloads: &[Workload]) -> Result<Vec<String>, RolloutError> {
    let mut notes = Vec::new();
    for workload in workloads {
        let object = look(api, workload).await?;
        notes.extend(state::outage(workload, &object));
    }
    Ok(notes)
}

/// Restarts workloads one after another, each when the previous one is ready, and stops at the first that is not ready
/// within `limit`. `now` is the value of the annotation.
pub async fn restart(api: &Api, workloads: &[Workload], now: Seconds, limit: Duration, tell: &Teller) -> Restarted {
    restart_unless(api, workloads, now, limit, &|| false, tell).await
}

/// Like [`restart`], until it is `given_up`: between the workloads, and while waiting for one of them.
pub async fn restart_unless(
    api: &Api,
    workloads: &[Workload],
    now: Seconds,
    limit: Duration,
    given_up: &(dyn Fn() -> bool + Sync),
    tell: &Teller,
) -> Restarted {
    let mut done = Vec::new();
    for workload in workloads {
        if let Err(error) = one(api, workload, now, limit, given_up).await {
            return Restarted {
                done,
                stopped: Some(error),
            };
        }
        tell.tell(EventKind::Restarted {
            workload: workload.to_string(),
        });
        done.push(workload.clone());
    }
    Restarted { done, stopped: None }
}

/// Goes on with restarts that did not end: a workload that was restarted since a moment, in seconds since 1970, is looked at once and
/// not restarted again, the others are restarted as by [`restart`].
///
/// # Errors
///
/// The first workload that is not back, or cannot be restarted.
pub async fn resume(
    api: &Api,
    workloads: &[Workload],
    since: Seconds,
    limit: Duration,
    tell: &Teller,
) -> Result<(), RolloutError> {
    for workload in workloads {
        let object = read(api, workload).await?;
        let is_restarted = if workload.kind == WorkloadKind::ReplicationController {
            one_by_one::are_all_since(api, workload, &object, since).await?
        } else {
            let at = object["spec"]["template"]["metadata"]["annotations"][RESTARTED_AT].as_str();
            at.and_then(parse_time).is_some_and(|at| at >= since)
        };
        if !is_restarted {
            let done = restart(api, std::slice::from_ref(workload), crate::clock::now(), limit, tell).await;
            done.stopped.map_or(Ok(()), Err)?;
            continue;
        }
        let why = match state::of(workload.kind, &object) {
            State::Done => continue,
            State::Failed(why) | State::Waits(why) => why,
        };
        return Err(RolloutError::Failed {
            workload: workload.clone(),
            why: with_pods(api, workload, &object, why).await,
        });
    }
    Ok(())
}

async fn look(api: &Api, workload: &Workload) -> Result<Value, RolloutError> {
    let object = read(api, workload).await?;
    if let Some(why) = state::why_not(workload.kind, &object) {
        return Err(RolloutError::NotRolling {
            workload: workload.clone(),
            why,
        });
    }
    // Those of a ReplicationController are evicted, which the cluster holds to budgets.
    if workload.kind != WorkloadKind::ReplicationController {
        let namespace = Some(workload.key.namespace.as_str());
        let budgets = api.list(PODDISRUPTIONBUDGET, namespace, None).await;
        let budgets = budgets.map_err(|source| RolloutError::Api {
            workload: workload.clone(),
            source,
        })?;
        if let Some(tight) = budget::tightest(workload.kind, &object, &budgets) {
            return Err(RolloutError::Budget {
                workload: workload.clone(),
                tight,
            });
        }
    }
    Ok(object)
}

async fn read(api: &Api, workload: &Workload) -> Result<Value, RolloutError> {
    let found = api.get(workload.kind.resource(), &workload.key).await;
    found
        .map_err(|source| RolloutError::Api {
            workload: workload.clone(),
            source,
        })?
        .ok_or_else(|| RolloutError::Absent(workload.clone()))
}

async fn one(
    api: &Api,
    workload: &Workload,
    now: Seconds,
    limit: Duration,
    given_up: &(dyn Fn() -> bool + Sync),
) -> Result<(), RolloutError> {
    let interrupted = || RolloutError::Interrupted(workload.clone());
    if given_up() {
        return Err(interrupted());
    }
    let before = look(api, workload).await?;
    if workload.kind == WorkloadKind::ReplicationController {
        return one_by_one::replace(api, workload, &before, limit, given_up).await;
    }
    let patch = Patch::Merge(json!({
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: date_time(now)}}}},
    }));
    let patched = api.patch(workload.kind.resource(), &workload.key, &patch).await;
    let mut object = patched.map_err(|source| RolloutError::Api {
        workload: workload.clone(),
        source,
    })?;
    if api.is_dry_run() {
        return Ok(());
    }
    let start = Instant::now();
    let mut pauses = PAUSES;
    loop {
        let waits = match state::of(workload.kind, &object) {
            State::Done => return Ok(()),
            State::Failed(why) => {
                return Err(RolloutError::Failed {
                    workload: workload.clone(),
                    why: with_pods(api, workload, &object, why).await,
                });
            }
            State::Waits(why) => why,
        };
        if start.elapsed() + pauses.due() > limit {
            return Err(RolloutError::Late {
                workload: workload.clone(),
                after: limit,
                why: with_pods(api, workload, &object, waits).await,
            });
        }
        if given_up() {
            return Err(interrupted());
        }
        sleep(pauses.take()).await;
        object = read(api, workload).await?;
    }
}

/// The reason, extended by what the Pods of the workload report, if that can be read.
async fn with_pods(api: &Api, workload: &Workload, object: &Value, why: String) -> String {
    let Some(labels) = object["spec"]["selector"]["matchLabels"].as_object() else {
        return why;
    };
    let selector: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    let pods = api
        .list(POD, Some(&workload.key.namespace), Some(&selector.join(",")))
        .await;
    with_complaint(why, pods.as_deref().unwrap_or_default())
}

/// The reason, extended by what Pods report.
fn with_complaint(why: String, pods: &[Value]) -> String {
    match state::complaint(pods) {
        Some(said) => format!("{why}; {said}"),
        None => why,
    }
}

#[cfg(test)]
mod tests;
