//! Pods, workloads and service accounts: the fields that name Secrets.

use bytes::Bytes;
use prost::Message;

use super::{ObjectMeta, Time};

/// core/v1 Pod.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pod {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PodStatus>,
}

/// core/v1 `PodTemplateSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PodTemplate {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PodSpec>,
}

/// apps/v1 Deployment, `StatefulSet` and `ReplicaSet`; core/v1 `ReplicationController`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Deployment {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<DeploymentSpec>,
}

/// The specs of these kinds.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeploymentSpec {
    #[prost(message, optional, tag = "3")]
    pub(crate) template: Option<PodTemplate>,
}

/// apps/v1 `DaemonSet`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DaemonSet {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<DaemonSetSpec>,
}

/// apps/v1 `DaemonSetSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DaemonSetSpec {
    #[prost(message, optional, tag = "2")]
    pub(crate) template: Option<PodTemplate>,
}

/// batch/v1 Job.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Job {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<JobSpec>,
}

/// batch/v1 `JobSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct JobSpec {
    #[prost(message, optional, tag = "6")]
    pub(crate) template: Option<PodTemplate>,
}

/// batch/v1 `CronJob`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CronJob {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<CronJobSpec>,
}

/// batch/v1 `CronJobSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CronJobSpec {
    #[prost(message, optional, tag = "5")]
    pub(crate) job_template: Option<JobTemplate>,
}

/// batch/v1 `JobTemplateSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct JobTemplate {
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<JobSpec>,
}

/// core/v1 `ServiceAccount`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ServiceAccount {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) secrets: Vec<ObjectReference>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) image_pull_secrets: Vec<LocalReference>,
}

/// core/v1 `ObjectReference`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ObjectReference {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) name: Bytes,
}

/// core/v1 `LocalObjectReference`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LocalReference {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
}

/// core/v1 `PodSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PodSpec {
    #[prost(message, repeated, tag = "1")]
    pub(crate) volumes: Vec<Volume>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) containers: Vec<Container>,
    #[prost(message, repeated, tag = "15")]
    pub(crate) image_pull_secrets: Vec<LocalReference>,
    #[prost(message, repeated, tag = "20")]
    pub(crate) init_containers: Vec<Container>,
    #[prost(message, repeated, tag = "34")]
    pub(crate) ephemeral_containers: Vec<EphemeralContainer>,
}

/// core/v1 Volume.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Volume {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) source: Option<VolumeSource>,
}

/// core/v1 `VolumeSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VolumeSource {
    #[prost(message, optional, tag = "6")]
    pub(crate) secret: Option<SecretVolume>,
    #[prost(message, optional, tag = "26")]
    pub(crate) projected: Option<ProjectedVolume>,
    #[prost(message, optional, tag = "28")]
    pub(crate) csi: Option<CsiVolume>,
}

/// core/v1 `SecretVolumeSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SecretVolume {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
}

/// core/v1 `ProjectedVolumeSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProjectedVolume {
    #[prost(message, repeated, tag = "1")]
    pub(crate) sources: Vec<VolumeProjection>,
}

/// core/v1 `VolumeProjection`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VolumeProjection {
    #[prost(message, optional, tag = "1")]
    pub(crate) secret: Option<Reference>,
}

/// core/v1 `CSIVolumeSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CsiVolume {
    #[prost(message, optional, tag = "5")]
    pub(crate) node_publish_secret: Option<LocalReference>,
}

/// core/v1 Container.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Container {
    #[prost(message, repeated, tag = "7")]
    pub(crate) env: Vec<EnvVar>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) mounts: Vec<VolumeMount>,
    #[prost(message, repeated, tag = "19")]
    pub(crate) env_from: Vec<EnvFrom>,
}

/// core/v1 `EphemeralContainer`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EphemeralContainer {
    #[prost(message, optional, tag = "1")]
    pub(crate) common: Option<Container>,
}

/// core/v1 `EnvVar`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EnvVar {
    #[prost(message, optional, tag = "3")]
    pub(crate) source: Option<EnvVarSource>,
}

/// core/v1 `EnvVarSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EnvVarSource {
    #[prost(message, optional, tag = "4")]
    pub(crate) secret: Option<Reference>,
}

/// core/v1 `EnvFromSource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EnvFrom {
    #[prost(message, optional, tag = "3")]
    pub(crate) secret: Option<Reference>,
}

/// core/v1 `SecretKeySelector`, `SecretEnvSource` and `SecretProjection`, which all begin with a `LocalObjectReference`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Reference {
    #[prost(message, optional, tag = "1")]
    pub(crate) of: Option<LocalReference>,
}

/// core/v1 `VolumeMount`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VolumeMount {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) volume: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) sub_path: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pub(crate) sub_path_expr: Bytes,
}

/// core/v1 `PodStatus`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PodStatus {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) phase: Bytes,
    #[prost(message, repeated, tag = "8")]
    pub(crate) containers: Vec<ContainerStatus>,
}

/// core/v1 `ContainerStatus`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ContainerStatus {
    #[prost(message, optional, tag = "2")]
    pub(crate) state: Option<ContainerState>,
}

/// core/v1 `ContainerState`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ContainerState {
    #[prost(message, optional, tag = "2")]
    pub(crate) running: Option<Running>,
}

/// core/v1 `ContainerStateRunning`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Running {
    #[prost(message, optional, tag = "1")]
    pub(crate) started: Option<Time>,
}
