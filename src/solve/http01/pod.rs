//! The state of the solver's Pod, and in words why it does not run.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::api_error;
use crate::{
    apply::Api,
    clock::Pauses,
    event::{EventKind, Teller},
    k8s::{self, status::PodStatus},
    object::{Key, Kind, resource},
    solve::SolveError,
};

/// How long a Pod may take to start, including pulling its image.
pub(super) const START: Duration = Duration::from_mins(2);
/// How long a state that may pass is tolerated.
const PASSING: Duration = Duration::from_secs(20);
/// How long a Job may take to create a Pod before the reason is looked up.
const UNMADE: Duration = Duration::from_secs(3);
/// How often the Pod is checked while it answers.
const LOOK: Duration = Duration::from_secs(2);
const ENDED: &str = "kubectl get events in its namespace shows why: a node without free memory, an eviction, a quota";
const PAUSES: Pauses = Pauses::growing(Duration::from_millis(50), Duration::from_secs(1), (3, 2));

/// The state of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Its container is running.
    Runs,
    /// Its container has ended, with this reason and termination message.
    Ended { how: String, words: String },
    /// It has not started yet, for this reason if it is known.
    Waits(Option<String>),
    /// It will not start by itself: the reason, and what to do.
    Stuck(String, &'static str),
}

/// The Pods of a solver's Job.
pub(super) struct Pods<'a> {
    pub(super) api: &'a Api,
    pub(super) job: Key,
    pub(super) selector: String,
}

impl Pods<'_> {
    /// The newest Pod, because a Job creates another when one has ended.
    async fn newest(&self) -> Result<Option<State>, SolveError> {
        let pods = self
            .api
            .list(resource::POD, Some(&self.job.namespace), Some(&self.selector))
            .await
            .map_err(api_error)?;
        let newest = pods
            .iter()
            .max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str());
        Ok(newest.map(state))
    }

    /// Waits until the Pod of the Job is ready to answer, and reports what it is waiting for.
    ///
    /// Fails in the words of the kubelet, the scheduler or the admission.
    pub(super) async fn wait_until_it_answers(&self, tell: &Teller) -> Result<(), SolveError> {
        let begin = Instant::now();
        let (mut pauses, mut seen) = (PAUSES, None);
        loop {
            let elapsed = begin.elapsed();
            let now = match self.newest().await? {
                Some(State::Runs) => return Ok(()),
                Some(State::Stuck(why, hint)) if elapsed > PASSING || !may_pass(&why) => {
                    return Err(failed(&self.job, &why).hint(hint));
                }
                Some(State::Stuck(why, _)) => Some(why),
                // Its Job creates another one, a few times.
                Some(State::Ended { how, words }) => Some(format!("it ended: {how}{}", quoted(&words))),
                Some(State::Waits(why)) => why,
                None if elapsed > UNMADE => {
                    let why = refused(self.api, &self.job).await;
                    if let Some(why) = why.as_ref().filter(|_| elapsed > PASSING) {
                        return Err(failed(&self.job, why).hint(
                            "change the rule that refuses it (a quota, an admission rule), or answer without a Pod (--solver \
                             endpoint, --dns)",
                        ));
                    }
                    why
                }
                None => None,
            };
            if let Some(why) = now.as_ref().filter(|_| now != seen) {
                tell.tell(EventKind::Waiting {
                    reason: format!("the solver's Pod: {why}"),
                });
            }
            seen = now.or(seen);
            if elapsed > START {
                let why = seen.unwrap_or_else(|| "it has not started".into());
                return Err(
                    failed(&self.job, &format!("{why} after {} s", START.as_secs())).hint(format!(
                        "kubectl describe pod -n {} -l {} says more",
                        self.job.namespace, self.selector
                    )),
                );
            }
            sleep(pauses.take()).await;
        }
    }

    /// Returns when there has been no answering Pod for so long that there will be none, with how the last one ended.
    pub(super) async fn until_it_is_gone(&self, tell: &Teller) -> SolveError {
        let (mut since, mut told) = (None, String::new());
        loop {
            sleep(LOOK).await;
            let how = match self.newest().await {
                Ok(Some(State::Ended { how, words })) => format!("it ended: {how}{}", quoted(&words)),
                Ok(None) => "it no longer exists".to_owned(),
                Ok(Some(State::Runs | State::Waits(_) | State::Stuck(..))) | Err(_) => {
                    since = None;
                    continue;
                }
            };
            if told != how {
                tell.tell(EventKind::Waiting {
                    reason: format!("another Pod of the solver's: {how}"),
                });
                told.clone_from(&how);
            }
            if since.get_or_insert_with(Instant::now).elapsed() > PASSING {
                return failed(&self.job, &how).hint(ENDED);
            }
        }
    }

    /// The same error, extended by how the Pod ended, if it no longer answers.
    pub(super) async fn explain(&self, error: SolveError) -> SolveError {
        match self.newest().await {
            Ok(Some(State::Ended { how, words })) => SolveError {
                message: format!("{}; the solver's Pod has ended: {how}{}", error.message, quoted(&words)),
                ..error
            }
            .hint(ENDED),
            _ => error,
        }
    }
}

