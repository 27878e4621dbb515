//! The certificate source: pairs by server name, from the cache, from the store, or after an order that it waits for.
//!
//! ```text
//! kept ─ yes → sent                       refused within a minute → 204
//!   └ no → known? ─ yes → read ─ a pair → sent, kept
//!             │              └ none yet → wait for a change of the record
//!             └ no → a place among 22 a second → ask ─ yes → register → wait
//!                                                  └ no → 204
//! ```

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use zeroize::Zeroizing;

use super::{
    Hands, Options,
    answer::{Answer, NotYet, Standing, sentence, standing, wait},
    brief::Brief,
    cache::{Body, Cache, Kept, Read},
    counts::Counts,
    flights::{Aboard, Flights},
    gate::{Gate, Place},
    known::Known,
};
use crate::{
    clock::now,
    domain::{
        Host, Material, Record, Said, State, Tenant,
        limit::{RegistrationError, Registrations},
    },
    domains::store::{Change, StoreError, Version},
    object::{Key, Seconds},
    x509::{Interner, KeyState, bundle},
};

/// How far apart two questions about hosts that nobody has registered are: fewer than the application may be asked in a second,
/// which is limited for all who ask it.
const ASK_EACH: Duration = Duration::from_millis(45);
/// How many questions are under way at once. One takes two seconds at most.
const ASKS: usize = 100;
/// How many such hosts wait for a question: ten seconds' worth.
const ASKS_WAITING: usize = 220;
/// How many records are read at once, and how many wait for that.
const READS: usize = 64;
const READS_WAITING: usize = 4_000;
/// How many requests wait for something at once.
const HELD: usize = 1_000;
/// How long a refusal of the application is remembered, and how many: more than are asked for in that time.
const REFUSED: Duration = Duration::from_mins(1);
const MOST_REFUSED: usize = 4_096;
/// How often a record that is waited for is read although no change was told.
const POLL: Duration = Duration::from_secs(2);
/// How long passes before a watch that ended begins again.
const PAUSE: Duration = Duration::from_secs(1);
/// Who registers a host for which a handshake asked.
const HANDSHAKE: &str = "a handshake";
/// How often a record that changes while it is read is read again at once.
const AGAIN: usize = 4;

/// What came of a look at a record.
enum Look {
    Over(Answer),
    /// It may be there soon; so that is said if it is not.
    Soon(NotYet),
    /// The host has left.
    Left,
}

/// The source.
#[derive(Debug)]
pub(super) struct Source {
    hands: Hands,
    /// The tenant of hosts that a handshake registers.
    home: Tenant,
    hold: Duration,
    registrations: Arc<Mutex<Registrations>>,
    cache: Cache,
    known: Known,
    refused: Brief<Host, ()>,
    flights: Arc<Flights>,
    asks: Gate,
    reads: Gate,
    held: Semaphore,
    pub(super) counts: Counts,
}

impl Source {
    /// Begins, with nothing kept. Runs within a runtime.
    pub(super) fn new(hands: Hands, options: &Options, registrations: Arc<Mutex<Registrations>>) -> Self {
        Self {
            hands,
            home: options.home.clone(),
            hold: options.hold,
            registrations,
            cache: Cache::new(options.cached),
            known: Known::default(),
            refused: Brief::new(REFUSED, MOST_REFUSED),
            flights: Arc::default(),
            asks: Gate::new(ASKS, ASK_EACH, ASKS_WAITING),
            reads: Gate::new(READS, Duration::ZERO, READS_WAITING),
            held: Semaphore::new(HELD),
            counts: Counts::default(),
        }
    }

    /// The pair for a host, or why there is none. `from` is who asks, for fairness.
    pub(super) async fn pair(self: &Arc<Self>, host: Host, from: IpAddr) -> Answer {
        if let Some(hit) = self.cache.get(&host, now()) {
            self.counts.hits.add();
            if hit.is_stale
                && let (_, Some(aboard)) = self.flights.begin(&host)
            {
                // It is read by the way, and nobody waits for it.
                let source = Arc::clone(self);
                tokio::spawn(async move {
                    let answer = match source.look(aboard.host()).await {
                        Look::Over(answer) => answer,
                        Look::Soon(why) => Answer::NotYet(why),
                        Look::Left => Answer::NotOurs,
                    };
                    aboard.land(answer);
                });
            }
            return Answer::Pair(hit.body);
        }
        if self.refused.get(&host).is_some() {
            return Answer::NotOurs;
        }
        let Ok(_held) = self.held.try_acquire() else {
            return self.turned_away();
        };
        let waiting = if let Some(waiting) = self.flights.join(&host) {
            waiting
        } else {
            let place = if self.known.has(&host) {
                None
            } else {
                match self.asks.enter(from) {
                    Some(place) => Some(place),
                    None => return self.turned_away(),
                }
            };
            let (waiting, aboard) = self.flights.begin(&host);
            if let Some(aboard) = aboard {
                let source = Arc::clone(self);
                tokio::spawn(async move {
                    let answer = source.search(&aboard, place, from).await;
                    aboard.land(answer);
                });
            }
            waiting
        };
        waiting.answer().await.unwrap_or(Answer::Failed)
    }

