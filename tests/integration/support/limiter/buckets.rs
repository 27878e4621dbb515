//! Token buckets, counted in another way than the program counts them: so many tokens, and how many come in a second.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How many tokens a bucket holds, and in which time an empty one is full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) period: Duration,
}

impl Rate {
    pub(crate) const fn new(burst: u32, period: Duration) -> Self {
        Self { burst, period }
    }

    fn per_second(self) -> f64 {
        f64::from(self.burst) / self.period.as_secs_f64()
    }
}

/// The buckets of one limit, by what each is for. One that is not here is full.
pub(super) struct Buckets {
    rate: Rate,
    tokens: BTreeMap<String, (f64, Duration)>,
}

impl Buckets {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            tokens: BTreeMap::new(),
        }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    fn left(&self, of: &str, now: Duration) -> f64 {
        let burst = f64::from(self.rate.burst);
        self.tokens.get(of).map_or(burst, |(tokens, then)| {
            let passed = now.saturating_sub(*then).as_secs_f64();
            (tokens + passed * self.rate.per_second()).min(burst)
        })
    }

    /// How long it takes until there is a token; `None` if there is one.
    pub(super) fn wait(&self, of: &str, now: Duration) -> Option<Duration> {
        let missing = 1.0 - self.left(of, now);
        // What a sum of fractions is off by is no token.
        (missing > 1e-6).then(|| Duration::from_secs_f64(missing / self.rate.per_second()))
    }

    /// Takes a token, if there is one.
    pub(super) fn spend(&mut self, of: &str, now: Duration) {
        let left = (self.left(of, now) - 1.0).max(0.0);
        self.tokens.insert(of.to_owned(), (left, now));
    }

    /// Gives a token back.
    pub(super) fn refund(&mut self, of: &str, now: Duration) {
        let left = (self.left(of, now) + 1.0).min(f64::from(self.rate.burst));
        self.tokens.insert(of.to_owned(), (left, now));
    }
}

/// The time of the CA, which may pass faster than it does.
pub(super) struct Clock {
    began: Instant,
    speed: u32,
}

impl Clock {
    pub(super) fn new(speed: u32) -> Self {
        Self {
            began: Instant::now(),
            speed,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.began.elapsed() * self.speed
    }

    /// How long a time of the CA takes here.
    pub(super) fn real(&self, time: Duration) -> Duration {
        time / self.speed
    }
}

#[test]
fn a_bucket_gives_its_burst_and_then_one_each_interval() {
    let mut buckets = Buckets::new(Rate::new(3, Duration::from_secs(30)));
    let at = Duration::from_secs;
    for _ in 0..3 {
        assert_eq!(buckets.wait("a", at(0)), None);
        buckets.spend("a", at(0));
    }
    assert_eq!(buckets.wait("a", at(0)), Some(at(10)));
    assert_eq!(buckets.wait("b", at(0)), None, "another's");
    assert_eq!(
        (buckets.wait("a", at(9)), buckets.wait("a", at(10))),
        (Some(at(1)), None)
    );
    buckets.spend("a", at(10));
    buckets.refund("a", at(10));
    assert_eq!(buckets.wait("a", at(10)), None);
    assert_eq!(buckets.left("a", at(9_999)).to_string(), "3");
}
