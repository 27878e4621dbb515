//! Who reads what is held: the server behind the class, Go, OpenSSL, browsers and Java.

use std::io;

use super::{
    HeldCertificates,
    pen::{Pen, Piece},
};
use crate::{
    check::row::Status,
    x509::{
        KeyState, Readers,
        readers::{Objection, Part, refusal},
    },
};

/// One line with a sign for each, and one for each cause below it.
pub(super) fn readers(pen: &mut Pen<'_>, held: &HeldCertificates<'_>) -> io::Result<()> {
    if held.certificates.is_empty() {
        return Ok(());
    }
    let mut answers: Vec<(&str, Option<String>)> = Vec::with_capacity(5);
    match held.server {
        _ if matches!(held.key, KeyState::NotAsked) => {}
        Some((name, readers)) => answers.push((name, server(held, readers))),
        None => answers.push(("servers", server(held, Readers::LIBRARIES))),
    }
    // A library loads certificate and key together; browsers and Java see the certificate alone.
    for (name, readers, loads) in [
        ("Go", Readers::GO.with(Readers::GO_CLIENT), true),
        ("OpenSSL", Readers::OPENSSL.with(Readers::OPENSSL_CLIENT), true),
        ("browsers", Readers::BROWSERS, false),
        ("Java", Readers::JAVA, false),
    ] {
        let refused = refusal(held.objections, readers).map(|o| said(o, readers));
        answers.push((name, refused.or_else(|| unpaired(held).filter(|_| loads))));
    }
    let mut line: Vec<Piece> = Vec::new();
    for (name, answer) in &answers {
        if !line.is_empty() {
            line.push(pen.dot());
        }
        let status = if answer.is_some() {
            Status::Critical
        } else {
            Status::Healthy
        };
        line.push(pen.marked(status, name));
    }
    pen.field("  ", "read by", &line)?;
    // Who has the same cause is named together.
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, answer) in &answers {
        let Some(why) = answer.as_deref() else { continue };
        match told.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name),
            None => told.push((why, vec![name])),
        }
    }
    for (why, names) in told {
        let words = pen.marked(Status::Critical, &format!("{}: {why}", names.join(", ")));
        pen.field("  ", "", &[words])?;
    }
    Ok(())
}

/// Why the server does not load it; `None` where it does.
fn server(held: &HeldCertificates<'_>, readers: Readers) -> Option<String> {
    if let Some(objection) = refusal(held.objections, readers) {
        return Some(said(objection, readers));
    }
    if held.leaf.is_none() {
        return Some("there is no server certificate in it".to_owned());
    }
    unpaired(held)
}

/// Why certificate and key are no pair; `None` where they are, and where there is no certificate that could have one.
fn unpaired(held: &HeldCertificates<'_>) -> Option<String> {
    held.leaf?;
    match held.key {
        KeyState::Matches | KeyState::NotAsked => None,
        KeyState::OfPosition(at) if Some(*at) == held.leaf && *at == 0 => None,
        _ => Some("the private key cannot be used with it".to_owned()),
    }
}

/// The cause, and of which part.
fn said(objection: &Objection, readers: Readers) -> String {
    let of = match objection.part {
        Part::Key => "the key".to_owned(),
        Part::Block(at, _) => format!("certificate {}", at.saturating_add(1)),
    };
    let why = &objection.why;
    // Of browsers, one may refuse alone.
    let who = objection.refuse.and(Readers::BROWSERS);
    if readers == Readers::BROWSERS && who != readers {
        format!("{of}: {why} ({} alone)", who.names())
    } else {
        format!("{of}: {why}")
    }
}
