//! When each order is possible, one after the other: what a plan of known orders and a forecast of a year have in common.

use std::collections::{BTreeMap, HashMap};

use super::{Bucket, Buckets, Limit, Limits, OrderKind, domains_of, identifier, set_of};
use crate::{name::Name, object::Seconds};

/// A domain, a set of names or a name, by its place in the scheduler.
type Place = u32;

/// The limit that holds an order up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBy {
    /// New orders of the account.
    Orders,
    /// Certificates of a domain.
    Domain(Place),
    /// Certificates for exactly the same names.
    Set(Place),
    /// Failed validations of a name.
    Failures(Place),
}

/// The limits that the orders for some names concern, besides those of the account.
#[derive(Debug, Clone, Default)]
pub struct Concerns {
    set: Option<Place>,
    domains: Box<[Place]>,
    failing: Box<[Place]>,
}

/// The buckets of one limit, as a plan goes on.
struct Numbers {
    limit: Option<Limit>,
    before: BTreeMap<String, Bucket>,
    places: HashMap<String, Place>,
    keys: Vec<String>,
    buckets: Vec<Bucket>,
}

impl Numbers {
    fn new(limit: Option<Limit>, before: BTreeMap<String, Bucket>) -> Self {
        Self {
            limit,
            before,
            places: HashMap::new(),
            keys: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// The place of a key; `None` without a limit.
    fn place(&mut self, key: String) -> Option<Place> {
        self.limit?;
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        let place = Place::try_from(self.keys.len()).ok()?;
        self.buckets.push(self.before.get(&key).copied().unwrap_or_default());
        self.keys.push(key.clone());
        self.places.insert(key, place);
        Some(place)
    }

    fn bucket(&mut self, place: Place) -> Option<(&Limit, &mut Bucket)> {
        let bucket = self.buckets.get_mut(usize::try_from(place).ok()?)?;
        Some((self.limit.as_ref()?, bucket))
    }

    fn earliest(&mut self, place: Place, at: Seconds) -> Seconds {
        self.bucket(place)
            .map_or(at, |(limit, bucket)| bucket.earliest(limit, at))
    }

    fn take(&mut self, place: Place, at: Seconds) {
        if let Some((limit, bucket)) = self.bucket(place) {
            *bucket = bucket.planned(limit, at);
        }
    }

    fn key(&self, place: Place) -> &str {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        self.keys.get(place).map_or("", String::as_str)
    }
}

/// Plans orders in the order in which they are wanted.
pub struct Scheduler {
    orders: Option<(Limit, Bucket)>,
    domains: Numbers,
    sets: Numbers,
    failures: Numbers,
}

impl Scheduler {
    /// Begins with what is known now.
    pub fn new(limits: &Limits, known: &Buckets, now: Seconds) -> Self {
        let mut known = known.clone();
        known.drop_full(limits, now);
        Self {
            orders: limits.orders.map(|limit| (limit, known.orders)),
            domains: Numbers::new(limits.domain, known.domains),
            sets: Numbers::new(limits.same_names, known.sets),
            failures: Numbers::new(limits.failures, known.failures),
        }
    }

    /// The limits that orders for these names concern.
    pub fn concerns(&mut self, names: &[Name]) -> Concerns {
        let set = self.sets.limit.is_some().then(|| set_of(names));
        let domains = match self.domains.limit {
            Some(_) => domains_of(names),
            None => Vec::new(),
        };
        // Nothing fails according to a plan: only what has failed already is waited for.
        let failing = names.iter().map(identifier);
        let failing: Vec<String> = failing.filter(|name| self.failures.before.contains_key(name)).collect();
        Concerns {
            set: set.and_then(|set| self.sets.place(set)),
            domains: domains.into_iter().filter_map(|it| self.domains.place(it)).collect(),
            failing: failing.into_iter().filter_map(|it| self.failures.place(it)).collect(),
        }
    }

    /// From when on the limits of its names permit an order that is wanted at a moment, in seconds since 1970, and the one of
    /// them that holds it up longest. It is taken from them.
    pub fn by_names(&mut self, of: &Concerns, kind: OrderKind, at: Seconds) -> (Seconds, Option<HeldBy>) {
        if kind == OrderKind::Replacement {
            return (at, None);
        }
        let domains = if kind == OrderKind::New { &*of.domains } else { &[] };
        let mut possible = (at, None);
        let mut wait = |until: Seconds, by: HeldBy| {
            if until > possible.0 {
                possible = (until, Some(by));
            }
        };
        if let Some(set) = of.set {
            wait(self.sets.earliest(set, at), HeldBy::Set(set));
        }
        for domain in domains {
            wait(self.domains.earliest(*domain, at), HeldBy::Domain(*domain));
        }
        for name in &of.failing {
            wait(self.failures.earliest(*name, at), HeldBy::Failures(*name));
        }
        if let Some(set) = of.set {
            self.sets.take(set, possible.0);
        }
        for domain in domains {
            self.domains.take(*domain, possible.0);
        }
        possible
    }

    /// From when on the account may make a new order that its names permit from a moment on, in seconds since 1970. It is taken
    /// from the account: orders come in the order of those moments.
    pub fn by_account(&mut self, at: Seconds) -> Seconds {
        let Some((limit, bucket)) = &mut self.orders else {
            return at;
        };
        let possible = bucket.earliest(limit, at);
        *bucket = bucket.planned(limit, possible);
        possible
    }

    /// What an order is held up by, in the words of its limit.
    pub fn limit(&self, held_by: HeldBy) -> super::LimitOf {
        use super::LimitOf;
        match held_by {
            HeldBy::Orders => LimitOf::Orders,
            HeldBy::Domain(place) => LimitOf::Domain(self.domains.key(place).to_owned()),
            HeldBy::Set(place) => LimitOf::SameNames(self.sets.key(place).to_owned()),
            HeldBy::Failures(place) => LimitOf::Failures(self.failures.key(place).to_owned()),
        }
    }

    /// The same as the beginning of a sentence.
    pub fn words(&self, held_by: HeldBy) -> String {
        self.limit(held_by).words()
    }
}
