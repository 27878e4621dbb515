//! Pods, workloads and service accounts: the Secrets that they name.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{
    lenient::{List, Moment, Named, some},
    meta::{Labels, Meta},
};
use crate::object::{
    Kind, Seconds, Text,
    consumer::{Consumer, How, SecretUse},
    program::Program,
    service,
};

/// The part of a Pod or of a workload's template that names Secrets.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct PodSpec {
    containers: List<Container>,
    init_containers: List<Container>,
    ephemeral_containers: List<Container>,
    volumes: List<Volume>,
    image_pull_secrets: List<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Container {
    image: Option<Text>,
    command: List<Text>,
    args: List<Text>,
    env: List<Env>,
    env_from: List<EnvFrom>,
    volume_mounts: List<Mount>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Env {
    value_from: Option<ValueFrom>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct ValueFrom {
    secret_key_ref: Option<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct EnvFrom {
    secret_ref: Option<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Mount {
    name: Option<Text>,
    sub_path: Option<Text>,
    sub_path_expr: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Volume {
    name: Option<Text>,
    secret: Option<SecretVolume>,
    projected: Option<Projected>,
    csi: Option<Csi>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct SecretVolume {
    secret_name: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Projected {
    sources: List<Source>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Source {
    secret: Option<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Csi {
    node_publish_secret_ref: Option<Named>,
}

/// The uses of Secrets, each once.
#[derive(Default)]
struct Uses {
    list: Vec<SecretUse>,
    seen: HashSet<(Text, std::mem::Discriminant<How>)>,
}

impl Uses {
    fn add(&mut self, name: Option<Text>, how: How) {
        if let Some(name) = name
            && self.seen.insert((name.clone(), std::mem::discriminant(&how)))
        {
            self.list.push(SecretUse { name, how });
        }
    }
}

impl PodSpec {
    /// The ingress controller that one of the containers runs, in a Pod of this namespace.
    fn program(&self, namespace: &str) -> Option<Box<Program>> {
        let of = |container: &Container| {
            let arguments: Vec<&str> = container
                .command
                .0
                .iter()
                .chain(&container.args.0)
                .map(Text::as_str)
                .collect();
            Program::of(container.image.as_deref().unwrap_or_default(), &arguments, namespace)
        };
        self.containers.0.iter().find_map(of).map(Box::new)
    }

    fn uses(self) -> Vec<SecretUse> {
        let mut uses = Uses::default();
        // For each volume, whether it is mounted as a whole and whether by subPath.
        let mut mounts: HashMap<Text, (bool, bool)> = HashMap::new();
        let containers = [self.containers, self.init_containers, self.ephemeral_containers];
        for container in containers.into_iter().flat_map(|list| list.0) {
            for env in container.env.0 {
                let name = env.value_from.and_then(|v| v.secret_key_ref).and_then(Named::name);
                uses.add(name, How::Environment);
            }
            for source in container.env_from.0 {
                uses.add(source.secret_ref.and_then(Named::name), How::Environment);
            }
            for mount in container.volume_mounts.0 {
                let by_sub_path = some(mount.sub_path).or(some(mount.sub_path_expr)).is_some();
                let entry = mounts.entry(mount.name.unwrap_or_default()).or_default();
                entry.0 |= !by_sub_path;
                entry.1 |= by_sub_path;
            }
        }
        for volume in self.volumes.0 {
            let name = volume.name.unwrap_or_default();
            let (whole, by_sub_path) = mounts.get(&name).copied().unwrap_or((true, false));
            let sources = volume.projected.unwrap_or_default().sources.0;
            let projected = sources.into_iter().map(|s| s.secret.and_then(Named::name));
            let secret = volume.secret.and_then(|s| some(s.secret_name));
            for secret in std::iter::once(secret).chain(projected) {
                if whole {
                    uses.add(secret.clone(), How::Volume);
                }
                if by_sub_path {
                    uses.add(secret, How::SubPath);
                }
            }
            let csi = volume.csi.and_then(|c| c.node_publish_secret_ref);
            uses.add(csi.and_then(Named::name), How::Other);
        }
        for secret in self.image_pull_secrets.0 {
            uses.add(secret.name(), How::Other);
        }
        uses.list
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Pod {
    metadata: Option<Meta<Labels>>,
    spec: Option<PodSpec>,
    status: Option<PodStatus>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct PodStatus {
    phase: Option<Text>,
    container_statuses: List<ContainerStatus>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct ContainerStatus {
    state: Option<State>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct State {
    running: Option<Running>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Running {
    started_at: Moment,
}

impl PodStatus {
    /// When the longest-running container was started, in seconds since 1970.
    fn started(&self) -> Option<Seconds> {
        let running = self
            .container_statuses
            .0
            .iter()
            .filter_map(|s| s.state.as_ref()?.running.as_ref());
        running.filter_map(|r| r.started_at.0).min()
    }
}

impl From<Pod> for Consumer {
    fn from(pod: Pod) -> Self {
        let status = pod.status.unwrap_or_default();
        let spec = pod.spec.unwrap_or_default();
        let meta: crate::object::Meta = pod.metadata.into();
        Self {
            kind: Kind::Pod,
            program: spec.program(&meta.namespace),
            meta,
            uses: spec.uses(),
            started: status.started(),
            ended: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
        }
    }
}

/// A Deployment, `StatefulSet`, `DaemonSet` or Job.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Workload {
    metadata: Option<Meta>,
    spec: Option<WorkloadSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct WorkloadSpec {
    template: Option<Template>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Template {
    metadata: Option<Meta<Labels>>,
    spec: Option<PodSpec>,
}

impl WorkloadSpec {
    /// The consumer of `kind` for the template, with the labels that its Pods will have.
    fn into_view(self, kind: Kind, metadata: Option<Meta>) -> Consumer {
        let template = self.template.unwrap_or_default();
        let labels = template.metadata.map(Meta::into_labels).unwrap_or_default();
        let mut meta: crate::object::Meta = metadata.into();
        if !labels.is_empty() {
            let mut more = meta.more.take().map(|more| *more).unwrap_or_default();
            more.labels = labels.into();
            meta.more = more.boxed();
        }
        let spec = template.spec.unwrap_or_default();
        Consumer {
            program: spec.program(&meta.namespace),
            ..view(kind, meta, spec.uses())
        }
    }
}

fn view(kind: Kind, meta: crate::object::Meta, uses: Vec<SecretUse>) -> Consumer {
    Consumer {
        kind,
        meta,
        uses,
        started: None,
        ended: false,
        program: None,
    }
}

impl Workload {
    /// The view of a workload of `kind`.
    pub(super) fn into_view(self, kind: Kind) -> Consumer {
        self.spec.unwrap_or_default().into_view(kind, self.metadata)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct CronJob {
    metadata: Option<Meta>,
    spec: Option<CronJobSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct CronJobSpec {
    job_template: Option<JobTemplate>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct JobTemplate {
    spec: Option<WorkloadSpec>,
}

impl From<CronJob> for Consumer {
    fn from(job: CronJob) -> Self {
        let spec = job.spec.and_then(|s| s.job_template).and_then(|t| t.spec);
        spec.unwrap_or_default().into_view(Kind::CronJob, job.metadata)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
pub(super) struct ServiceAccount {
    metadata: Option<Meta>,
    secrets: List<Named>,
    image_pull_secrets: List<Named>,
}

impl From<ServiceAccount> for Consumer {
    fn from(account: ServiceAccount) -> Self {
        let mut uses = Uses::default();
        for secret in account.secrets.0.into_iter().chain(account.image_pull_secrets.0) {
            uses.add(secret.name(), How::Other);
        }
        view(Kind::ServiceAccount, account.metadata.into(), uses.list)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Service {
    metadata: Option<Meta>,
    spec: Option<ServiceSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct ServiceSpec {
    selector: Labels,
}

impl From<Service> for service::Service {
    fn from(service: Service) -> Self {
        Self {
            meta: service.metadata.into(),
            selector: service.spec.unwrap_or_default().selector.into_pairs().into(),
        }
    }
}
