//! From what was found to what it means: values in, values out.

use std::fmt::Write as _;

use super::facts::{Controller, Controllers, Facts, Held, Said, Stands, Stored};
use crate::{
    object::{
        Key, Seconds,
        doing::{DoingState, Heard},
    },
    ops::pause::Told,
    plan::{
        doing,
        why::{Answer, Line, Mark},
    },
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
        steps.push(controller(facts));
        steps.push(told(facts));
        // What the controller failed of is more exact than Events; what it waits for is less exact than what DNS says.
        let (failing, waiting): (Vec<_>, Vec<_>) = does(facts).into_iter().partition(|(_, is_failure)| *is_failure);
        steps.extend(failing.into_iter().map(|(step, _)| step));
        // An order that is under way may wait for just what is wrong.
        steps.push(events(facts));
        steps.push(dns(facts));
        steps.extend(waiting.into_iter().map(|(step, _)| step));
        steps.push(order(facts));
        steps.push(leader(facts));
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

fn controller(facts: &Facts) -> Step {
    match &facts.controllers {
        Controllers::Unread(why) => (
            line("controller", Mark::Unknown, format!("it cannot be looked for: {why}")),
            None,
        ),
        Controllers::Found(all) if all.is_empty() => (
            line("controller", Mark::Failing, "none is known in this cluster"),
            cause(
                "no controller is installed that would order it",
                format!(
                    "install one, or order once: `kubectl certs renew {}`",
                    quote(&facts.host)
                ),
            ),
        ),
        Controllers::Found(all) => {
            let names: Vec<String> = all.iter().map(named).collect();
            let namespaces = if names.len() == 1 { "namespace" } else { "namespaces" };
            let text = format!("there is one in {namespaces} {}", names.join(", "));
            let follows = |it: &Controller| {
                let only = it.says.as_ref().and_then(|says| says.follows.as_ref());
                let of = facts.secret.as_ref().map(|secret| &secret.namespace);
                only.is_none_or(|only| of.is_none_or(|of| only.contains(of)))
            };
            if all.iter().any(follows) {
                return (line("controller", Mark::Done, text), None);
            }
            let of = facts.secret.as_ref().map_or("", |secret| secret.namespace.as_str());
            (
                line(
                    "controller",
                    Mark::Failing,
                    format!("{text}, which does not follow namespace {of}"),
                ),
                cause(
                    format!("no controller follows namespace {of}"),
                    format!(
                        "install one that does, or order once: `kubectl certs renew {}`",
                        quote(&facts.host)
                    ),
                ),
            )
        }
    }
}

/// The namespace of a controller, and its issuer if that is known.
fn named(controller: &Controller) -> String {
    match controller.says.as_ref().filter(|says| !says.issuer.is_empty()) {
        Some(says) => format!("{} (issuer {})", controller.namespace, says.issuer),
        None => controller.namespace.clone(),
    }
}

fn told(facts: &Facts) -> Step {
    let Some(controller) = facts.controllers.first() else {
        return (line("told", Mark::Unknown, "nobody knows what it was told"), None);
    };
    let resume = format!(
        "`kubectl certs resume -n {}` lets it order",
        quote(&controller.namespace)
    );
    match &controller.told {
        Err(why) => (line("told", Mark::Unknown, format!("that cannot be read: {why}")), None),
        Ok(Told::Order) => (line("told", Mark::Done, "it may order"), None),
        Ok(Told::Nothing) => (
            line("told", Mark::Held, "nobody has told it to order yet"),
            cause("nobody has told the controller to order yet: it only plans", resume),
        ),
        Ok(Told::Pause(pause)) => {
            let until = pause
                .until
                .map_or_else(String::new, |at| format!(", until {}", date_time(at)));
            let said = format!("paused since {}{until}: {}", date_time(pause.at), pause.reason);
            (
                Line {
                    since: Some(pause.at),
                    until: pause.until,
                    ..line("told", Mark::Held, said.clone())
                },
                cause(format!("the controller is {said}"), resume),
            )
        }
    }
}

fn leader(facts: &Facts) -> Step {
    let Some(controller) = facts.controllers.first() else {
        return (line("leader", Mark::Unknown, "there is no controller to lead"), None);
    };
    match &controller.leader {
        Err(why) => (
            line("leader", Mark::Unknown, format!("the Lease cannot be read: {why}")),
            None,
        ),
        Ok(Some(held)) if held.until >= facts.now => (
            Line {
                since: Some(held.since),
                ..line(
                    "leader",
                    Mark::Done,
                    format!("{} leads since {}", held.who, date_time(held.since)),
                )
            },
            None,
        ),
        Ok(Some(held)) => {
            let gone = format!(
                "{} led, and has not been heard of since {}",
                held.who,
                date_time(held.until)
            );
            let look = format!(
                "`kubectl get pods -n {}` shows whether it runs",
                quote(&controller.namespace)
            );
            (
                Line {
                    since: Some(held.until),
                    ..line("leader", Mark::Failing, gone.clone())
                },
                cause(format!("no replica of the controller orders: {gone}"), look),
            )
        }
        Ok(None) => (line("leader", Mark::Unknown, "no replica holds the Lease"), None),
    }
}

/// What the controller says that it does, and whether that is a failure; `None` where it says nothing.
fn does(facts: &Facts) -> Option<(Step, bool)> {
    let one = facts.doings.first()?;
    let doing = &one.doing;
    let text = doing::sentence(one, facts.now);
    let runs = !matches!(one.heard, Heard::Gone { .. });
    let host = quote(&facts.host);
    let look = format!("`kubectl certs preflight {host}` looks for what would stop an order");
    let (mark, cause) = match doing.state {
        DoingState::BackOff => (Mark::Failing, cause(text.clone(), look)),
        DoingState::Held => (Mark::Held, nothing_to_do(text.clone())),
        DoingState::Ready | DoingState::Running | DoingState::Waiting | DoingState::Limited => {
            (Mark::Waiting, nothing_to_do(text.clone()))
        }
        DoingState::Scheduled => (Mark::Done, None),
    };
    let line = Line {
        since: doing.since,
        until: doing.until,
        // Of one that does not run nobody knows what it does.
        ..line("does", if runs { mark } else { Mark::Unknown }, text)
    };
    let is_failure = matches!(doing.state, DoingState::BackOff | DoingState::Held);
    Some(((line, cause.filter(|_| runs)), is_failure && runs))
}

fn order(facts: &Facts) -> Step {
    let holder: Option<&Held> = facts.under_way.as_ref().filter(|held| held.until >= facts.now);
    if let Some(held) = holder {
        let text = format!("{} has been working on it since {}", held.who, date_time(held.since));
        return (
            Line {
                since: Some(held.since),
                ..line("order", Mark::Waiting, text.clone())
            },
            nothing_to_do(format!("an order is under way: {text}")),
        );
    }
    match facts.journal {
        Some(began) => (
            Line {
                since: Some(began),
                ..line(
                    "order",
                    Mark::Waiting,
                    format!("one of {} has not ended; the next run continues it", date_time(began)),
                )
            },
            None,
        ),
        None => (line("order", Mark::Done, "none is under way"), None),
    }
}

/// What was said last: an event of a success ends the failures before it.
fn events(facts: &Facts) -> Step {
    let newest = facts.events.iter().max_by_key(|said| said.at);
    match newest {
        Some(said) if said.is_failure => {
            let of_failure = |it: &&Said| it.is_failure;
            let since = facts
                .events
                .iter()
                .filter(of_failure)
                .map(|it| it.at)
                .min()
                .unwrap_or(said.at);
            let mut text = format!("{} {}: {}", said.reason, ago(facts.now, said.at), said.message);
            if said.count > 1 {
                let _ = write!(text, " ({} times)", said.count);
            }
            (
                Line {
                    since: Some(since),
                    ..line("events", Mark::Failing, text)
                },
                cause(
                    format!("it has failed since {}: {}", date_time(since), said.message),
                    format!(
                        "`kubectl certs preflight {}` looks for what would stop an order",
                        quote(&facts.host)
                    ),
                ),
            )
        }
        Some(said) => (
            line(
                "events",
                Mark::Done,
                format!("{} {}", said.reason, ago(facts.now, said.at)),
            ),
            None,
        ),
        None => (line("events", Mark::Unknown, "none in the last hour"), None),
    }
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
    match &facts.stored {
        Stored::Certificate { .. } => "the controller renews it at its next turn".to_owned(),
        _ => "the controller orders it at its next turn: it looks again within a minute".to_owned(),
    }
}

#[cfg(test)]
mod tests;
