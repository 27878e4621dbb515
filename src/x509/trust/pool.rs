//! Certificates that may complete a path: presented ones, and those known from elsewhere.

use std::{collections::HashMap, sync::Arc};

use super::{IntermediateSource, Memo, learned::Learned};
use crate::{
    object::Text,
    x509::{
        certificate::{Certificate, authority_key_id, issuer_url, subject_key_id},
        der::Outline,
        interner::Der,
    },
};

/// How many issuers with one name, and how many issuers in total, are tried: webpki tries every order of them, and a
/// hostile bundle could have a hundred with one name.
const SAME_NAME_TRIED: usize = 3;
const TRIED: usize = 12;

/// A CA certificate that is known from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) certificate: Arc<Certificate>,
    pub(super) der: Der,
    pub(super) found: IntermediateSource,
}

/// Certificates that the user provided or public CAs publish, by subject.
#[derive(Debug, Default)]
pub(super) struct Pool(HashMap<Box<[u8]>, Vec<Known>>);

impl Pool {
    /// Adds a certificate.
    pub(super) fn add(&mut self, known: Known) {
        let Some(subject) = Outline::of(&known.der).map(|outline| outline.subject.into()) else {
            return;
        };
        let same_subject = self.0.entry(subject).or_default();
        if !same_subject
            .iter()
            .any(|k| k.certificate.sha256 == known.certificate.sha256)
        {
            same_subject.push(known);
        }
    }

    pub(super) fn by_subject(&self, subject: &[u8]) -> &[Known] {
        self.0.get(subject).map_or(&[], Vec::as_slice)
    }
}

/// The sources of issuers that are not presented.
#[derive(Clone, Copy, Default)]
pub(super) struct Elsewhere<'a> {
    /// Certificates that the user provided or public CAs publish.
    pub(super) given: Option<&'a Pool>,
    /// Certificates that were fetched. They count for a certificate that names their URL.
    pub(super) fetched: Option<&'a HashMap<Text, Vec<Known>>>,
    /// Certificates of other Secrets for which a trusted root vouches.
    pub(super) learned: Option<&'a Learned>,
}

impl<'a> Elsewhere<'a> {
    /// The certificates that have signed `child`.
    fn issuers_of(&self, child: &Outline<'_>, memo: &Memo) -> Vec<&'a Known> {
        let given = self.given.map_or(&[][..], |pool| pool.by_subject(child.issuer));
        let fetched = self
            .fetched
            .filter(|all| !all.is_empty())
            .and_then(|all| all.get(&issuer_url(child)?));
        let learned = self.learned.into_iter().flat_map(|all| all.by_subject(child.issuer));
        let all = given.iter().chain(fetched.into_iter().flatten()).chain(learned);
        all.filter(|known| {
            Outline::of(&known.der).is_some_and(|issuer| {
                issuer.subject == child.issuer && memo.signed(issuer.public_key, child) == Some(true)
            })
        })
        .collect()
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

/// The source of a candidate.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// It was presented, at this position.
    Presented(usize),
    /// It is known from elsewhere.
    Known(&'a IntermediateSource),
}

impl Candidate<'_> {
    /// Whether it may have issued `other`: the names are the same, and the key identifiers, if there are any, do not
    /// differ.
    pub(super) fn may_issue(&self, other: &Candidate<'_>) -> bool {
        self.outline.subject == other.outline.issuer && !self.other_key(other)
    }

    /// Whether the key identifiers show that another key issued `other`.
    pub(super) fn other_key(&self, other: &Candidate<'_>) -> bool {
        other_key(&self.outline, &other.outline)
    }
}

/// Whether the key identifiers show that a key other than that of `issuer` issued `child`.
pub(super) fn other_key(issuer: &Outline<'_>, child: &Outline<'_>) -> bool {
    differ(subject_key_id(issuer), authority_key_id(child))
}

/// Whether both exist and differ.
pub(super) fn differ(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}

/// The issuers of `leaf`, their issuers and so on: from `presented`, and from `elsewhere` if they have signed the
/// certificate that they are to have issued. Issuers with a matching key identifier come first; with `exact`, there are
/// no others.
pub(super) fn issuers<'a>(
    leaf: &Candidate<'a>,
    presented: &[Candidate<'a>],
    elsewhere: Elsewhere<'a>,
    exact: bool,
    memo: &Memo,
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
            for known in elsewhere.issuers_of(&child.outline, memo) {
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
            // If an intermediate was renewed with the same name and key, clients find the one that is still valid.
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
