//! When a finding makes clients fail, which orders rows of the same severity.

use super::{Finding, Reason, Severity};

/// When clients refuse the certificate. Ordered: `Now` comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Some clients refuse it now.
    Now,
    /// Some clients will refuse it unless somebody acts.
    Later,
    /// No client refuses it; the finding is about tidiness.
    #[default]
    Never,
}

impl Urgency {
    /// The urgency of all findings of one row.
    pub fn of(findings: &[Finding]) -> Self {
        // No route uses the Secret, so no client gets its certificate.
        if findings.iter().any(|finding| finding.reason() == Reason::OrphanSecret) {
            return Self::Never;
        }
        let each = findings
            .iter()
            .map(|finding| Self::at(finding.severity, finding.reason()));
        each.min().unwrap_or_default()
    }

    /// The urgency of a reason at the severity that it was found with.
    pub fn at(severity: Severity, reason: Reason) -> Self {
        match severity {
            Severity::Critical => Self::Now,
            Severity::Warning => reason.as_warning(),
            Severity::Info => Self::Never,
        }
    }
}
