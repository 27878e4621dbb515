//! cert-manager's Certificate, `CertificateRequest`, issuers, Order and Challenge.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    lenient::{List, Moment, name, some},
    meta::Meta,
};
use crate::object::{Text, annotation, certmanager as view, told};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Condition {
    #[serde(rename = "type")]
    kind: Option<Text>,
    status: Option<Text>,
    reason: Option<Text>,
    message: Option<Text>,
    last_transition_time: Moment,
}

impl From<Condition> for view::Condition {
    fn from(condition: Condition) -> Self {
        Self {
            kind: condition.kind.unwrap_or_default(),
            status: condition.status.unwrap_or_default(),
            reason: name(condition.reason).unwrap_or_default(),
            message: told(&condition.message.unwrap_or_default()),
            since: condition.last_transition_time.0,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct IssuerRef {
    kind: Option<Text>,
    group: Option<Text>,
    name: Option<Text>,
}

impl From<Option<IssuerRef>> for view::IssuerRef {
    fn from(issuer: Option<IssuerRef>) -> Self {
        let issuer = issuer.unwrap_or_default();
        Self {
            kind: some(issuer.kind).unwrap_or_else(|| Text::const_new("Issuer")),
            group: issuer.group.unwrap_or_default(),
            name: name(issuer.name).unwrap_or_default(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Certificate {
    metadata: Option<Meta>,
    spec: Option<CertificateSpec>,
    status: Option<CertificateStatus>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct CertificateSpec {
    secret_name: Option<Text>,
    dns_names: List<Text>,
    issuer_ref: Option<IssuerRef>,
    secret_template: Option<SecretTemplate>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct SecretTemplate {
    annotations: Option<BTreeMap<Text, Option<Text>>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct CertificateStatus {
    conditions: List<Condition>,
    renewal_time: Moment,
    failed_issuance_attempts: Option<u32>,
    last_failure_time: Moment,
}

impl From<Certificate> for view::Certificate {
    fn from(certificate: Certificate) -> Self {
        let spec = certificate.spec.unwrap_or_default();
        let template = spec.secret_template.and_then(|template| template.annotations);
        let mut annotations = template.unwrap_or_default().into_iter();
        let status = certificate.status.unwrap_or_default();
        Self {
            meta: certificate.metadata.into(),
            secret: name(spec.secret_name).unwrap_or_default(),
            dns_names: spec.dns_names.0,
            issuer: spec.issuer_ref.into(),
            conditions: status.conditions.map(Into::into),
            renewal_time: status.renewal_time.0,
            failed_attempts: status.failed_issuance_attempts.unwrap_or_default(),
            last_failure: status.last_failure_time.0,
            copied: annotations.any(|(key, value)| annotation::is_copied(&key, value.as_deref().unwrap_or_default())),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Conditions {
    conditions: List<Condition>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Request {
    metadata: Option<Meta>,
    spec: Option<RequestSpec>,
    status: Option<Conditions>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct RequestSpec {
    issuer_ref: Option<IssuerRef>,
}

impl From<Request> for view::CertificateRequest {
    fn from(request: Request) -> Self {
        Self {
            meta: request.metadata.into(),
            issuer: request.spec.and_then(|s| s.issuer_ref).into(),
            conditions: request.status.unwrap_or_default().conditions.map(Into::into),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Issuer {
    metadata: Option<Meta>,
    spec: Option<IssuerSpec>,
    status: Option<Conditions>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct IssuerSpec {
    acme: Option<Acme>,
    ca: Option<CaIssuer>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct CaIssuer {
    secret_name: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Acme {
    server: Option<Text>,
}

impl Issuer {
    /// The view of an Issuer or, with `cluster`, of a `ClusterIssuer`.
    pub(super) fn into_view(self, cluster: bool) -> view::Issuer {
        let spec = self.spec.unwrap_or_default();
        view::Issuer {
            meta: self.metadata.into(),
            cluster,
            acme_server: spec.acme.and_then(|a| some(a.server)),
            ca_secret: spec.ca.and_then(|ca| some(ca.secret_name)),
            conditions: self.status.unwrap_or_default().conditions.map(Into::into),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Order {
    metadata: Option<Meta>,
    spec: Option<OrderSpec>,
    status: Option<OrderStatus>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct OrderSpec {
    dns_names: List<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct OrderStatus {
    state: Option<Text>,
    reason: Option<Text>,
    failure_time: Moment,
}

impl From<Order> for view::Order {
    fn from(order: Order) -> Self {
        let status = order.status.unwrap_or_default();
        Self {
            meta: order.metadata.into(),
            dns_names: order.spec.unwrap_or_default().dns_names.0,
            state: name(status.state).unwrap_or_default(),
            reason: told(&status.reason.unwrap_or_default()),
            failed_at: status.failure_time.0,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Challenge {
    metadata: Option<Meta>,
    spec: Option<ChallengeSpec>,
    status: Option<ChallengeStatus>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct ChallengeSpec {
    dns_name: Option<Text>,
    #[serde(rename = "type")]
    kind: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct ChallengeStatus {
    state: Option<Text>,
    reason: Option<Text>,
    presented: Option<bool>,
}

impl From<Challenge> for view::Challenge {
    fn from(challenge: Challenge) -> Self {
        let spec = challenge.spec.unwrap_or_default();
        let status = challenge.status.unwrap_or_default();
        Self {
            meta: challenge.metadata.into(),
            dns_name: name(spec.dns_name).unwrap_or_default(),
            challenge_type: name(spec.kind).unwrap_or_default(),
            state: status.state.unwrap_or_default(),
            reason: told(&status.reason.unwrap_or_default()),
            presented: status.presented.unwrap_or_default(),
        }
    }
}
