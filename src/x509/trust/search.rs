//! Chooses the path that is best for clients: one that violates no rule and is valid the longest.
//!
//! webpki stops at the first path. Go tries all paths, and OpenSSL those that it prefers, so a chain fails only if no
//! path is good. For this reason the worst part of a path is excluded and another path is searched for.

use super::{
    Anchors, Clients, Doubt, Memo,
    anchors::Anchor,
    path::{self, Failure, Path, Roots},
    pool::{Candidate, Origin},
    rules::{self, Role, flaws},
};
use crate::{object::Seconds, x509::certificate::Certificate};

/// The most paths that are compared, which is more than real chains have.
const COMPARED: usize = 8;

/// A path, and how clients judge it.
pub(super) struct Best<'a> {
    /// The path, whose issuers are positions among all candidates.
    pub(super) path: Path<'a>,
    go: Option<String>,
    openssl: Option<String>,
    /// The first moment at which a certificate of the path other than the leaf expires.
    end: Seconds,
}

impl Best<'_> {
    /// The clients that refuse it, and why.
    pub(super) fn refused(&self) -> Option<Doubt> {
        let (by, why) = match (&self.go, &self.openssl) {
            (None, None) => return None,
            (Some(go), Some(openssl)) if go == openssl => (Clients::All, go.clone()),
            (Some(go), Some(openssl)) => (Clients::All, format!("for Go, {go}; for OpenSSL, {openssl}")),
            (Some(why), None) => (Clients::Go, why.clone()),
            (None, Some(why)) => (Clients::OpenSsl, why.clone()),
        };
        Some(Doubt { by, why })
    }

    fn is_better(&self, other: &Self) -> bool {
        let rank = |best: &Self| u8::from(best.go.is_some()) + u8::from(best.openssl.is_some());
        (rank(self), std::cmp::Reverse(self.end)) < (rank(other), std::cmp::Reverse(other.end))
    }
}

/// The part to exclude for a better path.
enum Worst<'a> {
    Leaf,
    Issuer(usize),
    Root(&'a Anchor),
}

/// The best path from `leaf` through `candidates` to a root. With `exact`, roots whose key identifier shows that they
/// are not the issuer are excluded.
pub(super) fn best<'a>(
    leaf: &Candidate<'_>,
    candidates: &[Candidate<'_>],
    anchors: &'a Anchors,
    exact: bool,
    memo: &Memo,
) -> Result<Best<'a>, Failure> {
    let whole = Roots {
        anchors,
        exact,
        barred: &[],
    };
    let first = path::find(leaf, candidates, whole, memo)?;
    let (mut found, mut worst) = examine(leaf, candidates, first);
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let mut barred: Vec<&Anchor> = Vec::new();
    for _ in 1..COMPARED {
        match worst {
            Worst::Leaf => break,
            Worst::Issuer(at) => left.retain(|other| *other != at),
            Worst::Root(root) => barred.push(root),
        }
        let leads = left.iter().any(|at| candidates[*at].may_issue(leaf))
            || anchors
                .by_subject(leaf.outline.issuer)
                .any(|root| !barred.iter().any(|b| std::ptr::eq(*b, root)));
        if !leads {
            break;
        }
        let rest: Vec<Candidate<'_>> = left.iter().map(|at| candidates[*at].clone()).collect();
        let among = Roots {
            anchors,
            exact,
            barred: &barred,
        };
        let Ok(mut path) = path::find(leaf, &rest, among, memo) else {
            break;
        };
        for at in &mut path.issuers {
            *at = left[*at];
        }
        let (next, its_worst) = examine(leaf, candidates, path);
        if next.is_better(&found) {
            found = next;
        }
        worst = its_worst;
    }
    if found.openssl.is_none()
        && let Some(why) = first_issuer_fails(leaf, candidates, whole, memo)
    {
        found.openssl = Some(why);
    }
    Ok(found)
}

/// How clients judge a path, and its worst part.
fn examine<'a>(leaf: &Candidate<'_>, candidates: &[Candidate<'_>], path: Path<'a>) -> (Best<'a>, Worst<'a>) {
    let root = path.root;
    let mut found = Best {
        go: None,
        openssl: None,
        end: root.bounds.not_after,
        path,
    };
    let mut worst = Worst::Root(root);
    for at in &found.path.issuers {
        let not_after = candidates[*at].certificate.not_after;
        if not_after < found.end {
            found.end = not_after;
            worst = Worst::Issuer(*at);
        }
    }
    // A certificate that expires after the leaf does not expire too early.
    if leaf.certificate.not_after <= found.end {
        worst = Worst::Leaf;
    }
    let whole = flaws(&leaf.outline, Role::Leaf);
    let itself = |why: &str| format!("the certificate itself {why}");
    found.go = whole.go.map(itself);
    found.openssl = whole.openssl.map(itself);
    let mut below = leaf;
    for at in found.path.issuers.clone() {
        let issuer = &candidates[at];
        let flaws = flaws(&issuer.outline, Role::Issuer);
        found.note(flaws, || subject(issuer.certificate));
        let another = rules::names_another(&below.outline, &issuer.outline);
        found.note_another(another, below, leaf);
        if flaws.count() > 0 || another {
            worst = Worst::Issuer(at);
        }
        below = issuer;
    }
    if found.note_root(candidates, below, leaf) {
        worst = Worst::Root(root);
    }
    (found, worst)
}

