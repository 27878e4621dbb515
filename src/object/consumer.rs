//! Pods, workloads and service accounts: who uses a Secret, and how.

use super::{Key, Kind, Meta, Seconds, Text, program::Program};

/// What is read of a Pod, `ReplicationController`, Deployment, `StatefulSet`, `DaemonSet`, Job, `CronJob` or `ServiceAccount`.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Which of them.
    pub kind: Kind,
    /// Its metadata; a Pod's owners tell its workload.
    pub meta: Meta,
    /// The Secrets that it names.
    pub uses: Vec<SecretUse>,
    /// Containers that run now (or are the workload's template): each container's start, where it has started.
    pub started: Option<Seconds>,
    /// Whether it is a Pod that has ended (Succeeded or Failed).
    pub ended: bool,
    /// The ingress controller that it runs; read from manifests alone, for in a cluster its Pods are asked for.
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

/// How a Secret reaches a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A volume: changes reach the container within a minute or two.
    Volume,
    /// A volume mounted by subPath: changes never reach the container.
    SubPath,
    /// An environment variable: changes never reach the container.
    Environment,
    /// An image pull secret, or a service account's secret.
    Other,
}

impl Consumer {
    /// Whether its containers get the Secret's content, in a volume or as environment. Of a Pod that has ended, none does.
    pub fn mounts(&self, key: &Key) -> bool {
        !self.ended
            && self.meta.namespace == key.namespace
            && self.uses.iter().any(|u| u.name == key.name && u.how != How::Other)
    }
}
