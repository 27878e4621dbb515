//! Pods, workloads with a Pod template, and service accounts: which Secrets they use, and how.

use std::collections::HashMap;

use bytes::Bytes;

use super::{
    super::message::{self, pod},
    filled,
    meta::{Labels, meta},
    time,
};
use crate::object::{
    Consumer, Kind, Meta, Text,
    consumer::{How, SecretUse},
};

/// The view of a Pod.
pub(super) fn pod(pod: pod::Pod) -> Consumer {
    let mut uses = Uses::default();
    uses.pod_spec(pod.spec.unwrap_or_default());
    let status = pod.status.unwrap_or_default();
    let running = |status: pod::ContainerStatus| time(status.state?.running?.started);
    Consumer {
        ended: matches!(&*status.phase, b"Succeeded" | b"Failed"),
        started: status.containers.into_iter().filter_map(running).min(),
        ..uses.of(Kind::Pod, meta(pod.metadata, Labels::Kept))
    }
}

/// The view of a workload with a Pod template; its labels are those of the Pods.
pub(super) fn workload(
    kind: Kind,
    metadata: Option<message::ObjectMeta>,
    template: Option<pod::PodTemplate>,
) -> Consumer {
    let template = template.unwrap_or_default();
    let mut uses = Uses::default();
    uses.pod_spec(template.spec.unwrap_or_default());
    let mut workload = uses.of(kind, meta(metadata, Labels::Dropped));
    // The labels of a CronJob's Pods are not kept.
    let of_pods = template.metadata.filter(|_| kind != Kind::CronJob);
    let labels = meta(of_pods, Labels::Kept).more.map(|more| more.labels);
    if let Some(labels) = labels.filter(|labels| !labels.is_empty()) {
        let mut more = workload.meta.more.take().map(|more| *more).unwrap_or_default();
        more.labels = labels;
        workload.meta.more = more.boxed();
    }
    workload
}

/// The view of a service account.
pub(super) fn account(account: pod::ServiceAccount) -> Consumer {
    let mut uses = Uses::default();
    for secret in &account.secrets {
        uses.add(&secret.name, How::Other);
    }
    for secret in &account.image_pull_secrets {
        uses.add(&secret.name, How::Other);
    }
    uses.of(Kind::ServiceAccount, meta(account.metadata, Labels::Dropped))
}

/// How the containers mount a volume.
#[derive(Debug, Clone, Copy, Default)]
struct Mounts {
    whole: bool,
    part: bool,
}

/// Collects the uses in the spec of a Pod.
#[derive(Default)]
struct Uses {
    found: Vec<SecretUse>,
    /// The name of each volume and of its Secret.
    volumes: Vec<(Bytes, Text)>,
    /// The name of each mounted volume, and whether it is mounted by subPath.
    mounts: Vec<(Bytes, bool)>,
}

impl Uses {
    fn add(&mut self, name: &Bytes, how: How) {
        self.found.extend(filled(name).map(|name| SecretUse { name, how }));
    }

    fn add_local(&mut self, reference: Option<pod::LocalReference>, how: How) {
        if let Some(reference) = reference {
            self.add(&reference.name, how);
        }
    }

    fn pod_spec(&mut self, spec: pod::PodSpec) {
        for volume in spec.volumes {
            self.volume(volume);
        }
        let ephemeral = spec.ephemeral_containers.into_iter().filter_map(|it| it.common);
        for container in spec.containers.into_iter().chain(spec.init_containers).chain(ephemeral) {
            self.container(container);
        }
        for reference in spec.image_pull_secrets {
            self.add(&reference.name, How::Other);
        }
    }

    /// Adds a volume of one Secret, or one projected from several sources.
    fn volume(&mut self, volume: pod::Volume) {
        let source = volume.source.unwrap_or_default();
        let projected = source.projected.unwrap_or_default().sources;
        let of_sources = projected.into_iter().filter_map(|source| Some(source.secret?.of?.name));
        let secrets = source.secret.map(|secret| secret.name).into_iter().chain(of_sources);
        self.volumes
            .extend(secrets.filter_map(|secret| Some((volume.name.clone(), filled(&secret)?))));
        self.add_local(source.csi.and_then(|csi| csi.node_publish_secret), How::Other);
    }

    fn container(&mut self, container: pod::Container) {
        let variables = container.env.into_iter().filter_map(|variable| variable.source?.secret);
        let sources = container.env_from.into_iter().filter_map(|source| source.secret);
        for reference in variables.chain(sources) {
            self.add_local(reference.of, How::Environment);
        }
        let mount = |mount: pod::VolumeMount| {
            let part = !(mount.sub_path.is_empty() && mount.sub_path_expr.is_empty());
            (mount.volume, part)
        };
        self.mounts.extend(container.mounts.into_iter().map(mount));
    }

    /// All uses, each once, sorted by name. A volume that no container mounts is a use too.
    fn finish(mut self) -> Vec<SecretUse> {
        if !self.volumes.is_empty() {
            let mut mounted: HashMap<&[u8], Mounts> = HashMap::new();
            for (volume, part) in &self.mounts {
                let mounts = mounted.entry(volume).or_default();
                mounts.whole |= !part;
                mounts.part |= part;
            }
            for (volume, name) in self.volumes {
                let mounts = mounted.get(&*volume).copied().unwrap_or_default();
                if mounts.part {
                    let name = name.clone();
                    self.found.push(SecretUse {
                        name,
                        how: How::SubPath,
                    });
                }
                if mounts.whole || !mounts.part {
                    self.found.push(SecretUse { name, how: How::Volume });
                }
            }
        }
        self.found
            .sort_by(|a, b| (&a.name, a.how as u8).cmp(&(&b.name, b.how as u8)));
        self.found.dedup();
        self.found
    }

    fn of(self, kind: Kind, meta: Meta) -> Consumer {
        Consumer {
            kind,
            meta,
            uses: self.finish(),
            started: None,
            ended: false,
            program: None,
        }
    }
}
