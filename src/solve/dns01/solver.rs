//! The solver for DNS-01: writes the value of a challenge where the name ends, waits until it is visible, and removes
//! it.

#[cfg(test)]
#[cfg(all(unix, not(portable_system)))] // scripts
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::{BoxFuture, join_all};

use super::{
    config::{DnsEntry, ProviderConfig, Secrets},
    keep::Keep,
    lock::{Locks, ValuePermit},
    manual::Operator,
    propagation::{self, Wait},
    provider::{Provider, Record, Written},
    ready::{Ready, Tested, about_wildcards},
    registry::{ProviderEntry, Registry},
    zone::{self, Found, TxtName},
};
use crate::{
    event::{EventKind, Method, Teller},
    name::Name,
    net::dns::{Authorities, Resolver},
    solve::{Challenge, Solve, SolveError, patience::told},
};

/// How long a challenge waits for room if a provider keeps few values.
const ROOM: Duration = Duration::from_mins(2);

/// The components of a solver.
pub struct Parts {
    /// The providers of the settings.
    pub entries: Vec<DnsEntry>,
    /// The provider that `--dns` names.
    pub chosen: Option<String>,
    /// Finds the name servers that say where names end.
    pub resolver: Resolver,
    /// Whether a CNAME of `_acme-challenge` by a wildcard is followed too (`--follow-cname`).
    pub follow_cname: bool,
    /// How to wait for propagation.
    pub wait: Wait,
    /// Reads Secrets for credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Records what is written.
    pub keep: Arc<dyn Keep>,
    /// Writes records for the provider `manual`.
    pub operator: Arc<dyn Operator>,
}

/// Answers DNS-01 challenges.
pub struct Dns01 {
    pub(super) registry: Registry,
    authorities: Authorities,
    follow_cname: bool,
    wait: Wait,
    keep: Arc<dyn Keep>,
    locks: Locks,
    written: Mutex<HashMap<Key, PresentedValue>>,
}

impl std::fmt::Debug for Dns01 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns01")
            .field("resolver", self.authorities.resolver())
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// A domain and the value that proves it.
type Key = (String, String);

/// A value of this run.
#[derive(Debug)]
struct PresentedValue {
    written: Written,
    /// How many challenges need it, because two orders may share an authorization.
    users: usize,
    state: ValueState,
    /// The permit for the value, if the provider keeps few values.
    room: Option<ValuePermit>,
}

/// The progress of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueState {
    /// Nothing was sent.
    Planned,
    /// It may exist.
    Begun,
    /// It exists.
    Written,
}

impl PresentedValue {
    fn new(written: Written) -> Self {
        Self {
            written,
            users: 0,
            state: ValueState::Planned,
            room: None,
        }
    }
}

impl Dns01 {
    /// Makes a solver. It is an error if the settings name a provider twice, or lack the chosen one. Credentials are
    /// not read yet.
    pub fn new(parts: Parts) -> Result<Self, SolveError> {
        let zones = parts.entries.iter().flat_map(|entry| &entry.zones);
        let authorities = Authorities::new(parts.resolver, zones.map(String::as_str));
        Ok(Self {
            registry: Registry::new(parts.entries, parts.chosen, parts.secrets, parts.operator)?,
            authorities,
            follow_cname: parts.follow_cname,
            wait: parts.wait,
            keep: parts.keep,
            locks: Locks::default(),
            written: Mutex::default(),
        })
    }

    /// Where the record of a domain has to be written: the end of `_acme-challenge` and its CNAMEs.
    pub async fn place(&self, domain: &str) -> Result<TxtName, SolveError> {
        Ok(self.find(domain).await?.place)
    }

    async fn find(&self, domain: &str) -> Result<Found, SolveError> {
        zone::find(
            &self.authorities,
            &format!("_acme-challenge.{domain}"),
            self.follow_cname,
        )
        .await
    }

    /// The name of the provider that serves a domain, and where its record belongs. Nothing is written, and no
    /// credential is read.
    pub async fn serving(&self, domain: &str) -> Result<(String, TxtName), SolveError> {
        let place = self.located(domain).await?.place;
        let name = self.registry.serving(&place)?.settings.name.clone();
        Ok((name, place))
    }

    /// Like [`Self::serving`], but reads the credentials of the provider, to check that they are where the settings
    /// say. Nothing is written.
    pub async fn ready(&self, domain: &str) -> Result<Ready, SolveError> {
        let Found { place, wildcards } = self.located(domain).await?;
        let entry = self.registry.serving(&place)?;
        self.registry.provider(entry).await?;
        Ok(Ready {
            provider: entry.settings.name.clone(),
            by_hand: matches!(entry.settings.provider, ProviderConfig::Manual(_)),
            place,
            wildcards,
        })
    }

