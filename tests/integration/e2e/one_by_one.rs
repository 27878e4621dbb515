//! Restarts of `ReplicationController`s: their Pods are replaced one by one, as a budget lets them go, until one does not
//! come back.

use std::time::Duration;

use kubectl_certs::{
    apply::{
        Api, Permits,
        rollout::{self, RolloutError, Workload, WorkloadKind},
    },
    error::Diagnose as _,
    event::Teller,
    k8s::{ConnectOptions, connect},
    object::Key,
};
use serde_json::{Value, json};

use crate::support::{cluster::Namespace, eventually};

/// A `ReplicationController` whose Pods are ready while a `ConfigMap` lets them.
fn controller(name: &str, replicas: u8) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"app": name}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "main", "image": "testbed.local/busybox:1", "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", "[ \"$LET\" = yes ] || exit 1; sleep 3600"],
                    "env": [{"name": "LET", "valueFrom": {"configMapKeyRef": {"name": "let", "key": name}}}],
                }],
            },
        }},
    })
}

fn let_start(ns: &Namespace, a: &str, b: &str) {
    ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "let"}, "data": {"a": a, "b": b, "c": "yes"},
    })]);
}

/// The names of the Pods of a controller, sorted.
fn pods(ns: &Namespace, name: &str) -> Vec<String> {
    let label = format!("app={name}");
    let mut all: Vec<String> = ns
        .kubectl(&["get", "pods", "-l", &label, "-o", "name"])
        .lines()
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

fn until_ready(ns: &Namespace, name: &str, count: &str) {
    eventually(&format!("{count} Pods of {name}"), || {
        let found = ns.kubectl(&["get", "rc", name, "-o", "jsonpath={.status.readyReplicas}"]);
        if found == count { Ok(()) } else { Err(found) }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn pods_are_replaced_one_by_one_and_a_budget_is_kept_to() {
    let ns = Namespace::new("rc");
    let_start(&ns, "yes", "yes");
    ns.apply(vec![
        controller("a", 2),
        controller("b", 2),
        controller("c", 1),
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
        }),
    ]);
    for (name, count) in [("a", "2"), ("b", "2"), ("c", "1")] {
        until_ready(&ns, name, count);
    }
    let workloads = ["a", "b", "c"].map(|name| Workload {
        kind: WorkloadKind::ReplicationController,
        key: Key::new(ns.name.as_str(), name),
    });
    let connection = connect(&ConnectOptions::default()).await.unwrap();
    let api = Api::new(connection, Permits::none()).with_permits(rollout::permits(&workloads));
    // One Pod alone is told beforehand.
    let told = rollout::check(&api, &workloads).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("replicationcontroller/c has one Pod: "), "{told:?}");

    let before = pods(&ns, "a");
    let watched = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (name, least) = (&ns.name, "jsonpath={.status.readyReplicas}");
        let watcher = scope.spawn(move || {
            let mut least_ready = 2;
            while stopped.try_recv().is_err() {
                let args = ["get", "rc", "a", "-n", name, "-o", least];
                let found = crate::support::cluster::kubectl(&args).parse().unwrap_or(0);
                least_ready = least_ready.min(found);
            }
            least_ready
        });
        let ended = tokio::task::block_in_place(|| {
            let limit = Duration::from_secs(20);
            tokio::runtime::Handle::current().block_on(rollout::restart(
                &api,
                &workloads[..1],
                0,
                limit,
                &Teller::silent(),
            ))
        });
        stop.send(()).unwrap();
        assert!(ended.stopped.is_none(), "{:?}", ended.stopped);
        watcher.join().unwrap()
    });
    assert_eq!(watched, 1, "one Pod at a time");
    let after = pods(&ns, "a");
    assert!(
        after.len() >= 2 && before.iter().all(|pod| !after.contains(pod)),
        "{before:?} {after:?}"
    );

    // A budget that lets none go stops it before any has gone.
    ns.kubectl(&[
        "patch",
        "pdb",
        "a",
        "--type=merge",
        "-p",
        r#"{"spec": {"minAvailable": 2}}"#,
    ]);
    eventually("the budget", || {
        let found = ns.kubectl(&["get", "pdb", "a", "-o", "jsonpath={.status.disruptionsAllowed}"]);
        if found == "0" { Ok(()) } else { Err(found) }
    });
    let limit = Duration::from_secs(3);
    let before = pods(&ns, "a");
    let ended = rollout::restart(&api, &workloads, 0, limit, &Teller::silent()).await;
    let error = ended.stopped.unwrap();
    assert!(error.to_string().contains("disruption budget"), "{error}");
    assert!(ended.done.is_empty());
    assert_eq!(pods(&ns, "a"), before);

    // The first Pod that does not come back stops it: the other one serves on, and the next controller is left alone.
    let_start(&ns, "yes", "no");
    let (before, next) = (pods(&ns, "b"), pods(&ns, "c"));
    let ended = rollout::restart(&api, &workloads[1..], 0, Duration::from_secs(6), &Teller::silent()).await;
    let error = ended.stopped.unwrap();
    assert!(matches!(error, RolloutError::Late { .. }), "{error}");
    assert!(error.to_string().contains("the Pod in the place of b-"), "{error}");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("kubectl describe replicationcontroller/b"),
        "{error}"
    );
    let after = pods(&ns, "b");
    assert_eq!(
        before.iter().filter(|pod| after.contains(pod)).count(),
        1,
        "{before:?} {after:?}"
    );
    assert_eq!(pods(&ns, "c"), next);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn without_the_right_to_evict_nothing_is_touched() {
    let ns = Namespace::new("rc-rights");
    let_start(&ns, "yes", "yes");
    ns.apply(vec![controller("a", 1)]);
    until_ready(&ns, "a", "1");
    let rules = json!([
        {"apiGroups": [""], "resources": ["replicationcontrollers"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "delete"]},
    ]);
    let config = ns.account("operator", &rules);
    let options = ConnectOptions {
        kubeconfig: Some(config),
        ..ConnectOptions::default()
    };
    let connection = connect(&options).await.unwrap();
    let workloads = [Workload {
        kind: WorkloadKind::ReplicationController,
        key: Key::new(ns.name.as_str(), "a"),
    }];
    let api = Api::new(connection, Permits::none()).with_permits(rollout::permits(&workloads));
    let missing = kubectl_certs::apply::rights::missing(&api, api.permits())
        .await
        .unwrap();
    assert!(missing.to_string().contains("create pods/eviction"), "{missing}");
    let before = pods(&ns, "a");
    let ended = rollout::restart(&api, &workloads, 0, Duration::from_secs(3), &Teller::silent()).await;
    let error = ended.stopped.unwrap().to_string() + &format!("{:?}", ended.done);
    assert!(error.contains("cannot be restarted"), "{error}");
    assert_eq!(pods(&ns, "a"), before);
}
