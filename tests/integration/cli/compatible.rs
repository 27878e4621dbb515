//! What `docs/trust/compatibility.md` promises is kept: the files of a release (`tests/integration/older`) are still read, and what it had is still
//! there. These files are what that release wrote, and are never renewed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{EXAMPLE, command, file, finish, root, run};

/// A file of release 0.1.0.
fn older(name: &str) -> PathBuf {
    root().join("tests/integration/older/0.1.0").join(name)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fields of a schema: their types, and whether what has them always has them.
struct Fields<'s> {
    definitions: &'s Value,
    found: BTreeMap<String, BTreeSet<(String, bool)>>,
}

impl<'s> Fields<'s> {
    fn of(schema: &'s Value) -> Self {
        let mut fields = Self {
            definitions: &schema["$defs"],
            found: BTreeMap::new(),
        };
        fields.walk(schema, "");
        fields
    }

    fn resolved(&self, mut schema: &'s Value) -> &'s Value {
        while let Some(reference) = schema["$ref"].as_str() {
            schema = &self.definitions[reference.rsplit('/').next().expect("a name")];
        }
        schema
    }

    fn kind(&self, schema: &'s Value) -> String {
        let schema = self.resolved(schema);
        match &schema["type"] {
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => {
                let mut kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                kinds.sort_unstable();
                kinds.join("|")
            }
            // A word of a list.
            _ => "string".to_owned(),
        }
    }

    fn walk(&mut self, schema: &'s Value, path: &str) {
        let schema = self.resolved(schema);
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map_or_else(Vec::new, |all| all.iter().filter_map(Value::as_str).collect());
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let is_always = required.contains(&name.as_str());
            let kind = self.kind(field);
            self.found.entry(path.clone()).or_default().insert((kind, is_always));
            self.walk(field, &path);
        }
        if schema["items"].is_object() {
            self.walk(&schema["items"], &format!("{path}[]"));
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            for one in schema[word].as_array().into_iter().flatten() {
                self.walk(one, path);
            }
        }
    }
}

#[test]
fn every_field_of_an_older_report_is_where_it_was() {
    let schema: Value = serde_json::from_str(&text(&root().join("docs/reference/schema.json"))).expect("JSON");
    let now = Fields::of(&schema).found;
    let older = text(&older("fields.txt"));
    assert!(older.lines().count() > 90, "{older}");
    for line in older.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, kind, presence] = words[..] else {
            panic!("{line}")
        };
        let found = now.get(path).unwrap_or_else(|| panic!("{path} is gone"));
        assert!(
            found
                .iter()
                .any(|(now, always)| now == kind && (*always || presence != "always")),
            "{path} was {kind}, {presence}, and is {found:?}"
        );
    }
}

#[test]
fn an_older_report_is_read_for_since() {
    let saved = older("status.json");
    let saved = saved.to_str().expect("UTF-8");
    let same = run(&[&EXAMPLE[..], &["-q", "-n", "shop", "--since", saved]].concat()).ends_with(0);
    assert_eq!(same.out, "");
    assert!(same.err.starts_with("nothing is new; "), "{}", same.err);
}

#[test]
fn older_settings_are_settings() {
    let home = tempfile::tempdir().expect("a directory");
    file(&home, "kubectl-certs/config.yaml", text(&older("config.yaml")));
    file(&home, "kubectl-certs/corp-root.pem", "-----BEGIN CERTIFICATE-----\n");
    let ran = finish(command(&["config", "check"]).env("XDG_CONFIG_HOME", home.path()));
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn every_older_command_flag_and_reason_is_still_there() {
    let commands = text(&older("commands.txt"));
    assert!(commands.lines().count() > 30, "{commands}");
    for line in commands.lines() {
        let (name, flags) = line.split_once(':').expect("a command and its flags");
        let mut words: Vec<&str> = name.split(' ').skip(1).collect();
        words.push("--help");
        let help = run(&words).ends_with(0).out;
        let has: BTreeSet<&str> = help
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .filter(|word| word.starts_with("--"))
            .collect();
        let gone: Vec<&str> = flags.split_whitespace().filter(|flag| !has.contains(flag)).collect();
        assert!(gone.is_empty(), "{name} lacks {gone:?}");
    }
    let explained = run(&["explain"]).ends_with(0).out;
    let reasons: BTreeSet<&str> = explained.split_whitespace().collect();
    for reason in text(&older("reasons.txt")).lines() {
        assert!(reasons.contains(reason), "{reason} is gone");
    }
}

/// The files below a directory of the sources.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The program's own sources, without tests that are files of their own: the path from the root, and the text before its tests.
pub(super) fn program() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    found.sort();
    let shown = |path: &Path| path.strip_prefix(root()).expect("below the root").display().to_string();
    let all = found.iter().map(|path| (shown(path), text(path)));
    let all = all.filter(|(path, _)| !path.contains("test") && !path.ends_with("/fake.rs") && !path.contains("/scene"));
    all.map(|(path, text)| {
        let own = text.split("\nmod tests {").next().unwrap_or_default().to_owned();
        (path, own)
    })
    .collect()
}

