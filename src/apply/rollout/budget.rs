//! What a rollout may take away, and what the `PodDisruptionBudget`s of the Pods allow: a rollout is no eviction, so that the cluster
//! does not hold it to them.

use serde_json::Value;

use super::WorkloadKind;
use crate::{k8s::Own as _, object::Text};

/// A budget that a rollout would not keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tight {
    /// The name of the `PodDisruptionBudget`.
    pub budget: Text,
    /// How many Pods the rollout may take away at once.
    pub away: i64,
    /// How many Pods the workload has.
    pub of: i64,
    /// How many the budget allows to be away.
    pub allowed: i64,
}

/// The tightest of the budgets of a namespace that a rolling update of a workload would not keep to; `None` if it keeps to all.
pub(super) fn tightest(kind: WorkloadKind, object: &Value, budgets: &[Value]) -> Option<Tight> {
    let (away, of) = away(kind, object)?;
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    let is_of = |budget: &&Value| {
        budget["metadata"]["deletionTimestamp"].is_null() && selects(&budget["spec"]["selector"], labels)
    };
    budgets
        .iter()
        .filter(is_of)
        .filter_map(|budget| {
            let allowed = allowed(budget, of)?;
            (away > allowed).then(|| Tight {
                budget: budget.key().name,
                away,
                of,
                allowed,
            })
        })
        .min_by_key(|tight| tight.allowed)
}

/// How many Pods a rolling update may take away at once, and how many the workload has; `None` if it has none, or is not rolled. The
/// numbers are those of Kubernetes' controllers (`ResolveFenceposts` for Deployments).
fn away(kind: WorkloadKind, object: &Value) -> Option<(i64, i64)> {
    let spec = &object["spec"];
    let replicas = spec["replicas"].as_i64().unwrap_or(1);
    let (away, of) = match kind {
        WorkloadKind::ReplicationController => return None,
        WorkloadKind::Deployment => {
            let update = &spec["strategy"]["rollingUpdate"];
            let quarter = Value::from("25%");
            let or_quarter = |field: &str| {
                Some(&update[field])
                    .filter(|value| !value.is_null())
                    .unwrap_or(&quarter)
                    .clone()
            };
            let surge = scaled(&or_quarter("maxSurge"), replicas, true)?;
            let away = scaled(&or_quarter("maxUnavailable"), replicas, false)?;
            (if surge == 0 { away.max(1) } else { away }, replicas)
        }
        WorkloadKind::StatefulSet => {
            let most = &spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
            (scaled(most, replicas, false).unwrap_or(1).max(1), replicas)
        }
        WorkloadKind::DaemonSet => {
            let update = &spec["updateStrategy"]["rollingUpdate"];
            let of = object["status"]["desiredNumberScheduled"].as_i64().unwrap_or_default();
            let surge = scaled(&update["maxSurge"], of, true).unwrap_or_default();
            let away = scaled(&update["maxUnavailable"], of, true).unwrap_or(1);
            (if surge > 0 { 0 } else { away.max(1) }, of)
        }
    };
    (of > 0).then_some((away.min(of), of))
}

/// How many of the Pods that a budget is about may be away; `None` if it says nothing. They are at least the `known` ones of the workload.
fn allowed(budget: &Value, known: i64) -> Option<i64> {
    let spec = &budget["spec"];
    let expected = budget["status"]["expectedPods"].as_i64().unwrap_or_default().max(known);
    let allowed = match scaled(&spec["minAvailable"], expected, true) {
        Some(least) => expected - least,
        None => scaled(&spec["maxUnavailable"], expected, true)?,
    };
    Some(allowed.max(0))
}

/// A number, or a share of the Pods; `None` if it is neither.
fn scaled(value: &Value, of: i64, is_rounded_up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let hundredths = percent.checked_mul(of)?;
    Some(if is_rounded_up {
        hundredths.saturating_add(99) / 100
    } else {
        hundredths / 100
    })
}

