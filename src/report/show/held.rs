//! What a Secret, file or server holds: the chain as a tree, the key, who uses it.

use std::{fmt::Write as _, io};

use super::{
    HeldCertificates, Presence, Show, ShowSubject, User,
    gauge::gauge,
    pen::{Pen, Piece, Sign, Tone},
    readers::readers,
};
use crate::{
    check::row::Status,
    object::{Kind, Seconds, consumer::How, secret::TLS_TYPE},
    text::{date, quote},
    x509::{
        Certificate, KeyState, Trust,
        trust::{Clients, IntermediateSource, PathError},
    },
};

/// More than this is counted, not shown.
const CERTIFICATES: usize = 16;
const NAMES: usize = 50;
const USERS: usize = 20;

pub(super) fn held(pen: &mut Pen<'_>, show: &Show<'_>, held: &HeldCertificates<'_>) -> io::Result<()> {
    match (held.secret, show.subject) {
        (Some(secret), _) => pen.title(&format!("Secret {secret}"))?,
        (None, ShowSubject::Server { .. } | ShowSubject::Object { .. }) => pen.title("Served chain")?,
        (None, _) => pen.title("Certificates")?,
    }
    match held.presence {
        Presence::NotFound => {
            let words = pen.marked(Status::Critical, "there is no such Secret");
            return pen.flow("  ", "  ", &[words]).and_then(|()| users(pen, held));
        }
        Presence::Forbidden => {
            let words = pen.marked(Status::Unknown, "it could not be read: the right to get it is missing");
            return pen.flow("  ", "  ", &[words]).and_then(|()| users(pen, held));
        }
        Presence::Read => {}
    }
    if held.secret.is_some() {
        let kind = if held.secret_type.is_empty() {
            "Opaque"
        } else {
            held.secret_type
        };
        let kind = if kind == TLS_TYPE || held.kept_for.is_some() {
            pen.plain(kind)
        } else {
            pen.marked(Status::Warning, &format!("{kind}, not {TLS_TYPE}"))
        };
        pen.field("  ", "type", &[kind])?;
        if let Some(of) = held.kept_for {
            let words = pen.with_commands(&kept(of));
            pen.field("  ", "kept for", &[words])?;
        }
    }
    if let Some(words) = key(pen, held.key) {
        pen.field("  ", "key", &[words])?;
    }
    if !held.other_keys.is_empty() {
        let list = listed(
            held.other_keys.iter().map(ToString::to_string),
            held.other_keys.len(),
            NAMES,
        );
        let list = pen.plain(&list);
        pen.field("  ", "also", &[list])?;
    }
    // A root has no names, and needs none.
    if let Some(leaf) = held
        .leaf
        .and_then(|i| held.certificates.get(i))
        .filter(|_| !held.is_root())
    {
        let words = if leaf.names.is_empty() {
            pen.marked(Status::Critical, "none: clients ignore the common name")
        } else {
            pen.plain(&listed(
                leaf.names.iter().map(ToString::to_string),
                leaf.names.len(),
                NAMES,
            ))
        };
        pen.field("  ", "names", &[words])?;
    }
    if !held.is_root() {
        readers(pen, held)?;
    }
    users(pen, held)?;
    chain(pen, held)
}

/// What a pair that is kept is for.
fn kept(of: &str) -> String {
    match of.split_once('/') {
        Some((namespace, name)) => format!(
            "Secret {of}, which held this pair before: `kubectl certs rollback {} -n {}` puts it back",
            quote(name),
            quote(namespace)
        ),
        None => "a rollback: a Secret held this pair before".to_owned(),
    }
}

/// The first `most` of `all` texts, with commas, and how many there are more.
fn listed(all: impl Iterator<Item = String>, count: usize, most: usize) -> String {
    let mut text = all.take(most).collect::<Vec<_>>().join(", ");
    if count > most {
        let _ = write!(text, " and {} more", count - most);
    }
    text
}

fn key(pen: &Pen<'_>, state: &KeyState) -> Option<Piece> {
    Some(match state {
        KeyState::NotAsked => return None,
        KeyState::Missing => pen.marked(Status::Critical, "there is none"),
        KeyState::Matches => pen.marked(Status::Healthy, "matches the certificate"),
        KeyState::Differs => pen.marked(Status::Critical, "is not the key of the certificate"),
        KeyState::OfPosition(at) => pen.marked(
            Status::Critical,
            &format!(
                "belongs to certificate {}, which has to come first",
                at.saturating_add(1)
            ),
        ),
        KeyState::Encrypted => pen.marked(Status::Critical, "is encrypted: no controller can use it"),
        KeyState::Invalid(why) => pen.marked(Status::Critical, &format!("cannot be read: {why}")),
        KeyState::NothingToCompare => pen.marked(
            Status::Unknown,
            "can be read; there is no certificate to compare it with",
        ),
    })
}

