//! What stands in each cell of the views that are tables. Cleared for a terminal.

use std::fmt::Write as _;

use super::{
    columns::ColumnContent,
    item::Item,
    model::{Model, View, derived::worst},
    order::{Ending, Job, Run, RunState},
};
use crate::{
    check::Fact,
    object::{Key, Kind, Seconds},
    report::{Status, progress, show::Tone},
    text::{Age, Clear, clear, time},
    x509::Certificate,
};

/// How many names and reasons a cell shows before it only counts them.
const SHOWN: usize = 3;

/// Appends the cell of a line to `out`, and returns what it means.
pub fn cell(model: &Model, view: View, line: usize, what: ColumnContent, out: &mut String) -> Tone {
    let start = out.len();
    let tone = match view {
        View::Hosts => model.rows.get(line).map(|item| of_item(model, item, what, out)),
        View::Secrets => of_secret(model, line, what, out),
        View::Findings => of_group(model, line, what, out),
        View::Namespaces => of_namespace(model, line, what, out),
        View::Orders => model.run_at(line).map(|run| of_run(model, run, what, out)),
        View::Timeline => None,
    };
    if out.len() == start {
        out.push('-');
        return Tone::Dim;
    }
    tone.unwrap_or(Tone::Plain)
}

fn put(out: &mut String, text: &str) {
    out.push_str(&clear(text));
}

/// `,+2` where `count` is two more than what is shown.
fn more(count: usize, shown: usize, out: &mut String) {
    if count > shown {
        let _ = write!(out, ",+{}", count - shown);
    }
}

/// The kind as the table spells it.
fn kind(kind: Kind) -> String {
    kind.as_str().to_ascii_lowercase()
}

fn of_item(model: &Model, item: &Item, what: ColumnContent, out: &mut String) -> Tone {
    match what {
        ColumnContent::Status => {
            out.push_str(item.status.as_str());
            return Tone::Of(item.status);
        }
        ColumnContent::Namespace => put(out, &item.namespace),
        ColumnContent::Route => {
            if let Some((of, name, listener)) = &item.route {
                out.push_str(&kind(*of));
                out.push('/');
                put(out, name);
                if let Some(listener) = listener {
                    out.push(':');
                    put(out, listener);
                }
            } else if let Some(right) = item.row("").unread_right() {
                put(out, &right);
            }
        }
        ColumnContent::Host => match item.host.as_deref() {
            // An Ingress without a host serves every host.
            Some("") => out.push('*'),
            Some(host) => put(out, host),
            None => {}
        },
        ColumnContent::Secret => {
            if let Some(first) = item.secret() {
                secret(&item.namespace, first, out);
                more(item.secrets.len(), 1, out);
            }
        }
        ColumnContent::Reason => {
            let mut unique = Vec::new();
            let told = item.findings.iter().map(|finding| (finding.reason(), false));
            // What is excused stands in parentheses.
            for reason in told.chain(item.ignored.iter().map(|finding| (finding.reason(), true))) {
                if !unique.contains(&reason) {
                    unique.push(reason);
                }
            }
            for (i, (reason, excused)) in unique.iter().take(SHOWN).enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                let (open, close) = if *excused { ("(", ")") } else { ("", "") };
                let _ = write!(out, "{open}{reason}{close}");
            }
            more(unique.len(), SHOWN, out);
        }
        ColumnContent::Class => put(out, item.class.as_deref().unwrap_or_default()),
        ColumnContent::Age => age(item.created, model.now(), out),
        ColumnContent::Labels => {
            for (i, (key, value)) in item.labels.iter().enumerate() {
                let _ = write!(out, "{}{}={}", if i > 0 { "," } else { "" }, Clear(key), Clear(value));
            }
        }
        ColumnContent::Expires => {
            let due = item
                .findings
                .iter()
                .any(|f| matches!(f.fact, Fact::RenewalDue(_) | Fact::RenewNow(_)));
            return expires(item.certificate.as_deref(), due, model.now(), out);
        }
        _ => return of_certificate(item.certificate.as_deref(), what, out),
    }
    Tone::Plain
}

