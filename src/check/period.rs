//! Periods of days or moments, and the certificates that expire or fall due within one.

use std::{fmt, str::FromStr};

use super::due_by_lifetime;
use crate::{
    object::Seconds,
    text::{
        parse_time,
        time::{DAY, date, date_time},
    },
    x509::Certificate,
};

/// A half-open period, from one moment until before another. A missing bound leaves it open on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first second of the period; `None` leaves its beginning open.
    pub from: Option<Seconds>,
    /// The first second after the period; `None` leaves its end open.
    pub until: Option<Seconds>,
}

/// Why a text cannot be read as a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The text does not have the form of a period.
    #[error("{0:?} is not a period: write 2026-12-01..2026-12-07, 2026-12-01.. or ..2026-12-07")]
    Form(String),
    /// The period ends before it begins.
    #[error("the period {0:?} ends before it begins")]
    Backwards(String),
}

impl Period {
    /// Whether the period contains a moment.
    pub fn contains(self, at: Seconds) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Whether a certificate expires within the period, or falls due for renewal in it by its lifetime.
    pub fn has(self, certificate: &Certificate) -> bool {
        self.contains(certificate.not_after)
            || self.contains(due_by_lifetime(certificate.not_before, certificate.not_after))
    }
}

fn is_midnight(at: Seconds) -> bool {
    at.rem_euclid(DAY) == 0
}

impl fmt::Display for Period {
    /// Writes the form that [`FromStr`] reads. A period of whole days is written with its first and its last day.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |at: Seconds, last: Seconds| {
            if is_midnight(at) {
                date(at - last)
            } else {
                date_time(at)
            }
        };
        let from = self.from.map(|at| said(at, 0)).unwrap_or_default();
        let until = self.until.map(|at| said(at, DAY)).unwrap_or_default();
        write!(f, "{from}..{until}")
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    /// Reads `FROM..UNTIL`. Each bound is a date or an RFC 3339 time, and at most one of them may be empty. A date as
    /// the end includes that whole day.
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let form = || PeriodError::Form(text.to_owned());
        let (from, until) = text.trim().split_once("..").ok_or_else(form)?;
        let (from, until) = (from.trim(), until.trim());
        let moment = |text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            parse_time(text).map(Some).ok_or_else(form)
        };
        let whole = until.len() == "2026-12-01".len();
        let from = moment(from)?;
        let until = moment(until)?.map(|at| if whole { at + DAY } else { at });
        if from.is_none() && until.is_none() {
            return Err(form());
        }
        match (from, until) {
            (Some(from), Some(until)) if until <= from => Err(PeriodError::Backwards(text.to_owned())),
            _ => Ok(Self { from, until }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn days_are_whole_and_times_are_moments() {
        let noon = parse_time("2026-12-07T12:00:00Z").expect("a time");
        assert!(period("2026-12-01..2026-12-07").contains(noon));
        assert!(!period("2026-12-01..2026-12-07T12:00:00Z").contains(noon));
        assert!(period("2026-12-07T12:00:00Z..").contains(noon));
        assert!(!period("2026-12-08..").contains(noon) && !period("..2026-12-06").contains(noon));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for text in [
            "2026-12-01..2026-12-07",
            "2026-12-01..",
            "..2026-12-01T12:00:00Z",
            "2026-12-01T12:00:00Z..2026-12-01",
        ] {
            assert_eq!(period(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_period_says_how_one_is_written() {
        for text in ["", "..", "2026-12-01", "soon..", "2026-12-01..later"] {
            let error = text.parse::<Period>().expect_err(text).to_string();
            assert!(error.contains("2026-12-01..2026-12-07"), "{error}");
        }
        let error = "2026-12-07..2026-12-01".parse::<Period>().expect_err("backwards");
        assert!(matches!(error, PeriodError::Backwards(_)));
    }
}
