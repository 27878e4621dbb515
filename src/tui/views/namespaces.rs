//! Namespaces with their counts.

use std::{cmp::Reverse, fmt::Write as _};

use hashbrown::HashMap;

use super::prelude::*;
use crate::{
    object::Text,
    report::present::{cell::expiry, order::last},
};

/// The view.
pub(in crate::tui) struct Namespaces;

impl ViewKind for Namespaces {
    const HELP: &'static str = "one line per namespace, with its counts";
    const TAKES: Takes = Takes::Filter;
    const HINTS: &'static [Action] = &[
        Action::Open,
        Action::Filter,
        Action::Sort,
        Action::Save,
        Action::Command,
        Action::Help,
        Action::Quit,
    ];
    const COLUMNS: &'static [Column] = &[
        column(ColumnContent::Row(RowColumn::Status), "WORST", 10, 0).by(Field::Status),
        column(ColumnContent::Name, "NAMESPACE", 14, 0).least(9).by(Field::Name),
        column(CRITICAL, "CRITICAL", 8, 0),
        column(WARNING, "WARNING", 7, 1),
        column(UNKNOWN, "UNKNOWN", 7, 6),
        column(INFO, "INFO", 4, 5),
        column(HEALTHY, "HEALTHY", 7, 2),
        column(ColumnContent::Count, "ALL", 3, 4),
        column(ColumnContent::Row(RowColumn::Expires), "FIRST EXPIRY", 12, 3).by(Field::Expires),
    ];

    fn make(derived: &mut Derived, rows: &Rows, sort: Sort, _now: Seconds, at: Option<usize>) -> Option<usize> {
        let lines = namespaces(rows, sort);
        let again = again(&derived.namespaces, at, &lines, |line| &line.name);
        derived.namespaces = lines;
        again
    }

    fn lines(model: &Model) -> usize {
        model.derived.namespaces.len()
    }

    fn cell(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
        let line = model.derived.namespaces.get(line)?;
        let status = match what {
            ColumnContent::Row(RowColumn::Status) => {
                let worst = worst(&line.counts);
                out.push_str(worst.as_str());
                return Some(Tone::Of(worst));
            }
            ColumnContent::Name => {
                put(out, &line.name);
                return None;
            }
            ColumnContent::Count => {
                let _ = write!(out, "{}", line.total());
                return None;
            }
            ColumnContent::Row(RowColumn::Expires) => {
                if let Some(at) = line.expires {
                    let _ = expiry(at, model.now(), out);
                }
                return None;
            }
            CRITICAL => Status::Critical,
            WARNING => Status::Warning,
            UNKNOWN => Status::Unknown,
            INFO => Status::Info,
            HEALTHY => Status::Healthy,
            _ => return None,
        };
        let count = line.counts[status as usize];
        let _ = write!(out, "{count}");
        Some(if count == 0 { Tone::Dim } else { Tone::Of(status) })
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        let Some(line) = model.derived.namespaces.get(model.cursor().at) else {
            return Vec::new();
        };
        let choice = Choice {
            namespace: Some(line.name.clone()),
            ..model.rows.choice().clone()
        };
        travel::drill(model, choice)
    }

    /// The rows by their namespace.
    fn command(model: &Model) -> Option<CommandLine> {
        Some(status_with(model, &["--by", "namespace"]))
    }
}

const CRITICAL: ColumnContent = ColumnContent::Own("critical");
const WARNING: ColumnContent = ColumnContent::Own("warning");
const UNKNOWN: ColumnContent = ColumnContent::Own("unknown");
const INFO: ColumnContent = ColumnContent::Own("info");
const HEALTHY: ColumnContent = ColumnContent::Own("healthy");

/// One namespace.
#[derive(Debug, Clone)]
pub struct NamespaceLine {
    /// Its name.
    pub name: Text,
    /// Its items by status.
    pub counts: Counts,
    /// What expires first in it.
    pub expires: Option<Seconds>,
}

impl NamespaceLine {
    /// All of its items.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// What the view is made of.
pub type NamespaceLines = Vec<NamespaceLine>;

/// The namespaces of all items that are looked at.
fn namespaces(rows: &Rows, sort: Sort) -> NamespaceLines {
    let mut found: HashMap<&Text, NamespaceLine> = HashMap::new();
    for item in rows.iter() {
        let line = found.entry(&item.namespace).or_insert_with(|| NamespaceLine {
            name: item.namespace.clone(),
            counts: Counts::default(),
            expires: None,
        });
        line.counts[item.status as usize] += 1;
        if let Some(certificate) = &item.certificate {
            let at = certificate.not_after;
            line.expires = Some(line.expires.map_or(at, |soonest| soonest.min(at)));
        }
    }
    let mut lines: Vec<NamespaceLine> = found.into_values().collect();
    lines.sort_by(|a, b| {
        let by = match sort.by {
            Some(Field::Name | Field::Namespace) => a.name.cmp(&b.name),
            Some(Field::Expires) => last(a.expires).cmp(&last(b.expires)),
            _ => Reverse(worst(&a.counts)).cmp(&Reverse(worst(&b.counts))).then_with(|| {
                let bad = |line: &NamespaceLine| line.counts[worst(&line.counts) as usize];
                bad(b).cmp(&bad(a))
            }),
        };
        let by = if sort.reverse { by.reverse() } else { by };
        by.then_with(|| a.name.cmp(&b.name))
    });
    lines
}

/// The worst status that is counted.
fn worst(counts: &Counts) -> Status {
    [Status::Critical, Status::Warning, Status::Unknown, Status::Info]
        .into_iter()
        .find(|status| counts[*status as usize] > 0)
        .unwrap_or(Status::Healthy)
}
