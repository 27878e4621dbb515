//! Judges the trust of certificates.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    Anchors, Bounds, Clients, Doubt, IntermediateSource, Memo, PathError, Trust,
    learned::{Learned, Vouchers},
    path::{self, Failure, Roots},
    pool::{Candidate, Elsewhere, Known, Origin, Pool, issuers},
    search,
};
use crate::{
    object::{Key, Text},
    x509::{
        bundle::{self, Bundle, Parsed},
        certificate::{Certificate, Subject, authority_key_id, issuer_url, subject_key_id},
        der::Outline,
        interner::{Der, Interner},
        issuers::{is_public_intermediate, is_staging_name},
    },
};

/// How many certificates from one URL are used.
const FETCHED: usize = 4;

/// Judges whether certificates reach a trusted root. It can be used by several threads.
#[derive(Debug)]
pub struct Judge {
    anchors: Anchors,
    memo: Memo,
    /// Certificates of `--ca-file`.
    given: Pool,
    /// Certificates that were learned during the scan.
    outside: RwLock<Outside>,
}

/// CA certificates that the user did not provide.
#[derive(Debug, Default)]
struct Outside {
    /// Certificates from the cluster's Secrets.
    learned: Learned,
    /// Certificates that were fetched, by URL.
    fetched: HashMap<Text, Vec<Known>>,
}

impl Judge {
    /// Makes a judge that trusts these roots.
    pub fn new(anchors: Anchors, memo: Memo) -> Self {
        let mut given = Pool::default();
        for known in &anchors.intermediates {
            given.add(known.clone());
        }
        Self {
            anchors,
            memo,
            given,
            outside: RwLock::default(),
        }
    }

    /// The memory of verified signatures.
    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    fn outside(&self) -> RwLockReadGuard<'_, Outside> {
        self.outside.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn outside_to_change(&self) -> RwLockWriteGuard<'_, Outside> {
        self.outside.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the CA certificates of a Secret, which other Secrets may lack. They count only once a trusted root
    /// vouches for them, so that nobody's Secret changes the verdict on another's.
    pub fn learn(&self, key: &Key, parsed: &Parsed) {
        for (certificate, der) in authorities(parsed).filter(|(c, _)| !c.self_signed) {
            if self.outside().learned.has(certificate.sha256, key) {
                continue;
            }
            let known = Known {
                certificate: certificate.clone(),
                der: der.clone(),
                found: IntermediateSource::Secret(key.clone()),
            };
            let vouchers = Vouchers {
                anchors: &self.anchors,
                given: &self.given,
                memo: &self.memo,
            };
            self.outside_to_change().learned.add(known, vouchers);
        }
    }

    /// Remembers CA certificates that were fetched, in DER or PEM. They explain what is missing if a certificate names
    /// this URL, and make nothing trusted. Returns `false` if there is none.
    pub fn learn_fetched(&self, body: &[u8], url: &Text) -> bool {
        let parsed = bundle::parse_file(body, &mut Interner::new());
        let found: Vec<Known> = authorities(&parsed)
            .take(FETCHED)
            .map(|(certificate, der)| Known {
                certificate: certificate.clone(),
                der: der.clone(),
                found: IntermediateSource::Fetched(url.clone()),
            })
            .collect();
        let any = !found.is_empty();
        if any {
            self.outside_to_change().fetched.insert(url.clone(), found);
        }
        any
    }

    /// Forgets what was learned from a Secret that has changed or no longer exists.
    pub fn forget(&self, key: &Key) {
        self.outside_to_change().learned.forget(key);
    }

    /// Judges parsed certificates, regardless of dates. Without a leaf the result is [`Trust::NotJudged`].
    pub fn judge(&self, parsed: &Parsed) -> Trust {
        self.judge_again(&parsed.bundle, &parsed.der)
    }

