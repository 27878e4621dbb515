//! `-o sarif`: SARIF 2.1.0, one result a finding, for code scanning.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use super::{explain, item, json, output::Context, row::Row, rows::Rows, words};
use crate::check::{Finding, Reason, Severity};

/// Where an object stands in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as a relative URI or path.
    pub file: String,
    /// The first line of the object, from 1; `None` when it is not known.
    pub line: Option<usize>,
}

/// Tells where the object of a row stands in a manifest, where that is known.
pub type Places<'a> = &'a dyn Fn(&Row<'_>) -> Option<Place>;

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
                    rules: Reason::ALL.iter().copied().map(Rule::new).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
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
    #[serde(serialize_with = "results")]
    results: (&'r Rows<'a>, &'r Context<'r>),
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    help: Help,
    default_configuration: Configuration,
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
            short_description: Text {
                text: explain::first_paragraph(reason),
            },
            help: Help {
                text: explain::explain(reason, false),
                markdown: reason.page(),
            },
            default_configuration: Configuration {
                level: level(reason.severity()),
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
struct Outcome<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
    locations: [Location<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

fn results<S: Serializer>((rows, context): &(&Rows<'_>, &Context<'_>), serializer: S) -> Result<S::Ok, S::Error> {
    let each = |row| move |finding| result(finding, &row, context);
    serializer.collect_seq(rows.iter().flat_map(|row| row.findings.iter().map(each(row))))
}

fn result<'a>(finding: &Finding, row: &Row<'a>, context: &Context<'_>) -> Outcome<'a> {
    let (kind, name) = row.subject();
    let place = context.place.and_then(|place| place(row));
    let message = words::message(finding, row, context.now);
    Outcome {
        rule_id: finding.reason().as_str(),
        rule_index: Reason::ALL.iter().position(|r| *r == finding.reason()),
        level: level(finding.severity),
        message: Text {
            text: format!("{message} {}", words::remedy(finding, row)),
        },
        locations: [Location {
            physical_location: place.map(|place| Physical {
                artifact_location: Artifact { uri: uri(&place.file) },
                region: place.line.filter(|l| *l > 0).map(|start_line| Region { start_line }),
            }),
            logical_locations: [Logical {
                name,
                fully_qualified_name: qualified(row, kind.as_str(), name),
                kind: "resource",
            }],
        }],
    }
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

/// A path as a URI reference (RFC 3986): what it does not allow is percent-encoded, and no first segment looks like a
/// scheme.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
