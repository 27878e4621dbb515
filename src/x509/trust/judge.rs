//! From certificates to [`Trust`].

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    Anchors, Found, Memo, Trust,
    path::{self, Failure},
    pool::{Candidate, Known, Origin, Pool, issuers},
};
use crate::{
    object::{Key, Text},
    x509::{
        bundle::{self, Bundle, Parsed},
        certificate::{Certificate, Subject, issuer_url},
        der::Outline,
        interner::{Der, Interner},
        issuers::{is_public_intermediate, is_staging_name},
        pem,
    },
};

/// How many certificates of one URL are taken.
const FETCHED: usize = 4;

/// Judges whether certificates reach a trusted root. It can be asked from many threads.
#[derive(Debug)]
pub struct Judge {
    anchors: Anchors,
    memo: Memo,
    /// Certificates of `--ca-file` and of public CAs.
    given: Pool,
    /// CA certificates of the cluster's Secrets.
    learned: RwLock<Pool>,
}

impl Judge {
    /// A judge that trusts these roots.
    pub fn new(anchors: Anchors, memo: Memo) -> Self {
        let mut given = Pool::default();
        for known in &anchors.intermediates {
            given.add(known.clone());
        }
        Self {
            anchors,
            memo,
            given,
            learned: RwLock::default(),
        }
    }

    /// The signatures that were verified.
    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    /// Adds intermediates of public CAs, as a PEM text such as the Common CA Database publishes; what cannot be read is
    /// skipped. Returns how many there are.
    pub fn know_public(&mut self, text: &[u8]) -> usize {
        let mut interner = Interner::new();
        let mut count = 0;
        for block in pem::blocks(text).filter(pem::Block::is_certificate) {
            let read = block
                .decode(pem::CERTIFICATE_CAP)
                .ok()
                .and_then(|der| interner.certificate(&der).ok());
            if let Some(known) = read.and_then(|(certificate, der)| Known::new(certificate, der, Found::PublicCas)) {
                self.given.add(known);
                count += 1;
            }
        }
        count
    }

    /// Remembers the CA certificates of a Secret: they may be what other Secrets lack.
    pub fn learn(&self, key: &Key, parsed: &Parsed) {
        for (certificate, der) in parsed
            .bundle
            .certificates
            .iter()
            .zip(&parsed.der)
            .filter(|(c, _)| c.is_ca)
        {
            if let Some(known) = Known::new(certificate.clone(), der.clone(), Found::Secret(key.clone())) {
                self.learned.write().unwrap_or_else(PoisonError::into_inner).add(known);
            }
        }
    }

    /// Remembers CA certificates that were fetched, in DER or PEM: they explain what is missing, and make nothing trusted. `false` where
    /// there is none.
    pub fn learn_fetched(&self, body: &[u8], url: &Text) -> bool {
        let parsed = bundle::parse_file(body, &mut Interner::new());
        let authorities = parsed
            .bundle
            .certificates
            .iter()
            .zip(&parsed.der)
            .filter(|(c, _)| c.is_ca);
        let mut any = false;
        for (certificate, der) in authorities.take(FETCHED) {
            if let Some(known) = Known::new(certificate.clone(), der.clone(), Found::Fetched(url.clone())) {
                self.learned.write().unwrap_or_else(PoisonError::into_inner).add(known);
                any = true;
            }
        }
        any
    }

    /// Forgets what was learned of a Secret that has changed or is gone.
    pub fn forget(&self, key: &Key) {
        self.learned.write().unwrap_or_else(PoisonError::into_inner).forget(key);
    }

    /// Judges what was parsed, whatever the dates. Without a leaf it is [`Trust::NotJudged`].
    pub fn judge(&self, parsed: &Parsed) -> Trust {
        self.judge_again(&parsed.bundle, &parsed.der)
    }

    /// Judges a bundle whose DER was kept, such as one that lacked an intermediate before all Secrets had been read.
    pub fn judge_again(&self, bundle: &Bundle, ders: &[Der]) -> Trust {
        let certificates = &bundle.certificates;
        let candidates: Vec<Candidate<'_>> = certificates
            .iter()
            .zip(ders)
            .enumerate()
            .filter_map(candidate)
            .collect();
        let is_leaf = |c: &&Candidate<'_>| matches!(c.origin, Origin::Presented(at) if Some(at) == bundle.leaf);
        let Some(leaf) = candidates.iter().find(is_leaf) else {
            return Trust::NotJudged;
        };
        if self.anchors.listed.contains(&leaf.certificate.sha256) {
            return Trust::Trusted {
                root: short_subject(leaf.certificate),
                public: false,
                path: position(leaf).into_iter().collect(),
                by_equality: true,
            };
        }
        let others: Vec<Candidate<'_>> = candidates
            .iter()
            .filter(|c| c.certificate.sha256 != leaf.certificate.sha256)
            .cloned()
            .collect();
        self.by_path(leaf, &others)
    }

