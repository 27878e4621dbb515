//! What an installation consists of: from what was asked for, the objects. Pure: nothing is read, and nothing is asked.
//!
//! `kubectl certs install` writes them to a cluster or prints them, and the Helm chart in `plugin/chart` has the same
//! ones. What is cluster-wide is named by the installation, so that two of them live side by side.

mod around;
pub mod cronjob;
pub mod domains;
mod pod;
pub mod policy;
pub mod rights;
pub mod rival;
pub mod schedule;
mod tenants;

use serde_json::{Value, json};

use crate::{
    apply::{Purpose, mark::MANAGED_BY},
    k8s::MANAGER,
    object::{
        Key, Text,
        resource::{
            ADMISSIONPOLICY, ADMISSIONPOLICYBINDING, CLUSTERROLE, CLUSTERROLEBINDING, CONFIGMAP, DEPLOYMENT,
            LEASE as LEASES, NAMESPACE, NETWORKPOLICY, PODDISRUPTIONBUDGET, ROLE, ROLEBINDING, Resource, SERVICE,
            SERVICEACCOUNT, SERVICEMONITOR,
        },
    },
    policy::NamesPolicy,
};
use rights::Needs;

/// The name of the Deployment, the `ServiceAccount` and most other objects in the installation's own namespace.
pub const NAME: &str = "kubectl-certs";
/// The usual namespace.
pub const USUAL_NAMESPACE: &str = "kubectl-certs";
/// The name of the account's Secret in that namespace.
pub const ACCOUNT: &str = "account";
/// The name of the settings' `ConfigMap`.
pub const CONFIG: &str = "config";
/// The name of the Pods' volume with the settings that may name credentials.
pub const VOLUME: &str = "settings";
/// The name of the metrics' Service.
pub const METRICS: &str = "kubectl-certs-metrics";
/// The name of the Service of the API and the certificate source of customers' domains.
pub const DOMAINS: &str = "kubectl-certs-domains";
/// The name of the leader's Lease.
pub const LEASE: &str = "kubectl-certs-controller";

/// The label with the name of the program.
pub const LABEL_NAME: &str = "app.kubernetes.io/name";
/// The label with the installation: the namespace that it is in.
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";
/// The label with the part of the program.
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";
/// The component that goes on.
pub const CONTROLLER: &str = "controller";
/// The component that runs by the clock.
pub const ENSURE: &str = "ensure";
/// The annotation of the Deployment with the namespaces that it follows: their names, or `*`.
pub use crate::object::annotation::FOLLOWS;

/// Which namespaces an installation follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the cluster.
    Cluster,
    /// These. The one of the installation alone takes no right outside of it.
    Namespaces(Vec<String>),
}

impl Scope {
    /// These namespaces, each once, sorted; all of the cluster where none is named.
    pub fn of(namespaces: &[String]) -> Self {
        let mut all = namespaces.to_vec();
        all.sort();
        all.dedup();
        if all.is_empty() {
            Self::Cluster
        } else {
            Self::Namespaces(all)
        }
    }

    /// As it stands in the annotation.
    pub fn word(&self) -> String {
        match self {
            Self::Cluster => "*".to_owned(),
            Self::Namespaces(all) => all.join(","),
        }
    }

    /// Reads the annotation.
    pub fn read(word: &str) -> Self {
        if word == "*" {
            return Self::Cluster;
        }
        Self::Namespaces(word.split(',').map(|one| one.trim().to_owned()).collect())
    }

