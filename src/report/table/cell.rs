//! What stands in each cell.

use std::fmt::{self, Write};

use super::layout::Layout;
use crate::{
    check::row::Row,
    report::item,
    text::{Age, Clear, clear, width::width},
    x509::Certificate,
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
    Served,
    Expires,
    Issuer,
    Reason,
    Serial,
    Algorithm,
    Names,
    Sha256,
    Class,
    Age,
    /// The label at this position of those that have a column each.
    Label(usize),
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
            Self::Served => "SERVED",
            Self::Expires => "EXPIRES",
            Self::Issuer => "ISSUER",
            Self::Reason => "REASON",
            Self::Serial => "SERIAL",
            Self::Algorithm => "ALGORITHM",
            Self::Names => "NAMES",
            Self::Sha256 => "SHA256",
            Self::Class => "CLASS",
            Self::Age => "AGE",
            Self::Label(_) => "LABEL",
            Self::Labels => "LABELS",
        }
    }

    /// Appends the cell of `row` to `out`, cleared for a terminal. `room` is what the column has; only the reasons look at
    /// it, to leave out whole ones.
    pub(super) fn write(self, row: &Row<'_>, layout: &Layout, room: usize, out: &mut String) {
        let start = out.len();
        let _ = self.fill(row, layout, room, out);
        if out.len() == start {
            out.push_str(NOTHING);
        }
    }

    /// How many cells of a terminal the cell of `row` takes, were there room for all of it.
    pub(super) fn width(self, row: &Row<'_>, layout: &Layout) -> usize {
        let mut ruler = Ruler::default();
        let _ = self.fill(row, layout, usize::MAX, &mut ruler);
        if ruler.used { ruler.cells } else { width(NOTHING) }
    }

    fn fill(self, row: &Row<'_>, layout: &Layout, room: usize, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Context => text(row.context, out),
            Self::Namespace => text(row.namespace, out),
            Self::Route if row.route.is_some() => route(row, out),
            // Where the column that names the object has been left out, the next one does.
            Self::Route if !layout.has(Self::Secret) => secret(row, out),
            Self::Route => Ok(()),
            Self::Host => match row.host {
                Some(host) => text(item::host(host), out),
                None if layout.has(Self::Route) => Ok(()),
                None if row.route.is_some() => route(row, out),
                None => secret(row, out),
            },
            Self::Secret => secret(row, out),
            Self::Status => out.write_str(row.status.as_str()),
            Self::Served => out.write_str(row.answer.map_or("", |answer| answer.compared.as_str())),
            Self::Reason => reasons(row, room, out),
            Self::Class => text(row.class.unwrap_or_default(), out),
            Self::Age => match row.created {
                Some(created) => write!(out, "{}", Age(layout.now.saturating_sub(created).max(0))),
                None => Ok(()),
            },
            Self::Label(at) => {
                let key = layout.labels.get(at).map_or("", String::as_str);
                let found = row.labels.iter().find(|(label, _)| label == key);
                text(found.map_or("", |(_, value)| value), out)
            }
            Self::Labels => {
                for (i, (key, value)) in row.labels.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(out, "{comma}{}={}", Clear(key), Clear(value))?;
                }
                Ok(())
            }
            _ => match row.certificate {
                Some(certificate) => self.fill_from(certificate, layout, out),
                None => Ok(()),
            },
        }
    }

    /// The cells that only a certificate fills.
    fn fill_from(self, certificate: &Certificate, layout: &Layout, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Expires => {
                let left = certificate.not_after.saturating_sub(layout.now);
                write!(out, "{}{}", Age(left), if left < 0 { " ago" } else { "" })
            }
            Self::Issuer => text(&certificate.issuer.short, out),
            Self::Serial => write!(out, "{}", certificate.serial),
            Self::Algorithm => text(&certificate.key.to_string(), out),
            Self::Names => {
                let names = &certificate.names;
                for (i, name) in names.iter().take(SHOWN).enumerate() {
                    out.write_str(if i > 0 { "," } else { "" })?;
                    text(&name.to_string(), out)?;
                }
                more(names.len(), SHOWN, out)
            }
            Self::Sha256 => certificate.sha256.0[..8]
                .iter()
                .try_for_each(|byte| write!(out, "{byte:02x}")),
            _ => Ok(()),
        }
    }
}

/// Takes a text for its width alone.
#[derive(Default)]
struct Ruler {
    cells: usize,
    used: bool,
}

impl Write for Ruler {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.cells += width(text);
        self.used |= !text.is_empty();
        Ok(())
    }
}

fn text(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_str(&clear(text))
}

/// `,+2` where `count` is two more than what is shown.
fn more(count: usize, shown: usize, out: &mut impl Write) -> fmt::Result {
    if count > shown {
        write!(out, ",+{}", count - shown)?;
    }
    Ok(())
}

fn route(row: &Row<'_>, out: &mut impl Write) -> fmt::Result {
    let Some(route) = row.route else { return Ok(()) };
    out.write_str(route.kind.row().singular)?;
    out.write_str("/")?;
    text(route.name, out)?;
    if let Some(listener) = route.listener {
        out.write_str(":")?;
        text(listener, out)?;
    }
    Ok(())
}

/// The Secret that is expected to be served, with its namespace where that is not the row's, and how many others there
/// are.
fn secret(row: &Row<'_>, out: &mut impl Write) -> fmt::Result {
    let Some(first) = row.secret() else {
        return Ok(());
    };
    if row.route.is_none() {
        out.write_str("secret/")?;
    } else if first.namespace != row.namespace {
        text(&first.namespace, out)?;
        out.write_str("/")?;
    }
    text(&first.name, out)?;
    more(row.secrets.iter().filter(|key| *key != first).count(), 0, out)
}

/// The reasons, each once, as many whole ones as fit, and how many more there are. Those that are excused stand in parentheses, last.
fn reasons(row: &Row<'_>, room: usize, out: &mut impl Write) -> fmt::Result {
    let mut unique = Vec::new();
    let told = row.findings.iter().map(|finding| (finding.reason(), false));
    for reason in told.chain(row.ignored.iter().map(|finding| (finding.reason(), true))) {
        if !unique.contains(&reason) {
            unique.push(reason);
        }
    }
    let mut cell = String::new();
    for shown in (1..=unique.len().min(SHOWN)).rev() {
        cell.clear();
        for (i, (reason, excused)) in unique[..shown].iter().enumerate() {
            cell.push_str(if i > 0 { "," } else { "" });
            let (open, close) = if *excused { ("(", ")") } else { ("", "") };
            let _ = write!(cell, "{open}{reason}{close}");
        }
        more(unique.len(), shown, &mut cell)?;
        if cell.len() <= room {
            break;
        }
    }
    out.write_str(&cell)
}
