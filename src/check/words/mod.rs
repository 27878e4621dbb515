//! Findings in words: what is wrong, with the facts, and what to do about it. Each finding has its words in its own
//! file; this module has what they share. Texts from outside are inserted as they are: code that writes them to a
//! terminal clears them. In commands they are quoted for a shell.

pub(in crate::check) mod commands;
pub(in crate::check) mod handshake;
pub(in crate::check) mod outside;
pub(in crate::check) mod say;

#[cfg(test)]
pub(crate) mod tests;

use commands::Commands;
use outside::Outside;

use crate::{
    check::row::Row,
    check::{Beside, Finding, Renewer},
    object::{Key, Kind, Seconds, Text},
};

/// `kubectl certs show secret/NAME`, in backquotes, for a Secret in the cluster or the manifests that the row was read
/// from.
pub fn show_secret(row: &Row<'_>, secret: &Key) -> String {
    Commands::of(row).show_secret(secret)
}

/// `kubectl get KIND`, in backquotes, for the classes of the cluster that the row was read from.
pub fn list_classes(row: &Row<'_>, kind: Kind) -> String {
    Commands::of(row).kubectl_in("", &format!("get {}", kind.plural()))
}

/// What is wrong, with the facts, in one sentence or two short ones. Not cleared for a terminal.
pub fn message(finding: &Finding, row: &Row<'_>, now: Seconds) -> String {
    if let Some(seen) = &finding.seen {
        let served = Row {
            secrets: &[],
            served: None,
            certificate: Some(&seen.leaf),
            ..*row
        };
        return finding.fact.message(&served, now) + &say::serves(seen);
    }
    let Some(beside) = &finding.beside else {
        return finding.fact.message(row, now);
    };
    let said = finding.fact.message(&of_beside(beside, row), now);
    said + say::gets(beside.clients)
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Sentences that contain the commands in backquotes. Not cleared for a terminal.
    pub text: String,
    /// The commands, each one line for a shell, with everything from outside quoted. Words in angle brackets
    /// (`<KEY-FILE>`) stand for what only the reader knows.
    pub commands: Vec<String>,
}

/// What to do about a finding, with the commands that do it where there are any.
pub fn remedy(finding: &Finding, row: &Row<'_>) -> Remedy {
    let other;
    let row = match (&finding.beside, &finding.seen) {
        (None, None) => row,
        (Some(beside), _) => {
            other = of_beside(beside, row);
            &other
        }
        (None, Some(seen)) => {
            other = Row {
                certificate: Some(&seen.leaf),
                ..*row
            };
            &other
        }
    };
    let address = finding.seen.as_ref().and_then(|seen| seen.addresses.first());
    let mut commands = Commands::of(row).asking(address.map(Text::as_str));
    let text = if row.reach.outside.is_empty() {
        finding.fact.remedy(row, &mut commands)
    } else {
        let own = finding.fact.remedy_outside(Outside(row), &mut commands);
        own.unwrap_or_else(|| {
            let explain = commands.run(format!("kubectl certs explain {}", finding.reason()));
            format!("{explain} explains it and its remedy.")
        })
    };
    Remedy {
        text,
        commands: commands.into_list(),
    }
}

/// The row, with the other Secret that a finding is about in place of its own.
fn of_beside<'a>(beside: &'a Beside, row: &Row<'a>) -> Row<'a> {
    Row {
        served: Some(&beside.secret),
        renewer: beside.writer.as_ref().map_or(Renewer::Unknown, Renewer::CertManager),
        // The certificate and data keys of the row belong to the other Secret.
        certificate: None,
        data_keys: None,
        ..*row
    }
}
