//! The bindings: each host of each route, as `status` has them.

use super::prelude::*;
use crate::tui::{cells, update::picture};

/// The view.
pub(in crate::tui) struct Hosts;

impl ViewKind for Hosts {
    const HELP: &'static str = "every host that is served over TLS";
    const ALSO: &'static [&'static str] = &["host", "ingresses", "ing", "ingress", "gateways", "gateway", "gtw"];
    const SCOPES: &'static [Scope] = OF_ROWS;
    const HINTS: &'static [Action] = HINTS_OF_ROWS;
    const IS_STATUS: bool = true;
    const COLUMNS: &'static [Column] = &[
        of_row(RowColumn::Status, 10, 0).by(Field::Status),
        of_row(RowColumn::Namespace, 11, 3).least(9).by(Field::Namespace),
        of_row(RowColumn::Route, 20, 5).by(Field::Name),
        of_row(RowColumn::Host, 28, 0).least(20).by(Field::Host),
        of_row(RowColumn::Secret, 16, 6),
        of_row(RowColumn::Expires, 9, 1).by(Field::Expires),
        of_row(RowColumn::Issuer, 12, 7).by(Field::Issuer),
        of_row(RowColumn::Reason, 20, 2).least(12),
        of_row(RowColumn::Serial, 8, 9).wide(),
        of_row(RowColumn::Algorithm, 8, 9).wide(),
        of_row(RowColumn::Names, 10, 8).wide(),
        of_row(RowColumn::Sha256, 8, 9).wide(),
        of_row(RowColumn::Class, 6, 8).wide(),
        of_row(RowColumn::Age, 4, 8).by(Field::Age).wide(),
        of_row(RowColumn::Labels, 8, 9).wide(),
        of_row(RowColumn::Controller, 16, 9).wide(),
    ];

    // The rows keep their order themselves: it is merged, never made anew.
    fn sort(model: &Model) -> Sort {
        model.rows.sort()
    }

    fn set_sort(model: &mut Model, sort: Sort) {
        model.rows.set_sort(sort);
    }

    fn lines(model: &Model) -> usize {
        model.rows.len()
    }

    fn cell(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
        let item = model.rows.get(line)?;
        Some(cells::of_row(&item, what, model.now(), out))
    }

    fn name(model: &Model, line: usize, drawn: &[ColumnContent]) -> Option<String> {
        cells::name_without_host(model.rows.get(line)?, drawn)
    }

    fn item(model: &Model, line: usize) -> Option<&Item> {
        model.rows.get(line)
    }

    fn about(model: &Model, line: usize) -> Option<&About> {
        model.rows.get(line).map(|item| &item.about)
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        picture::open(model)
    }

    /// The same rows.
    fn command(model: &Model) -> Option<CommandLine> {
        Some(status_command(model))
    }
}
