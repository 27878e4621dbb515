//! One figure: what it is of, what was reached, and what must be.

use std::{
    fmt::{self, Display},
    time::Duration,
};

/// A figure of a row.
pub(crate) struct Figure {
    /// Of how many, for how long.
    pub(crate) size: String,
    pub(crate) what: String,
    pub(crate) reached: String,
    /// Empty where nothing is asked.
    pub(crate) must: String,
    pub(crate) is_met: bool,
    /// Whether it depends on the machine, so that a smoke run does not insist.
    is_of_machine: bool,
}

/// The figures of one size.
pub(crate) struct Of {
    size: String,
    pub(crate) figures: Vec<Figure>,
}

impl Of {
    pub(crate) fn size(size: impl Into<String>) -> Self {
        Self {
            size: size.into(),
            figures: Vec::new(),
        }
    }

    fn push(&mut self, what: &str, reached: String, must: String, is_met: bool, is_of_machine: bool) {
        self.figures.push(Figure {
            size: self.size.clone(),
            what: what.to_owned(),
            reached,
            must,
            is_met,
            is_of_machine,
        });
    }

    /// A time that is at most so long.
    pub(crate) fn time(&mut self, what: &str, took: Duration, most: Duration) {
        let limit = format!("≤ {}", seconds(most));
        self.push(what, seconds(took), limit, took <= most, true);
    }

    /// Memory in MB (10^6) that is at most so much.
    pub(crate) fn memory(&mut self, what: &str, megabytes: f64, most: f64) {
        let limit = format!("≤ {most:.0} MB");
        self.push(what, format!("{megabytes:.0} MB"), limit, megabytes <= most, true);
    }

    /// A rate that is at least so high.
    pub(crate) fn rate(&mut self, what: &str, rate: f64, least: f64) {
        self.push(
            what,
            format!("{rate:.1}/s"),
            format!("≥ {least}/s"),
            rate >= least,
            true,
        );
    }

    /// A number that is at most so high, on any machine.
    pub(crate) fn most(&mut self, what: &str, number: f64, most: f64) {
        let text = |number: f64| {
            if number.fract() == 0.0 {
                format!("{number:.0}")
            } else {
                format!("{number:.2}")
            }
        };
        self.push(what, text(number), format!("≤ {}", text(most)), number <= most, false);
    }

    /// Something that must be none; in words if there is any.
    pub(crate) fn none(&mut self, what: &str, count: usize, words: &str) {
        let reached = if words.is_empty() || count == 0 {
            count.to_string()
        } else {
            format!("{count}: {words}")
        };
        self.push(what, reached, "0".to_owned(), count == 0, false);
    }

    /// A number that must be exactly so high, on any machine.
    pub(crate) fn exactly(&mut self, what: &str, number: usize, must: usize) {
        self.push(what, number.to_string(), must.to_string(), number == must, false);
    }

    /// What is only told.
    pub(crate) fn told(&mut self, what: &str, reached: impl Into<String>) {
        self.push(what, reached.into(), String::new(), true, true);
    }
}

impl Figure {
    /// Whether it is missed, on whatever machine.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.is_met && !self.is_of_machine
    }
}

impl Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            size,
            what,
            reached,
            must,
            ..
        } = self;
        let missed = if self.is_met { "" } else { "  MISSED" };
        write!(out, "{size}: {what}: {reached} ({must}){missed}")
    }
}

/// A time for people.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.1 {
        format!("{:.1} ms", seconds * 1_000.0)
    } else if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// The value below which so many percent lie; zero of none.
pub(crate) fn percentile(mut all: Vec<Duration>, percent: usize) -> Duration {
    all.sort_unstable();
    let at = (all.len() * percent).div_ceil(100).saturating_sub(1);
    all.get(at).copied().unwrap_or_default()
}

/// A number for people.
pub(crate) fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", thousands(number / 1_000), number % 1_000)
    }
}
