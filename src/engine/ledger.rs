//! The ledger of an account: one number for each of its CA's limits, kept beside the account.
//!
//! It is written as orders are made, and what happens during a write is written by the next one, so that orders do not
//! wait for it and a killed run loses only what was under way. Each write adds to what is there, so that runs at the
//! same time count together. What is full again is left out, so that it does not grow with each order.

mod kept;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kept::Event;

use crate::{
    apply::{Api, mark::short_hash},
    name::Name,
    object::{Key, Seconds},
    plan::limits::{Buckets, Limits, OrderKind, set_of},
    settings::store::{Store, StoreError},
};

/// The pause after a write before the next one, in which events gather.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a write is tried again by itself; the pause doubles from [`RETRY`] on.
const RETRIES: u32 = 6;
const RETRY: Duration = Duration::from_secs(1);

/// Where a ledger is kept.
#[derive(Debug, Clone)]
pub enum LedgerStore {
    /// In a file of this directory.
    Directory(PathBuf),
    /// In the Secret of the account.
    Secret(Box<Api>, Key),
    /// Nowhere.
    Nowhere,
}

impl LedgerStore {
    /// The place of the ledger beside the account.
    pub fn beside(store: &Store) -> Self {
        match store {
            Store::Local(directory) => Self::Directory(directory.clone()),
            Store::Secret(api, key) => Self::Secret(api.clone(), key.0.clone()),
        }
    }
}

/// The ledger of one account. Clones share it.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: LedgerStore,
    name: String,
    /// The limits of the CA; without them nothing is counted.
    limits: Option<Limits>,
    state: Mutex<State>,
    /// Held by the write that is under way.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// What is kept and what is still to be written, counted together.
    known: Buckets,
    /// What is still to be written.
    waiting: Vec<Event>,
    /// Whether a task writes what is waiting.
    has_writer: bool,
    /// The new orders that this process is about to make, by their names ([`set_of`]). They are not written.
    expected: BTreeMap<String, Vec<Name>>,
}

/// A new order that is about to be made. The ledger counts it until this is dropped.
#[derive(Debug)]
pub struct Expected {
    ledger: Ledger,
    set: String,
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.ledger.0.lock().expected.remove(&self.set);
    }
}

impl Ledger {
    /// Reads the ledger of an account that is kept in `store`, as [`Self::open`] does; without an account, nothing is
    /// kept.
    pub async fn of_account(store: &Store, account_url: Option<&str>, limits: Option<Limits>, now: Seconds) -> Self {
        let place = account_url.map_or(LedgerStore::Nowhere, |_| LedgerStore::beside(store));
        Self::open(place, account_url.unwrap_or_default(), limits, now).await
    }

    /// Reads the ledger of an account at a CA with these limits. An unreadable ledger is taken to be empty, because it
    /// only serves for estimates.
    pub async fn open(place: LedgerStore, account_url: &str, limits: Option<Limits>, now: Seconds) -> Self {
        let name = format!("{}.ledger", short_hash(account_url));
        let known = match &limits {
            Some(limits) => kept::read(&place, &name, limits, now).await.unwrap_or_default(),
            None => Buckets::default(),
        };
        Self(Arc::new(Inner {
            place,
            name,
            limits,
            state: Mutex::new(State {
                known,
                ..State::default()
            }),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// The limits of the CA, if they are known.
    pub fn limits(&self) -> Option<&Limits> {
        self.0.limits.as_ref()
    }

    /// Looks at the buckets of the account.
    pub fn look<T>(&self, at: impl FnOnce(&Buckets) -> T) -> T {
        at(&self.0.lock().known)
    }

    /// Takes note of a new order for these names that is about to be made, until it is ([`Self::ordered`]) or what comes back
    /// is dropped.
    pub fn expect(&self, names: &[Name]) -> Expected {
        let set = set_of(names);
        self.0.lock().expected.insert(set.clone(), names.to_vec());
        Expected {
            ledger: self.clone(),
            set,
        }
    }

    /// The buckets of the account as they will be once every order that is about to be made is made.
    pub fn foreseen(&self, now: Seconds) -> Buckets {
        let state = self.0.lock();
        let mut known = state.known.clone();
        let Some(limits) = &self.0.limits else { return known };
        for names in state.expected.values() {
            known.ordered(limits, OrderKind::New, now);
            known.issued(limits, names, OrderKind::New, now);
        }
        known
    }

    /// Counts an order for these names that the CA took.
    pub fn ordered(&self, names: &[Name], kind: OrderKind, at: Seconds) {
        self.0.lock().expected.remove(&set_of(names));
        // Others are free of charge.
        if kind == OrderKind::New {
            self.count(Event::Ordered { at });
        }
    }

    /// Counts a certificate that the CA issued.
    pub fn issued(&self, names: &[Name], kind: OrderKind, at: Seconds) {
        if kind != OrderKind::Replacement {
            let names = names.to_vec();
            self.count(Event::Issued { names, kind, at });
        }
    }

    /// Counts a name whose validation failed.
    pub fn failed(&self, name: &Name, at: Seconds) {
        self.count(Event::Failed { name: name.clone(), at });
    }

    fn count(&self, event: Event) {
        let Some(limits) = &self.0.limits else { return };
        let starts = {
            let mut state = self.0.lock();
            event.count(&mut state.known, limits);
            if matches!(self.0.place, LedgerStore::Nowhere) {
                return;
            }
            state.waiting.push(event);
            !std::mem::replace(&mut state.has_writer, true)
        };
        if !starts {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(write_on(Arc::clone(&self.0)))),
            // Without a runtime, it is written by `keep`.
            Err(_) => self.0.lock().has_writer = false,
        }
    }

    /// Writes what has not been written yet, and waits for a write that is under way.
    ///
    /// # Errors
    ///
    /// The file or the Secret cannot be written. What was counted is written with the next event.
    pub async fn keep(&self) -> Result<(), StoreError> {
        self.0.write().await
    }
}

/// Writes until nothing is waiting, or until a write has failed several times.
async fn write_on(inner: Arc<Inner>) {
    let mut failures = 0;
    loop {
        failures = match inner.write().await {
            Ok(()) => 0,
            Err(_) => failures + 1,
        };
        if inner.ends_writing(failures > RETRIES) {
            return;
        }
        let pause = failures
            .checked_sub(1)
            .map_or(PAUSE, |before| RETRY * 2_u32.pow(before));
        tokio::time::sleep(pause).await;
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the task that writes ends, because nothing is waiting or a write has failed.
    fn ends_writing(&self, has_failed: bool) -> bool {
        let mut state = self.lock();
        let ends = has_failed || state.waiting.is_empty();
        state.has_writer = !ends;
        ends
    }

    async fn write(&self) -> Result<(), StoreError> {
        let _one = self.writing.lock().await;
        let Some(limits) = &self.limits else { return Ok(()) };
        let events = std::mem::take(&mut self.lock().waiting);
        if events.is_empty() {
            return Ok(());
        }
        let written = kept::add(&self.place, &self.name, limits, &events).await;
        let mut state = self.lock();
        match written {
            Ok(written) => {
                // With what other runs have counted.
                state.known = written;
                let State { known, waiting, .. } = &mut *state;
                for event in waiting.iter() {
                    event.count(known, limits);
                }
                Ok(())
            }
            Err(error) => {
                let later = std::mem::replace(&mut state.waiting, events);
                state.waiting.extend(later);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
