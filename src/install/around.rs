//! What stands around the Pods: who may reach them and whom they reach, how many may be missing, where metrics are.

use serde_json::{Value, json};

use super::{
    DOMAINS, Install, METRICS, Made, NAME,
    pod::{ANSWERS, METRICS as METRICS_PORT},
};
use crate::object::resource::{NETWORKPOLICY, PODDISRUPTIONBUDGET, SERVICE, SERVICEMONITOR};

/// Whom Pods connect to: the API server (443, 6443), CAs and what is served (443), and answers to challenges and
/// revocation lists (80).
const USUAL_EGRESS: [u16; 3] = [80, 443, 6443];

fn tcp(port: u16) -> Value {
    json!({"protocol": "TCP", "port": port})
}

impl Install {
    /// Challenges and metrics come in. DNS goes out to anywhere, because authorities are asked themselves.
    pub(super) fn network_policy(&self) -> Made {
        let mut ports: Vec<u16> = USUAL_EGRESS.iter().chain(&self.egress).copied().collect();
        ports.sort_unstable();
        ports.dedup();
        let out: Vec<Value> = ports.into_iter().map(tcp).collect();
        let inside = [ANSWERS, METRICS_PORT].into_iter().chain(self.domains);
        let inside: Vec<Value> = inside.map(|port| json!({"ports": [tcp(port)]})).collect();
        self.made(
            NETWORKPOLICY,
            NAME,
            json!({"spec": {
                "podSelector": {"matchLabels": self.selector()},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": inside,
                "egress": [
                    {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                    {"ports": out},
                ],
            }}),
        )
    }

    /// The Service of the metrics.
    pub(super) fn metrics(&self) -> Made {
        self.made(
            SERVICE,
            METRICS,
            json!({"spec": {
                "type": "ClusterIP", "selector": self.selector(),
                "ports": [{"name": "metrics", "port": METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"}],
            }}),
        )
    }

    /// The Service of the API and the certificate source of customers' domains.
    pub(super) fn domains_service(&self, port: u16) -> Made {
        self.made(
            SERVICE,
            DOMAINS,
            json!({"spec": {
                "type": "ClusterIP", "selector": self.selector(),
                "ports": [{"name": "domains", "port": port, "protocol": "TCP", "targetPort": "domains"}],
            }}),
        )
    }

    /// Tells the Prometheus operator of it.
    pub(super) fn monitor(&self) -> Made {
        self.made(
            SERVICEMONITOR,
            NAME,
            json!({"spec": {
                "selector": {"matchLabels": self.selector()},
                "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "30s"}],
            }}),
        )
    }

    /// A node may be drained, one Pod at a time.
    pub(super) fn budget(&self) -> Made {
        self.made(
            PODDISRUPTIONBUDGET,
            NAME,
            // A Pod that is not ready, such as one that waits for an account, is in no node's way.
            json!({"spec": {
                "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": {"matchLabels": self.selector()},
            }}),
        )
    }
}
