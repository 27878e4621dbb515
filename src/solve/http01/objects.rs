//! The objects of a solver as they are sent: pure JSON. Labels and expiry are put on by `apply::mark`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    challenge_path,
    check::Question,
    container::{self, Program},
    place::{ChallengeRoute, Class, Parent},
    table::{HEALTH_PATH, PathType, Routing, Row, TRAEFIK_PRIORITY},
};
use crate::{
    apply::Purpose,
    object::annotation,
    settings::{
        file::{Resources, SolverEntry},
        value::Toleration,
    },
};

/// The port of the solver's Service, and the name that its `EndpointSlice` has to share.
pub const SERVICE_PORT: u16 = 80;
const PORT_NAME: &str = "http";
/// The port at which the solver's Pod listens: above 1024, as it has no rights of its own.
pub const POD_PORT: u16 = 8089;
/// The label by which the Service finds the solver's Pod.
const SOLVER_LABEL: &str = "kubectl-certs.io/solver";

/// The selector of the Pods of a solver's Job.
pub fn pod_selector(solver: &str) -> String {
    format!("{SOLVER_LABEL}={solver}")
}

/// Anybody but root; the user of most images without a shell.
const NOBODY: u32 = 65_532;
/// Where the kubelet reads a container's last words.
pub const TERMINATION_LOG: &str = "/dev/termination-log";

/// How the solver's Pods are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodOptions {
    /// The image.
    pub image: String,
    /// Nodes that have it already, which are preferred.
    pub nodes: Vec<String>,
    /// What the settings say of it; its image is the one above.
    pub said: SolverEntry,
    /// How long the Job may live, in seconds; the cluster itself ends it then, and removes all that it owns.
    pub deadline: u32,
}

/// The backend that a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathBackend<'a> {
    /// The Service's name, in the namespace of the object.
    pub service: &'a str,
    /// The Service's port.
    pub port: u16,
}

/// The object that owns another: the cluster removes what it owns with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The Job's name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Owner {
    /// Of a Job as the server returned it; `None` without a uid (a dry run has one, too).
    pub fn of(job: &Value) -> Option<Self> {
        Some(Self {
            name: job["metadata"]["name"].as_str()?.to_owned(),
            uid: job["metadata"]["uid"].as_str()?.to_owned(),
        })
    }
}

/// The metadata of an object, with its owner.
fn metadata(namespace: &str, name: &str, owner: Option<&Owner>) -> Value {
    let mut meta = json!({"namespace": namespace, "name": name});
    if let Some(owner) = owner {
        meta["ownerReferences"] = json!([{
            "apiVersion": "batch/v1", "kind": "Job", "name": owner.name, "uid": owner.uid,
        }]);
    }
    meta
}

/// The Job whose Pod answers with `TOKEN.thumbprint` for every token.
pub fn job(namespace: &str, name: &str, thumbprint: &str, options: &PodOptions) -> Value {
    let program = Program::Answer {
        thumbprint,
        deadline: options.deadline,
    };
    let mut pod = pod_template(name, program, options);
    pod["spec"]["containers"][0]["ports"] = json!([{"name": PORT_NAME, "containerPort": POD_PORT, "protocol": "TCP"}]);
    pod["spec"]["containers"][0]["readinessProbe"] = json!({
        "httpGet": {"path": HEALTH_PATH, "port": POD_PORT}, "periodSeconds": 1, "failureThreshold": 60,
    });
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": metadata(namespace, name, None),
        "spec": {
            "backoffLimit": 3,
            // The Pod ends a little earlier by itself.
            "activeDeadlineSeconds": u64::from(options.deadline) + 30,
            "ttlSecondsAfterFinished": 60,
            "template": pod,
        },
    })
}

/// The Pod of a [`job`] alone, for the API server to judge.
pub fn trial_pod(namespace: &str, options: &super::Options) -> Value {
    let name = format!("{}trial", Purpose::Solver.prefix());
    let thumbprint = options.thumbprint.to_string();
    let mut pod = job(namespace, &name, &thumbprint, &options.pod)["spec"]["template"].take();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["namespace"] = namespace.into();
    pod["metadata"]["name"] = name.into();
    pod
}

