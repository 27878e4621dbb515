//! How often pairs are put back: a Secret that somebody deletes is served again at once, but two programs that undo each
//! other do so for ever.

use std::collections::{HashMap, VecDeque};

use crate::{
    object::{Key, Seconds},
    text::time::HOUR,
};

/// How often a pair is put back within an hour before there is a pause, unless a test wants fewer:
/// `KUBECTL_CERTS_TEST_RESTORES` in a build for tests.
fn at_once() -> usize {
    const AT_ONCE: usize = 30;
    #[cfg(debug_assertions)]
    if let Some(at_once) = std::env::var("KUBECTL_CERTS_TEST_RESTORES")
        .ok()
        .and_then(|at_once| at_once.parse().ok())
    {
        return at_once;
    }
    AT_ONCE
}

/// The pause, in seconds.
const PAUSE: Seconds = 300;

/// When pairs were put back, by Secret.
#[derive(Debug)]
pub struct Restores {
    at_once: usize,
    moments: HashMap<Key, VecDeque<Seconds>>,
}

/// A Secret whose pair was put back so often that it is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// How often its pair was put back within an hour.
    pub times: usize,
    /// Until when it is left alone, in seconds since 1970.
    pub until: Seconds,
}

impl Default for Restores {
    fn default() -> Self {
        Self {
            at_once: at_once(),
            moments: HashMap::new(),
        }
    }
}

impl Restores {
    /// Takes note of a pair that was put back.
    pub fn restored(&mut self, secret: &Key, now: Seconds) {
        let moments = self.moments.entry(secret.clone()).or_default();
        moments.push_back(now);
        while moments.front().is_some_and(|at| *at <= now.saturating_sub(HOUR)) {
            moments.pop_front();
        }
    }

    /// Whether the pair of a Secret is not put back now, because somebody undoes it again and again.
    pub fn undone(&self, secret: &Key, now: Seconds) -> Option<Undone> {
        let moments = self.moments.get(secret)?;
        let since = now.saturating_sub(HOUR);
        let times = moments.iter().filter(|at| **at > since).count();
        let until = moments.back()?.saturating_add(PAUSE);
        (times >= self.at_once && until > now).then_some(Undone { times, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::key;

    #[test]
    fn a_pair_is_put_back_at_once_until_somebody_undoes_it_again_and_again() {
        let (mut restores, secret) = (Restores::default(), key("shop", "shop-tls"));
        for number in 1..=30 {
            assert_eq!(restores.undone(&secret, number), None, "{number}");
            restores.restored(&secret, number);
        }
        // However soon it is wanted again.
        for now in [30, 31, 329] {
            assert_eq!(restores.undone(&secret, now), Some(Undone { times: 30, until: 330 }));
        }
        assert_eq!(restores.undone(&key("shop", "other-tls"), 31), None);
        // Once more, and then there is a pause again.
        assert_eq!(restores.undone(&secret, 330), None);
        restores.restored(&secret, 330);
        assert_eq!(restores.undone(&secret, 331), Some(Undone { times: 31, until: 630 }));
        assert_eq!(restores.undone(&secret, 330 + HOUR), None, "an hour later");
    }
}