    /// Writes a value in the place of a challenge's value and removes it, to check credentials and rights. It is not
    /// looked up in DNS.
    pub async fn write_test(&self, domain: &str) -> Result<Tested, SolveError> {
        let place = self.located(domain).await?.place;
        let entry = self.registry.serving(&place)?;
        if matches!(entry.settings.provider, ProviderConfig::Manual(_)) {
            return Err(SolveError::new("a record that the operator writes cannot be tested"));
        }
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| SolveError::new("the system provides no random numbers"))?;
        let value = BASE64_URL_SAFE_NO_PAD.encode(random);
        let written = written(entry, &place, domain, &value, "kubectl-certs-test");
        let key = (domain.to_owned(), value);
        let tested = self.write(entry, &key, written).await;
        // After a failure too, because it may have been written all the same.
        let removed = self.take_away(&key).await;
        tested?;
        Ok(Tested {
            name: place.name,
            zone: place.zone,
            provider: entry.settings.name.clone(),
            removed: removed? > 0,
        })
    }

    /// Removes a value that an earlier run wrote. Returns whether it existed, as far as the provider tells.
    pub async fn remove_written(&self, written: &Written) -> Result<bool, SolveError> {
        let stays = |error| written.stays(error);
        let (entry, provider) = self.remover(written).await.map_err(stays)?;
        let record = record(written, entry.settings.ttl);
        let removed = {
            let _turn = self.locks.turn(provider.as_ref(), &record).await;
            provider.remove(&record).await
        };
        let removed = removed.map_err(stays)?;
        self.keep.removed(written).await;
        Ok(removed)
    }

    /// Fails if a value could not be removed, because the settings have no such provider, or because its credentials
    /// cannot be read. Nothing is written.
    pub async fn can_remove(&self, written: &Written) -> Result<(), SolveError> {
        let found = self.remover(written).await;
        found.map(drop).map_err(|error| written.stays(error))
    }

    async fn remover(&self, written: &Written) -> Result<(&ProviderEntry, Arc<dyn Provider>), SolveError> {
        let entry = self.registry.named(&written.provider)?;
        Ok((entry, self.registry.provider(entry).await?))
    }

    /// The values that this run has written and not removed.
    pub fn left(&self) -> Vec<Written> {
        let table = self.held();
        let begun = table.values().filter(|held| held.state != ValueState::Planned);
        begun.map(|held| held.written.clone()).collect()
    }

    /// Where the record of a domain belongs. A provider that follows CNAMEs itself needs no DNS, unless propagation is
    /// checked.
    async fn located(&self, domain: &str) -> Result<Found, SolveError> {
        let error = match self.find(domain).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let name = format!("_acme-challenge.{domain}");
        let place = TxtName {
            name,
            zone: domain.to_owned(),
            aliases: Vec::new(),
        };
        let follows = |entry: &ProviderEntry| {
            matches!(
                entry.settings.provider,
                ProviderConfig::Hook(_) | ProviderConfig::Manual(_)
            )
        };
        let blind = !matches!(self.wait, Wait::Ask(_)) && self.registry.serving(&place).is_ok_and(follows);
        let found = Found {
            place,
            wildcards: Vec::new(),
        };
        if blind { Ok(found) } else { Err(error) }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, PresentedValue>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a value, and records it before that. A value that exists already gets one more user.
    async fn write(&self, entry: &ProviderEntry, key: &Key, written: Written) -> Result<(), SolveError> {
        let provider = self.registry.provider(entry).await?;
        let record = record(&written, entry.settings.ttl);
        let _alone = self.locks.value(key).await;
        {
            let mut table = self.held();
            let held = table
                .entry(key.clone())
                .or_insert_with(|| PresentedValue::new(written.clone()));
            held.users += 1;
            if held.state == ValueState::Written {
                return Ok(());
            }
        }
        let has_room = self.held().get(key).is_some_and(|held| held.room.is_some());
        if !has_room {
            let room = self.locks.place(provider.as_ref(), &record, ROOM).await?;
            self.change(key, |held| held.room = room);
        }
        self.keep.before(&written).await?;
        let _turn = self.locks.turn(provider.as_ref(), &record).await;
        let before = self.held().get(key).map(|held| held.state);
        self.change(key, |held| held.state = ValueState::Begun);
        if let Err(error) = provider.add(&record).await {
            if error.refused && before == Some(ValueState::Planned) {
                // A provider that refuses to write the value would not remove it either.
                self.change(key, |held| held.state = ValueState::Planned);
                self.keep.removed(&written).await;
            }
            return Err(error);
        }
        self.change(key, |held| held.state = ValueState::Written);
        Ok(())
    }

    fn change(&self, key: &Key, change: impl FnOnce(&mut PresentedValue)) {
        if let Some(held) = self.held().get_mut(key) {
            change(held);
        }
    }

    /// Removes a value when its last user is gone.
    async fn take_away(&self, key: &Key) -> Result<usize, SolveError> {
        {
            let mut table = self.held();
            let Some(held) = table.get_mut(key) else { return Ok(0) };
            held.users = held.users.saturating_sub(1);
            if held.users > 0 {
                return Ok(0);
            }
        }
        self.erase(key).await
    }

    /// Removes a value, however many users need it.
    async fn erase(&self, key: &Key) -> Result<usize, SolveError> {
        let _alone = self.locks.value(key).await;
        let Some((written, state)) = self.held().get(key).map(|held| (held.written.clone(), held.state)) else {
            return Ok(0);
        };
        let removed = state != ValueState::Planned && self.remove_written(&written).await?;
        self.held().remove(key);
        Ok(usize::from(removed))
    }

    async fn present_one(&self, challenge: &Challenge, tell: &Teller) -> Result<(), SolveError> {
        let (domain, value) = key(challenge)?;
        let Found { place, wildcards } = self.located(&domain).await?;
        let entry = self.registry.serving(&place)?;
        if let Some(text) = about_wildcards(&wildcards, &place) {
            tell.tell(EventKind::Note { text });
        }
        let written = written(entry, &place, &domain, &value, &challenge.token);
        self.write(entry, &(domain, value.clone()), written).await?;
        tell.tell(EventKind::Presented {
            name: challenge.name.clone(),
            method: Method::Dns01,
            place: format!("TXT {} in zone {}, by {}", place.name, place.zone, entry.settings.name),
        });
        let words = || match self.wait {
            Wait::Fixed(length) => format!(
                "{} for TXT {} to reach the CA's resolvers, as --propagation-wait says",
                humantime::format_duration(length),
                place.name
            ),
            Wait::Ask(_) | Wait::Off => format!("the name servers of {} to show TXT {}", place.zone, place.name),
        };
        let shown = propagation::wait(self.authorities.resolver(), &place, &value, self.wait);
        let seen = told(tell, words, shown).await?;
        for text in seen.notes {
            tell.tell(EventKind::Note { text });
        }
        if !seen.at.is_empty() {
            tell.tell(EventKind::SelfChecked {
                name: challenge.name.clone(),
                method: Method::Dns01,
                seen: seen.at,
            });
        }
        Ok(())
    }
}

