//! The documents as a whole: what programs and people read.

use serde_json::Value;

use super::{
    fixtures::{NOW, Shop, without_words},
    output::{Context, Format, write},
    place::ManifestPosition,
};
use crate::{
    check::Reason,
    object::{Key, Kind},
};

fn document(shop: &Shop, format: &str) -> String {
    let context = Context {
        now: NOW,
        show_context: true,
        ..Context::default()
    };
    let format: Format = format.parse().expect("a format");
    let mut out = Vec::new();
    write(&format, &shop.rows().into(), &context, &mut out).expect("a vector");
    String::from_utf8(out).expect("UTF-8")
}

fn some(shop: Shop) -> Shop {
    Shop(
        shop.0
            .into_iter()
            .skip(3)
            .take(7)
            .chain(Shop::with_hostile().0.into_iter().skip(10).take(1))
            .collect(),
    )
}

#[test]
fn json() {
    insta::assert_snapshot!(without_words(&document(&some(Shop::new()), "json")));
}

#[test]
fn yaml() {
    insta::assert_snapshot!(without_words(&document(&some(Shop::new()), "yaml")));
}

#[test]
fn junit() {
    insta::assert_snapshot!(without_words(&document(&some(Shop::new()), "junit")));
}

#[test]
fn sarif() {
    let mut log: Value = serde_json::from_str(&document(&some(Shop::new()), "sarif")).expect("JSON");
    let run = &mut log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array_mut().expect("rules");
    assert_eq!(rules.len(), Reason::ALL.len());
    assert!(rules.iter().all(|r| {
        r["shortDescription"]["text"]
            .as_str()
            .is_some_and(|t| !t.is_empty() && !t.contains('\n'))
    }));
    rules.clear();
    for version in ["version", "semanticVersion"] {
        run["tool"]["driver"][version] = "VERSION".into();
    }
    for result in run["results"].as_array_mut().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(result["ruleId"], Reason::ALL[index].as_str());
        result["message"]["text"] = "...".into();
        result.as_object_mut().expect("a result").remove("partialFingerprints");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).expect("JSON"));
}

/// The Ingress `web` and its Secret stand in files; nothing else does.
fn places(kind: Kind, key: &Key) -> Option<ManifestPosition> {
    let file = match (kind, key.name.as_str()) {
        (Kind::Ingress, "web") => "deploy/a b#1.yaml",
        _ => return None,
    };
    Some(ManifestPosition {
        file: file.into(),
        line: Some(12),
    })
}

