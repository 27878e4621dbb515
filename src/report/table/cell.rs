//! What stands in each cell.

use std::fmt::Write;

use super::layout::Layout;
use crate::{
    object::Kind,
    report::{item, row::Row},
    text::{Clear, age, clear},
};

/// How many names, and how many reasons, a cell shows before it only counts them.
const SHOWN: usize = 3;
/// What stands in a cell that has nothing to say.
const NOTHING: &str = "-";

/// A column of the table, in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Context,
    Namespace,
    Route,
    Host,
    Secret,
    Status,
    Expires,
    Issuer,
    Reason,
    Serial,
    Algorithm,
    Names,
    Sha256,
    Class,
    Age,
    Labels,
}

impl Column {
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Context => "CONTEXT",
            Self::Namespace => "NAMESPACE",
            Self::Route => "ROUTE",
            Self::Host => "HOST",
            Self::Secret => "SECRET",
            Self::Status => "STATUS",
            Self::Expires => "EXPIRES",
            Self::Issuer => "ISSUER",
            Self::Reason => "REASON",
            Self::Serial => "SERIAL",
            Self::Algorithm => "ALGORITHM",
            Self::Names => "NAMES",
            Self::Sha256 => "SHA256",
            Self::Class => "CLASS",
            Self::Age => "AGE",
            Self::Labels => "LABELS",
        }
    }

    /// Appends the cell of `row` to `out`, cleared for a terminal. `room` is what the column has; only the reasons look at
    /// it, to leave out whole ones.
    pub(super) fn write(self, row: &Row<'_>, layout: &Layout, room: usize, out: &mut String) {
        let start = out.len();
        self.fill(row, layout, room, out);
        if out.len() == start {
            out.push_str(NOTHING);
        }
    }

    fn fill(self, row: &Row<'_>, layout: &Layout, room: usize, out: &mut String) {
        match self {
            Self::Context => text(row.context, out),
            Self::Namespace => text(row.namespace, out),
            Self::Route if row.route.is_some() => route(row, out),
            // Where the column that names the object has been left out, the next one does.
            Self::Route if !layout.has(Self::Secret) => secret(row, out),
            Self::Route => {}
            Self::Host => match row.host {
                Some(host) => text(item::host(host), out),
                None if layout.has(Self::Route) => {}
                None if row.route.is_some() => route(row, out),
                None => secret(row, out),
            },
            Self::Secret => secret(row, out),
            Self::Status => out.push_str(row.status.as_str()),
            Self::Expires => {
                if let Some(c) = row.certificate {
                    let left = c.not_after.saturating_sub(layout.now);
                    out.push_str(&age(left));
                    out.push_str(if left < 0 { " ago" } else { "" });
                }
            }
            Self::Issuer => {
                if let Some(c) = row.certificate {
                    text(&c.issuer_short, out);
                }
            }
            Self::Reason => reasons(row, room, out),
            Self::Serial => {
                if let Some(c) = row.certificate {
                    text(&c.serial, out);
                }
            }
            Self::Algorithm => {
                if let Some(c) = row.certificate {
                    text(&c.key.to_string(), out);
                }
            }
            Self::Names => {
                let names = row.certificate.map_or(&[][..], |c| &c.names);
                for (i, name) in names.iter().take(SHOWN).enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    text(&name.to_string(), out);
                }
                more(names.len(), SHOWN, out);
            }
            Self::Sha256 => {
                if let Some(c) = row.certificate {
                    c.sha256.0[..8].iter().for_each(|byte| {
                        let _ = write!(out, "{byte:02x}");
                    });
                }
            }
            Self::Class => text(row.class.unwrap_or_default(), out),
            Self::Age => {
                if let Some(created) = row.created {
                    out.push_str(&age(layout.now.saturating_sub(created).max(0)));
                }
            }
            Self::Labels => {
                for (i, (key, value)) in row.labels.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    let _ = write!(out, "{comma}{}={}", Clear(key), Clear(value));
                }
            }
        }
    }
}

fn text(text: &str, out: &mut String) {
    out.push_str(&clear(text));
}

/// `,+2` where `count` is two more than what is shown.
fn more(count: usize, shown: usize, out: &mut String) {
    if count > shown {
        let _ = write!(out, ",+{}", count - shown);
    }
}

fn route(row: &Row<'_>, out: &mut String) {
    if let Some(route) = row.route {
        out.push_str(kind(route.kind));
        out.push('/');
        text(route.name, out);
        if let Some(listener) = route.listener {
            out.push(':');
            text(listener, out);
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Ingress => "ingress",
        Kind::Gateway => "gateway",
        Kind::ListenerSet => "listenerset",
        Kind::IngressRoute => "ingressroute",
        Kind::Secret => "secret",
        other => other.as_str(),
    }
}

/// The Secret that is expected to be served, with its namespace where that is not the row's, and how many others there
/// are.
fn secret(row: &Row<'_>, out: &mut String) {
    let Some(first) = row.secrets.first() else { return };
    if row.route.is_none() {
        out.push_str("secret/");
    } else if first.namespace != row.namespace {
        text(&first.namespace, out);
        out.push('/');
    }
    text(&first.name, out);
    more(row.secrets.len(), 1, out);
}

/// The reasons, each once, as many whole ones as fit, and how many more there are.
fn reasons(row: &Row<'_>, room: usize, out: &mut String) {
    let mut unique = Vec::new();
    for reason in row.findings.iter().map(crate::check::Finding::reason) {
        if !unique.contains(&reason) {
            unique.push(reason);
        }
    }
    for shown in (1..=unique.len().min(SHOWN)).rev() {
        let start = out.len();
        for (i, reason) in unique[..shown].iter().enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            out.push_str(reason.as_str());
        }
        more(unique.len(), shown, out);
        if out.len() - start <= room || shown == 1 {
            return;
        }
        out.truncate(start);
    }
}
