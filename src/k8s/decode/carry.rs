//! Collects an item that spans several frames.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use zeroize::Zeroize;

use super::DecodeError;

/// The largest item that is decoded, in bytes. etcd's default limit is 1.5 MiB, which is somewhat more in JSON.
pub const MAX_ITEM: usize = 8 << 20;

/// A bounded buffer. If its bytes are secret, it leaves no copy of them behind when it grows or is dropped.
#[derive(Default)]
pub(super) struct Carry {
    buffer: Buffer,
    /// The place to which a buffer returns after use, so that it can be used again.
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

/// A buffer in use by the caller.
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

    /// Hands over the collected bytes. The memory is used again once no part of it is in use.
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

    /// Makes room for `total` bytes, without leaving a copy of the present ones behind.
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

    /// Adds `more`. It is an error if the item becomes too large.
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
