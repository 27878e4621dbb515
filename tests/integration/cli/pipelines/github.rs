//! The action: its steps are run as a runner runs them.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use super::{JUDGED, bash, ended, program, release, yaml};

type Texts = BTreeMap<String, String>;

/// A run of the action: what its steps said and wrote.
struct Ran {
    status: i32,
    out: String,
    err: String,
    outputs: Texts,
}

/// The value of an expression of the kind that the action has: `${{ inputs.path }}`.
fn value(text: &str, known: &Texts) -> String {
    let Some(name) = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}")) else {
        assert!(!text.contains("${{"), "an expression within a text: {text}");
        return text.to_owned();
    };
    known
        .get(name.trim())
        .unwrap_or_else(|| panic!("{name} is not known: {known:?}"))
        .clone()
}

/// Runs the action with these inputs, in the repository. `path` replaces PATH.
fn run(inputs: &[(&str, &str)], temp: &Path, path: Option<&str>) -> Ran {
    let action = yaml("plugin/github-action/action.yml");
    let mut known = Texts::new();
    for (name, input) in action["inputs"].as_object().expect("inputs") {
        let default = input["default"].as_str().unwrap_or_default();
        assert!(input["description"].is_string(), "{name}");
        known.insert(format!("inputs.{name}"), default.to_owned());
    }
    for (name, given) in inputs {
        assert!(known.contains_key(&format!("inputs.{name}")), "{name}");
        known.insert(format!("inputs.{name}"), (*given).to_owned());
    }
    for (name, is) in [
        ("github.action_repository", "acme/kubectl-certs"),
        ("github.action_ref", "v1"),
        ("github.server_url", "https://github.invalid"),
    ] {
        known.insert(name.to_owned(), is.to_owned());
    }
    let mut ran = Ran {
        status: 0,
        out: String::new(),
        err: String::new(),
        outputs: Texts::new(),
    };
    for step in action["runs"]["steps"].as_array().expect("steps") {
        let (status, out, err) = ended(&step_ended(step, &known, temp, path));
        ran.out.push_str(&out);
        ran.err.push_str(&err);
        let id = step["id"].as_str().expect("an id");
        let written = std::fs::read_to_string(temp.join("output")).unwrap_or_default();
        for line in written.lines() {
            let (name, is) = line.split_once('=').expect("NAME=VALUE");
            known.insert(format!("steps.{id}.outputs.{name}"), is.to_owned());
        }
        ran.status = status;
        if status != 0 {
            break;
        }
    }
    for (name, output) in action["outputs"].as_object().expect("outputs") {
        let text = output["value"].as_str().expect("a value");
        let name_of = text.trim_start_matches("${{").trim_end_matches("}}").trim();
        if let Some(is) = known.get(name_of) {
            ran.outputs.insert(name.clone(), is.clone());
        }
    }
    ran
}

fn step_ended(step: &Value, known: &Texts, temp: &Path, path: Option<&str>) -> Output {
    assert_eq!(step["shell"], "bash");
    let script = step["run"].as_str().expect("a script");
    // GitHub would put text from outside into the script.
    assert!(!script.contains("${{"), "an expression in a script: {script}");
    let output = temp.join("output");
    std::fs::write(&output, "").expect("a file");
    // As "Workflow syntax for GitHub Actions" has it for `shell: bash`.
    let mut command: Command = bash(script, &["-e", "-o", "pipefail"]);
    command.env("GITHUB_OUTPUT", &output).env("RUNNER_TEMP", temp);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    for (name, text) in step["env"].as_object().expect("an environment") {
        command.env(name, value(text.as_str().expect("a text"), known));
    }
    command.output().expect("bash")
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn findings_are_beside_the_lines_of_the_manifests_and_fail_the_step() {
    let temp = temp();
    let arguments = JUDGED.join("\n");
    let ran = run(
        &[("path", "docs/example"), ("arguments", &arguments)],
        temp.path(),
        None,
    );
    assert_eq!(ran.status, 1, "{}\n{}", ran.out, ran.err);
    let line = "::error file=docs/example/shop.yaml,line=";
    assert!(
        ran.out
            .lines()
            .any(|it| it.starts_with(line) && it.contains("title=HostMismatch")),
        "{}",
        ran.out
    );
    assert_eq!(ran.outputs["exit-status"], "1");
    let never = run(
        &[
            ("path", "docs/example"),
            ("arguments", &arguments),
            ("fail-on", "never"),
        ],
        temp.path(),
        None,
    );
    assert_eq!(
        (never.status, never.outputs["exit-status"].as_str()),
        (0, "0"),
        "{}",
        never.err
    );
}

#[test]
fn a_sarif_file_is_written_for_the_next_step_and_manifests_without_defects_pass() {
    let temp = temp();
    let report = temp.path().join("report");
    let arguments = format!("{}\n--namespace=roastery", JUDGED.join("\n"));
    let ran = run(
        &[
            ("path", "docs/example"),
            ("arguments", &arguments),
            ("format", "sarif junit"),
            ("report", report.to_str().expect("UTF-8")),
        ],
        temp.path(),
        None,
    );
    assert_eq!(ran.status, 0, "{}\n{}", ran.out, ran.err);
    let sarif = std::fs::read_to_string(&ran.outputs["sarif"]).expect("a file");
    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let junit = std::fs::read_to_string(&ran.outputs["junit"]).expect("a file");
    assert!(junit.contains("<testsuites "), "{junit}");
}

#[test]
fn inputs_are_arguments_and_no_commands() {
    let temp = temp();
    let touched = temp.path().join("touched");
    let evil = format!("docs/example\"; touch {0}; $(touch {0}) `touch {0}`", touched.display());
    let ran = run(
        &[("path", &evil), ("fail-on", &evil), ("format", "github")],
        temp.path(),
        None,
    );
    assert_eq!(ran.status, 2, "{}\n{}", ran.out, ran.err);
    assert!(!touched.exists());
    let ran = run(&[("path", "docs/example"), ("format", "html")], temp.path(), None);
    assert_eq!(ran.status, 2, "{}", ran.out);
}

#[test]
fn the_program_comes_from_a_release_whose_sum_is_checked() {
    let temp = temp();
    let releases = release(temp.path(), "1.2.3");
    let from = format!("file://{}", releases.display());
    let inputs = [
        ("path", "docs/example"),
        ("version", "1.2.3"),
        ("releases", from.as_str()),
        ("fail-on", "never"),
    ];
    let ran = run(&inputs, temp.path(), None);
    assert_eq!(ran.status, 0, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("title=SecretNotFound"), "{}", ran.out);
    let sums = releases.join("v1.2.3/SHA256SUMS");
    let text = std::fs::read_to_string(&sums).expect("sums");
    std::fs::write(&sums, format!("{}{}", "0".repeat(64), &text[64..])).expect("written");
    let refused = run(&inputs, temp.path(), None);
    assert_ne!(refused.status, 0, "{}", refused.out);
    assert!(!refused.out.contains("::error file="), "{}", refused.out);
    // Which release, nobody has said.
    let bare = std::env::var("PATH").expect("a PATH");
    let bare: Vec<&str> = bare
        .split(':')
        .filter(|directory| Path::new(directory) != program().parent().expect("a directory"))
        .collect();
    let unsaid = run(&[("path", "docs/example")], temp.path(), Some(&bare.join(":")));
    if !unsaid.out.contains("kubectl-certs ") {
        assert_eq!(unsaid.status, 2, "{}\n{}", unsaid.out, unsaid.err);
        assert!(unsaid.out.contains("which release is not said"), "{}", unsaid.out);
    }
}
