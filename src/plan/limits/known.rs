//! What the certificates of a cluster show of a CA's limits, and what their renewals will take.

use std::collections::HashSet;

use super::{Buckets, Limits, OrderKind, WEEK, Wanted, belongs_to, set_of};
use crate::{
    check::{due_by_lifetime, renewal_window},
    inventory::{Inventory, Stored},
    name::Name,
    object::{Key, Seconds, annotation, secret::BACKUP_TYPE},
    plan::{
        ca::Ca,
        target::{Choice, names_of, target, targets},
    },
    text::time::HOUR,
    x509::{Certificate, Fingerprint},
};

/// Let's Encrypt dates certificates back by an hour, in seconds.
pub const BACKDATED: Seconds = HOUR;
/// Renewals of one certificate are at least so far apart, in seconds, whatever its lifetime.
const APART: Seconds = HOUR;

/// A certificate of a CA that is in a cluster.
#[derive(Debug)]
pub struct KnownCertificate<'a> {
    /// The Secret that holds it.
    pub stored: &'a Stored,
    /// The certificate.
    pub leaf: &'a Certificate,
    /// When it was issued, in seconds since 1970.
    pub issued_at: Seconds,
    /// Its names.
    pub names: Vec<Name>,
    /// What its order counted towards, if the note on the Secret says so.
    pub kind: Option<OrderKind>,
}

/// The certificates of an inventory that a CA issued, each once. Those in backups come last.
pub fn certificates_of<'a>(inventory: &'a Inventory, ca: &Ca, staging: bool) -> Vec<KnownCertificate<'a>> {
    let mut found: Vec<KnownCertificate<'a>> = inventory
        .secrets()
        .iter()
        .filter_map(|stored| {
            let leaf = stored.leaf()?;
            ca.issued(stored, leaf, staging).then(|| {
                let noted = |key| stored.meta.annotation(key);
                let own = noted(annotation::ISSUED_SHA256) == Some(leaf.sha256.to_string().as_str());
                let kind = noted(annotation::ISSUED_KIND).filter(|_| own);
                let backdated = if ca.is_lets_encrypt() { BACKDATED } else { 0 };
                KnownCertificate {
                    stored,
                    leaf,
                    issued_at: leaf.not_before.saturating_add(backdated),
                    names: names_of(leaf),
                    kind: kind.and_then(OrderKind::parse),
                }
            })
        })
        .collect();
    found.sort_by_key(|known| known.stored.secret_type == BACKUP_TYPE);
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    found.retain(|known| seen.insert(known.leaf.sha256));
    found
}

/// What is known from certificates, whoever ordered them: of the limits that all accounts share, and of the sets of
/// names for which there has been a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    buckets: Buckets,
    sets: HashSet<String>,
}

impl Seen {
    /// Counts certificates by the moments at which they were issued.
    pub fn of<'a>(limits: &Limits, certificates: impl IntoIterator<Item = KnownCertificate<'a>>, now: Seconds) -> Self {
        let mut all: Vec<KnownCertificate<'a>> = certificates.into_iter().collect();
        all.sort_by_key(|known| known.issued_at);
        let mut seen = Self::default();
        for known in all {
            let kind = known
                .kind
                .unwrap_or_else(|| OrderKind::of(limits, seen.knows(&known.names), false));
            let counts = known.issued_at > now - WEEK && known.issued_at <= now.saturating_add(HOUR);
            if counts {
                seen.buckets
                    .issued(limits, &known.names, kind, known.issued_at.min(now));
            }
            seen.sets.insert(set_of(&known.names));
        }
        seen
    }

    /// Counts a certificate that was issued meanwhile, or would be.
    pub fn issued(&mut self, limits: &Limits, names: &[Name], kind: OrderKind, at: Seconds) {
        self.buckets.issued(limits, names, kind, at);
        self.sets.insert(set_of(names));
    }

    /// Whether there has been a certificate for exactly these names.
    pub fn knows(&self, names: &[Name]) -> bool {
        self.sets.contains(&set_of(names))
    }

    /// The buckets of domains and of sets of names.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }
}

