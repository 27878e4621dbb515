//! Adds a path to the route's own Ingress. The JSON patches (RFC 6902) test the exact old value, so that no change of
//! others is lost: `rules` and `paths` are atomic lists.

use serde_json::{Value, json};

use super::{CHALLENGE_PREFIX, objects, table::PathType};
use crate::apply::Purpose;

/// The patch that adds a path to the rule of `host` in an Ingress as the server has it; `None` if the path exists.
///
/// The path becomes the first one, because some controllers take the first that matches. A host that only a tls entry
/// names gets a rule.
pub fn addition(
    ingress: &Value,
    host: Option<&str>,
    path: &str,
    path_type: PathType,
    target: objects::PathBackend<'_>,
) -> Option<Value> {
    let entry = json!(objects::ingress_path(path, path_type, target));
    let rules = &ingress["spec"]["rules"];
    let none = Vec::new();
    let list = rules.as_array().unwrap_or(&none);
    let of_host = |rule: &&Value| rule["host"].as_str().filter(|h| !h.is_empty()) == host;
    if list.iter().filter(of_host).any(|rule| holds(rule, &entry)) {
        return None;
    }
    let mut steps = Vec::new();
    if rules.is_null() {
        // Testing for absence fails in one library and passes in another, so the version is tested instead.
        steps.push(json!({
            "op": "test", "path": "/metadata/resourceVersion", "value": ingress["metadata"]["resourceVersion"],
        }));
        steps.push(json!({"op": "add", "path": "/spec/rules", "value": [rule_of(host, &entry)]}));
        return Some(steps.into());
    }
    steps.push(json!({"op": "test", "path": "/spec/rules", "value": rules}));
    // A rule without paths is left alone: after our paths are removed, it could not be distinguished from a rule that
    // was made for them.
    let with_paths = |rule: &Value| of_host(&rule) && rule["http"]["paths"].is_array();
    match list.iter().position(with_paths) {
        Some(at) => {
            steps.push(json!({"op": "add", "path": format!("/spec/rules/{at}/http/paths/0"), "value": entry}));
        }
        None => steps.push(json!({"op": "add", "path": "/spec/rules/-", "value": rule_of(host, &entry)})),
    }
    Some(steps.into())
}

fn rule_of(host: Option<&str>, entry: &Value) -> Value {
    let mut rule = json!({"http": {"paths": [entry]}});
    if let Some(host) = host {
        rule["host"] = host.into();
    }
    rule
}

fn holds(rule: &Value, entry: &Value) -> bool {
    rule["http"]["paths"]
        .as_array()
        .is_some_and(|paths| paths.contains(entry))
}

/// The patch that removes the path of one challenge; `None` if it does not exist.
pub fn removal(ingress: &Value, path: &str, service: &str) -> Option<Value> {
    without(ingress, &|entry| entry["path"] == path && service_of(entry) == service)
}

/// The patch that removes every path to a solver's Service, which a killed run may have left; `None` if there is none.
/// Only paths below `/.well-known/acme-challenge/` count.
pub fn leftover(ingress: &Value) -> Option<Value> {
    let prefix = Purpose::Solver.prefix();
    without(ingress, &|entry| {
        entry["path"]
            .as_str()
            .is_some_and(|path| path.starts_with(CHALLENGE_PREFIX))
            && service_of(entry).starts_with(prefix.as_str())
    })
}

fn service_of(entry: &Value) -> &str {
    entry["backend"]["service"]["name"].as_str().unwrap_or_default()
}

