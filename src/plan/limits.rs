//! The rate limits of a CA, checked before an order. The result is an estimate from what is known; the CA decides.
//!
//! The limits of Let's Encrypt are token buckets (<https://letsencrypt.org/docs/rate-limits/>). An order for exactly the
//! names of an earlier certificate, whoever got it, counts towards the certificates for these names alone. An order that
//! names the certificate which it replaces, within the renewal window of that certificate (RFC 9773), counts towards no
//! limit.

mod bucket;
mod buckets;
mod forecast;
mod known;
mod overview;
mod owner;
mod scheduler;

use std::collections::BTreeMap;

pub use bucket::{Bucket, Limit};
pub use buckets::{Buckets, domains_of, identifier, registered_domain};
pub use forecast::{Bound, Forecast, Wanted, Week, forecast, schedule};
pub use known::{Ahead, BACKDATED, KnownCertificate, Seen, ahead, certificates_of, renewals};
pub use overview::{Left, LimitOf, NotADomain, concerns, domain_of, overview};
pub use owner::belongs_to;
pub use scheduler::{Concerns, HeldBy, Scheduler};

use crate::{
    name::Name,
    object::Seconds,
    text::{
        counted,
        time::{self, DAY, HOUR},
    },
    x509::Fingerprint,
};

/// A week, in seconds: the period of the limits on certificates.
pub(crate) const WEEK: Seconds = 7 * DAY;
/// How long the text of a set of names may be that is kept as it is.
const SHORT: usize = 100;

/// The limits of a CA; `None` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// New orders of an account.
    pub orders: Option<Limit>,
    /// Certificates of a registered domain.
    pub domain: Option<Limit>,
    /// Certificates for exactly the same names.
    pub same_names: Option<Limit>,
    /// Failed validations of a name by an account.
    pub failures: Option<Limit>,
    /// Whether an order for exactly the names of an earlier certificate counts towards [`Self::same_names`] alone, and a
    /// replacement in its window towards nothing.
    pub exempts_renewals: bool,
}

impl Limits {
    /// The limits of Let's Encrypt's production environment.
    pub const PRODUCTION: Self = Self::of([300, 50, 5, 5], true);

    /// The limits of its staging environment (<https://letsencrypt.org/docs/staging-environment/>). Its limit of
    /// certificates for each domain is counted in seconds, and is never reached.
    pub const STAGING: Self = Self::of([1_500, 0, 30_000, 200], true);

    /// The periods of [`Self::of`], in seconds.
    pub const PERIODS: [Seconds; 4] = [3 * HOUR, WEEK, WEEK, HOUR];

    /// Limits of so many new orders in three hours, certificates of a domain and for the same names in seven days, and
    /// failures in an hour. Zero is no limit.
    pub const fn of([orders, domain, same_names, failures]: [i64; 4], exempts_renewals: bool) -> Self {
        let [of_orders, of_domain, of_names, of_failures] = Self::PERIODS;
        Self {
            orders: Limit::new(orders, of_orders),
            domain: Limit::new(domain, of_domain),
            same_names: Limit::new(same_names, of_names),
            failures: Limit::new(failures, of_failures),
            exempts_renewals,
        }
    }
}

/// What an order counts towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderKind {
    /// Every limit.
    New,
    /// The certificates for exactly the same names, because there was one before, and the failures.
    SameNames,
    /// None: it names the certificate that it replaces, within the renewal window of that certificate.
    Replacement,
}

impl OrderKind {
    /// The kind of an order for names that are those of an earlier certificate (`known`), and that names the certificate
    /// which it replaces within its window (`in_window`).
    pub fn of(limits: &Limits, known: bool, in_window: bool) -> Self {
        if in_window && limits.exempts_renewals {
            Self::Replacement
        } else if known && limits.exempts_renewals {
            Self::SameNames
        } else {
            Self::New
        }
    }

    /// The word in the note on a Secret.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SameNames => "same-names",
            Self::Replacement => "replacement",
        }
    }

    /// Reads the word in the note on a Secret; `None` if it is none.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::New, Self::SameNames, Self::Replacement]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A limit that one more order would exceed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit}: {left} of {allowed} left; one more is possible from {}", time::date_time(*.possible_at))]
pub struct Exceeded {
    /// The limit, as the beginning of a sentence.
    pub limit: String,
    /// How many are left.
    pub left: i64,
    /// How many the limit permits at once.
    pub allowed: i64,
    /// When the next is possible, in seconds since 1970.
    pub possible_at: Seconds,
    /// Whether validations of a name have failed too often, so that another CA would validate it no better.
    pub is_of_failures: bool,
}

/// A text for exactly these names, in whatever order they come: the names themselves, or the first of them, how many
/// more there are, and a hash.
pub fn set_of(names: &[Name]) -> String {
    let mut all: Vec<String> = names.iter().map(ToString::to_string).collect();
    all.sort_unstable();
    all.dedup();
    let whole = all.join(",");
    if whole.len() <= SHORT {
        return whole;
    }
    let hash = Fingerprint::of(whole.as_bytes()).to_string();
    let first = all.first().map_or("", String::as_str);
    let hash = hash.get(..12).unwrap_or(&hash);
    format!("{first},+{},{hash}", all.len() - 1)
}