fn with_places(format: &Format) -> String {
    let shop = Shop::new();
    let context = Context {
        now: NOW,
        place: Some(&places),
        ..Context::default()
    };
    let mut out = Vec::new();
    write(format, &shop.rows().into(), &context, &mut out).expect("a vector");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn sarif_says_where_the_manifest_is() {
    let log: Value = serde_json::from_str(&with_places(&Format::Sarif)).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let of = |name: &str| {
        let is = |r: &&Value| r["locations"][0]["logicalLocations"][0]["name"] == name;
        results.iter().find(is).expect("a result")["locations"][0].clone()
    };
    let physical = &of("web")["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "deploy/a%20b%231.yaml");
    assert_eq!(physical["region"]["startLine"], 12);
    let named = |r: &&Value| r["locations"][0]["logicalLocations"][0]["name"] != "web";
    let other = results.iter().find(named).expect("another");
    // Code scanning refuses a file with a result that has no file and line.
    let physical = &other["locations"][0]["physicalLocation"];
    let uri = physical["artifactLocation"]["uri"].as_str().expect("a path");
    assert!(
        uri.starts_with("cluster/prod/") && physical["region"]["startLine"] == 1,
        "{other}"
    );
}

/// What GitHub asks of a file ("SARIF support for code scanning": supported properties, limits).
#[test]
fn sarif_has_all_that_code_scanning_asks_for() {
    let log: Value = serde_json::from_str(&with_places(&Format::Sarif)).expect("JSON");
    assert!(log["$schema"].is_string() && log["version"] == "2.1.0");
    let run = &log["runs"][0];
    assert!(run["tool"]["driver"]["name"].is_string() && run["automationDetails"]["id"].is_string());
    let text = |value: &Value| value["text"].as_str().map_or(0, |text| text.chars().count());
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        assert!((1..=255).contains(&rule["id"].as_str().map_or(0, str::len)), "{rule}");
        for field in ["shortDescription", "fullDescription"] {
            assert!((1..=1024).contains(&text(&rule[field])), "{field} of {rule}");
        }
        assert!(
            text(&rule["help"]) > 0 && rule["help"]["markdown"].is_string(),
            "{rule}"
        );
        assert!(rule["properties"]["tags"].as_array().expect("tags").len() <= 20);
    }
    let mut seen = std::collections::BTreeSet::new();
    for result in run["results"].as_array().expect("results") {
        let level = result["level"].as_str().expect("a level");
        assert!(["error", "warning", "note"].contains(&level), "{result}");
        assert!(text(&result["message"]) > 0, "{result}");
        assert_eq!(result["locations"].as_array().map(Vec::len), Some(1), "{result}");
        let physical = &result["locations"][0]["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().expect("a path");
        assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.contains(' '), "{uri}");
        for field in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(physical["region"][field].as_u64() > Some(0), "{field} of {result}");
        }
        let hash = result["partialFingerprints"]["primaryLocationLineHash"]
            .as_str()
            .expect("a hash");
        assert!(hash.len() == 18 && hash.ends_with(":1"), "{hash}");
        seen.insert(hash.to_owned());
    }
    assert!(seen.len() > 5, "what differs has another hash: {seen:?}");
    let again: Value = serde_json::from_str(&with_places(&Format::Sarif)).expect("JSON");
    assert_eq!(
        again["runs"][0]["results"], run["results"],
        "and the same at the next time"
    );
}

#[test]
fn junit_and_github_say_where_the_manifest_is() {
    let junit = with_places(&Format::Junit);
    assert!(junit.contains(r#"file="deploy/a b#1.yaml" line="12""#), "{junit}");
    let github = with_places(&Format::Github);
    let lines: Vec<&str> = github.lines().collect();
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("::error file=deploy/a b#1.yaml,line=12,title=")),
        "{github}"
    );
    for line in &lines {
        let known = ["::error ", "::warning ", "::notice "]
            .iter()
            .any(|start| line.starts_with(start));
        assert!(known && line.matches("title=").count() == 1, "{line}");
    }
    assert!(
        lines.iter().any(|l| !l.contains("file=")),
        "what is in no file has none"
    );
}

#[test]
fn yaml_and_json_are_the_same_document() {
    let shop = Shop::with_hostile();
    let json: Value = serde_json::from_str(&document(&shop, "json")).expect("JSON");
    let yaml: Value = serde_saphyr::from_str(&document(&shop, "yaml")).expect("YAML");
    assert_eq!(json, yaml);
    assert_eq!(
        json["items"][10]["host"], "evil\u{1b}[31m\u{202e}moc.elpmaxe",
        "every character is kept"
    );
}

#[test]
fn what_is_not_known_has_no_key() {
    let shop = Shop::new();
    let mut rows = shop.rows();
    rows[0].context = "";
    let mut out = Vec::new();
    let context = Context {
        now: NOW,
        ..Context::default()
    };
    super::json::write(&rows.into(), &context, &mut out).expect("a vector");
    let list: Value = serde_json::from_slice(&out).expect("JSON");
    let item = |host: &str| {
        list["items"]
            .as_array()
            .expect("items")
            .iter()
            .find(|i| i["host"] == host)
            .cloned()
    };
    assert!(list["items"][0].get("context").is_none());
    assert_eq!(list["items"][1]["context"], "prod");
    assert!(item("*").is_some(), "an empty host is every host");
    let lone = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|i| i.get("route").is_none())
        .expect("a Secret");
    assert!(lone.get("host").is_none());
    assert!(item("dash.example").expect("a row").get("notAfter").is_none());
}

