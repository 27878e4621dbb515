//! The pairs that were asked for lately, as they are sent: so many at most, and those that are asked for stay.
//!
//! What is read while it changes is not kept: whoever reads says so first, and hears whether it has to read again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::{
    domain::Host,
    object::{Key, Seconds},
};

/// How long what is kept is sent without looking whether it is current. Changes are heard of meanwhile; this is for one
/// that was not.
const FRESH: Duration = Duration::from_mins(5);
/// How long a look may take before another begins.
const LOOK: Duration = Duration::from_secs(30);

/// A chain and its key in PEM, as they are sent. The memory is wiped with the last copy; `Debug` shows nothing.
#[derive(Clone)]
pub(super) struct Body(Bytes);

/// Owns the bytes, which are wiped when it is dropped.
struct Owner(SecretSlice<u8>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl Body {
    pub(super) fn new(pem: SecretSlice<u8>) -> Self {
        Self(Bytes::from_owner(Owner(pem)))
    }

    /// The bytes to send. They share the memory.
    pub(super) fn bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// A pair that is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// What is sent.
    pub(super) body: Body,
    /// The last second of the certificate.
    pub(super) not_after: Seconds,
    /// The Secret from which it was read, if it was.
    pub(super) secret: Option<Key>,
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Read {
    /// There is a pair.
    Pair(Kept),
    /// There is none.
    Nothing,
    /// It could not be read: what is kept stays.
    Failed,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) body: Body,
    /// Whether somebody should look whether it is current. Only one is told so.
    pub(super) is_stale: bool,
}

#[derive(Debug)]
struct Slot {
    host: Host,
    kept: Kept,
    fresh_until: Instant,
    /// Whether it was asked for since the hand came by.
    is_used: bool,
}

/// The second chance: a hand goes round, and what was not asked for since it came by last makes room.
#[derive(Debug, Default)]
struct Clock {
    slots: Vec<Slot>,
    at: HashMap<Host, usize>,
    of_secret: HashMap<Key, Host>,
    hand: usize,
    /// Who is reading, and whether it has changed since.
    reading: HashMap<Host, bool>,
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    clock: Mutex<Clock>,
    most: usize,
}

impl Cache {
    /// For at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            clock: Mutex::default(),
            most: most.max(1),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Clock) -> T) -> T {
        act(&mut self.clock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is kept for a host and valid at a moment.
    pub(super) fn get(&self, host: &Host, now: Seconds) -> Option<Hit> {
        let at = Instant::now();
        self.with(|clock| {
            let slot = clock.at.get(host).copied()?;
            let slot = clock.slots.get_mut(slot).filter(|slot| slot.kept.not_after >= now)?;
            slot.is_used = true;
            let is_stale = at >= slot.fresh_until;
            if is_stale {
                slot.fresh_until = at + LOOK;
            }
            Some(Hit {
                body: slot.kept.body.clone(),
                is_stale,
            })
        })
    }

    /// Says that a host is being read.
    pub(super) fn begins_reading(&self, host: &Host) {
        self.with(|clock| clock.reading.insert(host.clone(), false));
    }

    /// Keeps what was read. `false` if it has changed meanwhile: then it is to be read again.
    pub(super) fn has_read(&self, host: &Host, read: Read) -> bool {
        let most = self.most;
        self.with(|clock| {
            if clock.reading.remove(host) != Some(false) {
                return false;
            }
            match read {
                Read::Pair(kept) => clock.put(host, kept, most),
                Read::Nothing => clock.forget(host),
                Read::Failed => {}
            }
            true
        })
    }

    /// Forgets a host, because it has changed.
    pub(super) fn forget(&self, host: &Host) {
        self.with(|clock| {
            clock.forget(host);
            if let Some(changed) = clock.reading.get_mut(host) {
                *changed = true;
            }
        });
    }

    /// Forgets the host whose pair was read from a Secret, because that has changed. Which Secrets are being read is not known
    /// yet, so that whoever is reading reads again.
    pub(super) fn forget_secret(&self, secret: &Key) -> Option<Host> {
        self.with(|clock| {
            clock.reading.values_mut().for_each(|changed| *changed = true);
            let host = clock.of_secret.get(secret).cloned()?;
            clock.forget(&host);
            Some(host)
        })
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.with(|clock| clock.slots.len())
    }
}

impl Clock {
    fn put(&mut self, host: &Host, kept: Kept, most: usize) {
        self.forget(host);
        while self.slots.len() >= most {
            self.make_room();
        }
        if let Some(secret) = &kept.secret {
            self.of_secret.insert(secret.clone(), host.clone());
        }
        self.at.insert(host.clone(), self.slots.len());
        self.slots.push(Slot {
            host: host.clone(),
            kept,
            fresh_until: Instant::now() + FRESH,
            is_used: false,
        });
    }

    fn make_room(&mut self) {
        // Each step clears one mark, so that the second round finds one at the latest.
        loop {
            self.hand %= self.slots.len().max(1);
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.is_used => {
                    slot.is_used = false;
                    self.hand += 1;
                }
                Some(slot) => {
                    let host = slot.host.clone();
                    self.forget(&host);
                    return;
                }
                None => return,
            }
        }
    }

    fn forget(&mut self, host: &Host) {
        let Some(at) = self.at.remove(host) else {
            return;
        };
        let gone = self.slots.swap_remove(at);
        if let Some(moved) = self.slots.get(at) {
            self.at.insert(moved.host.clone(), at);
        }
        if let Some(secret) = &gone.kept.secret
            && self.of_secret.get(secret) == Some(host)
        {
            self.of_secret.remove(secret);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Seconds = 1_800_000_000;

    fn host(n: usize) -> Host {
        format!("h{n}.example.com").parse().unwrap()
    }

    fn kept(n: usize) -> Kept {
        Kept {
            body: Body::new(SecretSlice::from(format!("pair {n}").into_bytes())),
            not_after: NOW + 10,
            secret: Some(Key::new("shop", format!("domain-h{n}"))),
        }
    }

    fn read(cache: &Cache, n: usize) -> bool {
        cache.begins_reading(&host(n));
        cache.has_read(&host(n), Read::Pair(kept(n)))
    }

    fn body(cache: &Cache, n: usize) -> Option<String> {
        let hit = cache.get(&host(n), NOW)?;
        Some(String::from_utf8(hit.body.bytes().to_vec()).unwrap())
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_makes_room() {
        let cache = Cache::new(10);
        (0..10).for_each(|n| assert!(read(&cache, n)));
        for n in 10..1_000 {
            assert_eq!(body(&cache, 3).as_deref(), Some("pair 3"), "{n}");
            assert!(read(&cache, n));
            assert_eq!(cache.len(), 10);
            assert_eq!(body(&cache, n), Some(format!("pair {n}")));
        }
        let clock = cache.clock.lock().unwrap();
        assert_eq!(
            (clock.at.len(), clock.of_secret.len(), clock.reading.len()),
            (10, 10, 0)
        );
    }

    #[test]
    fn what_has_changed_is_forgotten_by_its_host_and_by_its_secret() {
        let cache = Cache::new(10);
        (0..3).for_each(|n| assert!(read(&cache, n)));
        cache.forget(&host(0));
        assert_eq!(cache.forget_secret(&Key::new("shop", "domain-h2")), Some(host(2)));
        assert_eq!(cache.forget_secret(&Key::new("shop", "domain-h2")), None);
        let there: Vec<bool> = (0..3).map(|n| body(&cache, n).is_some()).collect();
        assert_eq!(there, [false, true, false]);
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let cache = Cache::new(10);
        cache.begins_reading(&host(0));
        cache.forget(&host(0));
        assert!(!cache.has_read(&host(0), Read::Pair(kept(0))));
        cache.begins_reading(&host(0));
        cache.forget_secret(&Key::new("shop", "domain-h0"));
        assert!(!cache.has_read(&host(0), Read::Pair(kept(0))));
        assert_eq!(body(&cache, 0), None);
        assert!(read(&cache, 0));
    }

    #[test]
    fn an_expired_certificate_is_no_hit_and_nothing_of_a_key_is_shown() {
        let cache = Cache::new(10);
        assert!(read(&cache, 0));
        assert!(cache.get(&host(0), NOW + 10).is_some());
        assert!(cache.get(&host(0), NOW + 11).is_none());
        assert!(!format!("{cache:?}").contains("pair 0"));
        for (read, left) in [(Read::Failed, 1), (Read::Nothing, 0)] {
            cache.begins_reading(&host(0));
            assert!(cache.has_read(&host(0), read));
            assert_eq!(cache.len(), left);
        }
    }
}
