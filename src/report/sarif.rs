//! `-o sarif`: SARIF 2.1.0, one result a finding, for code scanning.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use super::{
    apart::{self, SECRETS_LEFT_OUT},
    explain, item, json,
    output::Context,
    place::{self, ManifestPosition},
    rows::Rows,
};
use crate::{
    check::{Finding, Reason, Severity, row::Row, words},
    x509::Fingerprint,
};

/// So many results of a run are taken by GitHub's code scanning ("SARIF support for code scanning", limits); more, and it refuses the
/// file. The worst come first.
const MOST_RESULTS: usize = 25_000;

/// Writes a SARIF log, one result at a time.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "kubectl-certs",
                    version: env!("CARGO_PKG_VERSION"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: Reason::ALL.iter().copied().map(Rule::new).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            automation_details: Automation { id: "kubectl-certs/" },
            invocations: [Invocation::of(rows, context)],
            results: (rows, context),
        }],
    };
    json::pretty(&log, out)
}

#[derive(Serialize)]
struct Log<'r, 'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r, 'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r, 'a> {
    tool: Tool,
    column_kind: &'static str,
    automation_details: Automation,
    invocations: [Invocation; 1],
    #[serde(serialize_with = "results")]
    results: (&'r Rows<'a>, &'r Context<'r>),
}

/// Which analysis it is: results of other tools on the same files are others' (the category of code scanning).
#[derive(Serialize)]
struct Automation {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

impl Invocation {
    /// Says what was left out, and what the log is not about.
    fn of(rows: &Rows<'_>, context: &Context<'_>) -> Self {
        let all: usize = rows.iter().map(|row| row.findings.len()).sum();
        let left_out = (all > MOST_RESULTS).then(|| Notification {
            level: "warning",
            message: Text {
                text: format!(
                    "{} of {all} findings are left out: a run holds at most {MOST_RESULTS}.",
                    all - MOST_RESULTS
                ),
            },
        });
        let note = |text: String| Notification {
            level: "warning",
            message: Text { text },
        };
        let not_chosen = context.apart.left_out;
        let not_chosen = (!not_chosen.is_nothing()).then(|| {
            note(format!(
                "not chosen: {} rows and {} other findings.",
                not_chosen.items, not_chosen.findings
            ))
        });
        let not_judged = apart::not_judged(context.apart.not_judged, context.apart.secrets_read()).map(note);
        let secrets = context
            .apart
            .secrets_left_out
            .then(|| note(format!("{SECRETS_LEFT_OUT}.")));
        Self {
            execution_successful: true,
            tool_execution_notifications: left_out
                .into_iter()
                .chain(not_chosen)
                .chain(not_judged)
                .chain(secrets)
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text,
    full_description: Text,
    help: Help,
    default_configuration: Configuration,
    properties: Properties,
}

/// What code scanning filters by.
#[derive(Serialize)]
struct Properties {
    tags: [&'static str; 2],
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    severity: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

impl Rule {
    fn new(reason: Reason) -> Self {
        Self {
            id: reason.as_str(),
            name: reason.as_str(),
            short_description: Text {
                text: explain::meaning(reason),
            },
            full_description: Text {
                text: explain::first_paragraph(reason),
            },
            help: Help {
                text: explain::explain(reason, false, None),
                markdown: reason.page(),
            },
            default_configuration: Configuration {
                level: level(reason.severity()),
            },
            properties: Properties {
                tags: ["certificates", reason.group()],
                precision: "high",
                severity: match reason.severity() {
                    Severity::Critical => "error",
                    Severity::Warning => "warning",
                    Severity::Info => "recommendation",
                },
            },
        }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
    locations: [Location<'a>; 1],
    partial_fingerprints: Fingerprints,
}

/// By what code scanning knows a result again although its lines have moved.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Physical,
    logical_locations: [Logical<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    name: &'a str,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

impl Physical {
    /// Where the manifest is. Code scanning refuses a whole file for one result without a file and a line, so that what
    /// is in no manifest has a path of its own, that of the object: `cluster/prod/shop/Ingress/web`.
    fn of(place: Option<ManifestPosition>, row: &Row<'_>, kind: &str, name: &str) -> Self {
        let (file, line) = if let Some(place) = place {
            (place.file, place.line)
        } else {
            let parts = ["cluster", row.context, row.namespace, kind, name];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            (parts.join("/"), None)
        };
        let line = line.filter(|line| *line > 0).unwrap_or(1);
        Self {
            artifact_location: Artifact {
                uri: crate::text::encoded_path(&file).into_owned(),
            },
            region: Region {
                start_line: line,
                start_column: 1,
                end_line: line,
                end_column: 2,
            },
        }
    }
}

fn results<S: Serializer>((rows, context): &(&Rows<'_>, &Context<'_>), serializer: S) -> Result<S::Ok, S::Error> {
    // Several of one reason in one place are told apart by their number.
    let mut seen: HashMap<String, usize> = HashMap::new();
    let all = rows
        .iter()
        .flat_map(|row| row.findings.iter().map(move |finding| (row, finding)));
    serializer.collect_seq(
        all.take(MOST_RESULTS)
            .map(|(row, finding)| result(finding, &row, context, &mut seen)),
    )
}

fn result<'a>(
    finding: &Finding,
    row: &Row<'a>,
    context: &Context<'_>,
    seen: &mut HashMap<String, usize>,
) -> SarifResult<'a> {
    let (kind, name) = match row.unread() {
        Some(list) => (list.kind, list.kind.plural()),
        None => row.subject(),
    };
    let place = place::of_finding(finding, row, context.place);
    let qualified = qualified(row, kind.as_str(), name);
    let message = words::message(finding, row, context.now);
    let partial_fingerprints = Fingerprints {
        primary_location_line_hash: fingerprint(finding, row, &qualified, seen),
    };
    SarifResult {
        rule_id: finding.reason().as_str(),
        rule_index: Reason::ALL.iter().position(|r| *r == finding.reason()),
        level: level(finding.severity),
        message: Text {
            text: format!("{message} {}", words::remedy(finding, row).text),
        },
        locations: [Location {
            physical_location: Physical::of(place, row, kind.as_str(), name),
            logical_locations: [Logical {
                name,
                fully_qualified_name: qualified,
                kind: "resource",
            }],
        }],
        partial_fingerprints,
    }
}

/// The same for the same reason at the same host of the same object and Secret: 16 hexadecimal digits and a number, as GitHub's own.
fn fingerprint(finding: &Finding, row: &Row<'_>, qualified: &str, seen: &mut HashMap<String, usize>) -> String {
    // Not the one that is served: what a neighbour stores must not make another finding of it.
    let secret = finding.secret().or_else(|| row.secrets.first());
    let secret = secret.map(ToString::to_string).unwrap_or_default();
    let all = format!("{}\n{qualified}\n{secret}", finding.reason());
    let mut digits = Fingerprint::of(all.as_bytes()).to_string();
    digits.truncate(16);
    let count = seen.entry(digits.clone()).or_default();
    *count += 1;
    format!("{digits}:{count}")
}

/// `[context/]namespace/Kind/name[/listener][/host]`.
fn qualified(row: &Row<'_>, kind: &str, name: &str) -> String {
    let mut parts = vec![row.namespace, kind, name];
    if !row.context.is_empty() {
        parts.insert(0, row.context);
    }
    parts.extend(row.route.and_then(|r| r.listener));
    parts.extend(row.host.map(item::host));
    parts.join("/")
}
