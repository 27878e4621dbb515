//! Name servers that a test has for itself, and what they answer.
//!
//! [`Resolver`] is a whole Internet: root and top-level zones, and a recursor that starts from them, follows delegations
//! and CNAMEs, and keeps nothing. [`PowerDns`] and [`Bind`] serve zones that are delegated to them.

mod bind;
mod named;
mod powerdns;
mod resolver;

use std::{net::Ipv4Addr, process::Command};

pub(crate) use self::{bind::Bind, powerdns::PowerDns, resolver::Resolver};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    /// Without the last dot.
    pub(crate) name: String,
    pub(crate) kind: String,
    /// As a zone file has it: a TXT's value in quotes.
    pub(crate) data: String,
}

impl Record {
    fn new(name: &str, kind: &str, data: &str) -> Self {
        Self {
            name: name.trim_end_matches('.').to_lowercase(),
            kind: kind.to_owned(),
            data: data.to_owned(),
        }
    }

    /// Reads a line of dig: name, TTL, class, type, data.
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let (name, _ttl, _class, kind) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some(Self::new(name, kind, &fields.collect::<Vec<_>>().join(" ")))
    }
}

/// What a name server said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, ...; `NONE` when nothing came.
    pub(crate) status: String,
    /// Whether the server serves the zone itself.
    pub(crate) authoritative: bool,
    pub(crate) answers: Vec<Record>,
    pub(crate) authority: Vec<Record>,
}

impl Answer {
    /// What the answers of a type say, sorted.
    pub(crate) fn data(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.answers.iter().filter(|record| record.kind == kind);
        let mut data: Vec<&str> = of_kind.map(|record| record.data.as_str()).collect();
        data.sort_unstable();
        data
    }

    /// The zone that the name is in, as the SOA says that comes with every answer about an SOA.
    pub(crate) fn zone(&self) -> Option<&str> {
        let mut all = self.answers.iter().chain(&self.authority);
        all.find(|record| record.kind == "SOA").map(|soa| soa.name.as_str())
    }
}

/// Asks a name server with dig.
pub(crate) fn lookup(server: Ipv4Addr, name: &str, kind: &str) -> Answer {
    let wanted = ["+noall", "+comments", "+answer", "+authority", "+time=3", "+tries=2"];
    let ran = Command::new("dig")
        .args(wanted)
        .args([&format!("@{server}"), name, kind])
        .output()
        .expect("dig");
    let out = String::from_utf8_lossy(&ran.stdout);
    let mut answer = Answer {
        status: "NONE".to_owned(),
        authoritative: false,
        answers: Vec::new(),
        authority: Vec::new(),
    };
    let mut in_authority = false;
    for line in out.lines() {
        if let Some((_, rest)) = line.split_once("status: ") {
            rest.split(',')
                .next()
                .unwrap_or_default()
                .clone_into(&mut answer.status);
        } else if let Some(rest) = line.strip_prefix(";; flags:") {
            answer.authoritative = rest.split(';').next().unwrap_or_default().contains(" aa");
        } else if line.starts_with(';') {
            in_authority = line.contains("AUTHORITY SECTION");
        } else if let Some(record) = Record::read(line) {
            let section = if in_authority {
                &mut answer.authority
            } else {
                &mut answer.answers
            };
            section.push(record);
        }
    }
    answer
}

/// What names the server of a zone: the zone's `NS` record, and the server's address.
fn delegation(zone: &str, server: Ipv4Addr) -> [Record; 2] {
    [
        Record::new(zone, "NS", &format!("ns1.{zone}.")),
        Record::new(&format!("ns1.{zone}"), "A", &server.to_string()),
    ]
}
