//! Let's Encrypt's rate limits, checked before an order. The result is an estimate from the orders that are known.
//!
//! The limits are those of <https://letsencrypt.org/docs/rate-limits/>. An order that names the certificate which it
//! replaces, within the renewal window of that certificate (RFC 9773), counts towards none of them.

use std::collections::{BTreeSet, HashSet};

use crate::{name::Name, object::Seconds, text::time, x509};

/// Three hours, in seconds.
const HOURS_3: Seconds = 3 * 3_600;
/// Seven days, in seconds.
const DAYS_7: Seconds = 7 * 86_400;
/// One hour, in seconds.
const HOUR: Seconds = 3_600;

/// The limits of a CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// New orders of an account in three hours.
    pub orders: usize,
    /// Certificates of a registered domain in seven days.
    pub domain: usize,
    /// Certificates for exactly the same names in seven days.
    pub same_names: usize,
    /// Failed authorizations of a name and an account in an hour.
    pub failures: usize,
}

impl Limits {
    /// The limits of Let's Encrypt's production environment.
    pub const PRODUCTION: Self = Self {
        orders: 300,
        domain: 50,
        same_names: 5,
        failures: 5,
    };

    /// The limits of its staging environment. Its limit of certificates for each domain is counted in seconds, and is
    /// never reached.
    pub const STAGING: Self = Self {
        orders: 1_500,
        domain: usize::MAX,
        same_names: 30_000,
        failures: 200,
    };
}

/// A past event that counts towards limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// When it happened, in seconds since 1970.
    pub at: Seconds,
    /// The names that it concerned.
    pub names: Vec<Name>,
    /// The kind of event.
    pub what: PastEvent,
    /// The SHA-256 of the certificate in hexadecimal, if there is one. A certificate that is known from several sources
    /// counts once.
    pub sha256: Option<String>,
}

/// The kind of a past event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastEvent {
    /// An order was made.
    Ordered,
    /// A certificate was issued, by this account or another. It counts towards the limits of its domains.
    Issued,
    /// The authorization of a name failed.
    Failed,
}

/// A limit that one more order would exceed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit} {count} of {allowed} are known; one more is possible from {}", time::date_time(*.passes_at))]
pub struct Exceeded {
    /// The limit, as the beginning of a sentence.
    pub limit: String,
    /// How many events are known to count.
    pub count: usize,
    /// How many the limit permits.
    pub allowed: usize,
    /// When the oldest of them no longer counts, in seconds since 1970.
    pub passes_at: Seconds,
}

/// Joins two lists of past events. If both have a certificate, that of `first` is used.
pub fn joined(first: Vec<Past>, second: &[Past]) -> Vec<Past> {
    let mut known: HashSet<String> = HashSet::new();
    let mut all = Vec::with_capacity(first.len() + second.len());
    for past in first.into_iter().chain(second.iter().cloned()) {
        if past.sha256.as_ref().is_none_or(|sha256| known.insert(sha256.clone())) {
            all.push(past);
        }
    }
    all
}

/// The domain under which Let's Encrypt counts a name, according to the public suffix list. An IP address counts by
/// itself.
pub fn registered_domain(name: &Name) -> String {
    let Some(base) = name.base() else {
        return name.to_string();
    };
    x509::registered_domain(base).unwrap_or(base).to_owned()
}

/// How one more certificate for `names` counts towards the weekly limits, given the known `past`: a line for each
/// domain, and one for the set of names.
pub fn counted(limits: &Limits, past: &[Past], names: &[Name], now: Seconds) -> Vec<String> {
    let lately = |p: &&Past| p.what == PastEvent::Issued && p.at > now - DAYS_7 && p.at <= now + HOUR;
    let mut lines = Vec::new();
    if limits.domain < usize::MAX {
        let domains: BTreeSet<String> = names.iter().map(registered_domain).collect();
        for domain in domains {
            let of_domain = |p: &&Past| p.names.iter().any(|n| registered_domain(n) == domain);
            let count = past.iter().filter(lately).filter(of_domain).count();
            lines.push(format!(
                "{domain}: certificate {} of {} in seven days",
                count + 1,
                limits.domain
            ));
        }
    }
    let set: BTreeSet<&Name> = names.iter().collect();
    let same = |p: &&Past| p.names.iter().collect::<BTreeSet<_>>() == set;
    let count = past.iter().filter(lately).filter(same).count();
    lines.push(format!(
        "exactly these names: certificate {} of {} in seven days",
        count + 1,
        limits.same_names
    ));
    lines
}

