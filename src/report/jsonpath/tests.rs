use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::report::fixtures::{NOW, Shop};

fn eval(template: &str, value: &Value) -> String {
    let template = Template::parse(template).unwrap_or_else(|e| panic!("{template}: {e}"));
    let mut out = Vec::new();
    run(&template.0, value, &mut out).expect("a vector");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn templates_mean_what_kubectl_means() {
    let list = json!({"kind": "StatusList", "items": [
        {"host": "a.example", "status": "critical", "names": ["a.example", "b.example"], "route": {"listener": null}},
        {"host": "b.example", "status": "healthy", "names": [], "labels": {"app.kubernetes.io/name": "web", "it's": 1}},
        {"status": "critical", "n": 3, "ok": true},
    ]});
    for (template, expected) in [
        ("{.kind}", "StatusList"),
        ("{$.kind}", "StatusList"),
        ("{['kind']}", "StatusList"),
        ("{[\"kind\"]}", "StatusList"),
        ("{ .kind }", "StatusList"),
        ("kind: {.kind}!", "kind: StatusList!"),
        ("{.items[*].host}", "a.example b.example"),
        ("{.items[0].host}", "a.example"),
        ("{.items[-1].n}", "3"),
        ("{.items[0:2].host}", "a.example b.example"),
        ("{.items[0,2].status}", "critical critical"),
        ("{..host}", "a.example b.example"),
        ("{.items[?(@.status==\"critical\")].host}", "a.example"),
        ("{.items[?(@.status=='healthy')]['host','status']}", "b.example healthy"),
        ("{.items[?(@.n>2)].ok}", "true"),
        (
            "{.items[?(@.labels.app\\.kubernetes\\.io/name==\"web\")].host}",
            "b.example",
        ),
        ("{.items[?(@.host)].status}", "critical healthy"),
        ("{.items[*].labels.app\\.kubernetes\\.io/name}", "web"),
        ("{.items[*].labels['it\\'s']}", "1"),
        ("{.items[0].names}", "[\"a.example\",\"b.example\"]"),
        ("{.items[0].route.listener}", ""),
        ("{.nothing.here}", ""),
        (
            "{range .items[*]}{.host}{\"\\t\"}{.status}{\"\\n\"}{end}",
            "a.example\tcritical\nb.example\thealthy\n\tcritical\n",
        ),
        (
            "{range .items[*]}[{range .names[*]}{@},{end}]{end}",
            "[a.example,b.example,][][]",
        ),
        ("{range .items[*]}{@.host};{end}", "a.example;b.example;;"),
        ("{.kind}{' '}{.kind \"x\"}", "StatusList StatusListx"),
        ("a\\n}{.kind}", "a\\n}StatusList"),
    ] {
        assert_eq!(eval(template, &list), expected, "{template}");
    }
    assert_eq!(eval("{@}", &json!({"a": 1})), "{\"a\":1}");
    assert_eq!(eval("{.}", &json!([1])), "[1]");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (template, position, word) in [
        ("", 1, "empty"),
        (".items[*].host", 1, "is {.items[*].host} meant?"),
        ("{.items[*].host", 16, "brace is not closed"),
        ("ü{items}", 3, "begins with a dot"),
        ("{.items[*}", 10, "expected in brackets"),
        ("{.items[*", 8, "bracket is not closed"),
        ("{.items[host]}", 9, "expected in brackets"),
        ("{.items[?(@.a=='x)]}", 16, "quote is not closed"),
        ("{.items[?(@.a==]}", 8, "bracket is not closed"),
        ("{.items[?@.a==)]}", 15, "never opened"),
        ("{.items[?(@.a = 1)]}", 2, "not valid"),
        ("{.items[]}", 2, "not valid"),
        ("{range .items[*]}{.host}", 18, "no {end}"),
        ("{.kind}{end}", 9, "no {range}"),
        ("{\"\\q\"}", 3, "escape"),
        ("{.a..}", 6, "name"),
        ("{.a,.b}", 4, "closing brace is expected"),
    ] {
        let error = Template::parse(template).expect_err(template);
        assert!(error.message.contains(word), "{template}: {error}");
        assert_eq!(error.position, position, "{template}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn texts_of_rows_are_cleared_and_those_of_the_template_are_not() {
    let value = json!({"a": "\u{1b}[31m\u{202e}", "b": ["\u{9b}"]});
    assert_eq!(
        eval("\u{1b}[1m{.a}{\"\\n\"}{.b}", &value),
        "\u{1b}[1m\\x1b[31m\\u{202e}\n[\"\\x9b\"]"
    );
}

#[test]
fn rows_are_seen_as_the_status_list() {
    let shop = Shop::new();
    let mut out = Vec::new();
    let context = Context {
        now: NOW,
        ..Context::default()
    };
    Template::parse("{.apiVersion} {.items[?(@.status==\"critical\")].host}")
        .expect("a template")
        .write(&shop.rows().into(), &context, &mut out)
        .expect("a vector");
    let out = String::from_utf8_lossy(&out);
    assert!(out.starts_with("kubectl-certs/v1 shop.example "), "{out}");
    assert!(!out.chars().any(crate::text::clear::is_unsafe), "{out:?}");
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{{.items[?{}@.a{}]}}", "(".repeat(40_000), ")".repeat(20_000));
    assert!(Template::parse(&deep).is_err());
    let ranges = "{range .a}".repeat(5000);
    assert!(Template::parse(&ranges).is_err());
    let brackets = format!("{{.a{}", "[?@".repeat(20_000));
    assert!(Template::parse(&brackets).is_err());
}

proptest! {
    #[test]
    fn no_template_panics(template in ".*", inside in "[.$@\\[\\]?()'\"\\\\a-c0-2:,*=<>{} -]{0,30}") {
        let _ = Template::parse(&template);
        if let Ok(template) = Template::parse(&format!("{{{inside}}}")) {
            let mut out = Vec::new();
            run(&template.0, &json!({"a": [{"b": "c"}, 1, null]}), &mut out).expect("a vector");
        }
        let _ = Path::parse(&inside);
    }
}