impl Best<'_> {
    fn note(&mut self, flaws: rules::Flaws, name: impl Fn() -> String) {
        if let Some(why) = flaws.go.filter(|_| self.go.is_none()) {
            self.go = Some(format!("{} {why}", name()));
        }
        if let Some(why) = flaws.openssl.filter(|_| self.openssl.is_none()) {
            self.openssl = Some(format!("{} {why}", name()));
        }
    }

    fn note_another(&mut self, another: bool, child: &Candidate<'_>, leaf: &Candidate<'_>) {
        if another && self.openssl.is_none() {
            let child = if std::ptr::eq(child, leaf) {
                "the certificate itself".to_owned()
            } else {
                subject(child.certificate)
            };
            self.openssl = Some(format!("{child} names another issuer (authority key identifier)"));
        }
    }

    /// Records the flaws of the root. Returns whether it has any.
    fn note_root(&mut self, candidates: &[Candidate<'_>], below: &Candidate<'_>, leaf: &Candidate<'_>) -> bool {
        let root = self.path.root;
        let name = || format!("{:?}", root.short);
        self.note(root.flaws, name);
        let another = rules::names_issuer(&below.outline)
            && root
                .outline()
                .is_some_and(|outline| rules::names_another(&below.outline, &outline));
        self.note_another(another, below, leaf);
        let mut wrong = another || root.flaws.count() > 0;
        if let Some(allowed) = root.path_length {
            // Go counts all intermediates; OpenSSL does not count self-issued ones (RFC 5280, section 6.1.4).
            let issuers = self.path.issuers.iter().map(|at| &candidates[*at].outline);
            let foreign = issuers.filter(|issuer| issuer.issuer != issuer.subject).count();
            let why = "allows fewer intermediates (path length)";
            let tighter = rules::Flaws {
                go: (self.path.issuers.len() > allowed).then_some(why),
                openssl: (foreign > allowed).then_some(why),
            };
            wrong |= tighter.count() > 0;
            self.note(tighter, name);
        }
        wrong
    }
}

fn subject(certificate: &Certificate) -> String {
    format!("{:?}", certificate.called())
}

/// Why OpenSSL fails if several of the certificates that are sent could be the issuer: it takes the first of them in
/// the order in which they are sent, and tries no other (`crypto/x509/x509_vfy.c`, `find_issuer` and `build_chain`).
/// Roots take precedence over certificates that are sent.
fn first_issuer_fails(
    leaf: &Candidate<'_>,
    candidates: &[Candidate<'_>],
    among: Roots<'_, '_>,
    memo: &Memo,
) -> Option<String> {
    let mut chosen: Vec<Candidate<'_>> = Vec::new();
    let mut several = None;
    let mut child = leaf;
    while chosen.len() <= candidates.len() {
        let by_root = among.anchors.by_subject(child.outline.issuer).any(|root| {
            root.outline()
                .is_some_and(|outline| !super::pool::other_key(&outline, &child.outline))
        });
        if by_root {
            break;
        }
        let fits = |c: &&Candidate<'_>| {
            c.may_issue(child)
                && !rules::names_another(&child.outline, &c.outline)
                && chosen
                    .iter()
                    .all(|other| other.certificate.sha256 != c.certificate.sha256)
        };
        let place = |c: &&Candidate<'_>| match c.origin {
            Origin::Presented(at) => at,
            Origin::Known(_) => usize::MAX,
        };
        let Some(first) = candidates.iter().filter(fits).min_by_key(place) else {
            break;
        };
        if candidates.iter().filter(fits).count() > 1 {
            // OpenSSL skips expired certificates, so that the first one depends on the day.
            if candidates
                .iter()
                .filter(fits)
                .any(|c| c.certificate.not_after < leaf.certificate.not_after)
            {
                return None;
            }
            several.get_or_insert(first);
        }
        chosen.push(first.clone());
        child = first;
    }
    let several = several?;
    let why = || {
        format!(
            "several certificates of {} are sent, and OpenSSL uses the first, which does not lead to a root by its rules",
            subject(several.certificate)
        )
    };
    let led = path::find(leaf, &chosen, among, memo).map(|path| examine(leaf, &chosen, path).0);
    led.map_or(true, |found| found.openssl.is_some()).then(why)
}
