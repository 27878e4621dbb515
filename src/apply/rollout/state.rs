//! How far a rollout is, as `kubectl rollout status` judges it. Pure.

use serde_json::Value;

use super::WorkloadKind;

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All Pods are new and available.
    Done,
    /// It goes on; for what it waits.
    Waits(String),
    /// It does not come to its end by itself.
    Failed(String),
}

/// Why a workload is not to be restarted; `None` when it rolls.
pub(super) fn why_not(kind: WorkloadKind, object: &Value) -> Option<&'static str> {
    let spec = &object["spec"];
    let strategy = match kind {
        WorkloadKind::Deployment => &spec["strategy"],
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => &spec["updateStrategy"],
    };
    match strategy["type"].as_str().unwrap_or("RollingUpdate") {
        "RollingUpdate" => {}
        "Recreate" => return Some("its strategy is Recreate: all of its Pods would be down at once"),
        "OnDelete" => return Some("its strategy is OnDelete: it changes only as its Pods are deleted"),
        _ => return Some("its strategy is not RollingUpdate"),
    }
    if spec["paused"] == true {
        return Some("its rollout is paused");
    }
    if number(&strategy["rollingUpdate"]["partition"]) > 0 {
        return Some("its strategy has a partition: some of its Pods would keep the old certificate");
    }
    None
}

/// Judges a workload after it was changed.
pub(super) fn of(kind: WorkloadKind, object: &Value) -> State {
    let (spec, status) = (&object["spec"], &object["status"]);
    if number(&object["metadata"]["generation"]) > number(&status["observedGeneration"]) {
        return State::Waits("its controller has not picked it up yet".into());
    }
    match kind {
        WorkloadKind::Deployment => deployment(spec, status),
        WorkloadKind::StatefulSet => {
            let (wanted, ready) = (spec["replicas"].as_i64().unwrap_or(1), number(&status["readyReplicas"]));
            if ready < wanted {
                State::Waits(format!("{ready} of {wanted} Pods are ready"))
            } else if status["updateRevision"] != status["currentRevision"] {
                let new = number(&status["updatedReplicas"]);
                State::Waits(format!("{new} of {wanted} Pods are new"))
            } else {
                State::Done
            }
        }
        WorkloadKind::DaemonSet => {
            let wanted = number(&status["desiredNumberScheduled"]);
            let (new, available) = (
                number(&status["updatedNumberScheduled"]),
                number(&status["numberAvailable"]),
            );
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

fn deployment(spec: &Value, status: &Value) -> State {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let late = conditions
        .filter(|c| c["type"] == "Progressing")
        .find(|c| c["reason"] == "ProgressDeadlineExceeded");
    if let Some(condition) = late {
        let said = condition["message"]
            .as_str()
            .unwrap_or("its progress deadline has passed");
        return State::Failed(said.to_owned());
    }
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let (new, all) = (number(&status["updatedReplicas"]), number(&status["replicas"]));
    let available = number(&status["availableReplicas"]);
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

/// What the first Pod whose container waits or failed says: `Pod web-1: ImagePullBackOff: ...`.
pub(super) fn complaint(pods: &[Value]) -> Option<String> {
    pods.iter().find_map(|pod| {
        let name = pod["metadata"]["name"].as_str()?;
        let mut statuses = ["initContainerStatuses", "containerStatuses"]
            .into_iter()
            .flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
        let said = statuses
            .find_map(|status| {
                let state = &status["state"];
                let wrong = &state["waiting"];
                let wrong = if wrong.is_null() { &state["terminated"] } else { wrong };
                let reason = wrong["reason"].as_str()?;
                let usual = matches!(reason, "ContainerCreating" | "PodInitializing" | "Completed");
                // Of a container that crashes, the crash tells more than the pause before the next try.
                let last = status["lastState"]["terminated"]["message"].as_str();
                (!usual).then(|| match last.or(wrong["message"].as_str()) {
                    Some(message) => format!("{reason}: {}", message.trim()),
                    None => reason.to_owned(),
                })
            })
            .or_else(|| {
                let conditions = pod["status"]["conditions"].as_array()?;
                let unscheduled = conditions
                    .iter()
                    .find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
                Some(unscheduled["message"].as_str()?.to_owned())
            })?;
        Some(format!("Pod {name}: {}", crate::text::shorten(&said, 300)))
    })
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}