/// One limit with its bucket, as it concerns an order.
struct Concerned {
    limit: Limit,
    bucket: Bucket,
    what: String,
    is_of_failures: bool,
}

/// The limits that an order concerns. Each bucket is the one of `known` that is full last.
fn concerned(limits: &Limits, known: &[&Buckets], names: &[Name], kind: OrderKind) -> Vec<Concerned> {
    let mut all = Vec::new();
    let mut add = |limit: Option<Limit>, what: &dyn Fn() -> String, of: &dyn Fn(&Buckets) -> Bucket, fails: bool| {
        if let Some(limit) = limit {
            let bucket = known.iter().map(|buckets| of(buckets)).max().unwrap_or_default();
            // A full bucket takes part too: whoever plans takes several.
            all.push(Concerned {
                limit,
                bucket,
                what: what(),
                is_of_failures: fails,
            });
        }
    };
    if kind == OrderKind::New {
        let what = || "new orders of this account".to_owned();
        add(limits.orders, &what, &|b| b.orders, false);
        if limits.domain.is_some() {
            for domain in domains_of(names) {
                let what = || format!("certificates for {domain}");
                add(limits.domain, &what, &|b| b.domain(&domain), false);
            }
        }
    }
    if kind != OrderKind::Replacement {
        let set = set_of(names);
        let what = || "certificates for exactly these names".to_owned();
        add(limits.same_names, &what, &|b| b.set(&set), false);
        let mut failing: Vec<String> = names.iter().map(identifier).collect();
        failing.sort_unstable();
        failing.dedup();
        for name in failing {
            let what = || format!("failed validations of {name}");
            add(limits.failures, &what, &|b| b.failures_of(&name), true);
        }
    }
    all
}

/// The limit that one more order for `names` would exceed, given the buckets that are `known`; if there are several, the
/// one that lasts longest.
pub fn exceeded(
    limits: &Limits,
    known: &[&Buckets],
    names: &[Name],
    kind: OrderKind,
    now: Seconds,
) -> Option<Exceeded> {
    let mut empty = concerned(limits, known, names, kind);
    empty.retain(|it| it.bucket.left(&it.limit, now) == 0);
    let is_of_failures = empty.iter().any(|it| it.is_of_failures);
    empty
        .into_iter()
        .map(|it| Exceeded {
            limit: it.what,
            left: 0,
            allowed: it.limit.burst(),
            possible_at: it.bucket.possible_at(&it.limit, now),
            is_of_failures,
        })
        .max_by_key(|exceeded| exceeded.possible_at)
}

/// What several orders take from the limits, given the buckets that are `known`, for whoever agrees to them: a line for
/// each registered domain, and what counts towards less.
pub fn effect(limits: &Limits, known: &[&Buckets], orders: &[(&[Name], OrderKind)], now: Seconds) -> Vec<String> {
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    let (mut new, mut same, mut least) = (0, 0, None::<i64>);
    for (names, kind) in orders {
        match kind {
            OrderKind::New => {
                new += 1;
                for domain in domains_of(names) {
                    *domains.entry(domain).or_default() += 1;
                }
            }
            OrderKind::SameNames => same += 1,
            OrderKind::Replacement => continue,
        }
        if let Some(limit) = &limits.same_names {
            let set = set_of(names);
            let bucket = known.iter().map(|b| b.set(&set)).max().unwrap_or_default();
            let left = bucket.left(limit, now);
            least = Some(least.map_or(left, |least| least.min(left)));
        }
    }
    let mut lines = Vec::new();
    if let Some(limit) = &limits.domain {
        for (domain, count) in domains {
            let bucket = known.iter().map(|b| b.domain(&domain)).max().unwrap_or_default();
            let (left, burst) = (bucket.left(limit, now), limit.burst());
            lines.push(format!(
                "{domain}: {left} of {burst} certificates are left, this takes {count}"
            ));
        }
    }
    if new > 1
        && let Some(limit) = &limits.orders
    {
        let bucket = known.iter().map(|b| b.orders).max().unwrap_or_default();
        let (left, burst) = (bucket.left(limit, now), limit.burst());
        lines.push(format!(
            "this account: {left} of {burst} new orders are left, this takes {new}"
        ));
    }
    if let (Some(left), Some(limit)) = (least, &limits.same_names) {
        let burst = limit.burst();
        lines.push(match orders {
            [_] => format!("exactly these names: {left} of {burst} certificates are left, this takes 1"),
            _ => format!("exactly the same names: at least {left} of {burst} certificates are left for each"),
        });
    }
    if same > 0 {
        let these = if same == 1 { "it counts" } else { "they count" };
        lines.push(format!(
            "{} of the same names as before: {these} towards no other limit",
            counted(same, "renewal")
        ));
    }
    let exempt = orders
        .iter()
        .filter(|(_, kind)| *kind == OrderKind::Replacement)
        .count();
    if exempt > 0 {
        let these = if exempt == 1 { "it counts" } else { "they count" };
        lines.push(format!(
            "{} in the CA's renewal window: {these} towards no limit",
            counted(exempt, "renewal")
        ));
    }
    lines
}

#[cfg(test)]
mod tests;
