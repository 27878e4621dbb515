//! Nonces that are at hand (RFC 8555, section 6.5).

use std::sync::{Mutex, PoisonError};

/// More are never needed at once, and old ones go stale.
const CAP: usize = 64;

/// Nonces of answers, the newest on top: each is used once, so most requests need no other one before.
#[derive(Debug, Default)]
pub(super) struct Nonces(Mutex<Vec<String>>);

impl Nonces {
    pub(super) fn put(&self, nonce: Option<String>) {
        let Some(nonce) = nonce else { return };
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() == CAP {
            pool.remove(0);
        }
        pool.push(nonce);
    }

    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_nonce_is_used_first_and_once() {
        let nonces = Nonces::default();
        for n in 0..100 {
            nonces.put(Some(n.to_string()));
        }
        nonces.put(None);
        let taken: Vec<_> = std::iter::from_fn(|| nonces.take()).collect();
        assert_eq!((taken.len(), taken[0].as_str()), (CAP, "99"));
    }
}
