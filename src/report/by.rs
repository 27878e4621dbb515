//! `--by`: the rows folded into groups, one line a group.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    fmt,
    io::{self, Write},
};

use anstyle::Style;

use serde::{Serialize, ser::SerializeMap as _};

use super::{
    apart::{KindItem, LeftOut},
    item::API_VERSION,
    json,
    output::{Context, Format},
    present::{
        cell::{NOTHING, RowColumn, expiry, first_that_fit},
        grid::{self, GAP},
        order::last,
        tone::Tone,
    },
    rows::Rows,
    yaml,
};
use crate::{
    check::{
        Reason, Severity,
        row::{Row, Status},
    },
    object::Seconds,
    text::{clear, date_time, width::cut},
};

/// The document's kind.
const KIND: &str = "StatusGroupList";
/// No column becomes narrower than this.
const LEAST: usize = 6;

/// What rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The Secret that is expected to be served.
    Secret,
    /// Who signed the certificate.
    Issuer,
    /// Who writes the Secret.
    Owner,
    /// The namespace.
    Namespace,
}

impl By {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Issuer => "issuer",
            Self::Owner => "owner",
            Self::Namespace => "namespace",
        }
    }
}

/// Rows that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; empty where they lack it.
    pub name: String,
    /// How many there are.
    pub rows: usize,
    /// The worst of their states.
    pub status: Status,
    /// How many of each state.
    pub statuses: BTreeMap<Status, usize>,
    /// When the first of their certificates expires.
    pub not_after: Option<Seconds>,
    /// How many of them have a reason.
    pub reasons: BTreeMap<Reason, usize>,
    /// The worst severity that each reason has in them: facts make it another than the usual one.
    pub severities: BTreeMap<Reason, Severity>,
}

/// Folds rows: the worst group first, then the one of which a certificate expires first. `owner` says who writes a row's Secret.
pub fn fold<'a>(rows: &Rows<'a>, by: By, owner: &dyn Fn(&Row<'a>) -> Option<String>) -> Vec<Group> {
    let mut groups: HashMap<String, Group> = HashMap::new();
    let mut seen: Vec<Reason> = Vec::new();
    for row in rows.iter() {
        let name = match by {
            By::Secret => row.secret().map(ToString::to_string),
            By::Issuer => row.certificate.map(|certificate| certificate.issuer.full.to_string()),
            By::Owner => owner(&row),
            By::Namespace => Some(row.namespace.to_owned()),
        }
        .unwrap_or_default();
        let group = groups.entry(name).or_insert_with_key(|name| Group {
            name: name.clone(),
            rows: 0,
            status: Status::Healthy,
            statuses: BTreeMap::new(),
            not_after: None,
            reasons: BTreeMap::new(),
            severities: BTreeMap::new(),
        });
        group.rows += 1;
        group.status = group.status.max(row.status);
        *group.statuses.entry(row.status).or_default() += 1;
        let not_after = row.certificate.map(|certificate| certificate.not_after);
        group.not_after = group.not_after.into_iter().chain(not_after).min();
        seen.clear();
        for finding in row.findings {
            let reason = finding.reason();
            let worst = group.severities.entry(reason).or_insert(finding.severity);
            *worst = finding.severity.max(*worst);
            if !seen.contains(&reason) {
                seen.push(reason);
                *group.reasons.entry(reason).or_default() += 1;
            }
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let order = |group: &Group| (Reverse(group.status), last(group.not_after));
        order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
    });
    groups
}

/// Writes groups. `false` where the format is for rows alone.
pub fn write(
    format: &Format,
    groups: &[Group],
    by: By,
    context: &Context<'_>,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let document = Document {
        api_version: API_VERSION,
        kind: KIND,
        evaluated_at: date_time(context.now),
        by: by.as_str(),
        not_chosen: context.apart.left_out,
        not_judged: context.apart.kinds(),
        secrets_read: context.apart.secrets_read(),
        items: groups.iter().map(GroupItem::of).collect(),
    };
    match format {
        Format::Table | Format::Wide => lines(groups, by, context, out)?,
        Format::Json => json::pretty(&document, out)?,
        Format::Yaml => yaml::document(&document, out)?,
        Format::JsonPath(template) => template.write_value(&serde_json::to_value(&document)?, out)?,
        Format::Name
        | Format::CustomColumns(_)
        | Format::Junit
        | Format::Sarif
        | Format::Github
        | Format::Prometheus => return Ok(false),
    }
    Ok(true)
}

