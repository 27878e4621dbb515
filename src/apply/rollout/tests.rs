use super::*;
use crate::object::{Meta, consumer::SecretUse};

fn consumer(kind: Kind, name: &str, uses: &[(&str, How)]) -> Consumer {
    Consumer {
        kind,
        meta: Meta {
            namespace: "shop".into(),
            name: name.into(),
            ..Meta::default()
        },
        uses: uses
            .iter()
            .map(|(name, how)| SecretUse {
                name: (*name).into(),
                how: *how,
            })
            .collect(),
        started: None,
        ended: false,
        program: None,
    }
}

#[test]
fn only_subpath_and_environment_need_a_restart() {
    let consumers = [
        consumer(Kind::Deployment, "volume", &[("tls", How::Volume)]),
        consumer(Kind::Deployment, "sub", &[("tls", How::Volume), ("tls", How::SubPath)]),
        consumer(Kind::StatefulSet, "env", &[("tls", How::Environment)]),
        consumer(Kind::DaemonSet, "other", &[("other", How::SubPath)]),
        consumer(Kind::Pod, "bare", &[("tls", How::SubPath)]),
        // Its next Pod reads the Secret anew.
        consumer(Kind::CronJob, "nightly", &[("tls", How::Environment)]),
        consumer(Kind::ServiceAccount, "default", &[("tls", How::Other)]),
        Consumer {
            ended: true,
            ..consumer(Kind::Pod, "over", &[("tls", How::SubPath)])
        },
    ];
    let needs = needs(&consumers, &Key::new("shop", "tls"));
    let workloads: Vec<String> = needs.workloads.iter().map(|(w, how)| format!("{w} {how:?}")).collect();
    assert_eq!(workloads, ["deployment/sub SubPath", "statefulset/env Environment"]);
    assert_eq!(needs.others, [(Kind::Pod, Key::new("shop", "bare"))]);
    assert!(super::needs(&consumers, &Key::new("elsewhere", "tls")).is_none());
}

#[test]
fn what_does_not_roll_is_not_restarted() {
    use WorkloadKind::{DaemonSet, Deployment, StatefulSet};
    for (kind, spec, why) in [
        (Deployment, json!({}), None),
        (Deployment, json!({"strategy": {"type": "RollingUpdate"}}), None),
        (
            Deployment,
            json!({"strategy": {"type": "Recreate"}}),
            Some("down at once"),
        ),
        (Deployment, json!({"paused": true}), Some("paused")),
        (
            StatefulSet,
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}),
            None,
        ),
        (
            StatefulSet,
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}),
            Some("partition"),
        ),
        (
            StatefulSet,
            json!({"updateStrategy": {"type": "OnDelete"}}),
            Some("OnDelete"),
        ),
        (
            DaemonSet,
            json!({"updateStrategy": {"type": "OnDelete"}}),
            Some("OnDelete"),
        ),
    ] {
        let found = state::why_not(kind, &json!({"spec": spec}));
        assert!(found.is_some() == why.is_some(), "{spec}: {found:?}");
        assert!(found.unwrap_or_default().contains(why.unwrap_or_default()), "{found:?}");
    }
}

#[test]
fn a_rollout_is_over_when_all_pods_are_new_and_available() {
    use WorkloadKind::{DaemonSet, Deployment, StatefulSet};
    let waits = |words: &str| State::Waits(words.into());
    for (kind, status, expected) in [
        (
            Deployment,
            json!({"observedGeneration": 1}),
            waits("its controller has not picked it up yet"),
        ),
        (
            Deployment,
            json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 3}),
            waits("1 of 2 Pods are new"),
        ),
        (
            Deployment,
            json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3}),
            waits("1 old Pods are still there"),
        ),
        (
            Deployment,
            json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1}),
            waits("1 of 2 new Pods are available"),
        ),
        (
            Deployment,
            json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}),
            State::Done,
        ),
        (
            Deployment,
            json!({"observedGeneration": 2, "conditions": [
                {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}),
            State::Failed("timed out".into()),
        ),
        (
            StatefulSet,
            json!({"observedGeneration": 2, "readyReplicas": 2, "updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1}),
            waits("1 of 2 Pods are new"),
        ),
        (
            StatefulSet,
            json!({"observedGeneration": 2, "readyReplicas": 2, "updateRevision": "b", "currentRevision": "b"}),
            State::Done,
        ),
        (
            DaemonSet,
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
            waits("2 of 3 Pods are available"),
        ),
        (
            DaemonSet,
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}),
            State::Done,
        ),
    ] {
        let object = json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status});
        assert_eq!(state::of(kind, &object), expected, "{object}");
    }
}

#[test]
fn a_pods_own_words_are_found() {
    let pods = [
        json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [{"state": {"running": {}}}]}}),
        json!({"metadata": {"name": "web-2"}, "status": {"containerStatuses": [
            {"state": {"waiting": {"reason": "ContainerCreating"}}},
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}}),
    ];
    assert_eq!(
        state::complaint(&pods).unwrap(),
        "Pod web-2: ImagePullBackOff: no such image"
    );
    assert_eq!(state::complaint(&pods[..1]), None);
    let unscheduled = [json!({"metadata": {"name": "web-3"}, "status": {"conditions": [
        {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]}})];
    assert_eq!(
        state::complaint(&unscheduled).unwrap(),
        "Pod web-3: 0/1 nodes are available"
    );
}
