//! What it is, how it is, and its hosts.

use std::io;

use super::{
    Binding, Cover, Show, ShowSubject,
    pen::{Pen, Piece, Tone},
};
use crate::{
    check::row::{Row, Status},
    object::Kind,
    text::{age, width::width},
    x509::Trust,
};

/// `✗ critical  Ingress shop/web`, and a line of what else identifies it.
pub(super) fn heading(pen: &mut Pen<'_>, show: &Show<'_>) -> io::Result<()> {
    let (kind, name) = match show.subject {
        ShowSubject::Object {
            kind,
            namespace: "",
            name,
        } => (kind.as_str(), name.to_owned()),
        ShowSubject::Object { kind, namespace, name } => (kind.as_str(), format!("{namespace}/{name}")),
        ShowSubject::File { path } => ("File", path.to_owned()),
        ShowSubject::Server { at } => ("Server", at.to_owned()),
    };
    let status = match show.status() {
        // It is not served, so there is nothing that could be healthy.
        Some(Status::Healthy | Status::Info) if of_root(show) == Some(true) => {
            pen.marked(Status::Healthy, "a root, trusted here")
        }
        Some(Status::Healthy | Status::Info) if of_root(show) == Some(false) => {
            pen.marked(Status::Info, "a root, not trusted here")
        }
        _ if show.held.iter().any(|held| held.kept_for.is_some()) && !is_object(show) => {
            pen.marked(Status::Info, "a pair that is kept for a rollback")
        }
        Some(status) => pen.marked(status, status.as_str()),
        None => pen.marked(Status::Unknown, "nothing to check"),
    };
    let pieces = [
        pen.plain(&format!("{kind} ")),
        pen.piece(Tone::Strong, &name),
        Piece::gap(),
        status,
    ];
    pen.flow("", "  ", &pieces)?;

    let mut facts: Vec<String> = Vec::new();
    if !show.context.is_empty() {
        facts.push(format!("context {}", show.context));
    }
    if let Some(row) = show.bindings.first().map(|b| &b.row).filter(|_| is_object(show)) {
        facts.extend(row.class.map(|class| format!("class {class}")));
        facts.extend(
            row.created
                .map(|created| format!("created {} ago", age(pen.now().saturating_sub(created)))),
        );
    }
    let facts: Vec<Piece> = facts.iter().map(|f| pen.dim(f)).collect();
    if facts.is_empty() {
        Ok(())
    } else {
        pen.flow("", "", &joined(pen, facts))
    }
}

/// Of a file that begins with a root's certificate, whether that is trusted.
fn of_root(show: &Show<'_>) -> Option<bool> {
    let held = show.held.first()?;
    let file = matches!(show.subject, ShowSubject::File { .. });
    (file && held.is_root()).then_some(matches!(held.trust, Trust::Trusted { .. }))
}

/// Pieces with dots between them.
pub(super) fn joined(pen: &Pen<'_>, pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pieces.len() * 2);
    for piece in pieces {
        if !out.is_empty() {
            out.push(pen.dot());
        }
        out.push(piece);
    }
    out
}

fn is_object(show: &Show<'_>) -> bool {
    // Of a Secret, class and age in its rows are those of the routes.
    matches!(show.subject, ShowSubject::Object { kind, .. } if kind != Kind::Secret)
}

/// Each host, and which name of the certificate covers it.
pub(super) fn hosts(pen: &mut Pen<'_>, show: &Show<'_>) -> io::Result<()> {
    let with_host: Vec<&Binding<'_>> = show.bindings.iter().filter(|b| b.row.host.is_some()).collect();
    if with_host.is_empty() {
        return Ok(());
    }
    pen.title("Hosts")?;
    let names: Vec<String> = with_host.iter().map(|b| pen.clean(name(&b.row))).collect();
    let widest = names.iter().map(|n| width(n)).max().unwrap_or(0).min(pen.width() / 3);
    let one_secret = show.held.len() < 2;
    for (binding, name) in with_host.iter().zip(&names) {
        let about = joined(pen, about(pen, show, binding, one_secret));
        let column = " ".repeat(widest + 4);
        if width(name) <= widest {
            let first = format!("  {name}{}  ", " ".repeat(widest - width(name)));
            pen.flow(&first, &column, &about)?;
        } else {
            let name = pen.plain(name);
            pen.flow("  ", "  ", &[name])?;
            pen.flow(&column, &column, &about)?;
        }
    }
    Ok(())
}

fn name<'a>(row: &Row<'a>) -> &'a str {
    match row.host {
        None | Some("") => "*",
        Some(host) => host,
    }
}

/// What there is to say of one host.
fn about(pen: &Pen<'_>, show: &Show<'_>, binding: &Binding<'_>, one_secret: bool) -> Vec<Piece> {
    let row = &binding.row;
    let mut out = vec![match binding.cover {
        Cover::By(san) if row.host.is_some_and(|h| san.to_string().eq_ignore_ascii_case(h)) => {
            pen.marked(Status::Healthy, "named in the certificate")
        }
        Cover::By(san) => pen.marked(Status::Healthy, &format!("covered by {san}")),
        Cover::Nothing => pen.marked(Status::Critical, "not covered: no name of the certificate matches"),
        Cover::NotJudged if row.certificate.is_none() => pen.marked(Status::Unknown, "no certificate to compare"),
        Cover::NotJudged => pen.marked(Status::Unknown, "every host: nothing to compare"),
    }];
    if row.status != Status::Healthy {
        out.push(pen.piece(Tone::Of(row.status), row.status.as_str()));
    }
    let here = match show.subject {
        ShowSubject::Object { namespace, .. } => namespace,
        ShowSubject::File { .. } | ShowSubject::Server { .. } => "",
    };
    let named = |kind: &str, namespace: &str, name: &str| {
        if namespace == here {
            pen.unbroken(&format!("{kind} {name}"))
        } else {
            pen.unbroken(&format!("{kind} {namespace}/{name}"))
        }
    };
    if let Some(route) = row.route {
        let is_subject = show.subject
            == ShowSubject::Object {
                kind: route.kind,
                namespace: row.namespace,
                name: route.name,
            };
        if !is_subject {
            out.push(named(route.kind.as_str(), row.namespace, route.name));
        }
        out.extend(route.listener.map(|l| pen.unbroken(&format!("listener {l}"))));
    }
    if let (false, Some(secret)) = (one_secret, row.secret()) {
        out.push(named("Secret", &secret.namespace, &secret.name));
    }
    out
}
