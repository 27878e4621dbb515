//! The payload of a file: chunks of 64 KiB, each sealed under a counter, the last one marked (STREAM).

use aws_lc_rs::{
    aead::{Aad, Nonce},
    rand::fill,
};
use zeroize::Zeroizing;

use super::{AgeError, FileKey, cipher, derived};

/// How long a chunk of plain text is; each but the last is that long.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const NONCE: usize = 16;

/// The nonce of a chunk: an 11-byte counter, and whether it is the last.
fn nonce(counter: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&counter.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Appends the payload to a file.
pub(super) fn seal(key: &FileKey, plain: &[u8], file: &mut Vec<u8>) -> Result<(), AgeError> {
    let mut salt = [0; NONCE];
    fill(&mut salt).map_err(|_| AgeError::Crypto)?;
    file.extend_from_slice(&salt);
    let cipher = cipher(&derived(&salt, b"payload", &**key)?)?;
    // An empty text is one empty chunk.
    let chunks = plain.chunks(CHUNK).chain(plain.is_empty().then_some(&[][..]));
    let count = plain.len().div_ceil(CHUNK).max(1) as u64;
    for (counter, chunk) in (0..).zip(chunks) {
        let mut sealed = Zeroizing::new(Vec::with_capacity(chunk.len() + TAG));
        sealed.extend_from_slice(chunk);
        cipher
            .seal_in_place_append_tag(nonce(counter, counter + 1 == count), Aad::empty(), &mut *sealed)
            .map_err(|_| AgeError::Crypto)?;
        file.extend_from_slice(&sealed);
    }
    Ok(())
}

/// Decrypts a payload to its end.
pub(super) fn open(key: &FileKey, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let cut = AgeError::Malformed("it is cut off, or was changed");
    let (salt, sealed) = payload.split_at_checked(NONCE).ok_or_else(|| cut.clone())?;
    let cipher = cipher(&derived(salt, b"payload", &**key)?)?;
    let count = sealed.len().div_ceil(CHUNK + TAG) as u64;
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    for (counter, chunk) in (0..).zip(sealed.chunks(CHUNK + TAG)) {
        let mut chunk = Zeroizing::new(chunk.to_vec());
        let last = counter + 1 == count;
        let opened = cipher.open_in_place(nonce(counter, last), Aad::empty(), &mut chunk);
        let opened = opened.map_err(|_| cut.clone())?;
        // Only the chunk of an empty text is empty.
        if opened.is_empty() && count > 1 {
            return Err(cut);
        }
        plain.extend_from_slice(opened);
    }
    if count == 0 { Err(cut) } else { Ok(plain) }
}
