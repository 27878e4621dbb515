//! What becomes of a certificate after it was stored: a restart that failed is tried again, and it is looked again whether it is
//! served, until it is, until another certificate takes its place, or until it is proved that it never will be.
//!
//! Values in, values out, as the queue: the caller says what time it is, takes what is due with [`Aftercare::due`], and
//! reports what came of it. Nothing of this orders anything.

pub mod look;
pub mod proof;

use std::collections::BTreeMap;

use proof::{Proof, Rule, Step};

use super::state::CertificateState;
use crate::{
    engine::{
        undo::Both,
        witness::{Aftermath, Left, Sight, Witness},
    },
    object::{Key, Seconds},
    x509::Fingerprint,
};

/// The pauses between looks and tries, in seconds; the last one from then on.
const PAUSES: [Seconds; 4] = [10, 60, 600, 3_600];
/// For how long the picture of the cluster may lag behind a write, in seconds.
const LAG: Seconds = 60;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The workloads are restarted that were not since a moment, in seconds since 1970.
    Restart(Seconds),
    /// It is looked whether a certificate is served, and what is seen where the former one was.
    Look {
        /// The certificate.
        new: Fingerprint,
        /// The former one.
        old: Option<Fingerprint>,
        /// Where that was seen.
        witnesses: Vec<Witness>,
    },
    /// The former pair is put back.
    Undo(Both),
}

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What does not serve it yet; `None` if all do.
    pub complaint: Option<String>,
    /// What is seen where the former pair was.
    pub sight: Sight,
}

/// What follows from a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is not looked at any more.
    Nothing,
    /// It is served now, and done with.
    Served,
    /// It stands as it did, in these words.
    Still(String),
}

/// One certificate.
#[derive(Debug)]
struct Care {
    of: Aftermath,
    proof: Proof,
    /// How many times it was tried in vain in the present state.
    tries: usize,
    next: Seconds,
    /// Whether what was due is under way.
    is_busy: bool,
    /// Whether the former pair is put back next.
    is_proved: bool,
    /// Whether the Secret was seen with the certificate.
    is_seen: bool,
}

impl Care {
    fn pause(&mut self, now: Seconds) {
        let pause = PAUSES.get(self.tries).or(PAUSES.last()).copied().unwrap_or_default();
        self.tries += 1;
        self.next = now.saturating_add(pause);
    }
}

/// The certificates that are stored, and not served yet as far as is known.
#[derive(Debug, Default)]
pub struct Aftercare {
    rule: Rule,
    of: BTreeMap<Key, Care>,
}

impl Aftercare {
    /// Takes note of how the course of a certificate ended. One that is served is done with.
    pub fn begin(&mut self, secret: &Key, of: Aftermath, now: Seconds) {
        if of.left == Left::Nothing {
            self.of.remove(secret);
            return;
        }
        let may_be_proved = of.left == Left::Serving && !of.witnesses.is_empty();
        let mut care = Care {
            proof: Proof::new(self.rule, of.stored_at, of.old.is_some() && !of.witnesses.is_empty()),
            of,
            tries: 0,
            next: now,
            is_busy: false,
            is_proved: false,
            is_seen: false,
        };
        if !may_be_proved {
            care.pause(now);
        }
        self.of.insert(secret.clone(), care);
    }

    /// Has it looked at once whether the certificate of a Secret is served, which was there before its clients.
    pub fn look_at(&mut self, secret: &Key, certificate: Fingerprint, now: Seconds) {
        let of = Aftermath {
            stored_at: now,
            new: certificate,
            old: None,
            witnesses: Vec::new(),
            left: Left::Serving,
            served_at: None,
        };
        self.begin(secret, of, now);
        if let Some(care) = self.of.get_mut(secret) {
            (care.tries, care.next) = (0, now);
        }
    }

    /// Does not look any more: clients are led elsewhere.
    pub fn leave(&mut self, secret: &Key) {
        self.of.remove(secret);
    }

    /// When the certificate of a Secret was stored, in seconds since 1970, and what is left to do; `None` if nothing is.
    pub fn left_of(&self, secret: &Key) -> Option<(Seconds, Left)> {
        let care = self.of.get(secret)?;
        Some((care.of.stored_at, care.of.left))
    }

    /// Whether it is looked after a Secret.
    pub fn has(&self, secret: &Key) -> bool {
        self.of.contains_key(secret)
    }

