//! One item of the `StatusList`: the schema that JSON, YAML and `JSONPath` share (docs/reference/schema.json).

use serde::{Serialize, Serializer};

use super::{
    apart::{KindItem, LeftOut, SinceItem},
    output::Context,
    rows::Rows,
};
use crate::{
    check::{
        Finding,
        row::{Answer, Evidence, Row},
        words,
    },
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
    "evidence",
    "served",
    "notBefore",
    "notAfter",
    "issuer",
    "serial",
    "sha256",
    "names",
    "keyAlgorithm",
    "findings",
    "ignored",
];

/// The whole document. Its items are made one at a time, while it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusList<'r, 'a> {
    api_version: &'static str,
    kind: &'static str,
    evaluated_at: String,
    #[serde(skip_serializing_if = "LeftOut::is_nothing")]
    not_chosen: LeftOut,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<KindItem<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<SinceItem<'r>>,
    #[serde(serialize_with = "items")]
    items: (&'r Rows<'a>, Seconds),
}

impl<'r, 'a> StatusList<'r, 'a> {
    /// The list of `rows`.
    pub(crate) fn new(rows: &'r Rows<'a>, context: &'r Context<'_>) -> Self {
        Self {
            api_version: API_VERSION,
            kind: KIND,
            evaluated_at: date_time(context.now),
            not_chosen: context.apart.left_out,
            not_judged: context.apart.kinds(),
            since: context.apart.since_item(),
            items: (rows, context.now),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served: Option<Served>,
    #[serde(flatten)]
    leaf: Option<Leaf<'a>>,
    findings: Vec<FindingItem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<FindingItem<'a>>,
}

#[derive(Serialize)]
struct Route<'a> {
    kind: &'static str,
    name: &'a str,
    listener: Option<&'a str>,
}

/// What was served, beside what is stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    compared: &'static str,
    addresses: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
}

impl From<Answer> for Served {
    fn from(answer: Answer) -> Self {
        Self {
            compared: answer.compared.as_str(),
            addresses: answer.addresses,
            sha256: answer.leaf.map(|(sha256, _)| sha256.to_string()),
            not_after: answer.leaf.map(|(_, not_after)| date_time(not_after)),
        }
    }
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
struct FindingItem<'a> {
    reason: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName<'a>>,
    message: String,
    remedy: String,
    commands: Vec<String>,
}

impl<'a> Item<'a> {
    /// The item of `row`; `now` is the moment that its messages speak of.
    pub(crate) fn new(row: &Row<'a>, now: Seconds) -> Self {
        let told = |findings: &'a [Finding]| -> Vec<FindingItem<'a>> {
            let item = |f: &'a Finding| {
                let remedy = words::remedy(f, row);
                FindingItem {
                    reason: f.reason().as_str(),
                    severity: f.severity.as_str(),
                    secret: f.beside.as_ref().map(|beside| SecretName {
                        namespace: &beside.secret.namespace,
                        name: &beside.secret.name,
                    }),
                    message: words::message(f, row, now),
                    remedy: remedy.text,
                    commands: remedy.commands,
                }
            };
            findings.iter().map(item).collect()
        };
        Self {
            context: row.context,
            namespace: row.namespace,
            route: row.route.map(|r| Route {
                kind: r.kind.as_str(),
                name: r.name,
                listener: r.listener,
            }),
            host: row.host.map(host),
            secrets: secrets(row),
            status: row.status.as_str(),
            evidence: row.evidence.map(Evidence::as_str),
            served: row.answer.map(Served::from),
            leaf: row.certificate.map(|c| Leaf {
                not_before: date_time(c.not_before),
                not_after: date_time(c.not_after),
                issuer: &c.issuer.full,
                serial: c.serial.to_string(),
                sha256: c.sha256.to_string(),
                names: c.names.iter().map(ToString::to_string).collect(),
                key_algorithm: c.key.to_string(),
            }),
            findings: told(row.findings),
            ignored: told(row.ignored),
        }
    }
}

/// The Secrets of a row, the one that is expected to be served first where it is among them.
fn secrets<'a>(row: &Row<'a>) -> Vec<SecretName<'a>> {
    let served = row.served.filter(|served| row.secrets.contains(served));
    let others = row.secrets.iter().filter(|key| Some(*key) != served);
    let all = served.into_iter().chain(others);
    all.map(|Key { namespace, name }| SecretName { namespace, name })
        .collect()
}

/// The host as reports show it: a rule for every host is `*`.
pub(crate) fn host(host: &str) -> &str {
    if host.is_empty() { "*" } else { host }
}
