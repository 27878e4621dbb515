//! Certificates by the clock: a `CronJob` that has one Secret ensured, with rights for that Secret alone.

use serde_json::{Value, json};

use super::{
    ACCOUNT, CONFIG, ENSURE, Made, labels, made, of_secret,
    pod::{container_security, downward, mounted, pod_security, pull_secrets},
    rights::{Needs, Rule, binding, binding_of, reading_routes},
    schedule::schedule,
};
use crate::{
    apply::mark::{FOR, short_hash},
    object::{
        Key, Seconds,
        resource::{CONFIGMAP, CRONJOB, ROLE, SERVICEACCOUNT},
    },
};

/// The program gives up before the next look.
const DEADLINE: Seconds = 30 * 60;

/// What is to be ensured, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensure {
    /// The Secret. Its namespace is the one of everything else.
    pub secret: Key,
    /// The hosts of its certificate.
    pub hosts: Vec<String>,
    /// The image of the Pods.
    pub image: String,
    /// Secrets of the namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// The choice of the CA, as flags.
    pub choice: Vec<String>,
    /// The settings, as YAML.
    pub settings: String,
    /// A Secret of the namespace whose `config.yaml` has settings that may not be in a `ConfigMap`.
    pub settings_secret: Option<String>,
    /// What the settings take of rights.
    pub needs: Needs,
    /// The workloads that are restarted: their kinds in rights, and their names. Empty with `--restart auto`.
    pub restarts: Vec<(&'static str, String)>,
    /// How long the certificate lives, in seconds.
    pub lifetime: Seconds,
}

/// `ReplicationControllers`, in the form of rights.
pub const REPLICATION_CONTROLLERS: &str = "replicationcontrollers";

/// The name of everything that is made for one Secret.
pub fn name(secret: &Key) -> String {
    format!("kubectl-certs-{ENSURE}-{}", short_hash(&secret.to_string()))
}

/// The name of its settings.
fn settings_name(name: &str) -> String {
    format!("{name}-{CONFIG}")
}

impl Ensure {
    /// All objects, in the order in which they are written.
    pub fn objects(&self) -> Vec<Made> {
        let name = name(&self.secret);
        let at = |resource, name: &str, rest| {
            let namespace: &str = &self.secret.namespace;
            let instance = super::cronjob::name(&self.secret);
            let mut made = made(resource, (Some(namespace), name), &labels(&instance, ENSURE), rest);
            made.object["metadata"]["annotations"] = json!({FOR: self.secret.to_string()});
            made
        };
        vec![
            at(SERVICEACCOUNT, &name, json!({"automountServiceAccountToken": false})),
            at(ROLE, &name, json!({"rules": self.rules(&name)})),
            at(
                binding_of(ROLE),
                &name,
                binding(ROLE, &name, &self.secret.namespace, &name),
            ),
            at(
                CONFIGMAP,
                &settings_name(&name),
                json!({"data": {"config.yaml": self.settings}}),
            ),
            at(CRONJOB, &name, self.cron_job(&name)),
        ]
    }

    /// The arguments of the program.
    fn arguments(&self, name: &str) -> Vec<String> {
        let Key {
            namespace,
            name: secret,
        } = &self.secret;
        let mut all = vec![
            "ensure".to_owned(),
            format!("--secret={secret}"),
            format!("--namespace={namespace}"),
        ];
        all.extend(self.hosts.iter().map(|host| format!("--domain={host}")));
        all.push(format!("--account-secret={namespace}/{ACCOUNT}"));
        all.push(format!("--config-map={namespace}/{}", settings_name(name)));
        all.extend(self.choice.iter().cloned());
        all.push("--yes".to_owned());
        all
    }

