//! Each output format once, through the program.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use super::{EXAMPLE, Ran, command, file, finish, root, run};
use crate::support::run::program;

fn example(more: &[&str]) -> Ran {
    let mut args = EXAMPLE.to_vec();
    args.extend(more);
    run(&args).ends_with(0)
}

#[test]
fn json_keeps_to_its_schema_and_yaml_says_the_same() {
    let schema = std::fs::read_to_string(root().join("docs/reference/schema.json")).expect("it is there");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let json = example(&["-o", "json"]).json();
    let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(json["evaluatedAt"], "2026-12-01T00:00:00Z");
    let yaml: serde_json::Value = serde_saphyr::from_str(&example(&["-o", "yaml"]).out).expect("YAML");
    assert_eq!(yaml, json);
}

#[test]
fn wide_adds_what_the_table_leaves_out() {
    let wide = example(&["-o", "wide"]).out;
    let head = wide.lines().next().expect("a head");
    for column in ["SERIAL", "ALGORITHM", "NAMES", "SHA256", "CLASS", "AGE"] {
        assert!(head.contains(column), "{head}");
    }
}

#[test]
fn names_can_be_handed_to_kubectl() {
    let names = example(&["-o", "name", "-n", "shop"]).out;
    assert_eq!(
        names.lines().next(),
        Some("ingress.networking.k8s.io/checkout"),
        "{names}"
    );
    let mut lines: Vec<&str> = names.lines().collect();
    let all = lines.len();
    lines.dedup();
    assert!(
        all > 5 && lines.iter().all(|l| l.contains('/') && !l.contains(' ')),
        "{names}"
    );
}

#[test]
fn a_jsonpath_picks_as_kubectls_does() {
    let line = r#"jsonpath={range .items[?(@.status=="critical")]}{.namespace}{"/"}{.host}{"\n"}{end}"#;
    let out = example(&["-o", line]).out;
    assert!(out.lines().any(|l| l == "shop/trade.larkspur.example"), "{out}");
    assert_eq!(out.lines().count(), 8);
    let dir = tempfile::tempdir().expect("a directory");
    let template = file(&dir, "template", "{.items[0].host}");
    assert_eq!(
        example(&["-o", &format!("jsonpath-file={template}")]).out,
        "checkout.larkspur.example"
    );
}

