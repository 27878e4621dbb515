//! The interface of DNS providers: add one value of a name, and remove it, without changing others.

use std::net::IpAddr;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::registry::within;
pub(super) use super::update::spec::Writes;
use crate::{apply::Pair, object::Seconds, solve::SolveError};

/// A TXT value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The zone, without a trailing dot.
    pub(super) zone: String,
    /// The name, without a trailing dot.
    pub(super) name: String,
    /// The value.
    pub(super) value: String,
    /// The TTL in seconds; present values of the name keep theirs.
    pub(super) ttl: u32,
    /// The domain that is proved. The record may be elsewhere, if a CNAME leads there.
    pub(super) domain: String,
    /// The token of the challenge, which hooks get.
    pub(super) token: String,
}

/// A zone of a provider, and what the zone above has to say of it so that it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The zone.
    pub zone: String,
    /// Its name servers.
    pub servers: Vec<String>,
    /// The addresses of those name servers that are named within the zone, and so cannot be found without it (glue).
    pub glue: Vec<(String, IpAddr)>,
}

impl Delegation {
    /// The name servers that are named within the zone and have no address there.
    pub fn without_address(&self) -> impl Iterator<Item = &str> {
        let within = self.servers.iter().filter(|server| within(server, &self.zone));
        within
            .filter(|server| !self.glue.iter().any(|(name, _)| name == *server))
            .map(String::as_str)
    }

    /// The records for the zone above, as a zone file has them.
    pub fn records(&self) -> Vec<String> {
        let zone = &self.zone;
        let servers = self.servers.iter().map(|server| format!("{zone}. IN NS {server}."));
        let glue = self.glue.iter().map(|(name, address)| {
            let kind = if address.is_ipv4() { "A" } else { "AAAA" };
            format!("{name}. IN {kind} {address}")
        });
        servers.chain(glue).collect()
    }
}

/// A certificate that a provider is told of.
#[derive(Debug, Clone)]
pub struct CertificateCall<'a> {
    /// The first of its names, by which dehydrated calls a certificate.
    pub domain: String,
    /// The certificate and its key.
    pub pair: &'a Pair,
    /// When it was stored; `None` for one that is not due and stays as it is.
    pub deployed: Option<Seconds>,
}

/// A value that was written, or was about to be written: what a later run needs to remove it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The name of the provider in the settings.
    pub provider: String,
    /// The zone.
    pub zone: String,
    /// The name of the record.
    pub name: String,
    /// The value.
    pub value: String,
    /// The domain that was proved.
    pub domain: String,
    /// The token of the challenge.
    pub token: String,
}

impl Written {
    /// The error if it could not be removed.
    pub fn stays(&self, error: SolveError) -> SolveError {
        SolveError {
            message: format!("{self} stays: {}", error.message),
            ..error
        }
    }
}

impl std::fmt::Display for Written {
    /// Writes `TXT record _acme-challenge.shop.example with value abc`, not cleared for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TXT record {} with value {}", self.name, self.value)
    }
}

/// Changes TXT records. The caller has to prevent simultaneous changes as [`Provider::writes`] requires.
pub(super) trait Provider: Send + Sync {
    /// Describes the provider in messages: `PowerDNS at https://pdns.corp.internal:8081`.
    fn label(&self) -> &str;

    /// Which changes must not happen at the same time.
    fn writes(&self) -> Writes {
        Writes::ByName
    }

    /// How many values a name can have at the same time.
    fn holds(&self) -> usize {
        usize::MAX
    }

    /// Adds the value to the name. Does nothing if the name has it.
    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Removes exactly this value. Returns whether it existed, as far as the provider tells.
    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>>;

    /// The zone of this provider that holds a name, as far as the provider tells: only a name server's own API knows what
    /// the zone above has to say.
    fn delegation<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Delegation>, SolveError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Hands over a certificate. Only hooks take any.
    fn certificate<'a>(&'a self, _: &'a CertificateCall<'a>) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
