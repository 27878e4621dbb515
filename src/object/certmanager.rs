//! cert-manager's kinds: what they say about the certificate of a Secret.

use super::{Meta, Seconds, Text, Told};

/// One condition of a status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Its type, such as `Ready`.
    pub kind: Text,
    /// "True", "False" or "Unknown".
    pub status: Text,
    /// Its reason.
    pub reason: Text,
    /// Its message, in the server's words.
    pub message: Told,
    /// lastTransitionTime.
    pub since: Option<Seconds>,
}

/// The fields of a Certificate that are read.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// Its metadata.
    pub meta: Meta,
    /// spec.secretName.
    pub secret: Text,
    /// spec.dnsNames.
    pub dns_names: Vec<Text>,
    /// spec.issuerRef: the kind (by default `Issuer`) and name.
    pub issuer: IssuerRef,
    /// status.conditions.
    pub conditions: Vec<Condition>,
    /// status.renewalTime.
    pub renewal_time: Option<Seconds>,
    /// status.failedIssuanceAttempts.
    pub failed_attempts: u32,
    /// status.lastFailureTime.
    pub last_failure: Option<Seconds>,
    /// Whether the annotations of spec.secretTemplate make a tool copy the Secret into other namespaces.
    pub copied: bool,
}

/// The issuer that a Certificate or request refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerRef {
    /// `Issuer`, `ClusterIssuer`, or a kind of another API group.
    pub kind: Text,
    /// The API group; empty means cert-manager.io.
    pub group: Text,
    /// The name.
    pub name: Text,
}

/// The fields of a `CertificateRequest` that are read.
#[derive(Debug, Clone, Default)]
pub struct CertificateRequest {
    /// Its metadata; its owner is the Certificate.
    pub meta: Meta,
    /// Its issuer.
    pub issuer: IssuerRef,
    /// status.conditions.
    pub conditions: Vec<Condition>,
}

/// The fields of an Issuer or `ClusterIssuer` that are read.
#[derive(Debug, Clone, Default)]
pub struct Issuer {
    /// Its metadata.
    pub meta: Meta,
    /// Whether it is a `ClusterIssuer`.
    pub cluster: bool,
    /// spec.acme.server, for an ACME issuer.
    pub acme_server: Option<Text>,
    /// spec.ca.secretName: the Secret that holds the issuer's own key.
    pub ca_secret: Option<Text>,
    /// status.conditions.
    pub conditions: Vec<Condition>,
}

/// The fields of an Order that are read.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Its metadata; its owner is the `CertificateRequest`.
    pub meta: Meta,
    /// spec.dnsNames.
    pub dns_names: Vec<Text>,
    /// status.state: pending, ready, processing, valid, invalid, expired or errored; empty until it is first set.
    pub state: Text,
    /// status.reason, in the server's words.
    pub reason: Told,
    /// status.failureTime.
    pub failed_at: Option<Seconds>,
}

/// The fields of a Challenge that are read.
#[derive(Debug, Clone, Default)]
pub struct Challenge {
    /// Its metadata; its owner is the Order.
    pub meta: Meta,
    /// spec.dnsName.
    pub dns_name: Text,
    /// spec.type: HTTP-01 or DNS-01.
    pub challenge_type: Text,
    /// status.state.
    pub state: Text,
    /// status.reason: why the challenge is pending or has failed.
    pub reason: Told,
    /// status.presented.
    pub presented: bool,
}
