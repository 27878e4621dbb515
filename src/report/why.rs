//! Why a host stands where it does: a line for each step and a sentence, or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    object::Seconds,
    plan::why::OfSecret,
    text::{Clear, date_time},
};

/// The chain of each Secret, and the sentence. Cleared for a terminal.
pub fn list(host: &str, all: &[OfSecret]) -> String {
    let mut out = String::new();
    for found in all {
        match &found.secret {
            Some(secret) => drop(writeln!(out, "{}, Secret {}", Clear(host), Clear(&secret.to_string()))),
            None => drop(writeln!(out, "{}", Clear(host))),
        }
        for line in &found.answer.lines {
            let _ = writeln!(
                out,
                "  {:<8} {:<11} {}",
                line.mark.as_str(),
                line.step,
                Clear(&line.text)
            );
        }
        let _ = writeln!(out, "\n{}.", Clear(&found.answer.why));
        if let Some(next) = &found.answer.next {
            let _ = writeln!(out, "Next: {}", Clear(next));
        }
    }
    out
}

/// The same as JSON.
pub fn json(host: &str, all: &[OfSecret], now: Seconds) -> String {
    let document = json!({
        "apiVersion": "kubectl-certs/v1",
        "kind": "Why",
        "evaluatedAt": date_time(now),
        "host": host,
        "good": all.iter().all(|found| found.answer.is_good),
        "secrets": all.iter().map(of).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn of(found: &OfSecret) -> Value {
    let steps: Vec<Value> = found
        .answer
        .lines
        .iter()
        .map(|line| {
            let mut step = json!({"step": line.step, "state": line.mark.as_str(), "message": line.text});
            for (key, at) in [("since", line.since), ("until", line.until)] {
                if let Some(at) = at {
                    step[key] = date_time(at).into();
                }
            }
            step
        })
        .collect();
    json!({
        "secret": found.secret.as_ref().map(|key| json!({"namespace": key.namespace, "name": key.name})),
        "good": found.answer.is_good,
        "why": found.answer.why,
        "next": found.answer.next,
        "steps": steps,
    })
}
