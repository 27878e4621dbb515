//! That certificates were renewed in time, for an auditor: whole sentences and a table, JSON, or CSV.

mod data;

use std::fmt::Write as _;

pub use data::{csv, json};

use super::present::grid::padded;
use crate::{
    object::{Key, Seconds},
    plan::{
        audit::{Audit, Chain, Fault},
        proof::{Holds, Line, Proof},
    },
    text::{
        Clear, grouped,
        time::{age, date, date_time},
    },
};

/// How many of a kind are listed in sentences; the others are counted.
const LISTED: usize = 20;

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The controller's namespace.
    pub namespace: &'a str,
    /// The installations that keep the pairs.
    pub installs: &'a [String],
    /// What is proved; `None` if no cluster was read.
    pub proof: Option<&'a Proof>,
    /// How many kept pairs could not be read.
    pub unreadable: usize,
    /// What the lines say; `None` if none were read.
    pub audit: Option<&'a Audit>,
    /// From when on, in seconds since 1970.
    pub since: Seconds,
    /// Until when.
    pub now: Seconds,
}

fn many(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{} {word}s", grouped(count)),
    }
}

fn of(secret: &Key) -> String {
    Clear(&secret.to_string()).to_string()
}

/// For people, with a newline at the end. Cleared.
pub fn text(shown: &Shown<'_>) -> String {
    let mut out = String::new();
    if let Some(proof) = shown.proof {
        out.push_str(&summary(shown, proof));
        out.push('\n');
        out.push_str(&table(proof));
        out.push_str(&unknown(shown, proof));
    }
    if let Some(audit) = shown.audit {
        if shown.proof.is_some() {
            out.push('\n');
        }
        out.push_str(&lines(audit));
        if let Some(proof) = shown.proof {
            out.push_str(&compared(proof));
        }
    }
    out
}

/// What is proved, in short.
fn summary(shown: &Shown<'_>, proof: &Proof) -> String {
    let period = format!("From {} until {}", date_time(shown.since), date_time(shown.now));
    let kept = if proof.lines.len() == 1 { "was" } else { "were" };
    let mut out = format!(
        "{period}, {} {kept} kept by {} (namespace {}).\n",
        many(proof.lines.len(), "certificate"),
        match shown.installs {
            [one] => format!("installation {}", Clear(one)),
            all => many(all.len(), "installation"),
        },
        Clear(shown.namespace)
    );
    let _ = writeln!(
        out,
        "There {} {}.",
        if proof.renewals() == 1 { "was" } else { "were" },
        many(proof.renewals(), "renewal")
    );
    let _ = match proof.expired() {
        0 => writeln!(out, "No certificate expired while it was kept."),
        1 => writeln!(out, "1 CERTIFICATE EXPIRED while it was kept:"),
        some => writeln!(out, "{} CERTIFICATES EXPIRED while they were kept:", grouped(some)),
    };
    let all = proof
        .lines
        .iter()
        .flat_map(|line| line.expiries.iter().map(move |expiry| (line, expiry)));
    for (line, expiry) in all.clone().take(LISTED) {
        let secret = of(&line.secret);
        let from = date_time(expiry.from);
        let _ = match expiry.until {
            Some(until) => writeln!(
                out,
                "- Secret {secret} had no valid certificate from {from} until {}, for {}.",
                date_time(until),
                age(until - expiry.from)
            ),
            None => writeln!(out, "- Secret {secret} has had no valid certificate since {from}."),
        };
    }
    let rest = all.count().saturating_sub(LISTED);
    if rest > 0 {
        let _ = writeln!(out, "- and {rest} more, which the table has");
    }
    let _ = match proof.least() {
        None => writeln!(out, "There was no renewal, so that no remaining life is known."),
        Some((line, (left, at))) if left >= 0 => writeln!(
            out,
            "The least life that a certificate had left when its successor was stored is {}: Secret {}, on {}.",
            age(left),
            of(&line.secret),
            date_time(at)
        ),
        Some((line, (left, at))) => writeln!(
            out,
            "The latest successor was stored {} after the certificate before it had ended: Secret {}, on {}.",
            age(left),
            of(&line.secret),
            date_time(at)
        ),
    };
    let seen = proof.lines.iter().filter(|line| line.served.is_some()).count();
    let _ = writeln!(
        out,
        "Of {}, {} seen served after {} stored.",
        many(proof.lines.len(), "present certificate"),
        if seen == 1 {
            "1 was".to_owned()
        } else {
            format!("{} were", grouped(seen))
        },
        if seen == 1 { "it was" } else { "they were" }
    );
    out
}

