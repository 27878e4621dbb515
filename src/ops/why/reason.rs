//! From what was found to what it means: values in, values out.

mod unattended;

use std::fmt::Write as _;

use super::facts::{Facts, Stands, Stored};
use crate::{
    object::{Key, Seconds, annotation::COPY_OF},
    plan::why::{Answer, Line, Mark},
    text::{age, date_time, first_few, quote},
};

/// Why clients do not get what they should, and what to do about it.
struct Cause {
    why: String,
    next: Option<String>,
}

type Step = (Line, Option<Cause>);

fn line(step: &'static str, mark: Mark, text: impl Into<String>) -> Line {
    Line {
        step,
        mark,
        text: text.into(),
        since: None,
        until: None,
    }
}

#[allow(clippy::unnecessary_wraps)] // The arms of matches return it as it is.
fn cause(why: impl Into<String>, next: impl Into<String>) -> Option<Cause> {
    Some(Cause {
        why: why.into(),
        next: Some(next.into()),
    })
}

#[allow(clippy::unnecessary_wraps)] // The arms of matches return it as it is.
fn nothing_to_do(why: impl Into<String>) -> Option<Cause> {
    Some(Cause {
        why: why.into(),
        next: None,
    })
}

/// What the facts about one host and one Secret mean.
pub(super) fn answer(facts: &Facts) -> Answer {
    let stored = stored(facts);
    let served = served(facts);
    let is_stored = facts.stored.is_good(facts.now);
    let is_good = is_stored && served.0.mark == Mark::Done;
    // What keeps a certificate from being ordered comes first where there is none, in the order of the chain.
    let mut steps = vec![routes(facts)];
    if facts.secret.is_some() {
        steps.push(held(facts));
        steps.push(asked(facts));
        steps.push(unattended::controller(facts));
        steps.push(unattended::told(facts));
        // What the controller failed of is more exact than Events; what it waits for is less exact than what DNS says.
        let (failing, waiting): (Vec<_>, Vec<_>) = unattended::does(facts)
            .into_iter()
            .partition(|(_, is_failure)| *is_failure);
        steps.extend(failing.into_iter().map(|(step, _)| step));
        // An order that is under way may wait for just what is wrong.
        steps.push(unattended::events(facts));
        steps.push(dns(facts));
        steps.extend(waiting.into_iter().map(|(step, _)| step));
        steps.push(unattended::order(facts));
        steps.push(unattended::leader(facts));
        steps.push(stored);
    }
    let first = steps.iter_mut().find_map(|(_, cause)| cause.take());
    let cause = if is_good {
        nothing_to_do(all_good(facts))
    } else if is_stored {
        served.1
    } else {
        first.or_else(|| nothing_to_do(turn(facts)))
    };
    let mut lines: Vec<Line> = steps.into_iter().map(|(line, _)| line).collect();
    lines.push(served.0);
    let Cause { why, next } = cause.unwrap_or_else(|| Cause {
        why: turn(facts),
        next: None,
    });
    Answer {
        lines: in_order(lines),
        is_good,
        why,
        next,
    }
}

/// The chain as it is told, which is not the order in which causes count.
fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    const CHAIN: [&str; 12] = [
        "routes",
        "asked",
        "rule",
        "controller",
        "told",
        "leader",
        "does",
        "order",
        "events",
        "dns",
        "stored",
        "served",
    ];
    lines.sort_by_key(|line| CHAIN.iter().position(|step| *step == line.step));
    lines
}

fn secret(facts: &Facts) -> String {
    facts.secret.as_ref().map_or_else(String::new, Key::to_string)
}

fn routes(facts: &Facts) -> Step {
    let names: Vec<String> = facts.routes.iter().map(|route| route.name.clone()).collect();
    let has = if names.len() == 1 { "has" } else { "have" };
    let list = names.join(", ");
    match &facts.secret {
        Some(secret) => (
            line(
                "routes",
                Mark::Done,
                format!("{list} {has} the host, with Secret {secret}"),
            ),
            None,
        ),
        None if facts.elsewhere => (
            line(
                "routes",
                Mark::Done,
                format!("{list} {has} the host, and its certificate comes from elsewhere"),
            ),
            nothing_to_do(
                "its certificate does not come from a Secret: the controller or the provider of the route has it",
            ),
        ),
        None => (
            line(
                "routes",
                Mark::Failing,
                format!("{list} {has} the host, and no Secret for it"),
            ),
            cause(
                format!("{list} names no Secret for {}", facts.host),
                format!("add the host to `spec.tls` of {list}, with a secretName"),
            ),
        ),
    }
}

fn held(facts: &Facts) -> Step {
    match &facts.hold {
        // Of a copy, the words say what is missing.
        Some((rule, words)) if rule.starts_with("Copy") => (
            line("rule", Mark::Held, format!("{rule}: {words}")),
            nothing_to_do(format!("the rule {rule} holds it: {words}")),
        ),
        Some((rule, words)) => (
            line("rule", Mark::Held, format!("{rule}: {words}")),
            cause(
                format!("the rule {rule} holds it: {words}"),
                format!(
                    "whoever writes Secret {} renews it; `kubectl certs show secret/{} -n {}` shows by whom",
                    secret(facts),
                    quote(facts.secret.as_ref().map_or("", |key| key.name.as_str())),
                    quote(facts.secret.as_ref().map_or("", |key| key.namespace.as_str())),
                ),
            ),
        ),
        None => (line("rule", Mark::Done, "no rule holds it"), None),
    }
}

