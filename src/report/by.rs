//! `--by`: the rows folded into groups, one line a group.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, Write},
};

use serde::{Serialize, ser::SerializeMap as _};

use super::{
    apart::{KindItem, LeftOut},
    item::API_VERSION,
    json,
    output::{Context, Format},
    row::{Row, Status},
    rows::Rows,
    table, yaml,
};
use crate::{
    check::Reason,
    object::Seconds,
    text::{Age, clear, date_time, width::width},
};

/// The document's kind.
const KIND: &str = "StatusGroupList";
/// How many reasons a cell shows before it only counts them.
const SHOWN: usize = 3;

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
        });
        group.rows += 1;
        group.status = group.status.max(row.status);
        *group.statuses.entry(row.status).or_default() += 1;
        let not_after = row.certificate.map(|certificate| certificate.not_after);
        group.not_after = group.not_after.into_iter().chain(not_after).min();
        seen.clear();
        for reason in row.findings.iter().map(crate::check::Finding::reason) {
            if !seen.contains(&reason) {
                seen.push(reason);
                *group.reasons.entry(reason).or_default() += 1;
            }
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let order = |group: &Group| {
            (
                std::cmp::Reverse(group.status),
                group.not_after.is_none(),
                group.not_after,
            )
        };
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
        items: groups.iter().map(Item::of).collect(),
    };
    match format {
        Format::Table | Format::Wide => lines(groups, by, context, out)?,
        Format::Json => json::pretty(&document, out)?,
        Format::Yaml => yaml::document(&document, out)?,
        Format::JsonPath(template) => template.write_value(&serde_json::to_value(&document)?, out)?,
        Format::Name | Format::Junit | Format::Sarif | Format::Github => return Ok(false),
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
        cells.push([name, "ROWS".into(), "STATUS".into(), "EXPIRES".into(), "REASON".into()]);
    }
    cells.extend(groups.iter().map(|group| cells_of(group, context.now)));
    let mut widths = [0; 5];
    for row in &cells {
        for (room, cell) in widths.iter_mut().zip(row) {
            *room = width(cell).max(*room);
        }
    }
    let mut out = io::BufWriter::new(out);
    for (at, row) in cells.iter().enumerate() {
        let group = if context.no_headers {
            groups.get(at)
        } else {
            at.checked_sub(1).and_then(|at| groups.get(at))
        };
        for (column, (cell, room)) in row.iter().zip(widths).enumerate() {
            let style = match group {
                Some(group) if column == 2 && context.colour => table::of_status(group.status),
                _ => anstyle::Style::new(),
            };
            write!(out, "{style}{cell}{style:#}")?;
            if column < 4 {
                write!(out, "{:1$}   ", "", room - width(cell))?;
            }
        }
        writeln!(out)?;
    }
    out.flush()
}

fn cells_of(group: &Group, now: Seconds) -> [String; 5] {
    let name = if group.name.is_empty() {
        "-".to_owned()
    } else {
        clear(&group.name).into_owned()
    };
    let expires = group.not_after.map_or_else(
        || "-".to_owned(),
        |at| {
            let left = at.saturating_sub(now);
            format!("{}{}", Age(left), if left < 0 { " ago" } else { "" })
        },
    );
    let mut most: Vec<(&Reason, &usize)> = group.reasons.iter().collect();
    most.sort_by_key(|(reason, count)| (std::cmp::Reverse(reason.severity()), std::cmp::Reverse(**count)));
    let mut reasons = String::new();
    for (reason, count) in most.iter().take(SHOWN) {
        let comma = if reasons.is_empty() { "" } else { "," };
        let _ = write!(reasons, "{comma}{reason}({count})");
    }
    if most.len() > SHOWN {
        let _ = write!(reasons, ",+{}", most.len() - SHOWN);
    }
    if reasons.is_empty() {
        reasons.push('-');
    }
    [
        name,
        group.rows.to_string(),
        group.status.as_str().to_owned(),
        expires,
        reasons,
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    evaluated_at: String,
    by: &'static str,
    #[serde(skip_serializing_if = "LeftOut::is_nothing")]
    not_chosen: LeftOut,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<KindItem<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    /// Null for the rows that lack it.
    name: Option<&'a str>,
    rows: usize,
    status: &'static str,
    statuses: Counts<'a, Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    reasons: Counts<'a, Reason>,
}

impl<'a> Item<'a> {
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
    use crate::report::fixtures::{NOW, Shop};

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
}
