//! Whether a pair may be imported, and for which hosts. Pure but for the parsing of keys.

use secrecy::ExposeSecret as _;

use super::found::{Found, Item};
use crate::{
    acme::Stage,
    apply::{Pair, Roots},
    domain::{Host, Platform},
    engine::accept,
    error::chain,
    object::Seconds,
    ops::adopt::Installation,
    plan::{ca::Ca, target::names_of},
    text::first_few,
    x509::is_staging_issuer,
};

/// By what it is judged.
#[derive(Debug)]
pub(super) struct Judge {
    ca: Ca,
    is_staging: bool,
    same_ca: bool,
    platform: Platform,
    now: Seconds,
}

/// A pair that may be imported.
#[derive(Debug)]
pub(super) struct Good {
    /// Where it was found.
    pub(super) at: String,
    pub(super) pair: Pair,
    /// For which hosts: one at least.
    pub(super) hosts: Vec<Host>,
}

/// What came of an item.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) pair: Option<Good>,
    /// What is left, and why: one line each.
    pub(super) problems: Vec<String>,
}

impl Judge {
    pub(super) fn new(installation: &Installation, same_ca: bool, now: Seconds) -> Self {
        Self {
            ca: installation.ca(),
            is_staging: installation.settings.chosen.issuer.stage == Stage::Staging,
            same_ca,
            platform: installation.platform(),
            now,
        }
    }

    #[cfg(test)]
    pub(super) fn of(ca: Ca, platform: Platform, same_ca: bool, now: Seconds) -> Self {
        Self {
            ca,
            is_staging: false,
            same_ca,
            platform,
            now,
        }
    }

    pub(super) fn judge(&self, item: Item) -> Judged {
        let found = match item {
            Item::Pair(found) => found,
            Item::Problem { at, why } => return problem(&at, &why),
        };
        let at = found.at.clone();
        match self.pair(found) {
            Ok(judged) => judged,
            Err(why) => problem(&at, &why),
        }
    }

    fn pair(&self, found: Found) -> Result<Judged, String> {
        let Found {
            at,
            host,
            chain: text,
            key,
            directory,
        } = found;
        if key.expose_secret().trim().is_empty() {
            return Err("it has no private key".to_owned());
        }
        let pair = Pair::check(key, &text, &[], self.now, &Roots::Any).map_err(|error| chain(&error))?;
        let names = names_of(pair.leaf());
        accept::judge(&pair, &names, None, self.now).map_err(|error| chain(&error))?;
        if !self.is_staging && is_staging_issuer(pair.leaf()) {
            return Err("a staging environment issued it, and clients do not trust it".to_owned());
        }
        let is_known = self.same_ca || directory.as_deref() == Some(self.ca.directory.as_str());
        if !is_known && !self.ca.is_issuer_by_name(pair.leaf()) {
            return Err(format!(
                "{} issued it, and the installation orders from {}: once imported it would not be renewed (--same-ca says that they are the \
                 same)",
                pair.leaf().issuer.short,
                self.ca.title()
            ));
        }
        let (hosts, problems) = self.hosts(&at, host, &pair);
        let pair = (!hosts.is_empty()).then_some(Good { at, pair, hosts });
        Ok(Judged { pair, problems })
    }

    /// The hosts of a pair, and what is wrong with the others: the one for which it is kept, or all names of its certificate.
    fn hosts(&self, at: &str, host: Option<String>, pair: &Pair) -> (Vec<Host>, Vec<String>) {
        let leaf = pair.leaf();
        let names: Vec<String> = match host {
            Some(host) => vec![host],
            None => leaf.names.iter().map(ToString::to_string).collect(),
        };
        if names.is_empty() {
            return (Vec::new(), vec![line(at, "its certificate has no names")]);
        }
        let (mut hosts, mut problems) = (Vec::new(), Vec::new());
        for name in names {
            match Host::parse(&name, &self.platform) {
                Ok(host) if leaf.names.cover(host.as_str()) => hosts.push(host),
                Ok(host) => {
                    let has: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
                    problems.push(line(
                        at,
                        &format!("its certificate is not for {host}, but for {}", first_few(&has)),
                    ));
                }
                Err(error) => problems.push(line(at, &format!("{name} is not taken: {error}"))),
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        (hosts, problems)
    }
}

fn line(at: &str, why: &str) -> String {
    format!("{at}: {why}")
}

fn problem(at: &str, why: &str) -> Judged {
    Judged {
        pair: None,
        problems: vec![line(at, why)],
    }
}
