//! Dates and ages, in UTC and in kubectl's short form.

use std::fmt;

use jiff::Timestamp;

use crate::object::Seconds;

/// One minute in seconds.
pub const MINUTE: Seconds = 60;
/// One hour in seconds.
pub const HOUR: Seconds = 60 * MINUTE;
/// One day in seconds.
pub const DAY: Seconds = 24 * HOUR;

/// Converts a moment into a timestamp. A moment outside of the calendar (RFC 5280's year 9999) becomes the last one in
/// it.
fn timestamp(at: Seconds) -> Timestamp {
    Timestamp::from_second(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The date in UTC: `2026-12-01`.
pub fn date(at: Seconds) -> String {
    timestamp(at).strftime("%Y-%m-%d").to_string()
}

/// The date and time in UTC: `2026-12-01T00:00:00Z` (RFC 3339).
pub fn date_time(at: Seconds) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A duration in the form of kubectl's AGE column: `45s`, `12m`, `5h`, `3d4h`, `12d`, `2y31d`. The sign is dropped.
pub fn age(seconds: Seconds) -> String {
    Age(seconds).to_string()
}

/// Displays a duration in seconds like [`age`].
#[derive(Debug, Clone, Copy)]
pub struct Age(pub Seconds);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0.unsigned_abs();
        let (minutes, hours, days) = (s / 60, s / 3600, s / 86_400);
        let (whole, unit, rest, rest_unit) = match () {
            () if s < 120 => (s, "s", 0, ""),
            () if minutes < 10 => (minutes, "m", s % 60, "s"),
            () if hours < 3 => (minutes, "m", 0, ""),
            () if hours < 8 => (hours, "h", minutes % 60, "m"),
            () if hours < 48 => (hours, "h", 0, ""),
            () if days < 8 => (days, "d", hours % 24, "h"),
            () if days < 730 => (days, "d", 0, ""),
            () if days < 8 * 365 => (days / 365, "y", days % 365, "d"),
            () => (days / 365, "y", 0, ""),
        };
        write!(f, "{whole}{unit}")?;
        if rest == 0 {
            Ok(())
        } else {
            write!(f, "{rest}{rest_unit}")
        }
    }
}

/// Reads a date (`2026-12-01`, its first second in UTC) or an RFC 3339 time; `None` if it is neither.
pub fn parse_time(text: &str) -> Option<Seconds> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    day.to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|z| z.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_kubectls() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR + 5 * MINUTE, "3h5m"),
            (30 * HOUR, "30h"),
            (3 * DAY + 4 * HOUR, "3d4h"),
            (12 * DAY, "12d"),
            (800 * DAY, "2y70d"),
            (4000 * DAY, "10y"),
        ] {
            assert_eq!(age(seconds), text, "{seconds} s");
        }
    }

    #[test]
    fn a_date_is_its_first_second_and_times_are_read_whole() {
        assert_eq!(
            parse_time("2026-12-01").map(date_time).as_deref(),
            Some("2026-12-01T00:00:00Z")
        );
        assert_eq!(
            parse_time("2026-12-01T10:00:00+02:00").map(date_time).as_deref(),
            Some("2026-12-01T08:00:00Z")
        );
        assert_eq!(parse_time("soon"), None);
        assert_eq!(parse_time("2026-02-30"), None);
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_its_end() {
        assert_eq!(date(253_402_300_799), "9999-12-30");
        assert_eq!(date(i64::MAX), "9999-12-30");
    }
}
