//! The buckets of one CA, each with one number, and what an order takes from them.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{Bucket, Limit, Limits, OrderKind, set_of};
use crate::{name::Name, object::Seconds, x509};

/// Buckets from which something was taken. Those that are not in it are full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Buckets {
    /// New orders of the account.
    pub orders: Bucket,
    /// Certificates by registered domain.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub domains: BTreeMap<String, Bucket>,
    /// Certificates by exact set of names ([`set_of`]).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sets: BTreeMap<String, Bucket>,
    /// Failed validations by name, without the asterisk of a wildcard.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, Bucket>,
}

impl Buckets {
    /// Counts an order that the CA took.
    pub fn ordered(&mut self, limits: &Limits, kind: OrderKind, at: Seconds) {
        if let (OrderKind::New, Some(limit)) = (kind, &limits.orders) {
            self.orders = self.orders.spent(limit, at);
        }
    }

    /// Counts a certificate that the CA issued.
    pub fn issued(&mut self, limits: &Limits, names: &[Name], kind: OrderKind, at: Seconds) {
        if let (OrderKind::New, Some(limit)) = (kind, &limits.domain) {
            for domain in domains_of(names) {
                spend(&mut self.domains, domain, limit, at);
            }
        }
        if let (OrderKind::New | OrderKind::SameNames, Some(limit)) = (kind, &limits.same_names) {
            spend(&mut self.sets, set_of(names), limit, at);
        }
    }

    /// Counts a name whose validation failed.
    pub fn failed(&mut self, limits: &Limits, name: &Name, at: Seconds) {
        if let Some(limit) = &limits.failures {
            spend(&mut self.failures, identifier(name), limit, at);
        }
    }

    /// Forgets all that is full again.
    pub fn drop_full(&mut self, limits: &Limits, now: Seconds) {
        let keep = |all: &mut BTreeMap<String, Bucket>, limit: Option<Limit>| {
            all.retain(|_, bucket| limit.is_some_and(|limit| !bucket.is_full(&limit, now)));
        };
        keep(&mut self.domains, limits.domain);
        keep(&mut self.sets, limits.same_names);
        keep(&mut self.failures, limits.failures);
        if limits
            .orders
            .as_ref()
            .is_none_or(|limit| self.orders.is_full(limit, now))
        {
            self.orders = Bucket::default();
        }
    }

    /// Keeps at most so many buckets of each kind: those that are full last, because they are nearest to their limits.
    pub fn keep_at_most(&mut self, most: usize) {
        for all in [&mut self.domains, &mut self.sets, &mut self.failures] {
            if all.len() > most {
                let mut sorted: Vec<Bucket> = all.values().copied().collect();
                sorted.sort_unstable_by(|a, b| b.cmp(a));
                let Some(first_left_out) = sorted.get(most).copied() else {
                    continue;
                };
                all.retain(|_, bucket| *bucket > first_left_out);
            }
        }
    }

    /// Takes what is counted in `other` too: of each bucket the number of the one that is full later.
    pub fn join(&mut self, other: &Self) {
        self.orders = self.orders.max(other.orders);
        let pairs = [
            (&mut self.domains, &other.domains),
            (&mut self.sets, &other.sets),
            (&mut self.failures, &other.failures),
        ];
        for (own, others) in pairs {
            for (key, bucket) in others {
                let present = own.entry(key.clone()).or_default();
                *present = (*present).max(*bucket);
            }
        }
    }

    /// The bucket of a domain.
    pub fn domain(&self, domain: &str) -> Bucket {
        self.domains.get(domain).copied().unwrap_or_default()
    }

    /// The bucket of a set of names.
    pub fn set(&self, set: &str) -> Bucket {
        self.sets.get(set).copied().unwrap_or_default()
    }

    /// The bucket of the failures of a name.
    pub fn failures_of(&self, identifier: &str) -> Bucket {
        self.failures.get(identifier).copied().unwrap_or_default()
    }
}

fn spend(all: &mut BTreeMap<String, Bucket>, key: String, limit: &Limit, at: Seconds) {
    let bucket = all.entry(key).or_default();
    *bucket = bucket.spent(limit, at);
}

/// The name by which Let's Encrypt counts failures: that of the authorization.
pub fn identifier(name: &Name) -> String {
    name.base().map_or_else(|| name.to_string(), str::to_owned)
}

/// The domain under which Let's Encrypt counts a name, according to the public suffix list. An IPv4 address counts by
/// itself, an IPv6 address with its /64.
pub fn registered_domain(name: &Name) -> String {
    match name {
        Name::Dns(base) | Name::Wildcard(base) => x509::registered_domain(base).unwrap_or(base).to_owned(),
        Name::Ip(IpAddr::V4(address)) => address.to_string(),
        Name::Ip(IpAddr::V6(address)) => {
            let network = std::net::Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64")
        }
    }
}

/// The registered domains of names, each once.
pub fn domains_of(names: &[Name]) -> Vec<String> {
    let mut all: Vec<String> = names.iter().map(registered_domain).collect();
    all.sort_unstable();
    all.dedup();
    all
}
