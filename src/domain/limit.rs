//! How often hosts may be registered: by one token, for one tenant and below one registered domain.

use std::collections::HashMap;

use super::{Host, Tenant};
use crate::{
    object::{Seconds, Text},
    plan::limits::{Bucket, Limit},
};

/// How many buckets of a kind are kept that are not full. Whoever comes when there are so many has to wait.
const MOST: usize = 10_000;

/// The limits; `None` is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistrationLimits {
    /// Of a token.
    pub per_token: Option<Limit>,
    /// Of a tenant.
    pub per_tenant: Option<Limit>,
    /// Of a registered domain.
    pub per_domain: Option<Limit>,
}

/// What a limit is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// A token.
    Token,
    /// A tenant.
    Tenant,
    /// A registered domain.
    Domain,
}

impl LimitKind {
    const fn words(self) -> &'static str {
        match self {
            Self::Token => "with this token",
            Self::Tenant => "for this tenant",
            Self::Domain => "below this registered domain",
        }
    }
}

/// A host may not be registered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many hosts were registered {}; the next is possible in {} s", kind.words(), until.saturating_sub(*now))]
pub struct RegistrationError {
    /// Which limit leaves nothing.
    pub kind: LimitKind,
    /// From when on it is possible, in seconds since 1970.
    pub until: Seconds,
    /// When it was asked.
    pub now: Seconds,
}

/// How much of each limit is used. Its memory is bounded.
#[derive(Debug, Default)]
pub struct Registrations {
    limits: RegistrationLimits,
    tokens: Used,
    tenants: Used,
    domains: Used,
}

impl Registrations {
    /// Nothing is used.
    pub fn new(limits: RegistrationLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes one of each limit, or none at all.
    ///
    /// # Errors
    ///
    /// The limit that leaves nothing for the longest time.
    pub fn take(&mut self, token: &str, tenant: &Tenant, host: &Host, now: Seconds) -> Result<(), RegistrationError> {
        let RegistrationLimits {
            per_token,
            per_tenant,
            per_domain,
        } = self.limits;
        let mut all = [
            (LimitKind::Token, per_token, token, &mut self.tokens),
            (LimitKind::Tenant, per_tenant, tenant.as_str(), &mut self.tenants),
            (LimitKind::Domain, per_domain, host.registered(), &mut self.domains),
        ];
        let mut worst: Option<RegistrationError> = None;
        for (kind, limit, name, used) in &mut all {
            let Some(limit) = limit else { continue };
            let until = used.possible_at(limit, name, now);
            if until > now && worst.is_none_or(|worst| worst.until < until) {
                worst = Some(RegistrationError {
                    kind: *kind,
                    until,
                    now,
                });
            }
        }
        if let Some(error) = worst {
            return Err(error);
        }
        for (_, limit, name, used) in all {
            if let Some(limit) = limit {
                let bucket = used.buckets.entry(name.into()).or_default();
                *bucket = bucket.spent(&limit, now);
            }
        }
        Ok(())
    }
}

/// The buckets of one kind that are not full.
#[derive(Debug, Default)]
struct Used {
    buckets: HashMap<Text, Bucket>,
    /// When there is room again for another one, as long as that is known.
    room_at: Seconds,
}

impl Used {
    /// From when on one more is possible.
    fn possible_at(&mut self, limit: &Limit, name: &str, now: Seconds) -> Seconds {
        if let Some(bucket) = self.buckets.get(name) {
            return bucket.possible_at(limit, now);
        }
        if self.buckets.len() < MOST {
            return now;
        }
        // All are looked at once, and not for each host of a flood.
        if self.room_at <= now {
            self.buckets.retain(|_, bucket| !bucket.is_full(limit, now));
            let next = self.buckets.values().map(|bucket| bucket.full_at(limit, now)).min();
            self.room_at = next.unwrap_or(now).max(now.saturating_add(1));
        }
        if self.buckets.len() < MOST { now } else { self.room_at }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    fn limit(burst: i64, period: Seconds) -> Option<Limit> {
        Limit::new(burst, period)
    }

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn each_limit_counts_what_it_is_of_and_the_one_that_lasts_longest_is_told() {
        let mut used = Registrations::new(RegistrationLimits {
            per_token: limit(3, 60),
            per_tenant: limit(4, 600),
            per_domain: limit(2, 3_600),
        });
        let mut take = |token: &str, tenant: &Tenant, name: &str, at: Seconds| {
            used.take(token, tenant, &host(name), NOW + at)
                .map_err(|error| (error.kind, error.until - NOW))
        };
        assert_eq!(take("a", &shop(), "a.example.com", 0), Ok(()));
        assert_eq!(take("a", &shop(), "b.example.com", 0), Ok(()));
        assert_eq!(take("a", &shop(), "c.example.com", 0), Err((LimitKind::Domain, 1_800)));
        assert_eq!(take("a", &shop(), "c.example.net", 0), Ok(()));
        assert_eq!(take("a", &shop(), "c.example.org", 0), Err((LimitKind::Token, 20)));
        assert_eq!(
            take("b", &shop(), "c.example.org", 0),
            Ok(()),
            "nothing was taken by what failed"
        );
        assert_eq!(take("b", &shop(), "d.example.org", 0), Err((LimitKind::Tenant, 150)));
        assert_eq!(take("b", &blog(), "d.example.org", 0), Ok(()));
        assert_eq!(take("a", &blog(), "d.example.net", 20), Ok(()));
    }

    #[test]
    fn without_limits_everything_is_possible_and_nothing_is_kept() {
        let mut used = Registrations::default();
        for _ in 0..1_000 {
            assert_eq!(used.take("a", &shop(), &host("www.example.com"), NOW), Ok(()));
        }
        assert!(used.tokens.buckets.is_empty() && used.domains.buckets.is_empty());
    }

    #[test]
    fn a_flood_of_domains_does_not_take_memory_without_end_and_room_comes_back() {
        let mut used = Registrations::new(RegistrationLimits {
            per_domain: limit(5, 500),
            ..RegistrationLimits::default()
        });
        let mut refused = 0;
        for n in 0..3 * MOST {
            let name = host(&format!("shop{n}.com"));
            refused += usize::from(used.take("a", &shop(), &name, NOW).is_err());
        }
        assert_eq!((used.domains.buckets.len(), refused), (MOST, 2 * MOST));
        let error = used.take("a", &shop(), &host("late.com"), NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            "too many hosts were registered below this registered domain; the next is possible in 100 s"
        );
        assert_eq!(used.take("a", &shop(), &host("late.com"), error.until), Ok(()));
        assert_eq!(used.domains.buckets.len(), 1);
    }
}