/// What a line of the hosts that has no host is about, unless one of the columns that are `drawn` says it: its route, its Secret, or
/// the right that is missing. No line is without a name, however narrow the table is.
pub fn name_without_host(item: &Item, drawn: &[ColumnContent]) -> Option<String> {
    if item.host.is_some() {
        return None;
    }
    let (of, name) = match (&item.route, item.secret()) {
        (Some((of, name, _)), _) => (ColumnContent::Route, format!("{}/{}", kind(*of), Clear(name))),
        (None, Some(key)) => (ColumnContent::Secret, format!("secret/{}", Clear(&key.name))),
        (None, None) => (ColumnContent::Route, clear(&item.row("").unread_right()?).into_owned()),
    };
    (!drawn.contains(&of)).then_some(name)
}

/// A Secret, with its namespace where that is another.
fn secret(namespace: &str, key: &Key, out: &mut String) {
    if key.namespace != namespace {
        put(out, &key.namespace);
        out.push('/');
    }
    put(out, &key.name);
}

fn age(created: Option<Seconds>, now: Seconds, out: &mut String) {
    if let Some(created) = created {
        let _ = write!(out, "{}", Age(now.saturating_sub(created).max(0)));
    }
}

/// Counts down, and up when it is past.
pub fn expires(certificate: Option<&Certificate>, due: bool, now: Seconds, out: &mut String) -> Tone {
    let Some(certificate) = certificate else {
        return Tone::Plain;
    };
    let left = certificate.not_after.saturating_sub(now);
    let _ = write!(out, "{}{}", Age(left), if left < 0 { " ago" } else { "" });
    match (left < 0, due) {
        (true, _) => Tone::Of(Status::Critical),
        (false, true) => Tone::Of(Status::Warning),
        (false, false) => Tone::Plain,
    }
}

/// The cells that only a certificate fills.
fn of_certificate(certificate: Option<&Certificate>, what: ColumnContent, out: &mut String) -> Tone {
    let Some(certificate) = certificate else {
        return Tone::Plain;
    };
    match what {
        ColumnContent::Issuer => put(out, &certificate.issuer.short),
        ColumnContent::Serial => {
            let _ = write!(out, "{}", certificate.serial);
        }
        ColumnContent::Algorithm => put(out, &certificate.key.to_string()),
        ColumnContent::Names => {
            let names = &certificate.names;
            for (i, name) in names.iter().take(SHOWN).enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                put(out, &name.to_string());
            }
            more(names.len(), SHOWN, out);
        }
        ColumnContent::Sha256 => {
            for byte in &certificate.sha256.0[..8] {
                let _ = write!(out, "{byte:02x}");
            }
        }
        _ => {}
    }
    Tone::Plain
}

fn of_secret(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
    let line = model.derived.secrets.get(line)?;
    match what {
        ColumnContent::Status => {
            out.push_str(line.status.as_str());
            return Some(Tone::Of(line.status));
        }
        ColumnContent::Namespace => put(out, &line.key.namespace),
        ColumnContent::Secret => put(out, &line.key.name),
        ColumnContent::Hosts => {
            let _ = write!(out, "{}", line.hosts);
        }
        ColumnContent::Reason => {
            for (i, reason) in line.reasons.iter().take(SHOWN).enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(reason.as_str());
            }
            more(line.reasons.len(), SHOWN, out);
        }
        ColumnContent::Age => age(line.created, model.now(), out),
        ColumnContent::Expires => {
            let due = line
                .reasons
                .iter()
                .any(|r| matches!(r, crate::check::Reason::RenewalDue | crate::check::Reason::RenewNow));
            return Some(expires(line.certificate.as_deref(), due, model.now(), out));
        }
        _ => return Some(of_certificate(line.certificate.as_deref(), what, out)),
    }
    Some(Tone::Plain)
}

fn of_group(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
    let group = model.derived.groups.get(line)?;
    match what {
        ColumnContent::Status => {
            out.push_str(group.status.as_str());
            return Some(Tone::Of(group.status));
        }
        ColumnContent::Reason => out.push_str(group.reason.as_str()),
        ColumnContent::Count => {
            let _ = write!(out, "{}", group.count);
        }
        ColumnContent::Namespaces => {
            let _ = write!(out, "{}", group.namespaces);
        }
        ColumnContent::Meaning => put(out, &crate::report::explain::meaning(group.reason)),
        _ => {}
    }
    Some(Tone::Plain)
}

