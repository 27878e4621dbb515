//! The Pods of a solver: those that answer, which a Job owns, and one that checks.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            Affinity, Capabilities, Container, ContainerPort, HTTPGetAction, LocalObjectReference, NodeAffinity,
            NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSecurityContext, PodSpec, PodTemplateSpec,
            PreferredSchedulingTerm, Probe, ResourceRequirements, SeccompProfile, SecurityContext, Toleration,
        },
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};

use super::{
    super::{
        Options,
        check::Question,
        container::{self, Program},
        table::HEALTH_PATH,
    },
    Owner, POD_PORT, PORT_NAME, PodOptions, SOLVER_LABEL, TERMINATION_LOG, metadata, pairs,
};
use crate::{apply::Purpose, settings::value};

/// A user other than root; the same as in most images without a shell.
const NOBODY: i64 = 65_532;

/// The Job whose Pod answers every token with `TOKEN.thumbprint`.
pub fn job(namespace: &str, name: &str, thumbprint: &str, options: &PodOptions) -> Job {
    let program = Program::Answer {
        thumbprint,
        deadline: options.deadline,
    };
    let container = Container {
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: POD_PORT.into(),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(Probe {
            http_get: Some(HTTPGetAction {
                path: Some(HEALTH_PATH.to_owned()),
                port: IntOrString::Int(POD_PORT.into()),
                ..HTTPGetAction::default()
            }),
            period_seconds: Some(1),
            failure_threshold: Some(60),
            ..Probe::default()
        }),
        ..container(program, options)
    };
    Job {
        metadata: metadata(namespace, name, None),
        spec: Some(JobSpec {
            backoff_limit: Some(3),
            // The Pod itself ends a little earlier.
            active_deadline_seconds: Some(i64::from(options.deadline) + 30),
            ttl_seconds_after_finished: Some(60),
            template: PodTemplateSpec {
                metadata: Some(pod_metadata(ObjectMeta::default(), Some(name))),
                spec: Some(pod_spec(container, options)),
            },
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}

/// The Pod of a [`job`] alone, for the API server to judge.
pub fn trial_pod(namespace: &str, options: &Options) -> Pod {
    let name = format!("{}trial", Purpose::Solver.prefix());
    let thumbprint = options.thumbprint.to_string();
    let spec = job(namespace, &name, &thumbprint, &options.pod)
        .spec
        .unwrap_or_default();
    let metadata = ObjectMeta {
        namespace: Some(namespace.to_owned()),
        name: Some(name),
        ..spec.template.metadata.unwrap_or_default()
    };
    Pod {
        metadata,
        spec: spec.template.spec,
        ..Pod::default()
    }
}

/// A Pod that checks one challenge from inside of the cluster, and reports the result in its termination message.
pub fn check_pod(namespace: &str, name: &str, owner: Option<&Owner>, question: &Question, options: &PodOptions) -> Pod {
    Pod {
        // The Service must not find it.
        metadata: pod_metadata(metadata(namespace, name, owner), None),
        spec: Some(PodSpec {
            active_deadline_seconds: Some(i64::from(options.deadline) + 30),
            ..pod_spec(container(Program::Look(question), options), options)
        }),
        ..Pod::default()
    }
}

/// The metadata of a Pod outside of every mesh, which the Service of a solver finds.
fn pod_metadata(meta: ObjectMeta, solver: Option<&str>) -> ObjectMeta {
    let mut labels = pairs(&[
        // A sidecar would require a client certificate from the CA.
        ("sidecar.istio.io/inject", "false"),
        ("istio.io/dataplane-mode", "none"),
        ("kuma.io/sidecar-injection", "disabled"),
    ]);
    labels.extend(solver.map(|solver| (SOLVER_LABEL.to_owned(), solver.to_owned())));
    let annotations = pairs(&[
        ("sidecar.istio.io/inject", "false"),
        ("linkerd.io/inject", "disabled"),
        ("consul.hashicorp.com/connect-inject", "false"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "true"),
    ]);
    ObjectMeta {
        labels: Some(labels),
        annotations: Some(annotations),
        ..meta
    }
}

/// The container of a Pod that meets the restricted Pod security standard.
fn container(program: Program<'_>, options: &PodOptions) -> Container {
    let mut container = Container {
        name: "respond".to_owned(),
        image: Some(options.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        termination_message_path: Some(TERMINATION_LOG.to_owned()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            seccomp_profile: Some(runtime_default()),
            ..SecurityContext::default()
        }),
        resources: Some(
            options
                .said
                .resources
                .as_ref()
                .map_or_else(usual_resources, |said| resources(&said.requests, &said.limits)),
        ),
        ..Container::default()
    };
    container::fill(&mut container, &options.image, program);
    container
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        ..SeccompProfile::default()
    }
}

fn usual_resources() -> ResourceRequirements {
    let of = |cpu, memory| pairs(&[("cpu", cpu), ("memory", memory)]);
    resources(&of("10m", "16Mi"), &of("500m", "64Mi"))
}

/// The requests and limits of a container.
fn resources(requests: &BTreeMap<String, String>, limits: &BTreeMap<String, String>) -> ResourceRequirements {
    let of = |all: &BTreeMap<String, String>| {
        let quantity = |(name, value): (&String, &String)| (name.clone(), Quantity(value.clone()));
        Some(all.iter().map(quantity).collect())
    };
    ResourceRequirements {
        requests: of(requests),
        limits: of(limits),
        ..ResourceRequirements::default()
    }
}

/// A Pod without any rights.
fn pod_spec(container: Container, options: &PodOptions) -> PodSpec {
    let mut node_selector = pairs(&[("kubernetes.io/os", "linux")]);
    let said = &options.said;
    // Added to the present labels, which it overrides.
    node_selector.extend(said.node_selector.clone().unwrap_or_default());
    let pull_secrets = said.image_pull_secrets.iter().flatten();
    let pull_secrets: Vec<_> = pull_secrets
        .map(|name| LocalObjectReference { name: name.clone() })
        .collect();
    let tolerations: Vec<_> = said.tolerations.iter().flatten().map(toleration).collect();
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(5),
        node_selector: Some(node_selector),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(NOBODY),
            run_as_group: Some(NOBODY),
            seccomp_profile: Some(runtime_default()),
            ..PodSecurityContext::default()
        }),
        containers: vec![container],
        priority_class_name: said.priority_class_name.clone(),
        affinity: (!options.nodes.is_empty()).then(|| preferring(&options.nodes)),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        tolerations: (!tolerations.is_empty()).then_some(tolerations),
        ..PodSpec::default()
    }
}

fn preferring(nodes: &[String]) -> Affinity {
    let term = PreferredSchedulingTerm {
        weight: 100,
        preference: NodeSelectorTerm {
            match_expressions: Some(vec![NodeSelectorRequirement {
                key: "kubernetes.io/hostname".to_owned(),
                operator: "In".to_owned(),
                values: Some(nodes.to_vec()),
            }]),
            ..NodeSelectorTerm::default()
        },
    };
    Affinity {
        node_affinity: Some(NodeAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![term]),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn toleration(toleration: &value::Toleration) -> Toleration {
    let operator = if toleration.value.is_some() { "Equal" } else { "Exists" };
    Toleration {
        key: Some(toleration.key.clone()),
        operator: Some(operator.to_owned()),
        value: toleration.value.clone(),
        effect: toleration.effect.clone(),
        ..Toleration::default()
    }
}
