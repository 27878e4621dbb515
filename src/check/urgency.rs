//! When clients are refused because of a finding: what parts rows of one severity.

use super::{Finding, Reason, Severity};

/// When clients are refused. Ordered: what is refused now comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Some are refused now.
    Now,
    /// Some will be, unless something is done.
    Later,
    /// Nobody is refused: it is untidy.
    #[default]
    Never,
}

impl Urgency {
    /// Of everything that was found about one row.
    pub fn of(findings: &[Finding]) -> Self {
        // No route uses it, so no client gets it.
        if findings.iter().any(|finding| finding.reason() == Reason::OrphanSecret) {
            return Self::Never;
        }
        let each = findings
            .iter()
            .map(|finding| Self::at(finding.severity, finding.reason()));
        each.min().unwrap_or_default()
    }

    /// Of one reason, as severe as it is where it was found.
    pub fn at(severity: Severity, reason: Reason) -> Self {
        match severity {
            Severity::Critical => Self::Now,
            Severity::Warning => reason.as_warning(),
            Severity::Info => Self::Never,
        }
    }
}