fn table(proof: &Proof) -> String {
    let head = [
        "SECRET",
        "VALID UNTIL",
        "RENEWALS",
        "LEAST LEFT",
        "EXPIRED",
        "STORED",
        "FIRST SEEN SERVED",
    ];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    for line in &proof.lines {
        cells.push(vec![
            of(&line.secret),
            date(line.until),
            line.renewals.to_string(),
            line.least.map_or_else(|| "-".to_owned(), |(left, _)| life(left)),
            line.expiries.len().to_string(),
            date_time(line.stored),
            line.served.map_or_else(|| "not known".to_owned(), date_time),
        ]);
    }
    let shown: Vec<&[String]> = cells.iter().map(Vec::as_slice).collect();
    padded(&shown).map(|line| line + "\n").collect()
}

fn life(left: Seconds) -> String {
    if left < 0 { format!("-{}", age(left)) } else { age(left) }
}

/// What is not known, and what does not count.
fn unknown(shown: &Shown<'_>, proof: &Proof) -> String {
    let mut out = String::new();
    let mut say = |count: usize, one: &str, some: &str, all: &mut dyn Iterator<Item = &Line>| {
        if count == 0 {
            return;
        }
        let named: Vec<String> = all.take(LISTED).map(|line| of(&line.secret)).collect();
        let more = count.saturating_sub(named.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let words = if count == 1 { one } else { some };
        let _ = writeln!(
            out,
            "- {}: {}{more}",
            words.replace('#', &grouped(count)),
            named.join(", ")
        );
    };
    let of_kind = |is: fn(&Line) -> bool| proof.lines.iter().filter(move |line| is(line));
    let mut told = |is: fn(&Line) -> bool, one: &str, some: &str| say(of_kind(is).count(), one, some, &mut of_kind(is));
    told(
        |line| line.known_from.is_some(),
        "Of 1 certificate, earlier renewals of the period are not known, because an earlier version did not record them",
        "Of # certificates, earlier renewals of the period are not known, because an earlier version did not record them",
    );
    told(
        |line| line.served.is_none(),
        "Of 1 present certificate it is not known whether and when it was seen served",
        "Of # present certificates it is not known whether and when they were seen served",
    );
    told(
        |line| line.holds == Holds::Unused,
        "1 certificate is in no route's use any more, is not renewed, and does not count as expired when it ends",
        "# certificates are in no route's use any more, are not renewed, and do not count as expired when they end",
    );
    told(
        |line| line.holds == Holds::Nothing,
        "1 certificate has no Secret any more, and does not count as expired when it ends",
        "# certificates have no Secret any more, and do not count as expired when they end",
    );
    told(
        |line| matches!(line.holds, Holds::Another { .. }),
        "1 Secret holds another certificate than the one that is kept, which counts by its own end",
        "# Secrets hold other certificates than those that are kept, which count by their own ends",
    );
    told(
        |line| line.holds == Holds::Unread,
        "What 1 Secret holds now could not be read",
        "What # Secrets hold now could not be read",
    );
    if shown.unreadable > 0 {
        let _ = writeln!(
            out,
            "- {} could not be read and {} left out",
            many(shown.unreadable, "kept pair"),
            if shown.unreadable == 1 { "is" } else { "are" }
        );
    }
    if out.is_empty() {
        out
    } else {
        format!("\nWhat is not known, or does not count:\n{out}")
    }
}

/// What the lines come to.
fn lines(audit: &Audit) -> String {
    let mut out = String::new();
    let whole = audit.chains.iter().filter(|chain| chain.is_whole).count();
    let period = |of: fn(&Chain) -> Seconds| audit.chains.iter().map(of);
    let (first, last) = (
        period(|chain| chain.period.0).min(),
        period(|chain| chain.period.1).max(),
    );
    let (Some(first), Some(last)) = (first, last) else {
        return format!(
            "There is no line of a controller among the {}: each has the field `previous`.\n",
            many(audit.others, "line")
        );
    };
    let _ = writeln!(
        out,
        "{} of {} were read, from {} until {}.",
        many(audit.lines, "line"),
        match audit.chains.len() {
            1 => "1 process".to_owned(),
            some => format!("{} processes", grouped(some)),
        },
        date_time(first),
        date_time(last)
    );
    if audit.breaks.is_empty() {
        let _ = writeln!(
            out,
            "Each has the hash of the line before it: none between them was changed or taken away."
        );
    } else {
        let (count, does) = (audit.breaks.len(), if audit.breaks.len() == 1 { "DOES" } else { "DO" });
        let _ = writeln!(out, "{} {does} NOT FOLLOW the line before:", many(count, "line"));
        for broken in audit.breaks.iter().take(LISTED) {
            let why = match broken.fault {
                Fault::NoneBefore => "the line before it was changed, or is missing",
                Fault::Twofold => "another line follows the same one: one of both was put there later",
            };
            let _ = writeln!(out, "- {} line {}: {why}.", Clear(&broken.file), broken.line);
        }
        if count > LISTED {
            let _ = writeln!(out, "- and {} more", count - LISTED);
        }
    }
    if whole < audit.chains.len() && audit.breaks.is_empty() {
        let _ = match audit.chains.len() - whole {
            1 => writeln!(
                out,
                "The lines of 1 process begin in the middle: what was before is not known."
            ),
            some => writeln!(
                out,
                "The lines of {} processes begin in the middle: what was before is not known.",
                grouped(some)
            ),
        };
    }
    out.push_str("Lines that are missing at the end cannot be told from the others.\n");
    out
}

/// What the kept pairs and the lines have apart.
fn compared(proof: &Proof) -> String {
    let mut out = String::new();
    let by_lines: usize = proof.lines.iter().map(|line| line.by_lines).sum();
    if by_lines > 0 {
        let _ = writeln!(
            out,
            "{} of the time before the kept pairs tell them are counted by the lines.",
            many(by_lines, "renewal")
        );
    }
    match proof.missing.len() {
        0 => out.push_str("Every renewal of their time that the kept pairs tell is in the lines.\n"),
        count => {
            let _ = writeln!(
                out,
                "{} of the kept pairs {} not in the lines, although lines of the time are:",
                many(count, "certificate"),
                if count == 1 { "is" } else { "are" }
            );
            for (secret, at) in proof.missing.iter().take(LISTED) {
                let _ = writeln!(out, "- Secret {}, stored on {}", of(secret), date_time(*at));
            }
            if count > LISTED {
                let _ = writeln!(out, "- and {} more", count - LISTED);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        plan::{audit::Break, proof::Expiry},
        text::time::DAY,
    };

    const NOW: Seconds = 1_800_000_000;

    pub(super) fn line(name: &str) -> Line {
        Line {
            secret: Key::new("shop", name),
            names: vec![format!("{name}.example")],
            holds: Holds::Kept,
            until: NOW + 70 * DAY,
            renewals: 1,
            by_lines: 0,
            least: Some((29 * DAY, NOW - 20 * DAY)),
            expiries: Vec::new(),
            stored: NOW - 20 * DAY,
            served: Some(NOW - 20 * DAY + 4),
            known_from: None,
        }
    }

    fn shown<'a>(proof: &'a Proof, audit: Option<&'a Audit>, installs: &'a [String]) -> Shown<'a> {
        Shown {
            namespace: "kubectl-certs",
            installs,
            proof: Some(proof),
            unreadable: 0,
            audit,
            since: NOW - 90 * DAY,
            now: NOW,
        }
    }

    fn audit(breaks: Vec<Break>) -> Audit {
        Audit {
            lines: 1_200,
            chains: vec![Chain {
                period: (NOW - 80 * DAY, NOW),
                lines: 1_200,
                is_whole: true,
            }],
            breaks,
            ..Audit::default()
        }
    }

    #[test]
    fn an_auditor_reads_whole_sentences_and_what_is_not_known() {
        let old = Line {
            served: None,
            known_from: Some(NOW - 30 * DAY),
            ..line("old-tls")
        };
        let proof = Proof {
            lines: vec![old, line("web-tls")],
            missing: Vec::new(),
        };
        let installs = ["abcdefghij".to_owned()];
        insta::assert_snapshot!(text(&shown(&proof, Some(&audit(Vec::new())), &installs)));
    }

    #[test]
    fn an_expiry_and_a_broken_chain_cannot_be_missed() {
        let late = Line {
            least: Some((-2 * DAY, NOW - 8 * DAY)),
            expiries: vec![
                Expiry {
                    from: NOW - 10 * DAY,
                    until: Some(NOW - 8 * DAY),
                },
                Expiry {
                    from: NOW - DAY,
                    until: None,
                },
            ],
            ..line("late-tls")
        };
        let proof = Proof {
            lines: vec![late],
            missing: vec![(Key::new("shop", "late-tls"), NOW - 8 * DAY)],
        };
        let broken = audit(vec![Break {
            file: "controller.log".to_owned(),
            line: 17,
            fault: Fault::NoneBefore,
        }]);
        let installs = ["abcdefghij".to_owned()];
        let shown = shown(&proof, Some(&broken), &installs);
        insta::assert_snapshot!(text(&shown));
        let document: Value = serde_json::from_str(&json(&shown)).unwrap();
        assert_eq!((&document["expired"], &document["renewals"]), (&2.into(), &1.into()));
        assert_eq!(document["items"][0]["expired"][1]["until"], Value::Null);
        assert_eq!(document["audit"]["breaks"][0]["line"], 17);
        assert_eq!(document["notInLines"][0]["secret"], "late-tls");
    }
}
