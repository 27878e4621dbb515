//! The plugins of k9s: by its own schema, with what k9s puts in for each line.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::{bash, ended, root, yaml};

#[test]
fn they_keep_to_the_schema_of_k9s_and_their_shortcuts_differ() {
    let schema = std::fs::read_to_string(root().join("tests/integration/cli/pipelines/k9s-plugins.json"));
    let schema: Value = serde_json::from_str(&schema.expect("it is there")).expect("JSON");
    let plugins = yaml("plugin/k9s/plugins.yaml");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&plugins).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let all = plugins["plugins"].as_object().expect("plugins");
    let keys: std::collections::BTreeSet<&str> = all.values().filter_map(|it| it["shortCut"].as_str()).collect();
    assert_eq!(keys.len(), all.len());
    for (name, plugin) in all {
        assert_eq!(
            plugin["scopes"],
            serde_json::json!(["ingresses", "gateways", "secrets"]),
            "{name}"
        );
        assert_eq!(plugin["background"], false, "{name}: its output is read");
    }
    assert_eq!(all["certs-renew"]["dangerous"], true);
}

/// As internal/view/env.go of k9s has it: every `$NAME` in an argument, if k9s knows it, in whatever case.
fn substituted(arg: &str, known: &BTreeMap<&str, &str>) -> String {
    let name = regex::Regex::new(r"\$!?([\w\-]+)").expect("an expression");
    let put = |found: &regex::Captures<'_>| {
        let key = found[1].to_uppercase();
        known
            .get(key.as_str())
            .map_or_else(|| found[0].to_owned(), |it| (*it).to_owned())
    };
    name.replace_all(arg, put).into_owned()
}

/// Runs a plugin for a line of k9s, with programs in the place of ours and of less. Returns what was asked of ours.
fn asked(plugin: &str, kind: &str, input: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let asked = dir.path().join("asked");
    for (name, script) in [
        (
            "kubectl-certs",
            format!(
                "#!/bin/sh\nprintf '%s\\n' \"$*\" >>{}\n[ \"$1\" != status ] || printf 'shop.example\\n\\n'\n",
                asked.display()
            ),
        ),
        ("less", "#!/bin/sh\ncat\n".to_owned()),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, script).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let plugins = yaml("plugin/k9s/plugins.yaml");
    let plugin = &plugins["plugins"][plugin];
    let known = BTreeMap::from([
        ("RESOURCE_NAME", kind),
        ("NAME", "web"),
        ("NAMESPACE", "shop"),
        ("CONTEXT", "a context; touch x"),
        ("CLUSTER", "prod"),
        ("USER", "me"),
    ]);
    let args: Vec<String> = plugin["args"]
        .as_array()
        .expect("arguments")
        .iter()
        .map(|arg| substituted(arg.as_str().expect("a text"), &known))
        .collect();
    assert_eq!((plugin["command"].as_str(), args[0].as_str()), (Some("bash"), "-c"));
    let mut command = bash(&args[1], &[]);
    command.args(&args[2..]);
    command.env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
    command.current_dir(dir.path());
    let stdin = dir.path().join("input");
    std::fs::write(&stdin, input).expect("a file");
    command.stdin(std::fs::File::open(stdin).expect("a file"));
    let (status, out, err) = ended(&command.output().expect("bash"));
    assert!(status <= 1, "{out}\n{err}");
    assert!(!dir.path().join("x").exists(), "a name was run as a command");
    let text = std::fs::read_to_string(asked).expect("something was asked");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_asks_about_the_line_under_the_cursor() {
    let place = "--namespace=shop --context=a context; touch x";
    assert_eq!(
        asked("certs-show", "secrets", ""),
        [format!("show secrets/web {place} --color=always")]
    );
    let why = asked("certs-why", "ingresses", "");
    assert!(
        why[0].starts_with(&format!("status ingresses/web {place} --output=jsonpath=")),
        "{why:?}"
    );
    assert_eq!(why[1..], [format!("why shop.example {place}")]);
    let rehearsed = format!("renew gateways/web {place}");
    assert_eq!(asked("certs-renew", "gateways", "n\n\n"), [rehearsed.as_str()]);
    assert_eq!(
        asked("certs-renew", "gateways", "y\n\n"),
        [rehearsed.clone(), format!("{rehearsed} --production")]
    );
}

#[test]
fn the_program_knows_the_kinds_as_k9s_calls_them() {
    for (kind, name) in [
        ("ingresses", "storefront"),
        ("gateways", "public"),
        ("secrets", "api-tls"),
    ] {
        let target = format!("{kind}/{name}");
        let ran = super::super::run(&["show", &target, "-f", "docs/example"]);
        assert!(
            ran.status <= 1 && !ran.err.contains("kind"),
            "{target}: {} {}",
            ran.status,
            ran.err
        );
    }
}