    /// A namespace that both follow, or `all namespaces`.
    pub fn common(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Cluster, Self::Cluster) => Some("all namespaces".to_owned()),
            (Self::Cluster, Self::Namespaces(some)) | (Self::Namespaces(some), Self::Cluster) => {
                Some(format!("namespace {}", some.first()?))
            }
            (Self::Namespaces(one), Self::Namespaces(other)) => {
                let name = one.iter().find(|name| other.contains(name))?;
                Some(format!("namespace {name}"))
            }
        }
    }
}

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The installation's own namespace, which names it.
    pub namespace: String,
    /// What it follows.
    pub scope: Scope,
    /// The image of the Pods.
    pub image: String,
    /// Secrets of the namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// How many Pods.
    pub replicas: u16,
    /// The choice of the CA as flags of the controller; without one it plans and prints.
    pub choice: Vec<String>,
    /// The settings, as YAML.
    pub settings: String,
    /// A Secret of the namespace whose `config.yaml` has settings that may not be in a `ConfigMap`.
    pub settings_secret: Option<String>,
    /// What the settings take of rights.
    pub needs: Needs,
    /// The data keys of pairs, where the settings name others than the usual ones.
    pub pair_keys: Vec<String>,
    /// The ports that Pods connect to besides the usual ones.
    pub egress: Vec<u16>,
    /// Whether the Prometheus operator is told.
    pub service_monitor: bool,
    /// Whether the API server is told what the `ServiceAccount` may write. It is cluster-wide.
    pub policy: bool,
    /// The id of the installation, if it is known: it is noted on the account's Secret.
    pub id: Option<String>,
    /// Which namespaces may have which names, where the API server is told that too. It is cluster-wide.
    pub tenants: Option<NamesPolicy>,
    /// The port of the API and the certificate source of customers' domains, if there are any.
    pub domains: Option<u16>,
    /// The `ConfigMap` with the template of their routes, if there is one.
    pub template: Option<String>,
}

/// One object to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Its kind.
    pub resource: Resource,
    /// The object.
    pub object: Value,
}

impl Made {
    /// Whether it is left alone once it is there: others' Pods may be in a namespace, and whoever leads writes the Lease.
    pub fn is_made_once(&self) -> bool {
        matches!(self.resource, NAMESPACE | LEASES)
    }

    /// Its namespace and name.
    pub fn key(&self) -> Key {
        use crate::k8s::Own as _;
        self.object.key()
    }
}

impl std::fmt::Display for Made {
    /// Writes `Deployment kubectl-certs/kubectl-certs`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        shown(f, self.resource, &self.key())
    }
}

/// Writes the kind and the name of an object, and its namespace where it has one.
pub fn shown(f: &mut dyn std::fmt::Write, resource: Resource, key: &Key) -> std::fmt::Result {
    if key.namespace.is_empty() {
        write!(f, "{} {}", resource.kind, key.name)
    } else {
        write!(f, "{} {key}", resource.kind)
    }
}

/// The kinds of which an installation may have objects, in the order in which they are removed: what runs goes first,
/// and what protects it goes last.
pub const KINDS: [Resource; 16] = [
    DEPLOYMENT,
    crate::object::resource::CRONJOB,
    SERVICEMONITOR,
    SERVICE,
    PODDISRUPTIONBUDGET,
    CONFIGMAP,
    ROLEBINDING,
    ROLE,
    CLUSTERROLEBINDING,
    CLUSTERROLE,
    SERVICEACCOUNT,
    NETWORKPOLICY,
    ADMISSIONPOLICYBINDING,
    ADMISSIONPOLICY,
    LEASES,
    NAMESPACE,
];

impl Install {
    /// The name of what is cluster-wide, or in the namespaces of others.
    pub fn wide_name(&self) -> String {
        wide_name(&self.namespace)
    }

    /// Whether it takes nothing outside of its own namespace.
    pub fn is_one(&self) -> bool {
        matches!(&self.scope, Scope::Namespaces(all) if *all == [self.namespace.clone()])
    }

    /// The labels of all of its objects.
    pub fn labels(&self) -> Value {
        labels(&self.namespace, CONTROLLER)
    }

    /// The labels by which its Pods are found. They never change.
    fn selector(&self) -> Value {
        let mut labels = self.labels();
        if let Some(labels) = labels.as_object_mut() {
            labels.remove(MANAGED_BY);
        }
        labels
    }

