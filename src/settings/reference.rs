//! The settings as rows, for `docs/reference/settings.md`: from their declarations, their schema and their defaults.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    env::{PREFIX, told},
    example::in_the_file,
    file::File,
    schema::schema,
    section::{Declared, Example, Section as _},
    view::leaves,
};
use crate::renewed;

/// One setting.
#[derive(Debug, Clone)]
pub(crate) struct SettingRow {
    /// Its path in the file: `http01.solver`; `issuers.NAME.profile`.
    pub(crate) path: String,
    /// What may be written, in Markdown.
    pub(crate) form: String,
    /// Its default as JSON has it, if it has one.
    pub(crate) usual: Option<Value>,
    /// Its variable, with the prefix.
    pub(crate) variable: Option<String>,
    /// Flags that its documentation names.
    pub(crate) flags: Vec<String>,
    /// What it does.
    pub(crate) about: String,
}

/// A section of the file: its path, what it is about, and its settings.
#[derive(Debug, Clone)]
pub(crate) struct SettingSection {
    pub(crate) path: String,
    pub(crate) about: String,
    pub(crate) rows: Vec<SettingRow>,
}

/// All settings by sections, the top level first.
pub(crate) fn sections() -> Vec<SettingSection> {
    let schema: Value = serde_json::from_str(&renewed::schema(schema())).expect("JSON");
    let usual = serde_json::to_value(File::usual()).expect("JSON");
    let mut defaults = BTreeMap::new();
    leaves(&usual, String::new(), &mut |path, value| {
        defaults.insert(path, value);
    });
    let mut walk = Walk {
        root: &schema,
        defaults,
        found: Vec::new(),
    };
    walk.section("", "", File::DECLARED, &schema);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    defaults: BTreeMap<String, Value>,
    found: Vec<SettingSection>,
}

impl<'a> Walk<'a> {
    fn section(&mut self, path: &str, about: &str, declared: &[Declared], schema: &'a Value) {
        let place = |name: &str| {
            let dot = if path.is_empty() { "" } else { "." };
            format!("{path}{dot}{name}")
        };
        let at = self.found.len();
        self.found.push(SettingSection {
            path: path.to_owned(),
            about: about.to_owned(),
            rows: Vec::new(),
        });
        for one in declared {
            let name = in_the_file(one.name);
            let field = &self.resolved(schema)["properties"][&name];
            assert!(!field.is_null(), "{path} {name} is not in the schema");
            match one.example {
                Example::Section(inner) => self.section(&place(&name), &told(one.about), inner, field),
                Example::Entries(inner, _) => {
                    let entry = &self.resolved(field)["additionalProperties"];
                    self.section(&format!("{}.NAME", place(&name)), &told(one.about), inner, entry);
                }
                Example::Value(_) | Example::Off(_) => {
                    let row = self.row(place(&name), one, field);
                    self.found[at].rows.push(row);
                }
            }
        }
    }

    fn row(&self, path: String, one: &Declared, schema: &Value) -> SettingRow {
        let all = one.about.join(" ");
        let words = || {
            all.split([' ', ','])
                .map(|word| word.trim_end_matches(['.', ':', ',', ';']))
        };
        let named = words().find(|word| word.starts_with(PREFIX)).map(str::to_owned);
        SettingRow {
            form: self.form(schema),
            usual: self.defaults.get(&path).cloned(),
            variable: one.variable.map(|name| format!("{PREFIX}{name}")).or(named),
            flags: words()
                .filter(|word| word.starts_with("--") && !word.contains('='))
                .map(str::to_owned)
                .collect(),
            about: told(one.about),
            path,
        }
    }

    /// What a reference refers to.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // A setting that may be left out is one of two forms, of which the other one is nothing.
        while let Some(place) = schema["$ref"].as_str() {
            let place = place.trim_start_matches('#');
            schema = self.root.pointer(place).expect("what is referred to");
        }
        schema
    }

    /// What may be written, in words.
    fn form(&self, schema: &Value) -> String {
        let schema: &Value = match schema["$ref"].as_str() {
            Some(place) => self.root.pointer(place.trim_start_matches('#')).expect("a schema"),
            None => schema,
        };
        let code = |value: &Value| format!("`{}`", plain(value));
        if let Some(words) = schema["enum"].as_array() {
            return words.iter().map(code).collect::<Vec<_>>().join(", ");
        }
        let forms = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
        if let Some(forms) = forms {
            let consts: Vec<String> = forms.iter().filter_map(|form| form.get("const").map(code)).collect();
            if consts.len() == forms.len() {
                return consts.join(", ");
            }
            let mut all: Vec<String> = forms.iter().map(|form| self.form(form)).collect();
            all.dedup();
            // Each DNS provider has a form of its own, with fields of its own.
            if all.len() > 9 {
                return format!("one of {} forms, which the schema has", all.len());
            }
            return all.join(", or ");
        }
        let is = |word: &str| match &schema["type"] {
            Value::Array(words) => words.iter().any(|one| one == word),
            one => one == word,
        };
        let examples = schema["examples"].as_array().into_iter().flatten();
        let examples: Vec<String> = examples.map(code).collect();
        let such = if examples.is_empty() {
            String::new()
        } else {
            format!(", such as {}", examples.join(", "))
        };
        if is("array") {
            let item = self.form(&schema["items"]);
            let with = if item.starts_with("the fields") {
                "a list, each with"
            } else {
                "a list of"
            };
            format!("{with} {item}")
        } else if is("object") && schema["additionalProperties"].is_object() {
            format!("by name: {}", self.form(&schema["additionalProperties"]))
        } else if is("object") {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let names: Vec<String> = fields.map(|(name, _)| format!("`{name}`")).collect();
            format!("the fields {}", names.join(", "))
        } else if is("string") {
            format!("text{such}")
        } else if is("integer") {
            format!("a number{such}")
        } else if is("boolean") {
            "`true` or `false`".to_owned()
        } else {
            "anything".to_owned()
        }
    }
}

/// A value as a person writes it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
