//! What a preflight has found: a list for people, or JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::{
    plan::preflight::{Grade, Report},
    text::{Clear, width::width as cells, wrap::message},
};

/// A heading for each certificate, a line for each check, and below it what to do, broken between words for a terminal of `width` cells
/// where there is one. Cleared.
pub fn list(reports: &[Report], colour: bool, width: Option<usize>) -> String {
    let topics = reports.iter().flat_map(|r| &r.checks).map(|c| c.topic.as_str());
    let room = topics.map(cells).max().unwrap_or_default();
    let hang = room + 15;
    let fitted = |text: &str, hang: usize| match width {
        Some(width) => message(text, hang, hang, width),
        None => text.to_owned(),
    };
    let mut out = String::new();
    for report in reports.iter().filter(|report| !report.checks.is_empty()) {
        let _ = writeln!(out, "{}", Clear(&report.title));
        for check in &report.checks {
            let style = if colour { style(check.grade) } else { Style::new() };
            let _ = write!(
                out,
                "  {style}{:<7}{style:#}   {:<room$}   ",
                check.grade.as_str(),
                check.topic.as_str()
            );
            let mut text = Clear(check.message.trim()).to_string();
            if let Some(subject) = &check.subject {
                text = format!("{}: {text}", Clear(subject));
            }
            let _ = writeln!(out, "{}", fitted(&text, hang));
            if let Some(hint) = &check.hint {
                let hint = fitted(&Clear(hint).to_string(), hang + 2);
                let _ = writeln!(out, "{:hang$}→ {hint}", "");
            }
        }
    }
    out
}

fn style(grade: Grade) -> Style {
    let colour = match grade {
        Grade::Ok => AnsiColor::Green,
        Grade::Warning | Grade::Waiting => AnsiColor::Yellow,
        Grade::Fails => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// One item a check, with a newline at the end.
pub fn json(reports: &[Report], evaluated_at: &str) -> String {
    let items = reports.iter().flat_map(|report| {
        report.checks.iter().map(move |check| {
            let mut item = serde_json::to_value(check).unwrap_or(Value::Null);
            if let Some(secret) = &report.secret {
                item["namespace"] = secret.namespace.as_str().into();
                item["secret"] = secret.name.as_str().into();
            }
            item
        })
    });
    let all = json!({
        "apiVersion": "kubectl-certs/v1", "kind": "PreflightList", "evaluatedAt": evaluated_at,
        "items": items.collect::<Vec<Value>>(),
    });
    format!("{all:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Blame;
    use crate::{
        object::Key,
        plan::preflight::{Check, Topic, worst},
    };

    fn reports() -> Vec<Report> {
        vec![
            Report {
                secret: None,
                title: "letsencrypt".into(),
                checks: vec![Check::ok(Topic::Ca, "https://ca.example answers")],
            },
            Report {
                secret: Some(Key::new("shop", "shop-tls")),
                title: "Secret shop/shop-tls".into(),
                checks: vec![
                    Check::fails(Topic::Port80, Blame::Acme, "said \x1b[31mno")
                        .of("shop.example")
                        .hint(Some("open port 80")),
                    Check::fails(Topic::Rights, Blame::Cluster, "the right is missing"),
                ],
            },
        ]
    }

    #[test]
    fn a_check_is_one_line_and_another_says_what_to_do() {
        assert_eq!(
            list(&reports(), false, None),
            "letsencrypt\n\
             \x20 ok        CA        https://ca.example answers\n\
             Secret shop/shop-tls\n\
             \x20 fails     port 80   shop.example: said \\x1b[31mno\n\
             \x20                     → open port 80\n\
             \x20 fails     rights    the right is missing\n"
        );
        assert_eq!(worst(&reports()), (0, 2, Some(Blame::Acme)));
        let narrow = list(&reports(), false, Some(40));
        assert!(
            narrow.contains(
                "\x20 ok        CA        https://ca.example\n\
                 \x20                     answers\n"
            ),
            "{narrow}"
        );
    }

    #[test]
    fn json_has_one_item_a_check() {
        let json: Value = serde_json::from_str(&json(&reports(), "2026-12-01T00:00:00Z")).unwrap();
        assert_eq!(json["kind"], "PreflightList");
        assert_eq!(
            json["items"][1],
            serde_json::json!({
                "namespace": "shop", "secret": "shop-tls", "check": "port80", "subject": "shop.example",
                "result": "fails", "message": "said \x1b[31mno", "hint": "open port 80",
            })
        );
    }
}