    /// The rights. A creation cannot be limited to a name, and neither can the routes of challenges, whose names are known
    /// with their tokens.
    fn rules(&self, name: &str) -> Vec<Rule> {
        let [journal, backup, lease] = of_secret(&self.secret);
        let secret: &str = &self.secret.name;
        let mut readable = vec![secret, ACCOUNT, &journal, &backup];
        readable.extend(self.settings_secret.as_deref());
        let mut rules = vec![
            Rule::new("", &["secrets"], &["create"]),
            Rule::new("", &["secrets"], &["get"]).named(&readable),
            Rule::new("", &["secrets"], &["update", "patch"]).named(&[secret, ACCOUNT, &journal, &backup]),
            Rule::new("", &["secrets"], &["delete"]).named(&[&journal, &backup]),
            Rule::new("coordination.k8s.io", &["leases"], &["create"]),
            Rule::new("coordination.k8s.io", &["leases"], &["get", "update", "delete"]).named(&[&lease]),
            Rule::new("", &["configmaps"], &["get"]).named(&[&settings_name(name)]),
            Rule::new("", &["events"], &["get", "create", "patch"]),
            // The way to the answers of HTTP-01.
            Rule::new("networking.k8s.io", &["ingresses"], &["create", "patch", "delete"]),
            Rule::new("gateway.networking.k8s.io", &["httproutes"], &["create", "delete"]),
            Rule::new("traefik.io", &["ingressroutes"], &["create", "delete"]),
            Rule::new("", &["services"], &["get", "list", "create", "delete"]),
            Rule::new(
                "discovery.k8s.io",
                &["endpointslices"],
                &["get", "list", "create", "delete"],
            ),
        ];
        rules.extend(reading_routes());
        if self.needs.pods {
            rules.push(Rule::new("", &["pods"], &["get", "list", "create", "delete"]));
            rules.push(Rule::new("batch", &["jobs"], &["get", "list", "create", "delete"]));
        }
        if self.needs.restarts && self.restarts.is_empty() {
            let workloads = ["deployments", "statefulsets", "daemonsets"];
            rules.push(Rule::new("apps", &workloads, &["get", "list", "patch"]));
            rules.push(Rule::new("", &["pods"], &["list"]));
        }
        // A rollout keeps to the budgets of its Pods.
        let rolls = self.restarts.is_empty()
            || self
                .restarts
                .iter()
                .any(|(plural, _)| *plural != REPLICATION_CONTROLLERS);
        if self.needs.restarts && rolls {
            rules.push(Rule::new("policy", &["poddisruptionbudgets"], &["list"]));
        }
        for (plural, workload) in &self.restarts {
            if *plural == REPLICATION_CONTROLLERS {
                // They have no rollouts: their Pods are evicted one by one.
                rules.push(Rule::new("", &[plural], &["get"]).named(&[workload]));
                rules.push(Rule::new("", &["pods"], &["list"]));
                rules.push(Rule::new("", &["pods/eviction"], &["create"]));
                continue;
            }
            rules.push(Rule::new("apps", &[plural], &["get", "patch"]).named(&[workload]));
        }
        rules
    }

    fn cron_job(&self, name: &str) -> Value {
        let container = json!({
            "name": ENSURE, "image": self.image, "args": self.arguments(name), "env": downward(),
            "ports": [{"name": "http01", "containerPort": super::pod::ANSWERS, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": container_security(),
            "terminationMessagePolicy": "FallbackToLogsOnError",
        });
        let mut pod = json!({
            "serviceAccountName": name, "automountServiceAccountToken": true, "enableServiceLinks": false,
            "securityContext": pod_security(), "containers": [container], "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/os": "linux"},
        });
        if !self.pull_secrets.is_empty() {
            pod["imagePullSecrets"] = pull_secrets(&self.pull_secrets).into();
        }
        mounted(&mut pod, self.settings_secret.as_deref());
        json!({"spec": {
            "schedule": schedule(self.lifetime, &self.secret.to_string()),
            "concurrencyPolicy": "Forbid",
            // What a node that was away has missed is made up for.
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": labels(name, ENSURE)},
                "spec": {
                    // The next look is the next try: a CA counts failures.
                    "backoffLimit": 0, "activeDeadlineSeconds": DEADLINE,
                    "template": {"metadata": {"labels": labels(name, ENSURE)}, "spec": pod},
                },
            },
        }})
    }
}
