//! `-o junit`: one test suite a namespace, one test case a binding.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{
    item,
    output::Context,
    place,
    row::{Row, Status},
    rows::Rows,
    words,
};
use crate::{object::Seconds, text::clear};

/// Writes a `JUnit` report: critical and warning are failures, what could not be read is an error, the rest passes.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<(&str, &str), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows.iter() {
        suites.entry((row.context, row.namespace)).or_default().push(row);
    }
    let mut report = Report::new("kubectl certs");
    if let Some(elapsed) = context.elapsed {
        report.set_time(elapsed);
    }
    for ((cluster, namespace), rows) in suites {
        let name = if context.show_context && !cluster.is_empty() {
            format!("{cluster}/{namespace}")
        } else {
            namespace.to_owned()
        };
        let name = xml(&name);
        let mut suite = TestSuite::new(&name);
        suite.add_test_cases(rows.iter().map(|row| case(row, &name, context)));
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    out.write_all(if text.ends_with('\n') { b"" } else { b"\n" })?;
    out.flush()
}

fn case(row: &Row<'_>, suite: &str, context: &Context<'_>) -> TestCase {
    let mut status = match row.status {
        Status::Healthy | Status::Info => TestCaseStatus::success(),
        Status::Warning | Status::Critical => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let body = body(row, context.now);
    if let Some(worst) = row.findings.first() {
        let mut reasons: Vec<&str> = row.findings.iter().map(|f| f.reason().as_str()).collect();
        reasons.dedup();
        status
            .set_type(worst.reason().as_str())
            .set_message(reasons.join(", "))
            .set_description(&body);
    }
    let informs = row.status == Status::Info;
    let mut case = TestCase::new(name(row), status);
    case.set_classname(suite);
    if let Some(place) = place::of_row(row, context.place) {
        case.extra.insert("file".into(), xml(&place.file).into());
        if let Some(line) = place.line {
            case.extra.insert("line".into(), line.to_string().into());
        }
    }
    let mut out = if informs { body } else { String::new() };
    for finding in row.ignored {
        let line = if out.is_empty() { "" } else { "\n" };
        let message = xml(&words::message(finding, row, context.now));
        let _ = write!(out, "{line}excused {}: {message}", finding.reason());
    }
    if !out.is_empty() {
        case.set_system_out(out);
    }
    case
}

/// `shop.example (ingress/web)`: unique among the bindings of a namespace.
fn name(row: &Row<'_>) -> String {
    if let Some(right) = row.unread_right() {
        return right;
    }
    let (kind, name) = row.subject();
    let mut object = format!("{}/{name}", kind.as_str().to_ascii_lowercase());
    if let Some(listener) = row.route.and_then(|r| r.listener) {
        object.push(':');
        object.push_str(listener);
    }
    xml(&match row.host {
        Some(host) => format!("{} ({object})", item::host(host)),
        None => object,
    })
}

/// Each finding's message, and its remedy on the next line.
fn body(row: &Row<'_>, now: Seconds) -> String {
    let mut out = String::new();
    for finding in row.findings {
        let _ = writeln!(
            out,
            "{} {}: {}\n  {}",
            finding.severity.as_str(),
            finding.reason(),
            xml(&words::message(finding, row, now)),
            xml(&words::remedy(finding, row).text),
        );
    }
    out.truncate(out.trim_end().len());
    out
}

/// A text without what XML 1.0 does not allow (section 2.2) or a terminal would act upon.
fn xml(text: &str) -> String {
    clear(text)
        .replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}
