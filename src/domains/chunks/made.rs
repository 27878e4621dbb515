//! The objects of a chunk, as they are made and read.

use serde_json::{Value, json};

use super::plan::{Chunk, Hosts};
use crate::{
    apply::{
        Purpose,
        mark::{MANAGED_BY, MANAGER, PURPOSE, short_hash},
    },
    object::{
        Key, Kind, Text,
        annotation::{CLAIM, INGRESS_CLASS},
        resource::{HTTPROUTE, INGRESS, LISTENERSET, Resource},
    },
    solve::http01::Class,
};

/// How many hosts an Ingress has at most. With 253 characters for each host it stays below a tenth of what etcd takes.
pub(super) const MOST_OF_INGRESS: usize = 200;
/// How many listeners a `ListenerSet` has at most, by its definition (Gateway API, `spec.listeners`).
pub(super) const MOST_OF_LISTENERS: usize = 64;

/// The fields of `spec` that have the hosts; no object has all of them.
pub(super) const FIELDS: [&str; 3] = ["tls", "rules", "listeners"];

/// The Service behind the hosts, in the namespace of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Its name.
    pub service: String,
    /// The number of its port.
    pub port: u16,
}

/// What serves the hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Ingresses with many hosts.
    Ingress {
        /// Their class.
        class: Class,
        /// Where requests are led.
        backend: Backend,
        /// How many hosts each has at most.
        most: usize,
    },
    /// `ListenerSets`, and an `HTTPRoute` for each.
    ListenerSet {
        /// The Gateway to which they belong.
        gateway: Key,
        /// Where requests are led.
        backend: Backend,
        /// How many hosts each has at most.
        most: usize,
    },
}

impl Form {
    /// The kind of object that has the hosts.
    pub fn resource(&self) -> Resource {
        match self {
            Self::Ingress { .. } => INGRESS,
            Self::ListenerSet { .. } => LISTENERSET,
        }
    }

    /// The kinds of objects of a chunk, in the order in which they are removed.
    pub fn resources(&self) -> &'static [Resource] {
        match self {
            Self::Ingress { .. } => &[INGRESS],
            Self::ListenerSet { .. } => &[HTTPROUTE, LISTENERSET],
        }
    }

    /// How many hosts a chunk has at most.
    pub fn most(&self) -> usize {
        match self {
            Self::Ingress { most, .. } => (*most).clamp(1, MOST_OF_INGRESS),
            Self::ListenerSet { most, .. } => (*most).clamp(1, MOST_OF_LISTENERS),
        }
    }
}

/// The beginning of the names of an installation's chunks.
pub(in crate::domains) fn prefix(install: &str) -> String {
    format!("{}{}-", Purpose::Chunk.prefix(), short_hash(install))
}

/// The name of a chunk.
pub(super) fn name(install: &str, number: usize) -> String {
    format!("{}{number}", prefix(install))
}

/// Whether an object is a chunk of this installation.
pub(in crate::domains) fn is_of(object: &Value, install: &str) -> bool {
    let meta = &object["metadata"];
    meta["annotations"][CLAIM] == install
        && meta["labels"][PURPOSE] == Purpose::Chunk.as_str()
        && meta["labels"][MANAGED_BY] == MANAGER
}

/// The number of a chunk, by its name.
pub(super) fn number_of(object: &Value, install: &str) -> Option<usize> {
    let name = object["metadata"]["name"].as_str()?;
    name.strip_prefix(&prefix(install))?.parse().ok()
}

/// A chunk, from its object that has the hosts.
pub(super) fn read(form: &Form, object: &Value, install: &str) -> Option<Chunk> {
    let number = number_of(object, install)?;
    let spec = &object["spec"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut hosts = Hosts::new();
    let mut add = |host: &Value, secret: &Value| {
        if let (Some(host), Some(secret)) = (host.as_str(), secret.as_str()) {
            hosts.insert(host.into(), secret.into());
        }
    };
    match form {
        Form::Ingress { .. } => {
            for entry in list(&spec["tls"]) {
                add(&entry["hosts"][0], &entry["secretName"]);
            }
        }
        Form::ListenerSet { .. } => {
            for listener in list(&spec["listeners"]) {
                add(&listener["hostname"], &listener["tls"]["certificateRefs"][0]["name"]);
            }
        }
    }
    Some(Chunk { number, hosts })
}

/// The objects of a chunk, in the order in which they are made.
pub(super) fn whole(form: &Form, namespace: &str, install: &str, chunk: &Chunk) -> Vec<(Resource, Value)> {
    let name = name(install, chunk.number);
    let object = |resource: Resource, spec: Value| {
        let object = json!({
            "apiVersion": resource.api_version(), "kind": resource.kind,
            "metadata": {
                "namespace": namespace, "name": name,
                "labels": {MANAGED_BY: MANAGER, PURPOSE: Purpose::Chunk.as_str()},
                "annotations": {CLAIM: install},
            },
            "spec": spec,
        });
        (resource, object)
    };
    match form {
        Form::Ingress { class, backend, .. } => {
            let mut made = object(INGRESS, ingress(backend, &chunk.hosts));
            match class {
                Class::Field(class) => made.1["spec"]["ingressClassName"] = class.as_str().into(),
                Class::Annotation(class) => made.1["metadata"]["annotations"][INGRESS_CLASS] = class.as_str().into(),
                Class::Default | Class::Proxy => {}
            }
            vec![made]
        }
        Form::ListenerSet { gateway, backend, .. } => vec![
            object(LISTENERSET, listeners(gateway, &chunk.hosts)),
            object(HTTPROUTE, route(&name, backend)),
        ],
    }
}

fn ingress(backend: &Backend, hosts: &Hosts) -> Value {
    let tls: Vec<Value> = hosts
        .iter()
        .map(|(host, secret)| json!({"hosts": [host.as_str()], "secretName": secret.as_str()}))
        .collect();
    let service = json!({"name": backend.service, "port": {"number": backend.port}});
    let rule = |host: &Text| {
        json!({"host": host.as_str(), "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": service}},
        ]}})
    };
    let rules: Vec<Value> = hosts.keys().map(rule).collect();
    json!({"tls": tls, "rules": rules})
}

fn listeners(gateway: &Key, hosts: &Hosts) -> Value {
    let listener = |(host, secret): (&Text, &Text)| {
        json!({
            "name": format!("h-{}", short_hash(host)), "hostname": host.as_str(), "port": 443, "protocol": "HTTPS",
            "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": secret.as_str()}]},
            "allowedRoutes": {"namespaces": {"from": "Same"}},
        })
    };
    json!({
        "parentRef": {
            "group": Kind::Gateway.group(), "kind": "Gateway",
            "namespace": gateway.namespace.as_str(), "name": gateway.name.as_str(),
        },
        "listeners": hosts.iter().map(listener).collect::<Vec<_>>(),
    })
}

/// The route of a `ListenerSet`, which is for every host that it has. The server would add what is usual, so that it is said.
fn route(name: &str, backend: &Backend) -> Value {
    json!({
        "parentRefs": [{"group": Kind::Gateway.group(), "kind": "ListenerSet", "name": name}],
        "rules": [{
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [{"group": "", "kind": "Service", "name": backend.service, "port": backend.port, "weight": 1}],
        }],
    })
}
