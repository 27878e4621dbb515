//! Pods, workloads and service accounts: which of them use a Secret, and how.

use super::{Key, Kind, Meta, Seconds, Text, program::Program};

/// The fields of a Pod, `ReplicationController`, Deployment, `StatefulSet`, `DaemonSet`, Job, `CronJob` or
/// `ServiceAccount` that are read.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// The kind of the object.
    pub kind: Kind,
    /// Its metadata. The owners of a Pod identify its workload.
    pub meta: Meta,
    /// The Secrets that it names.
    pub uses: Vec<SecretUse>,
    /// The earliest start of the Pod's running containers, in seconds since 1970; `None` for workloads.
    pub started: Option<Seconds>,
    /// Whether it is a Pod that has finished (Succeeded or Failed).
    pub ended: bool,
    /// The ingress controller that it runs. Only read from manifests; in a cluster, the Pods are queried separately.
    pub program: Option<Box<Program>>,
}

/// One use of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The Secret's name, in the consumer's namespace.
    pub name: Text,
    /// How it is used.
    pub how: How,
}

/// How the content of a Secret reaches a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A volume: changes reach the container within a minute or two.
    Volume,
    /// A volume mounted by subPath: changes never reach the container.
    SubPath,
    /// An environment variable: changes never reach the container.
    Environment,
    /// Another use: as an image pull secret, or as a service account's secret.
    Other,
}

impl Consumer {
    /// Whether its containers get the content of the Secret, in a volume or as environment variables. Those of a
    /// finished Pod do not.
    pub fn mounts(&self, key: &Key) -> bool {
        !self.ended
            && self.meta.namespace == key.namespace
            && self.uses.iter().any(|u| u.name == key.name && u.how != How::Other)
    }
}
