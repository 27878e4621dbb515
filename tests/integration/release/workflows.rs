//! The workflows that run where others can see them. `e2e::released` has them read by actionlint.

use serde_json::Value;

use super::{read, root};

fn workflows() -> Vec<(String, String, Value)> {
    let directory = root().join(".github/workflows");
    let mut all: Vec<_> = std::fs::read_dir(directory)
        .expect("workflows")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| {
            let text = read(&format!(".github/workflows/{name}"));
            let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, text, value)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().expect("jobs").values();
    jobs.flat_map(|job| job["steps"].as_array().expect("steps")).collect()
}

#[test]
fn workflows_call_the_scripts_that_are_there() {
    let names: Vec<String> = workflows().iter().map(|(name, ..)| name.clone()).collect();
    assert_eq!(names, ["release.yml", "test.yml"]);
    let mut called = Vec::new();
    for (name, _, workflow) in workflows() {
        for step in steps(&workflow) {
            for word in step["run"].as_str().unwrap_or_default().split_whitespace() {
                let is_script = ["tests/", "plugin/", ".ci/"]
                    .iter()
                    .any(|folder| word.starts_with(folder));
                if is_script {
                    assert!(root().join(word).is_file(), "{name}: {word}");
                    called.push(word.to_owned());
                }
            }
        }
    }
    for script in ["tests/run", "tests/rust", ".ci/run", "plugin/release/run"] {
        assert!(called.iter().any(|word| word == script), "nothing calls {script}");
    }
}

#[test]
fn workflows_may_do_no_more_than_they_need() {
    for (name, text, workflow) in workflows() {
        assert_eq!(
            workflow["permissions"],
            serde_json::json!({"contents": "read"}),
            "{name}"
        );
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            let may_write = content.get("permissions").is_some();
            assert_eq!(
                may_write,
                (name.as_str(), job.as_str()) == ("release.yml", "publish"),
                "{name}: {job}"
            );
            assert!(content["timeout-minutes"].is_number(), "{name}: {job} may run for ever");
        }
        for step in steps(&workflow) {
            if let Some(action) = step["uses"].as_str() {
                let (_, version) = action.split_once('@').expect("a version");
                let is_pinned = version
                    .strip_prefix('v')
                    .is_some_and(|major| major.parse::<u32>().is_ok())
                    || (version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()));
                assert!(is_pinned, "{name}: {action}");
                if action.starts_with("actions/checkout@") {
                    assert_eq!(step["with"]["persist-credentials"], false, "{name}: the token stays");
                }
            }
            // What others choose, such as the name of a branch, is not put into a script as text.
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: {script}");
        }
        assert!(!text.contains("pull_request_target"), "{name}");
    }
}

#[test]
fn a_release_is_built_for_each_of_its_targets_once() {
    let workflow = workflows().swap_remove(0).2;
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"]
        .as_array()
        .expect("a matrix");
    let mut built: Vec<&str> = matrix.iter().map(|entry| entry["target"].as_str().unwrap()).collect();
    built.sort_unstable();
    let script = read("plugin/release/run");
    let (_, table) = script.split_once("PLATFORMS = {\n").unwrap();
    let (table, _) = table.split_once("}\n").unwrap();
    let mut wanted: Vec<&str> = table.lines().map(|line| line.split('"').nth(1).unwrap()).collect();
    wanted.sort_unstable();
    assert_eq!(built, wanted);
    let listed = workflow["jobs"]["common"].to_string();
    for target in wanted {
        assert!(listed.contains(target), "no SBOM for {target}");
    }
}
