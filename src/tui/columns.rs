//! The columns of each view, and which of them are drawn.

use std::collections::BTreeSet;

use super::model::View;
use crate::report::order::Field;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it shows.
    pub what: ColumnContent,
    /// Its head.
    pub head: &'static str,
    /// With this many cells it can be read well.
    pub good: u16,
    /// With fewer cells than these it says nothing any more.
    pub least: u16,
    /// It is left out of a narrow table before those with a lower number: from 3 on as soon as it cannot be read well, below
    /// only where the others would say nothing any more. Those with 0, what a line is about and how bad it is, stay.
    pub rank: u8,
    /// What a press on its head sorts by.
    pub sort: Option<Field>,
    /// Whether it is drawn only when more columns are asked for.
    pub wide: bool,
}

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is what its head says.
pub enum ColumnContent {
    Mark,
    Status,
    Namespace,
    Route,
    Host,
    Secret,
    Expires,
    Issuer,
    Reason,
    Serial,
    Algorithm,
    Names,
    Sha256,
    Class,
    Age,
    Labels,
    Hosts,
    Name,
    Count,
    Namespaces,
    Meaning,
    Critical,
    Warning,
    Unknown,
    Info,
    Healthy,
    Job,
    State,
    Stage,
    Target,
    Started,
    Took,
    Last,
}

const fn column(what: ColumnContent, head: &'static str, good: u16, rank: u8) -> Column {
    Column {
        what,
        head,
        good,
        least: good,
        rank,
        sort: None,
        wide: false,
    }
}

impl Column {
    const fn by(mut self, field: Field) -> Self {
        self.sort = Some(field);
        self
    }

    const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    const fn least(mut self, cells: u16) -> Self {
        self.least = cells;
        self
    }
}

const HOSTS: &[Column] = &[
    column(ColumnContent::Status, "STATUS", 10, 0).by(Field::Status),
    column(ColumnContent::Namespace, "NAMESPACE", 11, 3)
        .least(9)
        .by(Field::Namespace),
    column(ColumnContent::Route, "ROUTE", 20, 5).by(Field::Name),
    column(ColumnContent::Host, "HOST", 28, 0).least(20).by(Field::Host),
    column(ColumnContent::Secret, "SECRET", 16, 6),
    column(ColumnContent::Expires, "EXPIRES", 9, 1).by(Field::Expires),
    column(ColumnContent::Issuer, "ISSUER", 12, 7).by(Field::Issuer),
    column(ColumnContent::Reason, "REASON", 20, 2).least(12),
    column(ColumnContent::Serial, "SERIAL", 8, 9).wide(),
    column(ColumnContent::Algorithm, "ALGORITHM", 8, 9).wide(),
    column(ColumnContent::Names, "NAMES", 10, 8).wide(),
    column(ColumnContent::Sha256, "SHA256", 8, 9).wide(),
    column(ColumnContent::Class, "CLASS", 6, 8).wide(),
    column(ColumnContent::Age, "AGE", 4, 8).by(Field::Age).wide(),
    column(ColumnContent::Labels, "LABELS", 8, 9).wide(),
];

const SECRETS: &[Column] = &[
    column(ColumnContent::Status, "STATUS", 10, 0).by(Field::Status),
    column(ColumnContent::Namespace, "NAMESPACE", 11, 3)
        .least(9)
        .by(Field::Namespace),
    column(ColumnContent::Secret, "SECRET", 24, 0).least(16).by(Field::Name),
    column(ColumnContent::Expires, "EXPIRES", 9, 1).by(Field::Expires),
    column(ColumnContent::Hosts, "HOSTS", 5, 5),
    column(ColumnContent::Names, "NAMES", 24, 4),
    column(ColumnContent::Issuer, "ISSUER", 12, 6).by(Field::Issuer),
    column(ColumnContent::Algorithm, "ALGORITHM", 8, 7),
    column(ColumnContent::Reason, "REASON", 20, 2).least(12),
    column(ColumnContent::Serial, "SERIAL", 8, 9).wide(),
    column(ColumnContent::Sha256, "SHA256", 8, 9).wide(),
    column(ColumnContent::Age, "AGE", 4, 8).by(Field::Age).wide(),
];

