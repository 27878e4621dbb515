//! What the certificates of a cluster show of a CA's limits, and what their renewals will take.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

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
    x509::{Certificate, Fingerprint, IntermediateSource, KeyState, Trust},
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
    /// What its order counted towards, if a note says so: that of the account's namespace, or else the one on the Secret.
    pub kind: Option<OrderKind>,
    /// Whether it is certain that the CA has issued it, so that it counts towards what all namespaces share.
    pub is_proved: bool,
}

/// The certificates of an inventory that a CA issued, each once. Those in backups come last.
pub fn certificates_of<'a>(inventory: &'a Inventory, ca: &Ca, staging: bool) -> Vec<KnownCertificate<'a>> {
    let all = inventory.secrets().iter().filter_map(|stored| {
        let leaf = stored.leaf()?;
        ca.issued(stored, leaf, staging).then_some((stored, leaf))
    });
    let all: Vec<(&Stored, &Certificate)> = all.collect();
    let at_home = all
        .iter()
        .filter(|(stored, _)| inventory.is_home(&stored.meta.namespace));
    let of_home: HashMap<Fingerprint, Option<OrderKind>> = at_home
        .map(|(stored, leaf)| (leaf.sha256, noted_kind(stored, leaf)))
        .collect();
    let known = all.into_iter().map(|(stored, leaf)| {
        let kept = of_home.get(&leaf.sha256);
        let backdated = if ca.is_lets_encrypt() { BACKDATED } else { 0 };
        KnownCertificate {
            stored,
            leaf,
            issued_at: leaf.not_before.saturating_add(backdated),
            names: names_of(leaf),
            kind: kept.copied().flatten().or_else(|| noted_kind(stored, leaf)),
            is_proved: kept.is_some() || is_proved(ca, stored, leaf),
        }
    });
    let mut found: Vec<KnownCertificate<'a>> = known.collect();
    // Of several notes on the same certificate the one counts that takes least: what is too little, the CA says itself, and
    // what is too much would keep others from ordering.
    found.sort_by_key(|known| {
        let is_backup = known.stored.secret_type == BACKUP_TYPE;
        (is_backup, !known.is_proved, Reverse(known.kind))
    });
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    found.retain(|known| seen.insert(known.leaf.sha256));
    found
}

/// What the order counted towards, according to the note on the Secret, if that is about this certificate.
fn noted_kind(stored: &Stored, leaf: &Certificate) -> Option<OrderKind> {
    let noted = |key| stored.meta.annotation(key);
    let is_own = noted(annotation::ISSUED_SHA256) == Some(leaf.sha256.to_string().as_str());
    noted(annotation::ISSUED_KIND)
        .filter(|_| is_own)
        .and_then(OrderKind::parse)
}

/// Whether the certificate of a Secret proves by itself that the CA has issued it to whoever has written the Secret: its
/// signatures lead to a root that is trusted here, and its key is beside it. Otherwise everybody who may write Secrets could fill
/// the buckets of others' domains, with certificates of his own making or with those of public logs.
fn is_proved(ca: &Ca, stored: &Stored, leaf: &Certificate) -> bool {
    let has_key = matches!(stored.bundle.key, KeyState::Matches | KeyState::OfPosition(_));
    let is_signed = match &stored.bundle.trust {
        Trust::Trusted { public, .. } => *public == ca.is_public(),
        Trust::MissingIntermediate { found, .. } => matches!(
            found,
            IntermediateSource::Secret(_) | IntermediateSource::CaFile | IntermediateSource::Fetched(_)
        ),
        _ => false,
    };
    // A note names any CA; the name of the issuer is signed.
    has_key && is_signed && (!ca.is_public() || ca.is_issuer_by_name(leaf))
}

/// What is known from certificates, whoever ordered them: of the limits that all accounts share, and of the sets of
/// names for which there has been a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    buckets: Buckets,
    sets: HashSet<String>,
}

impl Seen {
    /// Counts certificates by the moments at which they were issued, as far as it is certain that they were. That there was one
    /// for a set of names is believed of all: it takes nothing from anybody.
    pub fn of<'a>(limits: &Limits, certificates: impl IntoIterator<Item = KnownCertificate<'a>>, now: Seconds) -> Self {
        let mut all: Vec<KnownCertificate<'a>> = certificates.into_iter().collect();
        all.sort_by_key(|known| known.issued_at);
        let mut seen = Self::default();
        for known in all {
            let kind = known
                .kind
                .unwrap_or_else(|| OrderKind::of(limits, seen.knows(&known.names), false));
            let is_recent = known.issued_at > now - WEEK && known.issued_at <= now.saturating_add(HOUR);
            if known.is_proved && is_recent {
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
