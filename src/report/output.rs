//! `-o`: which format is written, and what all formats have to know.

use std::{
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use super::{
    apart::Apart,
    columns::{self, Columns, ColumnsError},
    github, json,
    jsonpath::{JsonPathError, Template},
    junit, name, place, prometheus,
    rows::Rows,
    sarif, table, yaml,
};
use crate::{file, object::Seconds, text};

/// What `-o` asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Format {
    /// The table.
    #[default]
    Table,
    /// The table with more columns.
    Wide,
    /// The `StatusList` as JSON.
    Json,
    /// The `StatusList` as YAML.
    Yaml,
    /// The names of the objects.
    Name,
    /// A `JSONPath` template, given or read from a file.
    JsonPath(Template),
    /// A column for each path into an item.
    CustomColumns(Columns),
    /// A `JUnit` report.
    Junit,
    /// A SARIF log.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Metrics for the textfile collector of Prometheus.
    Prometheus,
}

/// The formats as `-o` spells them.
pub const FORMATS: &[&str] = &[
    "table",
    "wide",
    "json",
    "yaml",
    "name",
    "jsonpath=TEMPLATE",
    "jsonpath-file=FILE",
    "custom-columns=SPEC",
    "junit",
    "sarif",
    "github",
    "prometheus",
];

/// What `-o` cannot read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is no such format.
    #[error("no output format is called {name:?}; the nearest is {nearest} (formats: {})", FORMATS.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The format whose name is nearest to it.
        nearest: &'static str,
    },
    /// The format needs a value after `=`.
    #[error("-o {name} needs a value: {example}")]
    NoValue {
        /// The format.
        name: &'static str,
        /// How it is used.
        example: &'static str,
    },
    /// The columns cannot be read.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// Go's templates are not read.
    #[error("-o {name} is not supported; the same as JSONPath: {instead}")]
    GoTemplate {
        /// The format.
        name: String,
        /// What does the same.
        instead: String,
    },
    /// The format takes no value.
    #[error("-o {name} takes no value")]
    Value {
        /// The format.
        name: String,
    },
    /// The template cannot be read.
    #[error(transparent)]
    Template(#[from] JsonPathError),
    /// The template's file cannot be read.
    #[error("cannot read the template {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FromStr for Format {
    type Err = FormatError;

    /// Reads what follows `-o`; the file of `jsonpath-file=FILE` is read here.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (name, value) = match s.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (s, None),
        };
        let plain = match name {
            "table" => Self::Table,
            "wide" => Self::Wide,
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "name" => Self::Name,
            "junit" => Self::Junit,
            "sarif" => Self::Sarif,
            "github" => Self::Github,
            "prometheus" => Self::Prometheus,
            "jsonpath" => {
                let template = value.filter(|v| !v.is_empty()).ok_or(FormatError::NoValue {
                    name: "jsonpath",
                    example: "-o jsonpath='{.items[*].host}'",
                })?;
                return Ok(Self::JsonPath(Template::parse(template)?));
            }
            "jsonpath-file" => {
                let path = PathBuf::from(value.filter(|v| !v.is_empty()).ok_or(FormatError::NoValue {
                    name: "jsonpath-file",
                    example: "-o jsonpath-file=./hosts.jsonpath",
                })?);
                return match file::read_text(&path, file::SMALL).map_err(Into::into) {
                    Ok(template) => Ok(Self::JsonPath(Template::parse(&template)?)),
                    Err(source) => Err(FormatError::File { path, source }),
                };
            }
            "custom-columns" => {
                let spec = value.filter(|v| !v.is_empty()).ok_or(FormatError::NoValue {
                    name: "custom-columns",
                    example: "-o custom-columns=HOST:.host,UNTIL:.notAfter",
                })?;
                return Ok(Self::CustomColumns(spec.parse()?));
            }
            "go-template" | "template" | "go-template-file" | "templatefile" => {
                return Err(FormatError::GoTemplate {
                    name: name.to_owned(),
                    instead: columns::of_go_template(value.unwrap_or_default()),
                });
            }
            _ => {
                return Err(FormatError::Unknown {
                    name: name.to_owned(),
                    nearest: nearest(name),
                });
            }
        };
        match value {
            None => Ok(plain),
            Some(_) => Err(FormatError::Value { name: name.to_owned() }),
        }
    }
}