fn lines(groups: &[Group], by: By, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let mut cells: Vec<[String; 5]> = Vec::with_capacity(groups.len() + 1);
    if !context.no_headers {
        let name = by.as_str().to_ascii_uppercase();
        let [status, expires, reason] =
            [RowColumn::Status, RowColumn::Expires, RowColumn::Reason].map(|column| column.head().to_owned());
        cells.push([name, "ROWS".into(), status, expires, reason]);
    }
    let heads = cells.len();
    cells.extend(groups.iter().map(|group| cells_of(group, context.now, usize::MAX)));
    let mut widths = [0; 5];
    for row in &cells {
        grid::widen(&mut widths, row);
    }
    if let Some(room) = context.width {
        narrow(&mut widths, room);
        for (row, group) in cells.iter_mut().skip(heads).zip(groups) {
            *row = cells_of(group, context.now, widths[4]);
        }
    }
    let mut out = io::BufWriter::new(out);
    let mut line = String::new();
    for (at, row) in cells.iter().enumerate() {
        let group = at.checked_sub(heads).and_then(|at| groups.get(at));
        line.clear();
        for (column, (cell, room)) in row.iter().zip(widths).enumerate() {
            let style = match group {
                Some(group) if column == 2 && context.colour => Tone::Of(group.status).style(),
                _ => Style::new(),
            };
            let is_last = column + 1 == row.len();
            grid::push(&mut line, &cut(cell, room), style, Some(room).filter(|_| !is_last));
        }
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Narrows the name and the reasons until a line fits a terminal of `room` cells: the reasons get what the name leaves, and the name
/// no more than half where both are long.
fn narrow(widths: &mut [usize; 5], room: usize) {
    let [name, rows, status, expires, reasons] = *widths;
    let left = room.saturating_sub(rows + status + expires + 4 * GAP.len());
    if name + reasons <= left {
        return;
    }
    let name = name.min((left / 2).max(left.saturating_sub(reasons))).max(LEAST);
    widths[0] = name;
    widths[4] = reasons.min(left.saturating_sub(name)).max(LEAST);
}

/// A reason, and how many rows have it.
struct CountedReason(Reason, usize);

impl fmt::Display for CountedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.0, self.1)
    }
}

/// The cells of a group; the last, its reasons with the worst first, is made for a column of `room` cells.
fn cells_of(group: &Group, now: Seconds, room: usize) -> [String; 5] {
    let (mut expires, mut reasons) = (String::new(), String::new());
    if let Some(at) = group.not_after {
        let _ = expiry(at, now, &mut expires);
    }
    let mut most: Vec<CountedReason> = group
        .reasons
        .iter()
        .map(|(reason, count)| CountedReason(*reason, *count))
        .collect();
    most.sort_by_key(|CountedReason(reason, count)| (Reverse(group.severities.get(reason)), Reverse(*count)));
    let _ = first_that_fit(&most, room, &mut reasons);
    let cells = [
        clear(&group.name).into_owned(),
        group.rows.to_string(),
        group.status.as_str().to_owned(),
        expires,
        reasons,
    ];
    cells.map(|cell| if cell.is_empty() { NOTHING.to_owned() } else { cell })
}

/// The output of `kubectl certs status --by WHAT -o json` and `-o yaml`. Within kubectl-certs/v1, fields may be added, and none is removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false)))]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[cfg_attr(test, schemars(extend("const" = API_VERSION)))]
    api_version: &'static str,
    #[cfg_attr(test, schemars(extend("const" = KIND)))]
    kind: &'static str,
    /// The moment of all checks.
    #[cfg_attr(test, schemars(with = "super::schema::Time"))]
    evaluated_at: String,
    /// The property that the items share.
    #[cfg_attr(test, schemars(extend("enum" = ["secret", "issuer", "owner", "namespace"])))]
    by: &'static str,
    /// As in the list of a status.
    #[serde(skip_serializing_if = "LeftOut::is_nothing")]
    not_chosen: LeftOut,
    /// As in the list of a status.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<KindItem<'a>>,
    /// As in the list of a status.
    #[serde(skip_serializing_if = "Clone::clone")]
    secrets_read: bool,
    /// The worst first.
    items: Vec<GroupItem<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
