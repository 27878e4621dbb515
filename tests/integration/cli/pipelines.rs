//! What is below `plugin/` for other people's pipelines and tools, run as it stands there.

mod github;
mod gitlab;
mod k9s;
#[cfg(target_os = "linux")] // Debian's Python
mod pre_commit;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use super::root;
use crate::support::run::program;

/// What the example is judged with, as arguments of `status`.
const JUDGED: [&str; 2] = ["--ca-file=docs/example/root.pem", "--at=2026-12-01"];

/// A file below `plugin/` as a value.
fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).expect("it is there");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// The blocks of YAML in the guide.
fn guide() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("docs/guide/ci.md")).expect("a guide");
    let blocks = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let all: Vec<Value> = blocks
        .map(|block| serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{error}: {block}")))
        .collect();
    assert!(all.len() >= 4, "{}", all.len());
    all
}

/// All values of a key, however deep.
fn values<'v>(of: &'v Value, key: &str, into: &mut Vec<&'v Value>) {
    match of {
        Value::Object(fields) => {
            into.extend(fields.get(key));
            fields.values().for_each(|value| values(value, key, into));
        }
        Value::Array(items) => items.iter().for_each(|value| values(value, key, into)),
        _ => {}
    }
}

#[test]
fn the_guide_uses_inputs_variables_and_hooks_that_there_are() {
    let action = yaml("plugin/github-action/action.yml");
    let job = &yaml("plugin/gitlab/kubectl-certs.gitlab-ci.yml")["kubectl-certs"];
    let hooks = yaml(".pre-commit-hooks.yaml");
    let of_others = ["sarif_file", "category"];
    let mut checked = 0;
    for block in guide() {
        for (key, known) in [("with", &action["inputs"]), ("variables", &job["variables"])] {
            let mut found = Vec::new();
            values(&block, key, &mut found);
            for name in found
                .iter()
                .filter_map(|it| it.as_object())
                .flat_map(serde_json::Map::keys)
            {
                assert!(
                    known.get(name).is_some() || of_others.contains(&name.as_str()),
                    "{key}: {name}"
                );
                checked += 1;
            }
        }
        let mut found = Vec::new();
        values(&block, "hooks", &mut found);
        for hook in found.iter().filter_map(|it| it.as_array()).flatten() {
            assert_eq!(hook["id"], hooks[0]["id"]);
            checked += 1;
        }
    }
    assert!(checked >= 8, "{checked}");
}

/// bash in the repository with a script, and with the program in PATH.
fn bash(script: &str, options: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let path = std::env::var("PATH").expect("a PATH");
    let beside = program().parent().expect("a directory").to_owned();
    command
        .args(["--noprofile", "--norc"])
        .args(options)
        .args(["-c", script])
        .env_clear()
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("HOME", "/nonexistent")
        .current_dir(root());
    command
}

/// How a script ended: its status, and what it said.
fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().expect("not killed"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// An archive of a release with the program, with sums, as `plugin/release` makes them.
fn release(dir: &Path, version: &str) -> PathBuf {
    let place = dir.join(format!("releases/v{version}"));
    std::fs::create_dir_all(&place).expect("a directory");
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let archive = format!("kubectl-certs_{version}_{system}_{machine}.tar.gz");
    // In the place of the program, which takes seconds to pack.
    let script = r#"
        set -e
        cd "$1"
        printf '#!/bin/sh\nexec %q "$@"\n' "$2" >kubectl-certs
        chmod 755 kubectl-certs
        tar -czf "$3" kubectl-certs
        rm kubectl-certs
        if command -v sha256sum >/dev/null; then sha256sum "$3"; else shasum -a 256 "$3"; fi >SHA256SUMS
    "#;
    let made = Command::new("bash")
        .args(["-c", script, "release"])
        .arg(&place)
        .arg(program())
        .arg(archive)
        .status();
    assert!(made.expect("bash").success());
    dir.join("releases")
}
