//! What is wrong, and what to do about it.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fmt::Write as _,
    io,
};

use super::{
    Show, Words,
    pen::{Pen, Piece, Sign, Tone},
    repeats::Repeats,
};
use crate::{
    check::row::{Row, Status},
    check::{Finding, Severity},
    object::Seconds,
    text::width::width,
};

/// So many hosts are named beside one finding.
const HOSTS_NAMED: usize = 5;

/// One finding of one or more hosts.
struct ToldFinding<'a> {
    severity: Severity,
    reason: &'static str,
    message: String,
    remedy: String,
    hosts: Vec<&'a str>,
}

/// The findings, worst first; those that say the same of several hosts are told once.
pub(super) fn findings(pen: &mut Pen<'_>, show: &Show<'_>, words: &Words) -> io::Result<()> {
    let told = collect(show, words, pen.now());
    let excused: BTreeSet<&str> = show
        .bindings
        .iter()
        .flat_map(|binding| binding.row.ignored)
        .map(|finding| finding.reason().as_str())
        .collect();
    let of_severity = |s: Severity| (told.iter().filter(|t| t.severity == s).count(), s.as_str());
    let counts: Vec<String> = [Severity::Critical, Severity::Warning, Severity::Info]
        .map(of_severity)
        .into_iter()
        .chain([(excused.len(), "excused")])
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    if counts.is_empty() {
        return Ok(());
    }
    pen.title(&format!("Findings: {}", counts.join(", ")))?;
    // What is to be done is told once; whoever has the same to do is referred to it.
    let mut remedies: HashMap<&str, &str> = HashMap::new();
    let same_as = told.iter().map(|t| match remedies.entry(&t.remedy) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(first) => {
            first.insert(t.reason);
            None
        }
    });
    let same_as: Vec<Option<&str>> = same_as.collect();
    let printed = told.iter().zip(&same_as).flat_map(|(t, same_as)| {
        let remedy = same_as.is_none().then_some(t.remedy.as_str());
        [t.message.as_str()].into_iter().chain(remedy)
    });
    let mut repeats = Repeats::of(printed);
    for (t, same_as) in told.iter().zip(same_as) {
        let status = Status::from(t.severity);
        let mut head = vec![
            pen.marked(status, t.severity.as_str()),
            Piece::gap(),
            pen.piece(Tone::Strong, t.reason),
        ];
        let unnamed: Vec<&str> = t.hosts.iter().copied().filter(|h| !t.message.contains(h)).collect();
        if !unnamed.is_empty() {
            let mut list = unnamed.iter().take(HOSTS_NAMED).copied().collect::<Vec<_>>().join(", ");
            if unnamed.len() > HOSTS_NAMED {
                let _ = write!(list, " and {} more", unnamed.len() - HOSTS_NAMED);
            }
            head.push(pen.dot());
            head.push(pen.dim(&list));
        }
        pen.flow("  ", "    ", &head)?;
        let message = pen.with_commands(&repeats.shown(&t.message));
        pen.flow("    ", "    ", &[message])?;
        let arrow = pen.sign(Sign::Arrow);
        let rest = " ".repeat(4 + width(arrow) + 1);
        let remedy = match same_as {
            None => pen.with_commands(&repeats.shown(&t.remedy)),
            Some(first) if first == t.reason => pen.dim("the same as above"),
            Some(first) => pen.dim(&format!("the same as for {first}")),
        };
        pen.flow(&format!("    {arrow} "), &rest, &[remedy])?;
    }
    for reason in excused {
        let words = format!("({reason}) is excused by --ignore or an annotation");
        pen.flow("  ", "    ", &[pen.dim(&words)])?;
    }
    Ok(())
}

fn collect<'a>(show: &Show<'a>, words: &Words, now: Seconds) -> Vec<ToldFinding<'a>> {
    let mut told: Vec<ToldFinding<'a>> = Vec::new();
    let mut seen: HashMap<(Severity, &'static str, String, String), usize> = HashMap::new();
    let of_rows = show
        .bindings
        .iter()
        .flat_map(|b| b.row.findings.iter().map(move |f| (f, &b.row)));
    for (finding, row) in of_rows {
        let finding: &Finding = finding;
        let row: &Row<'a> = row;
        let (message, remedy) = ((words.message)(finding, row, now), (words.remedy)(finding, row));
        let reason = finding.reason().as_str();
        let at = *seen
            .entry((finding.severity, reason, message.clone(), remedy.clone()))
            .or_insert_with(|| {
                told.push(ToldFinding {
                    severity: finding.severity,
                    reason,
                    message,
                    remedy,
                    hosts: Vec::new(),
                });
                told.len() - 1
            });
        if let (Some(host), Some(t)) = (row.host, told.get_mut(at))
            && t.hosts.last() != Some(&host)
        {
            t.hosts.push(host);
        }
    }
    for t in &mut told {
        t.hosts.sort_unstable();
        t.hosts.dedup();
    }
    // The order among equals is that of the rows, worst first in each.
    told.sort_by_key(|t| std::cmp::Reverse(t.severity));
    told
}