const FINDINGS: &[Column] = &[
    column(ColumnContent::Status, "SEVERITY", 10, 0).by(Field::Status),
    column(ColumnContent::Reason, "REASON", 26, 0).least(20).by(Field::Name),
    // Secrets without route and kinds that could not be read are among them.
    column(ColumnContent::Count, "ROWS", 5, 1),
    column(ColumnContent::Namespaces, "NAMESPACES", 10, 4),
    column(ColumnContent::Meaning, "MEANING", 30, 3),
];

const ORDERS: &[Column] = &[
    column(ColumnContent::Started, "STARTED", 8, 4),
    column(ColumnContent::Job, "WHAT", 7, 0),
    column(ColumnContent::Stage, "STAGE", 9, 3),
    column(ColumnContent::State, "STATE", 26, 0).least(10),
    column(ColumnContent::Took, "TOOK", 6, 5),
    column(ColumnContent::Target, "TARGET", 24, 0).least(16),
    column(ColumnContent::Last, "LAST", 30, 6),
];

const NAMESPACES: &[Column] = &[
    column(ColumnContent::Status, "WORST", 10, 0).by(Field::Status),
    column(ColumnContent::Name, "NAMESPACE", 14, 0).least(9).by(Field::Name),
    column(ColumnContent::Critical, "CRITICAL", 8, 0),
    column(ColumnContent::Warning, "WARNING", 7, 1),
    column(ColumnContent::Unknown, "UNKNOWN", 7, 6),
    column(ColumnContent::Info, "INFO", 4, 5),
    column(ColumnContent::Healthy, "HEALTHY", 7, 2),
    column(ColumnContent::Count, "ALL", 3, 4),
    column(ColumnContent::Expires, "FIRST EXPIRY", 12, 3).by(Field::Expires),
];

/// Which columns are drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Whether more are drawn.
    pub wide: bool,
    /// Those that were taken away, and those of the wide ones that were asked for, by view.
    pub toggled: BTreeSet<(View, ColumnContent)>,
}

impl Columns {
    /// All columns of a view.
    pub fn all(view: View) -> &'static [Column] {
        match view {
            View::Hosts => HOSTS,
            View::Secrets => SECRETS,
            View::Findings => FINDINGS,
            View::Timeline => &[],
            View::Orders => ORDERS,
            View::Namespaces => NAMESPACES,
        }
    }

    /// Whether a column is drawn, were there room.
    pub fn has(&self, view: View, column: &Column) -> bool {
        let usual = !column.wide || self.wide;
        usual != self.toggled.contains(&(view, column.what))
    }

    /// Draws a column, or leaves it out.
    pub fn toggle(&mut self, view: View, what: ColumnContent) {
        if !self.toggled.remove(&(view, what)) {
            self.toggled.insert((view, what));
        }
    }

    /// Reads the settings: the heads of the columns of the hosts, in any case. Errors name the first that is none.
    pub fn with(heads: &[String]) -> Result<Self, String> {
        let mut columns = Self::default();
        if heads.is_empty() {
            return Ok(columns);
        }
        for head in heads {
            if !HOSTS.iter().any(|column| column.head.eq_ignore_ascii_case(head)) {
                let all: Vec<String> = HOSTS.iter().map(|column| column.head.to_lowercase()).collect();
                return Err(format!("no column is called {head:?}; there are {}", all.join(", ")));
            }
        }
        for column in HOSTS {
            let wanted = heads.iter().any(|head| column.head.eq_ignore_ascii_case(head));
            if wanted == column.wide {
                columns.toggle(View::Hosts, column.what);
            }
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_choose_the_columns_of_the_hosts() {
        let columns = Columns::with(&["host".into(), "EXPIRES".into(), "serial".into()]).expect("fine");
        let drawn: Vec<&str> = Columns::all(View::Hosts)
            .iter()
            .filter(|column| columns.has(View::Hosts, column))
            .map(|column| column.head)
            .collect();
        assert_eq!(drawn, ["HOST", "EXPIRES", "SERIAL"]);
        let error = Columns::with(&["color".into()]).expect_err("no column");
        assert!(error.contains("\"color\"") && error.contains("namespace"), "{error}");
    }
}
