//! What is left of each limit, for whoever looks at it.

use std::collections::BTreeSet;

use super::{Bucket, Buckets, Limit, Limits, registered_domain};
use crate::{
    name::Name,
    object::Seconds,
    x509::{Section, public_suffix},
};

/// What a limit is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitOf {
    /// New orders of the account.
    Orders,
    /// Certificates of this registered domain.
    Domain(String),
    /// Certificates for exactly these names ([`super::set_of`]).
    SameNames(String),
    /// Failed validations of this name.
    Failures(String),
}

impl LimitOf {
    /// The kind in one word, for a label: `orders`, `domain`, `same_names` or `failures`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Domain(_) => "domain",
            Self::SameNames(_) => "same_names",
            Self::Failures(_) => "failures",
        }
    }

    /// The limit as the beginning of a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Orders => "new orders of this account".to_owned(),
            Self::Domain(domain) => format!("certificates for {domain}"),
            Self::SameNames(set) => format!("certificates for exactly the names {set}"),
            Self::Failures(name) => format!("failed validations of {name}"),
        }
    }

    /// Which of the kind: the domain, the names or the name; empty for the account's orders.
    pub fn which(&self) -> &str {
        match self {
            Self::Orders => "",
            Self::Domain(of) | Self::SameNames(of) | Self::Failures(of) => of,
        }
    }
}

/// What is left of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which limit.
    pub of: LimitOf,
    /// How often it may happen.
    pub limit: Limit,
    /// How many are left.
    pub left: i64,
    /// When the next is possible, in seconds since 1970.
    pub possible_at: Seconds,
    /// When all are possible again, in seconds since 1970.
    pub full_at: Seconds,
}

/// Why a text is not a domain with a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADomain {
    /// It is no name at all.
    #[error("{0}")]
    NotAName(String),
    /// Everybody registers domains below it.
    #[error("{0} is a public suffix: each domain below it counts by itself")]
    Suffix(String),
}

/// The registered domain under which a host counts.
///
/// # Errors
///
/// The text is not a name, or a public suffix.
pub fn domain_of(text: &str) -> Result<String, NotADomain> {
    let name: Name = text
        .parse()
        .map_err(|error: crate::name::NameError| NotADomain::NotAName(error.to_string()))?;
    if let Some(base) = name.base()
        && let Some((suffix, Some(Section::Icann | Section::Private))) = public_suffix(base)
        && suffix == base
    {
        return Err(NotADomain::Suffix(base.to_owned()));
    }
    Ok(registered_domain(&name))
}

/// Whether names have one of a registered domain.
pub fn concerns(names: &[Name], domain: &str) -> bool {
    names.iter().any(|name| registered_domain(name) == domain)
}

/// What is left of each limit: the account's orders, the `domains`, and the sets of names and the failing names that are
/// not full. Only of one registered domain if there is one in `only`.
pub fn overview(
    limits: &Limits,
    known: &Buckets,
    domains: &BTreeSet<String>,
    only: Option<&str>,
    now: Seconds,
) -> Vec<Left> {
    let mut all = Vec::new();
    let mut add = |of: LimitOf, limit: Option<Limit>, bucket: Bucket| {
        if let Some(limit) = limit {
            all.push(Left {
                of,
                limit,
                left: bucket.left(&limit, now),
                possible_at: bucket.possible_at(&limit, now),
                full_at: bucket.full_at(&limit, now),
            });
        }
    };
    add(LimitOf::Orders, limits.orders, known.orders);
    let shown = |domain: &str| only.is_none_or(|only| only == domain);
    let counted = known.domains.keys().map(String::as_str);
    let all_domains: BTreeSet<&str> = counted.chain(domains.iter().map(String::as_str)).chain(only).collect();
    for domain in all_domains.into_iter().filter(|domain| shown(domain)) {
        add(LimitOf::Domain(domain.to_owned()), limits.domain, known.domain(domain));
    }
    let of_domain = |text: &str| {
        text.split(',')
            .filter_map(|name| name.parse::<Name>().ok())
            .any(|name| shown(&registered_domain(&name)))
    };
    let partly = |limit: Option<Limit>, text: &str, bucket: Bucket| {
        let is_full = limit.is_none_or(|limit| bucket.is_full(&limit, now));
        !is_full && (only.is_none() || of_domain(text))
    };
    for (set, bucket) in &known.sets {
        if partly(limits.same_names, set, *bucket) {
            add(LimitOf::SameNames(set.clone()), limits.same_names, *bucket);
        }
    }
    for (name, bucket) in &known.failures {
        if partly(limits.failures, name, *bucket) {
            add(LimitOf::Failures(name.clone()), limits.failures, *bucket);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::limits::OrderKind;

    const NOW: Seconds = 1_800_000_000;
    const LIMITS: &Limits = &Limits::PRODUCTION;

    #[test]
    fn a_host_counts_under_its_registered_domain() {
        assert_eq!(domain_of("www.shop.co.uk").as_deref(), Ok("shop.co.uk"));
        assert_eq!(domain_of("Shop.Example.").as_deref(), Ok("shop.example"));
        assert_eq!(domain_of("*.shop.de").as_deref(), Ok("shop.de"));
        assert!(matches!(domain_of("co.uk"), Err(NotADomain::Suffix(_))));
        for wrong in ["", "a b", "shop..example", "https://shop.example"] {
            assert!(matches!(domain_of(wrong), Err(NotADomain::NotAName(_))), "{wrong}");
        }
    }

    #[test]
    fn full_sets_are_left_out_and_one_domain_is_shown_alone() {
        let mut own = Buckets::default();
        let names = |host: &str| vec![host.parse::<Name>().unwrap()];
        own.ordered(LIMITS, OrderKind::New, NOW);
        own.issued(LIMITS, &names("www.shop.de"), OrderKind::New, NOW);
        own.issued(LIMITS, &names("www.other.de"), OrderKind::New, NOW);
        own.failed(LIMITS, &"bad.shop.de".parse().unwrap(), NOW);
        let domains = ["quiet.de".to_owned(), "shop.de".to_owned()].into();
        let lines = overview(LIMITS, &own, &domains, None, NOW);
        let of: Vec<(LimitOf, i64)> = lines.into_iter().map(|line| (line.of, line.left)).collect();
        let text = str::to_owned;
        assert_eq!(
            of,
            [
                (LimitOf::Orders, 299),
                (LimitOf::Domain(text("other.de")), 49),
                (LimitOf::Domain(text("quiet.de")), 50),
                (LimitOf::Domain(text("shop.de")), 49),
                (LimitOf::SameNames(text("www.other.de")), 4),
                (LimitOf::SameNames(text("www.shop.de")), 4),
                (LimitOf::Failures(text("bad.shop.de")), 4),
            ]
        );
        let of_one = overview(LIMITS, &own, &domains, Some("shop.de"), NOW);
        assert_eq!(of_one.len(), 4, "{of_one:?}");
        assert_eq!(of_one[1].full_at, NOW + 12_096);
        let unused = overview(LIMITS, &Buckets::default(), &BTreeSet::new(), Some("new.de"), NOW);
        assert_eq!(unused[1].left, 50);
    }
}