impl Solve for Dns01 {
    fn method(&self) -> Method {
        Method::Dns01
    }

    fn can_answer<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move { self.ready(domain(name)?).await.map(drop) })
    }

    fn present<'a>(&'a self, challenge: &'a Challenge, tell: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(self.present_one(challenge, tell))
    }

    fn clean<'a>(&'a self, challenge: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>> {
        Box::pin(async move { self.take_away(&key(challenge)?).await })
    }

    fn leave(&self, challenge: &Challenge) {
        if let Ok(key) = key(challenge) {
            self.held().remove(&key);
        }
    }

    /// Removes everything that is left of this run: values that could not be removed, or that were abandoned while
    /// being written.
    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>> {
        Box::pin(async move {
            let keys: Vec<Key> = self.held().keys().cloned().collect();
            let mut count = 0;
            let mut failed = None;
            for outcome in join_all(keys.iter().map(|key| self.erase(key))).await {
                match outcome {
                    Ok(removed) => count += removed,
                    Err(error) => failed = Some(error),
                }
            }
            failed.map_or(Ok(count), Err)
        })
    }
}

/// The domain of a name; for a wildcard, the domain above it.
fn domain(name: &Name) -> Result<&str, SolveError> {
    match name {
        Name::Dns(domain) | Name::Wildcard(domain) => Ok(domain),
        Name::Ip(address) => Err(SolveError::new(format!(
            "{address} is not a domain: DNS-01 validates only domains"
        ))),
    }
}

/// The domain, and the value that proves it: the base64url of the key authorization's SHA-256 (RFC 8555, section 8.4).
fn key(challenge: &Challenge) -> Result<Key, SolveError> {
    let domain = domain(&challenge.name)?.to_owned();
    let value = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, challenge.key_authorization.as_bytes()));
    Ok((domain, value))
}

fn written(entry: &ProviderEntry, place: &TxtName, domain: &str, value: &str, token: &str) -> Written {
    Written {
        provider: entry.settings.name.clone(),
        zone: place.zone.clone(),
        name: place.name.clone(),
        value: value.to_owned(),
        domain: domain.to_owned(),
        token: token.to_owned(),
    }
}

fn record(written: &Written, ttl: u32) -> Record {
    Record {
        zone: written.zone.clone(),
        name: written.name.clone(),
        value: written.value.clone(),
        ttl,
        domain: written.domain.clone(),
        token: written.token.clone(),
    }
}
