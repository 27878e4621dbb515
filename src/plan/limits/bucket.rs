//! Token buckets in the form of the generic cell rate algorithm: one number for each, the theoretical arrival time.
//!
//! A bucket holds a burst of tokens, and gets a new one each interval. Its number is the moment at which it is full
//! again: each event moves that moment on by one interval.

use serde::{Deserialize, Serialize};

use crate::{object::Seconds, text::time::HOUR};

/// Numbers are in microseconds, in which the intervals of all published limits are whole.
const MICROS: i64 = 1_000_000;
/// How far a clock may be set back before a number that it left behind is no longer believed.
const TRUSTED_AHEAD: i64 = HOUR * MICROS;

/// How often something may happen: so many times at once, and then once each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    burst: i64,
    interval: i64,
    period: Seconds,
}

impl Limit {
    /// So many times at once, and as many in each period of so many seconds. `None` is no limit: zero times, or more
    /// often than once in a microsecond.
    pub const fn new(burst: i64, period: Seconds) -> Option<Self> {
        if burst <= 0 || period <= 0 {
            return None;
        }
        let interval = period.saturating_mul(MICROS) / burst;
        if interval == 0 {
            return None;
        }
        Some(Self {
            burst,
            interval,
            period,
        })
    }

    /// How many times at once.
    pub const fn burst(&self) -> i64 {
        self.burst
    }

    /// After how many seconds an empty bucket is full again.
    pub const fn period(&self) -> Seconds {
        self.period
    }

    /// After how many seconds one more is possible, in whole seconds.
    pub const fn interval(&self) -> Seconds {
        (self.interval + MICROS / 2) / MICROS
    }

    /// How long an empty bucket takes to fill, in microseconds.
    const fn whole(&self) -> i64 {
        self.interval.saturating_mul(self.burst)
    }
}

/// The state of one limit: when it will be full again, in microseconds since 1970. One that is new is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(i64);

impl Bucket {
    /// When it will be full again as of `now`, between `now` and a whole burst later. A number that is further ahead
    /// comes from a clock that was wrong; one that is much further is forgotten.
    fn arrival(self, limit: &Limit, now: Seconds) -> i64 {
        let now = micros(now);
        let empty = now.saturating_add(limit.whole());
        if self.0 > empty.saturating_add(TRUSTED_AHEAD) {
            return now;
        }
        self.0.clamp(now, empty)
    }

    /// The same bucket after one event at a moment in seconds since 1970. A bucket never holds less than nothing: the CA
    /// permitted the event, so that there was a token for it.
    #[must_use]
    pub fn spent(self, limit: &Limit, at: Seconds) -> Self {
        let before = self.arrival(limit, at);
        let empty = micros(at).saturating_add(limit.whole());
        let after = before.saturating_add(limit.interval).min(empty);
        // An event that is older than those that are counted gives no token back.
        let believed = self.0 <= empty.saturating_add(TRUSTED_AHEAD);
        Self(if believed { after.max(self.0) } else { after })
    }

    /// How many events are possible at once: from zero to the burst.
    pub fn left(self, limit: &Limit, now: Seconds) -> i64 {
        let taken = self.arrival(limit, now) - micros(now);
        (limit.whole() - taken) / limit.interval
    }

    /// From when one more event is possible, in seconds since 1970: `now` if it is possible already.
    pub fn possible_at(self, limit: &Limit, now: Seconds) -> Seconds {
        let at = self.arrival(limit, now) + limit.interval - limit.whole();
        now.max(whole_seconds(at))
    }

    /// From when it is full, in seconds since 1970: `now` if it is full already.
    pub fn full_at(self, limit: &Limit, now: Seconds) -> Seconds {
        now.max(whole_seconds(self.arrival(limit, now)))
    }

    /// From when one more event is possible after all that is planned, in seconds since 1970, and not before `at`. Unlike
    /// [`Self::possible_at`] it believes numbers that are far ahead.
    pub(super) fn earliest(self, limit: &Limit, at: Seconds) -> Seconds {
        let possible = self.0.saturating_add(limit.interval).saturating_sub(limit.whole());
        at.max(whole_seconds(possible))
    }

    /// The same bucket after an event that is planned for a moment at which it is possible.
    #[must_use]
    pub(super) fn planned(self, limit: &Limit, at: Seconds) -> Self {
        Self(self.0.max(micros(at)).saturating_add(limit.interval))
    }

    /// Whether it is full, so that nothing has to be kept of it.
    pub fn is_full(self, limit: &Limit, now: Seconds) -> bool {
        self.arrival(limit, now) <= micros(now)
    }
}

fn micros(at: Seconds) -> i64 {
    at.saturating_mul(MICROS)
}

