//! The messages of the built-in kinds, with only the fields that are read. The numbers are those of the generated.proto
//! files of k8s.io/api and k8s.io/apimachinery.
//!
//! Texts have the type of bytes here: they are slices of the answer instead of copies, and the server does not check
//! that they are UTF-8.

pub(crate) mod pod;

use bytes::Bytes;
use prost::Message;

/// `runtime.Unknown`: the envelope of every answer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Unknown {
    #[prost(message, optional, tag = "1")]
    pub(crate) type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(crate) raw: Option<Bytes>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) content_encoding: Bytes,
}

/// `runtime.TypeMeta`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TypeMeta {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) kind: Bytes,
}

/// `metav1.ListMeta`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ListMeta {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) resource_version: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) continue_token: Bytes,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) remaining: Option<u64>,
}

/// `metav1.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) message: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) reason: Bytes,
    #[prost(message, optional, tag = "5")]
    pub(crate) details: Option<StatusDetails>,
    #[prost(int64, tag = "6")]
    pub(crate) code: i64,
}

/// `metav1.StatusDetails`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatusDetails {
    #[prost(int64, tag = "5")]
    pub(crate) retry_after_seconds: i64,
}

/// `metav1.ObjectMeta`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ObjectMeta {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) namespace: Bytes,
    #[prost(message, optional, tag = "8")]
    pub(crate) created: Option<Time>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) labels: Vec<Entry>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) annotations: Vec<Entry>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) owners: Vec<OwnerReference>,
}

/// `metav1.Time`. The zero time is an empty message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Time {
    #[prost(int64, optional, tag = "1")]
    pub(crate) seconds: Option<i64>,
}

/// An entry of a map, declared as a repeated message: entries that are not wanted need not be sorted, and no `Debug`
/// shows a value.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

impl std::fmt::Debug for Entry {
    /// Omits the value, which may be a private key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).finish_non_exhaustive()
    }
}

/// `metav1.OwnerReference`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OwnerReference {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) kind: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) name: Bytes,
    #[prost(bool, tag = "6")]
    pub(crate) controller: bool,
}

/// An object of which only the metadata is read. Every other object can be read as one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Object {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
}

/// The part of any object that says which manager owns which of its fields.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Managed {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ManagedMeta>,
}

/// `metav1.ObjectMeta` with managedFields, which are its longest part and are read of few objects only.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ManagedMeta {
    #[prost(message, repeated, tag = "17")]
    pub(crate) managers: Vec<ManagedFieldsEntry>,
}

/// `metav1.ManagedFieldsEntry`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ManagedFieldsEntry {
    #[prost(message, optional, tag = "4")]
    pub(crate) time: Option<Time>,
    #[prost(message, optional, tag = "7")]
    pub(crate) fields: Option<FieldsV1>,
}

/// `metav1.FieldsV1`, which is JSON even in protobuf.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FieldsV1 {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) raw: Bytes,
}

/// core/v1 Secret.
#[derive(Clone, PartialEq, Message)]
#[allow(clippy::struct_field_names)] // `type` is a keyword.
pub(crate) struct Secret {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) data: Vec<Entry>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) secret_type: Bytes,
}

/// core/v1 Service.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Service {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<ServiceSpec>,
}

/// core/v1 `ServiceSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ServiceSpec {
    #[prost(message, repeated, tag = "2")]
    pub(crate) selector: Vec<Entry>,
}

/// networking/v1 Ingress.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ingress {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<IngressSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<IngressStatus>,
}

/// networking/v1 `IngressSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressSpec {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(crate) default_backend: Option<Bytes>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) tls: Vec<IngressTls>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) rules: Vec<IngressRule>,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) class: Bytes,
}

/// networking/v1 `IngressTLS`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressTls {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) hosts: Vec<Bytes>,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) secret: Bytes,
}

/// networking/v1 `IngressRule`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressRule {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) host: Bytes,
}

/// networking/v1 `IngressStatus`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressStatus {
    #[prost(message, optional, tag = "1")]
    pub(crate) load_balancer: Option<LoadBalancerStatus>,
}

/// networking/v1 `IngressLoadBalancerStatus`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadBalancerStatus {
    #[prost(message, repeated, tag = "1")]
    pub(crate) ingress: Vec<LoadBalancerIngress>,
}

/// networking/v1 `IngressLoadBalancerIngress`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadBalancerIngress {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) ip: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) hostname: Bytes,
}

/// networking/v1 `IngressClass`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressClass {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<IngressClassSpec>,
}

/// networking/v1 `IngressClassSpec`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IngressClassSpec {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) controller: Bytes,
}
