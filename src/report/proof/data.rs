//! The proof for scripts and spreadsheets.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Shown;
use crate::{
    plan::{
        audit::{Audit, Fault},
        proof::{Holds, Line, Proof},
    },
    text::{Clear, time::date_time},
};

/// The word for what a Secret holds.
fn word(holds: Holds) -> &'static str {
    match holds {
        Holds::Kept => "kept",
        Holds::Unused => "unused",
        Holds::Another { .. } => "another",
        Holds::Nothing => "nothing",
        Holds::Unread => "unread",
    }
}

/// One document, with a newline at the end.
pub fn json(shown: &Shown<'_>) -> String {
    let line = |line: &Line| {
        let expiries = line.expiries.iter();
        let expiries = expiries.map(|it| json!({"from": date_time(it.from), "until": it.until.map(date_time)}));
        json!({
            "namespace": line.secret.namespace.as_str(), "secret": line.secret.name.as_str(), "names": line.names,
            "holds": word(line.holds), "notAfter": date_time(line.until), "renewals": line.renewals, "renewalsByLinesAlone": line.by_lines,
            "leastLeftSeconds": line.least.map(|(left, _)| left), "leastLeftAt": line.least.map(|(_, at)| date_time(at)),
            "expired": expiries.collect::<Vec<Value>>(), "storedAt": date_time(line.stored),
            "firstSeenServedAt": line.served.map(date_time), "knownFrom": line.known_from.map(date_time),
        })
    };
    let audit = |audit: &Audit| {
        let chains = audit.chains.iter().map(|chain| {
            json!({
                "from": date_time(chain.period.0), "until": date_time(chain.period.1), "lines": chain.lines, "whole": chain.is_whole,
            })
        });
        let breaks = audit.breaks.iter().map(|it| {
            let fault = match it.fault {
                Fault::NoneBefore => "noneBefore",
                Fault::Twofold => "twofold",
            };
            json!({"file": it.file, "line": it.line, "fault": fault})
        });
        json!({
            "lines": audit.lines, "others": audit.others, "twice": audit.twice,
            "chains": chains.collect::<Vec<Value>>(), "breaks": breaks.collect::<Vec<Value>>(),
        })
    };
    let missing = |proof: &Proof| {
        let all = proof.missing.iter().map(|(secret, at)| {
            json!({
                "namespace": secret.namespace.as_str(), "secret": secret.name.as_str(), "storedAt": date_time(*at),
            })
        });
        all.collect::<Vec<Value>>()
    };
    let document = json!({
        "apiVersion": "kubectl-certs/v1", "kind": "Proof", "since": date_time(shown.since), "evaluatedAt": date_time(shown.now),
        "controllerNamespace": shown.namespace, "installations": shown.installs,
        "certificates": shown.proof.map(|proof| proof.lines.len()), "renewals": shown.proof.map(Proof::renewals),
        "expired": shown.proof.map(Proof::expired), "unreadable": shown.unreadable,
        "leastLeftSeconds": shown.proof.and_then(Proof::least).map(|(_, (left, _))| left),
        "items": shown.proof.map(|proof| proof.lines.iter().map(line).collect::<Vec<Value>>()).unwrap_or_default(),
        "notInLines": shown.proof.filter(|_| shown.audit.is_some()).map(missing), "audit": shown.audit.map(audit),
    });
    format!("{document:#}\n")
}

/// One line for each certificate, with a head (RFC 4180).
pub fn csv(proof: &Proof) -> String {
    let mut out = "namespace,secret,names,holds,notAfter,renewals,leastLeftSeconds,expired,storedAt,firstSeenServedAt,knownFrom\r\n"
        .to_owned();
    for line in &proof.lines {
        let cells = [
            line.secret.namespace.to_string(),
            line.secret.name.to_string(),
            line.names.join(" "),
            word(line.holds).to_owned(),
            date_time(line.until),
            line.renewals.to_string(),
            line.least.map_or_else(String::new, |(left, _)| left.to_string()),
            line.expiries.len().to_string(),
            date_time(line.stored),
            line.served.map_or_else(String::new, date_time),
            line.known_from.map_or_else(String::new, date_time),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = write!(out, "{}\r\n", cells.join(","));
    }
    out
}

/// A cell: in quotes where it has to be, and never a formula of a spreadsheet.
fn quoted(cell: &str) -> String {
    let cell = Clear(cell).to_string();
    let is_formula = cell.starts_with(['=', '+', '@']);
    let cell = if is_formula { format!("'{cell}") } else { cell };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::line, *};

    #[test]
    fn a_spreadsheet_gets_one_line_a_certificate_and_no_formula() {
        let mut of = line("web-tls");
        of.names = vec!["a.example".to_owned(), "b,\"c".to_owned()];
        of.secret.namespace = "=1+1".into();
        let proof = Proof {
            lines: vec![of],
            missing: Vec::new(),
        };
        let text = csv(&proof);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[0].split(',').count(), 11);
        assert!(
            lines[1].starts_with("'=1+1,web-tls,\"a.example b,\"\"c\",kept,"),
            "{text}"
        );
    }
}
