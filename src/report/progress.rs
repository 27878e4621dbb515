//! An issuance as people follow it: one line an event, one stage a certificate, a table at the end.

use super::present::grid::padded;
use crate::{
    event::{Event, EventKind},
    name::Name,
    object::Key,
    text::{Clear, first_of, time},
};

/// How many names a line shows before it only counts them.
const SHOWN: usize = 3;

/// `a.example, b.example, c.example and 4 more`. Cleared.
pub fn names(all: &[Name]) -> String {
    Clear(&first_of(all, SHOWN)).to_string()
}

/// What happened, in one line without its Secret. Cleared.
pub fn line(kind: &EventKind) -> String {
    let text = match kind {
        EventKind::Waiting { reason } => format!("waits: {reason}"),
        EventKind::Leased { place } => format!("took {place}"),
        EventKind::Ordered {
            url,
            names: all,
            resumed,
        } => {
            let how = if *resumed {
                "continues with the order"
            } else {
                "ordered"
            };
            format!("{how} for {} ({url})", names(all))
        }
        EventKind::ReplacesRefused { detail } => {
            format!(
                "the CA does not count this order as the renewal of the current certificate ({detail}): it counts against its rate limits"
            )
        }
        EventKind::Presented { name, method, place } => format!("{name}: {} answer is at {place}", method.as_str()),
        EventKind::SelfChecked { name, method, seen } => {
            format!("{name}: {} answer seen at {}", method.as_str(), seen.join(", "))
        }
        EventKind::Asked { name } => format!("{name}: the CA is asked to validate"),
        EventKind::Validated { name, already: false } => format!("{name}: valid"),
        EventKind::Validated { name, already: true } => format!("{name}: already valid"),
        EventKind::ChallengeFailed { name, detail } => format!("{name}: failed: {detail}"),
        EventKind::Issued {
            sha256,
            not_after,
            issuer,
        } => format!(
            "issued by {issuer}, valid until {} (SHA-256 {})",
            time::date(*not_after),
            sha256.get(..16).unwrap_or(sha256)
        ),
        EventKind::Stored { place } => format!("stored in {place}"),
        EventKind::Restarted { workload } => format!("restarted {workload}"),
        EventKind::Served { host, after_ms } => {
            // The new one, or the earlier one that a rollback has put back.
            format!(
                "{host} serves the stored certificate, {} after it was stored",
                duration(*after_ms)
            )
        }
        EventKind::CleanedUp { count: 1 } => "removed 1 temporary object".to_owned(),
        EventKind::CleanedUp { count } => format!("removed {count} temporary objects"),
        EventKind::Note { text } => text.clone(),
        EventKind::Done => "done".to_owned(),
        EventKind::LeftOut { names: all, why, hint } => {
            format!("done without {}: {why}{}", names(all), hinted(hint.as_deref()))
        }
        EventKind::NotStarted { why, hint } => format!("not started: {why}{}", hinted(hint.as_deref())),
        EventKind::Failed { error, hint } => format!("failed: {error}{}", hinted(hint.as_deref())),
    };
    Clear(&text).to_string()
}

/// The stage of a certificate after an event, for a line that is written over; `None` when the event changes none.
pub fn stage(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::Waiting { reason } => format!("waiting: {reason}"),
        EventKind::Ordered { .. } => "ordered".to_owned(),
        EventKind::Presented { name, .. } => format!("waiting for the answer to be seen: {name}"),
        EventKind::SelfChecked { name, .. } | EventKind::Asked { name } => format!("the CA validates: {name}"),
        EventKind::Validated { name, .. } => format!("valid: {name}"),
        EventKind::ChallengeFailed { name, .. } => format!("failed: {name}"),
        EventKind::Issued { .. } => "issued".to_owned(),
        EventKind::Stored { .. } => "stored; waiting until it is served".to_owned(),
        EventKind::Restarted { workload } => format!("restarted {workload}"),
        EventKind::Served { host, .. } => format!("served: {host}"),
        EventKind::Done => "done".to_owned(),
        EventKind::LeftOut { names: all, .. } => format!("done without {}", names(all)),
        EventKind::NotStarted { why, .. } => format!("not started: {why}"),
        EventKind::Failed { error, .. } => format!("failed: {error}"),
        EventKind::Leased { .. }
        | EventKind::ReplacesRefused { .. }
        | EventKind::CleanedUp { .. }
        | EventKind::Note { .. } => return None,
    })
    .map(|text| Clear(&text).to_string())
}

fn hinted(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!(" (hint: {hint})"))
}

