//! One item of the `StatusList`: the schema that JSON, YAML and `JSONPath` share (docs/reference/schema.json).

use serde::{Serialize, Serializer};

#[cfg(test)]
use super::schema;
use super::{
    apart::{KindItem, LeftOut, SinceItem},
    output::Context,
    rows::Rows,
};
#[cfg(test)]
use crate::object::doing::DoingState;
use crate::{
    check::{
        Finding,
        row::{Evidence, Row, ServedAnswer},
        words,
    },
    object::{
        Key, Seconds,
        doing::{DoingBy, Heard},
    },
    plan::doing::sentence,
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
    "controllers",
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

/// The output of `kubectl certs status -o json` and `-o yaml`, and of `kubectl certs show` (kind Show). Within kubectl-certs/v1, fields and reasons
/// may be added, and none is removed.
// Its items are made one at a time, while it is written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false)))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusList<'r, 'a> {
    #[cfg_attr(test, schemars(extend("const" = API_VERSION)))]
    api_version: &'static str,
    #[cfg_attr(test, schemars(extend("const" = KIND)))]
    kind: &'static str,
    /// The moment of all checks: now, or the date of --at.
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    evaluated_at: String,
    /// The rows and findings that --reason, --min-severity, --filter and --between left out; absent if there are none.
    #[serde(skip_serializing_if = "LeftOut::is_nothing")]
    not_chosen: LeftOut,
    /// Objects that carry certificates, of kinds that are not read; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<KindItem<'r>>,
    /// false: no Secret was read, by choice (--no-secrets), and the items say what is served. Absent otherwise.
    #[serde(skip_serializing_if = "Clone::clone")]
    secrets_read: bool,
    /// With --since: the report of the comparison. The items have only findings that are new.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<SinceItem<'r>>,
    #[serde(serialize_with = "items")]
    #[cfg_attr(test, schemars(with = "Vec<Item<'static>>"))]
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
            secrets_read: context.apart.secrets_read(),
            since: context.apart.since_item(),
            items: (rows, context.now),
        }
    }
}

fn items<S: Serializer>((rows, now): &(&Rows<'_>, Seconds), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| Item::new(&row, *now)))
}

/// One binding (a host of a route), or one Secret that no route uses.
// What is not known has no key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "item", extend("dependentRequired" = {"notAfter": schema::LEAF})))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    /// The kubeconfig context; absent for manifests.
    #[serde(skip_serializing_if = "str::is_empty")]
    context: &'a str,
    /// The namespace of the route, or of the Secret if there is no route.
    namespace: &'a str,
    /// Absent if the item is about a Secret only.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Route<'a>>,
    /// Absent if the findings belong to no host; * is every host.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(min = 1)))]
    host: Option<&'a str>,
    /// The Secrets named for the host, the one that is expected to be served first.
    secrets: Vec<SecretName<'a>>,
    /// The worst of all findings that are not excused, chosen or not; or unknown: it could not be read.
    #[cfg_attr(test, schemars(extend("enum" = schema::STATUSES)))]
    status: &'static str,
    /// The basis of the verdict. stored: the content of the named Secret; model: the known behaviour of the controller, if that Secret does not
    /// decide; served: the certificate that an address of the route has served (--probe, --confirm, --no-secrets). Absent if nothing could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["stored", "model", "served"])))]
    evidence: Option<&'static str>,
    /// The certificates that the addresses of the route have served (--probe, --confirm, --no-secrets), compared with the stored one. Absent without a
    /// probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    served: Option<Served>,
    /// What the controllers of the cluster do with the certificate, as they have stored it; absent where they do nothing now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    controllers: Vec<ControllerItem<'a>>,
    #[serde(flatten)]
    leaf: Option<Leaf<'a>>,
    /// Those that are chosen, worst first.
    findings: Vec<FindingItem<'a>>,
    /// Findings that --ignore or the annotation kubectl-certs/ignore excuses; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<FindingItem<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "route"))]
struct Route<'a> {
    #[cfg_attr(test, schemars(with = "schema::RouteKind"))]
    kind: &'static str,
    /// The route's name; its namespace is the item's.
    name: &'a str,
    /// The listener of a Gateway or ListenerSet.
    listener: Option<&'a str>,
}

