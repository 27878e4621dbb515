//! The DNS records that a customer sets, and which of them are missing.

use std::net::IpAddr;

use super::{Host, Looked, Purpose, Record, RecordKind, Said, Tenant, ToSet};
use crate::{
    object::{Seconds, Text},
    plan::standing::{LABEL as STANDING, StandingQuery},
    text::{
        clear, first_of,
        time::{DAY, HOUR},
    },
    x509::Fingerprint,
};

/// Below which label the proof is that a tenant controls a name.
const OWNERSHIP: &str = "_kubectl-certs";
/// Below which label CAs look for proofs (RFC 8555, section 8.4).
const CHALLENGE: &str = "_acme-challenge";
/// The shortest and the longest pause between two looks at records that are missing, in seconds.
const PAUSES: (Seconds, Seconds) = (15, HOUR);
/// The shortest that the longest of these pauses is made by a zone that lets resolvers forget sooner that a record is missing.
const KEPT: Seconds = 300;
/// How often the records of a host with a certificate are looked at.
const AGAIN: Seconds = DAY;
/// How many addresses or names of what is there are told.
const NAMED: usize = 4;
/// How many digits of the hash the proof of ownership has.
const DIGITS: usize = 40;

/// How customers' names lead to the platform, and how they are proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions {
    /// The name to which customers' CNAME records lead.
    pub target: Option<Text>,
    /// The platform's addresses, for names that cannot have a CNAME record.
    pub addresses: Vec<IpAddr>,
    /// The zone to which `_acme-challenge` is delegated.
    pub challenge_zone: Option<Text>,
    /// What a record that stays has to say (DNS-PERSIST-01).
    pub standing: Option<StandingIssuer>,
    /// Whether nothing is ordered before the tenant has proved that it controls the name.
    pub ownership: bool,
    /// What makes the proofs those of this installation: its id.
    pub install: Text,
}

/// What a record of DNS-PERSIST-01 names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingIssuer {
    /// The domains by which a record names the CA.
    pub issuers: Vec<String>,
    /// The URL of the account.
    pub account: String,
}

/// What DNS shows of a host. Names are compared without case and trailing dots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRecords {
    /// The name server that was asked.
    pub server: Text,
    /// The names to which the host's CNAME records lead, one after the other.
    pub aliases: Vec<Text>,
    /// The addresses to which it leads in the end.
    pub addresses: Vec<IpAddr>,
    /// The addresses to which the platform's own name leads at the same moment.
    pub platform: Vec<IpAddr>,
    /// The names to which the CNAME records of `_acme-challenge` lead.
    pub challenge: Vec<Text>,
    /// The TXT records of DNS-PERSIST-01.
    pub standing: Vec<String>,
    /// The TXT records of [`ownership`].
    pub ownership: Vec<String>,
    /// For how many seconds resolvers remember that the host has no address, where its zone says so.
    pub kept: Option<Seconds>,
    /// Why something could not be looked up.
    pub problem: Option<String>,
}

impl StandingIssuer {
    fn query(&self) -> StandingQuery<'_> {
        StandingQuery {
            issuers: &self.issuers,
            account: &self.account,
            wildcard: false,
        }
    }
}

/// The records that lead clients to the platform. `platform` are the addresses of its name, if they are known. An address
/// record is enough of several.
fn traffic(host: &Host, instructions: &Instructions, platform: &[IpAddr]) -> Vec<ToSet> {
    let to_set = |kind, value: Text| ToSet {
        purpose: Purpose::Traffic,
        kind,
        name: host.as_str().into(),
        value,
    };
    let own = &instructions.addresses;
    let addresses = if own.is_empty() { platform } else { own };
    match &instructions.target {
        Some(target) if !host.is_apex() => vec![to_set(RecordKind::Cname, target.clone())],
        // A registered domain has other records, beside which there can be no CNAME (RFC 1034, section 3.6.2).
        Some(target) if addresses.is_empty() => vec![to_set(RecordKind::Alias, target.clone())],
        _ => addresses
            .iter()
            .map(|address| {
                let kind = if address.is_ipv4() {
                    RecordKind::A
                } else {
                    RecordKind::Aaaa
                };
                to_set(kind, address.to_string().into())
            })
            .collect(),
    }
}

/// The records by which a CA can be shown a proof before clients are led to the platform.
fn challenge(host: &Host, instructions: &Instructions) -> Vec<ToSet> {
    let to_set = |kind, label: &str, value: Text| ToSet {
        purpose: Purpose::Challenge,
        kind,
        name: format!("{label}.{host}").into(),
        value,
    };
    let zone = instructions.challenge_zone.as_ref();
    let delegated = zone.map(|zone| to_set(RecordKind::Cname, CHALLENGE, delegated(host, zone)));
    let standing = instructions.standing.as_ref();
    let standing = standing.map(|standing| to_set(RecordKind::Txt, STANDING, standing.query().value().into()));
    delegated.into_iter().chain(standing).collect()
}

/// The name in the platform's zone at which the proof of a host is shown.
pub fn delegated(host: &Host, zone: &str) -> Text {
    let name = format!("{host}.{zone}");
    if name.len() <= 253 {
        name.into()
    } else {
        format!("{}.{zone}", hashed(host.as_str())).into()
    }
}