    /// Drops the Secrets that hold another certificate by now, or are not wanted any more; `holds` says which one a Secret holds, and
    /// `None` if it is not wanted. Returns them.
    pub fn drop_others(&mut self, now: Seconds, holds: impl Fn(&Key) -> Option<Option<Fingerprint>>) -> Vec<Key> {
        let mut dropped = Vec::new();
        self.of.retain(|secret, care| {
            let held = holds(secret);
            let is_it = held == Some(Some(care.of.new));
            care.is_seen |= is_it;
            let lags = !care.is_seen && now.saturating_sub(care.of.stored_at) < LAG;
            let stays = care.is_busy || is_it || (held.is_some() && lags);
            if !stays {
                dropped.push(secret.clone());
            }
            stays
        });
        dropped
    }

    /// Whether a former pair is being put back.
    pub fn is_undoing(&self) -> bool {
        self.of.values().any(|care| care.is_busy && care.is_proved)
    }

    /// When something is due next; `None` if nothing is.
    pub fn next_wake(&self) -> Option<Seconds> {
        let waiting = self.of.values().filter(|care| !care.is_busy);
        waiting.map(|care| care.next).min()
    }

    /// Takes what is due. What came of each has to be reported.
    pub fn due(&mut self, now: Seconds) -> Vec<(Key, Due)> {
        let mut all = Vec::new();
        for (secret, care) in &mut self.of {
            if care.is_busy || care.next > now {
                continue;
            }
            care.is_busy = true;
            let of = &care.of;
            let due = match (of.left, of.old) {
                (Left::Restart, _) => Due::Restart(of.stored_at),
                (_, Some(former)) if care.is_proved => Due::Undo(Both {
                    refused: of.new,
                    former,
                }),
                _ => Due::Look {
                    new: of.new,
                    old: of.old,
                    witnesses: if care.proof.is_open() {
                        of.witnesses.clone()
                    } else {
                        Vec::new()
                    },
                },
            };
            all.push((secret.clone(), due));
        }
        all
    }

    /// Takes note of what a look at a certificate has shown.
    pub fn looked(&mut self, secret: &Key, new: Fingerprint, looked: Looked, now: Seconds) -> News {
        let Some(care) = self.of.get_mut(secret).filter(|care| care.of.new == new) else {
            return News::Nothing;
        };
        care.is_busy = false;
        let Some(complaint) = looked.complaint else {
            self.of.remove(secret);
            return News::Served;
        };
        match care.proof.saw(looked.sight, now) {
            Step::Proved => {
                care.is_proved = true;
                care.next = now;
            }
            Step::Again(pause) => care.next = now.saturating_add(pause),
            Step::Unproved => care.pause(now),
        }
        News::Still(complaint)
    }

    /// Takes note of a restart. Once workloads are restarted, it is looked whether the certificate is served.
    pub fn restarted(&mut self, secret: &Key, result: Result<(), String>, now: Seconds) -> News {
        let Some(care) = self.of.get_mut(secret) else {
            return News::Nothing;
        };
        care.is_busy = false;
        match result {
            Ok(()) => {
                care.of.left = Left::Serving;
                care.tries = 0;
                care.next = now;
                News::Still("its workloads are restarted, and it is not seen to be served yet".to_owned())
            }
            Err(why) => {
                care.pause(now);
                News::Still(why)
            }
        }
    }

    /// The former pair is back: now it is looked whether that is served.
    pub fn undone(&mut self, secret: &Key, both: Both, now: Seconds) {
        let of = Aftermath {
            stored_at: now,
            new: both.former,
            old: None,
            witnesses: Vec::new(),
            left: Left::Serving,
            served_at: None,
        };
        self.begin(secret, of, now);
    }

    /// The former pair was not put back. That is tried again if `again`, and otherwise never.
    pub fn not_undone(&mut self, secret: &Key, again: bool, now: Seconds) {
        let Some(care) = self.of.get_mut(secret) else { return };
        care.is_busy = false;
        // What was proved may have changed meanwhile.
        care.is_proved = false;
        care.proof.anew();
        if !again {
            care.proof.close();
        }
        care.pause(now);
    }

    /// Says of the Secrets that are stored and scheduled, and not restarted for or not served, that they are.
    pub fn mark(&self, certificate: &mut CertificateState) {
        let Some(care) = self.of.get(&certificate.secret) else {
            return;
        };
        if certificate.state != "Scheduled" {
            return;
        }
        certificate.state = if care.of.left == Left::Restart {
            "NotRestarted"
        } else {
            "NotServed"
        };
        certificate.until = Some(care.next);
        certificate.message = certificate.after.clone().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
