//! The status of Pods and workloads, with only the fields that this program waits for.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// The status of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// The phase: `Pending`, `Running`, `Succeeded`, `Failed`.
    pub phase: Option<String>,
    /// The reason for the state of the whole Pod: `Evicted`.
    pub reason: Option<String>,
    /// The reason in words.
    pub message: Option<String>,
    conditions: Option<Vec<Condition>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    container_statuses: Option<Vec<ContainerStatus>>,
}

/// One condition of a status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// The type: `Ready`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The status: `True`, `False`, `Unknown`.
    pub status: Option<String>,
    /// The reason in one word.
    pub reason: Option<String>,
    /// The reason in words.
    pub message: Option<String>,
}

/// The status of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// The present state.
    pub state: Option<ContainerState>,
    /// The state before the last restart.
    pub last_state: Option<ContainerState>,
}

/// The state of a container: one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It is running.
    pub running: Option<IgnoredAny>,
    /// It has not started.
    pub waiting: Option<Cause>,
    /// It has terminated.
    pub terminated: Option<Cause>,
}

/// Why a container is waiting, or how it terminated.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cause {
    /// The reason in one word: `ImagePullBackOff`.
    pub reason: Option<String>,
    /// The reason in words; for a terminated container, its last ones.
    pub message: Option<String>,
    /// The exit status.
    pub exit_code: Option<i64>,
}

impl PodStatus {
    /// Reads the status of a Pod. If it cannot be read, it is empty.
    pub fn of(pod: &Value) -> Self {
        Self::deserialize(&pod["status"]).unwrap_or_default()
    }

    /// The condition with this type and status.
    pub fn condition(&self, kind: &str, status: &str) -> Option<&Condition> {
        let mut conditions = self.conditions.iter().flatten();
        conditions.find(|c| c.kind.as_deref() == Some(kind) && c.status.as_deref() == Some(status))
    }

    /// Its containers.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.container_statuses.iter().flatten()
    }

    /// Its init containers, followed by its containers.
    pub fn all_containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.init_container_statuses.iter().flatten().chain(self.containers())
    }
}

/// A workload: what is wanted, and the progress of its controller.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    metadata: Option<WorkloadMeta>,
    /// What is wanted.
    pub spec: WorkloadSpec,
    /// The progress.
    pub status: WorkloadStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WorkloadMeta {
    generation: i64,
}

/// The spec of a Deployment, `StatefulSet` or `DaemonSet`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// The number of Pods; one if it is absent.
    pub replicas: Option<i64>,
    /// Whether a Deployment's rollout is paused.
    pub paused: bool,
    /// How a Deployment replaces its Pods.
    pub strategy: Strategy,
    /// How the other kinds replace their Pods.
    pub update_strategy: Strategy,
}

/// How Pods are replaced.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    /// The type; `RollingUpdate` if it is absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RollingUpdate {
    partition: i64,
}

impl Strategy {
    /// The ordinal below which the Pods of a `StatefulSet` are not updated.
    pub fn partition(&self) -> i64 {
        self.rolling_update.as_ref().map_or(0, |update| update.partition)
    }
}

/// The status of a Deployment, `StatefulSet` or `DaemonSet`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    observed_generation: i64,
    /// The number of all Pods.
    pub replicas: i64,
    /// The number of Pods that are ready.
    pub ready_replicas: i64,
    /// The number of Pods with the newest template.
    pub updated_replicas: i64,
    /// The number of Pods that have been ready for long enough.
    pub available_replicas: i64,
    /// The revision of the newest template.
    pub update_revision: Option<String>,
    /// The revision of the other Pods.
    pub current_revision: Option<String>,
    /// On how many nodes a Pod of a `DaemonSet` should run.
    pub desired_number_scheduled: i64,
    /// On how many nodes a Pod with the newest template runs.
    pub updated_number_scheduled: i64,
    /// On how many nodes a Pod is available.
    pub number_available: i64,
    /// The conditions.
    pub conditions: Option<Vec<Condition>>,
}

impl Workload {
    /// Reads a workload as the server has it. What cannot be read is empty.
    pub fn of(object: &Value) -> Self {
        Self::deserialize(object).unwrap_or_default()
    }

    /// Whether its controller has processed the present spec.
    pub fn is_observed(&self) -> bool {
        let generation = self.metadata.as_ref().map_or(0, |meta| meta.generation);
        generation <= self.status.observed_generation
    }
}