/// What was served, beside what is stored.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
#[serde(rename_all = "camelCase")]
struct Served {
    /// stored: every address serves the stored certificate; another: one of them serves another certificate; partly: some serve the stored one
    /// and others nothing; nothing: none serves a certificate; not-compared: the stored certificate is not known or not read.
    #[cfg_attr(test, schemars(extend("enum" = ["stored", "another", "partly", "nothing", "not-compared"])))]
    compared: &'static str,
    /// The number of addresses that were probed.
    #[cfg_attr(test, schemars(range(min = 1)))]
    addresses: usize,
    /// SHA-256 of the leaf that the first of them serves; with --no-secrets, of the leaf of this item: the one that ends first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("pattern" = schema::SHA256)))]
    sha256: Option<String>,
    /// The last second of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::Time>"))]
    not_after: Option<String>,
}

impl From<ServedAnswer> for Served {
    fn from(answer: ServedAnswer) -> Self {
        Self {
            compared: answer.compared.as_str(),
            addresses: answer.addresses,
            sha256: answer.leaf.map(|(sha256, _)| sha256.to_string()),
            not_after: answer.leaf.map(|(_, not_after)| date_time(not_after)),
        }
    }
}

/// What one controller does with a certificate.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "controller"))]
#[serde(rename_all = "camelCase")]
struct ControllerItem<'a> {
    /// The namespace of the controller.
    namespace: &'a str,
    #[cfg_attr(test, schemars(extend("enum" = DoingState::ALL.map(DoingState::as_str))))]
    state: &'static str,
    /// Why it is wanted: new, changed or renewal. Of the state Held the rule.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    /// The whole as a sentence. For people: the wording may change.
    message: String,
    /// Since when it has failed, or is being ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::Time>"))]
    since: Option<String>,
    /// When it goes on by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::Time>"))]
    until: Option<String>,
    /// How many times it has failed in a row; absent for 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    /// Whether the controller runs: if not, this is what it said last. Absent if that may not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<bool>,
}

impl<'a> ControllerItem<'a> {
    fn of(one: &'a DoingBy, now: Seconds) -> Self {
        let doing = &one.doing;
        Self {
            namespace: &one.by.namespace,
            state: doing.state.as_str(),
            reason: &doing.reason,
            message: sentence(one, now),
            since: doing.since.map(date_time),
            until: doing.until.map(date_time),
            failures: Some(doing.failures).filter(|count| *count > 0),
            running: match one.heard {
                Heard::Running => Some(true),
                Heard::Gone { .. } => Some(false),
                Heard::Unknown => None,
            },
        }
    }
}

/// A Secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "secret"))]
pub(crate) struct SecretName<'a> {
    /// The Secret's namespace.
    pub(crate) namespace: &'a str,
    /// The Secret's name.
    pub(crate) name: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Leaf<'a> {
    /// The start of the leaf's validity. Absent, like the other fields of the leaf, if there is none.
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    not_before: String,
    /// The last second of the leaf's validity.
    #[cfg_attr(test, schemars(with = "schema::Time"))]
    not_after: String,
    /// The leaf's issuer, in the form of RFC 4514.
    issuer: &'a str,
    /// The leaf's serial number, in hexadecimal.
    serial: String,
    /// SHA-256 of the leaf's DER.
    #[cfg_attr(test, schemars(extend("pattern" = schema::SHA256)))]
    sha256: String,
    /// The leaf's dNSNames and iPAddresses.
    names: Vec<String>,
    /// The leaf's key: rsa-2048, ecdsa-p256, ed25519, ...
    key_algorithm: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "finding"))]
struct FindingItem<'a> {
    #[cfg_attr(test, schemars(with = "schema::ReasonName"))]
    reason: &'static str,
    /// critical: clients fail now; warning: clients will fail, or some do; info: worth knowing.
    #[cfg_attr(test, schemars(extend("enum" = ["critical", "warning", "info"])))]
    severity: &'static str,
    /// The Secret that the finding is about, where it is not the one that most clients of the host get.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName<'a>>,
    /// The defect, with its facts. For people: the wording may change.
    message: String,
    /// The next step, with its commands in backquotes. For people: the wording may change.
    remedy: String,
    /// The remedy's commands, each one line for a shell. Parts that only the reader knows are in angle brackets: <KEY-FILE>.
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
            controllers: row.doings.iter().map(|one| ControllerItem::of(one, now)).collect(),
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
