//! One workload that uses several certificates: it is restarted once for all that are renewed together, and never below its budget.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    cluster::kubectl,
    controller::{asks, call_with, installed, lines, orders, resume, until_stored},
    eventually, eventually_within,
    issuing::Issuing,
};

const SECRETS: [&str; 3] = ["a-tls", "b-tls", "c-tls"];

/// Pods that read Secrets when they start, of which none may be missing, and a budget that wants all of them.
fn workload(secrets: &[&str], replicas: u32, strategy: &Value) -> Vec<Value> {
    let env: Vec<Value> = secrets
        .iter()
        .map(|secret| {
            let name = secret.replace('-', "_").to_uppercase();
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": "tls.crt"}}})
        })
        .collect();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "app"}}, "strategy": strategy,
            "template": {"metadata": {"labels": {"app": "app"}}, "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "main", "image": "testbed.local/busybox:1", "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", "3600"], "env": env,
                }],
            }},
        },
    });
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app"},
        "spec": {"minAvailable": replicas, "selector": {"matchLabels": {"app": "app"}}},
    });
    vec![deployment, budget]
}

fn of_deployment(it: &Issuing, path: &str) -> String {
    it.ns
        .kubectl(&["get", "deployment", "app", "-o", &format!("jsonpath={{{path}}}")])
}

fn until_available(it: &Issuing, count: &str) {
    eventually("the Pods", || {
        match of_deployment(it, ".status.availableReplicas").as_str() {
            available if available == count => Ok(()),
            other => Err(other.to_owned()),
        }
    });
}

/// Has Secrets renewed by telling that their windows are in the past.
fn renew(it: &Issuing, secrets: &[&str]) {
    let past = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    for secret in secrets {
        it.ns.kubectl(&["annotate", "secret", secret, past, "--overwrite"]);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn three_renewals_of_one_deployment_are_one_rollout_that_keeps_to_its_budget() {
    let it = Issuing::new("rollout");
    let hosts: Vec<String> = SECRETS
        .iter()
        .map(|secret| it.host(secret.trim_end_matches("-tls")))
        .collect();
    installed(&it);
    resume(&it);
    let running = call_with(&it, &["--restart", "auto"]).start();
    let each: Vec<[&str; 1]> = hosts.iter().map(|host| [host.as_str()]).collect();
    let entries: Vec<(&[&str], &str)> = each.iter().zip(SECRETS).map(|(h, s)| (&h[..], s)).collect();
    it.ns
        .apply(vec![asks(crate::support::cluster::ingress("app", &entries))]);
    for (secret, host) in SECRETS.iter().zip(&hosts) {
        until_stored(&it, secret, &[host], &running);
    }
    // The controller learns of it as it goes.
    it.ns.apply(workload(
        &SECRETS,
        2,
        &json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}),
    ));
    until_available(&it, "2");
    let before: Vec<String> = SECRETS.iter().map(|secret| it.leaf(secret).sha256()).collect();
    let generation: u64 = of_deployment(&it, ".metadata.generation").parse().unwrap();
    let mark = running.out.mark();
    let (done, least) = (AtomicBool::new(false), std::sync::Mutex::new(u64::MAX));
    std::thread::scope(|scope| {
        let name = it.ns.name.as_str();
        scope.spawn(|| {
            let path = "jsonpath={.status.currentHealthy}";
            while !done.load(Ordering::SeqCst) {
                let healthy = kubectl(&["get", "pdb", "app", "-n", name, "-o", path]);
                let mut least = least.lock().unwrap();
                *least = (*least).min(healthy.parse().unwrap_or(0));
            }
        });
        renew(&it, &SECRETS);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for secret in SECRETS {
                running
                    .out
                    .after(mark, &["\"event\":\"restarted\"", secret, "deployment/app"]);
            }
        }));
        done.store(true, Ordering::SeqCst);
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    for (secret, before) in SECRETS.iter().zip(&before) {
        assert_ne!(it.leaf(secret).sha256(), *before, "{secret}");
    }
    std::thread::sleep(Duration::from_secs(1));
    let after: u64 = of_deployment(&it, ".metadata.generation").parse().unwrap();
    assert_eq!(after, generation + 1, "{:?}", lines(&running, &["restarted"]));
    let sets = it.ns.kubectl(&["get", "replicasets", "-o", "name"]);
    assert_eq!(sets.lines().count(), 2, "{sets}");
    assert_eq!(*least.lock().unwrap(), 2, "the budget");
    assert_eq!(orders(&it), 6);
    // Its Pods have what was renewed last.
    let pod = it.ns.kubectl(&[
        "get",
        "pods",
        "-l",
        "app=app",
        "-o",
        "jsonpath={.items[0].metadata.name}",
    ]);
    for secret in SECRETS {
        let variable = secret.replace('-', "_").to_uppercase();
        let print = format!("echo \"${variable}\"");
        let read = it.ns.kubectl(&["exec", &pod, "--", "sh", "-c", &print]);
        assert_eq!(read.trim(), it.leaf(secret).pem.trim(), "{secret}");
    }
}

