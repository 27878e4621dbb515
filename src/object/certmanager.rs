//! cert-manager's kinds: what they say about a Secret's certificate.

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
    /// Its message: the server's words.
    pub message: Told,
    /// lastTransitionTime.
    pub since: Option<Seconds>,
}

/// What is read of a Certificate.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// Its metadata.
    pub meta: Meta,
    /// spec.secretName.
    pub secret: Text,
    /// spec.dnsNames.
    pub dns_names: Vec<Text>,
    /// spec.issuerRef: kind (`Issuer` unless said otherwise) and name.
    pub issuer: IssuerRef,
    /// status.conditions.
    pub conditions: Vec<Condition>,
    /// status.renewalTime.
    pub renewal_time: Option<Seconds>,
    /// status.failedIssuanceAttempts.
    pub failed_attempts: u32,
    /// status.lastFailureTime.
    pub last_failure: Option<Seconds>,
    /// Whether its Secret is to be copied into other namespaces, by the annotations of spec.secretTemplate.
    pub copied: bool,
}

/// To which issuer a Certificate or request belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerRef {
    /// `Issuer`, `ClusterIssuer`, or a kind of another group.
    pub kind: Text,
    /// The API group; empty means cert-manager.io.
    pub group: Text,
    /// The name.
    pub name: Text,
}

/// What is read of a `CertificateRequest`.
#[derive(Debug, Clone, Default)]
pub struct CertificateRequest {
    /// Its metadata; its owner is the Certificate.
    pub meta: Meta,
    /// Its issuer.
    pub issuer: IssuerRef,
    /// status.conditions.
    pub conditions: Vec<Condition>,
}

/// What is read of an Issuer or `ClusterIssuer`.
#[derive(Debug, Clone, Default)]
pub struct Issuer {
    /// Its metadata.
    pub meta: Meta,
    /// Whether it is a `ClusterIssuer`.
    pub cluster: bool,
    /// spec.acme.server, where it is an ACME issuer.
    pub acme_server: Option<Text>,
    /// spec.ca.secretName: the Secret that holds the issuer's own key.
    pub ca_secret: Option<Text>,
    /// status.conditions.
    pub conditions: Vec<Condition>,
}

/// What is read of an Order.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Its metadata; its owner is the `CertificateRequest`.
    pub meta: Meta,
    /// spec.dnsNames.
    pub dns_names: Vec<Text>,
    /// status.state: pending, ready, processing, valid, invalid, expired, errored; empty before the first.
    pub state: Text,
    /// status.reason: the server's words.
    pub reason: Told,
    /// status.failureTime.
    pub failed_at: Option<Seconds>,
}

/// What is read of a Challenge.
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
    /// status.reason: why it waits or failed.
    pub reason: Told,
    /// status.presented.
    pub presented: bool,
}
