//! When to ask again.

use std::time::Duration;

use jiff::{civil::DateTime, fmt::rfc2822, fmt::strtime, tz::TimeZone};

use super::http::Limits;
use crate::{
    clock::{self, Pauses},
    object::Seconds,
};

/// The longest Retry-After that is believed: a year.
const LONGEST: u64 = 365 * 24 * 60 * 60;

/// How much longer each wait after a failure is than the one before, and the longest.
const GROWTH: (u32, u32) = (4, 1);
const LAST: Duration = Duration::from_secs(4);

/// The moment so far from now.
pub(super) fn moment_after(wait: Duration) -> Seconds {
    clock::now().saturating_add(clock::seconds(wait))
}

/// A Retry-After header: seconds, or a date in any of HTTP's three forms (RFC 9110, sections 5.6.7 and 10.2.3). A date
/// that has passed is zero.
pub(super) fn retry_after(value: &str, now: Seconds) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse().unwrap_or(LONGEST)
    } else {
        u64::try_from(http_date(value)?.saturating_sub(now)).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

/// A date in any of HTTP's three forms, in seconds since 1970.
pub(super) fn http_date(value: &str) -> Option<Seconds> {
    if let Ok(zoned) = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_zoned(value) {
        return Some(zoned.timestamp().as_second());
    }
    let obsolete = |format: &str| {
        let date: DateTime = strtime::parse(format, value).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    };
    obsolete("%A, %d-%b-%y %H:%M:%S GMT").or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))
}

/// How long to wait after a failure, the `failed`th (from 0), when the server may have said how long: its wish, but at
/// least ours. `None` when it wishes for more than is waited.
pub(super) fn wait(limits: &Limits, failed: u32, wish: Option<Duration>) -> Option<Duration> {
    let ours = Pauses::growing(limits.backoff, LAST, GROWTH).nth(failed);
    match wish {
        Some(wish) if wish > limits.patience => None,
        Some(wish) => Some(wish.max(ours)),
        None => Some(ours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_in_any_form() {
        let at = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, seconds) in [
            ("0", 0),
            (" 120 ", 120),
            ("99999999999999999999999", LONGEST),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
            ("Sun Nov  6 08:49:47 1994", 10),
            ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ] {
            assert_eq!(retry_after(value, at), Some(Duration::from_secs(seconds)), "{value}");
        }
        for wrong in ["", "-1", "1.5", "soon", "2026-01-01"] {
            assert_eq!(retry_after(wrong, at), None, "{wrong}");
        }
    }

    #[test]
    fn waits_grow_to_four_seconds_and_follow_the_server_within_patience() {
        let limits = Limits::default();
        let waits: Vec<_> = (0..5).map(|n| wait(&limits, n, None).unwrap().as_millis()).collect();
        assert_eq!(waits, [250, 1000, 4000, 4000, 4000]);
        let wish = |seconds| wait(&limits, 0, Some(Duration::from_secs(seconds)));
        assert_eq!(wish(0), Some(limits.backoff));
        assert_eq!(wish(60), Some(Duration::from_mins(1)));
        assert_eq!(wish(61), None);
    }
}
