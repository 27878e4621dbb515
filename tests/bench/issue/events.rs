//! The events of a run (`-o json`), with their times.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use serde_json::Value;

/// What a run has told.
pub(crate) struct Events(Vec<(Duration, Value)>);

impl Events {
    /// Of the lines of standard output; times are since `began`.
    pub(crate) fn of(out: &str, began: SystemTime) -> Self {
        let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let read = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            let time = value["time"].as_str().unwrap();
            let (seconds, rest) = time.split_once('.').unwrap();
            let seconds = kubectl_certs::text::parse_time(&format!("{seconds}Z")).unwrap();
            let millis: u64 = rest.trim_end_matches('Z').parse().unwrap();
            let at = Duration::from_secs(seconds.try_into().unwrap()) + Duration::from_millis(millis);
            (at.saturating_sub(began), value)
        };
        Self(out.lines().map(read).collect())
    }

    /// When it was first told.
    pub(crate) fn first(&self, event: &str) -> Duration {
        let found = self.0.iter().find(|(_, value)| value["event"] == event);
        found.unwrap_or_else(|| panic!("no event {event:?} in {:#?}", self.0)).0
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.0.iter().filter(|(_, value)| value["event"] == event).count()
    }

    /// The mean time from each event of a certificate to its next one, in a line, slowest first.
    pub(crate) fn stages(&self) -> String {
        let mut last: HashMap<&Value, (Duration, &str)> = HashMap::new();
        let mut stages: HashMap<(&str, &str), (Duration, u32)> = HashMap::new();
        for (at, value) in &self.0 {
            let (secret, event) = (&value["secret"], value["event"].as_str().unwrap());
            if let Some((before, from)) = last.insert(secret, (*at, event)) {
                let (sum, count) = stages.entry((from, event)).or_default();
                (*sum, *count) = (*sum + at.saturating_sub(before), *count + 1);
            }
        }
        let mut all: Vec<_> = stages
            .into_iter()
            .map(|(stage, (sum, count))| (sum / count, stage))
            .collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let each = |(mean, (from, to)): &(Duration, (&str, &str))| format!("{from} to {to} {}", mean.as_millis());
        all.iter().map(each).collect::<Vec<_>>().join(", ")
    }

    /// Each event with its time, in a line.
    pub(crate) fn line(&self) -> String {
        let each = |(at, value): &(Duration, Value)| format!("{} {}", at.as_millis(), value["event"].as_str().unwrap());
        self.0.iter().map(each).collect::<Vec<_>>().join(", ")
    }
}