    /// Judges a bundle again whose DER was kept, such as one that lacked an intermediate before all Secrets had been
    /// read.
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
                bounds: None,
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
        // Certificates from elsewhere explain a failure. They do not make clients trust the certificate.
        let outside = self.outside();
        let elsewhere = Elsewhere {
            given: Some(&self.given),
            fetched: Some(&outside.fetched),
            learned: Some(&outside.learned),
        };
        // The presented chain leads to a root and violates a rule: that is what clients see, whatever else is known.
        if let Failure::Refused(error) = &failure
            && *error != PathError::BadSignature
            && !leaf.certificate.self_signed
        {
            return Trust::Refused(error.clone());
        }
        let completed = issuers(leaf, presented, elsewhere, true, &self.memo);
        if let Ok(path) = path::find(leaf, &completed, self.roots(), &self.memo) {
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
            // Whatever else is wrong with it, only the certificate itself vouches for it.
            Failure::Refused(_) if leaf.certificate.self_signed => Trust::SelfSigned,
            Failure::Refused(PathError::BadSignature) => {
                let above = self.climb(leaf, presented, Elsewhere::default());
                if self.may_be_broken(&above, presented) {
                    Trust::Refused(PathError::BadSignature)
                } else {
                    self.without_root(leaf, presented, elsewhere)
                }
            }
            Failure::Refused(error) => Trust::Refused(error),
            Failure::NoRoot => self.without_root(leaf, presented, elsewhere),
        }
    }

    fn roots(&self) -> Roots<'_, '_> {
        Roots {
            anchors: &self.anchors,
            exact: true,
            barred: &[],
        }
    }

    /// The path through the presented certificates. A signature that fails may mean that the issuer is another
    /// certificate of the same name, so the search is repeated without those that key identifiers rule out.
    fn by_presented(&self, leaf: &Candidate<'_>, presented: &[Candidate<'_>]) -> Result<Trust, Failure> {
        let mut first = None;
        for exact in [false, true] {
            let candidates = issuers(leaf, presented, Elsewhere::default(), exact, &self.memo);
            match search::best(leaf, &candidates, &self.anchors, exact, &self.memo) {
                Ok(best) => return reached(leaf, &candidates, &best),
                Err(Failure::Refused(PathError::BadSignature)) if !exact => {
                    first = Some(Failure::Refused(PathError::BadSignature));
                }
                Err(Failure::NoRoot) => return Err(Failure::NoRoot),
                Err(failure) => return Err(first.unwrap_or(failure)),
            }
        }
        Err(first.unwrap_or(Failure::NoRoot))
    }

    /// The last certificate above the leaf for which nothing shows that it has not signed the one below it.
    fn climb<'a>(&self, leaf: &Candidate<'a>, presented: &[Candidate<'a>], elsewhere: Elsewhere<'a>) -> Candidate<'a> {
        let all = issuers(leaf, presented, elsewhere, true, &self.memo);
        let mut top = leaf.clone();
        // Each step takes another certificate, so that a circle of cross-signed ones ends.
        for _ in 0..=all.len() {
            let signed = |c: &&Candidate<'_>| {
                c.may_issue(&top) && self.memo.signed(c.outline.public_key, &top.outline) != Some(false)
            };
            match all.iter().find(signed) {
                Some(next) if !top.certificate.self_signed => top = next.clone(),
                _ => break,
            }
        }
        top
    }

    /// Whether the top of a chain may be a broken certificate of the issuer with that name: a presented certificate of
    /// that name has the right key identifier or is not self-signed, or a root has the right key identifier.
    fn may_be_broken(&self, top: &Candidate<'_>, presented: &[Candidate<'_>]) -> bool {
        let issuer = top.outline.issuer;
        let named = authority_key_id(&top.outline);
        let same_key = |id: Option<&[u8]>| id.is_some() && id == named;
        let mut presented = presented.iter().filter(|c| c.outline.subject == issuer);
        presented.any(|c| same_key(subject_key_id(&c.outline)) || !c.certificate.self_signed)
            || self
                .anchors
                .by_subject(issuer)
                .any(|root| same_key(root.key_id.as_deref()))
    }

    /// Decides, if no path reaches a root, whether one certificate is missing or the root is not trusted. The contents
    /// of other Secrets do not matter for this.
    fn without_root(&self, leaf: &Candidate<'_>, presented: &[Candidate<'_>], elsewhere: Elsewhere<'_>) -> Trust {
        if leaf.certificate.self_signed {
            return Trust::SelfSigned;
        }
        let elsewhere = Elsewhere {
            learned: None,
            ..elsewhere
        };
        let top = self.climb(leaf, presented, elsewhere);
        if top.certificate.self_signed {
            return Trust::Untrusted {
                issuer: subject(top.certificate),
                root_presented: matches!(top.origin, Origin::Presented(_)),
                namesake: self.anchors.by_subject(top.outline.subject).next().is_some(),
            };
        }
        let issuer = top.certificate.issuer.full.clone();
        let listed = is_public_intermediate(&issuer);
        let namesake = self.anchors.by_subject(top.outline.issuer).next().is_some();
        match issuer_url(&top.outline) {
            _ if is_staging_name(&issuer) || namesake => {}
            // The issuer of an intermediate may be an untrusted root, so its URL proves nothing.
            Some(url) if listed || top.certificate.sha256 == leaf.certificate.sha256 => {
                let found = IntermediateSource::Url(url);
                return Trust::MissingIntermediate { issuer, found };
            }
            None if listed => {
                let found = IntermediateSource::Nowhere;
                return Trust::MissingIntermediate { issuer, found };
            }
            _ => {}
        }
        let issuer = if issuer.is_empty() {
            "an issuer without a name".into()
        } else {
            issuer
        };
        Trust::Untrusted {
            issuer,
            root_presented: false,
            namesake,
        }
    }
}

/// Decides which clients accept a path that reaches a root.
fn reached(leaf: &Candidate<'_>, candidates: &[Candidate<'_>], best: &search::Best<'_>) -> Result<Trust, Failure> {
    let root = best.path.root;
    let bounds = match best.refused() {
        None => root.bounds.clone(),
        Some(Doubt { by: Clients::All, why }) => return Err(Failure::Refused(PathError::Constraint(why))),
        Some(doubt) => Arc::new(Bounds {
            doubt: Some(doubt),
            ..(*root.bounds).clone()
        }),
    };
    let issuers = best.path.issuers.iter().filter_map(|at| position(&candidates[*at]));
    Ok(Trust::Trusted {
        root: root.short.clone(),
        public: root.public,
        path: position(leaf).into_iter().chain(issuers).collect(),
        by_equality: false,
        bounds: Some(bounds),
    })
}

/// The CA certificates of a bundle.
fn authorities(parsed: &Parsed) -> impl Iterator<Item = (&Arc<Certificate>, &Der)> {
    parsed
        .bundle
        .certificates
        .iter()
        .zip(&parsed.der)
        .filter(|(c, _)| c.is_ca)
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

/// The common name, otherwise the whole subject.
fn short_subject(certificate: &Certificate) -> Arc<str> {
    match certificate.common_name() {
        Some(name) => name.into(),
        None => subject(certificate),
    }
}

fn subject(certificate: &Certificate) -> Arc<str> {
    match &certificate.subject {
        Subject::Name(name) if !name.full.is_empty() => name.full.clone(),
        _ => certificate.called().into(),
    }
}
