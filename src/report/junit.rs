//! `-o junit`: one test suite a namespace, one test case a binding.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use super::{item, output::Context, place, rows::Rows};
use crate::{
    check::{
        row::{Row, Status},
        words,
    },
    object::Seconds,
    text::clear,
};

/// Writes a `JUnit` report: critical and warning are failures, what could not be read is an error, the rest passes. The elements and
/// attributes are those of the schema that Jenkins' `xUnit` plugin refuses all others by (`junit-10.xsd`), and `file` and `line` of a case,
/// which other readers show.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<(&str, &str), Vec<Row<'_>>> = BTreeMap::new();
    let mut all = Counts::default();
    for row in rows.iter() {
        all.count(&row);
        suites.entry((row.context, row.namespace)).or_default().push(row);
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    write!(
        out,
        r#"<testsuites name="kubectl certs" tests="{}" failures="{}" errors="{}""#,
        all.tests, all.failures, all.errors
    )?;
    if let Some(elapsed) = context.elapsed {
        write!(out, r#" time="{:.3}""#, elapsed.as_secs_f64())?;
    }
    writeln!(out, ">")?;
    for ((cluster, namespace), rows) in suites {
        let name = if context.show_context && !cluster.is_empty() {
            format!("{cluster}/{namespace}")
        } else {
            namespace.to_owned()
        };
        let name = quoted(&name);
        let mut counts = Counts::default();
        for row in &rows {
            counts.count(row);
        }
        writeln!(
            out,
            r#"    <testsuite name="{name}" tests="{}" skipped="0" errors="{}" failures="{}">"#,
            counts.tests, counts.errors, counts.failures
        )?;
        for row in &rows {
            case(row, &name, context, out)?;
        }
        writeln!(out, "    </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

/// How many cases there are, and how they ended.
#[derive(Debug, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
}

impl Counts {
    fn count(&mut self, row: &Row<'_>) {
        self.tests += 1;
        match row.status {
            Status::Healthy | Status::Info => {}
            Status::Warning | Status::Critical => self.failures += 1,
            Status::Unknown => self.errors += 1,
        }
    }
}

/// A case. `suite` can stand in an attribute.
fn case(row: &Row<'_>, suite: &str, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        r#"        <testcase name="{}" classname="{suite}""#,
        quoted(&name(row))
    )?;
    if let Some(place) = place::of_row(row, context.place) {
        write!(out, r#" file="{}""#, quoted(&place.file))?;
        if let Some(line) = place.line {
            write!(out, r#" line="{line}""#)?;
        }
    }
    writeln!(out, ">")?;
    let body = body(row, context.now);
    let element = match row.status {
        Status::Healthy | Status::Info => None,
        Status::Warning | Status::Critical => Some("failure"),
        Status::Unknown => Some("error"),
    };
    if let Some(element) = element {
        let mut reasons: Vec<&str> = row.findings.iter().map(|f| f.reason().as_str()).collect();
        reasons.dedup();
        write!(out, "            <{element}")?;
        if let Some(worst) = reasons.first() {
            write!(out, r#" message="{}" type="{worst}""#, reasons.join(", "))?;
        }
        writeln!(out, ">{}</{element}>", escaped(&body))?;
    }
    let mut told = if row.status == Status::Info {
        body
    } else {
        String::new()
    };
    for finding in row.ignored {
        let line = if told.is_empty() { "" } else { "\n" };
        let message = xml(&words::message(finding, row, context.now));
        let _ = write!(told, "{line}excused {}: {message}", finding.reason());
    }
    if !told.is_empty() {
        writeln!(out, "            <system-out>{}</system-out>", escaped(&told))?;
    }
    writeln!(out, "        </testcase>")
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
    match row.host {
        Some(host) => format!("{} ({object})", item::host(host)),
        None => object,
    }
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

/// Such a text between tags (section 2.4).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Any text in an attribute.
fn quoted(text: &str) -> String {
    escaped(&xml(text)).replace('"', "&quot;")
}
