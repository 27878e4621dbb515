//! What is kept of an item that spans frames.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use zeroize::Zeroize;

use super::DecodeError;

/// The largest item that is decoded, in bytes. etcd takes 1.5 MiB by default; JSON makes that somewhat more.
pub const MAX_ITEM: usize = 8 << 20;

/// A bounded buffer that leaves no copy of its bytes behind when it grows and when it is dropped, if they are secret.
#[derive(Default)]
pub(super) struct Carry {
    buffer: Buffer,
    /// Where a buffer that was handed over comes back to, to be used again.
    back: Arc<Mutex<Option<Buffer>>>,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    secret: bool,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.secret {
            self.bytes.zeroize();
        }
    }
}

/// A buffer that was handed over.
struct Lent {
    buffer: Buffer,
    back: Arc<Mutex<Option<Buffer>>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(buffer);
    }
}

impl Carry {
    pub(super) fn new(secret: bool) -> Self {
        Self {
            buffer: Buffer {
                bytes: Vec::new(),
                secret,
            },
            back: Arc::default(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buffer.bytes.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.buffer.bytes.clear();
    }

    /// Hands over what was gathered. The memory is used again when nobody uses a part of it any more.
    pub(super) fn take(&mut self) -> Bytes {
        let secret = self.buffer.secret;
        let next = Buffer {
            bytes: Vec::new(),
            secret,
        };
        Bytes::from_owner(Lent {
            buffer: std::mem::replace(&mut self.buffer, next),
            back: Arc::clone(&self.back),
        })
    }

    /// Makes room for `total` bytes, without leaving a copy of those that are there.
    fn room(&mut self, total: usize) {
        if self.buffer.bytes.capacity() == 0
            && let Some(mut back) = self.back.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            back.bytes.clear();
            self.buffer = back;
        }
        let bytes = &mut self.buffer.bytes;
        if total <= bytes.capacity() {
            return;
        }
        let mut larger = Vec::with_capacity(total.max(bytes.capacity() * 2).max(4096));
        larger.extend_from_slice(bytes);
        std::mem::swap(bytes, &mut larger);
        if self.buffer.secret {
            larger.zeroize();
        }
    }

    /// Adds `more`; an error when that makes an item too large.
    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), DecodeError> {
        let total = self.len().saturating_add(more.len());
        if total > MAX_ITEM {
            return Err(DecodeError::TooLarge);
        }
        self.room(total);
        self.buffer.bytes.extend_from_slice(more);
        Ok(())
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

    #[test]
    fn what_was_handed_over_is_used_again_when_nobody_needs_it() {
        let mut carry = Carry::new(true);
        assert!(carry.push(b"one").is_ok());
        let one = carry.take();
        let place = one.as_ptr();
        let part = one.slice(1..);
        drop(one);
        assert!(carry.is_empty() && carry.push(b"two").is_ok());
        assert_ne!(carry.bytes().as_ptr(), place, "a part of it is still used");
        assert_eq!((&part[..], carry.bytes()), (&b"ne"[..], &b"two"[..]));
        drop(part);
        drop(carry.take());
        assert!(carry.push(b"three").is_ok());
        assert_eq!(carry.bytes(), b"three");
    }
}
