//! What stands in each cell. Cleared for a terminal.

use std::fmt::{self, Display, Write};

use super::TableLine;
use crate::{
    check::{
        Reason,
        row::{Compared, RouteRef},
    },
    object::Seconds,
    plan::doing::in_short,
    report::item,
    text::{Age, Clear, clear},
    x509::Certificate,
};

/// How many names, and how many reasons, a cell shows before it only counts them.
const SHOWN: usize = 3;

/// What stands in a cell that has nothing to say.
pub const NOTHING: &str = "-";

/// A column for something that a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is what its head says.
pub enum RowColumn {
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
    Controller,
    Serial,
    Algorithm,
    Names,
    Sha256,
    Class,
    Age,
    /// The label at this position of [`CellOptions::labels`].
    Label(usize),
    Labels,
}

/// How a Secret that no route uses stands in the column of Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoneSecret {
    /// `secret/old-tls`: who reads a printed line, or searches in many, sees that it is about the Secret.
    Marked,
    /// `old-tls`, as every Secret: the screen's line has a name of its own in the column of hosts.
    Bare,
}

/// What cells are made for, and what their readers want otherwise than others.
#[derive(Debug, Clone, Copy)]
pub struct CellOptions<'a> {
    /// What time it is.
    pub now: Seconds,
    /// The cells that the column has. Only the reasons look at it, to leave out whole ones.
    pub room: usize,
    /// The labels that have a column each.
    pub labels: &'a [String],
    /// How a Secret without route stands in its column.
    pub lone: LoneSecret,
    /// Whether there is a column of routes. Where there is none, that of hosts names what has no host.
    pub has_routes: bool,
    /// Whether there is a column of Secrets. Where there is none, that of routes names what has no route.
    pub has_secrets: bool,
}

impl RowColumn {
    /// What stands above it; above that of one label stands the label.
    pub const fn head(self) -> &'static str {
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
            Self::Controller => "CONTROLLER",
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

    /// Appends what `line` has to say, if anything, to `out`. Errors are those of `out`.
    pub fn fill<'a>(self, line: &impl TableLine<'a>, options: &CellOptions<'_>, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Context => text(line.context(), out),
            Self::Namespace => text(line.namespace(), out),
            Self::Route => match line.route() {
                Some(of) => route(of, out),
                None if options.has_secrets => text(&line.unread_right().unwrap_or_default(), out),
                None => name(line, out),
            },
            Self::Host => match line.host() {
                Some(host) => text(item::host(host), out),
                None if options.has_routes => Ok(()),
                None => name(line, out),
            },
            Self::Secret => secret(line, options.lone, out),
            Self::Status => out.write_str(line.status().as_str()),
            Self::Served => out.write_str(line.served().map_or("", Compared::as_str)),
            Self::Expires => line.expires().map_or(Ok(()), |at| expiry(at, options.now, out)),
            Self::Reason => reasons(line, options.room, out),
            Self::Controller => {
                for (at, one) in line.doings().iter().enumerate() {
                    out.write_str(if at > 0 { ", " } else { "" })?;
                    text(&in_short(one), out)?;
                }
                Ok(())
            }
            Self::Class => text(line.class().unwrap_or_default(), out),
            Self::Age => line.created().map_or(Ok(()), |created| age(created, options.now, out)),
            Self::Label(at) => {
                let key = options.labels.get(at).map_or("", String::as_str);
                let found = line.labels().iter().find(|(label, _)| label == key);
                text(found.map_or("", |(_, value)| value), out)
            }
            Self::Labels => {
                for (i, (key, value)) in line.labels().iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(out, "{comma}{}={}", Clear(key), Clear(value))?;
                }
                Ok(())
            }
            Self::Issuer | Self::Serial | Self::Algorithm | Self::Names | Self::Sha256 => {
                line.certificate().map_or(Ok(()), |leaf| self.fill_from(leaf, out))
            }
        }
    }

    /// The cells that only a certificate fills.
    fn fill_from(self, certificate: &Certificate, out: &mut impl Write) -> fmt::Result {
        match self {
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

fn text(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_str(&clear(text))
}

/// `,+2` where `count` is two more than what is shown.
pub fn more(count: usize, shown: usize, out: &mut impl Write) -> fmt::Result {
    if count > shown {
        write!(out, ",+{}", count - shown)?;
    }
    Ok(())
}

/// What is left until then, or how long it is past.
pub fn expiry(at: Seconds, now: Seconds, out: &mut impl Write) -> fmt::Result {
    let left = at.saturating_sub(now);
    write!(out, "{}{}", Age(left), if left < 0 { " ago" } else { "" })
}

/// How old what was created then is: nothing is younger than just made, whatever another clock says.
fn age(created: Seconds, now: Seconds, out: &mut impl Write) -> fmt::Result {
    write!(out, "{}", Age(now.saturating_sub(created).max(0)))
}

/// What a line without host is about: its route, its Secret, or the right that is missing.
pub fn name<'a>(line: &impl TableLine<'a>, out: &mut impl Write) -> fmt::Result {
    match (line.route(), line.secret()) {
        (Some(of), _) => route(of, out),
        (None, Some(_)) => secret(line, LoneSecret::Marked, out),
        (None, None) => text(&line.unread_right().unwrap_or_default(), out),
    }
}

fn route(route: RouteRef<'_>, out: &mut impl Write) -> fmt::Result {
    out.write_str(route.kind.row().singular)?;
    out.write_str("/")?;
    text(route.name, out)?;
    if let Some(listener) = route.listener {
        out.write_str(":")?;
        text(listener, out)?;
    }
    Ok(())
}

/// The Secret, with its namespace where that is not the line's, and how many others there are.
fn secret<'a>(line: &impl TableLine<'a>, prefix: LoneSecret, out: &mut impl Write) -> fmt::Result {
    let Some(first) = line.secret() else {
        return Ok(());
    };
    if prefix == LoneSecret::Marked && line.route().is_none() {
        out.write_str("secret/")?;
    } else if first.namespace != line.namespace() {
        text(&first.namespace, out)?;
        out.write_str("/")?;
    }
    text(&first.name, out)?;
    more(line.secrets().iter().filter(|key| *key != first).count(), 0, out)
}

/// A reason; in parentheses where it is excused.
#[derive(PartialEq)]
struct ReasonWord(Reason, bool);

impl Display for ReasonWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.1 { ("(", ")") } else { ("", "") };
        write!(f, "{open}{}{close}", self.0)
    }
}

fn reasons<'a>(line: &impl TableLine<'a>, room: usize, out: &mut impl Write) -> fmt::Result {
    let mut unique = Vec::new();
    for (reason, excused) in line.reasons() {
        let word = ReasonWord(reason, excused);
        if !unique.contains(&word) {
            unique.push(word);
        }
    }
    first_that_fit(&unique, room, out)
}

/// The first of some words, as many whole ones as fit into `room`, and how many more there are.
pub fn first_that_fit(words: &[impl Display], room: usize, out: &mut impl Write) -> fmt::Result {
    let mut cell = String::new();
    for shown in (1..=words.len().min(SHOWN)).rev() {
        cell.clear();
        for (i, word) in words.iter().take(shown).enumerate() {
            write!(cell, "{}{word}", if i > 0 { "," } else { "" })?;
        }
        more(words.len(), shown, &mut cell)?;
        if cell.len() <= room {
            break;
        }
    }
    out.write_str(&cell)
}
