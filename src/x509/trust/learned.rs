//! CA certificates of the cluster's Secrets: one Secret may hold what another lacks.
//!
//! Whoever may write a Secret could make a certificate with the name of a public CA's intermediate, and even with its key. So
//! one counts only when a trusted root has signed it, or another that counts has; the rest waits, and explains nothing.

use std::collections::{HashMap, HashSet};

use super::{
    IntermediateSource, Memo,
    anchors::Anchors,
    pool::{Known, Pool},
};
use crate::{
    object::{Key, Text},
    x509::{certificate::Fingerprint, der::Outline},
};

/// How many are kept, of how many one namespace may be the first to bring: no namespace takes the place of the others.
const CAP: usize = 20_000;
const OF_NAMESPACE: usize = 500;
/// How many Secrets that hold one certificate are remembered, the first by name.
const HOLDERS: usize = 64;

/// What was learned, and who vouches for it.
#[derive(Debug, Default)]
pub(super) struct Learned {
    all: HashMap<Fingerprint, LearnedEntry>,
    /// Those that count, by subject.
    counted: HashMap<Box<[u8]>, Vec<Known>>,
    /// Those that do not, by their issuer.
    waiting: HashMap<Box<[u8]>, Vec<Known>>,
    brought: HashMap<Text, usize>,
}

#[derive(Debug)]
struct LearnedEntry {
    /// The Secrets that hold it, in order.
    holders: Vec<Key>,
    /// The namespace that brought it.
    brought_by: Text,
    subject: Box<[u8]>,
    issuer: Box<[u8]>,
}

/// Who may vouch from outside.
#[derive(Clone, Copy)]
pub(super) struct Vouchers<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) given: &'a Pool,
    pub(super) memo: &'a Memo,
}

impl Learned {
    /// Those that count and have this subject.
    pub(super) fn by_subject(&self, subject: &[u8]) -> &[Known] {
        self.counted.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Whether `add` would change nothing.
    pub(super) fn has(&self, sha256: Fingerprint, holder: &Key) -> bool {
        self.all.get(&sha256).is_some_and(|entry| {
            entry.holders.binary_search(holder).is_ok()
                || (entry.holders.len() >= HOLDERS && entry.holders.last().is_some_and(|last| last < holder))
        })
    }

    /// Adds one, found in the Secret that `known.found` names. Of several Secrets that have it the first by name counts, so
    /// that the order of reading changes nothing.
    pub(super) fn add(&mut self, known: Known, vouchers: Vouchers<'_>) {
        let IntermediateSource::Secret(holder) = &known.found else {
            return;
        };
        let holder = holder.clone();
        let sha256 = known.certificate.sha256;
        if let Some(entry) = self.all.get_mut(&sha256) {
            if let Err(place) = entry.holders.binary_search(&holder) {
                entry.holders.insert(place, holder);
                entry.holders.truncate(HOLDERS);
            }
            self.name_the_first(sha256);
            return;
        }
        let der = known.der.clone();
        let Some(outline) = Outline::of(&der) else { return };
        let brought = self.brought.entry(holder.namespace.clone()).or_default();
        if self.all.len() >= CAP || *brought >= OF_NAMESPACE {
            return;
        }
        *brought += 1;
        self.all.insert(
            sha256,
            LearnedEntry {
                brought_by: holder.namespace.clone(),
                holders: vec![holder],
                subject: outline.subject.into(),
                issuer: outline.issuer.into(),
            },
        );
        if self.is_vouched(&outline, vouchers) {
            self.count(known, vouchers);
        } else {
            self.waiting.entry(outline.issuer.into()).or_default().push(known);
        }
    }

    fn is_vouched(&self, outline: &Outline<'_>, vouchers: Vouchers<'_>) -> bool {
        let signed_by = |known: &Known| {
            Outline::of(&known.der).is_some_and(|issuer| vouchers.memo.signed(issuer.public_key, outline) == Some(true))
        };
        vouchers.anchors.by_subject(outline.issuer).any(|root| {
            root.outline()
                .is_some_and(|root| vouchers.memo.signed(root.public_key, outline) == Some(true))
        }) || vouchers.given.by_subject(outline.issuer).iter().any(signed_by)
            || self.by_subject(outline.issuer).iter().any(signed_by)
    }

    /// Lets one count, and what waited for it.
    fn count(&mut self, known: Known, vouchers: Vouchers<'_>) {
        let mut new = vec![known];
        while let Some(known) = new.pop() {
            let der = known.der.clone();
            let Some(outline) = Outline::of(&der) else { continue };
            if let Some(waiting) = self.waiting.remove(outline.subject) {
                let (signed, others): (Vec<Known>, Vec<Known>) = waiting.into_iter().partition(|child| {
                    Outline::of(&child.der)
                        .is_some_and(|child| vouchers.memo.signed(outline.public_key, &child) == Some(true))
                });
                new.extend(signed);
                if !others.is_empty() {
                    self.waiting.insert(outline.subject.into(), others);
                }
            }
            self.counted.entry(outline.subject.into()).or_default().push(known);
        }
    }

    /// Forgets what was found in a Secret alone.
    pub(super) fn forget(&mut self, key: &Key) {
        let mut changed = Vec::new();
        for (sha256, entry) in &mut self.all {
            if let Ok(place) = entry.holders.binary_search(key) {
                entry.holders.remove(place);
                changed.push((*sha256, entry.holders.is_empty()));
            }
        }
        let gone: HashSet<Fingerprint> = changed.iter().filter(|(_, gone)| *gone).map(|(of, _)| *of).collect();
        for sha256 in &gone {
            let Some(entry) = self.all.remove(sha256) else { continue };
            if let Some(brought) = self.brought.get_mut(&entry.brought_by) {
                *brought = brought.saturating_sub(1);
            }
            for (index, name) in [(&mut self.counted, &entry.subject), (&mut self.waiting, &entry.issuer)] {
                if let Some(same) = index.get_mut(name) {
                    same.retain(|known| known.certificate.sha256 != *sha256);
                    if same.is_empty() {
                        index.remove(name);
                    }
                }
            }
        }
        for (sha256, _) in changed.iter().filter(|(_, gone)| !gone) {
            self.name_the_first(*sha256);
        }
    }

    /// Lets a certificate be found in the first Secret that holds it.
    fn name_the_first(&mut self, sha256: Fingerprint) {
        let Some(entry) = self.all.get(&sha256) else { return };
        let Some(first) = entry.holders.first() else { return };
        let same = [
            self.counted.get_mut(&entry.subject),
            self.waiting.get_mut(&entry.issuer),
        ];
        for known in same.into_iter().flatten().flatten() {
            if known.certificate.sha256 == sha256 {
                known.found = IntermediateSource::Secret(first.clone());
            }
        }
    }
}
