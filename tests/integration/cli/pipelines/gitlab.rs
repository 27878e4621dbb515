//! The job: its script is run as a runner runs it.

use serde_json::Value;

use super::{JUDGED, bash, ended, release, yaml};

/// The lines of the script as one, and the job's variables with others in their place.
fn job(given: &[(&str, &str)]) -> (String, Vec<(String, String)>, Value) {
    let file = yaml("plugin/gitlab/kubectl-certs.gitlab-ci.yml");
    let job = file["kubectl-certs"].clone();
    let script: Vec<&str> = job["script"]
        .as_array()
        .expect("a script")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut variables: Vec<(String, String)> = job["variables"]
        .as_object()
        .expect("variables")
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect();
    for (name, value) in given {
        let variable = variables.iter_mut().find(|(it, _)| it == name);
        (*value).clone_into(&mut variable.expect("a variable of the job").1);
    }
    (script.join("\n"), variables, job)
}

/// Runs the script in a copy of the example's directory.
fn run(given: &[(&str, &str)], without_program: bool) -> (i32, String, String, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let (script, variables, job) = job(given);
    assert_eq!(job["artifacts"]["reports"]["junit"], "kubectl-certs.xml");
    // GitLab's runner ends at the first line that fails.
    let mut command = bash(&script, &["-e", "-o", "pipefail"]);
    std::os::unix::fs::symlink(super::root().join("docs"), dir.path().join("docs")).expect("a link");
    command.current_dir(dir.path());
    if without_program {
        command.env("PATH", "/usr/bin:/bin");
    }
    command.envs(variables);
    let (status, out, err) = ended(&command.output().expect("bash"));
    let report = std::fs::read_to_string(dir.path().join("kubectl-certs.xml")).unwrap_or_default();
    (status, out, err, report)
}

#[test]
fn each_host_is_a_test_of_the_report_and_the_log_has_the_table() {
    let arguments = JUDGED.join(" ");
    let (status, out, err, report) = run(
        &[("CERTS_PATH", "docs/example"), ("CERTS_ARGUMENTS", &arguments)],
        false,
    );
    assert_eq!(status, 1, "{out}\n{err}");
    assert!(
        report.contains("<testcase name=\"trade.larkspur.example (ingress/wholesale)\""),
        "{report}"
    );
    assert!(out.contains("HostMismatch"), "{out}");
    let never = [
        ("CERTS_PATH", "docs/example"),
        ("CERTS_ARGUMENTS", arguments.as_str()),
        ("CERTS_FAIL_ON", "never"),
    ];
    let (status, _, err, report) = run(&never, false);
    assert_eq!(status, 0, "{err}");
    assert!(report.contains("tests=\"35\""), "{report}");
}

#[test]
fn the_program_comes_from_a_release_whose_sum_is_checked() {
    if std::path::Path::new("/usr/bin/kubectl-certs").exists() {
        return;
    }
    let temp = tempfile::tempdir().expect("a directory");
    let releases = release(temp.path(), "1.2.3");
    let from = format!("file://{}", releases.display());
    let given = [
        ("CERTS_PATH", "docs/example"),
        ("CERTS_FAIL_ON", "never"),
        ("CERTS_VERSION", "1.2.3"),
        ("CERTS_RELEASES", from.as_str()),
    ];
    let (status, out, err, report) = run(&given, true);
    assert_eq!(status, 0, "{out}\n{err}");
    assert!(report.contains("<testsuites "), "{report}");
    let sums = releases.join("v1.2.3/SHA256SUMS");
    let text = std::fs::read_to_string(&sums).expect("sums");
    std::fs::write(&sums, format!("{}{}", "0".repeat(64), &text[64..])).expect("written");
    let (status, out, _, report) = run(&given, true);
    assert!(status != 0 && report.is_empty(), "{out}");
    let (status, out, _, _) = run(&[("CERTS_PATH", "docs/example")], true);
    assert_eq!(status, 2, "{out}");
    assert!(out.contains("set CERTS_VERSION and CERTS_RELEASES"), "{out}");
}
