//! The Deployment, and the Pods of all installations: under the restricted Pod Security Standard, with a root file system
//! that nobody writes to.

use serde_json::{Value, json};

use super::{ACCOUNT, CONFIG, FOLLOWS, Install, Made, NAME, Scope, VOLUME};
use crate::object::resource::DEPLOYMENT;

/// Where HTTP-01 is answered.
pub(super) const ANSWERS: u16 = 8089;
/// Where metrics and health are.
pub(super) const METRICS: u16 = 9402;
/// Nobody in particular: the user of images that are built from scratch.
const USER: u32 = 65532;
/// Where the settings that hold credentials are mounted.
const SETTINGS: &str = "/etc/kubectl-certs";

/// How a Pod is looked after.
///
/// The controller listens for these questions before it reads the cluster, which takes a while where it is large. It is
/// ready once it answers challenges and knows its account; whether it leads makes no difference.
fn probes() -> Value {
    let asked = |path: &str, period: u16, failures: u16| {
        json!({
            "httpGet": {"path": path, "port": "metrics"},
            "periodSeconds": period,
            // Longer than the controller itself waits for its loop.
            "timeoutSeconds": 6,
            "failureThreshold": failures,
        })
    };
    json!({
        "startupProbe": asked("/healthz", 5, 12),
        "readinessProbe": asked("/readyz", 5, 3),
        "livenessProbe": asked("/healthz", 20, 6),
    })
}

/// What the restricted standard asks of a Pod.
pub(super) fn pod_security() -> Value {
    json!({
        "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    })
}

/// What it asks of a container.
pub(super) fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "privileged": false,
        "capabilities": {"drop": ["ALL"]},
    })
}

/// What is known from the Pod itself.
pub(super) fn downward() -> Vec<Value> {
    [
        ("POD_IP", "status.podIP"),
        ("POD_NAME", "metadata.name"),
        ("POD_NAMESPACE", "metadata.namespace"),
        ("POD_UID", "metadata.uid"),
    ]
    .map(|(name, path)| json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}))
    .into()
}

/// The environment of the controller. glibc takes memory for each thread that allocates, and gives it back late: with one
/// arena for all, 10,000 certificates take a tenth less.
fn environment() -> Vec<Value> {
    let mut all = downward();
    all.push(json!({"name": "MALLOC_ARENA_MAX", "value": "1"}));
    all
}

/// The Secrets to pull an image with.
pub(super) fn pull_secrets(names: &[String]) -> Vec<Value> {
    names.iter().map(|name| json!({"name": name})).collect()
}

/// The settings that may hold credentials, mounted from a Secret: how a container is told, and the volume.
pub(super) fn mounted(pod: &mut Value, secret: Option<&str>) {
    let Some(secret) = secret else { return };
    pod["volumes"] = json!([{"name": VOLUME, "secret": {"secretName": secret, "defaultMode": 0o440}}]);
    let container = &mut pod["containers"][0];
    container["volumeMounts"] = json!([{"name": VOLUME, "mountPath": SETTINGS, "readOnly": true}]);
    if let Some(env) = container["env"].as_array_mut() {
        env.push(json!({"name": "KUBECTL_CERTS_CONFIG", "value": format!("{SETTINGS}/config.yaml")}));
    }
}

impl Install {
    /// The arguments of the program.
    pub fn arguments(&self) -> Vec<String> {
        let mut all = vec!["controller".to_owned()];
        match &self.scope {
            Scope::Cluster => all.push("--all-namespaces".to_owned()),
            Scope::Namespaces(namespaces) => {
                all.extend(namespaces.iter().map(|namespace| format!("--namespace={namespace}")));
            }
        }
        all.push(format!("--account-secret={}/{ACCOUNT}", self.namespace));
        all.push(format!("--config-map={}/{CONFIG}", self.namespace));
        all.extend(self.choice.iter().cloned());
        all
    }

    /// The Pods.
    pub(super) fn deployment(&self) -> Made {
        let mut container = json!({
            "name": "controller", "image": self.image, "args": self.arguments(), "env": environment(),
            "ports": [
                {"name": "http01", "containerPort": ANSWERS, "protocol": "TCP"},
                {"name": "metrics", "containerPort": METRICS, "protocol": "TCP"},
            ],
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"memory": "2Gi"},
            },
            "securityContext": container_security(),
            // A stop is told by the last lines of the log.
            "terminationMessagePolicy": "FallbackToLogsOnError",
        });
        if let (Some(port), Some(ports)) = (self.domains, container["ports"].as_array_mut()) {
            ports.push(json!({"name": "domains", "containerPort": port, "protocol": "TCP"}));
        }
        if let (Some(all), Value::Object(probes)) = (container.as_object_mut(), probes()) {
            all.extend(probes);
        }
        let mut pod = json!({
            "serviceAccountName": NAME, "automountServiceAccountToken": true, "enableServiceLinks": false,
            "securityContext": pod_security(), "containers": [container],
            "terminationGracePeriodSeconds": 30,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": self.selector()},
            }],
        });
        if !self.pull_secrets.is_empty() {
            pod["imagePullSecrets"] = pull_secrets(&self.pull_secrets).into();
        }
        mounted(&mut pod, self.settings_secret.as_deref());
        let mut made = self.made(
            DEPLOYMENT,
            NAME,
            json!({"spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": self.selector()},
                "template": {"metadata": {"labels": self.labels(), "annotations": self.rolled()}, "spec": pod},
            }}),
        );
        made.object["metadata"]["annotations"] = json!({FOLLOWS: self.scope.word()});
        made
    }

    /// The settings' hash: Pods read them when they start, so that other settings are other Pods.
    fn rolled(&self) -> Value {
        json!({crate::object::annotation::SETTINGS: crate::apply::mark::short_hash(&self.settings)})
    }
}