/// The first whole second that is not before a moment in microseconds.
fn whole_seconds(at: i64) -> Seconds {
    at.div_euclid(MICROS) + i64::from(at.rem_euclid(MICROS) > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Seconds = 1_800_000_000;

    fn limit(burst: i64, period: Seconds) -> Limit {
        Limit::new(burst, period).unwrap()
    }

    fn after(limit: &Limit, events: &[Seconds]) -> Bucket {
        events
            .iter()
            .fold(Bucket::default(), |bucket, at| bucket.spent(limit, *at))
    }

    prop_compose! {
        fn limits()(burst in 1_i64..40_000, period in 60_i64..1_000_000) -> Limit {
            limit(burst, period)
        }
    }

    #[test]
    fn the_intervals_are_those_that_the_ca_publishes() {
        for (burst, period, seconds) in [
            (300, 3 * HOUR, 36),
            (50, 168 * HOUR, 12_096),
            (5, 168 * HOUR, 120_960),
            (5, HOUR, 720),
        ] {
            let limit = limit(burst, period);
            assert_eq!(limit.interval(), seconds);
            assert_eq!(limit.whole(), period * MICROS, "nothing is lost by rounding");
        }
        // Staging's intervals are no whole seconds.
        assert_eq!(limit(1_500, 3 * HOUR).interval, 7_200_000);
        assert_eq!(limit(30_000, 168 * HOUR).interval, 20_160_000);
        for none in [
            Limit::new(0, HOUR),
            Limit::new(-1, HOUR),
            Limit::new(5, 0),
            Limit::new(i64::MAX, HOUR),
        ] {
            assert_eq!(none, None);
        }
    }

    proptest! {
        #[test]
        fn a_burst_at_once_is_exactly_what_is_there(limit in limits()) {
            let mut bucket = Bucket::default();
            for n in 0..limit.burst() {
                prop_assert_eq!(bucket.left(&limit, NOW), limit.burst() - n);
                prop_assert_eq!(bucket.possible_at(&limit, NOW), NOW);
                bucket = bucket.spent(&limit, NOW);
            }
            prop_assert_eq!(bucket.left(&limit, NOW), 0);
            prop_assert!(bucket.possible_at(&limit, NOW) > NOW);
        }

        #[test]
        fn one_comes_back_each_interval_and_never_earlier(burst in 1_i64..5_000, interval in 1_i64..100_000, waited in 0_i64..6_000) {
            let limit = limit(burst, burst * interval);
            let empty = after(&limit, &vec![NOW; usize::try_from(burst).unwrap()]);
            let later = NOW + waited * interval;
            prop_assert_eq!(empty.left(&limit, later), waited.min(burst));
            prop_assert_eq!(empty.left(&limit, later + interval - 1), waited.min(burst));
            prop_assert_eq!(empty.possible_at(&limit, NOW), NOW + interval);
            prop_assert_eq!(empty.full_at(&limit, NOW), NOW + burst * interval);
            prop_assert!(!empty.is_full(&limit, NOW + burst * interval - 1));
            prop_assert!(empty.is_full(&limit, NOW + burst * interval));
        }

        #[test]
        fn there_is_never_less_than_nothing_or_more_than_a_burst(
            limit in limits(),
            events in prop::collection::vec(-2_000_000_i64..2_000_000, 0..200),
            looked in -4_000_000_i64..4_000_000,
        ) {
            let mut bucket = Bucket::default();
            for at in events {
                bucket = bucket.spent(&limit, NOW + at);
                prop_assert!((0..=limit.burst()).contains(&bucket.left(&limit, NOW + at)));
            }
            let now = NOW + looked;
            prop_assert!((0..=limit.burst()).contains(&bucket.left(&limit, now)));
            prop_assert!(bucket.possible_at(&limit, now) <= bucket.full_at(&limit, now));
        }

        #[test]
        fn what_is_possible_then_is_possible(limit in limits(), events in prop::collection::vec(0_i64..100_000, 1..300)) {
            let mut events: Vec<Seconds> = events.iter().map(|at| NOW + at).collect();
            events.sort_unstable();
            let bucket = after(&limit, &events);
            let now = *events.last().unwrap();
            let then = bucket.possible_at(&limit, now);
            prop_assert!(bucket.left(&limit, then) >= 1);
            prop_assert!(then == now || bucket.left(&limit, then - 1) == 0);
        }

        #[test]
        fn the_order_of_what_happened_at_once_does_not_matter(limit in limits(), mut events in prop::collection::vec(0_i64..50_000, 0..60)) {
            let sorted = |mut events: Vec<i64>| { events.sort_unstable(); after(&limit, &events) };
            let forward = sorted(events.clone());
            events.reverse();
            prop_assert_eq!(forward, sorted(events));
        }

        #[test]
        fn a_clock_that_is_set_back_does_no_harm(limit in limits(), ahead in 0_i64..100_000_000, count in 1_usize..400) {
            // A whole burst or more is counted by a clock that is ahead.
            let bucket = after(&limit, &vec![NOW + ahead; count]);
            let full = bucket.full_at(&limit, NOW);
            prop_assert!(full <= NOW + limit.period(), "{full}");
            if ahead > HOUR + limit.period() {
                prop_assert_eq!(bucket.left(&limit, NOW), limit.burst(), "it is forgotten");
            }
            let next = bucket.spent(&limit, NOW);
            prop_assert!(next.full_at(&limit, NOW) <= NOW + limit.period());
        }

        #[test]
        fn nothing_overflows(burst in any::<i64>(), period in any::<i64>(), number in any::<i64>(), now in any::<i64>()) {
            if let Some(limit) = Limit::new(burst, period) && period < 1 << 40 {
                let bucket = Bucket(number);
                let now = now / (4 * MICROS);
                let next = bucket.spent(&limit, now);
                prop_assert!((0..=limit.burst()).contains(&next.left(&limit, now)));
                prop_assert!(next.possible_at(&limit, now) >= now);
            }
        }
    }

    #[test]
    fn a_number_is_kept_as_it_is() {
        let bucket = after(&limit(5, HOUR), &[NOW, NOW]);
        let kept = serde_json::to_string(&bucket).unwrap();
        assert_eq!(kept, "1800001440000000");
        assert_eq!(serde_json::from_str::<Bucket>(&kept).unwrap(), bucket);
    }
}
