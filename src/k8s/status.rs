//! What Pods and workloads say of how they are: the fields that somebody waits for, and no others.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// The status of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed`.
    pub phase: Option<String>,
    /// Why the Pod as a whole is as it is: `Evicted`.
    pub reason: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    conditions: Option<Vec<Condition>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    container_statuses: Option<Vec<ContainerStatus>>,
}

/// One thing that is so or not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Which: `Ready`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `True`, `False`, `Unknown`.
    pub status: Option<String>,
    /// Why, in a word.
    pub reason: Option<String>,
    /// Why, in words.
    pub message: Option<String>,
}

/// The status of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// How it is.
    pub state: Option<ContainerState>,
    /// How it was before it was started again.
    pub last_state: Option<ContainerState>,
}

/// How a container is: one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It runs.
    pub running: Option<IgnoredAny>,
    /// It has not begun.
    pub waiting: Option<Cause>,
    /// It has ended.
    pub terminated: Option<Cause>,
}

/// Why a container waits, or how it ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cause {
    /// In a word: `ImagePullBackOff`.
    pub reason: Option<String>,
    /// In words; of one that ended, its last ones.
    pub message: Option<String>,
    /// Its exit status.
    pub exit_code: Option<i64>,
}

impl PodStatus {
    /// That of a Pod; where it says nothing that can be read, nothing is known.
    pub fn of(pod: &Value) -> Self {
        Self::deserialize(&pod["status"]).unwrap_or_default()
    }

    /// A condition of it.
    pub fn condition(&self, kind: &str, status: &str) -> Option<&Condition> {
        let mut conditions = self.conditions.iter().flatten();
        conditions.find(|c| c.kind.as_deref() == Some(kind) && c.status.as_deref() == Some(status))
    }

    /// Its containers.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.container_statuses.iter().flatten()
    }

    /// Its containers, after those that run before them.
    pub fn all_containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.init_container_statuses.iter().flatten().chain(self.containers())
    }
}

/// A workload: what is wanted, and how far its controller is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    metadata: Option<WorkloadMeta>,
    /// What is wanted.
    pub spec: WorkloadSpec,
    /// How far it is.
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
    /// How many Pods; one where it does not say.
    pub replicas: Option<i64>,
    /// Whether a Deployment's rollout is paused.
    pub paused: bool,
    /// How a Deployment replaces its Pods.
    pub strategy: Strategy,
    /// How the others do.
    pub update_strategy: Strategy,
}

/// How Pods are replaced.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    /// `RollingUpdate` where it does not say.
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
    /// Below which ordinal the Pods of a `StatefulSet` stay as they are.
    pub fn partition(&self) -> i64 {
        self.rolling_update.as_ref().map_or(0, |update| update.partition)
    }
}

/// The status of a Deployment, `StatefulSet` or `DaemonSet`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    observed_generation: i64,
    /// All Pods.
    pub replicas: i64,
    /// Those that are ready.
    pub ready_replicas: i64,
    /// Those of the newest template.
    pub updated_replicas: i64,
    /// Those that have been ready for long enough.
    pub available_replicas: i64,
    /// The revision of the newest template.
    pub update_revision: Option<String>,
    /// The revision of the Pods that are not of it.
    pub current_revision: Option<String>,
    /// How many nodes are to run a Pod of a `DaemonSet`.
    pub desired_number_scheduled: i64,
    /// On how many one of the newest template runs.
    pub updated_number_scheduled: i64,
    /// On how many one is available.
    pub number_available: i64,
    /// What is so or not.
    pub conditions: Option<Vec<Condition>>,
}

impl Workload {
    /// A workload as the server has it; where nothing of it can be read, nothing is known.
    pub fn of(object: &Value) -> Self {
        Self::deserialize(object).unwrap_or_default()
    }

    /// Whether its controller has seen what is wanted now.
    pub fn is_observed(&self) -> bool {
        let generation = self.metadata.as_ref().map_or(0, |meta| meta.generation);
        generation <= self.status.observed_generation
    }
}
