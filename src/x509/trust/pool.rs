//! Certificates that could complete a path: presented ones, and those known from elsewhere.

use std::{collections::HashMap, sync::Arc};

use super::Found;
use crate::{
    object::Key,
    x509::{
        certificate::{Certificate, authority_key_id, subject_key_id},
        der::Outline,
        interner::Der,
    },
};

/// How many CA certificates are known at most, and how many of one subject.
const CAP: usize = 20_000;
const SAME_SUBJECT_CAP: usize = 16;
/// How many issuers of one name, and how many issuers in all, are tried: webpki tries every order of them, and a
/// hostile bundle could have a hundred of one name.
const SAME_NAME_TRIED: usize = 3;
const TRIED: usize = 12;

/// A CA certificate that is known from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) certificate: Arc<Certificate>,
    pub(super) der: Der,
    pub(super) found: Found,
    subject: Box<[u8]>,
}

impl Known {
    pub(super) fn new(certificate: Arc<Certificate>, der: Der, found: Found) -> Option<Self> {
        let subject = Outline::of(&der)?.subject.into();
        Some(Self {
            certificate,
            der,
            found,
            subject,
        })
    }
}

/// What is known, by subject.
#[derive(Debug, Default)]
pub(super) struct Pool {
    by_subject: HashMap<Box<[u8]>, Vec<Known>>,
    count: usize,
}

impl Pool {
    /// Adds one. Of several Secrets that have it the first by name counts, so that the order of reading changes
    /// nothing.
    pub(super) fn add(&mut self, known: Known) {
        let same_subject = self.by_subject.entry(known.subject.clone()).or_default();
        if let Some(old) = same_subject
            .iter_mut()
            .find(|k| k.certificate.sha256 == known.certificate.sha256)
        {
            match (&old.found, &known.found) {
                (Found::Secret(a), Found::Secret(b)) if b < a => old.found = known.found,
                (Found::Secret(_), Found::CaFile | Found::PublicCas) => old.found = known.found,
                _ => {}
            }
        } else if self.count < CAP && same_subject.len() < SAME_SUBJECT_CAP {
            same_subject.push(known);
            self.count += 1;
        }
    }

    /// Forgets what was found in a Secret alone.
    pub(super) fn forget(&mut self, key: &Key) {
        let count = &mut self.count;
        self.by_subject.retain(|_, same_subject| {
            same_subject.retain(|known| {
                let keep = !matches!(&known.found, Found::Secret(of) if of == key);
                *count -= usize::from(!keep);
                keep
            });
            !same_subject.is_empty()
        });
    }

    pub(super) fn by_subject(&self, subject: &[u8]) -> &[Known] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }
}

/// One certificate that may be on a path.
#[derive(Clone)]
pub(super) struct Candidate<'a> {
    pub(super) certificate: &'a Arc<Certificate>,
    pub(super) der: &'a [u8],
    pub(super) outline: Outline<'a>,
    pub(super) origin: Origin<'a>,
}

/// Where a candidate is from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// Its position among those presented.
    Presented(usize),
    /// It is known from elsewhere.
    Known(&'a Found),
}

impl Candidate<'_> {
    /// Whether it may have issued `other`: the names are the same and the key identifiers, where there are any, do not
    /// differ.
    pub(super) fn may_issue(&self, other: &Candidate<'_>) -> bool {
        self.outline.subject == other.outline.issuer && !self.other_key(other)
    }

    /// The key identifiers say that another key issued `other`.
    pub(super) fn other_key(&self, other: &Candidate<'_>) -> bool {
        differ(subject_key_id(&self.outline), authority_key_id(&other.outline))
    }
}

/// Both are there, and differ.
pub(super) fn differ(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}

/// The issuers, their issuers and so on, of `leaf`: from `presented`, and from `pool`. Those whose key identifier fits
/// come first; with `exact`, others do not come at all.
pub(super) fn issuers<'a>(
    leaf: &Candidate<'a>,
    presented: &[Candidate<'a>],
    pools: &[&'a Pool],
    exact: bool,
) -> Vec<Candidate<'a>> {
    let mut chosen: Vec<Candidate<'a>> = Vec::new();
    let mut at = 0;
    let mut child = leaf.clone();
    loop {
        if !chosen.iter().any(|c| c.outline.subject == child.outline.issuer)
            && child.outline.issuer != child.outline.subject
        {
            let mut same_name: Vec<Candidate<'a>> = presented
                .iter()
                .filter(|c| c.outline.subject == child.outline.issuer)
                .cloned()
                .collect();
            for known in pools.iter().flat_map(|pool| pool.by_subject(child.outline.issuer)) {
                let twice = same_name
                    .iter()
                    .any(|c| c.certificate.sha256 == known.certificate.sha256);
                if let Some(outline) = Outline::of(&known.der).filter(|_| !twice) {
                    same_name.push(Candidate {
                        certificate: &known.certificate,
                        der: &known.der,
                        outline,
                        origin: Origin::Known(&known.found),
                    });
                }
            }
            if exact {
                same_name.retain(|c| !c.other_key(&child));
            }
            // Of two with one name and key, an intermediate that was renewed, clients find the one that is still valid.
            same_name.sort_by_key(|c| (c.other_key(&child), std::cmp::Reverse(c.certificate.not_after)));
            chosen.extend(same_name.into_iter().take(SAME_NAME_TRIED));
            chosen.truncate(TRIED);
        }
        let Some(next) = chosen.get(at) else {
            return chosen;
        };
        child = next.clone();
        at += 1;
    }
}
