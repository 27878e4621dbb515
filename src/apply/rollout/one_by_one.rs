//! Replaces the Pods of a `ReplicationController` one by one, because it has no rollouts: one Pod is evicted, the Pod in
//! its place has to be ready, then comes the next.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Api, PAUSES, RolloutError, Workload, read, with_complaint};
use crate::{
    k8s::{Eviction, Own as _, status::PodStatus},
    object::{Key, Seconds, Text, resource::POD},
    plan::permits::{Permit, Permits, Verb},
    text::parse_time,
};

/// How long a new Pod has to stay ready before the next one goes: without a probe, a container that ends at once is
/// ready for a moment.
const SETTLED: Duration = Duration::from_secs(2);

/// The rights for replacing Pods of a namespace.
pub(super) fn permits(namespace: &Text) -> Permits {
    Permits::none()
        .with(Permit::any(&[Verb::List], POD, namespace.clone()))
        .with(Permit::any(&[Verb::Create], POD, namespace.clone()).part("eviction"))
}

/// A Pod that is there and is not going.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    key: Key,
    uid: String,
    ready: bool,
}

/// Replaces the Pods that the controller has now. Each may take `limit` to go and to be replaced.
pub(super) async fn replace(
    api: &Api,
    workload: &Workload,
    controller: &Value,
    limit: Duration,
    given_up: &(dyn Fn() -> bool + Sync),
) -> Result<(), RolloutError> {
    if api.is_dry_run() {
        return Ok(());
    }
    let replacing = Replacing {
        api,
        workload,
        limit,
        given_up,
    };
    let mut before = standing(&replacing.pods(controller).await?, controller);
    // Nothing is lost with those that are not ready.
    before.sort_by_key(|pod| pod.ready);
    let old: BTreeSet<String> = before.iter().map(|pod| pod.uid.clone()).collect();
    for (replaced, pod) in (1..).zip(&before) {
        let start = Instant::now();
        replacing.evict(pod, start).await?;
        replacing.until_ready(pod, &old, replaced, start).await?;
    }
    Ok(())
}

/// Whether all Pods of a controller were made since a moment, in seconds since 1970.
pub(super) async fn are_all_since(
    api: &Api,
    workload: &Workload,
    controller: &Value,
    since: Seconds,
) -> Result<bool, RolloutError> {
    let replacing = Replacing {
        api,
        workload,
        limit: Duration::ZERO,
        given_up: &|| false,
    };
    let made = |pod: &Value| parse_time(pod["metadata"]["creationTimestamp"].as_str()?);
    let pods = replacing.pods(controller).await?;
    Ok(pods.iter().all(|pod| made(pod).is_some_and(|at| at >= since)))
}

struct Replacing<'a> {
    api: &'a Api,
    workload: &'a Workload,
    limit: Duration,
    given_up: &'a (dyn Fn() -> bool + Sync),
}