    fn turned_away(&self) -> Answer {
        self.counts.turned_away.add();
        Answer::Busy
    }

    /// Searches for a pair within the time for which a request is held.
    async fn search(&self, aboard: &Aboard, place: Option<Place>, from: IpAddr) -> Answer {
        let until = Instant::now() + self.hold;
        let host = aboard.host();
        if let Some(place) = place {
            let asked = timeout_at(until, self.introduce(host, place)).await;
            match asked {
                Ok(None) => {}
                Ok(Some(answer)) => return answer,
                Err(_) => return self.turned_away(),
            }
        }
        let mut why = None;
        let mut is_asked = false;
        loop {
            let looked = timeout_at(until, async {
                let Some(turn) = self.turn(from).await else {
                    return Look::Over(self.turned_away());
                };
                let look = self.look(host).await;
                drop(turn);
                look
            });
            match looked.await {
                Ok(Look::Over(answer)) => return answer,
                Ok(Look::Soon(soon)) => why = Some(soon),
                Ok(Look::Left) if is_asked => return Answer::NotOurs,
                Ok(Look::Left) => {
                    // It may have come back: it is asked about like a host that nobody has registered.
                    is_asked = true;
                    let Some(place) = self.asks.enter(from) else {
                        return self.turned_away();
                    };
                    match timeout_at(until, self.introduce(host, place)).await {
                        Ok(None) => continue,
                        Ok(Some(answer)) => return answer,
                        Err(_) => return self.turned_away(),
                    }
                }
                Err(_) => break,
            }
            if timeout_at(until, timeout(POLL, aboard.changed())).await.is_err() {
                break;
            }
        }
        why.map_or(Answer::Failed, Answer::NotYet)
    }

    async fn turn(&self, from: IpAddr) -> Option<super::gate::Turn> {
        self.reads.enter(from)?.turn().await
    }

    /// Asks the application for a host that nobody has registered, or that has left, and registers it if it says yes. An answer
    /// if that is the end.
    async fn introduce(&self, host: &Host, place: Place) -> Option<Answer> {
        let Some(turn) = place.turn().await else {
            return Some(self.turned_away());
        };
        // It may be there, and not told of yet.
        let found = match self.hands.store.get(host).await {
            Ok(found) => found,
            Err(error) => return Some(failed(host, &error)),
        };
        if found
            .as_ref()
            .is_some_and(|(record, _)| standing(record, now()) != Standing::Left)
        {
            self.known.add(host);
            return None;
        }
        self.counts.asks.add();
        let said = self.hands.asks.ask(host).await;
        drop(turn);
        match said {
            None => Some(self.turned_away()),
            Some(Said::Yes) => self.register(host, found).await,
            Some(Said::No) => {
                self.refused.note(host.clone(), ());
                Some(Answer::NotOurs)
            }
            Some(Said::NotNow(why)) => {
                log::debug!("the application does not say whether {host} is a customer's: {why}");
                Some(Answer::NotYet(NotYet {
                    state: State::Asked,
                    reason: "The application does not say now whether the host is a customer's.".to_owned(),
                    next: "Nothing has to be done: it is asked again.".to_owned(),
                    again: Duration::from_secs(10),
                }))
            }
        }
    }

    /// Takes one of each limit.
    fn take(&self, tenant: &Tenant, host: &Host, at: Seconds) -> Result<(), RegistrationError> {
        let mut registrations = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        registrations.take(HANDSHAKE, tenant, host, at)
    }

    async fn register(&self, host: &Host, found: Option<(Record, Version)>) -> Option<Answer> {
        let at = now();
        let (mut record, version) = match found {
            Some((record, version)) => (record, Some(version)),
            None => (Record::new(host.clone(), self.home.clone(), at), None),
        };
        let taken = self.take(&record.tenant, host, at);
        if let Err(limited) = taken {
            return Some(Answer::NotYet(NotYet {
                state: State::Limited,
                reason: sentence(&limited),
                next: "Nothing has to be done: the host is registered once there is room.".to_owned(),
                again: wait(limited.until, at),
            }));
        }
        record.registered_again(at);
        record.answered(Said::Yes, false, at);
        match self.hands.store.put(&record, version.as_ref()).await {
            Ok(_) => {
                self.counts.registered.add();
                self.known.add(host);
                (self.hands.note)("registered", host, HANDSHAKE);
                None
            }
            // Another replica was faster.
            Err(StoreError::Conflict(_)) => None,
            Err(error) => Some(failed(host, &error)),
        }
    }

