//! Judges the progress of a rollout like `kubectl rollout status`. Pure.

use serde_json::Value;

use super::WorkloadKind;
use crate::k8s::{
    Own as _,
    status::{PodStatus, Workload, WorkloadStatus},
};

/// The progress of a rollout.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All Pods are new and available.
    Done,
    /// It is in progress, and waits for this.
    Waits(String),
    /// It cannot complete by itself.
    Failed(String),
}

/// Why a workload must not be restarted; `None` if it may.
pub(super) fn why_not(kind: WorkloadKind, object: &Value) -> Option<&'static str> {
    let spec = Workload::of(object).spec;
    let strategy = match kind {
        WorkloadKind::ReplicationController => return None,
        WorkloadKind::Deployment => spec.strategy,
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => spec.update_strategy,
    };
    match strategy.kind.as_deref().unwrap_or("RollingUpdate") {
        "RollingUpdate" => {}
        "Recreate" => return Some("its strategy is Recreate: all of its Pods would be down at once"),
        "OnDelete" => return Some("its strategy is OnDelete: it changes only as its Pods are deleted"),
        _ => return Some("its strategy is not RollingUpdate"),
    }
    if spec.paused {
        return Some("its rollout is paused");
    }
    if strategy.partition() > 0 {
        return Some("its strategy has a partition: some of its Pods would keep the old certificate");
    }
    None
}

/// That nothing serves for a moment while the only Pod of a workload is replaced, if that is so.
pub(super) fn outage(workload: &super::Workload, object: &Value) -> Option<String> {
    let replicas = Workload::of(object).spec.replicas.unwrap_or(1);
    (workload.kind == WorkloadKind::ReplicationController && replicas == 1)
        .then(|| format!("{workload} has one Pod: nothing stands in for it until the Pod in its place is ready"))
}

/// Judges a workload after it was changed.
pub(super) fn of(kind: WorkloadKind, object: &Value) -> State {
    let workload = Workload::of(object);
    if !workload.is_observed() {
        return State::Waits("its controller has not picked it up yet".into());
    }
    let (wanted, status) = (workload.spec.replicas.unwrap_or(1), workload.status);
    match kind {
        WorkloadKind::Deployment => deployment(wanted, status),
        WorkloadKind::StatefulSet => {
            let (ready, new) = (status.ready_replicas, status.updated_replicas);
            if ready < wanted {
                State::Waits(format!("{ready} of {wanted} Pods are ready"))
            } else if status.update_revision != status.current_revision {
                State::Waits(format!("{new} of {wanted} Pods are new"))
            } else {
                State::Done
            }
        }
        // Its Pods are followed one by one.
        WorkloadKind::ReplicationController => State::Done,
        WorkloadKind::DaemonSet => {
            let wanted = status.desired_number_scheduled;
            let (new, available) = (status.updated_number_scheduled, status.number_available);
            if new < wanted {
                State::Waits(format!("{new} of {wanted} Pods are new"))
            } else if available < wanted {
                State::Waits(format!("{available} of {wanted} Pods are available"))
            } else {
                State::Done
            }
        }
    }
}

fn deployment(wanted: i64, status: WorkloadStatus) -> State {
    let mut conditions = status.conditions.into_iter().flatten();
    let late = conditions
        .find(|c| c.kind.as_deref() == Some("Progressing") && c.reason.as_deref() == Some("ProgressDeadlineExceeded"));
    if let Some(condition) = late {
        let usual = || "its progress deadline has passed".to_owned();
        return State::Failed(condition.message.unwrap_or_else(usual));
    }
    let (new, all, available) = (status.updated_replicas, status.replicas, status.available_replicas);
    if new < wanted {
        State::Waits(format!("{new} of {wanted} Pods are new"))
    } else if all > new {
        State::Waits(format!("{} old Pods are still there", all - new))
    } else if available < new {
        State::Waits(format!("{available} of {new} new Pods are available"))
    } else {
        State::Done
    }
}

/// The message of the first Pod with a container that is waiting or has failed: `Pod web-1: ImagePullBackOff: ...`.
pub(super) fn complaint(pods: &[Value]) -> Option<String> {
    pods.iter().find_map(|pod| {
        let status = PodStatus::of(pod);
        let of_container = status.all_containers().find_map(|container| {
            let state = container.state.as_ref()?;
            let wrong = state.waiting.as_ref().or(state.terminated.as_ref())?;
            let reason = wrong.reason.as_deref()?;
            let usual = matches!(reason, "ContainerCreating" | "PodInitializing" | "Completed");
            // If a container crashes, the crash is more useful than the pause before its next start.
            let last = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
            let message = last.and_then(|last| last.message.as_ref()).or(wrong.message.as_ref());
            (!usual).then(|| match message {
                Some(message) => format!("{reason}: {}", message.trim()),
                None => reason.to_owned(),
            })
        });
        let unscheduled = || status.condition("PodScheduled", "False")?.message.clone();
        let said = of_container.or_else(unscheduled)?;
        let name = pod.key().name;
        Some(format!("Pod {name}: {}", crate::text::shorten(&said, 300)))
    })
}
