//! CA certificates of the cluster's Secrets: one Secret may hold what another lacks.
//!
//! Whoever may write a Secret could make a certificate with the name, and even the key, of a public CA's intermediate.
//! For this reason a certificate counts only if a trusted root has signed it, or another certificate that counts. All
//! others wait, and explain nothing.

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

/// How many certificates are kept, and how many of them one namespace may be the first to bring, so that no namespace
/// displaces the others.
const CAP: usize = 20_000;
const OF_NAMESPACE: usize = 500;
/// How many Secrets with the same certificate are remembered, the first ones by name.
const HOLDERS: usize = 64;

/// The certificates that were learned, and those that vouch for them.
#[derive(Debug, Default)]
pub(super) struct Learned {
    all: HashMap<Fingerprint, LearnedEntry>,
    /// The certificates that count, by subject.
    counted: HashMap<Box<[u8]>, Vec<Known>>,
    /// The certificates that do not count yet, by issuer.
    waiting: HashMap<Box<[u8]>, Vec<Known>>,
    brought: HashMap<Text, usize>,
}

#[derive(Debug)]
struct LearnedEntry {
    /// The Secrets that hold it, in order.
    holders: Vec<Key>,
    /// The namespace that first brought it.
    brought_by: Text,
    subject: Box<[u8]>,
    issuer: Box<[u8]>,
}

/// The certificates outside that may vouch.
#[derive(Clone, Copy)]
pub(super) struct Vouchers<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) given: &'a Pool,
    pub(super) memo: &'a Memo,
}

impl Learned {
    /// The certificates that count and have this subject.
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

    /// Adds a certificate that was found in the Secret named by `known.found`. If several Secrets have it, the first
    /// one by name is named, so that the order of reading does not matter.
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

    /// Makes a certificate count, and those that waited for it.
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

    /// Forgets certificates that were found in this Secret only.
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

    /// Names the first Secret that holds a certificate as its place.
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
