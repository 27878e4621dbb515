//! The first renewal from a laptop: a Pod answers, of an image that the cluster has, and what stands in its way is told before an order.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{
    cluster::ingress,
    eventually,
    issuing::Issuing,
    run::{Call, Ran, WITH_POD},
};

/// The only image of the testbed's node that has a shell.
const BUSYBOX: &str = "testbed.local/busybox:1";

fn shop(label: &str) -> (Issuing, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    (it, host)
}

fn renew(it: &Issuing, more: &[&str]) -> Ran {
    let args = [&["renew", "shop", "--solver", "pod"], more].concat();
    it.call(&args).within(WITH_POD).run()
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

fn restrict(it: &Issuing) {
    let label = "pod-security.kubernetes.io/enforce=restricted";
    it.ns.kubectl(&["label", "namespace", &it.ns.name, label]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn with_nothing_configured_an_image_that_a_node_has_answers_under_the_restricted_standard() {
    let (it, host) = shop("pod-found");
    restrict(&it);
    let plan = it
        .call(&["renew", "shop", "--solver", "pod", "--dry-run"])
        .run()
        .ends_with(0);
    assert!(
        plan.out.contains(&format!("answered by a Pod ({BUSYBOX}, which node ")),
        "{}",
        plan.out
    );
    let looked = it.call(&["preflight", "shop", "--solver", "pod"]).run();
    assert!(looked.out.contains(BUSYBOX), "{}{}", looked.out, looked.err);
    let ran = renew(&it, &[]).ends_with(0);
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()], "{}", ran.err);
    // From inside, another Pod looks, which has the same image.
    let had = it.leaf("shop-tls").sha256();
    let ran = renew(&it, &["--self-check", "cluster", "-o", "json"]).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), had, "{}", ran.err);
    assert!(ran.out.contains("(from inside the cluster)"), "{}", ran.out);
    eventually("nothing is left", || match it.left() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?}")),
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn one_pod_of_the_configured_image_answers_for_every_host_of_a_run() {
    let it = Issuing::new("pod-many");
    let routes = (0..5).map(|n| {
        let name = format!("web-{n}");
        ingress(&name, &[(&[&it.host(&name)], &format!("{name}-tls"))])
    });
    it.ns.apply(routes.collect());
    it.settings(&format!(
        "solver:\n  image: {BUSYBOX}\n  resources: {{requests: {{cpu: 5m}}, limits: {{memory: 32Mi}}}}\n"
    ));
    let ran = it
        .call(&["renew", "--all", "--solver", "pod", "-o", "json"])
        .within(WITH_POD)
        .run()
        .ends_with(0);
    for n in 0..5 {
        assert_eq!(it.leaf(&format!("web-{n}-tls")).names().len(), 1, "{}", ran.err);
    }
    let events = it.ns.kubectl(&[
        "get",
        "events",
        "--field-selector",
        "reason=SuccessfulCreate",
        "-o",
        "name",
    ]);
    assert_eq!(events.lines().count(), 1, "one Job's Pod: {events}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_quota_that_leaves_no_pod_is_told_before_anything_is_ordered() {
    let (it, _) = shop("pod-quota");
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}},
    });
    it.ns.apply(vec![quota]);
    eventually("the quota being counted", || {
        let used = it
            .ns
            .kubectl(&["get", "quota", "none", "-o", "jsonpath={.status.used.pods}"]);
        if used == "0" { Ok(()) } else { Err(used) }
    });
    refused_beforehand(&it, "exceeded quota: none");
}

