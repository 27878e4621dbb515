//! Findings by reason; below them what the chosen one says of its worst host, and what to do about it.

use std::{cmp::Reverse, fmt::Write as _};

use hashbrown::{HashMap, HashSet};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    widgets::{Paragraph, Widget},
};

use super::prelude::*;
use crate::{
    check::{Reason, Severity, Urgency, words},
    object::Text,
    report::explain::meaning,
    text::clear,
    tui::{
        message::StyledLines,
        theme::Role,
        view::{detail::framed, plain, styled, table, wrapped},
    },
};

/// The view.
pub(in crate::tui) struct Findings;

impl ViewKind for Findings {
    const HELP: &'static str = "findings by reason, with remedies";
    const HINTS: &'static [Action] = &[
        Action::Open,
        Action::Explain,
        Action::Filter,
        Action::ProblemsOnly,
        Action::Sort,
        Action::Save,
        Action::Command,
        Action::Help,
        Action::Quit,
    ];
    const GATHERS: Option<&'static str> = Some("the line is a reason: Enter shows its hosts");
    const LACKS: Option<&'static str> = Some("has a finding");
    const COLUMNS: &'static [Column] = &[
        column(ColumnContent::Row(RowColumn::Status), "SEVERITY", 10, 0).by(Field::Status),
        of_row(RowColumn::Reason, 26, 0).least(20).by(Field::Name),
        // Secrets without route and kinds that could not be read are among them.
        column(ColumnContent::Count, "ROWS", 5, 1),
        column(NAMESPACES, "NAMESPACES", 10, 4),
        column(MEANING, "MEANING", 30, 3),
    ];

    fn make(derived: &mut Derived, rows: &Rows, sort: Sort, _now: Seconds, at: Option<usize>) -> Option<usize> {
        let groups = groups(rows, sort);
        let again = again(&derived.findings, at, &groups, |group| &group.reason);
        derived.findings = groups;
        again
    }

    fn lines(model: &Model) -> usize {
        model.derived.findings.len()
    }

    fn cell(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
        let group = model.derived.findings.get(line)?;
        match what {
            ColumnContent::Row(RowColumn::Status) => {
                out.push_str(group.status.as_str());
                return Some(Tone::Of(group.status));
            }
            ColumnContent::Row(RowColumn::Reason) => out.push_str(group.reason.as_str()),
            ColumnContent::Count => {
                let _ = write!(out, "{}", group.count);
            }
            NAMESPACES => {
                let _ = write!(out, "{}", group.namespaces);
            }
            MEANING => put(out, &meaning(group.reason)),
            _ => {}
        }
        None
    }

    fn item(model: &Model, line: usize) -> Option<&Item> {
        let group = model.derived.findings.get(line)?;
        model.rows.about(&group.example)
    }

    fn reason(model: &Model, line: usize) -> Option<Reason> {
        model.derived.findings.get(line).map(|group| group.reason)
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        let Some(reason) = Self::reason(model, model.cursor().at) else {
            return Vec::new();
        };
        let choice = Choice {
            reason: Some(reason),
            ..model.rows.choice().clone()
        };
        travel::drill(model, choice)
    }

    /// The rows that have them, each with its reasons; no command counts reasons.
    fn command(model: &Model) -> Option<CommandLine> {
        let given = model.place.check_flags.iter().any(|flag| flag == "--min-severity");
        Some(if given || model.rows.choice().problems_only {
            status_command(model)
        } else {
            status_with(model, &["--min-severity", "info"])
        })
    }

    // Rows that are chosen may have no finding.
    fn chosen_from(model: &Model) -> Option<(usize, &'static str)> {
        model.rows.is_empty().then(|| (model.rows.total(), "rows"))
    }

    fn height(model: &Model, area: Rect) -> u16 {
        table::height(split(model, area).0)
    }

    fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
        let (above, below) = split(model, area);
        table::draw(model, above, buffer, hits);
        if let Some(below) = below {
            draw_remedy(model, below, buffer);
        }
    }
}

const NAMESPACES: ColumnContent = ColumnContent::Own("namespaces");
const MEANING: ColumnContent = ColumnContent::Own("meaning");