    fn by_path(&self, leaf: &Candidate<'_>, presented: &[Candidate<'_>]) -> Trust {
        let failure = match self.by_presented(leaf, presented) {
            Ok(trust) => return trust,
            Err(failure) => failure,
        };
        // What is known from elsewhere explains a failure; it does not make clients trust the certificate.
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let pools = [&self.given, &*learned];
        let completed = issuers(leaf, presented, &pools, true);
        if let Ok(path) = path::find(leaf, &completed, &self.anchors, true, &self.memo) {
            let missing = path.issuers.iter().find_map(|at| match completed[*at].origin {
                Origin::Known(found) => Some((completed[*at].certificate, found)),
                Origin::Presented(_) => None,
            });
            if let Some((certificate, found)) = missing {
                return Trust::MissingIntermediate {
                    issuer: subject(certificate),
                    found: found.clone(),
                };
            }
        }
        match failure {
            // Whatever else is wrong with it, nobody but itself vouches for it.
            Failure::Refused(_) if leaf.certificate.self_signed => Trust::SelfSigned,
            Failure::Refused(error) => Trust::Refused(error),
            Failure::NoRoot => without_root(leaf, presented, &pools),
        }
    }

    /// The path by what is presented. A signature that fails may mean that the issuer is another one of the same name:
    /// then what the key identifiers rule out does not count.
    fn by_presented(&self, leaf: &Candidate<'_>, presented: &[Candidate<'_>]) -> Result<Trust, Failure> {
        let mut first = None;
        for exact in [false, true] {
            let candidates = issuers(leaf, presented, &[], exact);
            match path::find(leaf, &candidates, &self.anchors, exact, &self.memo) {
                Ok(path) => {
                    let issuers = path.issuers.iter().filter_map(|at| position(&candidates[*at]));
                    return Ok(Trust::Trusted {
                        root: path.root,
                        public: path.public,
                        path: position(leaf).into_iter().chain(issuers).collect(),
                        by_equality: false,
                    });
                }
                Err(Failure::Refused(super::PathError::BadSignature)) if !exact => {
                    first = Some(Failure::Refused(super::PathError::BadSignature));
                }
                Err(Failure::NoRoot) => return Err(Failure::NoRoot),
                Err(failure) => return Err(first.unwrap_or(failure)),
            }
        }
        Err(first.unwrap_or(Failure::NoRoot))
    }
}

/// No path reaches a root: is one certificate missing, or is the root not trusted?
fn without_root(leaf: &Candidate<'_>, presented: &[Candidate<'_>], pools: &[&Pool]) -> Trust {
    if leaf.certificate.self_signed {
        return Trust::SelfSigned;
    }
    let all = issuers(leaf, presented, pools, true);
    let mut top = leaf;
    // Every step takes another certificate: a circle of cross-signed ones ends.
    for _ in 0..=all.len() {
        if top.certificate.self_signed {
            return Trust::Untrusted {
                issuer: subject(top.certificate),
                root_presented: matches!(top.origin, Origin::Presented(_)),
            };
        }
        match all.iter().find(|c| c.may_issue(top)) {
            Some(next) => top = next,
            None => break,
        }
    }
    let issuer = top.certificate.issuer.full.clone();
    let listed = is_public_intermediate(&issuer);
    match issuer_url(&top.outline) {
        _ if is_staging_name(&issuer) => {}
        // The issuer of an intermediate may be a root that is not trusted: its URL says nothing.
        Some(url) if listed || std::ptr::eq(top, leaf) => {
            let found = Found::Url(url);
            return Trust::MissingIntermediate { issuer, found };
        }
        None if listed => {
            let found = Found::Nowhere;
            return Trust::MissingIntermediate { issuer, found };
        }
        _ => {}
    }
    Trust::Untrusted {
        issuer,
        root_presented: false,
    }
}

fn candidate<'a>((at, (certificate, der)): (usize, (&'a Arc<Certificate>, &'a Der))) -> Option<Candidate<'a>> {
    Some(Candidate {
        certificate,
        der,
        outline: Outline::of(der)?,
        origin: Origin::Presented(at),
    })
}

fn position(candidate: &Candidate<'_>) -> Option<u8> {
    match candidate.origin {
        Origin::Presented(at) => u8::try_from(at).ok(),
        Origin::Known(_) => None,
    }
}

/// The common name, else all of the subject.
fn short_subject(certificate: &Certificate) -> Arc<str> {
    match certificate.common_name() {
        Some(name) => name.into(),
        None => subject(certificate),
    }
}

fn subject(certificate: &Certificate) -> Arc<str> {
    match &certificate.subject {
        Subject::FirstName => certificate.subject().into(),
        Subject::Name(name) => name.full.clone(),
    }
}
