//! How often a CA permits something.

use std::{fmt, str::FromStr, time::Duration};

use super::{NotAValue, duration, no};

/// So many times at once, and as many again in a period: `300`, whose period is the usual one, or `300/3h`. Zero is no
/// limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many times at once.
    pub times: u32,
    /// In which time as many come back, a second at least; `None` is the usual one.
    pub period: Option<Duration>,
}

impl FromStr for Allowance {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let (times, period) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let times = times.trim().parse().ok();
        let period = period.map(|period| duration(period.trim()).ok().filter(|it| *it >= Duration::from_secs(1)));
        match (times, period) {
            (Some(times), None) => Ok(Self { times, period: None }),
            (Some(times), Some(Some(period))) => Ok(Self {
                times,
                period: Some(period),
            }),
            _ => Err(no(text, "rate limit", "300 or 300/3h")),
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.times)?;
        match self.period {
            Some(period) => write!(f, "/{}", humantime::format_duration(period)),
            None => Ok(()),
        }
    }
}