/// The record by which a tenant proves that it controls a name. Its value is no secret: it is of use to that tenant alone.
pub fn ownership(host: &Host, tenant: &Tenant, install: &str) -> ToSet {
    ToSet {
        purpose: Purpose::Ownership,
        kind: RecordKind::Txt,
        name: format!("{OWNERSHIP}.{host}").into(),
        value: format!("tenant={}", hashed(&format!("{install}\n{tenant}\n{host}"))).into(),
    }
}

fn hashed(text: &str) -> String {
    Fingerprint::of(text.as_bytes())
        .to_string()
        .chars()
        .take(DIGITS)
        .collect()
}

/// Whether the TXT records of [`ownership`] prove that a tenant controls the name.
pub fn is_proved(host: &Host, tenant: &Tenant, install: &str, texts: &[String]) -> bool {
    let wanted = ownership(host, tenant, install).value;
    texts.iter().any(|text| text.trim() == wanted)
}

/// All records that a customer sets for a host, or may set: of those with one purpose one is enough, except for addresses.
/// `platform` are the addresses of the platform's name, if they are known.
pub fn to_set(host: &Host, tenant: &Tenant, instructions: &Instructions, platform: &[IpAddr]) -> Vec<ToSet> {
    let mut all = traffic(host, instructions, platform);
    all.extend(challenge(host, instructions));
    if instructions.ownership {
        all.push(ownership(host, tenant, &instructions.install));
    }
    all
}

/// Judges what was seen at a moment.
pub fn looked(host: &Host, tenant: &Tenant, instructions: &Instructions, seen: &SeenRecords, now: Seconds) -> Looked {
    let is = |name: &str, other: &str| {
        name.trim_end_matches('.')
            .eq_ignore_ascii_case(other.trim_end_matches('.'))
    };
    let leads = |names: &[Text], to: &str| names.iter().any(|name| is(name, to));
    let to_target = instructions
        .target
        .as_deref()
        .is_some_and(|target| leads(&seen.aliases, target));
    let ours = |address: &IpAddr| instructions.addresses.contains(address) || seen.platform.contains(address);
    let traffic_is_led = (to_target || seen.addresses.iter().all(ours)) && !seen.addresses.is_empty();
    let delegated_is_led = instructions
        .challenge_zone
        .as_deref()
        .is_some_and(|zone| leads(&seen.challenge, &delegated(host, zone)));
    let stands = instructions
        .standing
        .as_ref()
        .is_some_and(|standing| standing.query().judge(&seen.standing, now).is_ok());
    let challenge_is_led = delegated_is_led || stands;
    let is_owner = instructions
        .ownership
        .then(|| is_proved(host, tenant, &instructions.install, &seen.ownership));
    let mut missing = Vec::new();
    if !traffic_is_led {
        missing.extend(traffic(host, instructions, &seen.platform));
        if !challenge_is_led {
            missing.extend(challenge(host, instructions));
        }
    }
    if is_owner == Some(false) {
        missing.push(ownership(host, tenant, &instructions.install));
    }
    Looked {
        at: now,
        server: clear(&seen.server).into(),
        traffic: traffic_is_led,
        challenge: challenge_is_led,
        standing: stands,
        kept: seen.kept.filter(|_| !traffic_is_led),
        ownership: is_owner,
        missing,
        seen: if traffic_is_led {
            String::new()
        } else {
            shown(host, seen)
        },
    }
}

/// What is there in place of the records that lead here, as a clause.
fn shown(host: &Host, seen: &SeenRecords) -> String {
    let text = match (&seen.problem, seen.aliases.as_slice(), seen.addresses.as_slice()) {
        (Some(problem), ..) => format!("{host} cannot be looked up: {problem}"),
        (None, [], []) => format!("{host} has no address"),
        (None, [], addresses) => format!("{host} leads to {}", first_of(addresses, NAMED)),
        (None, aliases, []) => format!(
            "{host} is an alias of {}, which has no address",
            first_of(aliases, NAMED)
        ),
        (None, aliases, addresses) => format!(
            "{host} is an alias of {} and leads to {}",
            first_of(aliases, NAMED),
            first_of(addresses, NAMED)
        ),
    };
    clear(&text).into_owned()
}

/// When the records of a host are looked at next, in seconds since 1970: when it is due at the latest, because somebody may have
/// asked for that. `None` for one that was released or paused, or of which the application has not said yes.
pub fn next_look(record: &Record) -> Option<Seconds> {
    look_after(record).map(|at| at.min(record.due))
}

/// When the records of a host are looked at if nobody asks for that.
pub(super) fn look_after(record: &Record) -> Option<Seconds> {
    let is_wanted = record.pair.is_some() || record.asked.as_ref().is_some_and(|asked| asked.said == Said::Yes);
    if record.released.is_some() || record.paused.is_some() || !is_wanted {
        return None;
    }
    let Some(looked) = &record.dns else {
        return Some(record.since);
    };
    let pause = if looked.is_enough() && (looked.traffic || record.pair.is_none()) {
        AGAIN
    } else {
        let since = looked.at.saturating_sub(record.since);
        // Within the first day a record that has just been set is seen as soon as anybody may see it.
        let kept = looked.kept.filter(|_| since < AGAIN);
        let longest = kept.map_or(PAUSES.1, |kept| kept.clamp(KEPT, PAUSES.1));
        (since / 2).clamp(PAUSES.0, longest)
    };
    Some(looked.at.saturating_add(pause))
}

#[cfg(test)]
mod tests;