#[test]
fn the_pages_name_every_annotation_and_label() {
    let page = text(&root().join("docs/trust/compatibility.md"));
    let reference = text(&root().join("docs/reference/annotations.md"));
    let mut named = 0;
    for (path, source) in program() {
        for literal in source.split('"').skip(1).step_by(2) {
            let name = ["kubectl-certs.io/", "kubectl-certs/"]
                .iter()
                .find_map(|start| literal.strip_prefix(start));
            // An `apiVersion` is v1, a path has more parts, and a prefix has no name.
            let is_name = |name: &str| name.len() > 2 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
            // The directory of accounts, and the installation's own Secrets.
            let others = [
                "kubectl-certs/accounts",
                "kubectl-certs/account",
                "kubectl-certs/domains-server",
            ];
            if name.is_some_and(is_name) && !others.contains(&literal) {
                assert!(page.contains(&format!("`{literal}`")), "{path}: {literal}");
                // The type of a Secret is no annotation.
                assert!(
                    reference.contains(&format!("\n| `{literal}` |")) || literal == "kubectl-certs.io/backup",
                    "{path}: {literal} has no line in docs/reference/annotations.md: declare it in src/object/annotation.rs"
                );
                named += 1;
            }
        }
    }
    assert!(named > 25, "{named}");
}

/// What in a source opens a connection or starts a program.
const OPENS: [&str; 9] = [
    "TcpStream::connect(",
    "UdpSocket::bind(",
    "UnixStream::connect(",
    "lookup_host(",
    "Client::builder()",
    "ClientBuilder::",
    "Client::new()",
    "Command::new(",
    "config.connect(",
];

#[test]
fn the_page_names_every_place_that_opens_a_connection_or_starts_a_program() {
    let page = text(&root().join("docs/trust/connections.md"));
    let (_, table) = page.split_once("\n## Where in the source\n").expect("the table");
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `src/"))
        .filter_map(|line| line.split_once('`'))
        .map(|(path, _)| format!("src/{path}"))
        .collect();
    let opens = |line: &str| {
        let line = line.trim_start();
        // The parser of command lines has a `Command` too.
        let is_parser = line.contains("Command::new(\"kubectl-certs\")");
        !line.starts_with("//") && !is_parser && OPENS.iter().any(|word| line.contains(word))
    };
    let found: BTreeSet<String> = program()
        .into_iter()
        .filter(|(_, source)| source.lines().any(opens))
        .map(|(path, _)| path)
        .collect();
    let shown = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(shown(&found, &named), [""; 0], "the page lacks these");
    assert_eq!(shown(&named, &found), [""; 0], "these open nothing any more");
}

#[test]
fn the_page_has_a_row_for_every_command() {
    let page = text(&root().join("docs/trust/connections.md"));
    let help = run(&["--help"]).ends_with(0).out;
    let (_, commands) = help.split_once("\nCommands:\n").expect("commands");
    let mut rows = 0;
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        // A name stands two spaces in; further in stands what belongs to the one above.
        let Some(name) = line.strip_prefix("  ").and_then(|line| line.split(' ').next()) else {
            continue;
        };
        if !name.is_empty() && name != "help" {
            assert!(page.contains(&format!("\n| `{name}` |")), "{name}");
            rows += 1;
        }
    }
    assert!(rows > 20, "{help}");
}