/// Waits until a Pod that checks something has ended, and returns its termination message.
pub(super) async fn last_words(api: &Api, pod: &Key, limit: Duration) -> Result<String, SolveError> {
    let begin = Instant::now();
    let mut pauses = PAUSES;
    loop {
        let found = api.get(resource::POD, pod).await.map_err(api_error)?;
        let Some(found) = found else {
            return Err(failed(pod, "it no longer exists"));
        };
        let elapsed = begin.elapsed();
        match state(&found) {
            State::Ended { words, .. } if !words.trim().is_empty() => return Ok(words),
            State::Ended { how, .. } => return Err(failed(pod, &format!("it ended without output: {how}"))),
            State::Stuck(why, hint) if elapsed > PASSING || !may_pass(&why) => return Err(failed(pod, &why).hint(hint)),
            State::Waits(Some(why)) | State::Stuck(why, _) if elapsed > limit => return Err(failed(pod, &why)),
            _ if elapsed > limit => return Err(failed(pod, "it has not ended in time")),
            _ => {}
        }
        sleep(pauses.take()).await;
    }
}

fn failed(key: &Key, why: &str) -> SolveError {
    SolveError::new(format!("the solver's Pod ({key}) does not run: {why}")).of_cluster()
}

fn quoted(words: &str) -> String {
    match words.trim() {
        "" => String::new(),
        words => format!(": {}", crate::text::shorten(words, 300)),
    }
}

/// Whether waiting may help: a registry with a temporary problem, a node that is being added.
fn may_pass(why: &str) -> bool {
    why.starts_with("ErrImagePull") || why.starts_with("no node")
}

/// Why no Pod was created, according to the newest warning about the Job.
async fn refused(api: &Api, job: &Key) -> Option<String> {
    let events = k8s::events(api.connection(), &job.namespace, Kind::Job, &job.name)
        .await
        .ok()?;
    let warning = events.into_iter().find(|event| event.warning)?;
    Some(format!("{}: {}", warning.reason, warning.message))
}

fn state(pod: &Value) -> State {
    let status = PodStatus::of(pod);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let failed = status.phase.as_deref() == Some("Failed");
    // An eviction ends the Pod itself; its container only reports a signal.
    if let Some(reason) = status.reason.as_ref().filter(|_| failed) {
        return State::Ended {
            how: reason.clone(),
            words: text(&status.message),
        };
    }
    let container = status.containers().next().and_then(|it| it.state.as_ref());
    if container.is_some_and(|state| state.running.is_some()) {
        // A Service only leads to it when it is ready.
        return match status.condition("Ready", "True") {
            Some(_) => State::Runs,
            None => State::Waits(Some("it runs, and is not ready yet".to_owned())),
        };
    }
    if let Some(ended) = container.and_then(|state| state.terminated.as_ref()) {
        let code = ended.exit_code.unwrap_or_default();
        return State::Ended {
            how: match ended.reason.as_deref() {
                Some(reason) if !["Error", "Completed"].contains(&reason) => format!("{reason}, exit status {code}"),
                _ => format!("exit status {code}"),
            },
            words: text(&ended.message),
        };
    }
    let waiting = container.and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|cause| cause.reason.as_deref()).unwrap_or_default();
    let why = || match waiting.and_then(|cause| cause.message.as_ref()) {
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
        "" => {}
        _ => return State::Waits(Some(why())),
    }
    if failed {
        return State::Ended {
            how: "it failed".to_owned(),
            words: text(&status.message),
        };
    }
    if let Some(condition) = status.condition("PodScheduled", "False") {
        return State::Stuck(
            format!("no node accepts it: {}", text(&condition.message)),
            "check --solver-node-selector and --solver-toleration",
        );
    }
    let pending = status.phase.as_deref() == Some("Pending");
    State::Waits(pending.then(|| "it is not scheduled yet".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(container: &Value) -> State {
        state(&json!({"status": {"phase": "x", "containerStatuses": [{"state": container}]}}))
    }

    #[test]
    fn what_a_pod_waits_for_is_told_in_the_kubelets_words() {
        let running = |ready: &str| {
            state(&json!({"status": {
                "phase": "Running", "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"state": {"running": {"startedAt": "x"}}}],
            }}))
        };
        assert_eq!(running("True"), State::Runs);
        assert_eq!(
            running("False"),
            State::Waits(Some("it runs, and is not ready yet".into()))
        );
        assert_eq!(
            of(&json!({"waiting": {"reason": "ContainerCreating"}})),
            State::Waits(Some("ContainerCreating".into()))
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
                how: "exit status 2".into(),
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
        assert_eq!(
            state(&json!({"status": {"phase": "Pending"}})),
            State::Waits(Some("it is not scheduled yet".into()))
        );
    }

    #[test]
    fn how_a_pod_ended_is_told_by_who_ended_it() {
        let ended = |how: &str, words: &str| State::Ended {
            how: how.into(),
            words: words.into(),
        };
        let killed = json!([{"state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]);
        let evicted = json!({"status": {
            "phase": "Failed", "reason": "Evicted", "message": "disk", "containerStatuses": killed,
        }});
        assert_eq!(state(&evicted), ended("Evicted", "disk"));
        assert_eq!(
            of(&json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
            ended("OOMKilled, exit status 137", "")
        );
    }
}