/// A Pod that looks at one challenge from inside of the cluster, and leaves what it saw as its last words.
pub fn check_pod(
    namespace: &str,
    name: &str,
    owner: Option<&Owner>,
    question: &Question,
    options: &PodOptions,
) -> Value {
    let mut pod = pod_template(name, Program::Look(question), options);
    let template = pod["metadata"].take();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"] = metadata(namespace, name, owner);
    pod["metadata"]["labels"] = template["labels"].clone();
    pod["metadata"]["annotations"] = template["annotations"].clone();
    // The Service must not find it.
    if let Some(labels) = pod["metadata"]["labels"].as_object_mut() {
        labels.remove(SOLVER_LABEL);
    }
    pod["spec"]["activeDeadlineSeconds"] = (u64::from(options.deadline) + 30).into();
    pod
}

/// A Pod under the restricted Pod security standard, outside of every mesh.
fn pod_template(solver: &str, program: Program<'_>, options: &PodOptions) -> Value {
    let mut node_selector = json!({"kubernetes.io/os": "linux"});
    let said = &options.said;
    // Added to what is there, and stronger.
    for (key, value) in said.node_selector.iter().flatten() {
        node_selector[key] = value.as_str().into();
    }
    let resources = match &said.resources {
        Some(Resources { requests, limits }) => json!({"requests": requests, "limits": limits}),
        None => json!({
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "500m", "memory": "64Mi"},
        }),
    };
    let mut spec = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 5,
        "nodeSelector": node_selector,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": NOBODY, "runAsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": "respond",
            "image": options.image,
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": TERMINATION_LOG,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
                "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "resources": resources,
        }],
    });
    container::fill(&mut spec["containers"][0], &options.image, program);
    if let Some(class) = &said.priority_class_name {
        spec["priorityClassName"] = class.as_str().into();
    }
    if !options.nodes.is_empty() {
        spec["affinity"] = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100,
            "preference": {"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": options.nodes},
            ]},
        }]}});
    }
    if let Some(secrets) = said.image_pull_secrets.as_deref().filter(|all| !all.is_empty()) {
        spec["imagePullSecrets"] = secrets.iter().map(|name| json!({"name": name})).collect();
    }
    if let Some(taints) = said.tolerations.as_deref().filter(|all| !all.is_empty()) {
        spec["tolerations"] = taints.iter().map(toleration).collect();
    }
    json!({
        "metadata": {
            "labels": {
                SOLVER_LABEL: solver,
                // A sidecar would ask the CA for a client certificate.
                "sidecar.istio.io/inject": "false",
                "istio.io/dataplane-mode": "none",
                "kuma.io/sidecar-injection": "disabled",
            },
            "annotations": {
                "sidecar.istio.io/inject": "false",
                "linkerd.io/inject": "disabled",
                "consul.hashicorp.com/connect-inject": "false",
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
            },
        },
        "spec": spec,
    })
}

fn toleration(toleration: &Toleration) -> Value {
    let mut object = json!({"key": toleration.key});
    match &toleration.value {
        Some(value) => {
            object["operator"] = "Equal".into();
            object["value"] = value.as_str().into();
        }
        None => object["operator"] = "Exists".into(),
    }
    if let Some(effect) = &toleration.effect {
        object["effect"] = effect.as_str().into();
    }
    object
}

/// The Service in front of the solver's Pod, or with `to_pod` false of an [`endpoint_slice`].
pub fn service(namespace: &str, name: &str, owner: Option<&Owner>, to_pod: bool, row: &Row) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(namespace, name, owner),
        "spec": {
            "type": if row.node_port { "NodePort" } else { "ClusterIP" },
            "ports": [{"name": PORT_NAME, "port": SERVICE_PORT, "targetPort": POD_PORT, "protocol": "TCP"}],
        },
    });
    if to_pod {
        service["spec"]["selector"] = json!({SOLVER_LABEL: name});
    }
    if !row.service_annotations.is_empty() {
        service["metadata"]["annotations"] = annotations(row.service_annotations);
    }
    service
}

