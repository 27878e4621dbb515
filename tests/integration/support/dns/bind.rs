//! BIND with zones that a TSIG key may change.

use std::net::Ipv4Addr;

use super::{
    Command, Record,
    named::{KEY_ALGORITHM, KEY_NAME, Named},
};

/// A name server on port 53 of its own address that takes RFC 2136 updates signed with its key, and no others.
pub(crate) struct Bind(Named);

impl Bind {
    pub(crate) const KEY_NAME: &str = KEY_NAME;
    /// As named's configuration writes it.
    pub(crate) const KEY_ALGORITHM: &str = KEY_ALGORITHM;

    /// Serves zones, each with its SOA and `ns1.ZONE` as name server. Somebody has to delegate them to [`Bind::ip`].
    #[track_caller]
    pub(crate) fn start(zones: &[&str]) -> Self {
        Self(Named::start(zones))
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.0.ip()
    }

    /// Base64.
    pub(crate) fn key_secret(&self) -> &str {
        self.0.secret()
    }

    /// Adds a record: data as a zone file has it, names in it with their last dot.
    #[track_caller]
    pub(crate) fn add(&self, name: &str, kind: &str, data: &str) {
        self.0.update(&[Named::add(&Record::new(name, kind, data))]);
    }

    /// Sends nsupdate's commands (`update delete NAME TXT`, ...) as one change, signed.
    #[track_caller]
    pub(crate) fn update(&self, commands: &[&str]) {
        self.0
            .update(&commands.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
    }

    /// All records of a zone but its SOA, whose serial counts changes; sorted.
    #[track_caller]
    pub(crate) fn records(&self, zone: &str) -> Vec<Record> {
        let ran = Command::new("dig")
            .args(["+noall", "+answer", "+time=5", &format!("@{}", self.ip()), zone, "AXFR"])
            .output()
            .expect("dig");
        let out = String::from_utf8_lossy(&ran.stdout);
        let all: Vec<Record> = out
            .lines()
            .filter(|line| !line.starts_with(';'))
            .filter_map(Record::read)
            .collect();
        assert!(all.iter().any(|record| record.kind == "SOA"), "no zone {zone}: {out}");
        let mut records: Vec<Record> = all.into_iter().filter(|record| record.kind != "SOA").collect();
        records.sort();
        records
    }
}
