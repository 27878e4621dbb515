//! Pauses between attempts.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

/// The pauses between attempts: the first, how each grows into the next, and the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pauses {
    first: Duration,
    most: Duration,
    growth: (u32, u32),
    due: Duration,
}

impl Pauses {
    /// Makes pauses that are each twice as long as the previous one.
    pub(crate) const fn doubling(first: Duration, most: Duration) -> Self {
        Self::growing(first, most, (2, 1))
    }

    /// Makes pauses that grow by a fraction: `(3, 2)` makes each one and a half times as long.
    pub(crate) const fn growing(first: Duration, most: Duration, growth: (u32, u32)) -> Self {
        Self {
            first,
            most,
            growth,
            due: first,
        }
    }

    /// The pause that is due.
    pub(crate) fn due(&self) -> Duration {
        self.due
    }

    /// Returns the pause that is due, and continues with the next.
    pub(crate) fn take(&mut self) -> Duration {
        let due = self.due;
        self.grow();
        due
    }

    /// Continues with the next pause.
    pub(crate) fn grow(&mut self) {
        self.grow_by(self.growth);
    }

    /// Continues with a pause that grows by another fraction than usual.
    pub(crate) fn grow_by(&mut self, (times, of): (u32, u32)) {
        self.due = (self.due.saturating_mul(times) / of).min(self.most);
    }

    /// Starts again with the first pause.
    pub(crate) fn restart(&mut self) {
        self.due = self.first;
    }

    /// The pause after this many others, from 0.
    pub(crate) fn nth(&self, after: u32) -> Duration {
        let mut pauses = *self;
        pauses.restart();
        for _ in 0..after {
            if pauses.due >= self.most {
                break;
            }
            pauses.grow();
        }
        pauses.due.min(self.most)
    }
}

/// A random duration between half of the pause and all of it, so that many clients do not return at once.
pub(crate) fn spread(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = u32::try_from(random % 1000).unwrap_or(0);
    pause / 2 + pause / 2 * share / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(mut pauses: Pauses) -> Vec<u128> {
        (0..6).map(|_| pauses.take().as_millis()).collect()
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_again() {
        let ms = Duration::from_millis;
        let mut doubling = Pauses::doubling(ms(250), ms(2000));
        assert_eq!(first(doubling), [250, 500, 1000, 2000, 2000, 2000]);
        let by_half = Pauses::growing(ms(50), ms(200), (3, 2));
        assert_eq!(first(by_half), [50, 75, 112, 168, 200, 200]);
        let without_end = Pauses::growing(ms(500), Duration::MAX, (3, 1));
        assert_eq!(first(without_end), [500, 1500, 4500, 13_500, 40_500, 121_500]);
        doubling.grow_by((9, 8));
        assert_eq!(doubling.due().as_micros(), 281_250);
        doubling.restart();
        assert_eq!(doubling.due(), ms(250));
    }

    #[test]
    fn a_pause_is_known_by_its_number() {
        let ms = Duration::from_millis;
        let pauses = Pauses::growing(ms(250), ms(4000), (4, 1));
        let by_number: Vec<_> = (0..5).map(|n| pauses.nth(n).as_millis()).collect();
        assert_eq!(by_number, [250, 1000, 4000, 4000, 4000]);
        assert_eq!(pauses.nth(u32::MAX), ms(4000));
        assert_eq!(Pauses::doubling(ms(1000), ms(10)).nth(0), ms(10));
    }

    #[test]
    fn a_spread_pause_is_between_half_and_all_of_it() {
        let pause = Duration::from_secs(2);
        for _ in 0..100 {
            let spread = spread(pause);
            assert!((pause / 2..=pause).contains(&spread), "{spread:?}");
        }
    }
}