    /// Reads a record and its pair, and keeps that.
    async fn look(&self, host: &Host) -> Look {
        for _ in 0..AGAIN {
            self.cache.begins_reading(host);
            self.counts.reads.add();
            let (look, read) = self.read(host).await;
            if self.cache.has_read(host, read) {
                return look;
            }
        }
        Look::Over(self.turned_away())
    }

    async fn read(&self, host: &Host) -> (Look, Read) {
        let record = match self.hands.store.get(host).await {
            Ok(Some((record, _))) => record,
            Ok(None) => {
                self.known.remove(host);
                return (Look::Over(Answer::NotOurs), Read::Nothing);
            }
            Err(error) => return (Look::Over(failed(host, &error)), Read::Failed),
        };
        match standing(&record, now()) {
            Standing::Pair => {}
            Standing::NotOurs => return (Look::Over(Answer::NotOurs), Read::Nothing),
            Standing::Left => return (Look::Left, Read::Nothing),
            Standing::Soon(why) => return (Look::Soon(why), Read::Nothing),
            Standing::Later(why) => return (Look::Over(Answer::NotYet(why)), Read::Nothing),
        }
        let found = match self.hands.pairs.pair(&record).await {
            Ok(found) => found,
            Err(why) => return (Look::Over(failed(host, &why)), Read::Failed),
        };
        let secret = record.pair.as_ref().and_then(|pair| pair.secret.clone());
        let kept = found
            .ok_or_else(|| "it is not where the record says".to_owned())
            .and_then(|material| kept(host, &material, secret, now()));
        match kept {
            Ok(kept) => (Look::Over(Answer::Pair(kept.body.clone())), Read::Pair(kept)),
            Err(why) => (Look::Over(failed(host, &why)), Read::Nothing),
        }
    }

    /// Takes note that a record has changed.
    pub(super) fn changed(&self, host: &Host) {
        self.known.add(host);
        self.refused.forget(host);
        self.cache.forget(host);
        self.flights.wake(host);
    }

    /// Takes note that a Secret has changed.
    pub(super) fn secret_changed(&self, secret: &Key) {
        if let Some(host) = self.cache.forget_secret(secret) {
            self.flights.wake(&host);
        }
    }

    /// Whether all hosts that are registered are known.
    pub(super) fn is_complete(&self) -> bool {
        self.known.is_complete()
    }

    /// How many pairs are kept, and how many hosts are known.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.cache.len(), self.known.len())
    }

    /// Follows the changes of the store from now on.
    pub(super) fn follow(self: &Arc<Self>) -> JoinHandle<()> {
        let source = Arc::clone(self);
        tokio::spawn(async move {
            let mut cursor = None;
            loop {
                let mut changes = source.hands.store.watch(cursor.clone());
                while let Some(change) = changes.next().await {
                    match change {
                        Ok(Change::Host { host, cursor: at }) => {
                            source.changed(&host);
                            cursor = Some(at);
                        }
                        Ok(Change::Listed { cursor: at }) => {
                            source.known.complete();
                            cursor = Some(at);
                        }
                        Err(error) => {
                            if matches!(error, StoreError::Expired) {
                                cursor = None;
                            } else {
                                log::warn!("the domains cannot be followed, and are again in a second: {error}");
                            }
                            break;
                        }
                    }
                }
                drop(changes);
                sleep(PAUSE).await;
            }
        })
    }
}

/// The answer when something cannot be read, which the log tells.
fn failed(host: &Host, why: &impl std::fmt::Display) -> Answer {
    log::warn!("the pair of {host} cannot be read: {why}");
    Answer::Failed
}

/// A pair in the form in which it is sent, if a client of the host could use it. The error is a fragment.
fn kept(host: &Host, material: &Material, secret: Option<Key>, now: Seconds) -> Result<Kept, String> {
    let key = SecretSlice::from(material.key.expose_secret().as_bytes().to_vec());
    let parsed = bundle::parse(Some(material.chain.as_bytes()), Some(&key), &mut Interner::new());
    let leaf = parsed.bundle.leaf().ok_or("there is no certificate in it")?;
    if parsed.bundle.key != KeyState::Matches {
        return Err("its key is not the certificate's".to_owned());
    }
    if !leaf.names.cover(host.as_str()) {
        return Err("its certificate is for other names".to_owned());
    }
    if leaf.not_after < now {
        return Err("its certificate has expired".to_owned());
    }
    let parts = [material.chain.trim_end(), material.key.expose_secret().trim_end()];
    // Exactly as much as is needed, so that nothing is moved and left behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(parts[0].len() + parts[1].len() + 2));
    for part in parts {
        pem.extend_from_slice(part.as_bytes());
        pem.push(b'\n');
    }
    Ok(Kept {
        body: Body::new(SecretSlice::from(std::mem::take(&mut *pem))),
        not_after: leaf.not_after,
        secret,
    })
}
