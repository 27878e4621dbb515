//! What the leader's Lease says, and what follows from that: pure, with the time as an argument. Times are those of one
//! clock of this machine that nobody can set.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use serde_json::{Value, json};

use super::{Timing, vacant};
use crate::object::{Key, Text};

/// The longest that a Lease is believed to last, whatever it says.
const LONGEST: Duration = Duration::from_mins(1);

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) uid: Text,
    /// Empty if nobody holds it.
    pub(super) holder: Text,
    pub(super) transitions: i64,
    /// As it is written.
    pub(super) renewed: Text,
    lasts: Duration,
}

impl Record {
    pub(super) fn of(lease: &Value) -> Self {
        let text = |value: &Value| Text::from(value.as_str().unwrap_or_default());
        let spec = &lease["spec"];
        Self {
            uid: text(&lease["metadata"]["uid"]),
            holder: text(&spec["holderIdentity"]),
            transitions: spec["leaseTransitions"].as_i64().unwrap_or(0).max(0),
            renewed: text(&spec["renewTime"]),
            lasts: Duration::from_secs(spec["leaseDurationSeconds"].as_u64().unwrap_or(0)).min(LONGEST),
        }
    }

    /// Whether it was made because there was none, and not by the installation.
    fn is_anew(&self) -> bool {
        self.holder.is_empty() && self.transitions == 0 && !self.renewed.is_empty()
    }
}

/// How a Lease came to be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Free {
    /// Its holder has given it back, or nobody ever held it.
    GivenBack,
    /// This process is its holder already, by a request whose answer was lost or by a term that has ended.
    Own,
    /// It was unchanged for as long as it lasts.
    Unrenewed,
}

/// Whether a Lease may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Free(Free),
    /// Somebody holds it, or may still believe so; `None` if it is not known who.
    Held(Option<Text>),
    /// It is absent: it is made [`anew`], and taken once that one was seen for as long as it lasts. An absence cannot be told
    /// from another one before it, in between which somebody led; a Lease that is there can, by its uid.
    Absent,
}

/// What a process that does not lead has seen of the Lease.
#[derive(Debug, Default)]
pub(super) struct Observation {
    /// What it says, and since when.
    seen: Option<(Record, Duration)>,
    /// The last that another process held, and when that was seen last.
    held: Option<(Record, Duration)>,
}

impl Observation {
    /// Judges the Lease that was asked for at one moment and answered at another.
    pub(super) fn judge(
        &mut self,
        present: Option<&Value>,
        own: &str,
        (asked, answered): (Duration, Duration),
        timing: &Timing,
    ) -> Verdict {
        let Some(record) = present.map(Record::of) else {
            self.seen = None;
            return Verdict::Absent;
        };
        let since = match &self.seen {
            Some((seen, since)) if *seen == record => *since,
            _ => answered,
        };
        self.seen = Some((record.clone(), since));
        let lasts = record.lasts.max(timing.lasts);
        let is_unrenewed = asked.saturating_sub(since) >= lasts;
        let unless_unrenewed = |holder| {
            if is_unrenewed {
                Verdict::Free(Free::Unrenewed)
            } else {
                Verdict::Held(holder)
            }
        };
        let is_own = record.holder == own;
        if !record.holder.is_empty() && !is_own {
            let holder = record.holder.clone();
            self.held = Some((record, answered));
            return unless_unrenewed(Some(holder));
        }
        if record.is_anew() {
            return unless_unrenewed(None);
        }
        // Somebody may lead by a Lease that was deleted, or that was put back to an earlier state, and not have noticed.
        let is_earlier = self.held.as_ref().is_some_and(|(held, at)| {
            (held.uid != record.uid || held.transitions > record.transitions) && asked.saturating_sub(*at) < lasts
        });
        match (is_earlier, is_own) {
            (true, _) => Verdict::Held(None),
            (false, true) => Verdict::Free(Free::Own),
            (false, false) => Verdict::Free(Free::GivenBack),
        }
    }
}