/// Who uses the Secret, one line a kind.
fn users(pen: &mut Pen<'_>, held: &HeldCertificates<'_>) -> io::Result<()> {
    let Some(all) = held.users else { return Ok(()) };
    if all.is_empty() {
        let nobody = pen.dim("no route, Pod or workload that was read");
        return pen.field("  ", "used by", &[nobody]);
    }
    let mut kinds: Vec<Kind> = all.iter().map(|u| u.object.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for (i, kind) in kinds.into_iter().enumerate() {
        let of_kind = || all.iter().filter(|u| u.object.kind == kind);
        let one = |u: &User| {
            // Consumers share the Secret's namespace; a Gateway may not.
            let elsewhere = held.secret.is_none_or(|s| s.namespace != u.object.key.namespace);
            let name = if elsewhere {
                u.object.key.to_string()
            } else {
                u.object.key.name.to_string()
            };
            match u.how {
                None | Some(How::Other) => name,
                Some(How::Volume) => format!("{name} (volume)"),
                Some(How::SubPath) => format!("{name} (subPath: needs a restart to see a change)"),
                Some(How::Environment) => format!("{name} (environment: needs a restart to see a change)"),
            }
        };
        let list = listed(of_kind().map(one), of_kind().count(), USERS);
        let pieces = [pen.dim(&format!("{} ", kind.as_str())), pen.plain(&list)];
        pen.field("  ", if i == 0 { "used by" } else { "" }, &pieces)?;
    }
    Ok(())
}

/// The certificates in the order of the file, and the root that they reach.
fn chain(pen: &mut Pen<'_>, held: &HeldCertificates<'_>) -> io::Result<()> {
    let branch = format!("  {} ", pen.sign(Sign::Branch));
    let stem = format!("  {} ", pen.sign(Sign::Stem));
    let last = format!("  {} ", pen.sign(Sign::Last));
    pen.blank()?;
    for (i, certificate) in held.certificates.iter().enumerate().take(CERTIFICATES) {
        let words = [
            pen.piece(Tone::Strong, &format!("{} ", role(held, i, certificate))),
            pen.plain(&certificate.called()),
        ];
        pen.flow(&branch, &stem, &words)?;
        details(pen, &stem, certificate, held.leaf == Some(i))?;
    }
    let more = held.certificates.len().saturating_sub(CERTIFICATES);
    if more > 0 {
        let words = pen.dim(&format!("and {more} more"));
        pen.flow(&branch, &stem, &[words])?;
    }
    for (position, why) in held.unreadable.iter().take(CERTIFICATES) {
        let words = format!("block {} cannot be read: {why}", position.saturating_add(1));
        let words = pen.marked(Status::Critical, &words);
        pen.flow(&branch, &stem, &[words])?;
    }
    let (status, words) = trust(held, pen.now());
    let words = pen.marked(status, &words);
    pen.flow(&last, "     ", &[words])
}

pub(super) fn role(held: &HeldCertificates<'_>, at: usize, certificate: &Certificate) -> &'static str {
    let off_path = match held.trust {
        Trust::Trusted { path, .. } => !path.iter().any(|p| usize::from(*p) == at),
        _ => false,
    };
    match () {
        () if held.leaf == Some(at) && !held.is_root() => "leaf",
        () if certificate.self_signed => "root",
        () if off_path => "unneeded",
        () if certificate.is_ca => "intermediate",
        () => "other",
    }
}

fn details(pen: &mut Pen<'_>, stem: &str, certificate: &Certificate, is_leaf: bool) -> io::Result<()> {
    let stem = format!("{stem} ");
    let stem = stem.as_str();
    let issuer = if certificate.self_signed {
        "itself"
    } else {
        &certificate.issuer.short
    };
    let issuer = pen.plain(issuer);
    pen.field(stem, "issuer", &[issuer])?;
    let valid = gauge(
        pen,
        certificate.not_before,
        certificate.not_after,
        is_leaf,
        pen.room(stem),
    );
    pen.field(stem, "valid", &valid)?;
    let weak = if certificate.weak_signature {
        Tone::Of(Status::Critical)
    } else {
        Tone::Plain
    };
    let key = [
        pen.plain(&format!("{}, signed with ", certificate.key)),
        pen.piece(weak, certificate.signature),
        pen.piece(
            weak,
            if certificate.weak_signature {
                " (broken hash)"
            } else {
                ""
            },
        ),
    ];
    pen.field(stem, "key", &key)?;
    let serial = pen.plain(&certificate.serial.to_string());
    pen.field(stem, "serial", &[serial])?;
    let sha256 = pen.dim(&certificate.sha256.to_string());
    pen.field(stem, "sha256", &[sha256])
}

/// The end of the tree: the root, or what is missing.
pub(super) fn trust(held: &HeldCertificates<'_>, now: Seconds) -> (Status, String) {
    match held.trust {
        Trust::NotJudged if held.certificates.is_empty() => (Status::Critical, "there is no certificate".to_owned()),
        Trust::NotJudged => (
            Status::Unknown,
            "whether it reaches a trusted root was not checked".to_owned(),
        ),
        Trust::Trusted { by_equality: true, .. } => (
            Status::Healthy,
            "trusted: the certificate itself is in --ca-file".to_owned(),
        ),
        Trust::Trusted {
            root, public, bounds, ..
        } => {
            let whose = if *public { "a public root" } else { "a root of your own" };
            let (not_before, not_after) = bounds.as_ref().map_or((Seconds::MIN, Seconds::MAX), |bounds| {
                (bounds.not_before, bounds.not_after)
            });
            if now >= not_after {
                let words = format!("not trusted: {root}, {whose}, expired on {}", date(not_after));
                return (Status::Critical, words);
            }
            if now < not_before {
                let words = format!("not trusted: {root}, {whose}, is valid only from {}", date(not_before));
                return (Status::Critical, words);
            }
            let doubt = bounds.as_ref().and_then(|bounds| bounds.doubt.as_ref());
            match doubt.map(|doubt| (doubt.by, &doubt.why)) {
                Some((Clients::Go, why)) => (
                    Status::Warning,
                    format!("trusted by OpenSSL: {root}, {whose}; programs in Go refuse it: {why}"),
                ),
                Some((Clients::OpenSsl, why)) => (
                    Status::Warning,
                    format!("trusted by Go: {root}, {whose}; OpenSSL refuses it: {why}"),
                ),
                _ => (Status::Healthy, format!("trusted: {root}, {whose}")),
            }
        }
        Trust::MissingIntermediate { issuer, found } => {
            let found = match found {
                IntermediateSource::Secret(key) => format!("; the Secret {key} holds it"),
                IntermediateSource::CaFile => "; --ca-file holds it".to_owned(),
                IntermediateSource::Fetched(url) => format!("; it was fetched from {url}"),
                IntermediateSource::Url(url) => format!("; the certificate gives its address as {url}"),
                IntermediateSource::Nowhere => "; it was not found".to_owned(),
            };
            (Status::Critical, format!("missing here: {issuer}{found}"))
        }
        Trust::Untrusted {
            issuer,
            root_presented,
            namesake,
        } => {
            let words = match (root_presented, namesake) {
                (_, true) => format!("not trusted: {issuer} has the name of a trusted root, but another key"),
                (true, _) => {
                    format!(
                        "not trusted: {issuer} is not a trusted root, and no trusted root issued it, though its root is presented"
                    )
                }
                _ => format!("not trusted: {issuer} is not a trusted root, and no trusted root issued it"),
            };
            (Status::Critical, words)
        }
        // Nobody serves a root: it is there to be trusted.
        Trust::SelfSigned if held.is_root() => (
            Status::Info,
            "not trusted here: --ca-file or `trust:` in the settings would trust it".to_owned(),
        ),
        Trust::SelfSigned => (
            Status::Critical,
            "not trusted: it is self-signed, and not in --ca-file".to_owned(),
        ),
        Trust::Refused(error) => {
            let why = match error {
                PathError::Constraint(why) => format!("a constraint is violated: {why}"),
                PathError::BadSignature => "a signature is not by the issuer's key".to_owned(),
                PathError::WeakSignature(algorithm) => format!("a signature uses {algorithm}"),
                PathError::Unusable(why) => why.clone(),
            };
            (Status::Critical, format!("refused: {why}"))
        }
    }
}
