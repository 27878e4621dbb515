//! One item of the `StatusList`: the schema that JSON, YAML and `JSONPath` share (docs/reference/schema.json).

use serde::{Serialize, Serializer};

use super::{row::Row, rows::Rows, words};
use crate::{
    object::{Key, Seconds},
    text::date_time,
};

/// The schema's apiVersion.
pub const API_VERSION: &str = "kubectl-certs/v1";
/// The schema's kind.
pub const KIND: &str = "StatusList";
/// The fields that an item may have, in their order.
pub const FIELDS: &[&str] = &[
    "context",
    "namespace",
    "route",
    "host",
    "secrets",
    "status",
    "notBefore",
    "notAfter",
    "issuer",
    "serial",
    "sha256",
    "names",
    "keyAlgorithm",
    "findings",
];

/// The whole document. Its items are made one at a time, while it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusList<'r, 'a> {
    api_version: &'static str,
    kind: &'static str,
    evaluated_at: String,
    #[serde(serialize_with = "items")]
    items: (&'r Rows<'a>, Seconds),
}

impl<'r, 'a> StatusList<'r, 'a> {
    /// The list of `rows`, judged at `now`.
    pub(crate) fn new(rows: &'r Rows<'a>, now: Seconds) -> Self {
        Self {
            api_version: API_VERSION,
            kind: KIND,
            evaluated_at: date_time(now),
            items: (rows, now),
        }
    }
}

fn items<S: Serializer>((rows, now): &(&Rows<'_>, Seconds), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| Item::new(&row, *now)))
}

/// One binding, or one Secret that no route uses. What is not known has no key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    context: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Route<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    secrets: Vec<SecretName<'a>>,
    status: &'static str,
    #[serde(flatten)]
    leaf: Option<Leaf<'a>>,
    findings: Vec<FindingItem>,
}

#[derive(Serialize)]
struct Route<'a> {
    kind: &'static str,
    name: &'a str,
    listener: Option<&'a str>,
}

#[derive(Serialize)]
struct SecretName<'a> {
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Leaf<'a> {
    not_before: String,
    not_after: String,
    issuer: &'a str,
    serial: String,
    sha256: String,
    names: Vec<String>,
    key_algorithm: String,
}

#[derive(Serialize)]
struct FindingItem {
    reason: &'static str,
    severity: &'static str,
    message: String,
    remedy: String,
}

impl<'a> Item<'a> {
    /// The item of `row`; `now` is the moment that its messages speak of.
    pub(crate) fn new(row: &Row<'a>, now: Seconds) -> Self {
        Self {
            context: row.context,
            namespace: row.namespace,
            route: row.route.map(|r| Route {
                kind: r.kind.as_str(),
                name: r.name,
                listener: r.listener,
            }),
            host: row.host.map(host),
            secrets: row
                .secrets
                .iter()
                .map(|Key { namespace, name }| SecretName { namespace, name })
                .collect(),
            status: row.status.as_str(),
            leaf: row.certificate.map(|c| Leaf {
                not_before: date_time(c.not_before),
                not_after: date_time(c.not_after),
                issuer: &c.issuer.full,
                serial: c.serial.to_string(),
                sha256: c.sha256.to_string(),
                names: c.names.iter().map(ToString::to_string).collect(),
                key_algorithm: c.key.to_string(),
            }),
            findings: row
                .findings
                .iter()
                .map(|f| FindingItem {
                    reason: f.reason().as_str(),
                    severity: f.severity.as_str(),
                    message: words::message(f, row, now),
                    remedy: words::remedy(f, row),
                })
                .collect(),
        }
    }
}

/// The host as reports show it: a rule for every host is `*`.
pub(crate) fn host(host: &str) -> &str {
    if host.is_empty() { "*" } else { host }
}
