//! The columns of each view, and which of them are drawn.

use std::collections::BTreeSet;

use super::model::View;
use crate::report::{order::Field, present::cell::RowColumn};

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
    /// What a row of the table of `status` says too.
    Row(RowColumn),
    Hosts,
    Name,
    Count,
    /// What one view alone shows, by a word of that view's.
    Own(&'static str),
}

/// A column that is not sorted by, and is drawn from the beginning.
pub(in crate::tui) const fn column(what: ColumnContent, head: &'static str, good: u16, rank: u8) -> Column {
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

/// A column of the table of `status`, under its own head.
pub(in crate::tui) const fn of_row(what: RowColumn, good: u16, rank: u8) -> Column {
    column(ColumnContent::Row(what), what.head(), good, rank)
}

impl Column {
    pub(in crate::tui) const fn by(mut self, field: Field) -> Self {
        self.sort = Some(field);
        self
    }

    pub(in crate::tui) const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    pub(in crate::tui) const fn least(mut self, cells: u16) -> Self {
        self.least = cells;
        self
    }
}

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
        view.columns()
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
        let all = Self::all(View::Hosts);
        for head in heads {
            if !all.iter().any(|column| column.head.eq_ignore_ascii_case(head)) {
                let all: Vec<String> = all.iter().map(|column| column.head.to_lowercase()).collect();
                return Err(format!("no column is called {head:?}; there are {}", all.join(", ")));
            }
        }
        for column in all {
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