/// Preflight, the server's judgement of the plan and the run say so, and nothing is ordered.
#[track_caller]
fn refused_beforehand(it: &Issuing, words: &str) {
    let ran = renew(it, &[]).ends_with(3);
    assert!(ran.err.contains(words), "{}", ran.err);
    assert!(ran.err.contains("nothing was ordered"), "{}", ran.err);
    let plan = renew(it, &["--dry-run=server"]).ends_with(3);
    assert!(plan.err.contains(words), "{}", plan.err);
    let looked = it.call(&["preflight", "shop", "--solver", "pod"]).run().ends_with(3);
    assert!(looked.out.contains(words), "{}{}", looked.out, looked.err);
    assert_eq!(orders(it), 0);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_limit_that_is_too_small_for_the_pod_is_told_before_anything_is_ordered() {
    let (it, _) = shop("pod-limit");
    let limits = json!([{"type": "Container", "max": {"memory": "8Mi"}}]);
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": limits},
    })]);
    until_refused(&it);
    refused_beforehand(&it, "maximum memory usage per Container is 8Mi");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_admission_policy_that_forbids_the_pod_is_told_before_anything_is_ordered() {
    for (reason, message) in [
        ("Invalid", "no Pods of strangers here"),
        // Words like those of a missing right.
        ("Forbidden", "a stranger cannot have the resource Pod here"),
    ] {
        let (mut it, _) = shop("pod-policy");
        let name = it.ns.name.clone();
        let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
        let pods = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
        it.ns.apply_wide(&[
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name},
                "spec": {
                    "matchConstraints": {"resourceRules": [pods]},
                    "validations": [{"expression": "false", "message": message, "reason": reason}],
                },
            }),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name},
                "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here},
            }),
        ]);
        until_refused(&it);
        refused_beforehand(&it, message);
    }
}

/// Waits until the API server knows the rule, by a Pod that is only judged.
#[track_caller]
fn until_refused(it: &Issuing) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "trial", "namespace": it.ns.name},
        "spec": {"containers": [{"name": "x", "image": BUSYBOX, "resources": {"limits": {"memory": "64Mi"}}}]},
    });
    eventually("the rule", || {
        let ran = Call::kubectl(["create", "--dry-run=server", "-f", "-"]).run_with(pod.to_string().as_bytes());
        // While the namespace's service account is not there, it is refused as well.
        if ran.status != Some(0) && !ran.err.contains("serviceaccount") {
            Ok(())
        } else {
            Err(ran.out + &ran.err)
        }
    });
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_pod_is_as_the_settings_file_says() {
    let (it, _) = shop("pod-settings");
    it.settings(&format!(
        "http01: {{solver: pod}}\nsolver:\n  image: {BUSYBOX}\n  resources: {{requests: {{cpu: 5m}}, limits: {{memory: 32Mi}}}}\n  \
         priorityClassName: system-cluster-critical\n  imagePullSecrets: [registry]\n  nodeSelector: {{kubernetes.io/arch: {}}}\n  \
         tolerations: [\"dedicated=edge:NoSchedule\", spot]\n",
        it.ns.kubectl(&["get", "nodes", "-o", r"jsonpath={.items[0].metadata.labels.kubernetes\.io/arch}"])
    ));
    let running = it.without_advertise(&["renew", "shop"]).start();
    let pod = eventually("the Pod", || {
        let pods: Value = serde_json::from_str(&it.ns.kubectl(&["get", "pods", "-o", "json"])).unwrap();
        let pod = pods["items"][0].clone();
        if pod.is_null() {
            Err(running.err.all().join("\n"))
        } else {
            Ok(pod["spec"].clone())
        }
    });
    let container = &pod["containers"][0];
    assert_eq!(container["image"], BUSYBOX);
    assert_eq!(container["resources"]["requests"]["cpu"], "5m");
    assert_eq!(container["resources"]["limits"], json!({"memory": "32Mi"}));
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(pod["nodeSelector"]["kubernetes.io/os"], "linux");
    assert!(pod["nodeSelector"]["kubernetes.io/arch"].is_string(), "{pod}");
    let tolerations = pod["tolerations"].as_array().unwrap();
    for toleration in [
        json!({"key": "dedicated", "operator": "Equal", "value": "edge", "effect": "NoSchedule"}),
        json!({"key": "spot", "operator": "Exists"}),
    ] {
        assert!(tolerations.contains(&toleration), "{toleration} in {tolerations:?}");
    }
    let err = running.err.clone();
    assert_eq!(running.end().0, Some(0), "{:?}", err.all());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_image_that_cannot_be_pulled_is_told_within_seconds() {
    let (it, _) = shop("pod-pull");
    let began = Instant::now();
    let ran = renew(&it, &["--solver-image", "registry.invalid/none:1"]).ends_with(3);
    assert!(began.elapsed().as_secs() < 45, "{:?}: {}", began.elapsed(), ran.err);
    assert!(
        ran.err.contains("ErrImagePull") || ran.err.contains("ImagePullBackOff"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("--solver-image"), "{}", ran.err);
}