/// A Deployment with the usual strategy may have a quarter of its Pods away, and Kubernetes holds no rollout to a budget.
#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_rollout_that_would_fall_below_its_budget_is_not_begun_before_its_strategy_is_mended() {
    let it = Issuing::new("budget");
    let host = it.host("a");
    installed(&it);
    resume(&it);
    let running = call_with(&it, &["--restart", "auto"]).start();
    it.ns.apply(vec![asks(crate::support::cluster::ingress(
        "app",
        &[(&[&host], "a-tls")],
    ))]);
    until_stored(&it, "a-tls", &[&host], &running);
    it.ns.apply(workload(&["a-tls"], 4, &json!({"type": "RollingUpdate"})));
    until_available(&it, "4");
    let generation: u64 = of_deployment(&it, ".metadata.generation").parse().unwrap();
    let before = it.leaf("a-tls").sha256();
    let mark = running.out.mark();
    renew(&it, &["a-tls"]);
    running.out.after(
        mark,
        &[
            "deployment/app is not restarted: its rollout may take 1 of its 4 Pods away at once, and PodDisruptionBudget app allows 0",
            "maxUnavailable: 0 and maxSurge: 1",
        ],
    );
    running.out.after(mark, &["\"event\":\"not-restarted\"", "a-tls"]);
    assert_ne!(
        it.leaf("a-tls").sha256(),
        before,
        "the certificate is stored all the same"
    );
    let root = it.pebble.root_file();
    let why = [
        "why",
        &host,
        "--controller-namespace",
        &it.ns.name,
        "--ca-file",
        root.to_str().unwrap(),
    ];
    eventually("what `why` says of it", || {
        let told = it.plain(&why).run();
        let is_there = told.out.contains("PodDisruptionBudget app");
        is_there
            .then_some(())
            .ok_or_else(|| format!("{}{}", told.out, told.err))
    });
    // It was tried twice by then: right away, and ten seconds later.
    let now: u64 = of_deployment(&it, ".metadata.generation").parse().unwrap();
    assert_eq!(now, generation, "{:?}", lines(&running, &["restarted"]));
    assert_eq!(of_deployment(&it, ".status.availableReplicas"), "4");

    // As the message says.
    let strategy = json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}});
    it.ns.kubectl(&[
        "patch",
        "deployment",
        "app",
        "--type",
        "merge",
        "-p",
        &strategy.to_string(),
    ]);
    eventually_within(Duration::from_secs(80), "the restart", || {
        let at = r".spec.template.metadata.annotations.kubectl-certs\.io/restartedAt";
        if of_deployment(&it, at).is_empty() {
            Err(format!("{:?}", running.out.all()))
        } else {
            Ok(())
        }
    });
    assert_eq!(orders(&it), 2);
}
