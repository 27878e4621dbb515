//! What expires when, and what falls due: days ahead, then weeks, with those in which nothing does folded.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::{
    check::{Period, due_by_lifetime},
    object::Seconds,
    text::time::DAY,
    tui::{item::Item, rows::Rows},
    x509::Certificate,
};

/// How many days stand alone.
const DAYS: Seconds = 14;
/// How many weeks follow.
const WEEKS: Seconds = 24;
/// How many hosts and Secrets a bucket names.
const NAMED: usize = 50;

/// A day, a week, or several of them in which nothing happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its first second; `None` for all that has expired, or is overdue for renewal.
    pub from: Option<Seconds>,
    /// The first second after it; `None` for all that comes later.
    pub until: Option<Seconds>,
    /// How many certificates expire in it.
    pub expire: usize,
    /// How many fall due for renewal in it.
    pub due: usize,
    /// Some of the hosts whose certificates expire or fall due in it, and of the Secrets that no host uses: `secret/NAME`.
    pub names: Vec<String>,
    /// How many those are in all.
    pub named: usize,
}

impl Bucket {
    /// Whether nothing expires or falls due in it.
    pub fn is_empty(&self) -> bool {
        self.expire == 0 && self.due == 0
    }

    /// Its moments.
    pub fn period(&self) -> Period {
        Period {
            from: self.from,
            until: self.until,
        }
    }
}

/// What an issuer has to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerLine {
    /// The issuer in short.
    pub issuer: String,
    /// All of its certificates.
    pub total: usize,
    /// How many are due.
    pub due: usize,
    /// How many more fall due within seven days.
    pub soon: usize,
    /// How many more fall due within thirty days.
    pub later: usize,
    /// Whether the CA is Let's Encrypt, whose limits are known and leave out renewals of the same names.
    pub exempts_renewals: bool,
}

/// What expires when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiries {
    /// In the order of time.
    pub buckets: Vec<Bucket>,
    /// By issuer, the one with most to do first.
    pub issuers: Vec<IssuerLine>,
    /// The most that expires or falls due in one bucket.
    pub most: usize,
}

/// The first second of a day, in UTC.
fn day(at: Seconds) -> Seconds {
    at.div_euclid(DAY) * DAY
}

/// Of the certificates of everything that is chosen, each counted once: those of healthy Secrets that no route uses too.
pub(super) fn expiries(rows: &Rows, now: Seconds) -> Expiries {
    let today = day(now);
    let mut buckets = vec![bucket(None, Some(now))];
    buckets.push(bucket(Some(now), Some(today + DAY)));
    for n in 1..DAYS {
        buckets.push(bucket(Some(today + n * DAY), Some(today + (n + 1) * DAY)));
    }
    let weeks = today + DAYS * DAY;
    for n in 0..WEEKS {
        buckets.push(bucket(Some(weeks + n * 7 * DAY), Some(weeks + (n + 1) * 7 * DAY)));
    }
    buckets.push(bucket(Some(weeks + WEEKS * 7 * DAY), None));
    let mut issuers: BTreeMap<String, IssuerLine> = BTreeMap::new();
    let mut seen = HashSet::new();
    for item in rows.chosen_in_order() {
        let Some(certificate) = &item.certificate else { continue };
        let at = place(&buckets, now, certificate.not_after);
        let due = due_by_lifetime(certificate.not_before, certificate.not_after);
        let due_at = place(&buckets, now, due);
        name(&mut buckets, at, item);
        if due_at != at {
            name(&mut buckets, due_at, item);
        }
        if !seen.insert(certificate.sha256) {
            continue;
        }
        if let Some(bucket) = buckets.get_mut(at) {
            bucket.expire += 1;
        }
        if let Some(bucket) = buckets.get_mut(due_at) {
            bucket.due += 1;
        }
        count(&mut issuers, certificate, due - now);
    }
    let most = buckets.iter().map(|b| b.expire.max(b.due)).max().unwrap_or(0);
    let mut issuers: Vec<IssuerLine> = issuers.into_values().collect();
    issuers.sort_by_key(|line| std::cmp::Reverse((line.due, line.soon, line.total)));
    let buckets = folded(buckets, today + DAY);
    Expiries { buckets, issuers, most }
}

/// Makes one line of those that follow each other and in which nothing happens. What is past, and today, are lines of their
/// own: one looks for them.
fn folded(buckets: Vec<Bucket>, tomorrow: Seconds) -> Vec<Bucket> {
    let mut lines: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let ahead = |bucket: &Bucket| bucket.is_empty() && bucket.from.is_some_and(|from| from >= tomorrow);
        match lines.last_mut() {
            Some(last) if ahead(last) && ahead(&bucket) => last.until = bucket.until,
            _ => lines.push(bucket),
        }
    }
    lines
}

fn bucket(from: Option<Seconds>, until: Option<Seconds>) -> Bucket {
    Bucket {
        from,
        until,
        expire: 0,
        due: 0,
        names: Vec::new(),
        named: 0,
    }
}

/// Notes the host of an item, or its Secret where it has no host, among the names of a bucket.
fn name(buckets: &mut [Bucket], at: usize, item: &Item) {
    let Some(bucket) = buckets.get_mut(at) else { return };
    let name = match (&item.host, item.secret()) {
        // A route without a host serves every one.
        (Some(host), _) if host.is_empty() => "*".to_owned(),
        (Some(host), _) => host.to_string(),
        (None, Some(secret)) => format!("secret/{}", secret.name),
        (None, None) => return,
    };
    bucket.named += 1;
    if bucket.names.len() < NAMED {
        bucket.names.push(name);
    }
}

/// Which bucket a moment is in.
fn place(buckets: &[Bucket], now: Seconds, at: Seconds) -> usize {
    if at < now {
        return 0;
    }
    let after = buckets
        .iter()
        .position(|b| b.from.is_some() && b.until.is_none_or(|until| at < until));
    after.unwrap_or(buckets.len() - 1)
}

fn count(issuers: &mut BTreeMap<String, IssuerLine>, certificate: &Certificate, left: Seconds) {
    let issuer = certificate.issuer.short.to_string();
    let line = issuers.entry(issuer.clone()).or_insert_with(|| IssuerLine {
        exempts_renewals: is_lets_encrypt(&issuer),
        issuer,
        total: 0,
        due: 0,
        soon: 0,
        later: 0,
    });
    line.total += 1;
    match left {
        ..=0 => line.due += 1,
        1..=604_800 => line.soon += 1,
        604_801..=2_592_000 => line.later += 1,
        _ => {}
    }
}

/// Whether an issuer is Let's Encrypt, by the names of its intermediates: R and E with a number, YR and YE for the next
/// generation.
fn is_lets_encrypt(issuer: &str) -> bool {
    let numbered = |name: &str| {
        name.trim_start_matches('Y')
            .strip_prefix(['R', 'E'])
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    issuer.starts_with("(STAGING)") || issuer.contains("Let's Encrypt") || numbered(issuer)
}
