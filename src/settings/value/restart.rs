//! What is restarted when a certificate has been stored.

use std::{fmt, str::FromStr};

use super::{NotAValue, is_name, no};

/// A kind of workload that can be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
    /// A `DaemonSet`.
    DaemonSet,
    /// A `ReplicationController`, which has no rollouts: its Pods are replaced one by one.
    ReplicationController,
}

words!(WorkloadKind, "kind of workload", "deployment, statefulset, daemonset or replicationcontroller",
    "deployment" => Deployment, "statefulset" => StatefulSet, "daemonset" => DaemonSet,
    "replicationcontroller" => ReplicationController);

/// A workload to restart, in the namespace of the Secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// One word of `--restart`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartWord {
    /// Restart nothing.
    None,
    /// Restart workloads that would not notice the new certificate by themselves.
    Auto,
    /// Restart this workload.
    Workload(Workload),
}

impl FromStr for RestartWord {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        match text {
            "none" => return Ok(Self::None),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let read = text.split_once('/').and_then(|(kind, name)| {
            let kind = match kind.to_ascii_lowercase().split('.').next().unwrap_or_default() {
                "deployment" | "deployments" | "deploy" => WorkloadKind::Deployment,
                "statefulset" | "statefulsets" | "sts" => WorkloadKind::StatefulSet,
                "daemonset" | "daemonsets" | "ds" => WorkloadKind::DaemonSet,
                "replicationcontroller" | "replicationcontrollers" | "rc" => WorkloadKind::ReplicationController,
                _ => return None,
            };
            is_name(name).then(|| {
                Self::Workload(Workload {
                    kind,
                    name: name.to_owned(),
                })
            })
        });
        read.ok_or_else(|| {
            no(
                text,
                "restart",
                "none, auto, deployment/NAME, statefulset/NAME, daemonset/NAME or replicationcontroller/NAME",
            )
        })
    }
}

impl fmt::Display for RestartWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Auto => f.write_str("auto"),
            Self::Workload(workload) => workload.fmt(f),
        }
    }
}

/// What is restarted when the certificate has been stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Restart {
    /// Nothing is restarted; a note names what would need it.
    #[default]
    None,
    /// Workloads that would not notice the new certificate by themselves.
    Auto,
    /// These workloads, in this order.
    These(Vec<Workload>),
}

impl TryFrom<Vec<RestartWord>> for Restart {
    type Error = NotAValue;

    /// `none` and `auto` must be the only word.
    fn try_from(words: Vec<RestartWord>) -> Result<Self, NotAValue> {
        match words.as_slice() {
            [] | [RestartWord::None] => return Ok(Self::None),
            [RestartWord::Auto] => return Ok(Self::Auto),
            _ => {}
        }
        let all = words.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let these = words.into_iter().map(|word| match word {
            RestartWord::Workload(workload) => Some(workload),
            _ => None,
        });
        these
            .collect::<Option<_>>()
            .map(Self::These)
            .ok_or_else(|| no(&all, "restart", "none, auto, or workloads: not mixed"))
    }
}