/// A Lease in the place of one that is absent, at a time since 1970. Nobody holds it.
pub(super) fn anew(key: &Key, now: Duration) -> Value {
    renewed(&vacant(key), now)
}

/// The Lease with this process as its new holder, at a time since 1970. The transitions are more than those of the Lease and
/// more than `before`, so that no process has an epoch twice, whatever a backup brings back.
pub(super) fn taken(
    present: Option<&Value>,
    key: &Key,
    own: &str,
    before: i64,
    timing: &Timing,
    now: Duration,
) -> Value {
    let transitions = present.map_or(0, |lease| Record::of(lease).transitions).max(before);
    let mut lease = present.map_or_else(|| vacant(key), Value::clone);
    // It has 32 bits in Kubernetes. Beyond them the identity still makes another epoch.
    let transitions = i32::try_from(transitions.saturating_add(1)).unwrap_or(1);
    let seconds = i32::try_from(timing.lasts.as_secs()).unwrap_or(i32::MAX).max(1);
    let spec = spec(&mut lease);
    spec["holderIdentity"] = own.into();
    spec["leaseDurationSeconds"] = seconds.into();
    spec["leaseTransitions"] = transitions.into();
    spec["acquireTime"] = time(now);
    spec["renewTime"] = time(now);
    lease
}

/// The Lease renewed at a time since 1970.
pub(super) fn renewed(present: &Value, now: Duration) -> Value {
    let mut lease = present.clone();
    spec(&mut lease)["renewTime"] = time(now);
    lease
}

/// The Lease without a holder, given back at a time since 1970.
pub(super) fn given_back(present: &Value, now: Duration) -> Value {
    let mut lease = renewed(present, now);
    if let Some(spec) = spec(&mut lease).as_object_mut() {
        spec.remove("holderIdentity");
    }
    lease
}

fn spec(lease: &mut Value) -> &mut Value {
    let spec = &mut lease["spec"];
    if !spec.is_object() {
        *spec = json!({});
    }
    spec
}

/// A time in the form of a Lease, to the microsecond: each renewal has another.
fn time(since_1970: Duration) -> Value {
    let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    json!(Timestamp::from_microsecond(micros).ok().map(MicroTime))
}

/// The Lease that this process holds, as the server stored it.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) lease: Value,
    record: Record,
    /// Renewals whose answers did not come.
    tried: Vec<Text>,
}

impl Holding {
    pub(super) fn new(lease: Value) -> Self {
        Self {
            record: Record::of(&lease),
            lease,
            tried: Vec::new(),
        }
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// The renewal of the Lease that is there; `None` if it is no longer the one that this process holds: another has it, it
    /// was made anew, or it was put back to an earlier state.
    pub(super) fn renewal(&mut self, present: Option<&Value>, now: Duration) -> Option<Value> {
        let present = present?;
        let found = Record::of(present);
        let Record {
            uid,
            holder,
            transitions,
            renewed: last,
            ..
        } = &self.record;
        let is_same = (&found.uid, &found.holder, &found.transitions) == (uid, holder, transitions);
        let is_last = found.renewed == *last || self.tried.contains(&found.renewed);
        if !is_same || !is_last {
            return None;
        }
        let renewal = renewed(present, now);
        self.tried.push(Record::of(&renewal).renewed);
        Some(renewal)
    }

    /// Whether an answer is this process's own Lease; it is kept then.
    pub(super) fn keep(&mut self, lease: Value) -> bool {
        let found = Record::of(&lease);
        let Record {
            uid,
            holder,
            transitions,
            ..
        } = &self.record;
        let is_same = (&found.uid, &found.holder, &found.transitions) == (uid, holder, transitions);
        if is_same {
            *self = Self::new(lease);
        }
        is_same
    }
}

#[cfg(test)]
mod tests;