    /// An object in its own namespace.
    fn made(&self, resource: Resource, name: &str, rest: Value) -> Made {
        self.at(resource, Some(&self.namespace), name, rest)
    }

    /// An object in a namespace, or cluster-wide.
    fn at(&self, resource: Resource, namespace: Option<&str>, name: &str, rest: Value) -> Made {
        made(resource, (namespace, name), &self.labels(), rest)
    }

    /// The name of its user, as the API server knows it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.namespace)
    }

    /// All objects, in the order in which they are written.
    pub fn objects(&self) -> Vec<Made> {
        let mut all = Vec::new();
        // A namespace that is followed is somebody's.
        if !self.is_one() {
            all.push(self.own_namespace());
        }
        if self.domains.is_some() {
            all.push(domains::definition());
        }
        // Before there is anybody whom it could keep from anything.
        if self.policy {
            all.extend(policy::objects(self));
        }
        if let Some(names) = &self.tenants {
            all.extend(tenants::objects(self, names));
        }
        let account = json!({"automountServiceAccountToken": false});
        all.push(self.made(SERVICEACCOUNT, NAME, account));
        all.extend(self.rights());
        let config = json!({"data": {"config.yaml": self.settings}});
        all.push(self.made(CONFIGMAP, CONFIG, config));
        // Nobody holds it, so that the first leader takes it at once: of one that is absent it would have to be
        // presumed that it was deleted while somebody leads.
        all.push(self.made(LEASES, LEASE, json!({"spec": {}})));
        all.push(self.network_policy());
        all.push(self.metrics());
        all.extend(self.domains.map(|port| self.domains_service(port)));
        if self.service_monitor {
            all.push(self.monitor());
        }
        all.push(self.budget());
        all.push(self.deployment());
        all
    }

    fn own_namespace(&self) -> Made {
        let mut namespace = made(NAMESPACE, (None, &self.namespace), &json!({}), json!({}));
        // It outlives the installation, with the account in it.
        namespace.object["metadata"]["labels"] = json!({
            "pod-security.kubernetes.io/enforce": "restricted",
        });
        namespace
    }
}

/// The name of what an installation in this namespace has cluster-wide, or in the namespaces of others.
pub fn wide_name(namespace: &str) -> String {
    format!("{NAME}-{namespace}")
}

/// The labels of the objects of one installation.
pub fn labels(instance: &str, component: &str) -> Value {
    json!({
        LABEL_NAME: NAME, LABEL_INSTANCE: instance, LABEL_COMPONENT: component, MANAGED_BY: MANAGER,
    })
}

/// The selector of the objects of one installation.
pub fn selector(instance: &str, component: &str) -> String {
    format!("{MANAGED_BY}={MANAGER},{LABEL_NAME}={NAME},{LABEL_INSTANCE}={instance},{LABEL_COMPONENT}={component}")
}

/// The selector of the Deployments of all installations, whoever manages them.
pub fn any_controller() -> String {
    format!("{LABEL_NAME}={NAME},{LABEL_COMPONENT}={CONTROLLER}")
}

/// An object with its kind, its place and labels.
fn made(resource: Resource, (namespace, name): (Option<&str>, &str), labels: &Value, rest: Value) -> Made {
    let mut object = json!({
        "apiVersion": resource.api_version(), "kind": resource.kind,
        "metadata": {"name": name, "labels": labels},
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    if let (Some(all), Value::Object(rest)) = (object.as_object_mut(), rest) {
        all.extend(rest);
    }
    Made { resource, object }
}

/// The names of the objects that a run makes for one Secret: its journal, its backup, its Lease.
fn of_secret(secret: &Key) -> [Text; 3] {
    [Purpose::Journal, Purpose::Backup, Purpose::Lease].map(|purpose| purpose.name(&secret.to_string()))
}

#[cfg(test)]
mod tests;
