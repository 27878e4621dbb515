//! What is kept of an item that spans frames.

use zeroize::Zeroize;

use super::DecodeError;

/// The largest item that is decoded, in bytes. etcd takes 1.5 MiB by default; JSON makes that somewhat more.
pub const MAX_ITEM: usize = 8 << 20;

/// A bounded buffer that leaves no copy of its bytes behind when it grows and when it is dropped, if they are secret.
#[derive(Default)]
pub(super) struct Carry {
    bytes: Vec<u8>,
    secret: bool,
}

impl Carry {
    pub(super) fn new(secret: bool) -> Self {
        Self {
            bytes: Vec::new(),
            secret,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Makes room for `total` bytes, without leaving a copy of those that are there.
    fn room(&mut self, total: usize) {
        if total <= self.bytes.capacity() {
            return;
        }
        let mut larger = Vec::with_capacity(total.max(self.bytes.capacity() * 2).max(4096));
        larger.extend_from_slice(&self.bytes);
        std::mem::swap(&mut self.bytes, &mut larger);
        if self.secret {
            larger.zeroize();
        }
    }

    /// Adds `more`; an error when that makes an item too large.
    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), DecodeError> {
        let total = self.bytes.len().saturating_add(more.len());
        if total > MAX_ITEM {
            return Err(DecodeError::TooLarge);
        }
        self.room(total);
        self.bytes.extend_from_slice(more);
        Ok(())
    }
}

impl Drop for Carry {
    fn drop(&mut self) {
        if self.secret {
            self.bytes.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_the_cap_and_not_beyond() {
        let mut carry = Carry::new(true);
        let half = vec![7; MAX_ITEM / 2];
        assert!(carry.push(&half).is_ok());
        assert!(carry.push(&half).is_ok());
        assert_eq!(carry.len(), MAX_ITEM);
        assert_eq!(carry.push(&[7]), Err(DecodeError::TooLarge));
        assert!(carry.bytes().iter().all(|b| *b == 7));
        carry.clear();
        assert!(carry.is_empty());
    }
}