/// All findings of one reason.
#[derive(Debug, Clone)]
pub struct Group {
    /// The reason.
    pub reason: Reason,
    /// The worst severity among them.
    pub status: Status,
    /// How many items have it.
    pub count: usize,
    /// In how many namespaces.
    pub namespaces: usize,
    /// The worst item that has it.
    pub example: About,
}

/// What the view is made of.
pub type Groups = Vec<Group>;

/// The findings of all items that are looked at, by reason.
fn groups(rows: &Rows, sort: Sort) -> Groups {
    let mut groups: HashMap<Reason, (Group, HashSet<&Text>)> = HashMap::new();
    for item in rows.iter() {
        let mut seen: Vec<Reason> = Vec::new();
        for finding in &item.findings {
            let reason = finding.reason();
            let (group, namespaces) = groups.entry(reason).or_insert_with(|| {
                let group = Group {
                    reason,
                    status: finding.severity.into(),
                    count: 0,
                    namespaces: 0,
                    example: item.about.clone(),
                };
                (group, HashSet::new())
            });
            if !seen.contains(&reason) {
                seen.push(reason);
                group.count += 1;
            }
            namespaces.insert(&item.namespace);
            if Status::from(finding.severity) > group.status {
                group.status = finding.severity.into();
                group.example = item.about.clone();
            }
        }
    }
    let mut groups: Vec<Group> = groups
        .into_values()
        .map(|(group, namespaces)| Group {
            namespaces: namespaces.len(),
            ..group
        })
        .collect();
    let urgency = |group: &Group| {
        let severity = if group.status == Status::Critical {
            Severity::Critical
        } else {
            Severity::Warning
        };
        Urgency::at(severity, group.reason)
    };
    groups.sort_by(|a, b| {
        let by = match sort.by {
            Some(Field::Name) => a.reason.as_str().cmp(b.reason.as_str()),
            _ => Reverse(a.status)
                .cmp(&Reverse(b.status))
                .then_with(|| urgency(a).cmp(&urgency(b)))
                .then_with(|| b.count.cmp(&a.count)),
        };
        let by = if sort.reverse { by.reverse() } else { by };
        by.then_with(|| a.reason.cmp(&b.reason))
    });
    groups
}

/// The table's part of an area, and that of the remedy where there is one.
fn split(model: &Model, area: Rect) -> (Rect, Option<Rect>) {
    if area.height < 16 || model.derived.findings.is_empty() {
        return (area, None);
    }
    let [table, below] =
        Layout::vertical([Constraint::Min(6), Constraint::Length((area.height / 3).max(7))]).areas(area);
    (table, Some(below))
}

/// Draws what the chosen finding says of its worst host, and what to do about it.
fn draw_remedy(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.ui.theme;
    let Some(group) = model.derived.findings.get(model.cursor().at) else {
        return;
    };
    let Some(item) = model.rows.about(&group.example) else {
        return;
    };
    let row = item.row(&model.place.context);
    let ascii = model.ui.ascii;
    let host = item
        .host
        .as_deref()
        .filter(|host| !host.is_empty())
        .unwrap_or("every host");
    let title = format!(" {} at {host} in {} ", group.reason, item.namespace);
    let block = framed(ascii)
        .title(plain(&clear(&title), ascii))
        .title_style(theme.style(Role::Title))
        .border_style(theme.style(Role::Border));
    let inside = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inside.width);
    let mut lines: StyledLines = Vec::new();
    let of_reason = item.findings.iter().filter(|finding| finding.reason() == group.reason);
    for finding in of_reason {
        let message = words::message(finding, &row, model.now());
        let remedy = words::remedy(finding, &row).text;
        let tone = Tone::Of(Status::from(finding.severity));
        lines.extend(
            wrapped("", "", &clear(&message), room)
                .into_iter()
                .map(|line| vec![(tone, line)]),
        );
        lines.extend(
            wrapped("→ ", "  ", &clear(&remedy), room)
                .into_iter()
                .map(|line| vec![(Tone::Plain, line)]),
        );
    }
    let lines: StyledLines = lines
        .into_iter()
        .map(|runs| {
            runs.into_iter()
                .map(|(tone, text)| (tone, plain(&text, ascii)))
                .collect()
        })
        .collect();
    Paragraph::new(styled(&lines, theme)).render(inside, buffer);
}
