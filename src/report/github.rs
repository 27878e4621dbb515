//! `-o github`: one workflow command a finding, which GitHub Actions shows beside the line of the manifest.
//!
//! The form is that of "Workflow commands for GitHub Actions" (Setting an error message), escaped as actions/toolkit does
//! (packages/core/src/command.ts, @actions/core 1.11).

use std::{
    borrow::Cow,
    io::{self, BufWriter, Write},
};

use super::{item, output::Context, place, rows::Rows};
use crate::{
    check::{Finding, Severity, row::Row, words},
    text::clear,
};

/// Writes a line for each finding: `::error file=FILE,line=LINE,title=REASON::MESSAGE REMEDY`.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    for row in rows.iter() {
        for finding in row.findings {
            line(finding, &row, context, &mut out)?;
        }
    }
    out.flush()
}

fn line(finding: &Finding, row: &Row<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let command = match finding.severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    write!(out, "::{command} ")?;
    if let Some(place) = place::of_finding(finding, row, context.place) {
        write!(out, "file={},", property(&place.file))?;
        if let Some(line) = place.line {
            write!(out, "line={line},")?;
        }
    }
    let mut subject = subject(row);
    if let Some(host) = row.host {
        subject = format!("{}, {subject}", item::host(host));
    }
    if context.show_context && !row.context.is_empty() {
        subject = format!("{subject} in {}", row.context);
    }
    let title = format!("{}: {subject}", finding.reason());
    let message = words::message(finding, row, context.now);
    let remedy = words::remedy(finding, row).text;
    writeln!(
        out,
        "title={}::{}",
        property(&title),
        data(&format!("{message} {remedy}"))
    )
}

/// `Ingress shop/web`; `list ingresses in namespace shop` where the right to do so is missing.
fn subject(row: &Row<'_>) -> String {
    match row.unread_right() {
        Some(right) if row.namespace.is_empty() => right,
        Some(right) => format!("{right} in namespace {}", row.namespace),
        None => {
            let (kind, name) = row.subject();
            format!("{} {}/{name}", kind.as_str(), row.namespace)
        }
    }
}

/// A text after `::`: on one line.
fn data(text: &str) -> String {
    cleared(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A log is read on a terminal too.
fn cleared(text: &str) -> Cow<'_, str> {
    clear(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        assert_eq!(data("100 %: a, b"), "100 %25: a, b");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
        // A name from outside cannot begin a command of its own.
        assert!(!data("x\n::stop-commands::y").contains('\n'));
        assert!(!data("x\r\u{1b}[31m").chars().any(char::is_control));
    }
}
