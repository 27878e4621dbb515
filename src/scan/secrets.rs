//! Secrets on their way into the inventory: parsed and judged on all cores, beside the reading.
//!
//! A Secret's bytes are dropped as soon as they are parsed. Only of those whose chain reaches no trusted root the DER is
//! kept, to be judged once more when every Secret has been read: another may hold what is missing.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
};

use crate::{
    inventory::{Inventory, Presence, Stored},
    object::{Change, Key, Kind, Object, Secret, secret::TLS_TYPE},
    x509::{Der, Interner, Judge, KeyState, Parsed, Trust, bundle},
};

/// How many Secrets travel together: a message costs as much as parsing one.
const BATCH: usize = 16;
/// How many batches may wait: what waits is memory.
const WAITING: usize = 4;
/// After how many changes somebody may look at what is there.
const LOOK: usize = 64;

/// The DER of the chains that reach no trusted root.
#[derive(Debug, Default)]
pub struct Unresolved(HashMap<Key, Vec<Der>>);

/// A Secret that was parsed, and its DER where its trust is open.
struct Done {
    stored: Stored,
    unresolved: Option<Vec<Der>>,
}

/// Parses one Secret and judges its trust.
fn process(secret: Secret, judge: &Judge, interner: &mut Interner) -> Done {
    let Secret {
        meta,
        secret_type,
        data_keys,
        certificate,
        key,
        other_keys,
        data_changed,
        ca,
    } = secret;
    let presence = Presence::of(certificate.as_deref());
    let key_presence = Presence::of(key.as_ref().map(secrecy::ExposeSecret::expose_secret));
    let relevant = secret_type == TLS_TYPE || presence == Presence::Present;
    let Parsed { mut bundle, der } = if relevant {
        bundle::parse_with(certificate.as_deref(), key.as_ref(), interner, Some(judge.memo()))
    } else {
        nothing()
    };
    let ca_fault = ca.filter(|_| relevant).and_then(|ca| bundle::ca_fault(&ca, interner));
    let mut unresolved = None;
    if bundle.leaf.is_some() {
        let parsed = Parsed { bundle, der };
        let trust = judge.judge(&parsed);
        // CA certificates that are sent along may be what another Secret lacks.
        if parsed.bundle.certificates.iter().any(|c| c.is_ca) {
            judge.learn(&meta.key(), &parsed);
        }
        let open = matches!(
            trust,
            Trust::Untrusted {
                root_presented: false,
                ..
            } | Trust::MissingIntermediate { .. }
        );
        unresolved = open.then_some(parsed.der);
        bundle = parsed.bundle;
        bundle.trust = trust;
    }
    let stored = Stored {
        meta,
        secret_type,
        data_keys,
        certificate: presence,
        key: key_presence,
        other_keys,
        data_changed,
        ca_fault,
        bundle,
    };
    Done { stored, unresolved }
}

/// What a Secret without a certificate holds.
fn nothing() -> Parsed {
    let bundle = crate::x509::Bundle {
        certificates: Vec::new(),
        unreadable: Vec::new(),
        leaf: None,
        key: KeyState::NotAsked,
        objections: Box::default(),
        trust: Trust::NotJudged,
    };
    Parsed {
        bundle,
        der: Vec::new(),
    }
}

impl Unresolved {
    /// Puts one change in: a Secret is parsed first, on this thread.
    pub fn apply(&mut self, change: Change, inventory: &mut Inventory, judge: &Judge, interner: &mut Interner) {
        match change {
            Change::Set(Object::Secret(secret)) => {
                judge.forget(&secret.meta.key());
                let done = process(secret, judge, interner);
                self.store(done, inventory);
            }
            Change::Gone(Kind::Secret, key) => {
                judge.forget(&key);
                self.0.remove(&key);
                inventory.apply(Change::Gone(Kind::Secret, key));
            }
            other => inventory.apply(other),
        }
    }

    fn store(&mut self, done: Done, inventory: &mut Inventory) {
        let key = done.stored.meta.key();
        match done.unresolved {
            Some(der) => drop(self.0.insert(key, der)),
            None => drop(self.0.remove(&key)),
        }
        inventory.store(done.stored);
    }

    /// Takes changes until `next` has no more, parsing Secrets on all cores. `look` is called every now and then with what
    /// is there so far.
    pub fn take_all(
        &mut self,
        mut next: impl FnMut() -> Option<Change>,
        inventory: &mut Inventory,
        judge: &Judge,
        look: &mut dyn FnMut(&mut Inventory),
    ) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (give, take) = sync_channel::<Vec<Secret>>(WAITING);
        let (answer, answers) = channel::<Vec<Done>>();
        let take = &Mutex::new(take);
        std::thread::scope(|scope| {
            for _ in 0..cores {
                let answer = answer.clone();
                scope.spawn(move || {
                    let mut interner = Interner::new();
                    while let Some(batch) = wait(take) {
                        let done = batch
                            .into_iter()
                            .map(|secret| process(secret, judge, &mut interner))
                            .collect();
                        if answer.send(done).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(answer);
            self.deal(&mut next, give, &answers, inventory, look);
        });
    }

    fn deal(
        &mut self,
        next: &mut impl FnMut() -> Option<Change>,
        give: SyncSender<Vec<Secret>>,
        answers: &Receiver<Vec<Done>>,
        inventory: &mut Inventory,
        look: &mut dyn FnMut(&mut Inventory),
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut taken = 0_usize;
        while let Some(change) = next() {
            taken += 1;
            if taken.is_multiple_of(LOOK) {
                look(inventory);
            }
            match change {
                Change::Set(Object::Secret(secret)) => {
                    batch.push(secret);
                    if batch.len() == BATCH {
                        // An error means that every worker has panicked, which ends the scope with that panic.
                        let _ = give.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
                    }
                }
                other => inventory.apply(other),
            }
            for done in answers.try_iter().flatten() {
                self.store(done, inventory);
            }
        }
        let _ = give.send(batch);
        drop(give);
        for done in answers.iter().flatten() {
            self.store(done, inventory);
        }
        look(inventory);
    }

    /// Judges once more, with what all Secrets together hold, the chains that reached no trusted root.
    pub fn judge_again(&self, inventory: &mut Inventory, judge: &Judge) {
        for (key, der) in &self.0 {
            let Some(stored) = inventory.secrets().get(key) else {
                continue;
            };
            let trust = judge.judge_again(&stored.bundle, der);
            if trust != stored.bundle.trust {
                inventory.set_trust(key, trust);
            }
        }
    }
}

/// The next batch; `None` when there will be no more.
fn wait(take: &Mutex<Receiver<Vec<Secret>>>) -> Option<Vec<Secret>> {
    take.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
