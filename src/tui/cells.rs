//! What stands in each cell of the views that are tables. Cleared for a terminal.

use std::fmt::Write as _;

use super::{
    columns::ColumnContent,
    item::Item,
    model::{Model, View, derived::worst},
    order::{Ending, Job, Run, RunState},
};
use crate::{
    object::{Key, Seconds},
    report::{
        Status,
        present::{
            self, TableLine,
            cell::{CellOptions, LoneSecret, NOTHING, RowColumn, more},
        },
        progress,
        show::Tone,
    },
    text::{clear, time},
};

/// Appends the cell of a line to `out`, and returns what it means.
pub fn cell(model: &Model, view: View, line: usize, what: ColumnContent, out: &mut String) -> Tone {
    let start = out.len();
    let tone = match view {
        View::Hosts => model.rows.get(line).map(|item| of_row(&item, what, model.now(), out)),
        View::Secrets => of_secret(model, line, what, out),
        View::Findings => of_group(model, line, what, out),
        View::Namespaces => of_namespace(model, line, what, out),
        View::Orders => model.run_at(line).map(|run| of_run(model, run, what, out)),
        View::Timeline => None,
    };
    if out.len() == start {
        out.push_str(NOTHING);
        return Tone::Dim;
    }
    tone.unwrap_or(Tone::Plain)
}

fn put(out: &mut String, text: &str) {
    out.push_str(&clear(text));
}

/// The column of a row that shows it; `None` where it is no row's.
fn column(what: ColumnContent) -> Option<RowColumn> {
    Some(match what {
        ColumnContent::Status => RowColumn::Status,
        ColumnContent::Namespace => RowColumn::Namespace,
        ColumnContent::Route => RowColumn::Route,
        ColumnContent::Host => RowColumn::Host,
        ColumnContent::Secret => RowColumn::Secret,
        ColumnContent::Expires => RowColumn::Expires,
        ColumnContent::Issuer => RowColumn::Issuer,
        ColumnContent::Reason => RowColumn::Reason,
        ColumnContent::Serial => RowColumn::Serial,
        ColumnContent::Algorithm => RowColumn::Algorithm,
        ColumnContent::Names => RowColumn::Names,
        ColumnContent::Sha256 => RowColumn::Sha256,
        ColumnContent::Class => RowColumn::Class,
        ColumnContent::Age => RowColumn::Age,
        ColumnContent::Labels => RowColumn::Labels,
        _ => return None,
    })
}

/// A cell as the table of `status` has it: whole, as the width of its column follows from it.
fn of_row<'a>(line: &impl TableLine<'a>, what: ColumnContent, now: Seconds, out: &mut String) -> Tone {
    let Some(column) = column(what) else {
        return Tone::Plain;
    };
    let options = CellOptions {
        now,
        room: usize::MAX,
        labels: &[],
        lone: LoneSecret::Bare,
        // What has no host gets its name where it is known which columns are drawn.
        has_routes: true,
        has_secrets: true,
    };
    let _ = column.fill(line, &options, out);
    column.tone(line, now)
}

/// What a line of the hosts that has no host is about, unless one of the columns that are `drawn` says it: its route, its Secret, or
/// the right that is missing. No line is without a name, however narrow the table is.
pub fn name_without_host(item: &Item, drawn: &[ColumnContent]) -> Option<String> {
    if item.host.is_some() {
        return None;
    }
    let of = match (&item.route, item.secret()) {
        (None, Some(_)) => ColumnContent::Secret,
        _ => ColumnContent::Route,
    };
    if drawn.contains(&of) {
        return None;
    }
    let mut name = String::new();
    let _ = present::cell::name(&item, &mut name);
    Some(name).filter(|name| !name.is_empty())
}

fn of_secret(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
    let line = model.derived.secrets.get(line)?;
    if what == ColumnContent::Hosts {
        let _ = write!(out, "{}", line.hosts);
        return Some(Tone::Plain);
    }
    Some(of_row(&line, what, model.now(), out))
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
                let _ = present::cell::expiry(at, model.now(), out);
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
    let _ = more(planned.len(), 2, out);
}