fn asked(facts: &Facts) -> Step {
    let asking: Vec<&str> = facts
        .routes
        .iter()
        .filter(|route| route.asks)
        .map(|route| route.name.as_str())
        .collect();
    if !asking.is_empty() {
        let asks = if asking.len() == 1 { "asks" } else { "ask" };
        return (
            line(
                "asked",
                Mark::Done,
                format!("{} {asks} by kubernetes.io/tls-acme", asking.join(", ")),
            ),
            None,
        );
    }
    if let Some(declared) = facts.declared.first() {
        let text = format!("{} declares {}", declared.by, first_few(&declared.names));
        return (line("asked", Mark::Done, text), None);
    }
    let mark = if facts.hold.is_some() {
        Mark::Unknown
    } else {
        Mark::Held
    };
    let text = "no route asks by the annotation kubernetes.io/tls-acme: \"true\"";
    let command = facts.routes.first().map_or_else(String::new, |route| {
        format!(
            "`kubectl annotate {} {} -n {} kubernetes.io/tls-acme=true` asks; `kubectl certs renew {}` orders once",
            route.kind,
            quote(&route.object),
            quote(&route.namespace),
            quote(&facts.host)
        )
    });
    (
        line("asked", mark, text),
        cause("no route asks for it by an annotation", command),
    )
}

fn ago(now: Seconds, at: Seconds) -> String {
    format!("{} ago", age(now.saturating_sub(at).max(0)))
}

fn dns(facts: &Facts) -> Step {
    match &facts.resolves {
        Ok(to) => (
            line("dns", Mark::Done, format!("{} resolves to {to}", facts.host)),
            None,
        ),
        Err(None) => (line("dns", Mark::Unknown, "a wildcard has no address"), None),
        Err(Some(why)) => (
            line("dns", Mark::Failing, why.clone()),
            cause(
                format!("{why}, so that HTTP-01 cannot prove it"),
                format!("make a record for {} that leads to the route", facts.host),
            ),
        ),
    }
}

fn stored(facts: &Facts) -> Step {
    let of = secret(facts);
    match &facts.stored {
        Stored::Absent => (
            line("stored", Mark::Failing, format!("there is no Secret {of} yet")),
            None,
        ),
        Stored::Unread(why) => (
            line("stored", Mark::Unknown, format!("Secret {of} may not be read: {why}")),
            cause(
                format!("nobody knows what is in Secret {of}: it may not be read"),
                "`kubectl certs rights --for reader` prints the role",
            ),
        ),
        Stored::Unusable(why) => (
            line(
                "stored",
                Mark::Failing,
                format!("what Secret {of} holds cannot be served: {why}"),
            ),
            None,
        ),
        Stored::Certificate {
            names,
            covers,
            not_after,
            due_at,
            ..
        } => {
            let mut text = format!("a certificate for {names}, until {}", date_time(*not_after));
            let mark = if *not_after < facts.now {
                text = format!("a certificate for {names}, which ended on {}", date_time(*not_after));
                Mark::Failing
            } else if *covers {
                Mark::Done
            } else {
                let _ = write!(text, ", which does not cover {}", facts.host);
                Mark::Failing
            };
            if let Some(due) = due_at {
                let _ = write!(text, "; due {}", date_time(*due));
            }
            (
                Line {
                    until: due_at.or(Some(*not_after)),
                    ..line("stored", mark, text)
                },
                None,
            )
        }
    }
}

fn served(facts: &Facts) -> Step {
    match &facts.served {
        Stands::Good(at) => (
            line("served", Mark::Done, format!("what is stored is served at {at}")),
            None,
        ),
        Stands::Bad(why) => (
            line("served", Mark::Failing, why.clone()),
            cause(
                format!("the certificate is stored, and clients do not get it: {why}"),
                format!(
                    "`kubectl certs probe {}` shows what each address serves",
                    quote(&facts.host)
                ),
            ),
        ),
        Stands::Unknown(why) => (
            line("served", Mark::Unknown, why.clone()),
            cause(
                format!("the certificate is stored; whether it is served is not known: {why}"),
                "--connect HOST:PORT asks there instead",
            ),
        ),
    }
}

fn all_good(facts: &Facts) -> String {
    let mut text = format!("{} is served as it should be", facts.host);
    if let Stored::Certificate { not_after, due_at, .. } = &facts.stored {
        let _ = write!(text, ", until {}", date_time(*not_after));
        let who = match (&facts.hold, due_at) {
            (Some((_, words)), _) => format!("; {words}, and renews it"),
            (None, _) if facts.declared.is_empty() && !facts.routes.iter().any(|route| route.asks) => {
                "; nobody renews it unattended, because no route asks".to_owned()
            }
            (None, Some(due)) if *due > facts.now => format!("; it is renewed at {}", date_time(*due)),
            (None, Some(_)) => "; it is due, and is renewed at the controller's next turn".to_owned(),
            (None, None) => String::new(),
        };
        text.push_str(&who);
    }
    text
}

/// Where nothing is wrong, and nothing is there yet.
fn turn(facts: &Facts) -> String {
    if facts.declared.iter().any(|declared| declared.by.contains(COPY_OF)) {
        return "the controller makes the copy at its next turn".to_owned();
    }
    match &facts.stored {
        Stored::Certificate { .. } => "the controller renews it at its next turn".to_owned(),
        _ => "the controller orders it at its next turn: it looks again within a minute".to_owned(),
    }
}

#[cfg(test)]
mod tests;
