//! cert-manager's side: what it wants, what it waits for, what it said.

use std::io;

use super::{
    CertManagerSide,
    pen::{Pen, Piece, Tone},
};
use crate::{
    check::row::Status,
    object::certmanager::Condition,
    text::{age, date_time},
};

/// So many challenges and events are shown.
const CHALLENGES: usize = 10;
const EVENTS: usize = 10;

pub(super) fn owner(pen: &mut Pen<'_>, owner: &CertManagerSide<'_>) -> io::Result<()> {
    let certificate = owner.certificate;
    pen.title(&format!("cert-manager: Certificate {}", certificate.meta.key()))?;
    if certificate.conditions.is_empty() {
        let words = pen.marked(Status::Unknown, "no status yet: is cert-manager running?");
        pen.field("  ", "status", &[words])?;
    }
    for condition in &certificate.conditions {
        let status = match (condition.kind.as_str(), condition.status.as_str()) {
            ("Issuing", "True") => Status::Info,
            ("Issuing", "False") | (_, "True") => Status::Healthy,
            _ => Status::Warning,
        };
        let words = told(pen, condition, status);
        pen.field("  ", "status", &words)?;
    }
    if certificate.failed_attempts > 0 {
        let words = pen.marked(Status::Warning, &format!("{} in a row", certificate.failed_attempts));
        pen.field("  ", "failures", &[words])?;
    }
    if let Some(at) = certificate.renewal_time {
        let words = if at > pen.now() {
            pen.plain(&format!("{}, in {}", date_time(at), age(at.saturating_sub(pen.now()))))
        } else {
            let since = age(pen.now().saturating_sub(at));
            pen.marked(Status::Warning, &format!("{}, due for {since}", date_time(at)))
        };
        pen.field("  ", "renewal", &[words])?;
    }
    issuer(pen, owner)?;
    if let Some(request) = owner.request {
        let name = pen.plain(&format!("{} ", request.meta.name));
        let mut pieces = vec![name];
        if let Some(ready) = ready(&request.conditions) {
            pieces.extend(told(pen, ready, of_ready(ready)));
        }
        pen.field("  ", "request", &pieces)?;
    }
    if let Some(order) = owner.order {
        let pieces = state(pen, &order.meta.name, &order.state, &order.reason);
        pen.field("  ", "order", &pieces)?;
    }
    for challenge in owner.challenges.iter().take(CHALLENGES) {
        let presented = if challenge.presented {
            "presented"
        } else {
            "not presented yet"
        };
        let name = format!("{} for {}, {presented}", challenge.challenge_type, challenge.dns_name);
        let pieces = state(pen, &name, &challenge.state, &challenge.reason);
        pen.field("  ", "challenge", &pieces)?;
    }
    let more = owner.challenges.len().saturating_sub(CHALLENGES);
    if more > 0 {
        let words = pen.dim(&format!("and {more} more"));
        pen.field("  ", "", &[words])?;
    }
    for (i, event) in owner.events.iter().take(EVENTS).enumerate() {
        let when = event.when.map_or_else(
            || "at an unknown time".to_owned(),
            |at| format!("{} ago", age(pen.now().saturating_sub(at))),
        );
        let tone = if event.warning {
            Tone::Of(Status::Warning)
        } else {
            Tone::Plain
        };
        let pieces = [
            pen.dim(&format!("{when} ")),
            pen.piece(
                tone,
                &format!("{}{}: ", if event.warning { "Warning " } else { "" }, event.reason),
            ),
            pen.plain(&event.message),
        ];
        pen.field("  ", if i == 0 { "events" } else { "" }, &pieces)?;
    }
    Ok(())
}

fn issuer(pen: &mut Pen<'_>, owner: &CertManagerSide<'_>) -> io::Result<()> {
    let named = &owner.certificate.issuer;
    let kind = if named.kind.is_empty() {
        "Issuer"
    } else {
        named.kind.as_str()
    };
    let mut pieces = vec![pen.plain(&format!("{kind} {} ", named.name))];
    match owner.issuer {
        None if named.group.is_empty() || named.group == "cert-manager.io" => {
            pieces.push(pen.marked(Status::Unknown, "not found or not read"));
        }
        None => pieces.push(pen.dim(&format!("of {}", named.group))),
        Some(issuer) => match ready(&issuer.conditions) {
            Some(condition) => pieces.extend(told(pen, condition, of_ready(condition))),
            None => pieces.push(pen.marked(Status::Unknown, "no status yet")),
        },
    }
    if let Some(server) = owner.issuer.and_then(|i| i.acme_server.as_deref()) {
        pieces.push(pen.dot());
        pieces.push(pen.dim(server));
    }
    pen.field("  ", "issuer", &pieces)
}

fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|c| c.kind == "Ready")
}

fn of_ready(condition: &Condition) -> Status {
    if condition.status == "True" {
        Status::Healthy
    } else {
        Status::Warning
    }
}

/// `! not Ready (DoesNotExist): message, for 3d`.
fn told(pen: &Pen<'_>, condition: &Condition, status: Status) -> Vec<Piece> {
    let not = match condition.status.as_str() {
        "True" => "",
        "False" => "not ",
        _ => "unknown whether ",
    };
    let mut pieces = vec![pen.marked(status, &format!("{not}{}", condition.kind))];
    if status != Status::Healthy && !condition.reason.is_empty() {
        pieces.push(pen.plain(&format!(" ({})", condition.reason)));
    }
    if let Some(since) = condition.since {
        pieces.push(pen.dim(&format!(" for {}", age(pen.now().saturating_sub(since)))));
    }
    if status != Status::Healthy && !condition.message.is_empty() {
        pieces.push(pen.plain(": "));
        pieces.push(pen.plain(&condition.message));
    }
    pieces
}

/// `name ! pending: why`.
fn state(pen: &Pen<'_>, name: &str, state: &str, reason: &str) -> Vec<Piece> {
    let status = match state {
        "valid" | "ready" => Status::Healthy,
        "invalid" | "errored" | "expired" => Status::Critical,
        _ => Status::Warning,
    };
    let mut pieces = vec![
        pen.plain(&format!("{name} ")),
        pen.marked(status, if state.is_empty() { "not started" } else { state }),
    ];
    if !reason.is_empty() {
        pieces.push(pen.plain(": "));
        pieces.push(pen.plain(reason));
    }
    pieces
}