/// What certificates came to, in the words of the table and of the screen: `renewed`, `renewed, 1 name left out`, `rehearsed`; the
/// `first` of a Secret is `issued`.
pub fn result(rehearsal: bool, first: bool, left_out: usize) -> String {
    let word = match (rehearsal, first) {
        (true, _) => "rehearsed",
        (false, true) => "issued",
        (false, false) => "renewed",
    };
    match left_out {
        0 => word.to_owned(),
        1 => format!("{word}, 1 name left out"),
        many => format!("{word}, {many} names left out"),
    }
}

/// An event as one JSON line, without its newline: `time`, `namespace` and `secret` beside the event's own fields.
pub fn json(event: &Event, at: &str) -> String {
    let mut value = serde_json::json!({"apiVersion": "kubectl-certs/v1", "kind": "Event", "time": at});
    if let (Some(object), Some(Key { namespace, name })) = (value.as_object_mut(), event.secret.as_ref()) {
        object.insert("namespace".into(), namespace.as_str().into());
        object.insert("secret".into(), name.as_str().into());
    }
    let own = serde_json::to_value(&event.kind).unwrap_or_default();
    if let (Some(object), serde_json::Value::Object(own)) = (value.as_object_mut(), own) {
        object.extend(own);
    }
    value.to_string()
}

/// One line of the table at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The Secret.
    pub secret: Key,
    /// The names that are in the certificate; those that were to be, where there is none.
    pub names: Vec<Name>,
    /// `renewed`, `issued`, `rehearsed`, `renewed, 1 name left out`, `failed`, ...
    pub result: String,
    /// Until when, how long it took, or why not.
    pub detail: String,
}

/// The table at the end: one line a certificate. Cleared, with a newline after each line; empty without lines.
pub fn table(lines: &[Summary]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut rows = vec![["SECRET", "RESULT", "NAMES", "DETAIL"].map(str::to_owned)];
    rows.extend(lines.iter().map(|l| {
        [
            Clear(&l.secret.to_string()).to_string(),
            l.result.clone(),
            names(&l.names),
            Clear(&l.detail).to_string(),
        ]
    }));
    let mut out = String::new();
    for line in padded(&rows) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `850 ms`, `2.4 s`, `75 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} s", ms / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_ca_says_cannot_reach_the_terminal_uncleared() {
        let event = EventKind::ChallengeFailed {
            name: name("a.example"),
            detail: "said \x1b[31mno\nreally".into(),
        };
        assert_eq!(line(&event), "a.example: failed: said \\x1b[31mno\\nreally");
        assert_eq!(stage(&event).as_deref(), Some("failed: a.example"));
    }

    #[test]
    fn a_certificate_without_some_names_has_not_failed() {
        let event = EventKind::LeftOut {
            names: vec![name("b.example")],
            why: "b.example: the CA says: no".into(),
            hint: Some("look".into()),
        };
        assert_eq!(
            line(&event),
            "done without b.example: b.example: the CA says: no (hint: look)"
        );
        assert_eq!(event.ends(), Some(true));
        assert_eq!(result(false, false, 1), "renewed, 1 name left out");
        assert_eq!(result(false, true, 0), "issued");
        assert_eq!(result(true, false, 2), "rehearsed, 2 names left out");
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let event = Event {
            secret: Some(Key::new("shop", "shop-tls")),
            kind: EventKind::Validated {
                name: name("*.a.example"),
                already: true,
            },
        };
        let json: serde_json::Value = serde_json::from_str(&json(&event, "2026-12-01T00:00:00Z")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "apiVersion": "kubectl-certs/v1", "kind": "Event", "time": "2026-12-01T00:00:00Z",
                "namespace": "shop", "secret": "shop-tls", "event": "validated", "name": "*.a.example", "already": true,
            })
        );
    }

    #[test]
    fn the_table_has_one_line_a_certificate() {
        let lines = [Summary {
            secret: Key::new("shop", "shop-tls"),
            names: ["a.example", "b.example", "c.example", "d.example"].map(name).into(),
            result: "renewed".to_owned(),
            detail: "valid until 2027-03-01, 1.2 s".into(),
        }];
        assert_eq!(
            table(&lines),
            "SECRET          RESULT    NAMES                                       DETAIL\n\
             shop/shop-tls   renewed   a.example, b.example, c.example and 1 more   valid until 2027-03-01, 1.2 s\n"
                .replace(
                    "NAMES                                       ",
                    "NAMES                                        "
                )
        );
        assert_eq!(duration(2_450), "2.4 s");
    }
}
