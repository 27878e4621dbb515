//! What DNS shows of a host: to where it leads, and whether the customer has set the records that were asked for.
//!
//! The servers of the zone are asked: a recursor would remember that a record is not there yet (RFC 2308), and would tell that to
//! the CA that asks it next.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{OptionFuture, join4};
use tokio::time::{Instant, timeout};

use super::instructed::Instructed;
use crate::{
    domain::{
        Host, Looked, Tenant,
        dns::{SeenRecords, is_proved, looked, ownership},
    },
    net::{
        Lookup,
        dns::{Authorities, DnsError, Presence, RecordType},
    },
    object::{Seconds, Text},
};

/// How long a look may take.
const LONGEST: Duration = Duration::from_secs(8);
/// How long a recursor has.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many CNAMEs are followed. Resolvers give up at 8 to 16.
const MOST_ALIASES: usize = 16;
/// How long the addresses of the platform's own name are remembered.
const FRESH: Duration = Duration::from_secs(20);

/// Looks at the records of hosts.
#[derive(Debug)]
pub struct Looker {
    lookup: Lookup,
    authorities: Option<Authorities>,
    instructions: Instructed,
    platform: Mutex<Option<(Instant, Vec<IpAddr>)>>,
}

impl Looker {
    /// Asks these resolvers, or those of the system, who serves a zone; `zones` are known to exist.
    pub fn new<'a>(lookup: Lookup, zones: impl IntoIterator<Item = &'a str>, instructions: Instructed) -> Self {
        let authorities = lookup.resolver().ok();
        Self {
            authorities: authorities.map(|resolver| Authorities::new(resolver, zones)),
            lookup,
            instructions,
            platform: Mutex::default(),
        }
    }

    /// The records of a host at a moment. `Err` says why nothing could be seen: then nothing is known of the host.
    ///
    /// # Errors
    ///
    /// No name server could be asked about the host.
    pub async fn look(&self, host: &Host, tenant: &Tenant, now: Seconds) -> Result<Looked, String> {
        let seen = timeout(LONGEST, Box::pin(self.seen(host, tenant))).await;
        let seen = seen.unwrap_or_else(|_| Err(format!("DNS did not answer within {} s", LONGEST.as_secs())))?;
        Ok(looked(host, tenant, &self.instructions.now(), &seen, now))
    }

    /// Whether a tenant has proved that it controls a name.
    pub async fn is_proved(&self, host: &Host, tenant: &Tenant) -> bool {
        let install = &self.instructions.now().install;
        let name = ownership(host, tenant, install).name.to_string();
        let texts = timeout(LONGEST, self.texts(name)).await.unwrap_or_default();
        is_proved(host, tenant, install, &texts)
    }

    async fn seen(&self, host: &Host, tenant: &Tenant) -> Result<SeenRecords, String> {
        let wanted = self.instructions.now();
        let name = host.as_str();
        let challenge: OptionFuture<_> = wanted
            .challenge_zone
            .as_ref()
            .map(|_| self.alias(format!("_acme-challenge.{name}")))
            .into();
        let standing: OptionFuture<_> = wanted
            .standing
            .as_ref()
            .map(|_| self.texts(format!("{}.{name}", crate::plan::standing::LABEL)))
            .into();
        let ownership: OptionFuture<_> = wanted
            .ownership
            .then(|| self.texts(ownership(host, tenant, &wanted.install).name.to_string()))
            .into();
        let (led, challenge, standing, ownership) =
            join4(Box::pin(self.led(name)), challenge, standing, ownership).await;
        let Led {
            server,
            aliases,
            addresses,
            kept,
        } = led?;
        Ok(SeenRecords {
            server,
            aliases,
            addresses,
            platform: self.platform().await,
            challenge: challenge.flatten().into_iter().collect(),
            standing: standing.unwrap_or_default(),
            ownership: ownership.unwrap_or_default(),
            kept: kept.and_then(|kept| kept.as_secs().try_into().ok()),
            problem: None,
        })
    }

    /// To where a name leads.
    async fn led(&self, name: &str) -> Result<Led, String> {
        let Some(authorities) = &self.authorities else {
            return self.by_recursor(name, Led::default()).await;
        };
        let mut led = Led::default();
        let mut at = name.to_owned();
        for hop in 0..MOST_ALIASES {
            match authorities.ask(&at, RecordType::CNAME).await {
                Ok(answer) => {
                    if hop == 0 {
                        led.server = answer.reply.server.ip().to_string().into();
                    }
                    match answer.reply.cname() {
                        Some(target) => {
                            led.aliases.push(target.as_str().into());
                            at = target;
                        }
                        None => break,
                    }
                }
                // Behind the first alias the recursor may be asked: nobody has just set that record.
                Err(_) => break,
            }
        }
        match authorities.presence(name).await {
            Presence::Absent(absence) | Presence::Partial(absence) => {
                led.server = absence.server.as_str().into();
                led.kept = absence.kept;
                Ok(led)
            }
            Presence::Here => self.by_recursor(name, led).await,
            Presence::Unknown(error) => {
                let found = self.by_recursor(name, led).await;
                found.map_err(|why| format!("{why}; {}", crate::error::chain(&error)))
            }
        }
    }

    async fn by_recursor(&self, name: &str, mut led: Led) -> Result<Led, String> {
        match self.lookup.addresses(name, PATIENCE).await {
            Ok(addresses) => led.addresses = addresses,
            Err(error) if error.is_definite() => {}
            Err(error) => return Err(crate::error::chain(&error)),
        }
        if led.server.is_empty() {
            led.server = self.lookup.to_string().into();
        }
        Ok(led)
    }

    async fn alias(&self, name: String) -> Option<Text> {
        let reply = self.reply(&name, RecordType::CNAME).await.ok()?;
        reply.cname().map(Text::from)
    }

    async fn texts(&self, name: String) -> Vec<String> {
        let reply = self.reply(&name, RecordType::TXT).await;
        reply.map(|reply| reply.texts()).unwrap_or_default()
    }

    async fn reply(&self, name: &str, kind: RecordType) -> Result<crate::net::dns::Reply, DnsError> {
        if let Some(authorities) = &self.authorities
            && let Ok(answer) = authorities.ask(name, kind).await
        {
            return Ok(answer.reply);
        }
        // A recursor may remember for a while that there is nothing; without it a network that lets nobody ask the zone's own servers
        // would never see anything.
        self.lookup.resolver()?.ask(name, kind).await
    }

    /// The addresses of the platform's own name; empty if there is none, or nobody says them.
    async fn platform(&self) -> Vec<IpAddr> {
        let Some(target) = self.instructions.now().target.clone() else {
            return Vec::new();
        };
        let known = self.platform.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, addresses)) = known
            && at.elapsed() < FRESH
        {
            return addresses;
        }
        let addresses = self.lookup.addresses(&target, PATIENCE).await.unwrap_or_default();
        *self.platform.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), addresses.clone()));
        addresses
    }
}

/// To where a name leads, and who says so.
#[derive(Debug, Default)]
struct Led {
    server: Text,
    aliases: Vec<Text>,
    addresses: Vec<IpAddr>,
    /// How long resolvers remember that there is none.
    kept: Option<Duration>,
}