#[test]
fn documents_hold_nothing_that_changes_a_terminal() {
    let shop = Shop::with_hostile();
    for format in [
        "table",
        "wide",
        "json",
        "yaml",
        "name",
        "junit",
        "sarif",
        "github",
        "prometheus",
        "jsonpath={.items}",
        "jsonpath={.items[*]['host','issuer']}",
    ] {
        let out = document(&shop, format);
        let bad = out.chars().find(|c| *c != '\n' && crate::text::clear::is_unsafe(*c));
        assert_eq!(bad, None, "{format}");
    }
}

#[test]
fn junit_counts_failures_and_errors() {
    let out = document(&Shop::new(), "junit");
    assert!(
        out.contains("<testsuites name=\"kubectl certs\" tests=\"10\" failures=\"5\" errors=\"1\">"),
        "{out}"
    );
    let evil = document(&Shop::with_hostile(), "junit");
    assert!(
        !evil
            .chars()
            .any(|c| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}'))
    );
}

#[test]
fn a_closed_pipe_is_told_as_one() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shop = Shop::new();
    for format in [
        "table",
        "wide",
        "json",
        "yaml",
        "name",
        "junit",
        "sarif",
        "jsonpath={.items}",
    ] {
        let format: Format = format.parse().expect("a format");
        let error = write(&format, &shop.rows().into(), &Context::default(), &mut Closed).expect_err("closed");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format:?}");
    }
}

mod schema {
    use std::collections::BTreeSet;

    use super::*;
    use crate::object::register::KINDS;

    type Spoil = fn(&mut Value);

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../docs/reference/schema.json")).expect("JSON")
    }

    fn list() -> Value {
        serde_json::from_str(&document(&Shop::with_hostile(), "json")).expect("JSON")
    }

    #[test]
    fn it_is_valid_itself_and_fits_what_is_written() {
        assert!(jsonschema::meta::is_valid(&schema()));
        let validator = jsonschema::validator_for(&schema()).expect("a schema");
        let errors: Vec<String> = validator
            .iter_errors(&list())
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn it_names_every_reason_and_field() {
        let schema = schema();
        let reasons: Vec<&str> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(schema["$defs"]["reason"]["enum"], serde_json::json!(reasons));
        let mut fields: Vec<&str> = crate::report::item::FIELDS.to_vec();
        fields.sort_unstable();
        let mut properties: Vec<&String> = schema["$defs"]["item"]["properties"]
            .as_object()
            .expect("an object")
            .keys()
            .collect();
        properties.sort_unstable();
        assert_eq!(properties, fields);
    }

    #[test]
    fn it_names_every_kind_of_route() {
        let routes = KINDS.iter().filter(|row| row.kind.is_route());
        let names: BTreeSet<&str> = routes.map(|row| row.name).collect();
        let schema = schema();
        let kinds = schema["$defs"]["route"]["properties"]["kind"]["enum"]
            .as_array()
            .expect("a list");
        let said: BTreeSet<&str> = kinds.iter().filter_map(Value::as_str).collect();
        assert_eq!(said, names);
    }

    #[test]
    fn it_refuses_what_is_never_written() {
        let validator = jsonschema::validator_for(&schema()).expect("a schema");
        let wrong: [(&str, Spoil); 8] = [
            ("a field of the list", |l| l["metadata"] = serde_json::json!({})),
            ("a field of an item", |l| l["items"][0]["colour"] = "red".into()),
            ("a status", |l| l["items"][0]["status"] = "fine".into()),
            ("a reason", |l| l["items"][0]["findings"][0]["reason"] = "Bored".into()),
            ("an empty host", |l| l["items"][0]["host"] = "".into()),
            ("no findings", |l| {
                drop(l["items"][0].as_object_mut().expect("item").remove("findings"));
            }),
            ("half a leaf", |l| {
                drop(l["items"][0].as_object_mut().expect("item").remove("serial"));
            }),
            ("a local time", |l| l["evaluatedAt"] = "2026-12-01 00:00".into()),
        ];
        for (what, spoil) in wrong {
            let mut list = list();
            spoil(&mut list);
            assert!(!validator.is_valid(&list), "{what}");
        }
    }
}
