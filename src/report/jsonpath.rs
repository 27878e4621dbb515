//! `-o jsonpath=TEMPLATE`: kubectl's templates over the `StatusList`.
//!
//! A template is text with expressions in braces: a path (`{.items[*].host}`), a quoted text (`{"\n"}`), or a range
//! (`{range .items[*]}...{end}`), in which paths begin at the current item. The paths are evaluated as RFC 9535 has them.

mod parse;
mod path;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, Write};

use jsonpath_rust::{parser::model::JpQuery, query::js_path_process};
use serde_json::Value;

use super::{item::StatusList, output::Context, rows::Rows};
use crate::text::Clear;

/// A template that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Node>);

/// One path, in kubectl's dialect, that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The same path as RFC 9535 writes it.
    query: JpQuery,
    /// The names that it begins with.
    pub(super) leading: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Path(Path),
    Range(Path, Vec<Node>),
}

/// A template or path that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the JSONPath at character {position}: {message}")]
pub struct JsonPathError {
    /// The character that it cannot be read from; the first is 1.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

impl Template {
    /// Reads a template.
    pub fn parse(template: &str) -> Result<Self, JsonPathError> {
        parse::template(template).map(Self)
    }

    /// Writes what the template makes of `rows`. Texts of the rows are cleared for a terminal, those of
    /// the template are not. Nothing is added, no newline either, as kubectl has it.
    pub fn write(&self, rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
        let document = serde_json::to_value(StatusList::new(rows, context))?;
        self.write_value(&document, out)
    }

    /// The same of another document.
    pub(super) fn write_value(&self, document: &Value, out: &mut dyn Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        run(&self.0, document, &mut out)?;
        out.flush()
    }
}

impl Path {
    /// Reads one path, with or without braces: `.host`, `{.host}`.
    pub fn parse(path: &str) -> Result<Self, JsonPathError> {
        parse::single(path)
    }

    /// What the path leads to. A query that was read leads to values of the document alone.
    fn results<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let found = js_path_process(&self.query, value).unwrap_or_default();
        found.into_iter().map(|one| one.val).collect()
    }

    /// What the path leads to, as one text: several results are joined by spaces. `None` when it leads to nothing.
    pub fn text(&self, value: &Value) -> Option<String> {
        let mut out = Vec::new();
        write_results(self, value, &mut out).ok()?;
        (!out.is_empty()).then(|| String::from_utf8_lossy(&out).into_owned())
    }
}

fn run(nodes: &[Node], current: &Value, out: &mut impl Write) -> io::Result<()> {
    for node in nodes {
        match node {
            Node::Text(text) => out.write_all(text.as_bytes())?,
            Node::Path(path) => write_results(path, current, out)?,
            Node::Range(path, body) => {
                for item in path.results(current) {
                    run(body, item, out)?;
                }
            }
        }
    }
    Ok(())
}

/// A null is as good as a missing key: nothing is written.
fn write_results(path: &Path, current: &Value, out: &mut impl Write) -> io::Result<()> {
    let results = path.results(current);
    for (i, value) in results.iter().filter(|v| !v.is_null()).enumerate() {
        if i > 0 {
            out.write_all(b" ")?;
        }
        match value {
            Value::String(text) => write!(out, "{}", Clear(text))?,
            other => write!(out, "{}", Clear(&other.to_string()))?,
        }
    }
    Ok(())
}
