//! Where the objects of a row stand in manifests, for reports that annotate files.

use crate::{
    check::{Finding, row::Row},
    object::{Key, Kind},
};

/// Where an object stands in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestPosition {
    /// The file, as a path that is relative where it can be.
    pub file: String,
    /// The first line of the object, from 1; `None` when it is not known.
    pub line: Option<usize>,
}

/// Tells where an object stands, where that is known.
pub type Places<'a> = &'a dyn Fn(Kind, &Key) -> Option<ManifestPosition>;

/// The place of a row: that of its route; of its Secret where it has no route.
pub(super) fn of_row(row: &Row<'_>, places: Option<Places<'_>>) -> Option<ManifestPosition> {
    let places = places?;
    match row.route {
        Some(route) => places(route.kind, &Key::new(row.namespace, route.name)),
        None => places(Kind::Secret, row.secrets.first()?),
    }
}

/// The place where a finding is fixed: the Secret's for what its bytes hold, where a manifest has it, else the row's.
pub(super) fn of_finding(finding: &Finding, row: &Row<'_>, places: Option<Places<'_>>) -> Option<ManifestPosition> {
    let within = ["parse", "time", "chain", "strength"].contains(&finding.reason().group());
    let secret = finding.secret().or_else(|| row.secret()).filter(|_| within);
    secret
        .and_then(|key| places?(Kind::Secret, key))
        .or_else(|| of_row(row, places))
}