/// Whether a selector of policy/v1 selects labels: an empty one selects all, none selects nothing. An operator that is not known might.
fn selects(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let mut wanted = selector["matchLabels"].as_object().into_iter().flatten();
    let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    wanted.all(|(key, value)| labels[key.as_str()] == *value)
        && expressions.all(|expression| {
            let found = &labels[expression["key"].as_str().unwrap_or_default()];
            let is_in = || {
                let values = expression["values"].as_array();
                !found.is_null() && values.is_some_and(|values| values.contains(found))
            };
            match expression["operator"].as_str().unwrap_or_default() {
                "In" => is_in(),
                "NotIn" => !is_in(),
                "Exists" => !found.is_null(),
                "DoesNotExist" => found.is_null(),
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(more: &Value) -> Value {
        let mut object = json!({
            "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"replicas": 4, "template": {"metadata": {"labels": {"app": "web", "tier": "front"}}}},
            "status": {"desiredNumberScheduled": 4},
        });
        let spec = object["spec"].as_object_mut().unwrap();
        spec.extend(more.as_object().unwrap().clone());
        object
    }

    fn budget(name: &str, spec: &Value) -> Value {
        let mut budget = json!({
            "metadata": {"namespace": "shop", "name": name},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
        });
        let all = budget["spec"].as_object_mut().unwrap();
        all.extend(spec.as_object().unwrap().clone());
        budget
    }

    #[test]
    fn a_rollout_keeps_to_its_budget_only_if_it_takes_no_more_away_than_that_allows() {
        use WorkloadKind::{DaemonSet, Deployment, ReplicationController, StatefulSet};
        let rolling = |field: &str, update: &Value| json!({field: {"rollingUpdate": update}});
        let (strategy, update) = ("strategy", "updateStrategy");
        for (kind, spec, least, expected) in [
            // A quarter of four.
            (Deployment, json!({}), json!({"minAvailable": 4}), Some((1, 0))),
            (Deployment, json!({}), json!({"minAvailable": 3}), None),
            (Deployment, json!({}), json!({"minAvailable": "76%"}), Some((1, 0))),
            (Deployment, json!({}), json!({"maxUnavailable": 0}), Some((1, 0))),
            // Rounded up, as Kubernetes does.
            (Deployment, json!({}), json!({"maxUnavailable": "1%"}), None),
            (Deployment, json!({}), json!({}), None),
            (Deployment, json!({"replicas": 3}), json!({"minAvailable": 3}), None),
            (Deployment, json!({"replicas": 0}), json!({"minAvailable": 3}), None),
            (
                Deployment,
                rolling(strategy, &json!({"maxUnavailable": 0})),
                json!({"minAvailable": 4}),
                None,
            ),
            (
                Deployment,
                rolling(strategy, &json!({"maxUnavailable": 0, "maxSurge": 0})),
                json!({"minAvailable": 4}),
                Some((1, 0)),
            ),
            (
                Deployment,
                rolling(strategy, &json!({"maxUnavailable": "75%"})),
                json!({"minAvailable": 2}),
                Some((3, 2)),
            ),
            (StatefulSet, json!({}), json!({"minAvailable": 4}), Some((1, 0))),
            (StatefulSet, json!({}), json!({"minAvailable": 3}), None),
            (
                StatefulSet,
                rolling(update, &json!({"maxUnavailable": 2})),
                json!({"minAvailable": 3}),
                Some((2, 1)),
            ),
            (DaemonSet, json!({}), json!({"maxUnavailable": 0}), Some((1, 0))),
            (
                DaemonSet,
                rolling(update, &json!({"maxUnavailable": 0, "maxSurge": 1})),
                json!({"maxUnavailable": 0}),
                None,
            ),
            (
                DaemonSet,
                rolling(update, &json!({"maxUnavailable": "50%"})),
                json!({"maxUnavailable": 1}),
                Some((2, 1)),
            ),
            // Its Pods are evicted, which the cluster holds to budgets.
            (ReplicationController, json!({}), json!({"minAvailable": 4}), None),
        ] {
            let found = tightest(kind, &workload(&spec), &[budget("web", &least)]);
            let found = found.map(|tight| (tight.away, tight.allowed));
            assert_eq!(found, expected, "{kind:?} {spec} {least}");
        }
    }

    #[test]
    fn the_tightest_budget_of_its_pods_counts_with_all_pods_that_it_is_about() {
        let all = workload(&json!({"strategy": {"rollingUpdate": {"maxUnavailable": 3}}}));
        let mut shared = budget("shared", &json!({"minAvailable": 7}));
        shared["status"] = json!({"expectedPods": 8});
        let loose = budget("loose", &json!({"maxUnavailable": 2}));
        let found = tightest(WorkloadKind::Deployment, &all, &[loose.clone(), shared, loose]);
        let found = found.map(|tight| (tight.budget.to_string(), tight.away, tight.of, tight.allowed));
        assert_eq!(found, Some(("shared".to_owned(), 3, 4, 1)));
    }

    #[test]
    fn a_budget_of_other_pods_is_none_of_its_business() {
        let tight = |selector: &Value| {
            let mut budget = budget("web", &json!({"minAvailable": 4}));
            budget["spec"]["selector"] = selector.clone();
            tightest(WorkloadKind::Deployment, &workload(&json!({})), &[budget]).is_some()
        };
        for (selector, expected) in [
            (json!({}), true),
            (json!(null), false),
            (json!({"matchLabels": {"app": "web", "tier": "front"}}), true),
            (json!({"matchLabels": {"app": "web", "tier": "back"}}), false),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "other", "operator": "NotIn", "values": ["front"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "other", "operator": "Exists"}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "other", "operator": "DoesNotExist"}]}),
                true,
            ),
        ] {
            assert_eq!(tight(&selector), expected, "{selector}");
        }
        let mut going = budget("web", &json!({"minAvailable": 4}));
        going["metadata"]["deletionTimestamp"] = "2026-12-01T00:00:00Z".into();
        assert_eq!(
            tightest(WorkloadKind::Deployment, &workload(&json!({})), &[going]),
            None
        );
    }
}