/// The address of this process as the endpoint of a Service without selector.
pub fn endpoint_slice(namespace: &str, service: &str, address: SocketAddr) -> Value {
    let mut meta = metadata(namespace, service, None);
    meta["labels"] = json!({"kubernetes.io/service-name": service});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": if address.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{"addresses": [address.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": PORT_NAME, "port": address.port(), "protocol": "TCP"}],
    })
}

/// The object that leads the token's path of `host` (any host for `None`: an IP address) to the Service, and where it goes;
/// `None` where none is made.
pub fn route(
    place: &ChallengeRoute,
    row: &Row,
    name: &str,
    host: Option<&str>,
    token: &str,
    target: PathBackend<'_>,
    owner: Option<&Owner>,
) -> Option<Value> {
    let meta = metadata(&place.namespace, name, owner);
    let path = challenge_path(token);
    match row.routing {
        Routing::Ingress => Some(ingress(meta, place, row, host, &path, target)),
        Routing::HttpRoute => Some(http_route(&meta, place, host, &path, target)),
        Routing::IngressRoute => Some(ingress_route(meta, place, host, &path, target)),
        Routing::InPlace | Routing::Nothing => None,
    }
}

/// One path of an Ingress.
pub fn ingress_path(path: &str, path_type: PathType, target: PathBackend<'_>) -> Value {
    json!({
        "path": path, "pathType": path_type.as_str(),
        "backend": {"service": {"name": target.service, "port": {"number": target.port}}},
    })
}

fn ingress(
    mut meta: Value,
    place: &ChallengeRoute,
    row: &Row,
    host: Option<&str>,
    path: &str,
    target: PathBackend<'_>,
) -> Value {
    let mut rule = json!({"http": {"paths": [ingress_path(path, row.path_type, target)]}});
    if let Some(host) = host {
        rule["host"] = host.into();
    }
    let mut spec = json!({"rules": [rule]});
    if !row.annotations.is_empty() {
        meta["annotations"] = annotations(row.annotations);
    }
    match &place.class {
        Class::Field(name) => spec["ingressClassName"] = name.as_str().into(),
        Class::Annotation(name) => meta["annotations"][annotation::INGRESS_CLASS] = name.as_str().into(),
        Class::Default => {}
    }
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec})
}

fn http_route(meta: &Value, place: &ChallengeRoute, host: Option<&str>, path: &str, target: PathBackend<'_>) -> Value {
    let mut spec = json!({
        "parentRefs": place.parents.iter().map(|p| parent_ref(p, &place.namespace)).collect::<Vec<_>>(),
        "rules": [{
            "matches": [{"path": {"type": "Exact", "value": path}}],
            "backendRefs": [{"name": target.service, "port": target.port}],
        }],
    });
    if let Some(host) = host {
        spec["hostnames"] = json!([host]);
    }
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta, "spec": spec})
}

fn parent_ref(parent: &Parent, namespace: &str) -> Value {
    let mut reference = json!({
        "group": parent.kind.group(), "kind": parent.kind.as_str(),
        "name": parent.name, "sectionName": parent.section,
    });
    if parent.namespace != namespace {
        reference["namespace"] = parent.namespace.as_str().into();
    }
    reference
}

fn ingress_route(
    mut meta: Value,
    place: &ChallengeRoute,
    host: Option<&str>,
    path: &str,
    target: PathBackend<'_>,
) -> Value {
    if let Class::Annotation(name) | Class::Field(name) = &place.class {
        meta["annotations"] = json!({annotation::INGRESS_CLASS: name});
    }
    // Neither a host's name nor a token has a backquote: both have been checked.
    let path = format!("Path(`{path}`)");
    let rule = host.map_or_else(|| path.clone(), |host| format!("Host(`{host}`) && {path}"));
    json!({
        "apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
        "metadata": meta,
        "spec": {"routes": [{
            "kind": "Rule", "match": rule, "priority": TRAEFIK_PRIORITY,
            "services": [{"name": target.service, "port": target.port}],
        }]},
    })
}

fn annotations(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests;
