//! What is written for other tools is what their readers take.

use std::process::Command;

use serde_json::Value;

use super::{EXAMPLE, root, run};
use crate::support::pages::page;

/// What is said of the example in a format.
fn example(format: &str) -> String {
    run(&[&EXAMPLE[..], &["-o", format]].concat()).ends_with(0).out
}

fn errors(schema: &jsonschema::Validator, document: &Value) -> Vec<String> {
    let errors = schema.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn sarif_keeps_to_the_schema_of_oasis() {
    let mut schema: Value = serde_json::from_str(&page("tests/integration/schemas/sarif-2.1.0.json")).expect("JSON");
    // The pattern of languages, which are not written here, is not one that Unicode regular expressions have (`]?`).
    for of in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{of}/properties/language"));
        let language = language.and_then(Value::as_object_mut).expect("a language");
        language.remove("pattern").expect("a pattern");
    }
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let document: Value = serde_json::from_str(&example("sarif")).expect("JSON");
    assert_eq!(errors(&schema, &document), [""; 0]);
    // The schema knows what it does not know.
    for (place, value) in [
        ("/runs/0/columnKind", Value::from("letters")),
        ("/runs/0/results/0/level", Value::from("critical")),
        ("/runs/0/results/0/message", Value::from("a text")),
        (
            "/runs/0/results/0/locations/0/physicalLocation/region/startLine",
            Value::from(0),
        ),
    ] {
        let mut wrong = document.clone();
        *wrong.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value;
        assert_ne!(errors(&schema, &wrong), [""; 0], "{place}");
    }
}

/// What GitHub takes of a run, as "SARIF results exceed limit" and "SARIF support for code scanning" of its documentation say: it shows ten
/// tags of a rule, and cuts texts of rules that are longer.
#[test]
fn sarif_keeps_to_the_limits_of_code_scanning() {
    let document: Value = serde_json::from_str(&example("sarif")).expect("JSON");
    let runs = document["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let rules = runs[0]["tool"]["driver"]["rules"].as_array().expect("rules");
    assert!((50..25_000).contains(&rules.len()), "{}", rules.len());
    for rule in rules {
        let id = rule["id"].as_str().expect("an id");
        for (text, most) in [
            (&rule["id"], 255),
            (&rule["name"], 255),
            (&rule["shortDescription"]["text"], 1024),
            (&rule["fullDescription"]["text"], 1024),
        ] {
            let long = text.as_str().expect("a text").chars().count();
            assert!((1..=most).contains(&long), "{id}: {long} of {most}: {text}");
        }
        let properties = &rule["properties"];
        assert!(properties["tags"].as_array().expect("tags").len() <= 10, "{id}");
        assert!(
            ["error", "warning", "recommendation"]
                .map(Value::from)
                .contains(&properties["problem.severity"]),
            "{id}"
        );
        assert!(!rule["help"]["text"].as_str().expect("help").is_empty(), "{id}");
    }
    let results = runs[0]["results"].as_array().expect("results");
    let mut fingerprints: Vec<&str> = Vec::new();
    for result in results {
        let locations = result["locations"].as_array().expect("locations");
        assert_eq!(locations.len(), 1, "{result}");
        let uri = locations[0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
        assert!(uri.is_some_and(|uri| !uri.starts_with(['/', '.'])), "{result}");
        fingerprints.extend(result["partialFingerprints"]["primaryLocationLineHash"].as_str());
    }
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), results.len(), "one for each result");
}

/// What the xUnit plugin of Jenkins says of a report, which refuses one that does not keep to its schema.
fn xunit(report: &str) -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("report.xml");
    std::fs::write(&file, report).expect("written");
    let checked = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(root().join("tests/integration/schemas/junit-10.xsd"))
        .arg(&file)
        .output()
        .expect("xmllint: tests/run installs it");
    if checked.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&checked.stderr).into_owned())
    }
}

/// The report without the file and line of each case: the plugin's schema has neither, and other readers show them.
fn without_places(report: &str) -> String {
    let mut parts = report.split(" file=\"");
    let mut plain = parts.next().expect("a report").to_owned();
    for part in parts {
        let (_, rest) = part.split_once("\" line=\"").expect("a line");
        let (number, rest) = rest.split_once('"').expect("its end");
        assert!(number.parse::<u32>().is_ok_and(|line| line > 0), "{number}");
        plain.push_str(rest);
    }
    plain
}

#[test]
fn junit_keeps_to_the_schema_of_jenkins() {
    let report = example("junit");
    assert!(
        report.contains("<failure message=") && report.contains(" line=\""),
        "{report}"
    );
    let plain = without_places(&report);
    xunit(&plain).unwrap_or_else(|error| panic!("{error}\n{plain}"));
    // What is not in the schema is refused.
    for (from, to) in [
        ("<testsuites ", "<testsuites skipped=\"0\" "),
        ("<failure message=", "<failure level=\"1\" message="),
        ("</testsuites>", "<testcase name=\"a\"/></testsuites>"),
    ] {
        let wrong = plain.replacen(from, to, 1);
        assert_ne!(wrong, plain);
        assert!(xunit(&wrong).is_err(), "{to}");
    }
}