#[serde(rename_all = "camelCase")]
struct GroupItem<'a> {
    /// The Secret as NAMESPACE/NAME, the issuer in the form of RFC 4514, who writes the Secret, or the namespace; null for the rows that have none.
    name: Option<&'a str>,
    /// The number of items of the list of a status that it represents.
    #[cfg_attr(test, schemars(range(min = 1)))]
    rows: usize,
    /// The worst of them.
    #[cfg_attr(test, schemars(extend("enum" = super::schema::STATUSES)))]
    status: &'static str,
    /// The number of items of each status.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, usize>"))]
    statuses: Counts<'a, Status>,
    /// When the first of their certificates expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<super::schema::Time>"))]
    not_after: Option<String>,
    /// The number of items with each reason.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, usize>"))]
    reasons: Counts<'a, Reason>,
}

impl<'a> GroupItem<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            name: Some(group.name.as_str()).filter(|name| !name.is_empty()),
            rows: group.rows,
            status: group.status.as_str(),
            statuses: Counts(&group.statuses, Status::as_str),
            not_after: group.not_after.map(date_time),
            reasons: Counts(&group.reasons, Reason::as_str),
        }
    }
}

/// Counts under their words.
struct Counts<'a, K>(&'a BTreeMap<K, usize>, fn(K) -> &'static str);

impl<K: Copy> Serialize for Counts<'_, K> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (key, count) in self.0 {
            map.serialize_entry((self.1)(*key), count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding;
    use crate::{
        check::Finding,
        report::fixtures::{NOW, Shop},
    };

    fn folded(by: By) -> String {
        let shop = Shop::new();
        let rows: Rows<'_> = shop.rows().into();
        let owner = |row: &Row<'_>| row.certificate.map(|_| "cert-manager (Issuer le)".to_owned());
        let groups = fold(&rows, by, &owner);
        let all: usize = groups.iter().map(|group| group.rows).sum();
        assert_eq!(all, rows.len(), "every row is in one group");
        let context = Context {
            now: NOW,
            ..Context::default()
        };
        let mut out = Vec::new();
        assert!(write(&Format::Table, &groups, by, &context, &mut out).expect("a vector"));
        assert!(!write(&Format::Sarif, &groups, by, &context, &mut out).expect("a vector"));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_row_is_in_one_group_and_the_worst_comes_first() {
        for by in [By::Secret, By::Issuer, By::Owner, By::Namespace] {
            insta::assert_snapshot!(format!("by-{}", by.as_str()), folded(by));
        }
    }

    #[test]
    fn lines_fit_a_narrow_terminal() {
        let shop = Shop::new();
        let rows: Rows<'_> = shop.rows().into();
        for by in [By::Secret, By::Issuer, By::Namespace] {
            for width in [60, 80] {
                let context = Context {
                    now: NOW,
                    width: Some(width),
                    ..Context::default()
                };
                let mut out = Vec::new();
                let groups = fold(&rows, by, &|_| None);
                write(&Format::Table, &groups, by, &context, &mut out).expect("a vector");
                let out = String::from_utf8(out).expect("UTF-8");
                for line in out.lines() {
                    assert!(crate::text::width::width(line) <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn reasons_stand_by_the_severity_that_they_have_here() {
        let shop = Shop::new();
        let mut row = shop.rows()[0];
        // The other way around than usual.
        let findings = [
            Finding::at(Severity::Warning, finding::Expired { not_after: NOW }),
            Finding::at(Severity::Critical, finding::MustStaple),
        ];
        row.findings = &findings;
        let groups = fold(&vec![row].into(), By::Namespace, &|_| None);
        let cells = cells_of(&groups[0], NOW, usize::MAX);
        assert_eq!(cells[4], "MustStaple(1),Expired(1)");
    }
}