/// A certificate that will be ordered, again and again.
#[derive(Debug)]
pub struct Ahead<'a> {
    /// The present one; `None` where there is none yet.
    pub present: Option<(&'a Stored, &'a Certificate)>,
    /// Its Secret.
    pub secret: Key,
    /// The names of the order.
    pub names: Vec<Name>,
    /// What the next order will count towards.
    pub kind: OrderKind,
    /// What those after it will.
    pub again: OrderKind,
}

/// The certificates of a CA that will be renewed, and those of Secrets that have none yet. `account` is the URL of the account that
/// will order them.
pub fn ahead<'a>(
    inventory: &'a Inventory,
    (ca, staging): (&Ca, bool),
    limits: Option<&Limits>,
    account: Option<&str>,
) -> Vec<Ahead<'a>> {
    // The kinds do not matter without limits.
    let limits = limits.unwrap_or(&Limits::PRODUCTION);
    let mut all = Vec::new();
    for known in certificates_of(inventory, ca, staging) {
        if known.stored.secret_type == BACKUP_TYPE {
            continue;
        }
        let (stored, leaf) = (known.stored, known.leaf);
        let ours = account.is_some_and(|account| {
            let noted = |key: &str| stored.meta.annotation(key);
            window_of(stored, leaf).is_some() && belongs_to(noted, &leaf.sha256, account)
        });
        let secret = stored.meta.key();
        let names = target(inventory, secret.clone(), false).names.order;
        let same = set_of(&names) == set_of(&known.names);
        all.push(Ahead {
            present: Some((stored, leaf)),
            secret,
            names,
            kind: OrderKind::of(limits, same, ours),
            again: OrderKind::of(limits, true, ours),
        });
    }
    let is_absent = |key: &Key| {
        let held = inventory.secrets().get(key).and_then(Stored::leaf);
        held.is_none() && inventory.writer_of(key).is_none()
    };
    let absent = targets(inventory, Choice::All, false).0.into_iter();
    for target in absent.filter(|target| is_absent(&target.secret) && !target.names.order.is_empty()) {
        all.push(Ahead {
            present: None,
            secret: target.secret,
            names: target.names.order,
            kind: OrderKind::New,
            again: OrderKind::of(limits, true, false),
        });
    }
    all
}

/// The window of a certificate that is noted on its Secret, if that is one to heed.
fn window_of(stored: &Stored, leaf: &Certificate) -> Option<(Seconds, Seconds)> {
    renewal_window(stored).filter(|(start, _)| *start < leaf.not_after)
}

/// The orders that the certificates of a CA will need until a moment, sorted by when they are due, and those of Secrets
/// that have no certificate yet. `account` is the URL of the account that will order them.
pub fn renewals(
    inventory: &Inventory,
    ca: (&Ca, bool),
    limits: Option<&Limits>,
    account: Option<&str>,
    (now, until): (Seconds, Seconds),
) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for one in ahead(inventory, ca, limits, account) {
        let Some((stored, leaf)) = one.present else {
            wanted.push(Wanted {
                at: now,
                names: one.names,
                kind: one.kind,
            });
            continue;
        };
        let by_age = due_by_lifetime(leaf.not_before, leaf.not_after);
        let due = window_of(stored, leaf).map_or(by_age, |(start, _)| start);
        let again = due.saturating_sub(leaf.not_before).max(APART);
        let mut at = due.max(now);
        let mut kind = one.kind;
        while at < until {
            wanted.push(Wanted {
                at,
                names: one.names.clone(),
                kind,
            });
            // The next one renews what this one brings.
            kind = one.again;
            at = at.saturating_add(again);
        }
    }
    wanted.sort_by_key(|wanted| wanted.at);
    wanted
}