fn of_namespace(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
    let line = model.derived.namespaces.get(line)?;
    let status = match what {
        ColumnContent::Status => {
            let worst = worst(&line.counts);
            out.push_str(worst.as_str());
            return Some(Tone::Of(worst));
        }
        ColumnContent::Name => {
            put(out, &line.name);
            return Some(Tone::Plain);
        }
        ColumnContent::Count => {
            let _ = write!(out, "{}", line.total());
            return Some(Tone::Plain);
        }
        ColumnContent::Expires => {
            if let Some(at) = line.expires {
                let left = at.saturating_sub(model.now());
                let _ = write!(out, "{}{}", Age(left), if left < 0 { " ago" } else { "" });
            }
            return Some(Tone::Plain);
        }
        ColumnContent::Critical => Status::Critical,
        ColumnContent::Warning => Status::Warning,
        ColumnContent::Unknown => Status::Unknown,
        ColumnContent::Info => Status::Info,
        ColumnContent::Healthy => Status::Healthy,
        _ => return None,
    };
    let count = line.counts[status as usize];
    let _ = write!(out, "{count}");
    Some(if count == 0 { Tone::Dim } else { Tone::Of(status) })
}

fn of_run(model: &Model, run: &Run, what: ColumnContent, out: &mut String) -> Tone {
    match what {
        ColumnContent::Started if run.begun => {
            let at = time::date_time(run.at);
            put(out, at.get(11..19).unwrap_or_default());
        }
        ColumnContent::Job => out.push_str(run.job.as_str()),
        ColumnContent::Stage => {
            out.push_str(run.stage().map(super::order::Stage::badge).unwrap_or_default());
        }
        ColumnContent::State => {
            let (word, tone) = state(run);
            out.push_str(word);
            return tone;
        }
        ColumnContent::Took => {
            if let Some(ms) = run.took(model.ms) {
                out.push_str(&progress::duration(ms));
            }
        }
        ColumnContent::Target => target(run, out),
        ColumnContent::Last => {
            match &run.state {
                RunState::Ended(Ending::Bad(trouble)) => {
                    put(out, &trouble.what);
                    return Tone::Of(Status::Critical);
                }
                RunState::Ended(Ending::Partly { trouble, .. }) => {
                    put(out, &trouble.what);
                    return Tone::Of(Status::Warning);
                }
                _ => {}
            }
            if let Some(words) = run.waits_for() {
                put(out, &words);
                return Tone::Of(Status::Info);
            }
            let last = run
                .courses
                .values()
                .filter_map(|course| course.events.last())
                .max_by_key(|(ms, _)| *ms);
            match last {
                Some((_, kind)) => out.push_str(&progress::line(kind)),
                None => put(out, run.notes.last().map_or("", String::as_str)),
            }
        }
        _ => {}
    }
    Tone::Plain
}

/// The word for where a run stands.
pub fn state(run: &Run) -> (&str, Tone) {
    match &run.state {
        RunState::Planning => ("planning", Tone::Dim),
        RunState::Waiting => ("planned", Tone::Of(Status::Info)),
        RunState::Running => ("running", Tone::Of(Status::Info)),
        RunState::Cancelling => ("cancelling", Tone::Of(Status::Warning)),
        RunState::Ended(Ending::Good(_)) => ("done", Tone::Of(Status::Healthy)),
        RunState::Ended(Ending::Partly { said, .. }) => (said, Tone::Of(Status::Warning)),
        RunState::Ended(Ending::Bad(_)) => ("failed", Tone::Of(Status::Critical)),
        RunState::Ended(Ending::Dropped) => ("dropped", Tone::Dim),
        RunState::Ended(Ending::Cancelled) => ("cancelled", Tone::Of(Status::Warning)),
    }
}

/// The Secrets of a run, or what stands in its command line for them.
fn target(run: &Run, out: &mut String) {
    let planned: Vec<&Key> = match &run.plan {
        Some(plan) => plan.targets.iter().map(|(key, _)| key).collect(),
        None => match &run.job {
            Job::Restart(secrets) => secrets.iter().collect(),
            Job::Renew | Job::Revoke | Job::Rollback => Vec::new(),
        },
    };
    if planned.is_empty() {
        let words: Vec<&str> = run
            .command
            .words
            .iter()
            .skip(1)
            .take_while(|word| !word.starts_with('-'))
            .map(String::as_str)
            .collect();
        put(out, &words.join(" "));
        return;
    }
    for (i, key) in planned.iter().take(2).enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        put(out, &key.to_string());
    }
    more(planned.len(), 2, out);
}