/// The limit that one more order for `names` would exceed, given the known `past`; if there are several, the one that
/// lasts longest. Always `None` for a renewal that is `exempt`.
pub fn exceeded(limits: &Limits, past: &[Past], names: &[Name], exempt: bool, now: Seconds) -> Option<Exceeded> {
    if exempt {
        return None;
    }
    let mut found: Vec<Exceeded> = Vec::new();
    let mut check = |limit: String, allowed: usize, span: Seconds, counts: &dyn Fn(&Past) -> bool| {
        let mut times: Vec<Seconds> = past
            .iter()
            .filter(|p| p.at > now - span && p.at <= now + HOUR && counts(p))
            .map(|p| p.at)
            .collect();
        times.sort_unstable();
        let count = times.len();
        if count >= allowed
            && let Some(oldest) = times.get(count - allowed)
        {
            found.push(Exceeded {
                limit,
                count,
                allowed,
                passes_at: oldest + span,
            });
        }
    };
    check(
        "new orders of this account in three hours:".to_owned(),
        limits.orders,
        HOURS_3,
        &|p| p.what == PastEvent::Ordered,
    );
    let set: BTreeSet<&Name> = names.iter().collect();
    check(
        "certificates for exactly these names in seven days:".to_owned(),
        limits.same_names,
        DAYS_7,
        &|p| p.what == PastEvent::Issued && p.names.iter().collect::<BTreeSet<_>>() == set,
    );
    let domains: BTreeSet<String> = names.iter().map(registered_domain).collect();
    for domain in &domains {
        check(
            format!("certificates for {domain} in seven days:"),
            limits.domain,
            DAYS_7,
            &|p| p.what == PastEvent::Issued && p.names.iter().any(|n| registered_domain(n) == *domain),
        );
    }
    for name in names {
        check(
            format!("failed validations of {name} in an hour:"),
            limits.failures,
            HOUR,
            &|p| p.what == PastEvent::Failed && p.names.iter().any(|n| n.base() == name.base()),
        );
    }
    found.into_iter().max_by_key(|e| e.passes_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Seconds = 1_800_000_000;

    fn names(all: &[&str]) -> Vec<Name> {
        all.iter().map(|n| n.parse().unwrap()).collect()
    }

    fn past(what: PastEvent, ago: Seconds, all: &[&str]) -> Past {
        Past {
            at: NOW - ago,
            names: names(all),
            what,
            sha256: None,
        }
    }

    fn check(past: &[Past], wanted: &[&str], exempt: bool) -> Option<Exceeded> {
        exceeded(&Limits::PRODUCTION, past, &names(wanted), exempt, NOW)
    }

    #[test]
    fn the_sixth_certificate_for_the_same_names_in_a_week_is_too_many() {
        let issued: Vec<Past> = (0..5)
            .map(|i| past(PastEvent::Issued, i * 86_400 + 60, &["a.example.com", "b.example.com"]))
            .collect();
        let found = check(&issued, &["b.example.com", "a.example.com"], false).unwrap();
        assert_eq!((found.count, found.allowed), (5, 5));
        assert_eq!(found.passes_at, NOW - 4 * 86_400 - 60 + DAYS_7);
        assert!(
            found
                .to_string()
                .starts_with("certificates for exactly these names in seven days: 5 of 5 are known")
        );
        assert_eq!(check(&issued, &["a.example.com"], false), None, "another set");
        assert_eq!(check(&issued[..4], &["a.example.com", "b.example.com"], false), None);
        assert_eq!(
            check(&issued, &["a.example.com", "b.example.com"], true),
            None,
            "exempt"
        );
    }

    #[test]
    fn a_certificate_that_is_noted_and_stored_counts_once() {
        let issued = |sha256: &str| Past {
            sha256: Some(sha256.to_owned()),
            ..past(PastEvent::Issued, 60, &["a.example.com"])
        };
        let noted = vec![
            issued("01"),
            issued("02"),
            past(PastEvent::Ordered, 60, &["a.example.com"]),
        ];
        // One of the two is stored in two Secrets, beside one of another account.
        let all = joined(noted, &[issued("02"), issued("03"), issued("03")]);
        assert_eq!(all.iter().filter(|p| p.what == PastEvent::Issued).count(), 3);
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_domain_counts_by_the_public_suffix_list() {
        assert_eq!(registered_domain(&"a.b.shop.co.uk".parse().unwrap()), "shop.co.uk");
        assert_eq!(registered_domain(&"*.shop.de".parse().unwrap()), "shop.de");
        assert_eq!(registered_domain(&"192.0.2.1".parse().unwrap()), "192.0.2.1");
        let issued: Vec<Past> = (0..50)
            .map(|i| past(PastEvent::Issued, i + 1, &[&format!("h{i}.shop.co.uk")]))
            .collect();
        assert!(check(&issued, &["new.shop.co.uk"], false).is_some());
        assert_eq!(check(&issued, &["new.other.co.uk"], false), None);
    }

    #[test]
    fn orders_and_failures_count_for_hours_only() {
        let orders: Vec<Past> = (0..300).map(|i| past(PastEvent::Ordered, i, &["x.example"])).collect();
        let found = check(&orders, &["y.example"], false).unwrap();
        assert_eq!(found.passes_at, NOW - 299 + HOURS_3);
        let failed: Vec<Past> = (0..5)
            .map(|i| past(PastEvent::Failed, 600 + i, &["a.example"]))
            .collect();
        assert!(check(&failed, &["a.example"], false).is_some());
        assert_eq!(check(&failed, &["b.example"], false), None);
        let old: Vec<Past> = (0..5)
            .map(|i| past(PastEvent::Failed, 3_700 + i, &["a.example"]))
            .collect();
        assert_eq!(check(&old, &["a.example"], false), None);
    }
}
