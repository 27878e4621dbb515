//! The words of the findings: what is wrong, with its facts, and what to do about it.

use crate::{check::Finding, object::Seconds, report::row::Row};

/// One sentence that says what is wrong, with its facts. Not cleared for a terminal.
pub fn message(finding: &Finding, row: &Row<'_>, now: Seconds) -> String {
    let _ = (row, now);
    finding.reason().to_string()
}

/// One sentence that says what to do, with a command where one does it. Not cleared for a terminal.
pub fn remedy(finding: &Finding, row: &Row<'_>) -> String {
    let _ = row;
    finding.reason().to_string()
}
