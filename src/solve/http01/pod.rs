//! The solver's Pod: whether it runs, and in words why it does not.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::api_error;
use crate::{
    apply::{Api, resource},
    object::{Key, Kind},
    solve::SolveError,
    source::cluster,
};

/// How long a Pod may take to start: an image is pulled.
pub(super) const START: Duration = Duration::from_mins(2);
/// How long a state that may pass is borne before it counts.
const PASSING: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a Pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Its container runs.
    Runs,
    /// Its container has ended, with these last words.
    Ended { code: i64, words: String },
    /// Not yet; why, where it says so.
    Waits(Option<String>),
    /// It will not by itself; why, and what to do.
    Stuck(String, &'static str),
}

/// Waits until the Pod of a Job runs.
///
/// Fails in the words of the kubelet, the scheduler or the admission where it cannot.
pub(super) async fn wait_until_it_runs(api: &Api, job: &Key, selector: &str) -> Result<(), SolveError> {
    let begin = Instant::now();
    let (mut pause, mut seen) = (PAUSE, None);
    loop {
        let pods = api
            .list(resource::POD, Some(&job.namespace), Some(selector))
            .await
            .map_err(api_error)?;
        let newest = pods
            .iter()
            .max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str());
        let elapsed = begin.elapsed();
        match newest.map(state) {
            Some(State::Runs) => return Ok(()),
            Some(State::Stuck(why, hint)) if elapsed > PASSING || !may_pass(&why) => {
                return Err(failed(job, &why).hint(hint));
            }
            Some(State::Stuck(why, _)) => seen = Some(why),
            // Its Job makes another one, a few times.
            Some(State::Ended { code, words }) => {
                seen = Some(format!("it ended with exit status {code}{}", quoted(&words)));
            }
            Some(State::Waits(why)) => seen = why,
            None if elapsed > Duration::from_secs(3) => {
                if let Some(why) = refused(api, job).await {
                    return Err(failed(job, &why)
                        .hint("change what refuses it (a quota, an admission rule), or answer without a Pod (--solver endpoint, --dns)"));
                }
            }
            None => {}
        }
        if elapsed > START {
            let why = seen.unwrap_or_else(|| "it has not started".into());
            return Err(failed(job, &format!("{why} after {} s", START.as_secs())).hint(format!(
                "kubectl describe pod -n {} -l {selector} says more",
                job.namespace
            )));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Waits until a Pod that looks at something has ended, and returns its last words.
pub(super) async fn last_words(api: &Api, pod: &Key, limit: Duration) -> Result<String, SolveError> {
    let begin = Instant::now();
    let mut pause = PAUSE;
    loop {
        let found = api.get(resource::POD, pod).await.map_err(api_error)?;
        let Some(found) = found else {
            return Err(failed(pod, "it is gone"));
        };
        let elapsed = begin.elapsed();
        match state(&found) {
            State::Ended { words, .. } if !words.trim().is_empty() => return Ok(words),
            State::Ended { code, .. } => {
                return Err(failed(
                    pod,
                    &format!("it ended with exit status {code} and without a word"),
                ));
            }
            State::Stuck(why, hint) if elapsed > PASSING || !may_pass(&why) => return Err(failed(pod, &why).hint(hint)),
            State::Waits(Some(why)) | State::Stuck(why, _) if elapsed > limit => return Err(failed(pod, &why)),
            _ if elapsed > limit => return Err(failed(pod, "it has not ended in time")),
            _ => {}
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

fn failed(key: &Key, why: &str) -> SolveError {
    SolveError::new(format!("the solver's Pod ({key}) does not run: {why}")).of_cluster()
}

fn quoted(words: &str) -> String {
    match words.trim() {
        "" => String::new(),
        words => format!(": {}", words.chars().take(300).collect::<String>()),
    }
}

/// Whether waiting may help: a registry that stumbles, a node that is being added.
fn may_pass(why: &str) -> bool {
    why.starts_with("ErrImagePull") || why.starts_with("no node")
}

/// Why no Pod was made, by the newest warning about the Job.
async fn refused(api: &Api, job: &Key) -> Option<String> {
    let events = cluster::events(api.connection(), &job.namespace, Kind::Job, &job.name)
        .await
        .ok()?;
    let warning = events.into_iter().find(|event| event.warning)?;
    Some(format!("{}: {}", warning.reason, warning.message))
}

fn state(pod: &Value) -> State {
    let status = &pod["status"];
    let container = &status["containerStatuses"][0]["state"];
    if container["running"].is_object() {
        return State::Runs;
    }
    if let Some(ended) = container["terminated"].as_object() {
        return State::Ended {
            code: ended.get("exitCode").and_then(Value::as_i64).unwrap_or_default(),
            words: ended
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        };
    }
    let waiting = &container["waiting"];
    let reason = waiting["reason"].as_str().unwrap_or_default();
    let why = || match waiting["message"].as_str() {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    };
    match reason {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" | "RegistryUnavailable" => {
            return State::Stuck(
                why(),
                "name an image that the nodes can pull with --solver-image, and its pull secret with --solver-pull-secret",
            );
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            return State::Stuck(
                why(),
                "the image must run as user 65532: is it the project's, for this architecture?",
            );
        }
        "" | "ContainerCreating" | "PodInitializing" => {}
        _ => return State::Waits(Some(why())),
    }
    if status["phase"] == "Failed" {
        let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
        return State::Ended {
            code: -1,
            words: format!("{} {}", text("reason"), text("message")),
        };
    }
    let none = Vec::new();
    let unscheduled = status["conditions"]
        .as_array()
        .unwrap_or(&none)
        .iter()
        .find(|c| c["type"] == "PodScheduled" && c["status"] == "False");
    match unscheduled {
        Some(condition) => State::Stuck(
            format!(
                "no node takes it: {}",
                condition["message"].as_str().unwrap_or_default()
            ),
            "see --solver-node-selector and --solver-toleration",
        ),
        None => State::Waits(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(container: &Value) -> State {
        state(&json!({"status": {"phase": "Pending", "containerStatuses": [{"state": container}]}}))
    }

    #[test]
    fn what_a_pod_waits_for_is_told_in_the_kubelets_words() {
        assert_eq!(of(&json!({"running": {"startedAt": "x"}})), State::Runs);
        assert_eq!(
            of(&json!({"waiting": {"reason": "ContainerCreating"}})),
            State::Waits(None)
        );
        let State::Stuck(why, hint) =
            of(&json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}))
        else {
            panic!("stuck");
        };
        assert_eq!(why, "ImagePullBackOff: no such image");
        assert!(hint.contains("--solver-image") && !may_pass(&why));
        assert_eq!(
            of(&json!({"terminated": {"exitCode": 2, "message": "no"}})),
            State::Ended {
                code: 2,
                words: "no".into()
            }
        );
    }

    #[test]
    fn a_pod_that_no_node_takes_says_why() {
        let pod = json!({"status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"},
        ]}});
        let State::Stuck(why, _) = state(&pod) else {
            panic!("stuck")
        };
        assert!(why.contains("0/1 nodes") && may_pass(&why));
        assert_eq!(state(&json!({"status": {"phase": "Pending"}})), State::Waits(None));
        let evicted = json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "disk"}});
        assert_eq!(
            state(&evicted),
            State::Ended {
                code: -1,
                words: "Evicted disk".into()
            }
        );
    }
}