impl Replacing<'_> {
    /// All Pods that the selector of the controller fits.
    async fn pods(&self, controller: &Value) -> Result<Vec<Value>, RolloutError> {
        let labels = controller["spec"]["selector"].as_object().into_iter().flatten();
        let labels: Vec<String> = labels
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
            .collect();
        if labels.is_empty() {
            return Ok(Vec::new());
        }
        let namespace = Some(self.workload.key.namespace.as_str());
        let listed = self.api.list(POD, namespace, Some(&labels.join(","))).await;
        listed.map_err(|source| self.failed(source))
    }

    /// Evicts a Pod as soon as its budget lets it go.
    async fn evict(&self, pod: &Standing, start: Instant) -> Result<(), RolloutError> {
        let mut pauses = PAUSES;
        loop {
            if let Some(error) = self.interrupted() {
                return Err(error);
            }
            let said = match self.api.evict(&pod.key, &pod.uid).await {
                Ok(Eviction::Gone) => return Ok(()),
                Ok(Eviction::NotNow(said)) => said,
                Err(source) => return Err(self.failed(source)),
            };
            if start.elapsed() + pauses.due() > self.limit {
                return Err(self.late(format!("Pod {} may not go: {said}", pod.key.name)));
            }
            sleep(pauses.take()).await;
        }
    }

    /// Waits until as many Pods are new and stay ready as were replaced, or as the controller wants meanwhile.
    async fn until_ready(
        &self,
        pod: &Standing,
        old: &BTreeSet<String>,
        replaced: i64,
        start: Instant,
    ) -> Result<(), RolloutError> {
        let mut pauses = PAUSES;
        let mut ready_since: Option<Instant> = None;
        loop {
            let controller = read(self.api, self.workload).await?;
            let pods = self.pods(&controller).await?;
            let new: Vec<Standing> = standing(&pods, &controller);
            let new = new.iter().filter(|pod| pod.ready && !old.contains(&pod.uid)).count();
            let wanted = controller["spec"]["replicas"].as_i64().unwrap_or(1).min(replaced);
            if i64::try_from(new).is_ok_and(|new| new >= wanted) {
                let settled = controller["spec"]["minReadySeconds"].as_u64().map(Duration::from_secs);
                let since = *ready_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= settled.unwrap_or_default().max(SETTLED) {
                    return Ok(());
                }
            } else {
                ready_since = None;
            }
            if start.elapsed() + pauses.due() > self.limit {
                let fresh: Vec<Value> = pods.into_iter().filter(|pod| !old.contains(uid(pod))).collect();
                let why = format!("the Pod in the place of {} is not ready", pod.key.name);
                return Err(self.late(with_complaint(why, &fresh)));
            }
            if let Some(error) = self.interrupted() {
                return Err(error);
            }
            sleep(pauses.take()).await;
        }
    }

    /// That it was given up, if it was.
    fn interrupted(&self) -> Option<RolloutError> {
        (self.given_up)().then(|| RolloutError::Interrupted(self.workload.clone()))
    }

    fn late(&self, why: String) -> RolloutError {
        RolloutError::Late {
            workload: self.workload.clone(),
            after: self.limit,
            why,
        }
    }

    fn failed(&self, source: super::ApiError) -> RolloutError {
        RolloutError::Api {
            workload: self.workload.clone(),
            source,
        }
    }
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

/// The Pods that belong to the controller, have not ended, and are not being deleted. Another controller may have Pods
/// with the same labels.
fn standing(pods: &[Value], controller: &Value) -> Vec<Standing> {
    let owned = |pod: &&Value| {
        let owners = pod["metadata"]["ownerReferences"].as_array();
        owners.into_iter().flatten().any(|owner| {
            owner["controller"] == true && !uid(controller).is_empty() && owner["uid"].as_str() == Some(uid(controller))
        })
    };
    let stays = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    pods.iter()
        .filter(owned)
        .filter(stays)
        .filter_map(|pod| {
            let status = PodStatus::of(pod);
            let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
            (!ended).then(|| Standing {
                key: pod.key(),
                uid: uid(pod).to_owned(),
                ready: status.condition("Ready", "True").is_some(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, owner: &str, more: &Value) -> Value {
        let mut pod = json!({
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("uid-{name}"),
                "ownerReferences": [{"controller": true, "uid": owner}],
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        });
        if let (Some(into), Some(more)) = (pod.as_object_mut(), more.as_object()) {
            into.extend(more.clone());
        }
        pod
    }

    #[test]
    fn only_pods_of_the_controller_that_stay_are_replaced() {
        let controller = json!({"metadata": {"uid": "rc"}});
        let mut going = pod("going", "rc", &json!({}));
        going["metadata"]["deletionTimestamp"] = json!("2026-12-01T00:00:00Z");
        let pods = [
            pod("ready", "rc", &json!({})),
            pod("starting", "rc", &json!({"status": {"phase": "Pending"}})),
            pod("over", "rc", &json!({"status": {"phase": "Succeeded"}})),
            pod("others", "deployment", &json!({})),
            going,
        ];
        let found: Vec<(String, bool)> = standing(&pods, &controller)
            .into_iter()
            .map(|pod| (pod.key.name.to_string(), pod.ready))
            .collect();
        assert_eq!(found, [("ready".to_owned(), true), ("starting".to_owned(), false)]);
        assert!(
            standing(&pods, &json!({})).is_empty(),
            "a controller without a uid owns nothing"
        );
    }

    #[test]
    fn replacing_pods_needs_their_list_and_the_right_to_evict_them() {
        let rights: Vec<String> = permits(&"shop".into())
            .rights()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            rights,
            ["list pods in namespace shop", "create pods/eviction in namespace shop"]
        );
    }
}