#[test]
fn junit_is_well_formed_and_counts_its_failures() {
    let out = example(&["-o", "junit"]).out;
    assert!(
        out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
        "{out}"
    );
    assert!(out.contains("tests=\"35\""), "{}", &out[..200]);
    // Each element that is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in out
        .split('<')
        .skip(1)
        .filter_map(|part| part.split('>').next())
        .filter(|t| !t.starts_with('?'))
    {
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/', '\n'])
            .next()
            .expect("a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn sarif_names_each_rule_that_it_uses() {
    let json = example(&["-o", "sarif"]).json();
    assert_eq!(json["version"], "2.1.0");
    let run = &json["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 19);
    for result in results {
        assert!(
            rules.iter().any(|rule| rule["id"] == result["ruleId"]),
            "{}",
            result["ruleId"]
        );
    }
}

#[test]
fn the_head_can_be_left_out_and_labels_be_added() {
    let with = example(&[]).out;
    let without = example(&["--no-headers"]).out;
    assert_eq!(with.lines().count(), without.lines().count() + 1);
    assert!(!without.contains("STATUS"));
    let labels = example(&["--show-labels"]).out;
    assert!(
        labels.lines().next().expect("a head").ends_with("LABELS") && labels.contains("app.kubernetes.io/"),
        "{labels}"
    );
}

#[test]
fn rows_are_sorted_as_asked() {
    let column = |key: &str| -> Vec<String> {
        let out = example(&[
            "--no-headers",
            "--sort-by",
            key,
            "-o",
            "jsonpath={range .items[*]}{.host} {.namespace} {.notAfter}{\"\\n\"}{end}",
        ])
        .out;
        let at = match key {
            "host" => 0,
            "namespace" | "{.namespace}" => 1,
            _ => 2,
        };
        out.lines()
            .map(|l| l.split(' ').nth(at).unwrap_or_default().to_owned())
            .collect()
    };
    for key in ["host", "namespace", "{.namespace}", "expires"] {
        let found: Vec<String> = column(key).into_iter().filter(|cell| !cell.is_empty()).collect();
        assert!(found.is_sorted() && found.len() > 20, "{key}: {found:?}");
    }
}

#[test]
fn colour_is_used_where_it_is_asked_for_alone() {
    let coloured = |args: &[&str], no_color: &str| {
        let mut all = EXAMPLE.to_vec();
        all.extend(args);
        let mut command = command(&all);
        if !no_color.is_empty() {
            command.env("NO_COLOR", no_color);
        }
        let output = command.output().expect("it starts");
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], ""), "stdout is no terminal");
    assert!(coloured(&["--color", "always"], ""));
    assert!(coloured(&["--color=always"], "1"), "what is typed wins");
    assert!(!coloured(&["--color", "never"], ""));
    assert!(!coloured(&["--color", "always", "-o", "json"], ""), "JSON is JSON");
}

#[test]
fn a_closed_pipe_is_no_error() {
    for more in [&[][..], &["-o", "json"], &["-o", "yaml"], &["-o", "sarif"]] {
        let mut child = Command::new(program())
            .args(EXAMPLE)
            .args(more)
            .current_dir(root())
            .env("HOME", "/nonexistent")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let mut err = String::new();
        child
            .stderr
            .take()
            .expect("stderr")
            .read_to_string(&mut err)
            .expect("UTF-8");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{err}");
        assert!(!err.contains("error") && !err.contains("panicked"), "{err}");
    }
}

#[test]
fn the_other_commands_print_to_stdout() {
    assert_eq!(
        run(&["--version"]).ends_with(0).out,
        format!("kubectl certs {}\n", env!("CARGO_PKG_VERSION"))
    );
    for (shell, file) in [
        ("bash", "kubectl-certs.bash"),
        ("zsh", "kubectl-certs.zsh"),
        ("fish", "kubectl-certs.fish"),
        ("powershell", "_kubectl-certs.ps1"),
        ("elvish", ""),
    ] {
        let ran = finish(&mut command(&["completion", shell])).ends_with(0);
        // What packages install is what the program prints.
        if !file.is_empty() {
            let kept = std::fs::read_to_string(root().join("completions").join(file)).expect("it is there");
            assert_eq!(ran.out, kept, "{shell}");
        }
        assert!(ran.out.contains("kubectl-certs") && ran.err.is_empty(), "{shell}");
        assert!(
            !ran.out.contains("respond"),
            "{shell}: hidden commands are for programs"
        );
    }
    let list = run(&["explain"]).ends_with(0).out;
    assert!(list.lines().count() >= 60 && list.contains("HostMismatch"), "{list}");
    let page = run(&["explain", "hostmismatch"]).ends_with(0).out;
    assert!(
        page.starts_with("HostMismatch") && page.contains("How to fix it"),
        "{page}"
    );
}

#[test]
fn kubectl_completes_by_the_script_beside_the_program() {
    let dir = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(program(), dir.path().join("kubectl-certs")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let asked = |words: &[&str]| {
        let mut script = assert_cmd::Command::new(root().join("completions/kubectl_complete-certs"));
        let output = script
            .env_clear()
            .env("PATH", &path)
            .args(words)
            .output()
            .expect("it starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let commands = asked(&[""]);
    assert!(commands.starts_with("status\tShow every host"), "{commands}");
    assert!(
        !commands.contains("respond") && commands.ends_with("\n:4\n"),
        "{commands}"
    );
    assert_eq!(
        asked(&["explain", "HostM"]),
        "HostMismatch\tnames\n:4\n",
        "one WORD<TAB>DESCRIPTION a line, and what else the shell does"
    );
    assert_eq!(asked(&["status", "--filename", ""]), ":0\n", "files are the shell's");
    let flags = asked(&["renew", "web", "--prod"]);
    assert!(flags.starts_with("--production\t"), "{flags}");
    assert_eq!(asked(&["status", "--", "--prod"]), ":36\n");
    // PowerShell before 7.3 hands no empty argument on.
    let next = command(&["complete", "--next", "--", "rights", "--for"])
        .output()
        .expect("it starts");
    let next = String::from_utf8(next.stdout).expect("UTF-8");
    assert!(next.starts_with("prober\t") && next.ends_with(":4\n"), "{next}");
}

#[test]
fn confirm_asks_for_critical_rows_alone_and_evidence_says_what_a_verdict_rests_on() {
    let items = example(&["-o", "json"]).items();
    let evidence = |wanted: &str| items.iter().filter(|i| i["evidence"] == wanted).count();
    assert!(evidence("stored") > 5 && evidence("served") == 0, "{items:#?}");
    assert!(evidence("model") > 0, "{items:#?}");
    // Nobody listens there.
    let asked = example(&["-o", "json", "--confirm", "--connect", "127.0.0.1:1"]).items();
    let mut refused = 0;
    for item in &asked {
        let findings = item["findings"].as_array().expect("findings");
        let not_served = findings.iter().any(|f| f["reason"] == "NotServed");
        let critical = item["status"] == "critical" && item.get("host").is_some();
        assert_eq!(not_served, critical, "{item:#}");
        assert_ne!(item["evidence"], "served", "nothing was seen: {item:#}");
        refused += usize::from(not_served);
    }
    assert!(refused > 3, "{refused}");
}

#[test]
fn every_finding_of_the_example_has_commands_and_its_manifest() {
    let items = example(&["-o", "json"]).items();
    let commands: Vec<String> = items
        .iter()
        .flat_map(|item| item["findings"].as_array().expect("findings"))
        .flat_map(|finding| finding["commands"].as_array().expect("commands"))
        .map(|command| command.as_str().expect("a text").to_owned())
        .collect();
    assert!(commands.len() > 10);
    // What this program is asked for is asked of the same manifests, and is there.
    let ours: std::collections::BTreeSet<&String> = commands
        .iter()
        .filter(|c| c.starts_with("kubectl certs show") || c.starts_with("kubectl certs status"))
        .filter(|c| !c.contains(['<', '\'']))
        .collect();
    assert!(ours.len() >= 2, "{commands:#?}");
    for command in ours {
        let words: Vec<&str> = command.split(' ').skip(2).collect();
        let ran = run(&words);
        assert!(ran.status == 0 && !ran.out.is_empty(), "{command}: {}", ran.err);
    }
    let github = example(&["-o", "github"]).out;
    assert!(github.lines().all(|line| line.starts_with("::")), "{github}");
    assert!(github.contains("file=docs/example/shop.yaml,line="), "{github}");
}
