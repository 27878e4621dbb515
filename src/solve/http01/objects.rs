//! The objects of a solver in the form in which they are sent. `apply::mark` adds labels and the expiry.

mod job;

use std::{collections::BTreeMap, net::SocketAddr};

use k8s_openapi::{
    Resource as _,
    api::{
        batch::v1::Job,
        core::v1::{Service, ServicePort, ServiceSpec},
        discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice},
        networking::v1::{
            HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
            IngressSpec, ServiceBackendPort,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{ObjectMeta, OwnerReference},
        util::intstr::IntOrString,
    },
};
use serde_json::{Value, json};

pub use job::{check_pod, job, trial_pod};

use super::{
    challenge_path,
    place::{ChallengeRoute, Class, Parent},
    table::{PathType, Routing, Row, TRAEFIK_PRIORITY},
};
use crate::{
    k8s::{Marked as _, Own as _},
    object::annotation::{self, SOLVER as SOLVER_LABEL},
    settings::file::SolverEntry,
};

/// The port of the solver's Service. Its `EndpointSlice` must have the same port name.
pub const SERVICE_PORT: u16 = 80;
const PORT_NAME: &str = "http";
/// The port at which the solver's Pod listens. It is above 1024, because the Pod has no privileges.
pub const POD_PORT: u16 = 8089;
/// The label selector for the Pods of a solver's Job.
pub fn pod_selector(solver: &str) -> String {
    format!("{SOLVER_LABEL}={solver}")
}

/// The file from which the kubelet reads the termination message of a container.
pub const TERMINATION_LOG: &str = "/dev/termination-log";

/// The options of the solver's Pods.
#[derive(Debug, Clone, PartialEq)]
pub struct PodOptions {
    /// The image.
    pub image: String,
    /// Nodes that have the image already, which are preferred.
    pub nodes: Vec<String>,
    /// The settings for the Pods, except for the image, which is the one above.
    pub said: SolverEntry,
    /// How long the Job may live, in seconds. Then the cluster ends it, and removes everything that it owns.
    pub deadline: u32,
}

/// The backend of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathBackend<'a> {
    /// The name of the Service, in the namespace of the object.
    pub service: &'a str,
    /// The Service's port.
    pub port: u16,
}

/// The owner of an object. The cluster removes the object together with its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The Job's name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Owner {
    /// The owner for a Job as the server returned it; `None` without a uid (a dry run returns one, too).
    pub fn of(job: &Value) -> Option<Self> {
        Some(Self {
            name: job["metadata"]["name"].as_str()?.to_owned(),
            uid: job["metadata"]["uid"].as_str()?.to_owned(),
        })
    }
}

/// The metadata of an object, with its owner.
fn metadata(namespace: &str, name: &str, owner: Option<&Owner>) -> ObjectMeta {
    let reference = |owner: &Owner| OwnerReference {
        api_version: Job::API_VERSION.to_owned(),
        kind: Job::KIND.to_owned(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
        ..OwnerReference::default()
    };
    ObjectMeta {
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        owner_references: owner.map(|owner| vec![reference(owner)]),
        ..ObjectMeta::default()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The Service in front of the solver's Pod or, with `to_pod` false, of an [`endpoint_slice`].
pub fn service(namespace: &str, name: &str, owner: Option<&Owner>, to_pod: bool, row: &Row) -> Service {
    let kind = if row.node_port { "NodePort" } else { "ClusterIP" };
    Service {
        metadata: ObjectMeta {
            annotations: annotations(row.service_annotations),
            ..metadata(namespace, name, owner)
        },
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: SERVICE_PORT.into(),
                target_port: Some(IntOrString::Int(POD_PORT.into())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            selector: to_pod.then(|| pairs(&[(SOLVER_LABEL, name)])),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn annotations(all: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    (!all.is_empty()).then(|| pairs(all))
}

/// The address of this process as the endpoint of a Service without a selector.
pub fn endpoint_slice(namespace: &str, service: &str, address: SocketAddr) -> EndpointSlice {
    let address_type = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    EndpointSlice {
        metadata: ObjectMeta {
            labels: Some(pairs(&[("kubernetes.io/service-name", service)])),
            ..metadata(namespace, service, None)
        },
        address_type: address_type.to_owned(),
        endpoints: vec![Endpoint {
            addresses: vec![address.ip().to_string()],
            conditions: Some(EndpointConditions {
                ready: Some(true),
                ..EndpointConditions::default()
            }),
            ..Endpoint::default()
        }],
        ports: Some(vec![EndpointPort {
            name: Some(PORT_NAME.to_owned()),
            port: Some(address.port().into()),
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }]),
    }
}

/// The object that routes the token's path of `host` (`None`: of any host, for an IP address) to the Service, with its
/// resource. `None` if no object is needed. Kubernetes has no types for those that are custom resources.
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
        Routing::Ingress => Some(ingress(meta, place, row, host, &path, target).json()),
        Routing::HttpRoute => Some(http_route(&meta, place, host, &path, target)),
        Routing::IngressRoute => Some(ingress_route(meta, place, host, &path, target)),
        Routing::InPlace | Routing::Nothing => None,
    }
}

/// One path of an Ingress.
pub fn ingress_path(path: &str, path_type: PathType, target: PathBackend<'_>) -> HTTPIngressPath {
    HTTPIngressPath {
        path: Some(path.to_owned()),
        path_type: path_type.as_str().to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: target.service.to_owned(),
                port: Some(ServiceBackendPort {
                    number: Some(target.port.into()),
                    ..ServiceBackendPort::default()
                }),
            }),
            ..IngressBackend::default()
        },
    }
}

fn ingress(
    mut meta: ObjectMeta,
    place: &ChallengeRoute,
    row: &Row,
    host: Option<&str>,
    path: &str,
    target: PathBackend<'_>,
) -> Ingress {
    meta.annotations = annotations(row.annotations);
    let mut class = None;
    match &place.class {
        Class::Field(name) => class = Some(name.to_string()),
        Class::Annotation(name) => meta.annotate(annotation::INGRESS_CLASS, name),
        Class::Default | Class::Proxy => {}
    }
    let rule = IngressRule {
        host: host.map(str::to_owned),
        http: Some(HTTPIngressRuleValue {
            paths: vec![ingress_path(path, row.path_type, target)],
        }),
    };
    Ingress {
        metadata: meta,
        spec: Some(IngressSpec {
            ingress_class_name: class,
            rules: Some(vec![rule]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

fn http_route(
    meta: &ObjectMeta,
    place: &ChallengeRoute,
    host: Option<&str>,
    path: &str,
    target: PathBackend<'_>,
) -> Value {
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
    mut meta: ObjectMeta,
    place: &ChallengeRoute,
    host: Option<&str>,
    path: &str,
    target: PathBackend<'_>,
) -> Value {
    if let Class::Annotation(name) | Class::Field(name) = &place.class {
        meta.annotate(annotation::INGRESS_CLASS, name);
    }
    // Neither the name of a host nor a token contains a backquote, because both have been checked.
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

#[cfg(test)]
mod tests;