/// The format that was most likely meant.
fn nearest(name: &str) -> &'static str {
    let word = |format: &&'static str| format.split('=').next().unwrap_or_default();
    let meant = text::closest(name, FORMATS.iter().map(word));
    FORMATS
        .iter()
        .copied()
        .find(|format| Some(word(format)) == meant)
        .unwrap_or("table")
}

/// What the formats have to know besides the rows.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of the command line.
pub struct Context<'a> {
    /// The moment that the rows were judged at.
    pub now: Seconds,
    /// Several contexts were read: show them.
    pub show_context: bool,
    /// What is served was asked for: show how it compares with what is stored.
    pub show_served: bool,
    /// Whether what controllers do with certificates has a column.
    pub show_doings: bool,
    /// Several namespaces were read: show them.
    pub show_namespace: bool,
    /// `--no-headers`.
    pub no_headers: bool,
    /// `-L`: the labels that have a column each.
    pub label_columns: &'a [String],
    /// `--show-labels`.
    pub show_labels: bool,
    /// Colours and bold letters are wanted.
    pub colour: bool,
    /// The terminal's width in cells; `None` when it is no terminal, and then nothing is cut.
    pub width: Option<usize>,
    /// How long it took.
    pub elapsed: Option<Duration>,
    /// What it is not about.
    pub apart: Apart<'a>,
    /// Where an object stands in a manifest.
    pub place: Option<place::Places<'a>>,
}

/// Writes `rows`, sorted and filtered, in `format`.
pub fn write(format: &Format, rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(rows, context, false, out),
        Format::Wide => table::write(rows, context, true, out),
        Format::Json => json::write(rows, context, out),
        Format::Yaml => yaml::write(rows, context, out),
        Format::Name => name::write(rows, out),
        Format::JsonPath(template) => template.write(rows, context, out),
        Format::CustomColumns(columns) => columns.write(rows, context, out),
        Format::Junit => junit::write(rows, context, out),
        Format::Sarif => sarif::write(rows, context, out),
        Format::Github => github::write(rows, context, out),
        Format::Prometheus => prometheus::write(rows, context, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read_and_a_wrong_one_names_the_nearest() {
        for format in FORMATS {
            let text = format.replace("TEMPLATE", "{.kind}").replace("SPEC", "A:.host");
            if !text.contains("FILE") {
                assert!(text.parse::<Format>().is_ok(), "{text}");
            }
        }
        for (wrong, near) in [
            ("jsn", "json"),
            ("JSON", "json"),
            ("yalm", "yaml"),
            ("sarf", "sarif"),
            ("widee", "wide"),
            ("names", "name"),
            ("jsonpth", "jsonpath=TEMPLATE"),
            ("xunit", "junit"),
        ] {
            match wrong.parse::<Format>() {
                Err(FormatError::Unknown { nearest, .. }) => assert_eq!(nearest, near, "{wrong}"),
                other => panic!("{wrong}: {other:?}"),
            }
        }
        let error = "jsn".parse::<Format>().expect_err("wrong").to_string();
        assert!(error.contains("junit, sarif, github"), "{error}");
    }

    #[test]
    fn values_are_wanted_where_they_belong_and_files_are_read() {
        for wrong in [
            "jsonpath",
            "jsonpath=",
            "jsonpath-file",
            "json=x",
            "jsonpath={.a",
            "jsonpath-file=/nowhere/x",
            "",
        ] {
            assert!(wrong.parse::<Format>().is_err(), "{wrong:?}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "{.kind}").expect("written");
        let format: Format = format!("jsonpath-file={}", file.path().display())
            .parse()
            .expect("read");
        assert_eq!(format, "jsonpath={.kind}".parse().expect("read"));
    }
}
