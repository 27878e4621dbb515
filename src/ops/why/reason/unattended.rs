//! What the controller says of a host: whether there is one, what it was told, who leads, and what it does.

use std::fmt::Write as _;

use super::{Step, ago, cause, line, nothing_to_do};
use crate::{
    object::doing::{DoingState, Heard},
    ops::{
        pause::Told,
        why::facts::{Controller, Controllers, Facts, Held, Said},
    },
    plan::{
        doing,
        why::{Line, Mark},
    },
    text::{date_time, quote},
};

pub(super) fn controller(facts: &Facts) -> Step {
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
pub(super) fn named(controller: &Controller) -> String {
    match controller.says.as_ref().filter(|says| !says.issuer.is_empty()) {
        Some(says) => format!("{} (issuer {})", controller.namespace, says.issuer),
        None => controller.namespace.clone(),
    }
}

pub(super) fn told(facts: &Facts) -> Step {
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

pub(super) fn leader(facts: &Facts) -> Step {
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
pub(super) fn does(facts: &Facts) -> Option<(Step, bool)> {
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

pub(super) fn order(facts: &Facts) -> Step {
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
pub(super) fn events(facts: &Facts) -> Step {
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
