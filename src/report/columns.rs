//! `-o custom-columns=NAME:.PATH,...`, and what does in JSONPath what a Go template does.

use std::{
    io::{self, BufWriter, Write},
    str::FromStr,
};

use super::{
    item::{FIELDS, Item},
    jsonpath::{JsonPathError, Path},
    output::Context,
    present::grid::padded,
    rows::Rows,
};
use crate::text::{clear, closest};

/// What stands where an item lacks the field, as kubectl writes it.
const NONE: &str = "<none>";

/// The columns: their headers, and the paths of their cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns(Vec<(String, Path)>);

/// A specification that is none.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// A column has no header or no path.
    #[error("{column:?} is not a column: write NAME:.PATH, such as HOST:.host")]
    Column {
        /// What stands there.
        column: String,
    },
    /// The path cannot be read.
    #[error("the path of column {name} cannot be read")]
    Path {
        /// The column.
        name: String,
        /// Why.
        #[source]
        source: JsonPathError,
    },
    /// Items have no such field.
    #[error(
        "items have no field {field:?}; the nearest is {} (fields: {})",
        closest(field, FIELDS.iter().copied()).unwrap_or_default(),
        FIELDS.join(", ")
    )]
    Field {
        /// The field.
        field: String,
    },
}

impl FromStr for Columns {
    type Err = ColumnsError;

    fn from_str(spec: &str) -> Result<Self, Self::Err> {
        let columns = spec.split(',').map(|column| {
            let wrong = || ColumnsError::Column {
                column: column.to_owned(),
            };
            let (name, path) = column.split_once(':').ok_or_else(wrong)?;
            if name.is_empty() || path.is_empty() {
                return Err(wrong());
            }
            let bare = path.strip_prefix('{').and_then(|p| p.strip_suffix('}')).unwrap_or(path);
            let bare = match bare {
                // What hands have learnt from `kubectl get`.
                ".metadata.namespace" => ".namespace",
                ".metadata.name" => ".route.name",
                other => other,
            };
            let path = Path::parse(bare).map_err(|source| ColumnsError::Path {
                name: name.to_owned(),
                source,
            })?;
            match path.leading.first() {
                Some(field) if !FIELDS.contains(&field.as_str()) => Err(ColumnsError::Field { field: field.clone() }),
                _ => Ok((name.to_owned(), path)),
            }
        });
        columns.collect::<Result<_, _>>().map(Self)
    }
}

impl Columns {
    /// Writes `rows`, a line each.
    pub fn write(&self, rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows.len() + 1);
        if !context.no_headers {
            lines.push(self.0.iter().map(|(name, _)| clear(name).into_owned()).collect());
        }
        for row in rows.iter() {
            let value = serde_json::to_value(Item::new(&row, context.now))?;
            let cell = |(_, path): &(String, Path)| {
                path.text(&value)
                    .map_or_else(|| NONE.to_owned(), |text| clear(&text).into_owned())
            };
            lines.push(self.0.iter().map(cell).collect());
        }
        let mut out = BufWriter::new(out);
        for line in padded(&lines) {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}

/// The JSONPath that does what a simple Go template does: ranges, fields and texts. An example where it is not simple.
pub(super) fn of_go_template(template: &str) -> String {
    translated(template).map_or_else(
        || "-o jsonpath='{range .items[*]}{.host}{\"\\n\"}{end}'".to_owned(),
        |path| format!("-o jsonpath='{path}'"),
    )
}

fn translated(template: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}")?;
        let action = action.trim_matches(['-', ' ']);
        out.push_str(text);
        if action == "end" {
            out.push_str("{end}");
        } else if let Some(list) = action.strip_prefix("range ") {
            let list = list.trim();
            list.starts_with('.').then_some(())?;
            out.extend(["{range ", list, "[*]}"]);
        } else if action.starts_with('"') && action.ends_with('"')
            || (action.starts_with('.') && !action.contains([' ', '|']))
        {
            out.extend(["{", action, "}"]);
        } else {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    (!out.is_empty() && !out.contains('\'')).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{NOW, Shop};

    #[test]
    fn a_column_is_written_for_each_path() {
        let shop = Shop::new();
        let columns: Columns = "NS:.metadata.namespace,HOST:{.host},FIRST:.findings[0].reason"
            .parse()
            .expect("columns");
        let mut out = Vec::new();
        let context = Context {
            now: NOW,
            ..Context::default()
        };
        columns
            .write(&shop.rows().into(), &context, &mut out)
            .expect("a vector");
        let out = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["NS", "HOST", "FIRST"]);
        assert_eq!(lines[1], ["shop", "shop.example", "Expired"]);
        assert!(lines.iter().any(|line| line.last() == Some(&NONE)), "{out}");
    }

    #[test]
    fn a_wrong_column_is_told() {
        for (spec, words) in [
            ("HOST", "NAME:.PATH"),
            ("A:.host,B:", "\"B:\" is not a column"),
            ("A:.spec.tls", "no field \"spec\""),
            ("A:.hots", "the nearest is host "),
        ] {
            let error = spec.parse::<Columns>().expect_err(spec).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_go_template_is_told_as_json_path() {
        let told = of_go_template("{{range .items}}{{.host}}{{\"\\n\"}}{{end}}");
        assert_eq!(told, "-o jsonpath='{range .items[*]}{.host}{\"\\n\"}{end}'");
        assert!(of_go_template("{{if .x}}a{{end}}").contains("{range .items[*]}"));
    }
}
