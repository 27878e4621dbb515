//! What answers HTTP-01: the kind of solver, its Pod, and how its answer is checked.

use std::{fmt, str::FromStr, time::Duration};

use super::{NotAValue, duration, is_label_key, is_label_value, is_name, no};

/// What answers an HTTP-01 challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolverKind {
    /// A Pod of this project's image.
    Pod,
    /// This process, by an `EndpointSlice`.
    Endpoint,
    /// An existing Service.
    Service,
    /// A path added to the route's own Ingress.
    InPlace,
}

words!(SolverKind, "solver", "pod, endpoint, service or in-place",
    "pod" => Pod, "endpoint" => Endpoint, "service" => Service, "in-place" => InPlace);

/// How an answer to HTTP-01 is checked before the CA is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelfCheck {
    /// Like the CA; if this network cannot reach the host, at the route's address or from the cluster.
    #[default]
    Auto,
    /// At the route's address, with the name of the host.
    Direct,
    /// From the solver's Pod.
    Cluster,
    /// Not at all, after waiting for this long.
    Wait(Duration),
    /// Not at all.
    Off,
}

impl FromStr for SelfCheck {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let form = "auto, direct, cluster, wait=30s or off";
        match text {
            "auto" => Ok(Self::Auto),
            "direct" => Ok(Self::Direct),
            "cluster" => Ok(Self::Cluster),
            "off" => Ok(Self::Off),
            _ => text
                .strip_prefix("wait=")
                .and_then(|length| duration(length).ok())
                .map(Self::Wait)
                .ok_or_else(|| no(text, "self-check", form)),
        }
    }
}

impl fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Direct => f.write_str("direct"),
            Self::Cluster => f.write_str("cluster"),
            Self::Wait(length) => write!(f, "wait={}", humantime::format_duration(*length)),
            Self::Off => f.write_str("off"),
        }
    }
}

/// A taint that the solver's Pod tolerates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    /// The key of the taint.
    pub key: String,
    /// The value of the taint; any value if absent.
    pub value: Option<String>,
    /// The effect of the taint; any effect if absent.
    pub effect: Option<String>,
}

impl FromStr for Toleration {
    type Err = NotAValue;

    /// Reads `KEY`, `KEY=VALUE`, `KEY:EFFECT` and `KEY=VALUE:EFFECT`, the syntax of `kubectl taint`.
    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let form = "KEY, KEY=VALUE or KEY=VALUE:NoSchedule";
        let (rest, effect) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
        let (key, value) = rest.split_once('=').map_or((rest, None), |(a, b)| (a, Some(b)));
        let known = effect.is_none_or(|e| ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&e));
        if !known || !is_label_key(key) {
            return Err(no(text, "toleration", form));
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.filter(|v| !v.is_empty()).map(str::to_owned),
            effect: effect.map(str::to_owned),
        })
    }
}

impl fmt::Display for Toleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, "={value}")?;
        }
        match &self.effect {
            Some(effect) => write!(f, ":{effect}"),
            None => Ok(()),
        }
    }
}

/// A label of a node, for the solver's Pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl FromStr for Label {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        match text.split_once('=') {
            Some((key, value)) if is_label_key(key) && is_label_value(value) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(no(text, "label", "KEY=VALUE")),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// A port of a Service in the namespace of the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// The Service.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl FromStr for ServicePort {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let parts = text.rsplit_once(':');
        let read = parts.and_then(|(name, port)| {
            let port = port.parse().ok().filter(|port| *port != 0)?;
            is_name(name).then(|| Self {
                name: name.to_owned(),
                port,
            })
        });
        read.ok_or_else(|| no(text, "port of a Service", "NAME:PORT"))
    }
}

impl fmt::Display for ServicePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}
