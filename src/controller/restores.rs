//! How often pairs are put back: a Secret that somebody deletes is served again at once, but two programs that undo each
//! other do so for ever.

use std::collections::{HashMap, VecDeque};

use crate::{
    object::{Key, Seconds},
    text::time::HOUR,
};

/// How often a pair is put back within an hour before there is a pause.
const AT_ONCE: usize = 30;
/// The pause, in seconds.
const PAUSE: Seconds = 300;

/// When pairs were put back, by Secret.
#[derive(Debug, Default)]
pub struct Restores(HashMap<Key, VecDeque<Seconds>>);

impl Restores {
    /// Takes note of a pair that was put back. Returns until when the Secret is then left alone, if it is.
    pub fn restored(&mut self, secret: &Key, now: Seconds) -> Option<Seconds> {
        let moments = self.0.entry(secret.clone()).or_default();
        moments.push_back(now);
        while moments.front().is_some_and(|at| *at <= now.saturating_sub(HOUR)) {
            moments.pop_front();
        }
        (moments.len() >= AT_ONCE).then(|| now.saturating_add(PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::key;

    #[test]
    fn a_pair_is_put_back_at_once_until_somebody_undoes_it_again_and_again() {
        let (mut restores, secret) = (Restores::default(), key("shop", "shop-tls"));
        for number in 1..30 {
            assert_eq!(restores.restored(&secret, number), None, "{number}");
        }
        assert_eq!(restores.restored(&secret, 30), Some(330));
        assert_eq!(restores.restored(&key("shop", "other-tls"), 30), None);
        assert_eq!(restores.restored(&secret, 30 + HOUR), None, "an hour later");
    }
}
