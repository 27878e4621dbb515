//! The severity of a finding, and reading the names of reasons that users type.

use std::str::FromStr;

pub use super::finding::Reason;
use crate::text::closest;

/// How severe a finding is. Ordered: `Info < Warning < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; no client fails.
    Info,
    /// Some clients fail now, or clients will fail.
    Warning,
    /// Clients fail now.
    Critical,
}

impl Severity {
    /// The word that reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    /// Reads the name of a reason, ignoring case.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.as_str().eq_ignore_ascii_case(s))
            .ok_or_else(|| UnknownReason {
                name: s.to_owned(),
                nearest: closest(s, Self::ALL.iter().map(|reason| reason.as_str()))
                    .and_then(|meant| Self::ALL.iter().copied().find(|reason| reason.as_str() == meant))
                    .unwrap_or(Self::SecretNotFound),
            })
    }
}

/// No reason has the given name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownReason {
    /// The name that was given.
    pub name: String,
    /// The reason with the most similar name.
    pub nearest: Reason,
}

impl std::error::Error for UnknownReason {}

impl std::fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "no reason is called {:?}; the nearest is {}",
            self.name, self.nearest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_page_that_begins_with_its_name_and_tells_meaning_and_remedy() {
        for reason in Reason::ALL {
            let page = reason.page();
            assert!(
                page.starts_with(&format!("# {reason}\n")),
                "{reason}: the page's first line"
            );
            for section in ["## What it means", "## How to see it", "## How to fix it"] {
                assert!(page.contains(section), "{reason}: section {section:?} is missing");
            }
        }
    }

    #[test]
    fn a_name_is_read_in_any_case_and_a_wrong_one_names_the_nearest() {
        assert_eq!("hostmismatch".parse(), Ok(Reason::HostMismatch));
        let error = "HostMissmatch".parse::<Reason>().expect_err("no such reason");
        assert_eq!(error.nearest, Reason::HostMismatch);
    }
}
