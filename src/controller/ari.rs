//! When the CA is asked whether certificates are to be renewed sooner (RFC 9773): twice to four times a day for each, spread over
//! the hours, and never in a row after a restart.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    object::{Key, Seconds},
    text::time::HOUR,
    x509::Fingerprint,
};

/// How often a certificate's window is asked for, in seconds.
const EACH: Seconds = 6 * HOUR;
/// The first question comes this much later at least: the window of a certificate that was stored just now was noted
/// with it.
const FIRST: Seconds = 3 * HOUR;
/// The longest pause that a CA's Retry-After is followed in, in seconds.
const LONGEST: Seconds = 24 * HOUR;
/// How many questions are under way at once.
pub const AT_ONCE: usize = 4;

/// The certificates, and when each is asked for.
#[derive(Debug, Default)]
pub struct Ari {
    due: BTreeSet<(Seconds, Arc<Key>)>,
    of: HashMap<Arc<Key>, (Seconds, Fingerprint)>,
    under_way: usize,
}

impl Ari {
    /// Takes note of the certificate that a Secret has.
    pub fn keep(&mut self, secret: &Arc<Key>, certificate: Fingerprint, now: Seconds) {
        if self.of.get(secret).is_some_and(|(_, known)| *known == certificate) {
            return;
        }
        self.forget(secret);
        self.put(
            secret,
            certificate,
            now.saturating_add(FIRST + share(&certificate, EACH - FIRST)),
        );
    }

    /// The certificate that a Secret has, if it is kept.
    pub fn certificate_of(&self, secret: &Key) -> Option<Fingerprint> {
        self.of.get(secret).map(|(_, certificate)| *certificate)
    }

    /// Forgets a Secret. Returns the certificate that it had.
    pub fn forget(&mut self, secret: &Key) -> Option<Fingerprint> {
        let (shared, (at, certificate)) = self.of.remove_entry(secret)?;
        self.due.remove(&(at, shared));
        Some(certificate)
    }

    /// The next certificate to ask for; the answer has to be reported.
    pub fn next(&mut self, now: Seconds) -> Option<(Arc<Key>, Fingerprint)> {
        if self.under_way >= AT_ONCE || self.due.first().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (_, secret) = self.due.pop_first()?;
        let (at, certificate) = self.of.get_mut(&secret)?;
        // Should the answer never come, it is asked for again.
        *at = now.saturating_add(EACH);
        let (at, certificate) = (*at, *certificate);
        self.due.insert((at, Arc::clone(&secret)));
        self.under_way += 1;
        Some((secret, certificate))
    }

    /// Takes note of an answer: when the CA asks to come back, in seconds from now; `None` if there was no answer.
    pub fn answered(
        &mut self,
        secret: &Arc<Key>,
        certificate: Fingerprint,
        retry_after: Option<Seconds>,
        now: Seconds,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.of.get(secret).is_some_and(|(_, known)| *known == certificate) {
            self.forget(secret);
            let pause = retry_after.unwrap_or(EACH).clamp(EACH / 2, LONGEST);
            self.put(secret, certificate, now.saturating_add(pause));
        }
    }

    /// When the next certificate is asked for; `None` if none is, or if enough are asked for already.
    pub fn next_wake(&self) -> Option<Seconds> {
        let first = self.due.first().map(|(at, _)| *at);
        first.filter(|_| self.under_way < AT_ONCE)
    }

    fn put(&mut self, secret: &Arc<Key>, certificate: Fingerprint, at: Seconds) {
        self.due.insert((at, Arc::clone(secret)));
        self.of.insert(Arc::clone(secret), (at, certificate));
    }
}

/// A share of a length that is always the same for a certificate, in seconds.
fn share(certificate: &Fingerprint, length: Seconds) -> Seconds {
    let number = certificate
        .0
        .iter()
        .take(4)
        .fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    number.saturating_mul(length) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::key;

    fn digest(seed: &str) -> Fingerprint {
        Fingerprint::of(seed.as_bytes())
    }

    #[test]
    fn ten_thousand_certificates_are_asked_for_evenly_and_none_in_the_first_hours() {
        let mut ari = Ari::default();
        for number in 0..10_000 {
            ari.keep(
                &Arc::new(key("shop", &format!("s{number}"))),
                digest(&number.to_string()),
                0,
            );
        }
        assert_eq!(ari.next(FIRST - 1), None);
        let mut by_hour = [0_u32; 12];
        let mut now = 0;
        while now < 12 * HOUR {
            while let Some((secret, certificate)) = ari.next(now) {
                ari.answered(&secret, certificate, Some(EACH), now);
                by_hour[usize::try_from(now / HOUR).unwrap()] += 1;
            }
            now += 60;
        }
        assert_eq!(by_hour[..3], [0, 0, 0]);
        let fits = |count: &u32| (3_100..3_600).contains(count);
        assert!(
            by_hour[3..6].iter().all(fits) && by_hour[9..].iter().all(fits),
            "{by_hour:?}"
        );
    }

    #[test]
    fn few_are_asked_for_at_once_and_a_lost_answer_is_asked_for_again() {
        let mut ari = Ari::default();
        for number in 0..10 {
            ari.keep(
                &Arc::new(key("shop", &format!("s{number}"))),
                digest(&number.to_string()),
                0,
            );
        }
        let taken: Vec<_> = std::iter::from_fn(|| ari.next(EACH)).collect();
        assert_eq!((taken.len(), ari.next_wake()), (AT_ONCE, None));
        for (secret, certificate) in &taken {
            ari.answered(secret, *certificate, None, EACH);
        }
        assert!(ari.next_wake().is_some_and(|at| at <= EACH));
        // A CA that asks to come back in a second is not asked a thousand times a day, nor in a year.
        let (secret, certificate) = &taken[0];
        for (asked, expected) in [(1, EACH / 2), (365 * 24 * HOUR, LONGEST)] {
            ari.answered(secret, *certificate, Some(asked), 0);
            assert_eq!(ari.of[secret].0, expected);
        }
        // Another certificate in the Secret begins anew.
        ari.keep(secret, digest("new"), 0);
        ari.answered(secret, *certificate, Some(EACH), 0);
        assert!(ari.of[secret].0 < EACH && ari.forget(secret) == Some(digest("new")));
    }
}