/// Tests the rules, and replaces them by the remaining ones. A rule that only has our paths was made by us.
fn without(ingress: &Value, ours: &dyn Fn(&Value) -> bool) -> Option<Value> {
    let rules = ingress["spec"]["rules"].as_array()?;
    let mut kept = Vec::with_capacity(rules.len());
    let mut removed = 0;
    for rule in rules {
        let Some(paths) = rule["http"]["paths"].as_array() else {
            kept.push(rule.clone());
            continue;
        };
        let left: Vec<&Value> = paths.iter().filter(|entry| !ours(entry)).collect();
        removed += paths.len() - left.len();
        if left.len() == paths.len() {
            kept.push(rule.clone());
        } else if !left.is_empty() {
            let mut rule = rule.clone();
            rule["http"]["paths"] = json!(left);
            kept.push(rule);
        }
    }
    if removed == 0 {
        return None;
    }
    let test = json!({"op": "test", "path": "/spec/rules", "value": rules});
    Some(if kept.is_empty() {
        json!([test, {"op": "remove", "path": "/spec/rules"}])
    } else {
        json!([test, {"op": "replace", "path": "/spec/rules", "value": kept}])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/.well-known/acme-challenge/tok_en-1";
    const TARGET: objects::PathBackend<'_> = objects::PathBackend {
        service: "kubectl-certs-solver-abcdefghij",
        port: 80,
    };

    fn ingress(rules: Value) -> Value {
        let mut ingress = json!({"metadata": {"resourceVersion": "7"}, "spec": {}});
        if !rules.is_null() {
            ingress["spec"]["rules"] = rules;
        }
        ingress
    }

    fn entry() -> Value {
        json!(objects::ingress_path(PATH, PathType::Exact, TARGET))
    }

    fn app() -> Value {
        json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}})
    }

    fn rule(host: &str, paths: &Value) -> Value {
        json!({"host": host, "http": {"paths": paths}})
    }

    fn add(ingress: &Value, host: &str) -> Option<Value> {
        addition(ingress, Some(host), PATH, PathType::Exact, TARGET)
    }

    #[test]
    fn the_path_is_put_first_under_a_test_of_the_old_rules() {
        let rules = json!([
            rule("other.example", &json!([app()])),
            rule("shop.example", &json!([app()]))
        ]);
        assert_eq!(
            add(&ingress(rules.clone()), "shop.example"),
            Some(json!([
                {"op": "test", "path": "/spec/rules", "value": rules},
                {"op": "add", "path": "/spec/rules/1/http/paths/0", "value": entry()},
            ]))
        );
    }

    #[test]
    fn a_host_without_a_rule_gets_one() {
        let rules = json!([rule("other.example", &json!([app()]))]);
        let patch = add(&ingress(rules), "shop.example").unwrap();
        assert_eq!(
            patch[1],
            json!({"op": "add", "path": "/spec/rules/-", "value": rule("shop.example", &json!([entry()]))})
        );
        let patch = add(&ingress(Value::Null), "shop.example").unwrap();
        assert_eq!(patch[0]["path"], "/metadata/resourceVersion");
        assert_eq!(patch[1]["value"], json!([rule("shop.example", &json!([entry()]))]));
        let bare = json!([{"host": "shop.example"}]);
        assert_eq!(add(&ingress(bare), "shop.example").unwrap()[1]["path"], "/spec/rules/-");
    }

    #[test]
    fn what_is_there_is_not_added_again() {
        let there = ingress(json!([rule("shop.example", &json!([entry(), app()]))]));
        assert_eq!(add(&there, "shop.example"), None);
    }

    #[test]
    fn it_is_taken_away_again_and_all_else_stays() {
        let rules = json!([
            rule("shop.example", &json!([entry(), app()])),
            rule("b.example", &json!([entry()]))
        ]);
        let there = ingress(rules.clone());
        let expected = json!([
            {"op": "test", "path": "/spec/rules", "value": rules},
            {"op": "replace", "path": "/spec/rules", "value": [rule("shop.example", &json!([app()]))]},
        ]);
        assert_eq!(removal(&there, PATH, TARGET.service), Some(expected.clone()));
        assert_eq!(leftover(&there), Some(expected));
        assert_eq!(removal(&there, PATH, "other"), None);
        assert_eq!(leftover(&ingress(json!([rule("shop.example", &json!([app()]))]))), None);
        assert_eq!(
            removal(
                &ingress(json!([rule("b.example", &json!([entry()]))])),
                PATH,
                TARGET.service
            )
            .unwrap()[1],
            json!({"op": "remove", "path": "/spec/rules"})
        );
    }

    /// The result of a patch with the operations that are used here, as a server computes it.
    fn patched(mut object: Value, patch: &Value) -> Value {
        for step in patch.as_array().unwrap() {
            let pointer = step["path"].as_str().unwrap();
            let (parent, end) = pointer.rsplit_once('/').unwrap();
            match step["op"].as_str().unwrap() {
                "test" => assert_eq!(object.pointer(pointer), Some(&step["value"])),
                "replace" => *object.pointer_mut(pointer).unwrap() = step["value"].clone(),
                "add" => match object.pointer_mut(parent).unwrap() {
                    Value::Array(items) => {
                        let at = end.parse().unwrap_or(items.len());
                        items.insert(at, step["value"].clone());
                    }
                    map => map[end] = step["value"].clone(),
                },
                other => panic!("{other}"),
            }
        }
        object
    }

    #[test]
    fn what_a_later_kubernetes_knows_of_a_users_ingress_stays() {
        let mut rules = json!([
            rule("shop.example", &json!([app()])),
            rule("b.example", &json!([app()]))
        ]);
        rules[0]["later"] = json!({"than": "this"});
        rules[0]["http"]["paths"][0]["later"] = 1.into();
        let mut before = ingress(rules);
        before["spec"]["later"] = json!(["a", "b"]);
        let added = patched(before.clone(), &add(&before, "shop.example").unwrap());
        assert_eq!(added["spec"]["later"], before["spec"]["later"]);
        assert_eq!(added["spec"]["rules"][0]["http"]["paths"][0], entry());
        assert_eq!(
            patched(added.clone(), &removal(&added, PATH, TARGET.service).unwrap()),
            before
        );
        assert_eq!(patched(added.clone(), &leftover(&added).unwrap()), before);
    }

    #[test]
    fn another_solvers_path_is_not_ours() {
        let mut others = entry();
        others["backend"]["service"]["name"] = "cm-acme-http-solver-x".into();
        assert_eq!(
            leftover(&ingress(json!([rule("shop.example", &json!([others, app()]))]))),
            None
        );
        let mut elsewhere = entry();
        elsewhere["path"] = "/app".into();
        assert_eq!(
            leftover(&ingress(json!([rule("shop.example", &json!([elsewhere, app()]))]))),
            None
        );
    }
}
